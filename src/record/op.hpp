#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/value.hpp"
#include "clock/stamp.hpp"
#include "record/path.hpp"

namespace tandem::record {

/// Which entry wrote something. Actor 0 in an op that a client has queued means "mine".
struct Dot {
    uint64_t actor = 0;
    uint64_t counter = 0;
    friend auto operator<=>(const Dot&, const Dot&) = default;
};

/// The view on which an op was made. Epoch 0 stands for the channel's newest epoch.
struct Cursor {
    uint64_t epoch = 0;
    uint64_t seq = 0;
    friend bool operator==(const Cursor&, const Cursor&) = default;
};

enum class Kind : uint8_t { none = 0, map = 1, list = 2, set = 3, counter = 4, reg = 5 };

enum class Resolver : uint8_t {
    keep = 0,  ///< of an op: leave the node's as it is
    lww = 1,
    max = 2,
    min = 3,
    mean = 4,
    set_union = 5,
    text3 = 6,
    manual = 7,
    agent = 8,
};

enum class OpKind : uint8_t {
    set = 1,
    remove_node = 2,  ///< `delete` on the wire
    assign = 3,
    inc = 4,
    counter_set = 5,
    add = 6,
    remove = 7,
    insert = 8,
    move = 9,
};

/// One op as docs/merge.md, section 3, describes it. `base` is what the author sent;
/// `seen_seq` is what it counts as in this channel's log, fixed before the append.
struct Op {
    OpKind kind = OpKind::set;
    Path path;
    base::Value value;     ///< set, assign, add, remove, insert; number for inc and counter_set
    std::string position;  ///< insert, move
    Dot generation;        ///< counter_set
    int64_t seen = 0;      ///< counter_set: the value that its author saw
    Cursor base;
    uint64_t seen_seq = 0;
    Resolver resolver = Resolver::keep;
    bool is_declared = false;
    bool is_decision = false;  ///< set: it settles a conflict, and its author saw all of it
};

/// One element of a channel's log.
struct Entry {
    uint64_t seq = 0;
    uint64_t actor = 0;
    uint64_t counter = 0;
    clock::Stamp stamp;
    bool own = true;     ///< an outbox actor: what it wrote before, it has seen
    uint64_t floor = 0;  ///< not 0: moves the floor, and there are no ops
    uint64_t wall_ms =
        0;  ///< the server's clock at the append, for people and retention; apply ignores it
    std::vector<Op> ops;
};

/// Binary body of a list of ops, as in `tandem.v1.Op`. With `Form::pushed` the base cursor is
/// written, with `Form::logged` seen_seq, resolver and declared.
enum class Form : uint8_t { pushed, logged };
inline constexpr size_t kPositionBytesMax = 256;
void encode_ops(std::string& out, const std::vector<Op>& ops, Form form);
[[nodiscard]] base::Result<std::vector<Op>> decode_ops(std::string_view bytes, Form form);

/// The JSON form of the same (see docs/protocol.md). Ids and positions may be missing in what a
/// person sends; the server fills them in.
[[nodiscard]] base::Result<Op> op_from_json(const base::Value& json);
void append_op_json(std::string& out, const Op& op, Form form);

/// Checks what both forms have in common: the path fits the kind, the value has the type it needs,
/// its keys may become names of fields, and numbers are in range.
[[nodiscard]] base::Result<void> check_op(const Op& op);

std::string_view name_of(OpKind kind);
std::string_view name_of(Kind kind);
std::string_view name_of(Resolver resolver);

}  // namespace tandem::record
