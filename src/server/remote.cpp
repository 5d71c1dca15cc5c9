#include "server/remote.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace tandem::server {

using base::Value;

namespace {

// Columns of UTF-8 text, near enough: every character counts as one.
size_t width_of(std::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

uint64_t now_ms() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

}  // namespace

int get_json(const std::string& url, const std::string& target, Value& out) {
    net::HttpClientRequest request;
    request.target = target;
    return call(url, request, out);
}

int send_json(const std::string& url, net::HttpMethod method, const std::string& target,
              std::string body, Value& out) {
    net::HttpClientRequest request;
    request.method = method;
    request.target = target;
    request.headers.set("Content-Type", "application/json");
    request.body = std::move(body);
    return call(url, request, out);
}

void print_line(std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
    // Whoever reads it must not take half of it for all.
    complain("the output cannot be written: " + std::string(std::strerror(errno)),
             "Is there room where it goes?");
    std::_Exit(1);
}

uint64_t number_of(const Value& value, std::string_view name) {
    const Value* member = value.find(name);
    return member != nullptr && member->is_integer() && member->as_integer() > 0
               ? static_cast<uint64_t>(member->as_integer())
               : 0;
}

std::string text_of(const Value& value, std::string_view name) {
    const Value* member = value.find(name);
    return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

std::string brief_of(const Value& value, std::string_view name, size_t width) {
    const Value* member = value.find(name);
    if (member == nullptr) return {};
    std::string json = base::to_json(*member);
    if (width_of(json) <= width) return json;
    size_t end = 0;
    for (size_t columns = 0; columns + 1 < width && end < json.size(); ++columns)
        do
            ++end;
        while (end < json.size() && (static_cast<unsigned char>(json[end]) & 0xC0) == 0x80);
    return json.substr(0, end) + "…";
}

std::string time_text(uint64_t ms) {
    if (ms == 0) return "-";
    const auto seconds = static_cast<std::time_t>(ms / 1000);
    std::tm local{};
    localtime_r(&seconds, &local);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    return text;
}

void Table::print() const {
    std::vector<size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], width_of(row[i]));
    }
    for (const auto& row : rows_) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]) + 2, ' ');
        }
        print_line(line);
    }
}

Progress::Progress() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::show(const std::string& text) {
    if (!is_terminal_ || now_ms() < next_ms_) return;
    next_ms_ = now_ms() + 100;
    is_shown_ = true;
    std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
}

void Progress::clear() {
    if (is_shown_) std::fprintf(stderr, "\r\x1b[K");
    is_shown_ = false;
}

}  // namespace tandem::server
