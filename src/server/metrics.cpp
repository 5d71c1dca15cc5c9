#include "server/metrics.hpp"

#include <unistd.h>

#include <cstdio>
#include <fstream>

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

}  // namespace

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
    add(out, "store_commits_total", "counter", "Transactions of the store.", store.commits);
    add(out, "store_queue_entries", "gauge", "Entries waiting for the store.", store.queue_entries);
    add(out, "store_checkpoints_total", "counter", "Checkpoints of the store.", store.checkpoints);
    add(out, "process_resident_bytes", "gauge", "Resident memory.", resident_bytes());

    out +=
        "# HELP tandem_store_commit_seconds Duration of commits.\n"
        "# TYPE tandem_store_commit_seconds histogram\n";
    uint64_t below = 0;
    for (size_t i = 0; i < store.commit_times.size(); ++i) {
        below += store.commit_times[i];
        char bound[32];
        std::snprintf(bound, sizeof bound, "%g", static_cast<double>(uint64_t{64} << i) / 1e6);
        const bool is_last = i + 1 == store.commit_times.size();
        out += "tandem_store_commit_seconds_bucket{le=\"" + std::string(is_last ? "+Inf" : bound) +
               "\"} " + std::to_string(below) + "\n";
    }
    char sum[32];
    std::snprintf(sum, sizeof sum, "%.6f", static_cast<double>(store.commit_us_total) / 1e6);
    out += "tandem_store_commit_seconds_sum " + std::string(sum) + "\n";
    out += "tandem_store_commit_seconds_count " + std::to_string(below) + "\n";
    return out;
}

}  // namespace tandem::server
