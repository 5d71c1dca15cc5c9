#include "sim/world.hpp"

#include <algorithm>
#include <utility>

#include "sim/device.hpp"
#include "sim/historian.hpp"
#include "sim/hook_follower.hpp"
#include "sim/other_clients.hpp"
#include "sim/part_reader.hpp"
#include "sim/text_editors.hpp"
#include "sim/vandal.hpp"
#include "sim/whole_writer.hpp"

namespace tandem::sim {

namespace {
constexpr uint64_t kYearMs = uint64_t{365} * 24 * 3600 * 1000;
constexpr uint64_t kProgressMs = 5'000;
constexpr uint64_t kQuietMs = 6'000;
/// Far beyond what a run needs: a loop that makes no progress.
constexpr uint64_t kEventsCeiling = 400'000;
}  // namespace

World::World(const Options& o)
    : options(o),
      dice(o.seed * 0x9e3779b97f4a7c15 + 1),
      profile(dice),
      shadow(*this),
      network(*this),
      server(*this),
      trace_(o.prints) {
    profile.config.planted = o.planted.hub;
    // What a planted bug needs to show itself happens in every world.
    if (o.planted.client == client::PlantedBug::no_reissue_on_reset ||
        o.planted.hub == hub::PlantedBug::eager_epoch) {
        profile.has_deletion = profile.has_fork = false;
        profile.has_restore = true;
    }
    if (o.planted.client == client::PlantedBug::selection_not_kept ||
        o.planted.client == client::PlantedBug::uncovered_base ||
        o.planted.hub == hub::PlantedBug::forget_exit ||
        o.planted.hub == hub::PlantedBug::forget_held)
        profile.has_partial = true;
    for (size_t i = 0; i < profile.devices; ++i)
        devices.push_back(std::make_unique<Device>(*this, i));
    if (profile.has_json_client) json_clients.push_back(std::make_unique<JsonClient>(*this, 0));
    if (profile.has_http_client || profile.has_deletion)
        http_clients.push_back(std::make_unique<HttpClient>(*this, 0));
    if (profile.has_partial) part_reader = std::make_unique<PartReader>(*this);
    network.has_loss = profile.has_frame_loss;
    Dice others(o.seed * 0xd1342543de82ef95 + 7);
    profile.add_others(others);
    if (profile.has_historian) historian = std::make_unique<Historian>(*this, others.next());
    if (profile.has_whole_writer)
        whole_writer = std::make_unique<WholeWriter>(*this, others.next());
    if (profile.has_vandal) vandal = std::make_unique<Vandal>(*this, others.next());
    if (profile.has_hooks) hook_follower = std::make_unique<HookFollower>(*this, others.next());
    Dice texts(o.seed * 0x94d049bb133111eb + 3);
    profile.has_texts = percent(texts, 40);
    if (profile.has_texts) text_editors = std::make_unique<TextEditors>(*this, texts.next());
}

World::~World() = default;

void World::violate(std::string_view invariant, std::string detail) {
    if (is_violated()) return;
    violation_ = invariant;
    detail_ = std::move(detail);
    note("VIOLATION", 0, 0, violation_ + ": " + detail_);
}

void World::note_cut(const std::string& channel, uint64_t above) {
    note("cut", above, 0, channel);
    const ShadowChannel& log = shadow.at(channel);
    for (const port::StoredEntry& entry : log.entries) {
        if (entry.seq <= above) continue;
        const size_t index = ledger.issue_of(channel, entry);
        if (index == Ledger::kNone) continue;
        Issue& issue = ledger.at(index);
        issue.is_held = false;
        for (const auto& device : devices)
            if (device->is_up() && device->holds(issue)) issue.is_held = true;
    }
}

void World::check_ack(const wire::Ack& ack) {
    ShadowChannel& log = shadow.at(ack.channel);
    if (ack.seq > log.head())
        return violate(
            "an acknowledged write is on disk",
            ack.channel + " #" + std::to_string(ack.seq) + " of " + std::to_string(log.head()));
    if (ack.duplicate || ack.epoch != log.epoch()) return;
    const port::StoredEntry* entry = log.find(ack.seq);
    if (entry != nullptr && (entry->actor != ack.actor || entry->counter != ack.counter))
        violate("an acknowledgement names its entry", ack.channel + " #" + std::to_string(ack.seq));
}

bool World::run_until(uint64_t time_ms, uint64_t events_max) {
    while (!is_violated() && scheduler.events() < events_max && scheduler.next_ms() <= time_ms)
        scheduler.run_next();
    if (scheduler.events() < events_max) scheduler.skip_to(std::min(time_ms, scheduler.next_ms()));
    return !is_violated();
}

Result World::run() {
    server.boot();
    for (auto& device : devices) {
        Device* borrowed = device.get();
        scheduler.after(dice.below(500), [borrowed] { borrowed->start(); });
    }
    for (auto& client : json_clients)
        client->start();
    for (auto& client : http_clients)
        client->start();
    if (part_reader) part_reader->start();
    if (historian) historian->start();
    if (whole_writer) whole_writer->start();
    if (vandal) vandal->start();
    if (hook_follower) hook_follower->start();
    if (text_editors) text_editors->start();
    harm();
    watch();
    // There is always something to come, so only the count ends this.
    run_until(UINT64_MAX - 1, profile.events_max);
    if (!is_violated()) heal();
    Result result;
    result.violation = violation_;
    result.detail = detail_;
    result.events = scheduler.events();
    result.virtual_ms = scheduler.now_ms();
    result.crashes = crashes;
    result.pushes = ledger.all().size();
    result.trace = trace_.hash();
    return result;
}

void World::harm() {
    scheduler.after(1 + dice.below(2 * profile.fault_every_ms), [this] {
        if (is_healing || is_violated()) return;
        if (percent(dice, 70))
            harm_device(*any_of(dice, devices));
        else
            harm_server();
        harm();
    });
}

void World::harm_device(Device& device) {
    const uint64_t id = device.connection();
    switch (dice.below(profile.has_long_absence ? 9 : 8)) {
        case 0:
            network.cut(id, Network::Notice::soon, Network::Notice::soon);
            break;
        case 1:
            network.cut(id, Network::Notice::soon, Network::Notice::late);
            break;
        case 2:
            network.cut(id, Network::Notice::never, Network::Notice::late);
            break;
        case 3:
            device.isolate(between(dice, 200, 6'000));
            break;
        case 4:
        case 5:
            network.stall(id, between(dice, 300, 6'000));
            break;
        case 6:
            device.crash(between(dice, 10, 4'000));
            break;
        case 7:
            if (profile.has_clock_jumps) {
                const auto jump = static_cast<int64_t>(dice.below(2 * kYearMs));
                device.jump_clock(jump - static_cast<int64_t>(kYearMs));
            } else {
                network.cut(id, Network::Notice::soon, Network::Notice::soon);
            }
            break;
        default:
            device.leave(between(dice, 5'000, 40'000));
            break;
    }
}

void World::harm_server() {
    if (options.planted.world == WorldBug::disk_lies) server.remember_lie();
    const uint64_t roll = dice.below(20);
    if (roll < 5) {
        server.crash(between(dice, 20, 2'000));
    } else if (roll < 8) {
        // In the middle of a transaction.
        server.disk().faults().crash_at = dice.below(30);
    } else if (roll < 9) {
        server.shut_down(between(dice, 20, 1'000));
    } else if (roll < 11) {
        server.exit(between(dice, 20, 1'000));
    } else if (roll < 13 && profile.has_clock_jumps) {
        server.jump_clock(static_cast<int64_t>(dice.below(2 * kYearMs)) -
                          static_cast<int64_t>(kYearMs));
    } else if (roll < 16 && profile.has_disk_errors) {
        VfsFaults& faults = server.disk().faults();
        switch (dice.below(4)) {
            case 0:
                faults.fail_sync = dice.below(10);
                break;
            case 1:
                faults.fail_write = dice.below(20);
                break;
            case 2:
                faults.fail_read = dice.below(20);
                break;
            default: {
                uint64_t used = 0;
                for (const auto& [name, bytes] : server.disk().snapshot())
                    used += bytes.size();
                faults.capacity_bytes = used + dice.below(20'000);
                scheduler.after(between(dice, 200, 3'000), [this] {
                    server.disk().faults().capacity_bytes = VfsFaults::kNever;
                });
                break;
            }
        }
    } else if (profile.has_restore) {
        if (server.has_backup() && one_in(dice, 2))
            server.restore_backup(between(dice, 20, 1'000));
        else
            server.take_backup();
    } else if (profile.has_fork) {
        fork_device();
    } else {
        server.crash(between(dice, 20, 500));
    }
}

void World::fork_device() {
    if (devices.size() >= 8) return;
    Device& original = *any_of(dice, devices);
    if (!original.is_up() || original.is_forked) return;
    note("fork", original.index(), devices.size(), {});
    original.is_forked = true;
    devices.push_back(std::make_unique<Device>(*this, devices.size(), original));
    devices.back()->is_forked = true;
    devices.back()->start();
}

// What must hold at every moment and shows only from outside.
void World::watch() {
    scheduler.after(400, [this] {
        if (is_healing || is_violated()) return;
        const hub::Hub* hub = server.hub();
        std::map<std::string, uint64_t> ghosts;
        for (const std::string& name : profile.channels) {
            const hub::Channel* channel = hub == nullptr ? nullptr : hub->find_channel(name);
            if (channel == nullptr) continue;
            for (const auto& [member, entry] : channel->presence.members()) {
                if (entry.leaves_at_ms == UINT64_MAX) continue;
                const uint64_t overdue = profile.config.limits.presence_ttl_ms + 1'000;
                const std::string id = name + "/" + member;
                const auto known = ghosts_.find(id);
                ghosts[id] = known == ghosts_.end() ? scheduler.now_ms() : known->second;
                if (scheduler.now_ms() > entry.leaves_at_ms + overdue)
                    violate("presence empties within its time", id);
            }
        }
        ghosts_ = std::move(ghosts);
        server.request(hub::ListConnections{}, [this](const hub::Reply& reply) {
            const size_t at = reply.json.find("\"pending_bytes\":");
            if (at == std::string::npos) return;
            const uint64_t bytes = std::stoull(reply.json.substr(at + 16));
            if (bytes > 2 * base::kMiB) violate("nothing piles up for slow readers", reply.json);
        });
        watch();
    });
}

void World::heal() {
    note("heal", 0, 0, {});
    is_healing = true;
    network.has_loss = false;
    server.heal();
    for (auto& device : devices) {
        network.stall(device->connection(), 0);
        device->heal();
    }
    for (auto& client : json_clients)
        client->heal();
    if (part_reader) part_reader->heal();
    if (text_editors) text_editors->heal();
    const uint64_t ceiling = scheduler.events() + kEventsCeiling;
    // A lost last frame is noticed with the next one.
    HttpClient last(*this, 9);
    if (!run_until(scheduler.now_ms() + kProgressMs - 1'000, ceiling)) return;
    // A shutdown that had begun before may have gone on until now.
    for (auto& client : json_clients)
        client->heal();
    if (part_reader) part_reader->heal();
    if (text_editors) text_editors->heal();
    for (const std::string& name : profile.channels)
        last.touch(name);
    if (!run_until(scheduler.now_ms() + 1'000, ceiling)) return;
    check_progress();
    for (const std::string& name : profile.channels)
        last.touch(name);
    if (!run_until(scheduler.now_ms() + kQuietMs, ceiling)) return;
    for (auto& client : json_clients)
        for (const std::string& name : profile.channels)
            client->ask_value(name);
    if (!run_until(scheduler.now_ms() + 500, ceiling)) return;
    // That the server has just given up a connection may be on its way.
    const uint64_t told_ms = scheduler.now_ms() + 1'000;
    while (scheduler.now_ms() < told_ms && server.is_up() && !unknown_member().empty())
        if (!run_until(scheduler.now_ms() + 50, ceiling)) return;
    if (scheduler.events() >= ceiling) return violate("all comes to rest", "too many events");
    check_quiet();
}

void World::check_progress() {
    for (const auto& device : devices) {
        for (const std::string& channel : profile.channels) {
            const client::SyncStatus status = device->session().status(device->now(), channel);
            if (status.synced) continue;
            return violate("progress within 5 s of healing",
                           "client " + std::to_string(device->index()) + " on " + channel +
                               ": link " + std::to_string(static_cast<int>(status.link)) + ", " +
                               std::to_string(status.pending) + " pending, ready " +
                               std::to_string(device->session().is_ready(channel)));
        }
    }
}

}  // namespace tandem::sim
