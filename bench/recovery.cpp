#include <algorithm>

#include "peer.hpp"
#include "report.hpp"

namespace tandem::bench {
namespace {

/// A client that writes all the time and loses its network all the time. Every push counts one
/// counter up and sets one field to the number of the push; the two are seen together or not at
/// all, so a counter below its field has lost a push and one above has taken one twice.
struct Victim {
    std::unique_ptr<Peer> peer;
    std::string name;
    uint64_t written = 0;
    uint64_t next_write_ns = 0;
    uint64_t next_cut_ns = 0;
    uint64_t lost_ns = 0;
    bool is_recovering = true;
    bool has_started = false;
};

struct Tally {
    uint64_t missing = 0;
    uint64_t duplicate = 0;
};

void compare(const record::View& view, const std::vector<Victim>& victims, Tally& tally) {
    for (const Victim& victim : victims) {
        const record::View::Counter counter = view.counter(path_of({"count-" + victim.name}));
        const base::Value last = view.shown(path_of({"last-" + victim.name}));
        const int64_t number = last.is_number() ? last.as_integer() : 0;
        const int64_t counted = counter.exists ? counter.value : 0;
        if (counted < number) tally.missing += static_cast<uint64_t>(number - counted);
        if (counted > number) tally.duplicate += static_cast<uint64_t>(counted - number);
    }
}

}  // namespace

Report measure_recovery(const Arguments& arguments) {
    const net::SocketAddress server = address_of(arguments.text("url"));
    const std::string channel = arguments.text("channel");
    const uint64_t drops_wanted = arguments.number("drops", 1100);
    const size_t clients = arguments.number("clients", 12);
    const uint64_t writes_per_s = arguments.number("writes-per-s", 20);
    std::mt19937_64 random(arguments.number("seed", 1));
    const auto up_to_ms = [&](uint64_t ms) { return random() % (ms * 1'000'000U) + 1; };
    Loop loop;
    std::vector<Victim> victims(clients);
    std::vector<Peer*> peers;
    uint64_t drops = 0;
    uint64_t drops_received = 0;
    const auto lose = [&](Victim& victim) {
        ++drops;
        victim.is_recovering = true;
        victim.lost_ns = now_ns();
        // A third of the networks stays away for a while, so that there is something to miss.
        victim.peer->block_until(random() % 3 == 0 ? victim.lost_ns + up_to_ms(400) : 0);
    };
    for (size_t i = 0; i < clients; ++i) {
        Victim& victim = victims[i];
        victim.name = std::to_string(i);
        victim.peer =
            std::make_unique<Peer>(loop, server, random(), Peer::Hooks{{}, {}, [&] {
                                                                           ++drops_received;
                                                                           lose(victim);
                                                                       }});
        peers.push_back(victim.peer.get());
        victim.peer->session().subscribe(Peer::now(), channel);
        victim.peer->start();
    }
    Peer watcher(loop, server, random(), {});
    watcher.session().subscribe(Peer::now(), channel);
    watcher.start();
    peers.push_back(&watcher);

    std::vector<double> recovered_ms;
    std::vector<double> since_cut_ms;
    Tally during;
    const auto note_recovery = [&](Victim& victim) {
        if (!victim.is_recovering || !victim.peer->is_caught_up(channel)) return;
        const uint64_t now = now_ns();
        if (victim.has_started) {
            recovered_ms.push_back(to_ms(now - victim.peer->dialled_ns()));
            since_cut_ms.push_back(to_ms(now - victim.lost_ns));
        }
        victim.has_started = true;
        victim.is_recovering = false;
        victim.next_cut_ns = now + up_to_ms(300);
        compare(victim.peer->session().confirmed(channel), victims, during);
    };
    const uint64_t write_gap_ns = 1'000'000'000U / writes_per_s;
    const auto write = [&](Victim& victim) {
        client::Edit edit = victim.peer->session().edit(channel);
        edit.inc(path_of({"count-" + victim.name}), 1);
        edit.set(path_of({"last-" + victim.name}),
                 base::Value::integer(static_cast<int64_t>(++victim.written)));
        victim.peer->push(channel, edit.take());
        victim.next_write_ns = now_ns() + write_gap_ns / 2 + random() % write_gap_ns;
    };
    const uint64_t deadline = now_ns() + arguments.number("timeout-s", 240) * 1'000'000'000U;
    while (recovered_ms.size() < drops_wanted) {
        if (now_ns() > deadline) die("timed out before the wanted number of drops");
        loop.turn(1'000'000);
        for (Victim& victim : victims) {
            victim.peer->pump();
            note_recovery(victim);
            const uint64_t now = now_ns();
            if (victim.has_started && now >= victim.next_write_ns) write(victim);
            if (victim.is_recovering || now < victim.next_cut_ns) continue;
            if (random() % 2 == 0) {
                // In the middle of what comes next from the server.
                victim.peer->link().cut_after(random() % 200 + 1);
                victim.next_cut_ns = now + 5'000'000'000U;
            } else {
                // With a push that is half written, or written and not yet answered.
                write(victim);
                if (random() % 2 == 0) victim.peer->pump();
                lose(victim);
                victim.peer->cut(random() % 100);
            }
        }
        watcher.pump();
    }
    for (Victim& victim : victims) {
        victim.peer->link().cut_after(SIZE_MAX);
        victim.peer->block_until(0);
    }
    run_until(
        loop, peers,
        [&] {
            return std::all_of(victims.begin(), victims.end(), [&](Victim& victim) {
                return victim.peer->is_caught_up(channel) &&
                       victim.peer->session().pending(channel).empty();
            });
        },
        "the end");
    const uint64_t head = victims[0].peer->session().cursor(channel).seq;
    run_until(
        loop, peers,
        [&] {
            return std::all_of(peers.begin(), peers.end(), [&](Peer* peer) {
                return peer->session().cursor(channel).seq >= head;
            });
        },
        "everybody at the head");
    // A newcomer's view is the server's word; every survivor's must be the same.
    Peer newcomer(loop, server, random(), {});
    newcomer.session().subscribe(Peer::now(), channel);
    newcomer.start();
    peers.push_back(&newcomer);
    run_until(
        loop, peers, [&] { return newcomer.is_caught_up(channel); }, "a newcomer");
    Tally end;
    uint64_t written = 0;
    uint64_t wire_gaps = 0;
    uint64_t wire_repeats = 0;
    for (Peer* peer : peers) {
        const record::View& view = peer->session().confirmed(channel);
        compare(view, victims, end);
        for (const Victim& victim : victims) {
            const int64_t counted = view.counter(path_of({"count-" + victim.name})).value;
            const int64_t expected = static_cast<int64_t>(victim.written);
            if (counted < expected) end.missing += static_cast<uint64_t>(expected - counted);
            if (counted > expected) end.duplicate += static_cast<uint64_t>(counted - expected);
        }
        wire_gaps += peer->continuity().gaps();
        wire_repeats += peer->continuity().repeats();
    }
    for (const Victim& victim : victims)
        written += victim.written;
    Report report;
    report.put("recovered_ms", recovered_ms);
    report.put("since_cut_ms", since_cut_ms);
    report.put("drops", drops);
    report.put("drops_while_receiving", drops_received);
    report.put("written", written);
    report.put("entries", newcomer.session().cursor(channel).seq);
    report.put("missing", during.missing + end.missing + wire_gaps);
    report.put("duplicate", during.duplicate + end.duplicate + wire_repeats);
    return report;
}

}  // namespace tandem::bench
