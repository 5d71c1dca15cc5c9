#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "port/store.hpp"

// Which versions of a text that nobody named a store keeps.
namespace tandem::store {

/// What is to go, of versions in the order of their seqs. `now_ms` is the time by which they age.
inline std::vector<port::StoredTextVersion> surplus_text_versions(
    std::span<const port::StoredTextVersion> all, const port::TextVersionLimits& limits,
    uint64_t now_ms) {
    using Kind = port::StoredTextVersion::Kind;
    constexpr uint64_t kHourMs = 3'600'000;
    constexpr uint64_t kDayMs = 86'400'000;
    uint64_t bytes = 0;
    for (const auto& version : all)
        bytes += version.bytes;
    std::vector<port::StoredTextVersion> out;
    std::vector<const port::StoredTextVersion*> kept;  // the newest first
    uint64_t last_span = 0;
    uint64_t last_number = UINT64_MAX;
    for (auto at = all.rbegin(); at != all.rend(); ++at) {
        if (at->kind == Kind::named) continue;
        const uint64_t age = now_ms - std::min(now_ms, at->changed_ms);
        // What a restore has replaced is asked for soon, or not at all.
        const bool is_young = age < limits.all_ms;
        if (is_young && at->kind == Kind::before_restore) {
            kept.push_back(&*at);
            continue;
        }
        const uint64_t span = std::max<uint64_t>(is_young                 ? limits.every_ms
                                                 : age < limits.hourly_ms ? kHourMs
                                                                          : kDayMs,
                                                 1);
        const uint64_t number = at->changed_ms / span;
        if (span == last_span && number == last_number) {
            out.push_back(*at);
            bytes -= at->bytes;
            continue;
        }
        last_span = span;
        last_number = number;
        kept.push_back(&*at);
    }
    while (!kept.empty() && (kept.size() > limits.automatic_max || bytes > limits.bytes_max)) {
        out.push_back(*kept.back());
        bytes -= kept.back()->bytes;
        kept.pop_back();
    }
    return out;
}

/// Whether one more of a name has room.
inline port::VersionPut::Outcome room_for_text_version(std::span<const port::StoredTextVersion> all,
                                                       const port::StoredTextVersion& wanted,
                                                       const port::TextVersionLimits& limits,
                                                       bool& is_too_large) {
    using Kind = port::StoredTextVersion::Kind;
    uint64_t bytes = wanted.body.size();
    uint32_t count = 0;
    for (const auto& version : all) {
        if (version.kind != Kind::named) continue;
        if (version.name == wanted.name) return port::VersionPut::Outcome::exists;
        bytes += version.bytes;
        ++count;
    }
    is_too_large = bytes > limits.bytes_max;
    return count >= limits.named_max ? port::VersionPut::Outcome::too_many
                                     : port::VersionPut::Outcome::stored;
}

}  // namespace tandem::store
