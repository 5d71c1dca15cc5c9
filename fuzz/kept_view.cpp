#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "base/value.hpp"
#include "client/kept_view.hpp"
#include "clock/stamp.hpp"
#include "record/view.hpp"
#include "wire/frames.hpp"

// What decodes as a kept view is kept as bytes that decode to the same view.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    auto kept = client::decode_kept(bytes);
    if (!kept.ok()) return 0;
    const base::Value shown = kept->view.shown({});
    client::Replica replica;
    replica.restore(kept->cursor, kept->in_force, kept->view);
    const auto again =
        client::decode_kept(client::encode_kept(replica, kept->settled, client::Outbox()));
    TANDEM_ASSERT(again.ok());
    TANDEM_ASSERT(again->view.shown({}) == shown);
    TANDEM_ASSERT(again->cursor == kept->cursor && again->in_force == kept->in_force);
    TANDEM_ASSERT(again->settled == kept->settled);
    return 0;
}
