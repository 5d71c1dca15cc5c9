#pragma once

#include <string_view>

namespace tandem::server {

/// Tells the service manager that started this process what state it is in, such as "READY=1"
/// (sd_notify(3)). Nothing happens where there is none; what cannot be told is not an error.
void tell_service_manager(std::string_view state);

}  // namespace tandem::server
