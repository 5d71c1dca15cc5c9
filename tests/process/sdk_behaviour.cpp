// Programs of the C++ SDK with two clients in them, as the tests run them:
// sdk_behaviour URL CHANNEL WHAT [FILE]. What is wrong is told by its line, and the exit code is 1.

#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tandem/backend.hpp"
#include "tandem/log.hpp"
#include "tandem/tandem.hpp"

namespace {

using namespace std::chrono_literals;

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            std::printf("line %d: %s does not hold\n", __LINE__, #condition); \
            return 1;                                                         \
        }                                                                     \
    } while (false)

struct Two {
    std::string url;
    tandem::Client ada;
    tandem::Client grace;
    tandem::Channel adas;
    tandem::Channel graces;

    Two(const char* address, const char* channel)
        : url(address),
          ada(open(address, "ada")),
          grace(open(address, "grace")),
          adas(ada.channel(channel)),
          graces(grace.channel(channel)) {}

    static tandem::Client open(const char* url, const char* name) {
        auto client = tandem::Client::open({.url = url, .name = name});
        if (!client) std::exit(3);
        return std::move(*client);
    }
    bool are_ready() { return adas.wait_ready(10s) && graces.wait_ready(10s); }
    // Runs both until it holds.
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + 10s;
        pollfd readable[] = {{ada.fd(), POLLIN, 0}, {grace.fd(), POLLIN, 0}};
        while (!holds()) {
            if (std::chrono::steady_clock::now() > end) return false;
            ::poll(readable, 2, 100);
            ada.poll();
            grace.poll();
        }
        return true;
    }
    bool is_saved() {
        return until([&] { return adas.status().synced && graces.status().synced; });
    }
};

int presence(Two two) {
    CHECK(two.are_ready());
    unsigned told = 0;
    auto on_members = two.graces.on_members([&] { ++told; });
    CHECK(two.graces.presence().others().empty());
    two.adas.presence().set({{"name", "Ada"}, {"at", 3}});
    CHECK(two.until([&] { return two.graces.presence().others().size() == 1; }));
    const tandem::Member member = two.graces.presence().others()[0];
    CHECK(member.state == tandem::Value({{"at", 3}, {"name", "Ada"}}));
    CHECK(!member.id.empty() && told > 0);
    // Nobody is among the others to itself.
    CHECK(two.adas.presence().others().empty());
    two.adas.presence().set({{"name", "Ada L."}});
    const auto name_is = [&](const char* name) {
        const auto others = two.graces.presence().others();
        return others.size() == 1 && others[0].state == tandem::Value({{"name", name}});
    };
    CHECK(two.until([&] { return name_is("Ada L."); }));
    two.adas.presence().leave();
    CHECK(two.until([&] { return two.graces.presence().others().empty(); }));
    // Who ends goes at once.
    two.adas.presence().set({{"name", "Ada"}});
    CHECK(two.until([&] { return name_is("Ada"); }));
    { const tandem::Client gone = std::move(two.ada); }
    const auto end = std::chrono::steady_clock::now() + 3s;
    while (!two.graces.presence().others().empty()) {
        CHECK(std::chrono::steady_clock::now() < end);
        pollfd readable{two.grace.fd(), POLLIN, 0};
        ::poll(&readable, 1, 100);
        two.grace.poll();
    }
    return 0;
}

// In a loop of the program's own: what is written outside of callbacks makes the descriptor
// readable at once, or it would wait for a timer.
int written_outside(Two two) {
    CHECK(two.are_ready());
    CHECK(two.is_saved());
    pollfd readable{two.ada.fd(), POLLIN, 0};
    const auto is_due = [&] { return ::poll(&readable, 1, 0) == 1; };
    for (int i = 0; i < 1000 && is_due(); ++i)
        two.ada.poll();
    two.adas.field("title").set("now");
    // The kernel needs a moment for a timer of a nanosecond; a tick takes 500 ms.
    CHECK(::poll(&readable, 1, 100) == 1);
    CHECK(two.is_saved());
    auto fresh = Two::open(two.url.c_str(), "fresh");
    pollfd first{fresh.fd(), POLLIN, 0};
    CHECK(::poll(&first, 1, 100) == 1);
    return 0;
}

int signals(Two two) {
    CHECK(two.are_ready());
    std::vector<tandem::Signal> got;
    auto on_signal = two.graces.on_signal([&](const tandem::Signal& one) { got.push_back(one); });
    two.adas.signal("cursor", {{"x", 10}, {"y", 20}});
    CHECK(two.until([&] { return got.size() == 1; }));
    CHECK(got[0].name == "cursor" && !got[0].from.empty());
    CHECK(got[0].value == tandem::Value({{"x", 10}, {"y", 20}}));
    // A subscription that has ended is told nothing.
    on_signal =
        two.graces.on_signal([&](const tandem::Signal& one) { got.insert(got.begin(), one); });
    two.adas.signal("last", "word");
    CHECK(two.until([&] { return got[0].name == "last"; }));
    CHECK(got.size() == 2);
    // Signals are not of the record.
    CHECK(two.adas.value().to_json() == "{}");
    return 0;
}

int conflicts(Two two) {
    CHECK(two.are_ready());
    std::vector<tandem::Conflict> told;
    auto on_conflict = two.graces.on_conflict([&](tandem::Conflict& one) { told.push_back(one); });
    // Neither has seen the other's.
    (void)two.adas.field("title").set("Ada's");
    (void)two.graces.field("title").set("Grace's");
    CHECK(two.is_saved());
    CHECK(two.until([&] { return told.size() == 1 && two.adas.conflicts().size() == 1; }));
    const tandem::Conflict& one = told[0];
    CHECK(one.path == "title" && one.losers.size() == 1);
    CHECK(one.shown == two.graces.field("title").value() && !(one.shown == one.losers[0]));
    CHECK(two.until([&] { return two.adas.field("title").value() == one.shown; }));
    const tandem::Value lost = one.losers[0];
    auto write = two.graces.conflicts()[0].restore(0);
    CHECK(write.wait(10s));
    CHECK(two.until([&] { return two.adas.field("title").value() == lost; }));
    CHECK(
        two.until([&] { return two.adas.conflicts().empty() && two.graces.conflicts().empty(); }));
    // Another one is told, and any value decides it.
    (void)two.adas.field("title").set("A");
    (void)two.graces.field("title").set("G");
    CHECK(two.is_saved());
    CHECK(two.until([&] { return told.size() == 2 && two.adas.conflicts().size() == 1; }));
    auto decided = two.adas.conflicts()[0].resolve("both");
    CHECK(decided.wait(10s));
    CHECK(two.until([&] { return two.graces.field("title").value() == "both"; }));
    CHECK(two.until([&] { return two.graces.conflicts().empty(); }));
    return 0;
}

int history(Two two) {
    CHECK(two.are_ready());
    tandem::History steps = two.adas.history();
    CHECK(!steps.can_undo() && !steps.undo() && !steps.redo());
    (void)two.adas.field("title").set("one");
    auto write = two.adas.transact(
        [](tandem::Tx& tx) {
            tx.field("title").set("two");
            tx.counter("votes").add(5);
        },
        {.label = "Reprice"});
    CHECK(write.wait(10s));
    CHECK(two.until([&] { return two.graces.counter("votes").value() == 5; }));
    auto others = two.graces.counter("votes").add(2);
    CHECK(others.wait(10s));
    CHECK(two.until([&] { return two.adas.counter("votes").value() == 7; }));
    CHECK(steps.can_undo() && steps.undo_label() == "Reprice" && steps.redo_label().empty());
    // One step is the whole transaction, and what others added stays.
    CHECK(steps.undo());
    CHECK(two.adas.field("title").value() == "one" && two.adas.counter("votes").value() == 2);
    CHECK(steps.undo_label().empty() && steps.can_redo() && steps.redo_label() == "Reprice");
    CHECK(steps.redo());
    CHECK(two.adas.field("title").value() == "two" && two.adas.counter("votes").value() == 7);
    CHECK(steps.undo_label() == "Reprice" && !steps.can_redo());
    CHECK(steps.undo() && steps.undo() && !steps.can_undo());
    CHECK(two.adas.value().to_json() == "{\"votes\":2}");
    CHECK(two.is_saved());
    CHECK(two.until([&] { return two.graces.value().to_json() == "{\"votes\":2}"; }));
    // Grace's step is hers.
    CHECK(two.graces.history().undo());
    CHECK(two.until([&] { return two.adas.counter("votes").value() == 0; }));
    return 0;
}

// A transaction is all or nothing, and nothing can change below it.
int transactions(Two two) {
    CHECK(two.are_ready());
    bool could_undo = true;
    bool could_assign = true;
    std::string waited;
    auto outer = two.adas.transact([&](tandem::Tx& tx) {
        (void)two.adas.field("title").set("by the channel's handle");
        auto part = tx.counter("votes").add(1);
        auto decided = part.wait(1s);
        waited = decided ? "" : decided.error().code();
        could_undo = two.adas.history().undo();
        auto whole = two.adas.assign({{"title", "x"}});
        could_assign = static_cast<bool>(whole.wait(0ms));
    });
    CHECK(outer.wait(10s));
    CHECK(waited == "would_block" && !could_undo && !could_assign);
    CHECK(two.adas.value().to_json() == "{\"title\":\"by the channel's handle\",\"votes\":1}");
    auto broken = two.adas.transact([](tandem::Tx& tx) {
        tx.counter("votes").add(1);
        tx.field("a//b").set(1);
    });
    auto refused = broken.wait(10s);
    CHECK(!refused && refused.error().code() == "bad_path");
    CHECK(two.adas.counter("votes").value() == 1 && two.adas.status().pending == 0);
    auto nothing = two.adas.transact([](tandem::Tx&) {});
    CHECK(nothing.wait(1s));
    // A value that is none is refused here, and does not reach the outbox.
    auto endless = two.adas.field("price").set(1.0 / 0.0);
    CHECK(!endless.wait(1s) && two.adas.status().pending == 0);
    return 0;
}

int past(Two two) {
    CHECK(two.are_ready());
    tandem::List cards = two.adas.list("cards");
    (void)two.adas.field("title").set("one");
    const tandem::ItemId tea = cards.insert({{"text", "Tea"}});
    auto counted = two.adas.counter("votes").add(3);
    auto first = counted.wait(10s);
    CHECK(first);
    (void)two.adas.field("title").set("two");
    (void)cards.field(tea, "text").set("Green tea");
    auto removed = cards.remove(tea);
    auto last = removed.wait(10s);
    CHECK(last);

    const tandem::Past past = two.adas.past();
    auto range = past.range();
    CHECK(range && range->oldest == 0 && range->newest == last->seq);
    auto then = two.adas.at(first->seq);
    CHECK(then && then->seq() == first->seq);
    CHECK(then->value("title") == "one" && then->value("votes") == 3);
    CHECK(then->items("cards").size() == 1 && then->items("cards")[0].id == tea.id);
    CHECK(then->value("cards/@" + tea.id + "/text") == "Tea" && then->value("nothing").is_null());
    CHECK(two.adas.at(0)->value().to_json() == "{}");
    auto future = two.adas.at(last->seq + 1000);
    CHECK(!future && !future.error().code().empty() && !future.error().hint().empty());

    auto changes = past.changes_between(first->seq);
    CHECK(changes && changes->size() >= 3);
    const tandem::PastChange& change = (*changes)[0];
    CHECK(change.seq == first->seq + 1 && change.path == "title" && change.op == "set");
    CHECK(change.before == tandem::Value("one") && change.after == tandem::Value("two"));
    CHECK(!change.by.empty() && change.at > std::chrono::system_clock::now() - 1h);
    CHECK(past.changes_between(first->seq, first->seq + 1)->size() == 1);
    CHECK(past.changes_between(last->seq)->empty());

    auto saved = past.save_version("before", first->seq);
    CHECK(saved && saved->seq == first->seq);
    auto again = past.save_version("before");
    CHECK(!again && again.error().code() == "version_exists");
    CHECK(past.save_version("now & then"));
    auto versions = past.versions();
    CHECK(versions && versions->size() == 2);
    CHECK(past.at("now & then")->seq() == last->seq);
    CHECK(past.at("before")->value("title") == "one");
    CHECK(past.delete_version("now & then") && past.versions()->size() == 1);
    CHECK(past.versions()->at(0).name == "before" && past.versions()->at(0).seq == first->seq);

    // An ordinary write: others see it, undo takes it back, what others write meanwhile conflicts.
    (void)two.graces.field("title").set("Grace's");
    auto restored = past.restore("before");
    CHECK(restored.wait(10s));
    CHECK(two.is_saved());
    CHECK(two.until([&] { return two.adas.value() == two.graces.value(); }));
    CHECK(two.adas.list("cards").items().size() == 1 && two.adas.counter("votes").value() == 3);
    CHECK(two.until([&] { return two.graces.conflicts().size() == 1; }));
    CHECK(two.adas.history().undo_label() == "Restore before" && two.adas.history().undo());
    CHECK(two.adas.list("cards").items().empty() && two.is_saved());
    // Of a part the server restores.
    CHECK(two.graces.select({"title"}) && two.graces.wait_ready(10s));
    auto part = two.graces.past().restore(first->seq);
    CHECK(part.wait(10s));
    CHECK(two.until([&] { return two.adas.list("cards").items().size() == 1; }));
    CHECK(two.until([&] { return two.graces.field("title").value() == "one"; }));
    auto gone = two.adas.past().restore("no such version");
    CHECK(!gone.wait(1s));
    // A question from within a callback cannot wait.
    std::string answer;
    auto on_change = two.adas.on_change([&](const tandem::Change&) {
        auto asked = two.adas.at(1);
        answer = asked ? "" : asked.error().code();
    });
    (void)two.adas.counter("votes").add(1);
    CHECK(answer == "would_block");
    return 0;
}

int whole(Two two) {
    CHECK(two.are_ready());
    tandem::List cards = two.adas.list("cards");
    (void)two.adas.field("title").set("one");
    (void)two.adas.counter("votes").add(3);
    (void)two.adas.set("tags").add("a");
    const tandem::ItemId tea = cards.insert({{"text", "Tea"}, {"done", false}});
    (void)cards.insert({{"text", "Rice"}});
    CHECK(two.is_saved());
    CHECK(two.until([&] { return two.graces.value() == two.adas.value(); }));

    auto object = two.graces.read();
    // What is not changed is not written.
    const auto before = two.adas.past().range()->newest;
    auto same = two.graces.assign(object);
    CHECK(same.wait(10s) && two.adas.past().range()->newest == before);
    // Ada writes meanwhile.
    (void)two.adas.counter("votes").add(10);
    (void)two.adas.set("tags").add("b");
    (void)cards.field(tea, "done").set(true);
    (void)two.adas.field("decision").set("hers");
    CHECK(two.is_saved());
    CHECK(two.until([&] { return two.graces.counter("votes").value() == 13; }));
    const auto with = [](tandem::Value value, const char* key, tandem::Value wanted) {
        tandem::Value::Members members = *value.as_object();
        for (auto& [name, member] : members)
            if (name == key) member = wanted;
        return tandem::Value(std::move(members));
    };
    tandem::Value::Array list = *object.find("cards")->as_array();
    list[0] = with(list[0], "text", "Green tea");
    std::swap(list[0], list[1]);
    object = with(with(with(object, "cards", list), "votes", 5), "tags", tandem::Value::Array{"c"});
    auto assigned = two.graces.assign(object);
    auto done = assigned.wait(10s);
    CHECK(done);
    CHECK(two.until([&] { return two.adas.value() == two.graces.value(); }));
    // Counters by their difference, sets by elements, items by field; what she wrote stays.
    CHECK(two.adas.counter("votes").value() == 15);
    CHECK(two.adas.field("tags").value() == tandem::Value(tandem::Value::Array{"b", "c"}));
    CHECK(two.adas.field("decision").value() == "hers" && two.adas.field("title").value() == "one");
    CHECK(cards.items().size() == 2 && cards.items()[1].id == tea.id);
    CHECK(cards.field(tea, "text").value() == "Green tea" &&
          cards.field(tea, "done").value() == true);
    const auto changes = two.adas.past().changes_between(done->seq - 1, done->seq);
    CHECK(changes && changes->size() <= 5);
    // From what was assigned, not from what is shown: her field was never in this object.
    auto next = two.graces.assign(with(object, "title", "two"));
    CHECK(next.wait(10s));
    CHECK(two.graces.field("decision").value() == "hers");
    CHECK(two.until([&] { return two.adas.field("title").value() == "two"; }));
    // Field by field, what was changed by both conflicts.
    (void)two.graces.read();
    auto hers = two.adas.field("title").set("Ada's");
    CHECK(hers.wait(10s));
    CHECK(two.until([&] { return two.graces.field("title").value() == "Ada's"; }));
    auto late = two.graces.assign(with(with(object, "title", "Grace's"), "votes", 15));
    CHECK(late.wait(10s));
    CHECK(two.until([&] { return two.adas.conflicts().size() == 1; }));
    // An item that comes back has what it is given, and nothing that it held before.
    (void)two.graces.read();
    auto without = two.graces.assign(with(object, "cards", tandem::Value::Array{}));
    CHECK(without.wait(10s));
    auto with_tea = two.graces.assign(with(
        object, "cards", tandem::Value::Array{tandem::Value({{"id", tea.id}, {"text", "Tea"}})}));
    CHECK(with_tea.wait(10s));
    CHECK(two.until([&] { return cards.items().size() == 1; }));
    CHECK(cards.value().as_array()->at(0) == tandem::Value({{"id", tea.id}, {"text", "Tea"}}));
    auto wrong = two.graces.assign("no object");
    auto refused = wrong.wait(1s);
    CHECK(!refused && refused.error().code() == "wrong_type");
    return 0;
}

// Many threads use one client that has a thread of its own.
int threads(const char* url, const char* channel, const char* file) {
    constexpr int kThreads = 4;
    constexpr int kWrites = 50;
    std::mutex queue_mutex;
    std::deque<std::function<void()>> queue;
    auto client = tandem::Client::open({.url = url,
                                        .outbox = file,
                                        .own_thread = true,
                                        .dispatch = [&](std::function<void()> call) {
                                            const std::lock_guard lock(queue_mutex);
                                            queue.push_back(std::move(call));
                                        }});
    CHECK(client && client->fd() == -1);
    tandem::Channel board = client->channel(channel);
    CHECK(board.wait_ready(10s));
    const auto main_thread = std::this_thread::get_id();
    unsigned told = 0;
    bool is_on_main = true;
    auto on_change = board.on_change([&](const tandem::Change&) {
        ++told;
        is_on_main = is_on_main && std::this_thread::get_id() == main_thread;
        // A callback of a dispatcher is on another thread than the client, and may wait.
        is_on_main = is_on_main && static_cast<bool>(board.wait_ready(1s));
    });
    std::atomic<int> failures = 0;
    std::vector<std::thread> all;
    for (int i = 0; i < kThreads; ++i)
        all.emplace_back([&, i] {
            for (int n = 0; n < kWrites; ++n) {
                auto ended = board.on_status([](const tandem::Status&) {});
                auto write = board.counter("votes").add(1);
                (void)board.list("cards").insert({{"text", std::to_string(i)}});
                (void)board.value();
                if (n % 10 == 0 && !write.wait(10s)) ++failures;
                if (n == 20 && !board.past().at(1)) ++failures;
            }
            auto last = board.transact([](tandem::Tx& tx) { tx.counter("votes").add(1000); });
            if (!last.wait(10s)) ++failures;
        });
    std::thread stopper([&] {
        for (std::thread& one : all)
            one.join();
        client->stop();
    });
    client->run();
    stopper.join();
    CHECK(failures == 0);
    CHECK(board.counter("votes").value() == kThreads * (kWrites + 1000));
    CHECK(board.list("cards").items().size() == kThreads * kWrites);
    std::deque<std::function<void()>> due;
    {
        const std::lock_guard lock(queue_mutex);
        due.swap(queue);
    }
    CHECK(told == 0 && !due.empty());
    for (size_t i = 0; i < due.size() / 2; ++i)
        due[i]();
    CHECK(told > 0 && is_on_main);
    // Those that are still on their way when it ends are not made.
    const unsigned before = told;
    on_change = tandem::Subscription();
    for (const auto& call : due)
        call();
    CHECK(told == before);
    auto last = board.field("title").set("end");
    CHECK(last.wait(10s));
    return 0;
}

// A file system that is full for a while.
int full(const char* url, const char* channel, const char* file) {
    const auto limit_files = [](rlim_t bytes) {
        rlimit limit{};
        getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = std::min(bytes, limit.rlim_max);
        return setrlimit(RLIMIT_FSIZE, &limit) == 0;
    };
    std::signal(SIGXFSZ, SIG_IGN);
    auto client = tandem::Client::open({.url = url, .outbox = file});
    auto other = tandem::Client::open({.url = url});
    CHECK(client && other);
    tandem::Channel board = client->channel(channel);
    tandem::Channel others = other->channel(channel);
    std::vector<std::string> told;
    auto on_refused =
        board.on_refused([&](const tandem::Error& error) { told.push_back(error.code()); });
    auto before = board.counter("votes").add(1);
    CHECK(before.wait(10s) && told.empty());
    CHECK(limit_files(1));
    auto first = board.counter("votes").add(10);
    CHECK(told.size() == 1 && told[0] == "io_failed");
    auto second = board.counter("votes").add(100);
    const auto undecided = second.wait(700ms);
    CHECK(!undecided && undecided.error().code() == "timed_out");
    CHECK(board.counter("votes").value() == 111 && board.status().pending == 2);
    CHECK(others.wait_ready(10s) && others.counter("votes").value() == 1);
    CHECK(limit_files(RLIM_INFINITY));
    // Without another write: it is tried again.
    CHECK(second.wait(10s) && first.wait(10s) && told.size() == 2);
    return 0;
}

// Counts the lines that it reads, on a thread of its own, and ends when the server has all of them.
int count_lines(const char* url, const char* channel) {
    std::mutex mutex;
    std::condition_variable is_changed;
    auto client = tandem::Client::open({.url = url, .own_thread = true});
    CHECK(client);
    tandem::Channel board = client->channel(channel);
    auto on_status = board.on_status([&](const tandem::Status&) {
        const std::lock_guard lock(mutex);
        is_changed.notify_one();
    });
    for (int key = std::getchar(); key != EOF; key = std::getchar()) {
        (void)board.counter("votes").add(1);
        std::printf("%u\n", board.status().pending);
        std::fflush(stdout);
    }
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!board.status().synced) {
        std::unique_lock lock(mutex);
        CHECK(std::chrono::steady_clock::now() < end);
        is_changed.wait_for(lock, 100ms);
    }
    std::printf("%d\n", static_cast<int>(board.counter("votes").value()));
    return 0;
}

// Prints what a reader of the log is told, until the title is "end".
class LogPrinter final : public tandem::LogFollower {
  public:
    int print(const char* url, const char* channel, std::optional<uint64_t> after) {
        auto reader =
            tandem::LogReader::open({.url = url, .channel = channel, .after = after}, *this);
        CHECK(reader);
        reader_ = &*reader;
        reader->run();
        return 0;
    }

  private:
    void on_entry(const tandem::LogEntry& entry) override {
        for (const tandem::LogOp& op : entry.ops) {
            say("%s %s %s%s%s", op.op.c_str(), op.path.c_str(), op.value.to_json().c_str(),
                op.shown && !(*op.shown == op.value) ? " " : "",
                op.shown && !(*op.shown == op.value) ? op.shown->to_json().c_str() : "");
            if (op.value == "end") reader_->stop();
        }
    }
    void on_state(const tandem::LogState& state) override {
        say("state %s after %d", state.value.to_json().c_str(),
            state.after ? static_cast<int>(*state.after) : -1);
    }
    void on_difference(const tandem::LogDifference& difference) override {
        say("difference of %zu", difference.changes.size());
    }
    void on_signal(const tandem::Signal& signal) override {
        say("signal %s %s", signal.name.c_str(), signal.value.to_json().c_str());
    }
    void on_refused(const tandem::Error& error) override {
        say("refused %s", error.code().c_str());
    }
    void on_lost(std::optional<uint64_t> after) override {
        say("lost after %d", static_cast<int>(after.value_or(0)));
    }
    void on_unreachable(const tandem::Error&) override {}

    template <class... Parts>
    static void say(const char* format, Parts... parts) {
        std::printf(format, parts...);
        std::printf("\n");
        std::fflush(stdout);
    }
    tandem::LogReader* reader_ = nullptr;
};

// Writes without end, and tells each that is kept. Somebody kills it.
int edit(const char* url, const char* channel, const char* file, int first) {
    auto client = tandem::Client::open({.url = url, .outbox = file});
    CHECK(client);
    tandem::Channel board = client->channel(channel);
    for (int n = first; true; ++n) {
        (void)board.transact([&](tandem::Tx& tx) {
            tx.counter("votes").add(1);
            tx.field("edits/e" + std::to_string(n)).set(n);
        });
        std::printf("%d\n", n);
        std::fflush(stdout);
        client->poll();
    }
}

int backend(const std::string& url, const char* channel) {
    CHECK(tandem::Backend::open({.url = "nowhere"}).error().code() == "invalid_argument");
    auto opened = tandem::Backend::open({.url = url});
    CHECK(opened);
    const tandem::Backend& server = *opened;
    const auto empty = server.get(channel);
    CHECK(empty && empty->seq == 0 && empty->value.to_json() == "{}");
    const auto first = server.set(channel, "title", "Plan");
    CHECK(first && first->seq == 1 && !first->was_stored_before && !first->is_unchanged);
    CHECK(server.add(channel, "votes", 5, {.idempotency_key = "five"}));
    const auto repeated = server.add(channel, "votes", 5, {.idempotency_key = "five"});
    CHECK(repeated && repeated->was_stored_before && repeated->seq == 2);
    const auto read = server.get(channel);
    CHECK(read && read->value.to_json() == R"({"title":"Plan","votes":5})");

    // A condition and a whole object hold against what was read.
    CHECK(server.set(channel, "title", "Other"));
    const auto stale = server.set(channel, "title", "Mine", {.if_version = read->version});
    CHECK(!stale && stale.error().code() == "precondition_failed");
    CHECK(server.replace(channel, R"({"title":"Plan","votes":7})", {.base = read->version}));
    CHECK(server.get(channel, "title")->value == tandem::Value("Other"));
    CHECK(server.get(channel, "votes")->value == tandem::Value(7));
    const auto same = server.replace(channel, R"({"title":"Other","votes":7})");
    CHECK(same && same->is_unchanged);

    // All of it or nothing, and every digit.
    const auto refused =
        server.apply(channel, R"([{"op":"set","path":"title","value":"x"},{"op":"set"}])");
    CHECK(!refused && !refused.error().hint().empty());
    CHECK(server.erase(channel, "title"));
    CHECK(server.get(channel)->value.to_json() == R"({"votes":7})");
    const auto elsewhere = server.set("nothing:1", "title", "x");
    CHECK(!elsewhere && elsewhere.error().code() == "unknown_namespace");
    const auto nobody = tandem::Backend::open({.url = "http://127.0.0.1:1", .timeout = 2s});
    CHECK(nobody && !nobody->set(channel, "title", "x"));
    return 0;
}

int refused_channel(Two two) {
    std::vector<std::string> codes;
    auto refusals = two.adas.on_refused([&](const tandem::Error& e) { codes.push_back(e.code()); });
    two.adas.field("title").set("x");
    CHECK(two.until([&] { return !codes.empty(); }));
    CHECK(codes.front() == "unknown_namespace");
    CHECK(two.adas.status().pending == 1);
    // What no frame can carry needs no server to be refused.
    for (const std::string& name : {std::string(), "board:" + std::string(300, 'x')}) {
        tandem::Channel odd = two.ada.channel(name);
        const auto ready = odd.wait_ready(10s);
        CHECK(!ready && ready.error().code() == "bad_channel");
        const auto written = odd.field("title").set("x").wait(10s);
        CHECK(!written && written.error().code() == "bad_channel");
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    const std::string what = argv[3];
    const auto two = [&] { return Two(argv[1], argv[2]); };
    if (what == "presence") return presence(two());
    if (what == "signals") return signals(two());
    if (what == "written_outside") return written_outside(two());
    if (what == "conflicts") return conflicts(two());
    if (what == "history") return history(two());
    if (what == "transactions") return transactions(two());
    if (what == "past") return past(two());
    if (what == "whole") return whole(two());
    if (what == "threads" && argc == 5) return threads(argv[1], argv[2], argv[4]);
    if (what == "log")
        return LogPrinter().print(
            argv[1], argv[2],
            argc == 5 ? std::optional<uint64_t>(std::atoi(argv[4])) : std::nullopt);
    if (what == "backend") return backend(argv[1], argv[2]);
    if (what == "refused") return refused_channel(two());
    if (what == "full" && argc == 5) return full(argv[1], argv[2], argv[4]);
    if (what == "lines") return count_lines(argv[1], argv[2]);
    if (what == "edit" && argc == 6) return edit(argv[1], argv[2], argv[4], std::atoi(argv[5]));
    return 2;
}
