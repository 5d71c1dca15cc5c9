#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace tandem::record {

/// Protobuf fields as the codecs of this folder write them. A field that is left out reads as zero.
class FieldWriter {
  public:
    explicit FieldWriter(std::string& out) : writer_(out) {}

    void varint(uint32_t field, uint64_t value) {
        writer_.varint(uint64_t{field} << 3);
        writer_.varint(value);
    }
    void varint_if(uint32_t field, uint64_t value) {
        if (value != 0) varint(field, value);
    }
    void zigzag_if(uint32_t field, int64_t value) { varint_if(field, base::zigzag_encode(value)); }
    void fixed64_if(uint32_t field, uint64_t value) {
        if (value == 0) return;
        writer_.varint((uint64_t{field} << 3) | 1);
        writer_.fixed64(value);
    }
    void bytes(uint32_t field, std::string_view value) {
        writer_.varint((uint64_t{field} << 3) | 2);
        writer_.sized(value);
    }
    void bytes_if(uint32_t field, std::string_view value) {
        if (!value.empty()) bytes(field, value);
    }

  private:
    base::Writer writer_;
};

/// One field of a message: its number and, by wire type, a number or bytes. Borrowed.
struct Field {
    uint32_t number = 0;
    uint8_t wire_type = 0;
    uint64_t value = 0;
    std::string_view bytes;

    bool is_varint() const { return wire_type == 0; }
    bool is_fixed64() const { return wire_type == 1; }
    bool is_bytes() const { return wire_type == 2; }
};

inline base::Result<Field> read_field(base::Reader& reader) {
    Field field;
    TANDEM_TRY(uint64_t tag, reader.varint_max((uint64_t{1} << 32) - 1));
    field.number = static_cast<uint32_t>(tag >> 3);
    field.wire_type = static_cast<uint8_t>(tag & 7);
    if (field.number == 0) return base::ErrorCode::malformed;
    switch (field.wire_type) {
        case 0: {
            TANDEM_TRY(field.value, reader.varint());
            break;
        }
        case 1: {
            TANDEM_TRY(field.value, reader.fixed64());
            break;
        }
        case 2: {
            TANDEM_TRY(field.bytes, reader.sized(reader.remaining()));
            break;
        }
        case 5: {
            TANDEM_TRY(field.value, reader.fixed32());
            break;
        }
        default:
            return base::ErrorCode::malformed;
    }
    return field;
}

}  // namespace tandem::record
