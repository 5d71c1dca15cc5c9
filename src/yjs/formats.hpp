#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem::yjs {

/// A format's name and its value as canonical `any`, null to end it.
struct Attribute {
    std::string name;
    std::string value;
    friend bool operator==(const Attribute&, const Attribute&) = default;
};
using Attributes = std::vector<Attribute>;

/// Whether two values of a format are the same for Yjs: scalars by value; objects and arrays one
/// level deep, where anything nested counts as different. Both are canonical `any` values.
bool equal_formats(std::string_view a, std::string_view b);
/// JavaScript's `===` for values that do not share an instance: false for objects and arrays.
bool identical_formats(std::string_view a, std::string_view b);

}  // namespace tandem::yjs
