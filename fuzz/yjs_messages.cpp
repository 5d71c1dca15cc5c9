#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "yjs/document.hpp"
#include "yjs/known_clocks.hpp"
#include "yjs/resting_document.hpp"
#include "yjs/sync_messages.hpp"

// What a provider may send. An update that is judged to fit a resting document is one that a
// document takes without waiting for anything.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto message = yjs::read_message(bytes);
    if (!message) return 0;
    if (message->kind == yjs::MessageKind::awareness) {
        const auto states = yjs::decode_awareness(message->body);
        if (!states) return 0;
        const std::string again = yjs::encode_awareness(*states);
        const auto back = yjs::decode_awareness(again);
        TANDEM_ASSERT(back.ok() && back->size() == states->size());
    }
    if (message->kind != yjs::MessageKind::sync) return 0;
    if (message->step == yjs::SyncStep::step1) {
        (void)yjs::decode_state_vector(message->body);
        return 0;
    }
    const auto reach = yjs::reach_of_update(message->body);
    if (!reach) return 0;
    yjs::RestingDocument resting;
    if (resting.known().judge(*reach) != yjs::KnownClocks::Verdict::news) return 0;
    resting.append(std::string(message->body), *reach);
    const std::string state(resting.state());
    const auto loaded = yjs::RestingDocument::load(state);
    TANDEM_ASSERT(loaded.ok());
    TANDEM_ASSERT(loaded->known().vector() == resting.known().vector());
    TANDEM_ASSERT(loaded->known().judge(*reach) == yjs::KnownClocks::Verdict::nothing);
    auto saved = yjs::RestingDocument::load(std::string(resting.save()));
    TANDEM_ASSERT(saved.ok());
    TANDEM_ASSERT(saved->known().vector() == resting.known().vector());
    return 0;
}
