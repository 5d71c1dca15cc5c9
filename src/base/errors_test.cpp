#include "base/errors.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tandem::base {
namespace {

constexpr ErrorCode kAll[] = {
#define TANDEM_ERROR(name, number, message, hint) ErrorCode::name,
#include "base/errors.def"
#undef TANDEM_ERROR
};

TEST(Errors, EveryCodeIsFoundByItsNameAndNumber) {
    for (ErrorCode code : kAll) {
        EXPECT_EQ(error_from_name(error_name(code)), code);
        EXPECT_EQ(error_from_number(static_cast<uint64_t>(code)), code);
    }
}

TEST(Errors, UnknownNamesAndNumbersAreRefused) {
    EXPECT_EQ(error_from_name("no_such_error"), std::nullopt);
    EXPECT_EQ(error_from_name(""), std::nullopt);
    EXPECT_EQ(error_from_number(0), std::nullopt);
    // A number that equals a known one in its low 16 bits is still unknown.
    EXPECT_EQ(error_from_number(65536 + 1), std::nullopt);
}

TEST(Errors, NamesAreUniqueAndTextsAreSentences) {
    std::set<std::string_view> names;
    for (ErrorCode code : kAll) {
        EXPECT_TRUE(names.insert(error_name(code)).second) << error_name(code);
        EXPECT_TRUE(error_message(code).ends_with('.')) << error_name(code);
        EXPECT_TRUE(error_hint(code).ends_with('.')) << error_name(code);
    }
}

TEST(Errors, OnlyTheTemporaryRangeMayBeTriedAgain) {
    EXPECT_TRUE(is_temporary(ErrorCode::overloaded));
    EXPECT_TRUE(is_temporary(ErrorCode::rate_limited));
    EXPECT_FALSE(is_temporary(ErrorCode::forbidden));
    EXPECT_FALSE(is_temporary(ErrorCode::token_expired));
    EXPECT_FALSE(is_temporary(ErrorCode::io_failed));
}

}  // namespace
}  // namespace tandem::base
