#include "sim/hook_follower.hpp"

#include <algorithm>
#include <set>

#include "sim/world.hpp"

namespace tandem::sim {

namespace {
constexpr const char* kHook = "crm";
constexpr uint32_t kStream = 1;
}  // namespace

void HookFollower::act() {
    world_.scheduler.after(1 + dice_.below(8 * world_.profile.act_every_ms), [this] {
        if (world_.is_healing || world_.is_violated()) return;
        if (world_.server.is_up()) {
            if (one_in(dice_, 6))
                look_for_news();
            else
                feed(any_of(dice_, world_.profile.channels));
        }
        act();
    });
}

void HookFollower::feed(const std::string& channel) {
    const ShadowChannel& now = log(channel);
    const Then then{channel, now.cuts, now.head()};
    if (!is_enrolled_) {
        port::SaveHooksRequest enroll;
        enroll.hooks = {{kHook, "all channels", false}};
        is_enrolled_ = world_.server.read_store(enroll).ok();
    }
    port::HookFeedRequest request{kHook, kStream, channel, {}, 0, 0};
    request.limit = static_cast<uint32_t>(dice_.below(8));
    request.bytes_max = one_in(dice_, 2) ? 0 : 1 + dice_.below(400);
    const auto reply = world_.server.read_store(request);
    if (!reply) return;
    const auto& fed = std::get<port::HookFeed>(*reply);
    if (fed.exists && fed.head < then.head)
        violate("the store has what was confirmed", then, "a webhook sees less");
    check_cursor(then, fed.at);
    if (request.limit > 0) check_entries(then, fed);
    if (world_.is_violated() || fed.entries.empty() || one_in(dice_, 5)) return;
    const port::StoredEntry& last = fed.entries[dice_.below(fed.entries.size())];
    save(then, {fed.epochs.empty() ? 0 : fed.epochs.back().epoch, last.seq});
}

void HookFollower::check_cursor(const Then& then, const std::optional<port::HookPosition>& at) {
    Place& place = places_[then.channel];
    if (place.cuts == then.cuts) {
        const bool is_known = at == place.saved || (place.doubtful && at == place.doubtful);
        if (!is_known)
            violate("a webhook's cursor is where it was saved", then,
                    at ? "#" + std::to_string(at->seq) : "there is none");
    }
    // After a restore or a deletion it is whatever the store had then.
    place = {then.cuts, at, {}};
}

void HookFollower::check_entries(const Then& then, const port::HookFeed& feed) {
    const ShadowChannel& now = log(then.channel);
    uint64_t next = (feed.at ? feed.at->seq : 0) + 1;
    if (feed.entries.empty()) {
        const bool is_trimmed = next < feed.oldest_seq || next <= now.start;
        if (feed.exists && next <= then.head && !is_trimmed)
            violate("a webhook is fed what follows its cursor", then,
                    "nothing after #" + std::to_string(next - 1));
        return;
    }
    for (const port::StoredEntry& entry : feed.entries) {
        if (entry.seq != next++)
            return violate("a webhook is fed without gaps", then, "#" + std::to_string(entry.seq));
        const port::StoredEntry* known = now.find(entry.seq);
        if (known != nullptr && (known->actor != entry.actor || known->counter != entry.counter ||
                                 known->body != entry.body))
            return violate("a webhook is fed the log", then, "#" + std::to_string(entry.seq));
    }
}

void HookFollower::save(const Then& then, port::HookPosition to) {
    port::SaveHooksRequest request;
    request.cursors = {{kHook, kStream, then.channel, to}};
    Place& place = places_[then.channel];
    if (world_.server.read_store(request)) {
        place.saved = to;
        place.doubtful.reset();
    } else {
        place.doubtful = to;
    }
}

void HookFollower::look_for_news() {
    std::set<std::string> behind;
    port::HookLagRequest request{kHook, kStream, "", static_cast<uint32_t>(1 + dice_.below(3))};
    for (bool has_more = true; has_more;) {
        const auto reply = world_.server.read_store(request);
        if (!reply) return;
        const auto& lag = std::get<port::HookLag>(*reply);
        for (const port::HookLagRow& row : lag.rows)
            behind.insert(row.channel);
        has_more = lag.more;
        request.after = lag.last;
    }
    for (const auto& [channel, place] : places_) {
        const ShadowChannel& now = log(channel);
        const Then then{channel, now.cuts, now.head()};
        if (place.cuts != now.cuts || place.doubtful || !place.saved || now.entries.empty())
            continue;
        if (place.saved->seq < now.head() && !behind.contains(channel))
            return violate(
                "a webhook that is behind is told so", then,
                "at #" + std::to_string(place.saved->seq) + " of " + std::to_string(now.head()));
    }
    const auto hooks = world_.server.read_store(port::HooksRequest{});
    if (!hooks || !is_enrolled_) return;
    const auto& list = std::get<port::Hooks>(*hooks).hooks;
    if (list.size() > 1 || (list.size() == 1 && list[0].name != kHook))
        violate("the store keeps the webhooks that it was told", {}, std::to_string(list.size()));
}

}  // namespace tandem::sim
