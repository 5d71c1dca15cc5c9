#include <algorithm>
#include <map>

#include "net/http_client.hpp"
#include "peer.hpp"
#include "workload.hpp"

namespace tandem::bench {
namespace {

constexpr size_t kCardsPerPush = 20;

std::string card_key(size_t card) { return std::string("k").append(std::to_string(card)); }

/// One device with the product's client core.
struct Surface {
    std::unique_ptr<Peer> peer;
    std::string channel;
    std::map<client::PushId, size_t> pushed;
};

class TandemRun {
  public:
    TandemRun(const Workload& workload, net::SocketAddress server, std::string prefix)
        : workload_(workload),
          server_(std::move(server)),
          prefix_(std::move(prefix)),
          ledger_(workload),
          surfaces_(workload.devices.size()),
          edited_(workload.records) {}

    void load_records();
    void connect_devices();
    void replay(double scale);
    void finish(Report& report);

  private:
    std::string channel(size_t record) const { return prefix_ + std::to_string(record); }
    record::Path path(const Cell& cell) const {
        return path_of({"items", card_key(cell.card), kFieldNames[cell.field]});
    }
    uint64_t bytes() const {
        uint64_t sum = 0;
        for (Peer* peer : peers_)
            sum += peer->link().bytes_received() + peer->link().bytes_sent();
        return sum;
    }
    void act(const WorkloadEvent& event);
    void note(size_t device, const client::Event& event);
    /// Calls `found(id)` for every edit that the cell shows.
    template <class Found>
    void each_id(const record::View& view, const Cell& cell, Found found) const;
    void look(size_t device, const Cell& cell);

    const Workload& workload_;
    net::SocketAddress server_;
    std::string prefix_;
    Loop loop_;
    Ledger ledger_;
    std::vector<Surface> surfaces_;
    std::vector<Peer*> peers_;
    std::vector<std::set<Cell>> edited_;
    uint64_t bytes_before_ = 0;
    bool is_replaying_ = false;
};

template <class Found>
void TandemRun::each_id(const record::View& view, const Cell& cell, Found found) const {
    const record::Path at = path(cell);
    if (cell.field == kVotes) return;
    if (cell.field == kComments) {
        for (const record::View::Item& item : view.items(at)) {
            record::Path text = at;
            text.push_back({record::Segment::Kind::item, item.id});
            text.push_back({record::Segment::Kind::key, "text"});
            const base::Value value = view.shown(text);
            if (value.is_string())
                if (const auto id = id_in(value.as_string())) found(*id);
        }
        return;
    }
    const base::Value value = view.shown(at);
    if (value.is_string())
        if (const auto id = id_in(value.as_string())) found(*id);
    if (value.is_array())
        for (const base::Value& element : value.as_array())
            if (element.is_string())
                if (const auto id = id_in(element.as_string())) found(*id);
}

void TandemRun::look(size_t device, const Cell& cell) {
    Surface& surface = surfaces_[device];
    each_id(surface.peer->session().view(surface.channel), cell, [&](size_t id) {
        if (ledger_.see(id, device))
            ledger_.put_latency(to_ms(now_ns() - ledger_.edit(id).written_ns));
    });
}

void TandemRun::note(size_t device, const client::Event& event) {
    Surface& surface = surfaces_[device];
    if (event.kind == client::EventKind::acked) {
        const auto found = surface.pushed.find(event.push);
        if (found != surface.pushed.end()) ledger_.ack(found->second);
        return;
    }
    if (event.kind == client::EventKind::refused) die("a push was refused: " + event.code);
    if (event.kind != client::EventKind::view_changed || !is_replaying_) return;
    const size_t record = workload_.devices[device].record;
    std::set<Cell> cells;
    for (const record::Path& changed : event.paths) {
        if (changed.size() < 3) {
            cells = edited_[record];
            break;
        }
        for (size_t field = 0; field < kFields; ++field)
            if (changed[2].name == kFieldNames[field])
                cells.insert(
                    {record, static_cast<size_t>(std::stoul(changed[1].name.substr(1))), field});
    }
    if (event.is_whole) cells = edited_[record];
    for (const Cell& cell : cells)
        look(device, cell);
}

void TandemRun::load_records() {
    Peer loader(loop_, server_, 7, {});
    for (size_t record = 0; record < workload_.records; ++record)
        loader.session().subscribe(Peer::now(), channel(record));
    loader.start();
    for (size_t record = 0; record < workload_.records; ++record) {
        for (size_t first = 0; first < workload_.cards; first += kCardsPerPush) {
            client::Edit edit = loader.session().edit(channel(record));
            for (size_t card = first; card < std::min(first + kCardsPerPush, workload_.cards);
                 ++card) {
                base::Value object{base::Object{}};
                object.put("description", base::Value(description_of(record, card)));
                for (size_t field = 0; is_register(field); ++field)
                    object.put(kFieldNames[field], base::Value("as it was at the beginning"));
                edit.assign(path_of({"items", card_key(card)}), std::move(object));
            }
            loader.push(channel(record), edit.take());
        }
        loader.pump();
        run_until(
            loop_, {&loader},
            [&] {
                return loader.is_caught_up(channel(record)) &&
                       loader.session().pending(channel(record)).empty();
            },
            "the records");
    }
    loader.stop();
}

void TandemRun::connect_devices() {
    for (size_t device = 0; device < surfaces_.size(); ++device) {
        Surface& surface = surfaces_[device];
        surface.channel = channel(workload_.devices[device].record);
        Peer::Hooks hooks;
        hooks.on_event = [this, device](client::Event& event) { note(device, event); };
        hooks.on_message = [this](const Continuity::Seen& seen, size_t wire_bytes) {
            for (size_t i = 0; is_replaying_ && i < seen.deliveries; ++i)
                ledger_.put_event_bytes(static_cast<double>(wire_bytes) /
                                        static_cast<double>(seen.deliveries));
        };
        surface.peer = std::make_unique<Peer>(loop_, server_, 1000 + device, std::move(hooks));
        peers_.push_back(surface.peer.get());
        surface.peer->session().subscribe(Peer::now(), surface.channel);
        surface.peer->start();
    }
    run_until(
        loop_, peers_,
        [&] {
            return std::all_of(surfaces_.begin(), surfaces_.end(), [](const Surface& surface) {
                return surface.peer->is_caught_up(surface.channel);
            });
        },
        "the devices");
}

void TandemRun::act(const WorkloadEvent& event) {
    Surface& surface = surfaces_[event.device];
    if (event.action == Action::offline || event.action == Action::online) {
        ledger_.set_online(event.device, event.action == Action::online);
        if (event.action == Action::online)
            surface.peer->start();
        else
            surface.peer->stop();
        return;
    }
    std::optional<size_t> parent;
    if (is_register(event.cell.field))
        each_id(surface.peer->session().view(surface.channel), event.cell,
                [&](size_t id) { parent = id; });
    edited_[event.cell.record].insert(event.cell);
    const size_t id = ledger_.write(event, parent, ledger_.is_online(event.device));
    client::Edit edit = surface.peer->session().edit(surface.channel);
    const record::Path at = path(event.cell);
    if (event.action == Action::set) edit.set(at, base::Value(text_of(id)));
    if (event.action == Action::inc) edit.inc(at, 1);
    if (event.action == Action::add) edit.add(at, base::Value(text_of(id)));
    if (event.action == Action::comment) {
        base::Value comment{base::Object{}};
        comment.put("text", base::Value(text_of(id)));
        edit.insert(at, client::Place::last(), std::move(comment));
    }
    surface.pushed[surface.peer->push(surface.channel, edit.take())] = id;
    surface.peer->pump();
}

void TandemRun::replay(double scale) {
    is_replaying_ = true;
    bytes_before_ = bytes();
    const uint64_t start = now_ns();
    for (const WorkloadEvent& event : workload_.events) {
        const uint64_t at =
            start + static_cast<uint64_t>(static_cast<double>(event.at_ms) * 1e6 / scale);
        while (now_ns() < at) {
            loop_.turn(std::min<uint64_t>(at - std::min(at, now_ns()), 2'000'000));
            for (Peer* peer : peers_)
                peer->pump();
        }
        act(event);
    }
    for (size_t device = 0; device < surfaces_.size(); ++device) {
        if (ledger_.is_online(device)) continue;
        ledger_.set_online(device, true);
        surfaces_[device].peer->start();
    }
    run_until(
        loop_, peers_,
        [&] {
            return std::all_of(surfaces_.begin(), surfaces_.end(), [](const Surface& surface) {
                return surface.peer->is_caught_up(surface.channel) &&
                       surface.peer->session().pending(surface.channel).empty();
            });
        },
        "the end");
    is_replaying_ = false;
}

void TandemRun::finish(Report& report) {
    const uint64_t total = bytes() - bytes_before_;
    uint64_t broken = 0;
    for (Peer* peer : peers_)
        broken += peer->continuity().gaps() + peer->continuity().repeats();
    Ledger::End end;
    std::vector<std::unique_ptr<Peer>> newcomers;
    for (size_t record = 0; record < workload_.records; ++record) {
        newcomers.push_back(std::make_unique<Peer>(loop_, server_, 5000 + record, Peer::Hooks{}));
        Peer& peer = *newcomers.back();
        peer.session().subscribe(Peer::now(), channel(record));
        peer.start();
        run_until(
            loop_, {&peer}, [&] { return peer.is_caught_up(channel(record)); }, "a newcomer");
        const record::View& view = peer.session().view(channel(record));
        for (const Cell& cell : edited_[record]) {
            each_id(view, cell, [&](size_t id) { end.shown.insert(id); });
            if (cell.field == kVotes)
                end.counters.emplace_back(cell, view.counter(path(cell)).value);
        }
        net::HttpClientRequest request;
        request.target =
            "/api/v1/channels/" + net::percent_encode(channel(record)) + "/conflicts?all=1";
        auto journal = net::http_fetch(server_, request);
        if (!journal || journal->status != 200) die("the journal cannot be read");
        for (size_t id = 0; id < ledger_.count(); ++id)
            if (journal->body.find("\"" + text_of(id) + "\"") != std::string::npos)
                end.in_journal.insert(id);
    }
    ledger_.put_end(report, end);
    report.put("total_bytes", total);
    report.put("gaps", broken);
}

}  // namespace

Report measure_tandem_workload(const Arguments& arguments) {
    const Workload workload = read_workload(arguments.text("workload"));
    TandemRun run(workload, address_of(arguments.text("url")),
                  "board:" + arguments.text("channel") + "-");
    run.load_records();
    run.connect_devices();
    run.replay(static_cast<double>(arguments.number("scale", 60)));
    Report report;
    run.finish(report);
    return report;
}

}  // namespace tandem::bench
