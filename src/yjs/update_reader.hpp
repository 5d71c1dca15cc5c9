#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "yjs/any.hpp"
#include "yjs/columns.hpp"
#include "yjs/structs.hpp"

namespace tandem::yjs {

/// Reads the fields of structs from the first encoding.
class FieldReaderV1 {
  public:
    base::Status open(std::string_view update) {
        rest = Input(update);
        return {};
    }
    bool ok() const { return rest.ok(); }

    uint64_t client() {
        // Mostly the one before, whose bytes are known.
        if (client_size_ != 0 && rest.skip_known(client_word_, client_size_)) return client_;
        const char* from = rest.position();
        client_ = rest.var_uint();
        client_size_ = static_cast<size_t>(rest.position() - from);
        if (std::endian::native != std::endian::little || !rest.ok() ||
            client_size_ > sizeof(client_word_))
            client_size_ = 0;
        client_word_ = 0;
        if (client_size_ > 0) std::memcpy(&client_word_, from, client_size_);
        return client_;
    }
    Id left_id() { return id(); }
    Id right_id() { return id(); }
    uint8_t info() { return rest.u8(); }
    bool parent_is_root() { return rest.var_uint() == 1; }
    std::string_view string(size_t& units) {
        std::string_view text = rest.var_bytes();
        units = utf16_length(text);
        if (units == kNotUtf8) rest.fail();
        return text;
    }
    std::string_view key() {
        size_t units = 0;
        return string(units);
    }
    uint32_t len() { return rest.var_uint32(); }
    uint8_t type_ref() {
        uint64_t ref = rest.var_uint();
        return ref > 6 ? UINT8_MAX : static_cast<uint8_t>(ref);
    }
    /// A JSON text in this encoding, an `any` in the other.
    bool json(Buffer& out) {
        if (!append_any_of_json(rest.var_bytes(), out)) rest.fail();
        return rest.ok();
    }

    void begin_deletes() {}
    uint32_t delete_clock() { return rest.var_uint32(); }
    uint32_t delete_len() { return rest.var_uint32(); }

    Input rest;

  private:
    Id id() {
        const uint64_t id = client();
        return {id, rest.var_uint32()};
    }

    uint64_t client_ = 0;
    uint64_t client_word_ = 0;
    size_t client_size_ = 0;
};

/// Reads the fields of structs from the columns of the second encoding.
class FieldReaderV2 {
  public:
    base::Status open(std::string_view update);
    bool ok() const {
        return rest.ok() && key_clock_.ok() && client_.ok() && left_clock_.ok() &&
               right_clock_.ok() && info_.ok() && parent_info_.ok() && type_ref_.ok() &&
               len_.ok() && lengths_.ok();
    }

    uint64_t client() { return client_.read(); }
    Id left_id() {
        uint64_t client = client_.read();
        return {client, left_clock_.read()};
    }
    Id right_id() {
        uint64_t client = client_.read();
        return {client, right_clock_.read()};
    }
    uint8_t info() { return info_.read(); }
    bool parent_is_root() { return parent_info_.read() == 1; }
    std::string_view string(size_t& units);
    std::string_view key();
    uint32_t len() {
        uint64_t value = len_.read();
        if (value > UINT32_MAX) {
            rest.fail();
            return 0;
        }
        return static_cast<uint32_t>(value);
    }
    uint8_t type_ref() {
        uint64_t ref = type_ref_.read();
        return ref > 6 ? UINT8_MAX : static_cast<uint8_t>(ref);
    }
    bool json(Buffer& out) { return copy_any(rest, out); }

    void begin_deletes() { delete_end_ = 0; }
    uint32_t delete_clock() { return advance(rest.var_uint()); }
    uint32_t delete_len() {
        uint64_t len = rest.var_uint() + 1;
        advance(len);
        return static_cast<uint32_t>(len);
    }

    Input rest;

  private:
    uint32_t advance(uint64_t by) {
        delete_end_ += by;
        if (delete_end_ > UINT32_MAX || by > UINT32_MAX) {
            rest.fail();
            delete_end_ = 0;
        }
        return static_cast<uint32_t>(delete_end_);
    }

    IntDiffOptRleReader key_clock_;
    UintOptRleReader client_;
    IntDiffOptRleReader left_clock_;
    IntDiffOptRleReader right_clock_;
    RleReader info_;
    RleReader parent_info_;
    UintOptRleReader type_ref_;
    UintOptRleReader len_;

    std::string_view strings_;
    bool strings_are_ascii_ = false;
    /// The cut before lies inside a surrogate pair, whose second half comes next.
    bool in_pair_ = false;
    UintOptRleReader lengths_;
    std::vector<std::string_view> keys_;
    std::forward_list<std::string> repaired_;
    uint64_t delete_end_ = 0;
};

/// The structs of an update, one after the other, in the order in which they were written. Views in
/// a RawStruct live as long as the update's bytes and the reader.
template <class Fields>
class StructReader {
  public:
    /// Errors: `malformed`; `too_large` (detail: `structs_max` of its bytes), then or later.
    base::Status open(std::string_view update);
    /// The next struct, or null at the end or on an error, which `status` tells apart.
    const RawStruct* next();
    const RawStruct* current() const { return has_current_ ? &current_ : nullptr; }
    base::Status status() const;
    /// At least the current struct and those that follow it of the same client, but no more than
    /// the bytes that are left: a claim that costs memory only as far as the update pays for it.
    size_t struct_count() const {
        return std::min<size_t>(structs_left_ + (has_current_ ? 1 : 0), in_.rest.remaining());
    }

    /// For every range of the delete set, which follows the structs. May be called once, when
    /// `next` has come to the end. `visit(client, clock, len)`.
    template <class Visit>
    base::Status deletes(Visit&& visit);

    /// Forgets what earlier structs' views needed beyond the update's own bytes.
    void release() { owned_.clear(); }

  private:
    void read_struct();
    void read_content(Kind kind);
    /// The canonical form of `count` values: the input's own bytes where they are canonical.
    std::string_view canonical(uint64_t count);
    std::string_view keep(const Buffer& bytes) { return owned_.emplace_front(bytes.view()); }

    Fields in_;
    RawStruct current_;
    bool has_current_ = false;
    uint64_t clients_left_ = 0;
    uint64_t structs_left_ = 0;
    uint64_t structs_max_ = 0;
    uint64_t structs_ = 0;  ///< read so far
    uint64_t client_ = 0;
    uint64_t clock_ = 0;
    bool is_too_large_ = false;
    Buffer scratch_;
    /// A list, since an empty one takes nothing from the heap and each small update has its reader.
    std::forward_list<std::string> owned_;
};

extern template class StructReader<FieldReaderV1>;
extern template class StructReader<FieldReaderV2>;

template <class Fields>
template <class Visit>
base::Status StructReader<Fields>::deletes(Visit&& visit) {
    uint64_t clients = in_.rest.var_uint();
    for (uint64_t i = 0; i < clients && in_.ok(); ++i) {
        in_.begin_deletes();
        uint64_t client = in_.rest.var_uint();
        uint64_t ranges = in_.rest.var_uint();
        for (uint64_t j = 0; j < ranges && in_.ok(); ++j) {
            uint32_t clock = in_.delete_clock();
            uint32_t len = in_.delete_len();
            if (len > UINT32_MAX - clock) in_.rest.fail();
            if (in_.ok()) visit(client, clock, len);
        }
    }
    // Yjs passes over what follows; here it would hide that the encoding is not the one expected.
    if (!in_.rest.at_end()) in_.rest.fail();
    return status();
}

}  // namespace tandem::yjs
