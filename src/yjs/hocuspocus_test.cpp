#include "yjs/hocuspocus.hpp"

#include <gtest/gtest.h>

namespace tandem::yjs {
namespace {

using base::ErrorCode;
using std::string_view_literals::operator""sv;

TEST(HocuspocusFrames, BeginWithTheKeyOfTheirDocument) {
    const std::string frame = hocuspocus_frame("room\0s1"sv, stateless_message("hi"));
    EXPECT_EQ(frame, "\x07room\0s1\x05\x02hi"sv);
    const auto read = read_hocuspocus_frame(frame);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->key, "room\0s1"sv);
    EXPECT_EQ(document_of_key(read->key), "room");
    EXPECT_EQ(read->message, "\x05\x02hi"sv);
    // A frame of one byte is of the connection.
    const auto pong = read_hocuspocus_frame("\x0a");
    ASSERT_TRUE(pong.ok());
    EXPECT_TRUE(pong->key.empty());
    EXPECT_EQ(read_hocuspocus_message(pong->message)->kind, HocuspocusKind::pong);
    for (const std::string_view bad : {""sv, "\x00\x00"sv, "\x09\x01"sv, "\x02\0s\x00"sv})
        EXPECT_EQ(read_hocuspocus_frame(bad).error().code, ErrorCode::malformed);
    const std::string longest(kHocuspocusKeyBytesMax, 'x');
    EXPECT_TRUE(read_hocuspocus_frame(hocuspocus_frame(longest, "\x07")).ok());
    EXPECT_EQ(read_hocuspocus_frame(hocuspocus_frame(longest + 'x', "\x07")).error().code,
              ErrorCode::too_large);
}

TEST(HocuspocusFrames, HaveTheMessagesOfTheProviders) {
    const auto step = read_hocuspocus_message("\x00\x00\x01\x00"sv);
    ASSERT_TRUE(step.ok());
    EXPECT_EQ(step->step, SyncStep::step1);
    EXPECT_EQ(step->body, "\0"sv);
    EXPECT_EQ(read_hocuspocus_message("\x04\x02\x01\x00"sv)->step, SyncStep::update);
    const auto two = read_hocuspocus_message("\x02\x00\x03tok"sv);
    ASSERT_TRUE(two.ok());
    EXPECT_EQ(two->body, "tok");
    EXPECT_FALSE(two->has_version);
    EXPECT_TRUE(read_hocuspocus_message("\x02\x00\x03tok\x05"
                                        "4.8.0"sv)
                    ->has_version);
    EXPECT_EQ(denied_message("no"), "\x02\x01\x02no"sv);
    EXPECT_EQ(authenticated_message(HocuspocusScope::readonly), "\x02\x02\x08readonly"sv);
    EXPECT_EQ(sync_status_message(true), "\x08\x01"sv);
    EXPECT_EQ(sync_status_message(false), "\x08\x00"sv);
    EXPECT_EQ(close_message("bye"),
              "\x07\x03"
              "bye"sv);
    for (const std::string_view bad :
         {""sv, "\x00"sv, "\x00\x03\x00"sv, "\x00\x01\x05"sv, "\x02\x01\x01x"sv, "\x05\x09"sv})
        EXPECT_EQ(read_hocuspocus_message(bad).error().code, ErrorCode::malformed);
    for (const std::string_view unknown : {"\x08\x01"sv, "\x0b"sv})
        EXPECT_EQ(read_hocuspocus_message(unknown).error().code, ErrorCode::unknown_operation);
}

}  // namespace
}  // namespace tandem::yjs
