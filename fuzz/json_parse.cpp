#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "base/value.hpp"

// A text that parses is written as a text that parses to the same value, and so are its bytes;
// bytes that decode are the only ones of their value.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    auto parsed = base::parse_json(bytes);
    if (parsed.ok()) {
        auto again = base::parse_json(base::to_json(*parsed));
        TANDEM_ASSERT(again.ok() && *again == *parsed);
        auto decoded = base::decode_value(base::canonical_bytes(*parsed));
        TANDEM_ASSERT(decoded.ok() && *decoded == *parsed);
    }
    auto decoded = base::decode_value(bytes);
    if (decoded.ok()) {
        TANDEM_ASSERT(base::canonical_bytes(*decoded) == bytes);
        auto again = base::parse_json(base::to_json(*decoded));
        TANDEM_ASSERT(again.ok() && *again == *decoded);
    }
    return 0;
}
