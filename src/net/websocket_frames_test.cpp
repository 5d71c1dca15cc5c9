#include "net/websocket_frames.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "net/sha1.hpp"
#include "net/utf8_validator.hpp"

namespace tandem::net {
namespace {

constexpr WsMaskKey kRfcKey{0x37, 0xfa, 0x21, 0x3d};

struct Seen {
    WsEventKind kind;
    bool is_binary;
    uint16_t code;
    std::string payload;
    bool operator==(const Seen&) const = default;
};

std::string bytes_of(std::initializer_list<int> values) {
    std::string out;
    for (const int value : values)
        out.push_back(static_cast<char>(value));
    return out;
}

// Feeds the bytes in pieces chosen by `random`, or in one piece without it.
std::vector<Seen> parse(WsRole role, std::string bytes, size_t max = kWsMessageBytesMaxDefault,
                        std::mt19937* random = nullptr) {
    FrameParser parser(role, {max});
    std::vector<Seen> seen;
    size_t at = 0;
    while (at < bytes.size()) {
        size_t take = bytes.size() - at;
        if (random != nullptr) {
            const size_t limit = (*random)() % 3 == 0 ? 2 : 40;
            take = std::min<size_t>(take, 1 + (*random)() % limit);
        }
        // A copy of exactly this size, so that a sanitizer sees every byte read past it.
        std::vector<char> piece(bytes.begin() + static_cast<ptrdiff_t>(at),
                                bytes.begin() + static_cast<ptrdiff_t>(at + take));
        std::span<char> input(piece);
        for (;;) {
            const WsEvent event = parser.next(input);
            if (event.kind == WsEventKind::kNeedMore) {
                EXPECT_TRUE(input.empty());
                break;
            }
            seen.push_back(
                {event.kind, event.is_binary, event.close_code, std::string(event.payload)});
            if (event.kind == WsEventKind::kError) return seen;
        }
        at += take;
    }
    return seen;
}

std::vector<Seen> message(std::string payload, bool is_binary = false) {
    return {{WsEventKind::kMessage, is_binary, 0, std::move(payload)}};
}

std::string masked(int first, std::string payload, WsMaskKey key = kRfcKey) {
    std::string frame;
    append_masked_frame(frame, WsOpcode::kText, payload, key);
    frame[0] = static_cast<char>(first);
    return frame;
}

uint16_t error_of(const std::string& bytes, WsRole role = WsRole::kServer,
                  size_t max = kWsMessageBytesMaxDefault) {
    const auto seen = parse(role, bytes, max);
    if (seen.empty() || seen.back().kind != WsEventKind::kError) return 0;
    return seen.back().code;
}

TEST(WsFrames, ReadsTheExamplesOfTheRfc) {
    EXPECT_EQ(parse(WsRole::kClient, bytes_of({0x81, 5, 'H', 'e', 'l', 'l', 'o'})),
              message("Hello"));
    EXPECT_EQ(parse(WsRole::kServer,
                    bytes_of({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58})),
              message("Hello"));
    EXPECT_EQ(parse(WsRole::kClient, bytes_of({0x01, 3, 'H', 'e', 'l', 0x80, 2, 'l', 'o'})),
              message("Hello"));
    EXPECT_EQ(parse(WsRole::kClient, bytes_of({0x89, 5, 'H', 'e', 'l', 'l', 'o'})),
              (std::vector<Seen>{{WsEventKind::kPing, false, 0, "Hello"}}));
    EXPECT_EQ(parse(WsRole::kServer,
                    bytes_of({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58})),
              (std::vector<Seen>{{WsEventKind::kPong, false, 0, "Hello"}}));
    EXPECT_EQ(parse(WsRole::kClient, bytes_of({0x82, 0x7E, 0x01, 0x00}) + std::string(256, 'x')),
              message(std::string(256, 'x'), true));
    EXPECT_EQ(parse(WsRole::kClient,
                    bytes_of({0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}) + std::string(65536, 'x')),
              message(std::string(65536, 'x'), true));
}

TEST(WsFrames, WritesTheHeadersOfTheRfc) {
    const auto header = [](uint64_t size) {
        std::string out;
        append_frame_header(out, WsOpcode::kBinary, size);
        return out;
    };
    EXPECT_EQ(header(0), bytes_of({0x82, 0}));
    EXPECT_EQ(header(125), bytes_of({0x82, 125}));
    EXPECT_EQ(header(126), bytes_of({0x82, 126, 0, 126}));
    EXPECT_EQ(header(256), bytes_of({0x82, 0x7E, 0x01, 0x00}));
    EXPECT_EQ(header(65535), bytes_of({0x82, 126, 255, 255}));
    EXPECT_EQ(header(65536), bytes_of({0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}));
    EXPECT_EQ(masked(0x81, "Hello"),
              bytes_of({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}));
}

TEST(WsFrames, MaskAgreesWithThePlainLoopAtEverySizeAndPhase) {
    for (size_t size = 0; size < 100; ++size) {
        for (size_t phase = 0; phase < 4; ++phase) {
            std::string data(size, 'a');
            std::string expected = data;
            for (size_t i = 0; i < size; ++i) {
                expected[i] = static_cast<char>(expected[i] ^ kRfcKey[(phase + i) % 4]);
            }
            apply_mask(data.data(), data.size(), kRfcKey, phase);
            ASSERT_EQ(data, expected) << size << " " << phase;
        }
    }
}

TEST(WsFrames, RefusesWhatTheRfcForbids) {
    struct Case {
        const char* name;
        std::string bytes;
        uint16_t code;
    };
    const std::vector<Case> cases{
        {"reserved bit 1", masked(0xC1, "x"), kWsCloseProtocolError},
        {"reserved bit 2", masked(0xA1, "x"), kWsCloseProtocolError},
        {"reserved bit 3", masked(0x91, "x"), kWsCloseProtocolError},
        {"reserved data opcode", masked(0x83, "x"), kWsCloseProtocolError},
        {"reserved control opcode", masked(0x8B, "x"), kWsCloseProtocolError},
        {"unmasked client frame", bytes_of({0x81, 1}), kWsCloseProtocolError},
        {"fragmented ping", masked(0x09, "x"), kWsCloseProtocolError},
        {"long ping", masked(0x89, std::string(126, 'x')), kWsCloseProtocolError},
        {"continuation of nothing", masked(0x80, "x"), kWsCloseProtocolError},
        {"text inside a message", masked(0x01, "x") + masked(0x81, "y"), kWsCloseProtocolError},
        {"continuation after the end", masked(0x81, "x") + masked(0x80, "y"),
         kWsCloseProtocolError},
        {"16-bit length that fits 7", bytes_of({0x82, 0xFE, 0, 125, 1, 2, 3, 4}),
         kWsCloseProtocolError},
        {"64-bit length that fits 16",
         bytes_of({0x82, 0xFF, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4}), kWsCloseProtocolError},
        {"64-bit length with the top bit",
         bytes_of({0x82, 0xFF, 128, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}), kWsCloseProtocolError},
        {"huge length", bytes_of({0x82, 0xFF, 127, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4}),
         kWsCloseTooBig},
        {"close with one byte", masked(0x88, "x"), kWsCloseProtocolError},
        {"close 999", masked(0x88, bytes_of({0x03, 0xE7})), kWsCloseProtocolError},
        {"close 1004", masked(0x88, bytes_of({0x03, 0xEC})), kWsCloseProtocolError},
        {"close 1005", masked(0x88, bytes_of({0x03, 0xED})), kWsCloseProtocolError},
        {"close 1006", masked(0x88, bytes_of({0x03, 0xEE})), kWsCloseProtocolError},
        {"close 1015", masked(0x88, bytes_of({0x03, 0xF7})), kWsCloseProtocolError},
        {"close 2999", masked(0x88, bytes_of({0x0B, 0xB7})), kWsCloseProtocolError},
        {"close 5000", masked(0x88, bytes_of({0x13, 0x88})), kWsCloseProtocolError},
        {"close reason", masked(0x88, bytes_of({0x03, 0xE8, 0xFF})), kWsCloseInvalidPayload},
        {"bad text", masked(0x81, bytes_of({0xC0, 0x80})), kWsCloseInvalidPayload},
        {"cut text", masked(0x81, bytes_of({'a', 0xE2, 0x82})), kWsCloseInvalidPayload},
        {"cut over fragments", masked(0x01, bytes_of({0xE2})) + masked(0x80, bytes_of({0x82})),
         kWsCloseInvalidPayload},
    };
    std::mt19937 random(7);
    for (const Case& c : cases) {
        EXPECT_EQ(error_of(c.bytes), c.code) << c.name;
        for (int round = 0; round < 20; ++round) {
            const auto seen = parse(WsRole::kServer, c.bytes, kWsMessageBytesMaxDefault, &random);
            ASSERT_FALSE(seen.empty()) << c.name;
            EXPECT_EQ(seen.back().code, c.code) << c.name;
        }
    }
    EXPECT_EQ(error_of(masked(0x81, "x"), WsRole::kClient), kWsCloseProtocolError);
}

TEST(WsFrames, FailsAtTheFirstBadByteOfAText) {
    FrameParser parser(WsRole::kServer);
    std::string frame = masked(0x81, bytes_of({'a', 0xF5}) + std::string(1000, 'x'));
    std::span<char> input(frame.data(), 10);
    EXPECT_EQ(parser.next(input).close_code, kWsCloseInvalidPayload);
    EXPECT_EQ(parser.next(input).kind, WsEventKind::kError) << "a failed parser stays failed";
}

TEST(WsFrames, LimitsTheMessageNotTheFragment) {
    EXPECT_EQ(error_of(masked(0x82, std::string(11, 'x')), WsRole::kServer, 10), kWsCloseTooBig);
    EXPECT_EQ(error_of(masked(0x02, std::string(6, 'x')) + masked(0x80, std::string(5, 'x')),
                       WsRole::kServer, 10),
              kWsCloseTooBig);
    EXPECT_EQ(parse(WsRole::kServer,
                    masked(0x02, std::string(6, 'x')) + masked(0x80, std::string(4, 'x')), 10),
              message(std::string(10, 'x'), true));
}

TEST(WsFrames, ControlFramesMayComeBetweenFragments) {
    const std::string bytes = masked(0x01, "a\xE2") + masked(0x89, "ping") + masked(0x00, "\x82") +
                              masked(0x8A, "") +
                              masked(0x80,
                                     "\xAC"
                                     "b") +
                              masked(0x88, bytes_of({0x03, 0xE8}) + "bye");
    const std::vector<Seen> expected{{WsEventKind::kPing, false, 0, "ping"},
                                     {WsEventKind::kPong, false, 0, ""},
                                     {WsEventKind::kMessage, false, 0,
                                      "a\xE2\x82\xAC"
                                      "b"},
                                     {WsEventKind::kClose, false, 1000, "bye"}};
    EXPECT_EQ(parse(WsRole::kServer, bytes), expected);
    std::mt19937 random(3);
    for (int round = 0; round < 200; ++round) {
        ASSERT_EQ(parse(WsRole::kServer, bytes, 100, &random), expected);
    }
}

TEST(WsFrames, ReadsTheSameInAnyChunks) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 300; ++round) {
        std::string bytes;
        std::vector<Seen> expected;
        for (int i = 0; i < 6; ++i) {
            const bool is_binary = random() % 2 == 0;
            const size_t size = random() % 10 == 0 ? 70'000 : random() % 300;
            std::string payload;
            while (payload.size() < size) {
                if (is_binary) {
                    payload.push_back(static_cast<char>(random()));
                } else {
                    payload += random() % 20 == 0 ? "\xF0\x9F\x98\x80" : "t";
                }
            }
            const size_t fragments = 1 + random() % 3;
            size_t at = 0;
            for (size_t f = 0; f < fragments; ++f) {
                const bool is_last = f + 1 == fragments;
                const size_t take =
                    is_last ? payload.size() - at : random() % (payload.size() - at + 1);
                const WsMaskKey key{static_cast<uint8_t>(random()), static_cast<uint8_t>(random()),
                                    static_cast<uint8_t>(random()), 4};
                const int opcode = f != 0 ? 0 : is_binary ? 2 : 1;
                bytes += masked((is_last ? 0x80 : 0) | opcode, payload.substr(at, take), key);
                at += take;
            }
            expected.push_back({WsEventKind::kMessage, is_binary, 0, payload});
        }
        ASSERT_EQ(parse(WsRole::kServer, bytes), expected);
        ASSERT_EQ(parse(WsRole::kServer, bytes, kWsMessageBytesMaxDefault, &random), expected);
    }
}

TEST(WsFrames, GivesTheMemoryOfALargeMessageBack) {
    FrameParser parser(WsRole::kServer);
    std::string frame = masked(0x82, std::string(100'000, 'x'));
    std::span<char> first(frame.data(), 50'000);
    EXPECT_EQ(parser.next(first).kind, WsEventKind::kNeedMore);
    EXPECT_GE(parser.bytes_buffered(), 40'000U);
    std::span<char> second(frame.data() + 50'000, frame.size() - 50'000);
    EXPECT_EQ(parser.next(second).kind, WsEventKind::kMessage);
    EXPECT_EQ(parser.next(second).kind, WsEventKind::kNeedMore);
    EXPECT_LT(parser.bytes_buffered(), 100U);
}

TEST(WsFrames, DoesNotReserveWhatIsOnlyClaimed) {
    FrameParser parser(WsRole::kServer);
    std::string head = bytes_of({0x82, 0xFF, 0, 0, 0, 0, 0, 0xFF, 0, 0, 1, 2, 3, 4, 5});
    std::span<char> input(head);
    EXPECT_EQ(parser.next(input).kind, WsEventKind::kNeedMore);
    EXPECT_LE(parser.bytes_buffered(), 70'000U);
}

TEST(WsFrames, CutsCloseReasonsOnACharacterBoundary) {
    std::string reason(122, 'x');
    reason += "\xC3\xA9";
    EXPECT_EQ(make_close_payload(1000, reason), bytes_of({0x03, 0xE8}) + std::string(122, 'x'));
    EXPECT_EQ(make_close_payload(1006, "never on the wire"), "");
}

TEST(Utf8Validator, AgreesWithTheTableOfTheRfc) {
    const auto is_valid = [](const std::string& text) {
        Utf8Validator validator;
        return validator.feed(text.data(), text.size()) && validator.is_complete();
    };
    // Every code point, in the shortest form.
    for (uint32_t c = 0; c < 0x110000; ++c) {
        std::string text;
        if (c < 0x80) {
            text = bytes_of({static_cast<int>(c)});
        } else if (c < 0x800) {
            text = bytes_of({static_cast<int>(0xC0 | c >> 6), static_cast<int>(0x80 | (c & 63))});
        } else if (c < 0x10000) {
            text =
                bytes_of({static_cast<int>(0xE0 | c >> 12), static_cast<int>(0x80 | (c >> 6 & 63)),
                          static_cast<int>(0x80 | (c & 63))});
        } else {
            text = bytes_of(
                {static_cast<int>(0xF0 | c >> 18), static_cast<int>(0x80 | (c >> 12 & 63)),
                 static_cast<int>(0x80 | (c >> 6 & 63)), static_cast<int>(0x80 | (c & 63))});
        }
        ASSERT_EQ(is_valid(text), c < 0xD800 || c > 0xDFFF) << c;
    }
    for (const std::string& bad :
         {bytes_of({0x80}), bytes_of({0xC1, 0xBF}), bytes_of({0xE0, 0x9F, 0xBF}),
          bytes_of({0xF0, 0x8F, 0xBF, 0xBF}), bytes_of({0xF4, 0x90, 0x80, 0x80}), bytes_of({0xFF}),
          bytes_of({0xC3, 'a'}), bytes_of({0xE2, 0x82})}) {
        EXPECT_FALSE(is_valid(bad));
        EXPECT_FALSE(is_valid(std::string(40, 'a') + bad));
    }
}

TEST(Sha1, AgreesWithPublishedVectors) {
    const auto hex = [](std::string_view data) {
        std::string out;
        for (const uint8_t byte : sha1(data)) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            out.push_back(kDigits[byte >> 4U]);
            out.push_back(kDigits[byte & 15U]);
        }
        return out;
    };
    EXPECT_EQ(hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    EXPECT_EQ(hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    EXPECT_EQ(hex(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

}  // namespace
}  // namespace tandem::net
