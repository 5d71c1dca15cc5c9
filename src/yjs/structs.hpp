#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::yjs {

inline constexpr uint64_t kUpdateStructsMax = uint64_t{1} << 22;
/// How many structs an update of that many bytes may have. A few bytes of run-lengths could stand
/// for any number of them; what people write does not come near 64 a byte.
constexpr uint64_t structs_max(uint64_t bytes) {
    constexpr uint64_t kFew = uint64_t{1} << 18;
    constexpr uint64_t kPerByte = 64;
    return bytes < kFew / kPerByte                ? kFew
           : bytes > kUpdateStructsMax / kPerByte ? kUpdateStructsMax
                                                  : bytes * kPerByte;
}

/// The two encodings of an update. Version 2 sorts the fields of all structs into columns; delete
/// sets differ too, state vectors do not.
enum class Encoding : uint8_t { v1 = 1, v2 = 2 };

/// What a struct holds; the numbers are those of the encodings.
enum class Kind : uint8_t {
    gc = 0,       // content and place are gone, only the clocks remain
    deleted = 1,  // content is gone, the place remains
    json = 2,
    binary = 3,
    string = 4,
    embed = 5,
    format = 6,
    type = 7,
    any = 8,
    doc = 9,
    skip = 10,  // a gap in an update; never part of a document
};

enum class TypeKind : uint8_t {
    array = 0,
    map = 1,
    text = 2,
    xml_element = 3,
    xml_fragment = 4,
    xml_hook = 5,
    xml_text = 6,
    /// A root that was only written to by its name so far.
    unknown = 15,
};

/// Has a name (an XML element's or hook's) after its kind in the encodings.
inline bool has_name(TypeKind kind) {
    return kind == TypeKind::xml_element || kind == TypeKind::xml_hook;
}

/// Counts towards the length of the list that it is in.
inline bool is_countable(Kind kind) { return kind != Kind::format && kind != Kind::deleted; }

/// One insertion: a client's 53-bit id and its clock, which counts the UTF-16 units, elements and
/// marks that the client has inserted.
struct Id {
    uint64_t client = 0;
    uint32_t clock = 0;
    friend bool operator==(const Id&, const Id&) = default;
};

struct IdRange {
    uint32_t clock = 0;
    uint32_t len = 0;
    friend bool operator==(const IdRange&, const IdRange&) = default;
    uint32_t end() const { return clock + len; }
};

/// What an item holds, as views of bytes that live elsewhere.
struct Content {
    Kind kind = Kind::gc;
    TypeKind type = TypeKind::unknown;
    /// The number of clocks that it takes.
    uint32_t len = 0;
    /// The name of a format, of an XML element or hook, or the guid of a sub-document.
    std::string_view name;
    /// A string's UTF-8; the canonical `any` values, one after the other, of any, json, embed and
    /// format, and of a sub-document's options; the bytes of binary.
    std::string_view body;
};

/// A struct as it stands in an update, before it belongs to a document.
struct RawStruct {
    enum class Parent : uint8_t { inherited, root, item };

    Id id;
    Content content;
    bool has_origin = false;
    bool has_right_origin = false;
    bool has_key = false;
    Parent parent = Parent::inherited;
    Id origin;
    Id right_origin;
    Id parent_id;
    std::string_view parent_name;
    /// The key of the parent's map under which it stands; only read where a parent is named.
    std::string_view key;

    uint32_t end() const { return id.clock + content.len; }
};

}  // namespace tandem::yjs
