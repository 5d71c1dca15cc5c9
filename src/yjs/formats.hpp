#pragma once

#include <string_view>

namespace tandem::yjs {

/// Whether two values of a format are the same for Yjs: scalars by value; objects and arrays one
/// level deep, where anything nested counts as different. Both are canonical `any` values.
bool equal_formats(std::string_view a, std::string_view b);
/// JavaScript's `===` for values that do not share an instance: false for objects and arrays.
bool identical_formats(std::string_view a, std::string_view b);

}  // namespace tandem::yjs
