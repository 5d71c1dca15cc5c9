#include "base/errors.hpp"

#include "base/assert.hpp"

namespace tandem::base {
namespace {

struct Entry {
    ErrorCode code;
    std::string_view name;
    std::string_view message;
    std::string_view hint;
};

constexpr Entry kCatalogue[] = {
#define TANDEM_ERROR(name, number, message, hint) {ErrorCode::name, #name, message, hint},
#include "base/errors.def"
#undef TANDEM_ERROR
};

constexpr bool numbers_ascend() {
    const Entry* previous = nullptr;
    for (const Entry& entry : kCatalogue) {
        if (previous != nullptr && previous->code >= entry.code) return false;
        previous = &entry;
    }
    return true;
}
static_assert(numbers_ascend(), "errors.def lists its numbers in ascending order, each once");

const Entry& entry_of(ErrorCode code) {
    for (const Entry& entry : kCatalogue) {
        if (entry.code == code) return entry;
    }
    TANDEM_UNREACHABLE();
}

}  // namespace

std::string_view error_name(ErrorCode code) { return entry_of(code).name; }
std::string_view error_message(ErrorCode code) { return entry_of(code).message; }
std::string_view error_hint(ErrorCode code) { return entry_of(code).hint; }

std::optional<ErrorCode> error_from_number(uint64_t number) {
    for (const Entry& entry : kCatalogue) {
        if (static_cast<uint64_t>(entry.code) == number) return entry.code;
    }
    return std::nullopt;
}

std::optional<ErrorCode> error_from_name(std::string_view name) {
    for (const Entry& entry : kCatalogue) {
        if (entry.name == name) return entry.code;
    }
    return std::nullopt;
}

}  // namespace tandem::base
