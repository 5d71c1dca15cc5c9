#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "yjs/any.hpp"
#include "yjs/buffer.hpp"
#include "yjs/columns.hpp"
#include "yjs/structs.hpp"

namespace tandem::yjs {

/// Writes the fields of structs in the first encoding.
class FieldWriterV1 {
  public:
    void client(uint64_t client) { rest.var_uint(client); }
    void left_id(const Id& id) { write_id(id); }
    void right_id(const Id& id) { write_id(id); }
    void info(uint8_t value) { rest.u8(value); }
    void parent_is_root(bool is_root) { rest.var_uint(is_root ? 1 : 0); }
    void string(std::string_view text) { rest.var_bytes(text); }
    void string(std::string_view text, uint64_t /*units*/) { rest.var_bytes(text); }
    void key(std::string_view text) { rest.var_bytes(text); }
    void len(uint64_t len) { rest.var_uint(len); }
    void type_ref(TypeKind kind) { rest.var_uint(static_cast<uint8_t>(kind)); }
    void json(std::string_view any) {
        json_.clear();
        append_json_of_any(any, json_);
        rest.var_bytes(json_);
    }

    void begin_deletes() {}
    void delete_range(uint32_t clock, uint32_t len) {
        rest.var_uint(clock);
        rest.var_uint(len);
    }

    /// Appends everything to `out`.
    void finish(Buffer& out) { out.bytes(rest.view()); }
    void clear() { rest.clear(); }

    Buffer rest;

  private:
    void write_id(const Id& id) {
        rest.var_uint(id.client);
        rest.var_uint(id.clock);
    }

    std::string json_;
};

/// Writes the fields of structs into the columns of the second encoding.
class FieldWriterV2 {
  public:
    void client(uint64_t client) { client_.write(client); }
    void left_id(const Id& id) {
        client_.write(id.client);
        left_clock_.write(id.clock);
    }
    void right_id(const Id& id) {
        client_.write(id.client);
        right_clock_.write(id.clock);
    }
    void info(uint8_t value) { info_.write(value); }
    void parent_is_root(bool is_root) { parent_info_.write(is_root ? 1 : 0); }
    void string(std::string_view text) { strings_.write(text, utf16_length(text)); }
    void string(std::string_view text, uint64_t units) { strings_.write(text, units); }
    /// Yjs could refer back to an earlier key, but never does.
    void key(std::string_view text) {
        key_clock_.write(next_key_++);
        string(text);
    }
    void len(uint64_t len) { len_.write(len); }
    void type_ref(TypeKind kind) { type_ref_.write(static_cast<uint8_t>(kind)); }
    void json(std::string_view any) { rest.bytes(any); }

    void begin_deletes() { delete_end_ = 0; }
    void delete_range(uint32_t clock, uint32_t len) {
        rest.var_uint(clock - delete_end_);
        rest.var_uint(len - 1);
        delete_end_ = clock + len;
    }

    void finish(Buffer& out);
    void clear();

    Buffer rest;

  private:
    IntDiffOptRleWriter key_clock_;
    UintOptRleWriter client_;
    IntDiffOptRleWriter left_clock_;
    IntDiffOptRleWriter right_clock_;
    RleWriter info_;
    StringColumnWriter strings_;
    RleWriter parent_info_;
    UintOptRleWriter type_ref_;
    UintOptRleWriter len_;
    int64_t next_key_ = 0;
    uint32_t delete_end_ = 0;
};

/// The part of a content after its first `offset` clocks.
Content content_from(const Content& content, uint32_t offset, std::string& repaired);

/// Writes what `content` holds, without its kind.
template <class Fields>
void write_content(Fields& out, const Content& content);

/// Writes one struct without its first `offset` clocks.
template <class Fields>
void write_struct(Fields& out, const RawStruct& item, uint32_t offset);

inline uint8_t info_byte(Kind kind, bool has_origin, bool has_right_origin, bool has_key) {
    return static_cast<uint8_t>(static_cast<uint8_t>(kind) | (has_origin ? 0x80 : 0) |
                                (has_right_origin ? 0x40 : 0) | (has_key ? 0x20 : 0));
}

extern template void write_content(FieldWriterV1&, const Content&);
extern template void write_content(FieldWriterV2&, const Content&);
extern template void write_struct(FieldWriterV1&, const RawStruct&, uint32_t);
extern template void write_struct(FieldWriterV2&, const RawStruct&, uint32_t);

}  // namespace tandem::yjs
