#include "gateway/post_batch.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"

// What clients without a WebSocket may send in one POST. Cut into messages it is the same bytes,
// and each message is allowed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    if (size == 0) return 0;
    const size_t message_max = 1 + data[0] % 32;
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto cut = gateway::cut_batch(body, hub::Codec::binary, message_max);
    if (!cut) return 0;
    std::string joined;
    for (const std::string_view message : *cut) {
        TANDEM_ASSERT(!message.empty() && message.size() <= message_max);
        joined += message;
    }
    TANDEM_ASSERT(joined == body);
    return 0;
}
