#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace tandem::hooks {

/// One kind of a webhook's events. The numbers are stored.
enum class Stream : uint8_t { changes = 1, conflicts = 2, presence = 3 };

[[nodiscard]] std::string_view name_of(Stream stream);

/// When and how often a webhook is told.
struct HookPolicy {
    std::string name;
    std::vector<std::string> channels = {"*"};  ///< patterns: `*` stands for any characters
    std::vector<Stream> streams = {Stream::changes};
    uint32_t connections_max = 4;     ///< deliveries under way at a time
    uint64_t gather_ms = 200;         ///< news wait so long for more
    uint64_t retry_min_ms = 1'000;    ///< before the second attempt; doubled for each further one
    uint64_t retry_max_ms = 900'000;  ///< at most

    [[nodiscard]] bool wants(Stream stream) const;
    [[nodiscard]] bool covers(std::string_view channel) const;
    /// What decides where a new cursor begins, as text that is stored and compared.
    [[nodiscard]] std::string scope() const;
};

/// Whether a channel was covered by the hook that had this scope.
[[nodiscard]] bool scope_covers(std::string_view scope, Stream stream, std::string_view channel);

/// Whether `text` is what `pattern` describes; `*` stands for any number of characters.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);

/// What has a cursor: one kind of events of one channel for one webhook.
struct StreamId {
    uint32_t hook = 0;  ///< index of its policy
    Stream stream = Stream::changes;
    std::string channel;

    friend bool operator==(const StreamId&, const StreamId&) = default;
    friend bool operator<(const StreamId& a, const StreamId& b) {
        return std::tie(a.hook, a.stream, a.channel) < std::tie(b.hook, b.stream, b.channel);
    }
};

}  // namespace tandem::hooks
