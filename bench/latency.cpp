#include "peer.hpp"
#include "report.hpp"

namespace tandem::bench {

/// One writer, one reader, one change on its way at a time: from the call of `push` until the other
/// session's view shows the value.
Report measure_latency(const Arguments& arguments) {
    const net::SocketAddress server = address_of(arguments.text("url"));
    const std::string channel = arguments.text("channel");
    const uint64_t count = arguments.number("count", 1000);
    const uint64_t warmup = arguments.number("warmup", 50);
    const size_t bytes = arguments.number("bytes", 100);
    Loop loop;
    const record::Path path = path_of({"note"});
    std::string expected;
    uint64_t seen_ns = 0;
    Peer writer(loop, server, 1, {});
    Peer reader(loop, server, 2, {});
    for (Peer* peer : {&writer, &reader}) {
        peer->session().subscribe(Peer::now(), channel);
        peer->start();
    }
    run_until(
        loop, {&writer, &reader},
        [&] { return writer.is_caught_up(channel) && reader.is_caught_up(channel); }, "subscribe");
    std::vector<double> visible;
    std::vector<double> acked;
    for (uint64_t i = 0; i < warmup + count; ++i) {
        expected = std::to_string(i) + " ";
        expected.resize(bytes, static_cast<char>('a' + i % 26));
        const uint64_t start = now_ns();
        client::Edit edit = writer.session().edit(channel);
        edit.set(path, base::Value(expected));
        writer.push(channel, edit.take());
        writer.pump();
        seen_ns = 0;
        uint64_t acked_ns = 0;
        run_until(
            loop, {&writer, &reader},
            [&] {
                if (seen_ns == 0) {
                    const base::Value value = reader.session().view(channel).shown(path);
                    if (value.is_string() && value.as_string() == expected) seen_ns = now_ns();
                }
                if (acked_ns == 0 && writer.session().pending(channel).empty()) acked_ns = now_ns();
                return seen_ns != 0 && acked_ns != 0;
            },
            "a change to become visible");
        if (i < warmup) continue;
        visible.push_back(to_ms(seen_ns - start));
        acked.push_back(to_ms(acked_ns - start));
    }
    Report report;
    report.put("visible_ms", visible);
    report.put("settled_ms", acked);
    report.put("gaps", reader.continuity().gaps() + reader.continuity().repeats());
    report.put("deliveries", reader.continuity().deliveries());
    return report;
}

}  // namespace tandem::bench
