#include "sdk/http_answer.hpp"

#include <utility>

#include "sdk/values.hpp"

namespace tandem::sdk {

std::string text_of(const base::Value& json, std::string_view key) {
    const base::Value* found = json.find(key);
    return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

uint64_t number_of(const base::Value& json, std::string_view key) {
    const base::Value* found = json.find(key);
    const bool is_count = found != nullptr && found->is_integer() && found->as_integer() > 0;
    return is_count ? static_cast<uint64_t>(found->as_integer()) : 0;
}

Error error_of(const base::Value& json) {
    std::string message = text_of(json, "message");
    if (const base::Value* detail = json.find("detail"); detail != nullptr)
        message += " (" + base::to_json(*detail) + ")";
    return {text_of(json, "code"), std::move(message), text_of(json, "hint")};
}

HttpAnswer answer_of(const base::Result<net::HttpResponse>& response) {
    if (!response) return {{}, to_error(response.error()), 0};
    auto json = base::parse_json(response->body, base::kLooseValueLimits);
    if (!json) return {{}, to_error(base::fail(base::ErrorCode::protocol_error)), 0};
    const base::Value* error = json->find("error");
    if (response->status < 400 && error == nullptr) return {std::move(*json), std::nullopt, 0};
    if (error == nullptr) return {{}, to_error(base::fail(base::ErrorCode::protocol_error)), 0};
    return {{}, error_of(*error), number_of(*error, "detail")};
}

}  // namespace tandem::sdk
