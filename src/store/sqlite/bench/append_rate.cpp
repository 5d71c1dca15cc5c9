#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>

#include "store/sqlite/sqlite_store.hpp"

// Appends per second with fsync, for several numbers of appends that wait at a time.
// usage: store_append_rate FOLDER [PAGE_BYTES]

using namespace tandem;

namespace {

constexpr double kSeconds = 2.0;
constexpr uint64_t kChannels = 64;
constexpr size_t kBodyBytes = 200;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int measure(const std::string& folder, uint32_t page_bytes, size_t in_flight) {
    std::string path = folder + "/append_rate.db";
    store::SqliteStoreOptions options;
    options.engine.new_epoch = 1;
    options.engine.page_bytes = page_bytes;
    auto opened = store::SqliteStore::open(path, options);
    if (!opened.ok()) {
        std::fprintf(stderr, "cannot open: error %u\n", unsigned(opened.error().code));
        return 1;
    }
    std::mutex mutex;
    std::condition_variable wakes;
    bool notified = false;
    auto port = (*opened)->open_port([&] {
        std::lock_guard lock(mutex);
        notified = true;
        wakes.notify_one();
    });
    uint64_t heads[kChannels] = {};
    uint64_t ticket = 0;
    uint64_t done = 0;
    auto start = std::chrono::steady_clock::now();
    std::vector<port::Completion> completions;
    while (seconds_since(start) < kSeconds) {
        while (ticket - done < in_flight) {
            uint64_t channel = ticket % kChannels;
            port::ChannelAppend append;
            append.channel = "bench:" + std::to_string(channel);
            if (heads[channel] == 0) append.new_epochs.push_back({1, 0});
            port::StoredEntry entry;
            entry.seq = ++heads[channel];
            entry.actor = 1;
            entry.counter = entry.seq;
            entry.body.assign(kBodyBytes, 'x');
            append.entries.push_back(std::move(entry));
            port->submit(++ticket, port::AppendRequest{{std::move(append)}});
        }
        std::unique_lock lock(mutex);
        wakes.wait(lock, [&] { return notified; });
        notified = false;
        lock.unlock();
        completions.clear();
        port->poll(completions);
        for (const auto& completion : completions) {
            if (completion.reply.ok()) continue;
            std::fprintf(stderr, "append failed: %u\n", unsigned(completion.reply.error().code));
            return 1;
        }
        done += completions.size();
    }
    double seconds = seconds_since(start);
    auto stats = (*opened)->stats();
    std::printf(
        "page %5u  in flight %5zu: %8.0f appends/s  %6.0f fsyncs/s  commit mean %5.0f us "
        "sync mean %5.0f us  checkpoints %u\n",
        page_bytes, in_flight, double(done) / seconds, double(stats.commits) / seconds,
        double(stats.commit_times.total_ns) / 1e3 / double(stats.commits),
        double(stats.sync_times.total_ns) / 1e3 / double(stats.commits),
        unsigned(stats.checkpoints));
    port.reset();
    opened->reset();
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
        std::filesystem::remove(path + suffix);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    auto page_bytes = static_cast<uint32_t>(argc > 2 ? std::atoi(argv[2]) : 4096);
    for (size_t in_flight : {1, 8, 64, 512, 2048}) {
        if (int code = measure(argv[1], page_bytes, in_flight); code != 0) return code;
    }
    return 0;
}
