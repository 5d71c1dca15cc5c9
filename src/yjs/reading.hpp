#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "yjs/document.hpp"

/// What a document shows. Functions that return a branch give 0 where there is none.
namespace tandem::yjs {

/// The shared type at a position of a list.
BranchIndex child_at(const Store& store, BranchIndex list, uint32_t position);
/// The shared type under a key of a map.
BranchIndex child_of(const Store& store, BranchIndex map, std::string_view key);

/// What a root is by its content, where nobody has said it; unknown when it has none.
TypeKind shown_kind(const Store& store, BranchIndex root);

/// The visible text of a list.
std::string text_of(const Store& store, BranchIndex text);

/// What Yjs' toJSON gives: texts as strings, lists as arrays, maps as objects in the order in which
/// their keys came, XML as its text. A root whose kind is not known is shown as `kind`.
void append_json(const Store& store, BranchIndex branch, std::string& out,
                 TypeKind kind = TypeKind::unknown);

/// The values that an item holds, with commas between them.
void append_item_json(const Store& store, const Item& item, std::string& out);

/// Roughly the bytes that formats take in deltas and XML, where each stretch of text repeats all
/// those that it has: a small document can have very many. Found without writing any of it, in a
/// time that grows with the document alone.
uint64_t repeated_format_bytes(const Store& store);
/// How many of them a server writes out for a document of so many bytes.
constexpr uint64_t repeated_format_bytes_max(size_t document_bytes) {
    return (uint64_t{16} << 20) + uint64_t{4} * document_bytes;
}

/// A text as Quill's delta: an array of {"insert", "attributes"}. Shared types within it are shown
/// as their JSON.
void append_delta(const Store& store, BranchIndex text, std::string& out);

/// XML elements and fragments as text, attributes in the order of their names; formats of a text
/// become elements around it.
void append_xml(const Store& store, BranchIndex branch, std::string& out);

}  // namespace tandem::yjs
