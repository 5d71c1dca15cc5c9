#include "net/http_types.hpp"

#include <algorithm>

namespace tandem::net {

namespace {

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = to_lower(c);
    if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
    return -1;
}

// Calls `use` for every item of a comma-separated list until it returns true.
template <typename Use>
bool any_list_item(std::string_view list, Use use) {
    while (!list.empty()) {
        const size_t comma = list.find(',');
        if (use(trim_blanks(list.substr(0, comma)))) return true;
        if (comma == std::string_view::npos) break;
        list.remove_prefix(comma + 1);
    }
    return false;
}

}  // namespace

std::string_view method_name(HttpMethod method) {
    switch (method) {
        case HttpMethod::kGet:
            return "GET";
        case HttpMethod::kHead:
            return "HEAD";
        case HttpMethod::kPost:
            return "POST";
        case HttpMethod::kPut:
            return "PUT";
        case HttpMethod::kPatch:
            return "PATCH";
        case HttpMethod::kDelete:
            return "DELETE";
        case HttpMethod::kOptions:
            return "OPTIONS";
    }
    return "";
}

void HttpHeaders::add(std::string_view name, std::string_view value) {
    fields_.emplace_back(name, value);
}

void HttpHeaders::set(std::string_view name, std::string_view value) {
    std::erase_if(fields_,
                  [&](const auto& field) { return equals_ignoring_case(field.first, name); });
    add(name, value);
}

std::string_view HttpHeaders::get(std::string_view name) const {
    for (const auto& [key, value] : fields_) {
        if (equals_ignoring_case(key, name)) return value;
    }
    return {};
}

bool HttpHeaders::contains(std::string_view name) const { return count(name) != 0; }

size_t HttpHeaders::count(std::string_view name) const {
    return static_cast<size_t>(std::count_if(fields_.begin(), fields_.end(), [&](const auto& f) {
        return equals_ignoring_case(f.first, name);
    }));
}

bool HttpHeaders::has_token(std::string_view name, std::string_view token) const {
    return std::any_of(fields_.begin(), fields_.end(), [&](const auto& field) {
        return equals_ignoring_case(field.first, name) &&
               any_list_item(field.second, [&](std::string_view item) {
                   return equals_ignoring_case(item, token);
               });
    });
}

bool HttpRequest::is_websocket_upgrade() const {
    return method == HttpMethod::kGet && headers.has_token("connection", "upgrade") &&
           headers.has_token("upgrade", "websocket");
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return to_lower(x) == to_lower(y);
           });
}

std::string_view trim_blanks(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

bool is_token(std::string_view text) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
    });
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = hex_value(text[i + 1]);
        const int low = hex_value(text[i + 2]);
        if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    constexpr std::string_view kMarks = "-._~";
    std::string out;
    for (const char c : text) {
        if (is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos) {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out.push_back('%');
        out.push_back(kHex[byte >> 4U]);
        out.push_back(kHex[byte & 15U]);
    }
    return out;
}

QueryParams parse_query(std::string_view query) {
    QueryParams params;
    while (!query.empty()) {
        const size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        if (pair.empty()) continue;
        const size_t equals = pair.find('=');
        std::string name(pair.substr(0, equals));
        std::string value(equals == std::string_view::npos ? std::string_view{}
                                                           : pair.substr(equals + 1));
        std::replace(name.begin(), name.end(), '+', ' ');
        std::replace(value.begin(), value.end(), '+', ' ');
        auto decoded_name = percent_decode(name);
        auto decoded_value = percent_decode(value);
        if (decoded_name && decoded_value) {
            params.emplace_back(std::move(*decoded_name), std::move(*decoded_value));
        }
    }
    return params;
}

std::optional<std::string> query_param(std::string_view query, std::string_view name) {
    for (auto& [key, value] : parse_query(query)) {
        if (key == name) return std::move(value);
    }
    return std::nullopt;
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
    const auto strong_part = [](std::string_view tag) {
        return tag.substr(0, 2) == "W/" ? tag.substr(2) : tag;
    };
    return any_list_item(if_none_match, [&](std::string_view item) {
        return item == "*" || (!item.empty() && strong_part(item) == strong_part(etag));
    });
}

}  // namespace tandem::net
