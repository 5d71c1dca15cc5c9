#include "server/metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace tandem::server {

namespace {

uint64_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    uint64_t size = 0;
    uint64_t resident = 0;
    in >> size >> resident;
    return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void add(std::string& out, std::string_view name, std::string_view type, std::string_view help,
         uint64_t value) {
    out += "# HELP tandem_" + std::string(name) + " " + std::string(help) + "\n";
    out += "# TYPE tandem_" + std::string(name) + " " + std::string(type) + "\n";
    out += "tandem_" + std::string(name) + " " + std::to_string(value) + "\n";
}

struct Series {
    std::string labels;
    const base::Histogram::Sum& sum;
};

std::string seconds_text(uint64_t ns) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", static_cast<double>(ns) / 1e9);
    return text;
}

void add_histogram(std::string& out, std::string_view name, std::string_view help,
                   const std::vector<Series>& all) {
    const std::string full = "tandem_" + std::string(name);
    out += "# HELP " + full + " " + std::string(help) + "\n# TYPE " + full + " histogram\n";
    for (const Series& series : all) {
        const std::string first = series.labels.empty() ? "" : series.labels + ",";
        const std::string set = series.labels.empty() ? "" : "{" + series.labels + "}";
        uint64_t below = 0;
        size_t bucket = 0;
        for (const uint64_t bound : shown_bounds_ns()) {
            for (; bucket < base::Histogram::kBuckets && base::Histogram::bound_ns(bucket) <= bound;
                 ++bucket)
                below += series.sum.counts[bucket];
            out += full + "_bucket{" + first + "le=\"" + seconds_text(bound) + "\"} " +
                   std::to_string(below) + "\n";
        }
        for (; bucket < base::Histogram::kBuckets; ++bucket)
            below += series.sum.counts[bucket];
        // The count is that of the buckets, whatever is recorded meanwhile.
        out += full + "_bucket{" + first + "le=\"+Inf\"} " + std::to_string(below) + "\n";
        out += full + "_sum" + set + " " + seconds_text(series.sum.total_ns) + "\n";
        out += full + "_count" + set + " " + std::to_string(below) + "\n";
    }
}

void add_seconds(std::string& out, std::string_view name, std::string_view type,
                 std::string_view help, double value) {
    add(out, name, type, help, 0);
    out.resize(out.size() - 2);
    char text[48];
    std::snprintf(text, sizeof text, "%.3f\n", value);
    out += text;
}

double processor_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// Since 1970. The system tells it in ticks since it started itself.
double start_seconds() {
    std::ifstream in("/proc/self/stat");
    std::string line;
    std::getline(in, line);
    // The name of the program may have spaces in it.
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string field;
    constexpr int kStartAfterName = 20;
    for (int i = 0; i < kStartAfterName; ++i)
        fields >> field;
    const double ticks = std::strtod(field.c_str(), nullptr);
    const double since_boot = ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
    std::ifstream system("/proc/stat");
    uint64_t boot = 0;
    while (std::getline(system, line))
        if (line.starts_with("btime ")) boot = std::strtoull(line.c_str() + 6, nullptr, 10);
    return static_cast<double>(boot) + since_boot;
}

}  // namespace

const std::vector<uint64_t>& shown_bounds_ns() {
    static const std::vector<uint64_t> bounds = [] {
        constexpr uint64_t kFirstNs = 64 * base::Histogram::kUnitNs;
        constexpr size_t kDoublings = 19;
        std::vector<uint64_t> out;
        for (size_t i = 0; i <= kDoublings; ++i) {
            out.push_back(kFirstNs << i);
            if (i < kDoublings) out.push_back((kFirstNs << i) / 2 * 3);
        }
        return out;
    }();
    return bounds;
}

std::string metrics_text(const Webhooks::Totals& totals) {
    std::string out;
    add(out, "webhook_deliveries_total", "counter", "Webhooks that a receiver has taken.",
        totals.delivered);
    add(out, "webhook_failures_total", "counter", "Attempts of webhooks that failed.",
        totals.failed);
    add(out, "webhook_gaps_total", "counter",
        "Ranges of logs that were gone before they were told.", totals.gaps);
    add(out, "webhook_dropped_total", "counter", "States of presence that were given up.",
        totals.dropped);
    add(out, "webhook_behind", "gauge", "Channels that a webhook is still to be told of.",
        totals.behind);
    add(out, "webhook_under_way", "gauge", "Deliveries of webhooks under way.", totals.under_way);
    add(out, "webhooks_disabled", "gauge", "Webhooks that are told no more.", totals.disabled);
    return out;
}

std::string metrics_text(const MemoryWatch& memory, const hub::Stats& stats) {
    std::string out;
    add(out, "memory_budget_bytes", "gauge", "What the server may use.", memory.budget_bytes());
    add(out, "memory_used_bytes", "gauge", "What it uses of that.", memory.used_bytes());
    add(out, "memory_pressure", "gauge", "0: none; 1: nobody is let in; 2: connections are cut.",
        static_cast<uint64_t>(memory.pressure()));
    add(out, "memory_answers_bytes", "gauge", "Answers that connections have not taken.",
        stats.held.answers);
    add(out, "memory_catch_ups_bytes", "gauge", "Catch-ups under way or kept.",
        stats.held.catch_ups);
    add(out, "memory_windows_bytes", "gauge", "Newest frames of channels.", stats.held.windows);
    add(out, "memory_texts_bytes", "gauge", "Texts that are kept built.", stats.held.texts);
    add(out, "shed_connections_total", "counter", "Cut or not let in, as memory was short.",
        stats.shed_connections);
    add(out, "stalled_connections_total", "counter", "Dropped, as they took nothing for too long.",
        stats.stalled_connections);
    return out;
}

std::string metrics_text(const hub::Stats& stats, const store::StoreStats& store) {
    std::string out;
    add(out, "connections", "gauge", "Open client connections.", stats.connections);
    add(out, "subscriptions", "gauge", "Cursors over channels.", stats.subscriptions);
    add(out, "channels", "gauge", "Channels in memory.", stats.channels);
    add(out, "channels_damaged", "gauge", "Channels whose stored log does not fit together.",
        stats.damaged);
    add(out, "pushes_total", "counter", "Writes received.", stats.pushes);
    add(out, "entries_total", "counter", "Entries committed.", stats.entries);
    add(out, "commits_total", "counter", "Batches committed.", stats.commits);
    add(out, "duplicates_total", "counter", "Writes that came again.", stats.duplicates);
    add(out, "refusals_total", "counter", "Writes refused.", stats.refusals);
    add(out, "rate_limited_total", "counter", "Of them those that came too fast for a while.",
        stats.rate_limited);
    add(out, "deliveries_total", "counter", "Frames of all kinds delivered.",
        stats.deliveries_live + stats.deliveries_diff + stats.deliveries_snapshot);
    add(out, "deliveries_live_total", "counter", "Live frames delivered.", stats.deliveries_live);
    add(out, "deliveries_diff_total", "counter", "Catch-ups by difference.", stats.deliveries_diff);
    add(out, "deliveries_snapshot_total", "counter", "Bootstraps.", stats.deliveries_snapshot);
    add(out, "resets_total", "counter", "Cursors that were not of this history.", stats.resets);
    add(out, "alarms_total", "counter", "Cursors above the store's head.", stats.alarms);
    add(out, "conflicts_total", "counter", "Rows opened in conflict journals.", stats.conflicts);
    add(out, "received_bytes_total", "counter", "Bytes of messages received.", stats.bytes_in);
    add(out, "sent_bytes_total", "counter", "Bytes of messages sent.", stats.bytes_out);
    add(out, "snapshots_total", "counter", "Snapshots written.", stats.snapshots);
    add(out, "record_hashes_total", "counter", "SHA-256 computed for hashes of records.",
        stats.hashes);
    add(out, "record_unchanged_total", "counter", "Whole states that changed nothing.",
        stats.unchanged);
    add(out, "channels_evicted_total", "counter",
        "Channels that left memory, since nobody used them.", stats.evicted);
    add(out, "shed_readers_total", "counter",
        "Readers closed because stalled catch-ups held too much.", stats.shed_readers);
    add(out, "streams", "gauge", "Open client connections without a WebSocket.", stats.streams);
    add(out, "stream_posts_total", "counter", "POSTs of theirs that were taken.",
        stats.stream_posts);
    add(out, "stream_repeats_total", "counter", "POSTs that came again, and were not taken again.",
        stats.stream_repeats);
    add(out, "stream_strays_total", "counter", "POSTs that named a stream which is not there.",
        stats.stream_strays);
    add(out, "store_commits_total", "counter", "Transactions of the store.", store.commits);
    add(out, "store_queue_entries", "gauge", "Entries waiting for the store.", store.queue_entries);
    add(out, "store_checkpoints_total", "counter", "Checkpoints of the store.", store.checkpoints);
    add(out, "text_readers", "gauge", "Of the subscriptions those to texts.", stats.text_readers);
    add(out, "text_updates_total", "counter", "Entries that changed a text.", stats.text_updates);
    add(out, "process_resident_bytes", "gauge", "Resident memory.", resident_bytes());
    add_seconds(out, "process_cpu_seconds_total", "counter", "Processor time used.",
                processor_seconds());
    add_seconds(out, "process_start_time_seconds", "gauge", "When the server started.",
                start_seconds());

    add_histogram(out, "store_commit_seconds", "Duration of commits.", {{"", store.commit_times}});
    add_histogram(out, "store_sync_seconds", "Duration of syncs of the store's files.",
                  {{"", store.sync_times}});
    return out;
}

std::string metrics_text(const LoopSums& loops) {
    std::string out;
    add(out, "loops", "gauge", "Event loops.", loops.lags.size());
    std::vector<Series> lags;
    for (size_t i = 0; i < loops.lags.size(); ++i)
        lags.push_back({"loop=\"" + std::to_string(i) + "\"", loops.lags[i]});
    add_histogram(out, "loop_lag_seconds", "How long a turn of an event loop kept others waiting.",
                  lags);
    add_histogram(out, "write_to_ack_seconds",
                  "From the arrival of a write until its answer was sent.",
                  {{"", loops.write_to_ack}});
    add_histogram(out, "commit_to_send_seconds",
                  "From when a commit was durable until all of it was sent.",
                  {{"", loops.commit_to_send}});
    add(out, "deflated_frames_total", "counter", "Compressed messages sent.",
        loops.deflated_frames);
    add(out, "deflate_saved_bytes_total", "counter", "Bytes that compression kept from being sent.",
        loops.deflate_saved_bytes);
    return out;
}

}  // namespace tandem::server
