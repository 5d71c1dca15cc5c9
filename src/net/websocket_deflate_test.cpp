#include "net/websocket_deflate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "net/websocket_frames.hpp"

namespace tandem::net {
namespace {

std::string bytes_of(std::initializer_list<int> values) {
    std::string out;
    for (const int value : values)
        out.push_back(static_cast<char>(value));
    return out;
}

// What the server answers to these fields; "refused" where they break the grammar.
std::string answer_to(const std::vector<std::string>& fields) {
    HttpHeaders headers;
    for (const std::string& field : fields)
        headers.add("sec-websocket-extensions", field);
    const auto answer = choose_deflate(headers);
    if (!answer) return "refused";
    return answer->is_agreed() ? deflate_answer_value(*answer) : "none";
}

const std::string kPlainAnswer =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

TEST(WsDeflateOffers, AgreesToTheFirstThatItCanKeep) {
    EXPECT_EQ(answer_to({}), "none");
    EXPECT_EQ(answer_to({""}), "none");
    EXPECT_EQ(answer_to({"permessage-deflate"}), kPlainAnswer);
    // As browsers, and Node, offer it.
    EXPECT_EQ(answer_to({"permessage-deflate; client_max_window_bits"}), kPlainAnswer);
    EXPECT_EQ(answer_to({"permessage-deflate;client_no_context_takeover;server_no_context_takeover"
                         ";client_max_window_bits=8"}),
              kPlainAnswer);
    EXPECT_EQ(answer_to({"x-webkit-deflate-frame, permessage-deflate"}), kPlainAnswer);
    EXPECT_EQ(answer_to({"foo; a=\"b\"; c", " , permessage-deflate ,"}), kPlainAnswer);
    for (int bits = 9; bits <= 15; ++bits) {
        const std::string window = "; server_max_window_bits=" + std::to_string(bits);
        EXPECT_EQ(answer_to({"permessage-deflate" + window}), kPlainAnswer + window);
        EXPECT_EQ(answer_to({"permessage-deflate; server_max_window_bits=\"" +
                             std::to_string(bits) + "\""}),
                  kPlainAnswer + window);
    }
    // zlib cannot keep to 8 bits, so the next offer is taken.
    EXPECT_EQ(answer_to({"permessage-deflate; server_max_window_bits=8"}), "none");
    EXPECT_EQ(answer_to({"permessage-deflate; server_max_window_bits=8, permessage-deflate"}),
              kPlainAnswer);
}

TEST(WsDeflateOffers, DeclinesWhatItDoesNotKnow) {
    for (const std::string params :
         {"server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16",
          "server_max_window_bits=010", "server_max_window_bits=-9", "server_max_window_bits=9x",
          "client_max_window_bits=7", "client_max_window_bits=16", "client_max_window_bits=a",
          "server_no_context_takeover=1", "client_no_context_takeover=true", "unknown",
          "server_no_context_takeover; server_no_context_takeover",
          "server_max_window_bits=10; server_max_window_bits=10"}) {
        EXPECT_EQ(answer_to({"permessage-deflate; " + params}), "none") << params;
        EXPECT_EQ(answer_to({"permessage-deflate; " + params, "permessage-deflate"}), kPlainAnswer)
            << params;
    }
}

TEST(WsDeflateOffers, RefusesWhatBreaksTheGrammar) {
    for (const std::string field :
         {"permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; a=", "a b",
          "permessage-deflate; a=\"", "permessage-deflate; a=\"b c\"", "a; b=\"\"", "a; b=\"\\",
          "\"a\"", "a; b c", "; a", "(a)"})
        EXPECT_EQ(answer_to({field}), "refused") << field;
}

struct Seen {
    WsEventKind kind;
    uint16_t code;
    std::string payload;
    bool operator==(const Seen&) const = default;
};

std::vector<Seen> parse(const std::string& bytes, size_t max = 1000, size_t piece_bytes = SIZE_MAX,
                        WsRole role = WsRole::kClient) {
    WsInflater inflater;
    FrameParser parser(role, {max}, &inflater);
    std::vector<Seen> seen;
    for (size_t at = 0; at < bytes.size();) {
        const size_t take = std::min(piece_bytes, bytes.size() - at);
        std::vector<char> piece(bytes.begin() + static_cast<ptrdiff_t>(at),
                                bytes.begin() + static_cast<ptrdiff_t>(at + take));
        at += take;
        std::span<char> input(piece);
        for (;;) {
            const WsEvent event = parser.next(input);
            if (event.kind == WsEventKind::kNeedMore) break;
            seen.push_back({event.kind, event.close_code, std::string(event.payload)});
            if (event.kind == WsEventKind::kError) return seen;
        }
    }
    return seen;
}

std::string frame(int first, const std::string& payload) {
    std::string out;
    append_frame_header(out, WsOpcode::kText, payload.size());
    out[0] = static_cast<char>(first);
    return out + payload;
}

std::string deflated(const std::string& message) {
    WsDeflater deflater;
    const auto payload = deflater.deflate(message, kWsWindowBitsMax);
    EXPECT_TRUE(payload);
    return std::string(payload.value_or(""));
}

std::vector<Seen> message(const std::string& payload) {
    return {{WsEventKind::kMessage, 0, payload}};
}

uint16_t error_of(const std::string& bytes, size_t max = 1000) {
    const auto seen = parse(bytes, max);
    return seen.empty() || seen.back().kind != WsEventKind::kError ? uint16_t{0} : seen.back().code;
}

const std::string kHello = bytes_of({0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00});

TEST(WsDeflatedFrames, ReadsTheExamplesOfTheRfc) {
    EXPECT_EQ(parse(bytes_of({0xC1, 0x07}) + kHello), message("Hello"));
    EXPECT_EQ(parse(bytes_of({0x41, 0x03, 0xF2, 0x48, 0xCD, 0x80, 0x04, 0xC9, 0xC9, 0x07, 0x00})),
              message("Hello"));
    // A block that is not compressed.
    EXPECT_EQ(
        parse(frame(0xC1, bytes_of({0x00, 0x05, 0x00, 0xFA, 0xFF, 'H', 'e', 'l', 'l', 'o', 0x00}))),
        message("Hello"));
    // A block that says it is the last, and what follows it.
    EXPECT_EQ(parse(frame(0xC1, bytes_of({0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00}))),
              message("Hello"));
    EXPECT_EQ(parse(frame(0xC1, bytes_of({0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00}))),
              message("Hello"))
        << "some leave the rest out";
    EXPECT_EQ(parse(frame(0xC1, bytes_of({0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00}) + kHello)),
              message("HelloHello"))
        << "another stream may follow";
    // Two blocks with a flush between them.
    EXPECT_EQ(parse(frame(0xC1, bytes_of({0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA,
                                          0xC9, 0xC9, 0x07, 0x00}))),
              message("Hello"));
    EXPECT_EQ(parse(frame(0xC1, "")), message("")) << "nothing at all";
    EXPECT_EQ(parse(frame(0xC1, bytes_of({0}))), message(""));
    // Messages that are not compressed may stand between those that are.
    EXPECT_EQ(parse(frame(0x81, "plain") + frame(0xC1, kHello) + frame(0x81, "more")),
              (std::vector<Seen>{{WsEventKind::kMessage, 0, "plain"},
                                 {WsEventKind::kMessage, 0, "Hello"},
                                 {WsEventKind::kMessage, 0, "more"}}));
    EXPECT_EQ(
        parse(frame(0x41, kHello.substr(0, 3)) + frame(0x89, "ping") +
              frame(0x00, kHello.substr(3)) + frame(0x80, "")),
        (std::vector<Seen>{{WsEventKind::kPing, 0, "ping"}, {WsEventKind::kMessage, 0, "Hello"}}));
}

TEST(WsDeflatedFrames, RefusesRsvBitsThatMeanNothing) {
    EXPECT_EQ(error_of(frame(0xC9, "")), kWsCloseProtocolError) << "ping";
    EXPECT_EQ(error_of(frame(0xCA, "")), kWsCloseProtocolError) << "pong";
    EXPECT_EQ(error_of(frame(0xC8, "")), kWsCloseProtocolError) << "close";
    EXPECT_EQ(error_of(frame(0x41, kHello) + frame(0xC0, "")), kWsCloseProtocolError)
        << "continuation of a compressed message";
    EXPECT_EQ(error_of(frame(0x01, "a") + frame(0xC0, kHello)), kWsCloseProtocolError)
        << "continuation of a plain one";
    EXPECT_EQ(error_of(frame(0xE1, kHello)), kWsCloseProtocolError) << "with RSV2";
    EXPECT_EQ(error_of(frame(0xD1, kHello)), kWsCloseProtocolError) << "with RSV3";
    FrameParser without(WsRole::kClient);
    std::string bytes = frame(0xC1, kHello);
    std::span<char> input(bytes);
    EXPECT_EQ(without.next(input).close_code, kWsCloseProtocolError) << "not agreed on";
}

TEST(WsDeflatedFrames, RefusesWhatIsNoDeflate) {
    EXPECT_EQ(error_of(frame(0xC2, bytes_of({0x07}))), kWsCloseInvalidPayload) << "block type 3";
    EXPECT_EQ(error_of(frame(0xC2, bytes_of({0x00, 0x05, 0x00, 0x05, 0x00}) + "Hello")),
              kWsCloseInvalidPayload)
        << "length that its complement does not confirm";
    EXPECT_EQ(error_of(frame(0xC2, bytes_of({0xF2, 0x00, 0x11, 0x00, 0x00}))),
              kWsCloseInvalidPayload)
        << "a context that was to be given up";
    const std::string cut = deflated(std::string(500, 'x') + "and what else there is to say");
    for (size_t size = 1; size + 1 < cut.size(); ++size)
        EXPECT_EQ(error_of(frame(0xC2, cut.substr(0, size))), kWsCloseInvalidPayload) << size;
}

TEST(WsDeflatedFrames, ChecksTheTextThatCameOut) {
    const std::string filler(500, 'x');
    EXPECT_EQ(parse(frame(0xC1, deflated(filler + "\xE2\x82\xAC"))),
              message(filler + "\xE2\x82\xAC"));
    EXPECT_EQ(error_of(frame(0xC1, deflated(filler + "\xE2\x82"))), kWsCloseInvalidPayload);
    EXPECT_EQ(error_of(frame(0xC1, deflated(filler + "\xC0\x80" + filler.substr(100)))),
              kWsCloseInvalidPayload);
    EXPECT_EQ(parse(frame(0xC2, deflated(filler + "\xE2\x82"))), message(filler + "\xE2\x82"))
        << "binary is not checked";
    EXPECT_EQ(parse(frame(0xC1, kHello) + frame(0x81, "\xE2\x82\xAC")).size(), 2U)
        << "and the next message begins afresh";
}

TEST(WsDeflatedFrames, InflatesToTheLimitAndNotPastIt) {
    EXPECT_EQ(parse(frame(0xC2, deflated(std::string(1000, 'x')))),
              message(std::string(1000, 'x')));
    EXPECT_EQ(error_of(frame(0xC2, deflated(std::string(1001, 'x')))), kWsCloseTooBig);
    const std::string bomb = deflated(std::string(64U * 1024 * 1024, '\0'));
    ASSERT_LT(bomb.size(), 400'000U);
    WsInflater inflater;
    std::string out;
    EXPECT_EQ(inflater.inflate(bomb, 100'000, nullptr, out), WsInflateResult::kTooBig);
    EXPECT_LE(out.capacity(), 200'000U) << "no more was made of it than that";
    // The inflater serves the next.
    out.clear();
    EXPECT_EQ(inflater.inflate(kHello, 5, nullptr, out), WsInflateResult::kDone);
    EXPECT_EQ(out, "Hello");
    // What comes compressed may be a little longer than the message, not much.
    std::mt19937 random(1);
    std::string noise;
    while (noise.size() < 1000)
        noise.push_back(static_cast<char>(random()));
    const std::string stored = bytes_of({0x00, 0xE8, 0x03, 0x17, 0xFC}) + noise + bytes_of({0});
    EXPECT_EQ(parse(frame(0xC2, stored)), message(noise));
    const std::string empty_blocks(1200, '\0');
    EXPECT_EQ(error_of(frame(0xC2, empty_blocks)), kWsCloseTooBig);
}

TEST(WsDeflatedFrames, ReadBackWhatWasWritten) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    WsDeflater deflater;
    for (int round = 0; round < 200; ++round) {
        std::string text;
        const size_t size = random() % 10 == 0 ? 200'000 : random() % 3000;
        while (text.size() < size)
            text += "word" + std::to_string(random() % 50);
        const auto bits = static_cast<uint8_t>(9 + random() % 7);
        const auto payload = deflater.deflate(text, bits);
        if (!payload) {
            EXPECT_LT(text.size(), 50U) << "words can be made smaller";
            continue;
        }
        EXPECT_LT(payload->size(), text.size());
        const std::string whole(*payload);
        const size_t at = random() % (whole.size() + 1);
        const std::string bytes = frame(0x41, whole.substr(0, at)) + frame(0x80, whole.substr(at));
        ASSERT_EQ(parse(bytes, 300'000), message(text));
        ASSERT_EQ(parse(bytes, 300'000, 1 + random() % 700), message(text));
    }
}

TEST(WsDeflater, LeavesWhatDoesNotShrink) {
    std::mt19937 random(2);
    std::string noise;
    while (noise.size() < 100'000)
        noise.push_back(static_cast<char>(random()));
    WsDeflater deflater;
    EXPECT_FALSE(deflater.deflate(noise, kWsWindowBitsMax));
    EXPECT_FALSE(deflater.deflate("", kWsWindowBitsMax));
    EXPECT_FALSE(deflater.deflate("x", kWsWindowBitsMax));
    EXPECT_TRUE(deflater.deflate(std::string(100, 'x'), kWsWindowBitsMax));
}

TEST(WsDeflater, ReachesBackNoFurtherThanItsWindow) {
    // A repetition at a distance of 700 bytes: beyond a window of 9 bits, within one of 10.
    std::mt19937 random(3);
    std::string noise;
    while (noise.size() < 700)
        noise.push_back(static_cast<char>(random()));
    WsDeflater deflater;
    const auto size_with = [&](uint8_t bits) {
        const auto payload = deflater.deflate(noise + noise + std::string(100, 'x'), bits);
        return payload ? payload->size() : 0;
    };
    EXPECT_GT(size_with(9), 1390U);
    EXPECT_LT(size_with(11), 800U);
}

}  // namespace
}  // namespace tandem::net
