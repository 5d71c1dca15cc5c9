#include "hooks/payload.hpp"

#include <algorithm>
#include <charconv>

#include "base/value.hpp"

namespace tandem::hooks {

namespace {

constexpr uint64_t kDayMs = 86'400'000;
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

// The id is signed with dots around it and goes into a header.
std::string plain(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == ':' || c == '-' || c == '_' ||
                              c == '/';
        if (is_plain) {
            out += c;
            continue;
        }
        out += '%';
        out += kDigits[static_cast<uint8_t>(c) >> 4];
        out += kDigits[static_cast<uint8_t>(c) & 15];
    }
    return out;
}

std::string head(std::string_view type, std::string_view hook) {
    std::string out = "{\"type\":\"" + std::string(type) + "\",\"webhook\":";
    base::append_json_string(out, hook);
    return out;
}

void append_channel(std::string& out, std::string_view channel) {
    out += ",\"data\":{\"channel\":";
    base::append_json_string(out, channel);
}

std::string range_text(const port::HookPosition& from, const port::HookPosition& to) {
    return ",\"epoch\":\"" + std::to_string(to.epoch) + "\",\"from\":" + std::to_string(from.seq) +
           ",\"to\":" + std::to_string(to.seq);
}

std::string id_of(std::string_view hook, std::string_view channel, std::string_view type,
                  const port::HookPosition& from, const port::HookPosition& to) {
    return plain(hook) + '/' + plain(channel) + '/' + std::string(type) + '/' +
           std::to_string(to.epoch) + '/' + std::to_string(from.seq) + '-' + std::to_string(to.seq);
}

// Days since 1970 of a date of the Gregorian calendar, whose year begins in March here.
uint64_t days_of(uint64_t year, uint64_t month, uint64_t day) {
    const uint64_t y = month <= 2 ? year - 1 : year;
    const uint64_t era = y / 400;
    const uint64_t of_era = y % 400;
    const uint64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

std::string padded(uint64_t number, size_t width) {
    std::string out = std::to_string(number);
    return std::string(width - std::min(width, out.size()), '0') + out;
}

}  // namespace

Payload range_payload(std::string_view hook, Stream stream, std::string_view channel,
                      const port::HookPosition& from, const port::HookPosition& to,
                      uint64_t wall_ms, std::string_view items) {
    Payload out;
    const std::string_view type = name_of(stream);
    out.id = id_of(hook, channel, type, from, to);
    out.body = head(type, hook) + ",\"timestamp\":\"" + time_text(wall_ms) + '"';
    append_channel(out.body, channel);
    out.body += range_text(from, to);
    out.body += stream == Stream::changes ? ",\"entries\":" : ",\"conflicts\":";
    out.body += items;
    out.body += "}}";
    return out;
}

Payload gap_payload(std::string_view hook, Stream stream, std::string_view channel,
                    const port::HookPosition& from, const port::HookPosition& to,
                    Step::Cause cause) {
    Payload out;
    const std::string of = "gap-" + std::string(name_of(stream));
    out.id = id_of(hook, channel, of, from, to);
    out.body = head("gap", hook);
    append_channel(out.body, channel);
    out.body += range_text(from, to) + ",\"of\":\"" + std::string(name_of(stream)) + '"';
    out.body +=
        cause == Step::Cause::deleted ? ",\"cause\":\"deleted\"}}" : ",\"cause\":\"trimmed\"}}";
    return out;
}

Payload reset_payload(std::string_view hook, std::string_view channel,
                      const port::HookPosition& from, const port::HookPosition& to) {
    Payload out;
    out.id = id_of(hook, channel, "reset", from, to);
    out.body = head("reset", hook);
    append_channel(out.body, channel);
    out.body += ",\"epoch\":\"" + std::to_string(to.epoch) + "\",\"seq\":" + std::to_string(to.seq);
    out.body += ",\"previous_epoch\":\"" + std::to_string(from.epoch) + "\"}}";
    return out;
}

Payload presence_payload(std::string_view hook, std::string_view channel, std::string_view instance,
                         uint64_t number, uint64_t wall_ms, std::string_view members) {
    Payload out;
    out.id = plain(hook) + '/' + plain(channel) + "/presence/" + plain(instance) + '/' +
             std::to_string(number);
    out.body = head("presence", hook) + ",\"timestamp\":\"" + time_text(wall_ms) + '"';
    append_channel(out.body, channel);
    out.body += ",\"instance\":\"" + std::string(instance) + "\",\"number\":";
    out.body += std::to_string(number) + ",\"members\":" + std::string(members) + "}}";
    return out;
}

Payload test_payload(std::string_view hook, std::string_view instance, uint64_t number,
                     uint64_t wall_ms) {
    Payload out;
    out.id = plain(hook) + "/test/" + plain(instance) + '/' + std::to_string(number);
    out.body = head("test", hook) + ",\"timestamp\":\"" + time_text(wall_ms) + "\",\"data\":{}}";
    return out;
}

std::string time_text(uint64_t wall_ms) {
    const uint64_t shifted = wall_ms / kDayMs + 719'468;
    const uint64_t of_era = shifted % 146'097;
    const uint64_t year_of_era =
        (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
    const uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint64_t from_march = (5 * of_year + 2) / 153;
    const uint64_t day = of_year - (153 * from_march + 2) / 5 + 1;
    const uint64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    const uint64_t year = year_of_era + shifted / 146'097 * 400 + (month <= 2 ? 1 : 0);
    const uint64_t ms = wall_ms % kDayMs;
    return padded(year, 4) + '-' + padded(month, 2) + '-' + padded(day, 2) + 'T' +
           padded(ms / 3'600'000, 2) + ':' + padded(ms / 60'000 % 60, 2) + ':' +
           padded(ms / 1'000 % 60, 2) + '.' + padded(ms % 1'000, 3) + 'Z';
}

// A date is "Sun, 06 Nov 1994 08:49:37 GMT"; other forms are obsolete.
uint64_t retry_after_ms(std::string_view header, uint64_t wall_ms) {
    const auto number = [](std::string_view text) -> std::optional<uint64_t> {
        uint64_t value = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
        if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
            return std::nullopt;
        return value;
    };
    if (const auto seconds = number(header))
        return std::min<uint64_t>(*seconds, UINT32_MAX) * 1'000;
    if (header.size() != 29 || !header.ends_with(" GMT")) return 0;
    const size_t month = kMonths.find(header.substr(8, 3));
    const auto day = number(header.substr(5, 2));
    const auto year = number(header.substr(12, 4));
    const auto hour = number(header.substr(17, 2));
    const auto minute = number(header.substr(20, 2));
    const auto second = number(header.substr(23, 2));
    if (month == std::string_view::npos || month % 3 != 0 || !day || !year || *year < 1970 ||
        !hour || !minute || !second)
        return 0;
    const uint64_t at_ms = days_of(*year, month / 3 + 1, *day) * kDayMs + *hour * 3'600'000 +
                           *minute * 60'000 + *second * 1'000;
    return at_ms > wall_ms ? at_ms - wall_ms : 0;
}

}  // namespace tandem::hooks
