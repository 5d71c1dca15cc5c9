#include "server/auth_service.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>

namespace tandem::server {
namespace {

class AuthServiceTest : public testing::Test {
  protected:
    AuthServiceTest() {
        std::string made = testing::TempDir() + "auth_service_XXXXXX";
        folder_ = ::mkdtemp(made.data()) == nullptr ? "" : made;
    }
    ~AuthServiceTest() override { std::filesystem::remove_all(folder_); }

    std::unique_ptr<AuthService> open() {
        auto opened = AuthService::open(folder_, {}, true);
        EXPECT_TRUE(opened.ok());
        return opened ? *std::move(opened) : nullptr;
    }

    std::string folder_;
};

/// No file of the process grows beyond so many bytes.
class SizeLimit {
  public:
    explicit SizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~SizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    SizeLimit(const SizeLimit&) = delete;
    SizeLimit& operator=(const SizeLimit&) = delete;

  private:
    rlimit before_{};
    void (*handler_)(int);
};

TEST_F(AuthServiceTest, WhatWasRevokedIsSoAfterARestart) {
    ASSERT_FALSE(folder_.empty());
    ASSERT_TRUE(open()->revoke("one", {}, 1'000).ok());
    ASSERT_TRUE(open()->revoke({}, "somebody", 2'000).ok());
    EXPECT_EQ(open()->revocations(),
              R"({"revocations":[{"at_ms":1000,"jti":"one"},{"at_ms":2000,"sub":"somebody"}]})");
}

TEST_F(AuthServiceTest, ARevocationThatDidNotFitOnTheDiskSpoilsNoOther) {
    ASSERT_FALSE(folder_.empty());
    auto service = open();
    ASSERT_TRUE(service->revoke("first", {}, 1'000).ok());
    const auto size = std::filesystem::file_size(folder_ + "/revocations.jsonl");
    {
        const SizeLimit full(size + 7);
        EXPECT_EQ(service->revoke("second", {}, 2'000).error().code, base::ErrorCode::io_failed);
    }
    EXPECT_EQ(std::filesystem::file_size(folder_ + "/revocations.jsonl"), size);
    ASSERT_TRUE(service->revoke("third", {}, 3'000).ok());
    service = open();
    ASSERT_NE(service, nullptr) << "it can be read";
    const std::string listed = service->revocations();
    EXPECT_NE(listed.find("\"first\""), std::string::npos);
    EXPECT_EQ(listed.find("\"second\""), std::string::npos);
    EXPECT_NE(listed.find("\"third\""), std::string::npos);
}

}  // namespace
}  // namespace tandem::server
