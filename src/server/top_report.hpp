#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/value.hpp"

namespace tandem::server {

/// What /metrics said at one moment.
struct Scrape {
    /// A histogram as it is told: how many were at most so long (seconds), ascending.
    struct Buckets {
        std::vector<std::pair<double, double>> below;
        double sum = 0;
    };
    std::map<std::string, double, std::less<>> values;       ///< by name, with its labels
    std::map<std::string, Buckets, std::less<>> histograms;  ///< by name, and labels but `le`

    [[nodiscard]] double value(std::string_view name) const;
};

/// Reads the text of /metrics; none when it is not of a Tandem server.
[[nodiscard]] std::optional<Scrape> read_scrape(std::string_view text);

/// What happened between two scrapes.
struct Interval {
    Scrape now;
    double seconds = 0;
    /// The server began anew meanwhile: what it counts is all since then.
    bool is_restarted = false;

    struct Quantiles {
        double count = 0;
        double p50 = 0;  ///< seconds
        double p99 = 0;
        double p999 = 0;
    };
    [[nodiscard]] double rate(std::string_view name) const;  ///< of a counter, a second
    /// Of all histograms whose name (with labels) begins so.
    [[nodiscard]] Quantiles quantiles(std::string_view name) const;
    [[nodiscard]] double uptime_s() const;

    Scrape before;  ///< empty after a restart
    double wall_s = 0;
};

/// `wall_s` is when `now` was scraped, in seconds since 1970.
[[nodiscard]] Interval interval_of(const Scrape& before, const Scrape& now, double seconds,
                                   double wall_s);

/// How far the log of a channel has come, and who is there.
struct ChannelSeen {
    std::string name;
    uint64_t head = 0;
    uint64_t subscribers = 0;
    double writes_per_s = 0;
};
/// Those which were written the most since `before`, at most `count_max`.
[[nodiscard]] std::vector<ChannelSeen> hottest(const std::vector<ChannelSeen>& before,
                                               const std::vector<ChannelSeen>& now, double seconds,
                                               size_t count_max);

/// Channels as far as the server was asked for them.
struct ChannelList {
    std::vector<ChannelSeen> rows;
    bool is_all = true;    ///< else the first ones by name
    bool is_told = false;  ///< else this token may not list them
};

[[nodiscard]] base::Value report_json(const Interval& interval, const ChannelList& channels);

}  // namespace tandem::server
