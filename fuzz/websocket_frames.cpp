#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "net/utf8_validator.hpp"
#include "net/websocket_frames.hpp"

// A stream of frames must give the same events whole and in pieces, keep its limits, and never
// deliver a text that is not UTF-8, also where messages are compressed. What this side encodes the
// other must read back.

namespace {

using tandem::net::FrameParser;
using tandem::net::WsDeflater;
using tandem::net::WsEvent;
using tandem::net::WsEventKind;
using tandem::net::WsInflater;
using tandem::net::WsOpcode;
using tandem::net::WsRole;

constexpr size_t kMessageBytesMax = 1000;

struct Seen {
    WsEventKind kind;
    bool is_binary;
    uint16_t close_code;
    std::string payload;
    bool operator==(const Seen&) const = default;
};

bool is_utf8(std::string_view text) {
    tandem::net::Utf8Validator validator;
    return validator.feed(text.data(), text.size()) && validator.is_complete();
}

std::vector<Seen> parse(WsRole role, WsInflater* inflater, std::string_view bytes,
                        size_t piece_bytes) {
    FrameParser parser(role, {kMessageBytesMax}, inflater);
    std::vector<Seen> seen;
    while (!bytes.empty()) {
        const size_t size = std::min(piece_bytes, bytes.size());
        std::vector<char> piece(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
        bytes.remove_prefix(size);
        std::span<char> input(piece);
        for (;;) {
            const WsEvent event = parser.next(input);
            if (event.kind == WsEventKind::kNeedMore) break;
            seen.push_back(
                {event.kind, event.is_binary, event.close_code, std::string(event.payload)});
            if (event.kind == WsEventKind::kError) return seen;
        }
        TANDEM_ASSERT(input.empty());
    }
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const WsRole role = (data[0] & 0x80U) != 0 ? WsRole::kClient : WsRole::kServer;
    // One for all parsers, as on an event loop: what one message leaves must not reach the next.
    static WsInflater shared;
    WsInflater* const inflater = (data[0] & 0x40U) != 0 ? &shared : nullptr;
    const std::string bytes(data + 1, data + size);
    const auto whole = parse(role, inflater, bytes, bytes.size());
    TANDEM_ASSERT(whole == parse(role, inflater, bytes, 1U + data[0] % 32U));
    for (const Seen& event : whole) {
        const bool is_message = event.kind == WsEventKind::kMessage;
        TANDEM_ASSERT(event.payload.size() <= (is_message ? kMessageBytesMax : 125U));
        if (is_message && !event.is_binary) TANDEM_ASSERT(is_utf8(event.payload));
        if (event.kind == WsEventKind::kClose) TANDEM_ASSERT(is_utf8(event.payload));
    }

    if (bytes.size() <= kMessageBytesMax) {
        std::string frame;
        tandem::net::append_masked_frame(frame, WsOpcode::kBinary, bytes,
                                         {data[0], 0x5A, 0x00, 0xC3});
        const std::vector<Seen> expected{{WsEventKind::kMessage, true, 0, bytes}};
        TANDEM_ASSERT(parse(WsRole::kServer, inflater, frame, frame.size()) == expected);
        std::string plain;
        tandem::net::append_frame_header(plain, WsOpcode::kBinary, bytes.size());
        plain += bytes;
        TANDEM_ASSERT(parse(WsRole::kClient, inflater, plain, 1U + data[0] % 32U) == expected);

        static WsDeflater deflater;
        const auto bits = static_cast<uint8_t>(9U + data[0] % 7U);
        if (const auto payload = deflater.deflate(bytes, bits)) {
            std::array<char, tandem::net::kWsHeaderBytesMax> header{};
            const size_t header_bytes = tandem::net::write_frame_header(
                header, WsOpcode::kBinary, payload->size(), tandem::net::WsPayload::kDeflated);
            const std::string small = std::string(header.data(), header_bytes).append(*payload);
            TANDEM_ASSERT(parse(WsRole::kClient, &shared, small, 1U + data[0] % 32U) == expected);
        }
    }
    return 0;
}
