#include "yjs/columnar.hpp"

#include <lz4.h>
#include <lz4hc.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "yjs/input.hpp"

namespace tandem::yjs::columnar {

namespace {

constexpr uint8_t kColumnsAreCompressed = 0x01;
constexpr uint8_t kContentsAreCompressed = 0x02;
constexpr uint8_t kVersionShift = 2;
/// No varUint in its fewest bytes ends with it.
constexpr char kSecondByte = 0;
constexpr size_t kHeadBytes = 6;
/// What a byte of LZ4 can stand for at most.
constexpr size_t kRatioMax = 255;
/// Above it the time to compress grows and little is saved; to decompress takes the same.
constexpr int kLevel = 4;
constexpr size_t kCompressedFrom = 128;

uint64_t little_endian(const char* at, size_t count) {
    uint64_t word = 0;
    for (size_t i = 0; i < count; ++i)
        word |= static_cast<uint64_t>(static_cast<uint8_t>(at[i])) << (8 * i);
    return word;
}

uint64_t little_endian64(const char* at) {
    if constexpr (std::endian::native == std::endian::little) {
        uint64_t word;
        std::memcpy(&word, at, sizeof(word));
        return word;
    } else {
        return little_endian(at, 8);
    }
}

uint64_t mix(uint64_t state, uint64_t word) {
    state = (state ^ word) * 0x9e3779b97f4a7c15;
    return state ^ (state >> 29);
}

// Finds damage, not malice: two sums of words, so that neither waits for the other.
uint32_t checksum(uint8_t first, std::string_view bytes) {
    uint64_t even = first;
    uint64_t odd = bytes.size();
    const char* at = bytes.data();
    size_t left = bytes.size();
    for (; left >= 16; left -= 16, at += 16) {
        even = mix(even, little_endian64(at));
        odd = mix(odd, little_endian64(at + 8));
    }
    const size_t half = left < 8 ? left : 8;
    even = mix(even, little_endian(at, half));
    odd = mix(odd, little_endian(at + half, left - half));
    const uint64_t both = mix(even, odd);
    return static_cast<uint32_t>(both ^ (both >> 32));
}

// Empty where it is not worth it.
std::string compressed(std::string_view bytes) {
    if (bytes.size() < kCompressedFrom || bytes.size() > LZ4_MAX_INPUT_SIZE) return {};
    // Into less room than the bytes have, so that it fails where nothing is saved.
    std::string out(bytes.size() - 1, '\0');
    const int size = LZ4_compress_HC(bytes.data(), out.data(), static_cast<int>(bytes.size()),
                                     static_cast<int>(out.size()), kLevel);
    out.resize(static_cast<size_t>(std::max(size, 0)));
    return out;
}

/// Whether bytes can unfold into so many; asked before room is made for them.
bool can_unfold(std::string_view bytes, uint64_t size) {
    return size <= LZ4_MAX_INPUT_SIZE && bytes.size() <= LZ4_MAX_INPUT_SIZE &&
           size / kRatioMax <= bytes.size();
}

bool decompress(std::string_view bytes, char* out, uint64_t size) {
    return LZ4_decompress_safe(bytes.data(), out, static_cast<int>(bytes.size()),
                               static_cast<int>(size)) == static_cast<int>(size);
}

}  // namespace

bool is_columnar(std::string_view bytes) {
    return bytes.size() >= 2 && (static_cast<uint8_t>(bytes[0]) & 0x80) != 0 &&
           bytes[1] == kSecondByte;
}

std::string pack(std::string_view columns, std::string_view contents) {
    const std::string small_columns = compressed(columns);
    const std::string small_contents = compressed(contents);
    uint8_t first = 0x80 | (kVersion << kVersionShift);
    Buffer body;
    if (!small_columns.empty()) {
        first |= kColumnsAreCompressed;
        body.var_uint(columns.size());
    }
    body.var_bytes(small_columns.empty() ? columns : small_columns);
    if (!small_contents.empty()) {
        first |= kContentsAreCompressed;
        body.var_uint(contents.size());
    }
    body.bytes(small_contents.empty() ? contents : small_contents);
    std::string out;
    out.reserve(kHeadBytes + body.size());
    out.push_back(static_cast<char>(first));
    out.push_back(kSecondByte);
    const uint32_t sum = checksum(first, body.view());
    for (uint32_t shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<char>(sum >> shift));
    out += body.view();
    return out;
}

base::Result<Parts> unpack(std::string_view bytes) {
    const base::Error malformed = base::fail(base::ErrorCode::malformed);
    if (!is_columnar(bytes) || bytes.size() < kHeadBytes) return malformed;
    const auto first = static_cast<uint8_t>(bytes[0]);
    if ((first & 0x7f) >> kVersionShift != kVersion) return malformed;
    const std::string_view body = bytes.substr(kHeadBytes);
    if (checksum(first, body) != little_endian(bytes.data() + 2, 4)) return malformed;
    Input in(body);
    Parts parts;
    const bool are_columns_small = (first & kColumnsAreCompressed) != 0;
    const uint64_t columns_size = are_columns_small ? in.var_uint() : 0;
    const std::string_view columns = in.var_bytes();
    if (are_columns_small) {
        if (!in.ok() || !can_unfold(columns, columns_size)) return malformed;
        parts.columns.resize(columns_size);
        if (!decompress(columns, parts.columns.data(), columns_size)) return malformed;
    } else {
        parts.columns = columns;
    }
    const bool are_contents_small = (first & kContentsAreCompressed) != 0;
    const uint64_t contents_size = are_contents_small ? in.var_uint() : in.remaining();
    if (!in.ok() || contents_size > UINT32_MAX) return malformed;
    const std::string_view contents = in.rest();
    if (are_contents_small) {
        if (!can_unfold(contents, contents_size)) return malformed;
        if (!decompress(contents, parts.contents.extend(contents_size), contents_size))
            return malformed;
    } else {
        parts.contents.bytes(contents);
    }
    return parts;
}

}  // namespace tandem::yjs::columnar
