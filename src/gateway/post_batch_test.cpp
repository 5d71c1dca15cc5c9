#include "gateway/post_batch.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.hpp"

namespace tandem::gateway {
namespace {

using base::ErrorCode;
using hub::Codec;

constexpr size_t kMessageMax = 1024;

// A frame of so many bytes with its tag and length, at least 130.
std::string frame(size_t bytes, char fill) {
    const size_t body = bytes - 3;
    std::string out{'\x0a', static_cast<char>((body & 0x7f) | 0x80), static_cast<char>(body >> 7)};
    return out.append(body, fill);
}

TEST(PostBatch, WhatFitsInAMessageIsOneWhateverItHolds) {
    for (const std::string& body : {std::string("x"), std::string(kMessageMax, '\xff')})
        for (const Codec codec : {Codec::binary, Codec::json}) {
            const auto cut = cut_batch(body, codec, kMessageMax);
            ASSERT_TRUE(cut.ok());
            EXPECT_EQ(*cut, std::vector<std::string_view>{body});
        }
    EXPECT_EQ(cut_batch("", Codec::binary, kMessageMax).error().code, ErrorCode::malformed);
}

TEST(PostBatch, IsCutBetweenFramesIntoMessagesThatAreAllowed) {
    std::string body;
    for (int i = 0; i < 20; ++i)
        body += frame(static_cast<size_t>(200 + 40 * i), static_cast<char>('a' + i));
    const auto cut = cut_batch(body, Codec::binary, kMessageMax);
    ASSERT_TRUE(cut.ok());
    std::string joined;
    for (const std::string_view message : *cut) {
        EXPECT_LE(message.size(), kMessageMax);
        EXPECT_EQ(message.front(), '\x0a');
        joined += message;
    }
    EXPECT_EQ(joined, body);
    // As full as they may be.
    for (size_t i = 0; i + 1 < cut->size(); ++i) {
        const auto next = (*cut)[i + 1];
        const size_t first = 3 + (static_cast<uint8_t>(next[1]) & 0x7f) +
                             (static_cast<size_t>(static_cast<uint8_t>(next[2])) << 7);
        EXPECT_GT((*cut)[i].size() + first, kMessageMax);
    }
}

TEST(PostBatch, LimitsHoldAndOnePastThem) {
    EXPECT_EQ(batch_bytes_max(Codec::binary, kMessageMax), 16 * kMessageMax);
    EXPECT_EQ(batch_bytes_max(Codec::binary, base::kMessageBytesCeiling), base::kMiB);
    EXPECT_EQ(batch_bytes_max(Codec::json, kMessageMax), kMessageMax);

    std::string full;
    for (int i = 0; i < 16; ++i)
        full += frame(kMessageMax, 'a');
    EXPECT_EQ(cut_batch(full, Codec::binary, kMessageMax)->size(), 16U);
    const auto over = cut_batch(full + "x", Codec::binary, kMessageMax);
    EXPECT_EQ(over.error(), base::fail(ErrorCode::too_large, 16 * kMessageMax));

    const std::string long_frame = frame(300, 'a') + frame(kMessageMax + 1, 'b');
    EXPECT_EQ(cut_batch(long_frame, Codec::binary, kMessageMax).error(),
              base::fail(ErrorCode::too_large, kMessageMax));
    EXPECT_EQ(cut_batch(std::string(kMessageMax + 1, '1'), Codec::json, kMessageMax).error(),
              base::fail(ErrorCode::too_large, kMessageMax));
}

TEST(PostBatch, WhatIsNoBatchIsNotCut) {
    const std::string good = frame(1000, 'a');
    for (const std::string& rest : {std::string("\x12\x00 and so on", 12), std::string(60, '\xff'),
                                    good.substr(0, 500), std::string("\x0a")})
        EXPECT_FALSE(cut_batch(good + good + rest, Codec::binary, kMessageMax).ok());
}

}  // namespace
}  // namespace tandem::gateway
