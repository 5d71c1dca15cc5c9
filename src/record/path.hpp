#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::record {

/// One step of a path: a key of a map or an item of a list.
struct Segment {
    enum class Kind : uint8_t { key = 0, item = 1 };
    Kind kind = Kind::key;
    std::string name;
    bool is_item() const { return kind == Kind::item; }
    friend auto operator<=>(const Segment&, const Segment&) = default;
    friend bool operator==(const Segment&, const Segment&) = default;
};

/// From the root to a node; empty for the root itself.
using Path = std::vector<Segment>;

/// Text form as in docs/merge.md, section 1. Fails with `bad_path`.
[[nodiscard]] base::Result<Path> parse_path(std::string_view text);
/// Text of a path found in a document; see `decode_path_below`.
[[nodiscard]] base::Result<Path> parse_path_below(std::string_view text);
void append_path(std::string& out, const Path& path);
std::string to_text(const Path& path);
/// False for more than 32 segments, for a name that is no key and for the key `id` below an item.
bool is_valid(const Path& path);
/// Binary form: of each segment the varint `length * 2 + is_item`, then the name. Fails with
/// `bad_path` for a path that is not valid.
void encode_path(std::string& out, const Path& path);
[[nodiscard]] base::Result<Path> decode_path(std::string_view bytes);
/// The same for a path that we found in a document, which may go on below an op's path by as much
/// as the op's value was deep.
[[nodiscard]] base::Result<Path> decode_path_below(std::string_view bytes);
/// True when `prefix` is `path` or an ancestor of it.
bool covers(const Path& prefix, const Path& path);

}  // namespace tandem::record
