#pragma once

#include "base/result.hpp"
#include "base/value.hpp"
#include "tandem/tandem.hpp"

namespace tandem::sdk {

base::Value to_base(const Value& value);
Value from_base(const base::Value& value);
Error to_error(base::Error error);

}  // namespace tandem::sdk
