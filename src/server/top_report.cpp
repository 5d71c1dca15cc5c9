#include "server/top_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <unordered_map>

namespace tandem::server {

using base::Value;

namespace {

constexpr std::string_view kBucket = "_bucket{";
constexpr std::string_view kStarted = "tandem_process_start_time_seconds";

// Takes `le="…"` out of labels; the rest keeps its braces, none when nothing is left.
std::optional<double> take_bound(std::string& labels) {
    const size_t at = labels.find("le=\"");
    if (at == std::string::npos) return std::nullopt;
    const size_t end = labels.find('"', at + 4);
    if (end == std::string::npos) return std::nullopt;
    const double bound = std::strtod(labels.c_str() + at + 4, nullptr);
    const size_t from = at > 0 && labels[at - 1] == ',' ? at - 1 : at;
    labels.erase(from, end + 1 - from);
    if (labels == "{}") labels.clear();
    return bound;
}

void add(Scrape::Buckets& sum, const Scrape::Buckets& more, double sign) {
    if (sum.below.empty())
        for (const auto& [bound, count] : more.below)
            sum.below.emplace_back(bound, 0);
    for (size_t i = 0; i < std::min(sum.below.size(), more.below.size()); ++i)
        sum.below[i].second += sign * more.below[i].second;
}

double quantile_of(const Scrape::Buckets& buckets, double share) {
    if (buckets.below.empty() || buckets.below.back().second <= 0) return 0;
    const double wanted = share * buckets.below.back().second;
    double bound_before = 0;
    double count_before = 0;
    for (const auto& [bound, count] : buckets.below) {
        if (count >= wanted && count > count_before) {
            // Of what is above the last bound only that is known.
            if (std::isinf(bound)) return bound_before;
            const double part = (wanted - count_before) / (count - count_before);
            return bound_before + std::max(part, 0.0) * (bound - bound_before);
        }
        bound_before = bound;
        count_before = count;
    }
    return bound_before;
}

Value rounded(double number, double parts) { return Value(std::round(number * parts) / parts); }

Value whole(double number) { return Value(std::max(0.0, std::round(number))); }

Value quantiles_json(const Interval::Quantiles& of) {
    const auto ms = [](double seconds) { return rounded(seconds * 1000, 1000); };
    Value out(base::Object{});
    out.put("count", whole(of.count));
    out.put("p50", ms(of.p50));
    out.put("p99", ms(of.p99));
    out.put("p99_9", ms(of.p999));
    return out;
}

}  // namespace

double Scrape::value(std::string_view name) const {
    const auto found = values.find(name);
    return found == values.end() ? 0 : found->second;
}

std::optional<Scrape> read_scrape(std::string_view text) {
    Scrape out;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.empty() || line.front() == '#') continue;
        const size_t space = line.rfind(' ');
        if (space == std::string_view::npos) return std::nullopt;
        std::string name(line.substr(0, space));
        const std::string number(line.substr(space + 1));
        char* end = nullptr;
        const double value = std::strtod(number.c_str(), &end);
        if (number.empty() || *end != '\0') return std::nullopt;
        if (const size_t at = name.find(kBucket); at != std::string::npos) {
            std::string labels = name.substr(at + kBucket.size() - 1);
            const auto bound = take_bound(labels);
            if (!bound) return std::nullopt;
            out.histograms[name.substr(0, at) + labels].below.emplace_back(*bound, value);
        } else {
            out.values[std::move(name)] = value;
        }
    }
    if (out.values.find("tandem_connections") == out.values.end()) return std::nullopt;
    return out;
}

Interval interval_of(const Scrape& before, const Scrape& now, double seconds, double wall_s) {
    Interval out;
    out.now = now;
    out.seconds = seconds;
    out.wall_s = wall_s;
    // A counter that fell tells it too, should the clock have been set meanwhile.
    const double started = now.value(kStarted);
    out.is_restarted = std::abs(started - before.value(kStarted)) > 1 ||
                       now.value("tandem_process_cpu_seconds_total") <
                           before.value("tandem_process_cpu_seconds_total");
    if (!out.is_restarted)
        out.before = before;
    else if (const double up = out.uptime_s(); up > 0)
        out.seconds = std::min(seconds, up);
    return out;
}

double Interval::uptime_s() const {
    const double started = now.value(kStarted);
    return started > 0 ? std::max(0.0, wall_s - started) : 0;
}

double Interval::rate(std::string_view name) const {
    if (seconds <= 0) return 0;
    return std::max(0.0, now.value(name) - before.value(name)) / seconds;
}

Interval::Quantiles Interval::quantiles(std::string_view name) const {
    Scrape::Buckets sum;
    for (const auto& [full, buckets] : now.histograms)
        if (full.starts_with(name)) add(sum, buckets, 1);
    for (const auto& [full, buckets] : before.histograms)
        if (full.starts_with(name)) add(sum, buckets, -1);
    Quantiles out;
    if (sum.below.empty()) return out;
    out.count = sum.below.back().second;
    out.p50 = quantile_of(sum, 0.5);
    out.p99 = quantile_of(sum, 0.99);
    out.p999 = quantile_of(sum, 0.999);
    return out;
}

std::vector<ChannelSeen> hottest(const std::vector<ChannelSeen>& before,
                                 const std::vector<ChannelSeen>& now, double seconds,
                                 size_t count_max) {
    std::unordered_map<std::string_view, uint64_t> heads;
    for (const ChannelSeen& one : before)
        heads[one.name] = one.head;
    std::vector<ChannelSeen> out;
    for (const ChannelSeen& one : now) {
        const auto found = heads.find(one.name);
        // One that was not there has come since, with all that it has; one that was deleted and
        // made again as well.
        const uint64_t from = found == heads.end() || found->second > one.head ? 0 : found->second;
        if (one.head == from || seconds <= 0) continue;
        out.push_back(one);
        out.back().writes_per_s = static_cast<double>(one.head - from) / seconds;
    }
    std::stable_sort(out.begin(), out.end(), [](const ChannelSeen& a, const ChannelSeen& b) {
        return a.writes_per_s > b.writes_per_s;
    });
    if (out.size() > count_max) out.resize(count_max);
    return out;
}

Value report_json(const Interval& interval, const ChannelList& channels) {
    const Scrape& now = interval.now;
    Value out(base::Object{});
    out.put("time_ms", whole(interval.wall_s * 1000));
    out.put("seconds", rounded(interval.seconds, 1000));
    out.put("restarted", Value(interval.is_restarted));
    out.put("uptime_s", whole(interval.uptime_s()));
    for (const auto& [name, metric] : {std::pair{"connections", "tandem_connections"},
                                       {"subscriptions", "tandem_subscriptions"},
                                       {"channels", "tandem_channels"},
                                       {"channels_damaged", "tandem_channels_damaged"},
                                       {"text_readers", "tandem_text_readers"},
                                       {"memory_bytes", "tandem_process_resident_bytes"},
                                       {"store_queue_entries", "tandem_store_queue_entries"}})
        out.put(name, whole(now.value(metric)));
    out.put("processors", rounded(interval.rate("tandem_process_cpu_seconds_total"), 1000));
    Value rates(base::Object{});
    for (const auto& [name, metric] : {std::pair{"writes", "tandem_pushes_total"},
                                       {"entries", "tandem_entries_total"},
                                       {"commits", "tandem_store_commits_total"},
                                       {"deliveries", "tandem_deliveries_total"},
                                       {"catch_ups", "tandem_deliveries_diff_total"},
                                       {"bootstraps", "tandem_deliveries_snapshot_total"},
                                       {"text_updates", "tandem_text_updates_total"},
                                       {"received_bytes", "tandem_received_bytes_total"},
                                       {"sent_bytes", "tandem_sent_bytes_total"},
                                       {"deflate_saved_bytes", "tandem_deflate_saved_bytes_total"},
                                       {"refusals", "tandem_refusals_total"},
                                       {"conflicts", "tandem_conflicts_total"}})
        rates.put(name, rounded(interval.rate(metric), 100));
    out.put("per_second", std::move(rates));
    Value times(base::Object{});
    for (const auto& [name, metric] : {std::pair{"write_to_ack", "tandem_write_to_ack_seconds"},
                                       {"commit_to_send", "tandem_commit_to_send_seconds"},
                                       {"sync", "tandem_store_sync_seconds"},
                                       {"commit", "tandem_store_commit_seconds"},
                                       {"loop_lag", "tandem_loop_lag_seconds"}})
        times.put(name, quantiles_json(interval.quantiles(metric)));
    out.put("latency_ms", std::move(times));
    base::Array loops;
    for (const auto& [name, buckets] : now.histograms)
        if (name.starts_with("tandem_loop_lag_seconds"))
            loops.push_back(quantiles_json(interval.quantiles(name)));
    out.put("loop_lag_ms", Value(std::move(loops)));
    if (now.values.find("tandem_webhook_behind") != now.values.end()) {
        Value hooks(base::Object{});
        hooks.put("delivered_per_s",
                  rounded(interval.rate("tandem_webhook_deliveries_total"), 100));
        hooks.put("failed_per_s", rounded(interval.rate("tandem_webhook_failures_total"), 100));
        hooks.put("behind", whole(now.value("tandem_webhook_behind")));
        hooks.put("under_way", whole(now.value("tandem_webhook_under_way")));
        hooks.put("disabled", whole(now.value("tandem_webhooks_disabled")));
        out.put("webhooks", std::move(hooks));
    }
    if (!channels.is_told) return out;
    base::Array rows;
    for (const ChannelSeen& one : channels.rows) {
        Value row(base::Object{});
        row.put("channel", Value(one.name));
        row.put("writes_per_s", rounded(one.writes_per_s, 100));
        row.put("head", whole(static_cast<double>(one.head)));
        row.put("subscribers", whole(static_cast<double>(one.subscribers)));
        rows.push_back(std::move(row));
    }
    out.put("hottest", Value(std::move(rows)));
    out.put("hottest_of_all", Value(channels.is_all));
    return out;
}

}  // namespace tandem::server
