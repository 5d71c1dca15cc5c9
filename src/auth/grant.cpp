#include "auth/grant.hpp"

#include <algorithm>

namespace tandem::auth {

bool Grant::claims_that(std::string_view name, std::string_view value) const {
    const base::Value* claim = claims.find(name);
    if (claim == nullptr) return false;
    const auto is_it = [&](const base::Value& one) {
        return one.is_string() && one.as_string() == value;
    };
    if (!claim->is_array()) return is_it(*claim);
    return std::any_of(claim->as_array().begin(), claim->as_array().end(), is_it);
}

}  // namespace tandem::auth
