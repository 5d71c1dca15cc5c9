#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/value.hpp"
#include "net/http_client.hpp"
#include "tandem/tandem.hpp"

namespace tandem::sdk {

/// What the HTTP API said: JSON, or an error.
struct HttpAnswer {
    base::Value json;
    std::optional<Error> error;
    uint64_t detail = 0;  ///< of the error
};

[[nodiscard]] HttpAnswer answer_of(const base::Result<net::HttpResponse>& response);

/// What an answer or a frame says went wrong, with its detail.
[[nodiscard]] Error error_of(const base::Value& json);

/// Members of an answer; empty or 0 where they are missing.
[[nodiscard]] std::string text_of(const base::Value& json, std::string_view key);
[[nodiscard]] uint64_t number_of(const base::Value& json, std::string_view key);

}  // namespace tandem::sdk
