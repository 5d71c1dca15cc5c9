#include <algorithm>

#include "peer.hpp"
#include "report.hpp"

namespace tandem::bench {
namespace {

constexpr size_t kWriters = 4;
/// Of every text that `Board::change` writes.
constexpr size_t kTextBytes = 27;
constexpr const char* kChannelPrefix = "board:wire-";

enum class Value : uint8_t { scalar, counter, text };

/// A board as people use it: cards that are dragged, ticked off, coloured, voted for and, less
/// often, renamed. All but renames have small values.
class Board {
  public:
    Board(Peer& any, std::string channel, uint64_t seed)
        : channel_(std::move(channel)), random_(seed) {
        for (const auto& item : any.session().view(channel_).items(path_of({"cards"})))
            ids_.push_back(item.id);
    }

    /// Decides what the next change is of.
    Value roll() {
        dice_ = random_() % 100;
        if (dice_ < 82) return Value::scalar;
        return dice_ < 95 ? Value::counter : Value::text;
    }

    /// The change of one field by `writer` that was decided.
    void change(Peer& writer) {
        // Few cards are worked on at a time.
        const size_t card = random_() % 4 != 0 ? random_() % 8 : random_() % ids_.size();
        record::Path path = path_of({"cards"});
        path.push_back({record::Segment::Kind::item, ids_[card]});
        const auto field = [&](const char* name) {
            path.push_back({record::Segment::Kind::key, name});
            return path;
        };
        client::Edit edit = writer.session().edit(channel_);
        if (dice_ < 55) {
            edit.set(field(random_() % 2 == 0 ? "x" : "y"),
                     base::Value::integer(static_cast<int64_t>(random_() % 4000)));
        } else if (dice_ < 70) {
            edit.set(field("done"), base::Value(random_() % 2 == 0));
        } else if (dice_ < 82) {
            constexpr const char* kColors[] = {"red", "green", "blue", "yellow", "violet"};
            edit.set(field("color"), base::Value(kColors[random_() % 5]));
        } else if (dice_ < 95) {
            edit.inc(path_of({"votes"}), 1);
        } else {
            edit.set(field("text"), base::Value("Call supplier no. " +
                                                std::to_string(100 + random_() % 900) + " again"));
        }
        std::vector<record::Op> ops = edit.take();
        if (!ops.empty()) writer.push(channel_, std::move(ops));
        writer.pump();
    }

    /// Every field of every card, once each: the board has been in use before it is measured.
    void touch_all(Peer& writer) {
        for (const std::string& id : ids_)
            for (const char* name : {"x", "y", "done", "color", "text"}) {
                record::Path path = path_of({"cards"});
                path.push_back({record::Segment::Kind::item, id});
                path.push_back({record::Segment::Kind::key, name});
                client::Edit edit = writer.session().edit(channel_);
                edit.set(path, writer.session().view(channel_).shown(path));
                writer.push(channel_, edit.take());
            }
        writer.pump();
    }

    uint64_t random() { return random_(); }

  private:
    std::string channel_;
    std::mt19937_64 random_;
    std::vector<std::string> ids_;
    uint64_t dice_ = 0;
};

}  // namespace

Report measure_wire(const Arguments& arguments) {
    const net::SocketAddress server = address_of(arguments.text("url"));
    const std::string channel = kChannelPrefix + arguments.text("channel");
    const uint64_t count = arguments.number("count", 2000);
    const uint64_t seed = arguments.number("seed", 1);
    const size_t cards = arguments.number("cards", 40);
    const uint64_t warmup = arguments.number("warmup", 300);
    Loop loop;
    std::vector<double> per_change;
    std::vector<double> per_scalar;
    std::vector<double> per_counter;
    std::vector<double> text_overhead;
    uint64_t live_bytes = 0;
    Value expected = Value::scalar;
    bool is_measuring = false;
    Peer reader(loop, server, seed * 100,
                {{},
                 [&](const Continuity::Seen& seen, size_t wire_bytes) {
                     if (seen.deliveries == 0) return;
                     live_bytes += wire_bytes;
                     if (!is_measuring) return;
                     const double each =
                         static_cast<double>(wire_bytes) / static_cast<double>(seen.deliveries);
                     for (size_t i = 0; i < seen.deliveries; ++i) {
                         if (expected == Value::text) {
                             text_overhead.push_back(each - static_cast<double>(kTextBytes));
                             continue;
                         }
                         per_change.push_back(each);
                         (expected == Value::counter ? per_counter : per_scalar).push_back(each);
                     }
                 },
                 {}});
    std::vector<std::unique_ptr<Peer>> writers;
    std::vector<Peer*> all{&reader};
    for (size_t i = 0; i < kWriters; ++i) {
        writers.push_back(std::make_unique<Peer>(loop, server, seed * 100 + 1 + i, Peer::Hooks{}));
        all.push_back(writers.back().get());
    }
    uint64_t resume_bytes = 0;
    Peer away(
        loop, server, seed * 100 + 50,
        {{}, [&](const Continuity::Seen&, size_t wire_bytes) { resume_bytes += wire_bytes; }, {}});
    all.push_back(&away);
    for (Peer* peer : all) {
        peer->session().subscribe(Peer::now(), channel);
        peer->start();
    }
    const auto are_settled = [&] {
        const uint64_t seq = reader.session().cursor(channel).seq;
        return std::all_of(all.begin(), all.end(), [&](Peer* peer) {
            const bool is_off = peer->session().link() != client::Link::online;
            return (peer == &away && is_off) || (!is_off && peer->is_caught_up(channel) &&
                                                 peer->session().pending(channel).empty() &&
                                                 peer->session().cursor(channel).seq == seq);
        });
    };
    const auto settle = [&](const char* what) { run_until(loop, all, are_settled, what); };
    settle("subscribe");
    for (size_t i = 0; i < cards; ++i) {
        client::Edit edit = writers[0]->session().edit(channel);
        base::Value card{base::Object{}};
        card.put("text", base::Value("Card " + std::to_string(i)));
        card.put("done", base::Value(false));
        card.put("color", base::Value("red"));
        card.put("x", base::Value::integer(static_cast<int64_t>(i) * 10));
        card.put("y", base::Value::integer(0));
        edit.insert(path_of({"cards"}), client::Place::last(), std::move(card));
        writers[0]->push(channel, edit.take());
        writers[0]->pump();
    }
    settle("the board");
    Board board(reader, channel, seed);
    const auto step = [&] {
        Peer& writer = *writers[board.random() % kWriters];
        const Value next = board.roll();
        // One change in ten is made while another is on its way. Texts and counters go alone, so
        // that it is known which message holds one.
        if (next != Value::scalar) settle("before a change alone");
        expected = next;
        const uint64_t before = reader.session().cursor(channel).seq;
        board.change(writer);
        if (expected == Value::scalar && board.random() % 10 == 0) return;
        run_until(
            loop, all,
            [&] {
                return writer.session().pending(channel).empty() &&
                       reader.session().cursor(channel).seq > before;
            },
            "a change");
        if (expected != Value::scalar) settle("a change alone");
    };
    board.touch_all(*writers[1]);
    settle("the fields");
    for (uint64_t i = 0; i < warmup; ++i)
        step();
    settle("the warm-up");
    is_measuring = true;
    for (uint64_t i = 0; i < count; ++i) {
        if (i % 50 == 0) settle("a pause");
        step();
    }
    settle("the changes");
    is_measuring = false;

    Report report;
    base::Array resumes;
    for (const uint64_t missed : {uint64_t{10}, uint64_t{100}, uint64_t{1000}}) {
        settle("before a resume");
        away.stop();
        live_bytes = 0;
        const uint64_t from = reader.session().cursor(channel).seq;
        while (reader.session().cursor(channel).seq - from < missed) {
            const uint64_t before = reader.session().cursor(channel).seq;
            board.roll();
            board.change(*writers[board.random() % kWriters]);
            run_until(
                loop, all, [&] { return reader.session().cursor(channel).seq > before; },
                "a missed change");
        }
        settle("the missed changes");
        const uint64_t live = live_bytes;
        resume_bytes = 0;
        const uint64_t tcp_start = away.link().bytes_received();
        away.start();
        run_until(
            loop, all,
            [&] {
                return away.is_caught_up(channel) &&
                       away.session().cursor(channel).seq == reader.session().cursor(channel).seq;
            },
            "the resume");
        Report one;
        one.put("missed", missed);
        one.put("live_bytes", live);
        one.put("resume_bytes", resume_bytes);
        one.put("resume_tcp_bytes", away.link().bytes_received() - tcp_start);
        resumes.push_back(one.take());
    }
    report.put("resumes", base::Value(std::move(resumes)));
    report.put("change_bytes", per_change);
    report.put("scalar_bytes", per_scalar);
    report.put("counter_bytes", per_counter);
    report.put("text_overhead_bytes", text_overhead);
    uint64_t broken = away.continuity().gaps() + away.continuity().repeats();
    for (Peer* peer : all)
        broken += peer == &away ? 0 : peer->continuity().gaps() + peer->continuity().repeats();
    report.put("gaps", broken);
    return report;
}

}  // namespace tandem::bench
