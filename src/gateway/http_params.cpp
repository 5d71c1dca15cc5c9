#include "gateway/http_params.hpp"

#include <charconv>

#include "net/http_types.hpp"

namespace tandem::gateway {

using base::Value;

std::optional<uint64_t> optional_number(const net::HttpRequest& request, std::string_view name) {
    const auto text = net::query_param(request.query, name);
    if (!text) return std::nullopt;
    uint64_t value = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size()) return std::nullopt;
    return value;
}

std::optional<std::optional<uint64_t>> seq_member(const Value& body, std::string_view name) {
    const Value* member = body.find(name);
    if (member == nullptr) return std::optional<uint64_t>();
    if (!member->is_integer() || member->as_integer() < 0) return std::nullopt;
    return std::optional<uint64_t>(static_cast<uint64_t>(member->as_integer()));
}

}  // namespace tandem::gateway
