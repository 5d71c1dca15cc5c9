#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "server/top_report.hpp"

namespace tandem::server {

/// How one number went, the newest last.
class Trend {
  public:
    static constexpr size_t kKept = 240;
    void add(double value);
    /// So many columns of bars, the highest of which is the largest that is shown; spaces where
    /// nothing is known yet.
    [[nodiscard]] std::string bars(size_t columns) const;

  private:
    std::deque<double> values_;
};

/// What the screen shows besides the newest interval.
struct Trends {
    Trend writes;
    Trend deliveries;
    Trend sent;
    Trend processors;
    Trend ack;
    Trend send;
    Trend sync;
    Trend lag;

    void add(const Interval& interval);
};

struct ScreenSize {
    size_t columns = 80;
    size_t rows = 24;
};

/// Emphasis by escape sequences, or none.
enum class Style : uint8_t { plain, terminal };

struct Screen {
    std::string server;
    std::string problem;  ///< why nothing new is known; else empty
    double every_s = 2;
    ScreenSize size;
    Style style = Style::plain;
};

/// The lines to show, none wider than the screen and no more than it has.
[[nodiscard]] std::vector<std::string> screen_lines(const Screen& screen, const Interval& interval,
                                                    const ChannelList& channels,
                                                    const Trends& trends);

/// As people read them: 1,234 and 1.2 M; 640 B and 1.2 MiB; 12 µs, 3.4 ms and 1.2 s; 4 d 3 h.
[[nodiscard]] std::string number_text(double number);
[[nodiscard]] std::string bytes_text(double bytes);
[[nodiscard]] std::string span_text(double seconds);
[[nodiscard]] std::string uptime_text(double seconds);

}  // namespace tandem::server
