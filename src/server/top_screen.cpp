#include "server/top_screen.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace tandem::server {

namespace {

constexpr std::array<std::string_view, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr size_t kLoopsShown = 16;

std::string format(const char* how, double number) {
    char text[64];
    std::snprintf(text, sizeof text, how, number);
    return text;
}

bool is_first_byte(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

size_t columns_of(std::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), is_first_byte));
}

std::string clipped(std::string_view text, size_t columns) {
    size_t end = 0;
    for (size_t seen = 0; end < text.size(); ++end)
        if (is_first_byte(text[end]) && ++seen > columns) break;
    return std::string(text.substr(0, end));
}

// Names come from clients: none may speak to the terminal.
std::string harmless(std::string_view text) {
    std::string out(text);
    for (size_t i = 0; i < out.size(); ++i) {
        const auto c = static_cast<unsigned char>(out[i]);
        // The second form of the control characters is two bytes of UTF-8.
        const bool is_c1 =
            c == 0xC2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xA0;
        if (is_c1) out.replace(i, 2, "?");
        if (c < 0x20 || c == 0x7F) out[i] = '?';
    }
    return out;
}

std::string left(std::string_view text, size_t columns) {
    std::string out = clipped(text, columns);
    out.append(columns - columns_of(out), ' ');
    return out;
}

std::string right(std::string_view text, size_t columns) {
    const size_t width = columns_of(text);
    return std::string(columns - std::min(columns, width), ' ') + std::string(text);
}

class Lines {
  public:
    Lines(const Screen& screen) : screen_(screen) {}

    void add(std::string_view text) { put(text, {}); }
    void head(std::string_view text) { put(text, "\x1b[1m"); }
    void warn(std::string_view text) { put(text, "\x1b[7m"); }
    [[nodiscard]] bool has_room_for(size_t count) const {
        return lines_.size() + count <= screen_.size.rows;
    }
    [[nodiscard]] std::vector<std::string> take() { return std::move(lines_); }

  private:
    void put(std::string_view text, std::string_view style) {
        if (!has_room_for(1)) return;
        std::string line = clipped(text, screen_.size.columns);
        if (screen_.style == Style::terminal && !style.empty())
            line = std::string(style) + line + "\x1b[0m";
        lines_.push_back(std::move(line));
    }

    const Screen& screen_;
    std::vector<std::string> lines_;
};

std::string scaled(double number, const std::array<const char*, 5>& units, double step) {
    size_t unit = 0;
    while (unit + 1 < units.size() && number >= step) {
        number /= step;
        ++unit;
    }
    const char* how = unit > 0 && number < 9.95 ? "%.1f" : "%.0f";
    return format(how, number) + units[unit];
}

}  // namespace

void Trend::add(double value) {
    values_.push_back(value);
    if (values_.size() > kKept) values_.pop_front();
}

std::string Trend::bars(size_t columns) const {
    const size_t shown = std::min(columns, values_.size());
    std::string out(columns - shown, ' ');
    const auto first = values_.end() - static_cast<std::ptrdiff_t>(shown);
    const double top = shown == 0 ? 0 : *std::max_element(first, values_.end());
    for (auto at = first; at != values_.end(); ++at) {
        const double part = top > 0 ? *at / top : 0;
        const auto bar = static_cast<size_t>(std::lround(part * (kBars.size() - 1)));
        out += kBars[std::min(bar, kBars.size() - 1)];
    }
    return out;
}

void Trends::add(const Interval& interval) {
    writes.add(interval.rate("tandem_pushes_total"));
    deliveries.add(interval.rate("tandem_deliveries_total"));
    sent.add(interval.rate("tandem_sent_bytes_total"));
    processors.add(interval.rate("tandem_process_cpu_seconds_total"));
    ack.add(interval.quantiles("tandem_write_to_ack_seconds").p99);
    send.add(interval.quantiles("tandem_commit_to_send_seconds").p99);
    sync.add(interval.quantiles("tandem_store_sync_seconds").p99);
    lag.add(interval.quantiles("tandem_loop_lag_seconds").p99);
}

std::string number_text(double number) {
    if (number < 100'000) {
        std::string text = format("%.0f", number < 9.95 ? std::round(number * 10) / 10 : number);
        if (number > 0 && number < 9.95 && std::round(number * 10) != std::round(number) * 10)
            return format("%.1f", number);
        if (text.size() > 3) text.insert(text.size() - 3, ",");
        return text;
    }
    return scaled(number, {"", " k", " M", " G", " T"}, 1000);
}

std::string bytes_text(double bytes) {
    return scaled(bytes, {" B", " KiB", " MiB", " GiB", " TiB"}, 1024);
}

std::string span_text(double seconds) {
    if (seconds < 0.9995e-3) return format("%.0f µs", seconds * 1e6);
    if (seconds < 0.9995) return format(seconds < 9.95e-3 ? "%.1f ms" : "%.0f ms", seconds * 1e3);
    return format(seconds < 9.95 ? "%.1f s" : "%.0f s", seconds);
}

std::string uptime_text(double seconds) {
    const auto all = static_cast<uint64_t>(seconds);
    const auto two = [](uint64_t a, const char* unit, uint64_t b, const char* smaller) {
        return std::to_string(a) + unit + std::to_string(b) + smaller;
    };
    if (all < 60) return std::to_string(all) + " s";
    if (all < 3600) return two(all / 60, " min ", all % 60, " s");
    if (all < 86'400) return two(all / 3600, " h ", all / 60 % 60, " min");
    return two(all / 86'400, " d ", all / 3600 % 24, " h");
}

std::vector<std::string> screen_lines(const Screen& screen, const Interval& interval,
                                      const ChannelList& channels, const Trends& trends) {
    Lines lines(screen);
    const Scrape& now = interval.now;
    const auto gauge = [&](std::string_view name) { return number_text(now.value(name)); };
    lines.head("tandem top  " + harmless(screen.server) + "   up " +
               uptime_text(interval.uptime_s()) + "   every " + number_text(screen.every_s) + " s" +
               (screen.style == Style::terminal ? "   q quits" : ""));
    if (!screen.problem.empty()) lines.warn(" " + harmless(screen.problem) + " ");
    if (interval.is_restarted) lines.warn(" The server was started again. ");
    if (now.value("tandem_channels_damaged") > 0)
        lines.warn(" " + gauge("tandem_channels_damaged") + " channels are damaged. ");
    lines.add("connections " + gauge("tandem_connections") + "   subscriptions " +
              gauge("tandem_subscriptions") + "   channels " + gauge("tandem_channels") +
              "   text readers " + gauge("tandem_text_readers"));
    lines.add("memory " + bytes_text(now.value("tandem_process_resident_bytes")) + "   queue " +
              gauge("tandem_store_queue_entries") + "   refused/s " +
              number_text(interval.rate("tandem_refusals_total")) + "   catch-ups/s " +
              number_text(interval.rate("tandem_deliveries_diff_total") +
                          interval.rate("tandem_deliveries_snapshot_total")) +
              "   texts/s " + number_text(interval.rate("tandem_text_updates_total")));
    lines.add("");

    constexpr size_t kName = 15;
    constexpr size_t kCell = 10;
    const size_t columns = screen.size.columns;
    const auto row = [&](std::string_view name, const std::string& value, const Trend& trend) {
        const size_t used = kName + kCell + 2;
        lines.add(left(name, kName) + right(value, kCell) + "  " +
                  trend.bars(std::min(columns - std::min(columns, used), Trend::kKept)));
    };
    lines.head(left("a second", kName) + right("now", kCell));
    row("writes", number_text(interval.rate("tandem_pushes_total")), trends.writes);
    row("deliveries", number_text(interval.rate("tandem_deliveries_total")), trends.deliveries);
    row("sent", bytes_text(interval.rate("tandem_sent_bytes_total")), trends.sent);
    row("processors", format("%.2f", interval.rate("tandem_process_cpu_seconds_total")),
        trends.processors);
    lines.add("");

    lines.head(left("latency", kName) + right("p50", kCell) + right("p99", kCell) +
               right("p99.9", kCell) + "  p99 so far");
    const auto times = [&](std::string_view name, std::string_view metric, const Trend& trend) {
        const Interval::Quantiles of = interval.quantiles(metric);
        const auto cell = [&](double seconds) {
            return right(of.count > 0 ? span_text(seconds) : "-", kCell);
        };
        const size_t used = kName + 3 * kCell + 2;
        lines.add(left(name, kName) + cell(of.p50) + cell(of.p99) + cell(of.p999) + "  " +
                  trend.bars(std::min(columns - std::min(columns, used), Trend::kKept)));
    };
    times("write to ack", "tandem_write_to_ack_seconds", trends.ack);
    times("commit to send", "tandem_commit_to_send_seconds", trends.send);
    times("sync", "tandem_store_sync_seconds", trends.sync);
    times("loop lag", "tandem_loop_lag_seconds", trends.lag);

    std::string loops;
    size_t count = 0;
    for (const auto& [name, buckets] : now.histograms)
        if (name.starts_with("tandem_loop_lag_seconds") && ++count <= kLoopsShown)
            loops += "  " + span_text(interval.quantiles(name).p99);
    if (count > 1) lines.add("of each loop" + loops + (count > kLoopsShown ? "  …" : ""));

    if (now.values.find("tandem_webhook_behind") != now.values.end()) {
        lines.add("");
        lines.add("webhooks  delivered/s " +
                  number_text(interval.rate("tandem_webhook_deliveries_total")) + "   failed/s " +
                  number_text(interval.rate("tandem_webhook_failures_total")) + "   behind " +
                  gauge("tandem_webhook_behind") + "   disabled " +
                  gauge("tandem_webhooks_disabled"));
    }
    if (!channels.is_told || !lines.has_room_for(3)) return lines.take();
    lines.add("");
    lines.head(left("writes/s", 10) + left("followed by", 13) + "channel" +
               (channels.is_all ? "" : "  (of the first 1,000 by name)"));
    for (const ChannelSeen& one : channels.rows)
        lines.add(left(number_text(one.writes_per_s), 10) +
                  left(number_text(static_cast<double>(one.subscribers)), 13) + harmless(one.name));
    if (channels.rows.empty()) lines.add("none was written");
    return lines.take();
}

}  // namespace tandem::server
