#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "port/store.hpp"

namespace tandem::store::testing {

/// A folder of its own, removed at the end.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "tandem-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string file(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

inline port::StoredEntry entry(uint64_t seq, std::string body = "body") {
    port::StoredEntry made;
    made.seq = seq;
    made.actor = 7;
    made.counter = seq;
    made.stamp_ms = 1'000 + seq;
    made.stamp_logical = 3;
    made.stamp_actor = 7;
    made.wall_ms = 2'000 + seq;
    made.digest = 0xfedcba9876543210 + seq;
    made.check = 0xdeadbeef;
    made.body = std::move(body);
    return made;
}

/// The append of entries first..last; the first one of a channel brings epoch 1.
inline port::AppendRequest append(const std::string& channel, uint64_t first, uint64_t last,
                                  const std::string& body = "body") {
    port::ChannelAppend made;
    made.channel = channel;
    if (first == 1) made.new_epochs.push_back({1, 0});
    for (uint64_t seq = first; seq <= last; ++seq)
        made.entries.push_back(entry(seq, body));
    return {{std::move(made)}};
}

}  // namespace tandem::store::testing
