#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "clock/version_vector.hpp"

// What decodes is canonical: it encodes to the bytes that were read.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    base::Reader reader(std::span<const uint8_t>(data, size));
    auto vector = clock::VersionVector::decode(reader, 1000);
    if (!vector) return 0;
    std::string encoded;
    base::Writer writer(encoded);
    vector->encode(writer);
    TANDEM_ASSERT(encoded.size() == reader.offset());
    for (size_t i = 0; i < encoded.size(); ++i) {
        TANDEM_ASSERT(static_cast<uint8_t>(encoded[i]) == data[i]);
    }
    TANDEM_ASSERT(vector->compare(*vector) == clock::Causality::equal);
    return 0;
}
