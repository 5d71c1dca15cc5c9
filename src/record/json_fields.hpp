#pragma once

#include <string>

#include "base/result.hpp"
#include "base/value.hpp"
#include "record/op.hpp"

namespace tandem::record {

/// A whole number from 0 to 2^53 − 1.
[[nodiscard]] base::Result<uint64_t> json_unsigned(const base::Value& json);
/// A dot is written `[actor,counter]`.
[[nodiscard]] base::Result<Dot> json_dot(const base::Value& json);
void append_dot_json(std::string& out, const Dot& dot);

}  // namespace tandem::record
