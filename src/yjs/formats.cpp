#include "yjs/formats.hpp"

#include <vector>

#include "yjs/any.hpp"

namespace tandem::yjs {

namespace {

bool is_composite(std::string_view any) {
    if (any.empty()) return false;
    auto tag = static_cast<AnyTag>(any[0]);
    return tag == AnyTag::object || tag == AnyTag::array || tag == AnyTag::bytes;
}

struct NamedValue {
    std::string_view key;
    std::string_view value;
};

std::string_view take_value(Input& in) {
    const char* from = in.position();
    skip_any(in);
    return {from, static_cast<size_t>(in.position() - from)};
}

// The members of an object, or the items of an array with empty keys.
std::vector<NamedValue> entries_of(std::string_view any) {
    std::vector<NamedValue> entries;
    Input in(any);
    auto tag = static_cast<AnyTag>(in.u8());
    uint64_t count = in.var_uint();
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
        std::string_view key = tag == AnyTag::object ? in.var_bytes() : std::string_view();
        entries.push_back({key, take_value(in)});
    }
    return entries;
}

}  // namespace

bool identical_formats(std::string_view a, std::string_view b) {
    return a == b && !is_composite(a);
}

bool equal_formats(std::string_view a, std::string_view b) {
    if (!is_composite(a) || !is_composite(b)) return a == b;
    if (a[0] != b[0]) return false;
    if (static_cast<AnyTag>(a[0]) == AnyTag::bytes) return a == b;
    std::vector<NamedValue> first = entries_of(a);
    std::vector<NamedValue> second = entries_of(b);
    if (first.size() != second.size()) return false;
    for (size_t i = 0; i < first.size(); ++i) {
        bool is_found = false;
        if (static_cast<AnyTag>(a[0]) == AnyTag::array) {
            is_found = identical_formats(first[i].value, second[i].value);
        } else {
            for (const NamedValue& entry : second)
                is_found |=
                    entry.key == first[i].key && identical_formats(entry.value, first[i].value);
        }
        if (!is_found) return false;
    }
    return true;
}

}  // namespace tandem::yjs
