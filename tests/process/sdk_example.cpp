// A program of the C++ SDK, as the tests run it: sdk_example URL CHANNEL OUTBOX COMMAND.

#include <poll.h>

#include <cstdio>
#include <string>

#include "tandem/tandem.hpp"

namespace {

using namespace std::chrono_literals;

int fail(const char* what, const tandem::Error& error) {
    std::printf("%s: %s (%s)\n", what, error.code().c_str(), error.hint().c_str());
    return 1;
}

void show(const tandem::Channel& board) { std::printf("%s\n", board.value().to_json().c_str()); }

// Everything that a handle can write, each step in step with the server.
int write_all(tandem::Channel& board) {
    if (auto ready = board.wait_ready(10s); !ready) return fail("ready", ready.error());
    unsigned changes = 0;
    auto on_change = board.on_change([&](const tandem::Change&) { ++changes; });
    (void)board.field("title").set("Plan");
    (void)board.counter("votes").add(2);
    (void)board.set("labels").add("urgent");
    tandem::List cards = board.list("cards");
    const tandem::ItemId milk = cards.insert({{"text", "Buy milk"}, {"done", false}});
    const tandem::ItemId bread = cards.insert({{"text", "Bread"}}, tandem::Place::first());
    (void)cards.field(milk, "done").set(true);
    (void)cards.move(bread, tandem::Place::after(milk));
    auto write = board.transact([](tandem::Tx& t) {
        t.field("price").set(12);
        t.counter("votes").add(5);
    });
    if (auto done = write.wait(10s); !done) return fail("transact", done.error());
    (void)board.field("title").set("Other");
    if (!board.history().undo()) return 1;
    auto conditional = board.transact([](tandem::Tx& t) { t.field("price").set(13); },
                                      {.label = "Reprice", .if_unchanged = {"price"}});
    if (auto done = conditional.wait(10s); !done) return fail("conditional", done.error());
    auto wrong = board.field("a//b").set(1);
    if (auto done = wrong.wait(10s); done || done.error().code() != "bad_path") return 1;
    auto refused = board.field("title").set(5);
    if (auto done = refused.wait(10s); done || done.error().code() != "wrong_type") return 1;
    show(board);
    return changes > 0 ? 0 : 1;
}

// Writes while nobody answers, and ends.
int write_offline(tandem::Channel& board) {
    auto write = board.counter("votes").add(1);
    auto done = write.wait(100ms);
    if (done || done.error().code() != "timed_out") return 1;
    std::printf("%u pending\n", board.status().pending);
    return 0;
}

// In a loop of another library: what is here at first, then what others write.
int follow(tandem::Client& client, tandem::Channel& board) {
    std::string seen;
    auto on_change = board.on_change([&](const tandem::Change&) {
        const tandem::Value title = board.field("title").value();
        if (title.as_string() == nullptr || *title.as_string() == seen) return;
        seen = *title.as_string();
        std::printf("%s\n", seen.c_str());
        std::fflush(stdout);
    });
    pollfd readable{client.fd(), POLLIN, 0};
    while (seen != "end") {
        if (::poll(&readable, 1, 15'000) <= 0) return 1;
        client.poll();
    }
    return 0;
}

// One screen of a list, the next one, and what was shown last when nobody answers.
int follow_parts(tandem::Client& client, const char* channel) {
    tandem::Channel board = client.channel(channel, {.select = {"title", "cards[0:2]"}});
    show(board);
    if (auto ready = board.wait_ready(10s); !ready) return fail("ready", ready.error());
    show(board);
    std::printf("%u of them\n", static_cast<unsigned>(board.list("cards").total()));
    if (auto loaded = board.load({"cards[2:3]"}); !loaded) return fail("load", loaded.error());
    if (auto ready = board.wait_ready(10s); !ready) return fail("load", ready.error());
    show(board);
    // Removes what is seen of the list, and no more.
    auto write = board.field("cards").remove();
    if (auto done = write.wait(10s); !done) return fail("remove", done.error());
    if (auto selected = board.select({"cards[0:1]"}); !selected) return 1;
    if (auto ready = board.wait_ready(10s); !ready) return fail("select", ready.error());
    show(board);
    if (auto wrong = board.load({"cards[5:5]"}); wrong || wrong.error().code() != "bad_select")
        return 1;
    if (auto wrong = board.select({"a//b"}); wrong || wrong.error().code() != "bad_path") return 1;
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    auto client = tandem::Client::open({.url = argv[1], .outbox = argv[3], .name = "sdk-example"});
    if (!client) return fail("open", client.error());
    const std::string command = argv[4];
    if (command == "parts") return follow_parts(*client, argv[2]);
    tandem::Channel board = client->channel(argv[2]);
    if (command == "write") return write_all(board);
    if (command == "offline") return write_offline(board);
    if (command == "follow") return follow(*client, board);
    if (command == "sync") {
        if (auto ready = board.wait_ready(10s); !ready) return fail("ready", ready.error());
        auto last = board.field("note").set("synced");
        if (auto done = last.wait(10s); !done) return fail("sync", done.error());
        show(board);
        return 0;
    }
    return 2;
}
