#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "yjs/hocuspocus.hpp"

// What a provider of Hocuspocus may send. A frame that is read and written again is the same to a
// reader, and no view leaves it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto frame = yjs::read_hocuspocus_frame(bytes);
    if (!frame) return 0;
    if (!frame->key.empty()) {
        TANDEM_ASSERT(!yjs::document_of_key(frame->key).empty());
        const std::string again = yjs::hocuspocus_frame(frame->key, frame->message);
        const auto back = yjs::read_hocuspocus_frame(again);
        TANDEM_ASSERT(back.ok() && back->key == frame->key && back->message == frame->message);
    }
    const auto message = yjs::read_hocuspocus_message(frame->message);
    if (!message) return 0;
    TANDEM_ASSERT(message->body.empty() ||
                  (message->body.data() >= bytes.data() &&
                   message->body.data() + message->body.size() <= bytes.data() + bytes.size()));
    const bool is_sync = message->kind == yjs::HocuspocusKind::sync;
    if (is_sync || message->kind == yjs::HocuspocusKind::awareness) {
        // These are y-protocols' own.
        const auto plain = yjs::read_message(frame->message);
        TANDEM_ASSERT(plain.ok() && plain->body == message->body);
    }
    return 0;
}
