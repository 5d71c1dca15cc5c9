#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::base {

// Enumerators are spelled as on the wire, so that one name finds an error in every language.
enum class ErrorCode : uint16_t {
#define TANDEM_ERROR(name, number, message, hint) name = number,
#include "base/errors.def"
#undef TANDEM_ERROR
};

// A code and one integer whose meaning the code's message or hint gives; 0 where there is none.
struct Error {
    ErrorCode code = ErrorCode::internal;
    uint64_t detail = 0;

    friend bool operator==(const Error&, const Error&) = default;
};

// The texts live as long as the process.
std::string_view error_name(ErrorCode code);
std::string_view error_message(ErrorCode code);
std::string_view error_hint(ErrorCode code);

// The code with this number or name, if the catalogue has it; for codes that come from a peer.
std::optional<ErrorCode> error_from_number(uint64_t number);
std::optional<ErrorCode> error_from_name(std::string_view name);

// Whether the same request may succeed later; a client sends it again with the same counter.
constexpr bool is_temporary(ErrorCode code) {
    auto number = static_cast<uint16_t>(code);
    return number >= 100 && number < 200;
}

// Whether the connection or its credentials are refused, whatever it asks for.
constexpr bool refuses_connection(ErrorCode code) {
    auto number = static_cast<uint16_t>(code);
    return number >= 200 && number < 300;
}

}  // namespace tandem::base
