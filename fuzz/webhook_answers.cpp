#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "base/base64.hpp"
#include "hooks/hook.hpp"
#include "hooks/payload.hpp"
#include "hooks/signature.hpp"

// What a receiver answers, and what a configuration says of it, may be any bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const uint64_t wait_ms = tandem::hooks::retry_after_ms(text, 1'700'000'000'000);
    TANDEM_ASSERT(wait_ms < uint64_t{1} << 62);
    if (const auto bytes = tandem::base::from_base64(text); bytes.ok())
        TANDEM_ASSERT(tandem::base::to_base64(*bytes) == text);
    TANDEM_ASSERT(*tandem::base::from_base64(tandem::base::to_base64(text)) == text);
    const auto key = tandem::hooks::secret_key(text);
    TANDEM_ASSERT(!key.ok() || key->size() >= tandem::hooks::kSecretBytesMin);
    // A pattern of stars and what is between them covers the whole.
    TANDEM_ASSERT(tandem::hooks::matches("*", text) && tandem::hooks::matches(text, text));
    return 0;
}
