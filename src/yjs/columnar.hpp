#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "yjs/buffer.hpp"

/// The form in which a document rests: its items as columns, in an order in which each comes after
/// what it depends on, with the neighbour that it was put behind, so that nothing has to be
/// searched for when the document is wanted again. docs/columnar.md is the format.
namespace tandem::yjs::columnar {

inline constexpr uint8_t kVersion = 1;

// Of an item's byte of info; the lowest four bits are its kind.
inline constexpr uint8_t kKindBits = 0x0f;
/// Deleted, with its content kept. What has none left is deleted without saying so.
inline constexpr uint8_t kIsDeleted = 0x10;
/// Its origin is not the end of the item that it stands behind, and is told.
inline constexpr uint8_t kHasOwnOrigin = 0x20;
/// Likewise for the right origin and the item that it was put before.
inline constexpr uint8_t kHasOwnRightOrigin = 0x40;
/// A string has more bytes than UTF-16 units; how many more is told.
inline constexpr uint8_t kHasMoreBytes = 0x80;

/// Of the column of lengths: the length is told.
inline constexpr uint8_t kLongLen = 0;
/// Of the column of neighbours: the neighbour is told.
inline constexpr uint16_t kFarLeft = 0xffff;

/// What is in the envelope: the columns, and the contents of the items one after the other.
struct Parts {
    std::string columns;
    Buffer contents;
};

/// Whether bytes begin as those of this form do. No update that an encoder wrote does: they are no
/// varUint in its fewest bytes.
bool is_columnar(std::string_view bytes);

/// Compresses what is worth it, and puts version and checksum before it.
std::string pack(std::string_view columns, std::string_view contents);

/// Errors: `malformed` for what is damaged, or is too short for what it says to unfold
/// into.
base::Result<Parts> unpack(std::string_view bytes);

}  // namespace tandem::yjs::columnar
