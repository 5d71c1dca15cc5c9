#include "hooks/payload.hpp"

#include <gtest/gtest.h>

#include "base/value.hpp"

namespace tandem::hooks {
namespace {

TEST(Payload, OfARangeIsWhatTheDocumentsShow) {
    const Payload payload = range_payload("crm", Stream::changes, "board:42", {7, 5}, {7, 6},
                                          1'767'225'600'123, "[{\"seq\":6}]");
    EXPECT_EQ(payload.id, "crm/board:42/changes/7/5-6");
    EXPECT_EQ(payload.body,
              R"({"type":"changes","webhook":"crm","timestamp":"2026-01-01T00:00:00.123Z",)"
              R"("data":{"channel":"board:42","epoch":"7","from":5,"to":6,)"
              R"("entries":[{"seq":6}]}})");
}

TEST(Payload, EveryKindIsJsonAndItsIdIsPlain) {
    const std::string channel = "board:\"ä. b";
    for (const Payload& payload :
         {range_payload("crm", Stream::conflicts, channel, {7, 5}, {7, 6}, 1, "[]"),
          gap_payload("crm", Stream::changes, channel, {7, 5}, {7, 6}, Step::Cause::trimmed),
          gap_payload("crm", Stream::conflicts, channel, {7, 5}, {7, 6}, Step::Cause::deleted),
          reset_payload("crm", channel, {7, 5}, {8, 5}),
          presence_payload("crm", channel, "ab12", 3, 1, "[]")}) {
        const auto body = base::parse_json(payload.body);
        ASSERT_TRUE(body.ok()) << payload.body;
        EXPECT_EQ(body->find("data")->find("channel")->as_string(), channel);
        EXPECT_TRUE(payload.id.starts_with("crm/board:%22%C3%A4%2E%20b/")) << payload.id;
    }
    EXPECT_TRUE(base::parse_json(test_payload("crm", "ab12", 1, 1).body).ok());
}

TEST(Payload, TimesAreThoseOfTheCalendar) {
    EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(time_text(951'782'400'000), "2000-02-29T00:00:00.000Z");
    EXPECT_EQ(time_text(4'107'542'399'999), "2100-02-28T23:59:59.999Z");
    EXPECT_EQ(time_text(784'111'777'000), "1994-11-06T08:49:37.000Z");
}

TEST(Payload, RetryAfterIsSecondsOrADate) {
    EXPECT_EQ(retry_after_ms("120", 0), 120'000u);
    EXPECT_EQ(retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", 784'111'770'000), 7'000u);
    EXPECT_EQ(retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", 784'111'780'000), 0u);
    for (const char* wrong : {"", "soon", "-1", "1.5", "Sun, 06 Xyz 1994 08:49:37 GMT"})
        EXPECT_EQ(retry_after_ms(wrong, 0), 0u) << wrong;
}

}  // namespace
}  // namespace tandem::hooks
