// Very many clients that come back at once: a few processes of this kind hold them, and one writes.

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <queue>

#include "peer.hpp"
#include "report.hpp"

namespace tandem::bench {
namespace {

constexpr uint64_t kTurnNs = 20'000'000;
// Connections that are being made at a time, before anything is measured.
constexpr size_t kOpeningMax = 64;

std::string channel_name(const std::string& prefix, uint64_t number) {
    return prefix + "-" + std::to_string(number);
}

void tell(const std::string& word) {
    std::printf("%s\n", word.c_str());
    std::fflush(stdout);
}

/// What the benchmark says on standard input, by lines.
class Orders final : private Pollable {
  public:
    explicit Orders(Loop& loop) {
        fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
        loop.add(STDIN_FILENO, EPOLLIN, *this);
    }
    /// The next one; empty: there is none.
    std::string take() {
        const size_t end = text_.find('\n');
        if (end == std::string::npos) return {};
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
    }

  private:
    void on_io(uint32_t) override {
        char buffer[4096];
        const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (got == 0) die("the benchmark has gone");
        if (got > 0) text_.append(buffer, static_cast<size_t>(got));
    }

    std::string text_;
};

struct Member {
    std::unique_ptr<Peer> peer;
    std::string channel;
    uint64_t armed_ns = UINT64_MAX;
    uint64_t lost_ns = 0;
    uint64_t dials_before = 0;
    uint64_t byes = 0;
    bool is_caught_up = false;
    bool was_lost = false;
    bool has_recovered = false;
    bool is_touched = false;
};

/// Clients of the product, each with a socket, a cursor and the pauses that applications get.
class Herd {
  public:
    explicit Herd(const Arguments& arguments)
        : server_(address_of(arguments.text("url"))),
          random_(arguments.number("seed", 1)),
          members_(arguments.number("clients", 3750)) {
        const uint64_t channels = arguments.number("channels", 100);
        for (size_t i = 0; i < members_.size(); ++i) {
            Member& member = members_[i];
            member.channel = channel_name(arguments.text("channel"), i % channels);
            member.peer = std::make_unique<Peer>(
                loop_, server_, random_(),
                Peer::Hooks{[this, &member](client::Event& event) { note_event(member, event); },
                            [this, &member](const Continuity::Seen&, size_t) { touch(member); },
                            [this, &member] { note_lost(member); }},
                Peer::Pauses::usual);
            member.peer->link().bear_refusals();
            member.peer->session().subscribe(Peer::now(), member.channel);
        }
    }

    Report run() {
        open();
        tell("ready");
        while (true) {
            turn();
            const std::string order = orders_.take();
            if (order.empty()) continue;
            if (order == "mark") {
                begin();
            } else if (order == "cut") {
                begin();
                for (Member& member : members_) {
                    note_lost(member);
                    member.peer->cut(0);
                    arm(member);
                }
            } else if (order.starts_with("finish ")) {
                return finish(order.substr(7));
            } else {
                die("unknown order: " + order);
            }
        }
    }

  private:
    void open() {
        size_t next = 0;
        while (caught_up_ < members_.size()) {
            for (; next < members_.size() && next - caught_up_ < kOpeningMax; ++next) {
                members_[next].peer->start();
                arm(members_[next]);
            }
            turn();
        }
    }

    void begin() {
        begun_ns_ = now_ns();
        for (Member& member : members_) {
            member.dials_before = member.peer->dials();
            member.was_lost = member.has_recovered = false;
            member.byes = 0;
        }
        recovered_ = 0;
        since_begin_ms_.clear();
        since_lost_ms_.clear();
    }

    void turn() {
        loop_.turn(kTurnNs);
        const uint64_t now = now_ns();
        while (!due_.empty() && due_.top().first <= now) {
            Member& member = *due_.top().second;
            const bool is_armed = member.armed_ns == due_.top().first;
            due_.pop();
            if (!is_armed) continue;
            member.armed_ns = UINT64_MAX;
            member.peer->pump();
            touch(member);
        }
        for (Member* member : std::exchange(touched_, {})) {
            member->is_touched = false;
            note_caught_up(*member);
            arm(*member);
        }
    }

    void touch(Member& member) {
        if (std::exchange(member.is_touched, true)) return;
        touched_.push_back(&member);
    }

    void arm(Member& member) {
        const uint64_t due = member.peer->due_ns();
        if (due == member.armed_ns || due == UINT64_MAX) return;
        // An earlier time is passed over when it comes.
        member.armed_ns = due;
        due_.emplace(due, &member);
    }

    void note_event(Member& member, const client::Event& event) {
        if (event.kind == client::EventKind::error &&
            (event.code == "overloaded" || event.code == "shutting_down"))
            ++member.byes;
        // The server's word to go, and whoever loses the network, ends without on_lost.
        if (event.kind == client::EventKind::want_close) note_lost(member);
        touch(member);
    }

    void note_lost(Member& member) {
        if (member.is_caught_up) --caught_up_;
        member.is_caught_up = false;
        if (begun_ns_ != 0 && !std::exchange(member.was_lost, true)) member.lost_ns = now_ns();
        touch(member);
    }

    void note_caught_up(Member& member) {
        if (member.is_caught_up || !member.peer->link().is_open() ||
            !member.peer->is_caught_up(member.channel))
            return;
        member.is_caught_up = true;
        ++caught_up_;
        if (begun_ns_ == 0 || !member.was_lost || std::exchange(member.has_recovered, true)) return;
        ++recovered_;
        const uint64_t now = now_ns();
        since_begin_ms_.push_back(to_ms(now - begun_ns_));
        since_lost_ms_.push_back(to_ms(now - member.lost_ns));
        if (recovered_ == members_.size()) tell("recovered");
    }

    /// `text`: how many pushes each channel had.
    Report finish(const std::string& text) {
        std::vector<uint64_t> pushes;
        for (size_t at = 0; at < text.size(); at = text.find(' ', at) + 1) {
            pushes.push_back(std::stoull(text.substr(at)));
            if (text.find(' ', at) == std::string::npos) break;
        }
        const uint64_t deadline = now_ns() + 30'000'000'000U;
        const auto has_all = [&](const Member& member, uint64_t pushed) {
            return member.is_caught_up &&
                   member.peer->session().cursor(member.channel).seq >= pushed;
        };
        while (now_ns() < deadline) {
            size_t done = 0;
            for (size_t i = 0; i < members_.size(); ++i)
                done += has_all(members_[i], pushes[i % pushes.size()]) ? 1 : 0;
            if (done == members_.size()) break;
            turn();
        }
        Report report;
        uint64_t missing = 0;
        uint64_t duplicate = 0;
        uint64_t dials = 0;
        uint64_t refused = 0;
        uint64_t told = 0;
        for (size_t i = 0; i < members_.size(); ++i) {
            Member& member = members_[i];
            const auto wanted = static_cast<int64_t>(pushes[i % pushes.size()]);
            const record::View& view = member.peer->session().confirmed(member.channel);
            const int64_t counted = view.counter(path_of({"count"})).value;
            const base::Value last = view.shown(path_of({"last"}));
            const int64_t number = last.is_number() ? last.as_integer() : 0;
            missing += static_cast<uint64_t>(std::max<int64_t>(wanted - counted, 0));
            missing += number == wanted ? 0 : 1;
            missing += member.peer->continuity().gaps();
            duplicate += static_cast<uint64_t>(std::max<int64_t>(counted - wanted, 0));
            duplicate += member.peer->continuity().repeats();
            dials += member.peer->dials() - member.dials_before;
            refused += member.peer->link().refusals();
            told += member.byes > 0 || member.peer->link().refusals() > 0 ? 1 : 0;
        }
        report.put("clients", static_cast<uint64_t>(members_.size()));
        report.put("recovered", recovered_);
        report.put("missing", missing);
        report.put("duplicate", duplicate);
        report.put("dials", dials);
        report.put("refused", refused);
        report.put("told_when", told);
        report.put("since_begin_ms", since_begin_ms_);
        report.put("since_lost_ms", since_lost_ms_);
        return report;
    }

    Loop loop_;
    Orders orders_{loop_};
    net::SocketAddress server_;
    std::mt19937_64 random_;
    std::vector<Member> members_;
    std::vector<Member*> touched_;
    using Due = std::pair<uint64_t, Member*>;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    uint64_t begun_ns_ = 0;
    size_t caught_up_ = 0;
    uint64_t recovered_ = 0;
    std::vector<double> since_begin_ms_;
    std::vector<double> since_lost_ms_;
};

}  // namespace

/// `clients` connections of one process. It says "ready" once all follow their channels,
/// "recovered" when all are back after "mark" (the server will go away) or "cut" (the network
/// does); after "finish N..." it looks at what each has.
Report measure_herd(const Arguments& arguments) { return Herd(arguments).run(); }

/// Writes to each of the channels, `per-s` in all, until "stop", through whatever becomes of the
/// server. Every push counts a counter up and puts its number beside it.
Report measure_herd_writer(const Arguments& arguments) {
    const uint64_t channels = arguments.number("channels", 100);
    const uint64_t gap_ns = 1'000'000'000U / arguments.number("per-s", 100);
    Loop loop;
    Orders orders(loop);
    Peer peer(loop, address_of(arguments.text("url")), 7, {});
    peer.link().bear_refusals();
    std::vector<std::string> names;
    for (uint64_t i = 0; i < channels; ++i) {
        names.push_back(channel_name(arguments.text("channel"), i));
        peer.session().subscribe(Peer::now(), names.back());
    }
    peer.start();
    std::vector<uint64_t> pushed(channels);
    size_t next = 0;
    uint64_t next_ns = 0;
    bool is_stopping = false;
    const auto write = [&] {
        client::Edit edit = peer.session().edit(names[next]);
        edit.inc(path_of({"count"}), 1);
        edit.set(path_of({"last"}), base::Value::integer(static_cast<int64_t>(++pushed[next])));
        peer.push(names[next], edit.take());
        next = (next + 1) % channels;
    };
    const auto is_done = [&] {
        return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
            return peer.session().pending(name).empty();
        });
    };
    // Each channel exists before anybody follows it.
    for (uint64_t i = 0; i < channels; ++i)
        write();
    run_until(loop, {&peer}, is_done, "the first writes");
    tell("ready");
    while (!is_stopping || !is_done()) {
        loop.turn(2'000'000);
        peer.pump();
        is_stopping = is_stopping || orders.take() == "stop";
        const uint64_t now = now_ns();
        if (is_stopping || now < next_ns) continue;
        write();
        next_ns = std::max(next_ns + gap_ns, now - gap_ns);
        peer.pump();
    }
    Report report;
    base::Array numbers;
    for (const uint64_t number : pushed)
        numbers.emplace_back(static_cast<double>(number));
    report.put("pushed", base::Value(std::move(numbers)));
    report.put("dials", peer.dials());
    return report;
}

}  // namespace tandem::bench
