#include "sim/profile.hpp"

#include <utility>

namespace tandem::sim {

namespace {

void add_rule(hub::Namespace& ns, const char* pattern, const char* type, const char* resolver) {
    auto rule = hub::make_rule(pattern, type, resolver);
    TANDEM_ASSERT(rule.ok());
    ns.fields.push_back(std::move(*rule));
}

hub::Namespace board(const char* name, bool is_strict) {
    hub::Namespace ns;
    ns.name = name;
    ns.is_strict = is_strict;
    add_rule(ns, "title", "string", "lww");
    add_rule(ns, "price", "number", "manual");
    add_rule(ns, "mark", "number", "max");
    add_rule(ns, "low", "string", "min");
    add_rule(ns, "level", "number", "mean");
    add_rule(ns, "labels", "json", "union");
    add_rule(ns, "note", "string", "text3");
    add_rule(ns, "cards/*/note", "string", "text3");
    add_rule(ns, "plan", "string", "agent");
    add_rule(ns, "count", "counter", "");
    add_rule(ns, "tags", "set", "");
    add_rule(ns, "cards", "list", "");
    add_rule(ns, "cards/*/text", "string", "lww");
    add_rule(ns, "cards/*/done", "boolean", "lww");
    add_rule(ns, "cards/*/votes", "counter", "");
    add_rule(ns, "meta", "json", "lww");
    add_rule(ns, "own/*", "counter", "");
    return ns;
}

}  // namespace

Profile::Profile(Dice& dice) {
    devices = between(dice, 2, 6);
    const std::vector<std::string> all = {"open:1", "board:1", "tight:1", "open:2"};
    const size_t count = between(dice, 1, all.size());
    const size_t first = dice.below(all.size());
    for (size_t i = 0; i < count; ++i)
        channels.push_back(all[(first + i) % all.size()]);
    events_max = between(dice, 2'200, 3'600);
    act_every_ms = between(dice, 40, 400);
    fault_every_ms = between(dice, 300, 4'000);
    latency_ms = between(dice, 1, 80);
    commit_ms = between(dice, 0, 15);

    // These three end acknowledged pushes or actors by an explicit act; one at a time, so that what
    // must survive stays exactly known.
    switch (dice.below(8)) {
        case 0:
        case 1:
            has_restore = true;
            break;
        case 2:
            has_deletion = true;
            break;
        case 3:
            has_fork = true;
            break;
        default:
            break;
    }
    has_frame_loss = percent(dice, 20);
    has_clock_jumps = percent(dice, 50);
    has_disk_errors = percent(dice, 35);
    has_json_client = percent(dice, 35);
    has_http_client = percent(dice, 60);
    has_long_absence = percent(dice, 50);

    hub::Namespace open;
    open.name = "open";
    add_rule(open, "own/*", "counter", "");
    config.namespaces["open"] = std::move(open);
    config.namespaces["board"] = board("board", false);
    config.namespaces["tight"] = board("tight", true);
    if (percent(dice, 60)) {
        config.retention.entries = between(dice, 20, 60);
        config.retention.snapshot_every_entries = between(dice, 8, 20);
    } else {
        config.retention.snapshot_every_entries = between(dice, 20, 200);
    }
    config.retention.cold_after_ms = between(dice, 500, 20'000);
    config.limits.ping_interval_ms = 1'000;
    config.limits.presence_ttl_ms = 3'000;
    config.limits.frame_cache_bytes_per_channel = between(dice, 1, 64) * base::kKiB;
    config.limits.catch_up_bytes_max = config.limits.frame_cache_bytes_per_channel;
    config.limits.entries_per_commit_max = between(dice, 1, 64);
    // Worlds without parts go on as they did before there were any.
    Dice aside = dice;
    aside.next();
    has_partial = percent(aside, 50);
}

void Profile::add_others(Dice& dice) {
    if (one_in(dice, 3)) return;
    has_historian = percent(dice, 60);
    has_whole_writer = percent(dice, 60);
    has_vandal = percent(dice, 30);
    has_gateway = percent(dice, 30);
    config.retention.states = between(dice, 1, 5);
    config.retention.versions = between(dice, 2, 5);
    has_hooks = percent(dice, 50);
}

}  // namespace tandem::sim
