#include "server/top_report.hpp"

#include <gtest/gtest.h>

#include <string>

#include "server/metrics.hpp"
#include "server/top_screen.hpp"

namespace tandem::server {
namespace {

Scrape scrape(double started, double pushes, const std::string& more = {}) {
    const auto out = read_scrape(
        "# HELP x y\n# TYPE x gauge\ntandem_connections 3\n"
        "tandem_process_start_time_seconds " +
        std::to_string(started) + "\ntandem_process_cpu_seconds_total " +
        std::to_string(pushes / 1000) + "\ntandem_pushes_total " + std::to_string(pushes) + "\n" +
        more);
    return out.value_or(Scrape{});
}

TEST(TopReport, ReadsWhatTheServerTells) {
    base::Histogram lag;
    lag.record(1'000'000, 3);
    LoopSums loops;
    lag.add_to(loops.lags.emplace_back());
    lag.add_to(loops.lags.emplace_back());
    const auto read =
        read_scrape(metrics_text(hub::Stats{}, store::StoreStats{}) + metrics_text(loops));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->histograms.count("tandem_write_to_ack_seconds"), 1U);
    ASSERT_EQ(read->histograms.count("tandem_loop_lag_seconds{loop=\"1\"}"), 1U);
    const auto& below = read->histograms.at("tandem_loop_lag_seconds{loop=\"1\"}").below;
    ASSERT_EQ(below.size(), shown_bounds_ns().size() + 1);
    EXPECT_DOUBLE_EQ(below.front().first, 16e-6);
    EXPECT_EQ(below.back().second, 3);
    EXPECT_DOUBLE_EQ(read->value("tandem_loop_lag_seconds_sum{loop=\"1\"}"), 0.003);
}

TEST(TopReport, TheBoundsThatAreShownAreBoundsOfBuckets) {
    for (const uint64_t bound : shown_bounds_ns())
        EXPECT_EQ(base::Histogram::bound_ns(base::Histogram::bucket_of(bound)), bound);
}

TEST(TopReport, RefusesWhatIsNoAnswerOfAServer) {
    EXPECT_FALSE(read_scrape(""));
    EXPECT_FALSE(read_scrape("<html>"));
    EXPECT_FALSE(read_scrape("tandem_connections x\n"));
    EXPECT_FALSE(read_scrape("tandem_connections 1\nother_bucket{a=\"1\"} 2\n"));
    EXPECT_FALSE(read_scrape("another_metric 1\n"));
}

TEST(TopReport, RatesAreOfTheTimeBetween) {
    const Interval interval = interval_of(scrape(100, 1000), scrape(100, 1600), 2, 150);
    EXPECT_FALSE(interval.is_restarted);
    EXPECT_DOUBLE_EQ(interval.rate("tandem_pushes_total"), 300);
    EXPECT_DOUBLE_EQ(interval.uptime_s(), 50);
    EXPECT_EQ(interval.rate("not_told"), 0);
}

TEST(TopReport, AfterARestartAllThatIsCountedIsNew) {
    const Interval interval = interval_of(scrape(100, 5000), scrape(149, 600), 2, 150);
    EXPECT_TRUE(interval.is_restarted);
    // It has been there for one of the two seconds.
    EXPECT_DOUBLE_EQ(interval.rate("tandem_pushes_total"), 600);
    // Faster than the old one ever was, at the same time by the clock.
    EXPECT_TRUE(interval_of(scrape(100, 500), scrape(149, 6000), 2, 150).is_restarted);
    // The clock was set back, or nothing is told of the start.
    EXPECT_TRUE(interval_of(scrape(0, 5000), scrape(0, 10), 2, 150).is_restarted);
}

TEST(TopReport, QuantilesAreOfWhatCameSince) {
    const auto buckets = [](int a, int b, int c, int all) {
        const auto line = [](const char* le, int count) {
            return "t_seconds_bucket{loop=\"0\",le=\"" + std::string(le) + "\"} " +
                   std::to_string(count) + "\n";
        };
        return line("0.001", a) + line("0.002", b) + line("0.004", c) + line("+Inf", all);
    };
    const Interval interval = interval_of(scrape(1, 1, buckets(1000, 1000, 1000, 1000)),
                                          scrape(1, 2, buckets(1000, 1100, 1100, 1101)), 1, 2);
    const Interval::Quantiles of = interval.quantiles("t_seconds");
    EXPECT_EQ(of.count, 101);
    EXPECT_GT(of.p50, 0.001);
    EXPECT_LT(of.p50, 0.0016);
    EXPECT_LE(of.p99, 0.002);
    // Above the last bound no more is known than that.
    EXPECT_EQ(of.p999, 0.004);
    EXPECT_EQ(interval.quantiles("none").count, 0);
    const Interval still = interval_of(interval.now, interval.now, 1, 2);
    EXPECT_EQ(still.quantiles("t_seconds").count, 0);
    EXPECT_EQ(still.quantiles("t_seconds").p99, 0);
}

TEST(TopReport, TheHottestChannelsAreThoseThatGrew) {
    const std::vector<ChannelSeen> before = {{"a", 10, 0, 0}, {"b", 10, 0, 0}, {"c", 10, 0, 0}};
    const std::vector<ChannelSeen> now = {
        {"a", 12, 0, 0}, {"b", 10, 0, 0}, {"c", 4, 0, 0}, {"d", 30, 5, 0}};
    const auto found = hottest(before, now, 2, 2);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].name, "d");
    EXPECT_EQ(found[0].writes_per_s, 15);
    // It was deleted meanwhile, and written again.
    EXPECT_EQ(found[1].name, "c");
    EXPECT_EQ(found[1].writes_per_s, 2);
}

TEST(TopScreen, FitsAndSaysNothingToTheTerminal) {
    const Interval interval = interval_of(scrape(1, 1), scrape(1, 2), 1, 2);
    ChannelList channels;
    channels.is_told = true;
    channels.rows = {{"board:\x1b[2J\xc2\x9b\n\x7f", 1, 2, 3}};
    Trends trends;
    for (int i = 0; i < 500; ++i)
        trends.add(interval);
    for (const size_t columns : {1, 20, 80, 300})
        for (const size_t rows : {1, 5, 24, 100}) {
            Screen screen;
            screen.server = "http://127.0.0.1:8080";
            screen.size = {columns, rows};
            const auto lines = screen_lines(screen, interval, channels, trends);
            EXPECT_LE(lines.size(), rows);
            for (const std::string& line : lines) {
                size_t width = 0;
                for (const char c : line) {
                    EXPECT_GE(static_cast<unsigned char>(c), 0x20);
                    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++width;
                }
                EXPECT_LE(width, columns);
                EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
            }
            if (rows == 100 && columns > 40) {
                EXPECT_NE(lines.back().find("board:?[2J??"), std::string::npos) << lines.back();
            }
        }
}

TEST(TopScreen, NumbersAreAsPeopleReadThem) {
    EXPECT_EQ(number_text(0), "0");
    EXPECT_EQ(number_text(0.53), "0.5");
    EXPECT_EQ(number_text(3), "3");
    EXPECT_EQ(number_text(1234), "1,234");
    EXPECT_EQ(number_text(99'999), "99,999");
    EXPECT_EQ(number_text(1'234'567), "1.2 M");
    EXPECT_EQ(bytes_text(640), "640 B");
    EXPECT_EQ(bytes_text(1.2 * 1024 * 1024), "1.2 MiB");
    EXPECT_EQ(span_text(0.000012), "12 µs");
    EXPECT_EQ(span_text(0.0034), "3.4 ms");
    EXPECT_EQ(span_text(1.25), "1.2 s");
    EXPECT_EQ(uptime_text(61), "1 min 1 s");
    EXPECT_EQ(uptime_text(97'200), "1 d 3 h");
}

TEST(TopScreen, BarsAreAsHighAsTheLargestThatIsShown) {
    Trend trend;
    trend.add(100);
    for (const double value : {0.0, 1.0, 2.0})
        trend.add(value);
    EXPECT_EQ(trend.bars(3), "▁▅█");
    EXPECT_EQ(trend.bars(5), " █▁▁▁");
    EXPECT_EQ(trend.bars(0), "");
}

}  // namespace
}  // namespace tandem::server
