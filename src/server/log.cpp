#include "server/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "base/value.hpp"

namespace tandem::server {

namespace {

bool is_json = false;

// How many bytes a character of UTF-8 has that begins here; 0: none does.
size_t character_size(std::string_view text) {
    for (size_t size = 1; size <= std::min<size_t>(text.size(), 4); ++size)
        if (base::is_utf8(text.substr(0, size))) return size;
    return 0;
}

// Names come from clients, and paths from whoever: a line end in one must not begin a line of the
// log, nor may it speak to a terminal, and all of it is UTF-8.
std::string one_line(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const size_t size = character_size(text);
        const auto first = static_cast<unsigned char>(text.front());
        const bool is_c1 = size == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
        if (size == 0 || first < 0x20 || first == 0x7F || is_c1)
            out += '?';
        else
            out += text.substr(0, size);
        text.remove_prefix(std::max<size_t>(size, 1));
    }
    return out;
}

// %* in a pattern: the message as a JSON string.
class JsonMessage final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& out) override {
        std::string text;
        base::append_json_string(text,
                                 std::string_view(message.payload.data(), message.payload.size()));
        out.append(text.data(), text.data() + text.size());
    }
    std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
        return std::make_unique<JsonMessage>();
    }
};

}  // namespace

void open_log(const Options& options) {
    auto logger = std::make_shared<spdlog::logger>(
        "tandem", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    is_json = options.log_format == LogFormat::json;
    if (is_json) {
        auto formatter = std::make_unique<spdlog::pattern_formatter>();
        formatter->add_flag<JsonMessage>('*').set_pattern(
            R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})");
        logger->set_formatter(std::move(formatter));
    } else {
        logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    }
    logger->set_level(spdlog::level::from_str(options.log_level));
    spdlog::set_default_logger(std::move(logger));
}

void log_refusal(std::string_view what, std::string_view hint) {
    if (!is_json) {
        std::fprintf(stderr, "tandem: %.*s\n", static_cast<int>(what.size()), what.data());
        if (!hint.empty())
            std::fprintf(stderr, "        %.*s\n", static_cast<int>(hint.size()), hint.data());
        return;
    }
    spdlog::default_logger()->set_level(spdlog::level::critical);
    spdlog::critical("{}",
                     one_line(std::string(what) + (hint.empty() ? "" : ". ") + std::string(hint)));
}

void log_info(std::string_view text) { spdlog::info("{}", one_line(text)); }
void log_warning(std::string_view text) { spdlog::warn("{}", one_line(text)); }
void log_error(std::string_view text) { spdlog::error("{}", one_line(text)); }

}  // namespace tandem::server
