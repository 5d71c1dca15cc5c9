#include <random>

#include "client/test_client.hpp"

namespace tandem::client::testing {
namespace {

/// Two devices and a backend write while connections break, messages wait and programs crash. The
/// counters "n0" and "n1" are each written by one device alone, so what a device shows there must
/// at every moment be what it has added itself.
struct History {
    explicit History(uint64_t seed, PlantedBug planted = PlantedBug::none)
        : random(seed),
          device{TestClient(server, Persistence::confirmed, planted),
                 TestClient(server, Persistence::confirmed, planted)} {}

    uint64_t pick(uint64_t n) { return random() % n; }

    void step() {
        size_t i = pick(2);
        TestClient& client = device[i];
        switch (pick(14)) {
            case 0:
            case 1:
            case 2: {
                int64_t n = static_cast<int64_t>(pick(5)) + 1;
                if (client.inc("n" + std::to_string(i), n).ok()) total[i] += n;
                // What is not on the disk yet may be lost by a crash; it was never promised.
                client.save();
                break;
            }
            case 3: {
                auto edit = client->edit(kChannel);
                edit.insert(path("list"), pick(2) ? Place::first() : Place::last(), base::Value());
                (void)client->push(client.now, kChannel, edit.take());
                client.save();
                break;
            }
            case 4:
                (void)client.set("title", std::to_string(pick(100)));
                client.save();
                break;
            case 5:
                client.send();
                break;
            case 6:
            case 7:
            case 8:
                client.take();
                break;
            case 9:
                client.dial();
                client.send();
                break;
            case 10:
                if (pick(3) == 0) client.cut();
                break;
            case 11:
                if (pick(4) == 0) {
                    client.save(pick(3));
                    client.crash();
                    has_view[i] = false;
                }
                break;
            case 12: {
                record::Op op;
                op.path = path("backend/" + std::to_string(pick(5)));
                op.value = base::Value::integer(static_cast<int64_t>(pick(100)));
                server.write({op});
                break;
            }
            case 13:
                client.wait(50 + pick(3000));
                break;
        }
        check(i);
    }
    void check(size_t i) {
        // Until the first delivery after a crash only the pending part is known.
        has_view[i] = has_view[i] || device[i]->is_ready(kChannel);
        if (has_view[i] && device[i].counter("n" + std::to_string(i)) != total[i]) ++violations;
    }
    void finish() {
        for (int round = 0; round < 60; ++round) {
            for (auto& client : device) {
                client.wait(500);
                client.dial();
                client.pump();
            }
        }
        for (size_t i = 0; i < 2; ++i) {
            check(i);
            if (!device[i]->status(device[i].now, kChannel).synced) ++violations;
            if (device[i].shown() != base::to_json(server.document.shown({}))) ++violations;
            if (server.document.counter(path("n" + std::to_string(i))).value != total[i])
                ++violations;
        }
    }
    uint64_t run(int steps) {
        for (int i = 0; i < steps; ++i)
            step();
        finish();
        return violations;
    }

    std::mt19937_64 random;
    ModelServer server;
    std::array<TestClient, 2> device;
    int64_t total[2] = {0, 0};
    bool has_view[2] = {false, false};
    uint64_t violations = 0;
};

TEST(SessionRandom, EveryIncrementShowsExactlyOnceAtEveryMoment) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        History history(seed);
        ASSERT_EQ(history.run(150), 0u) << "seed " << seed;
    }
}

TEST(SessionRandom, TemporaryRefusalsOnlyDelay) {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        History history(seed);
        uint64_t calls = 0;
        history.server.refuse = [&](const wire::Push&) -> std::optional<wire::ErrorFrame> {
            if (++calls % 3 != 0) return std::nullopt;
            wire::ErrorFrame error;
            error.code = "overloaded";
            error.temporary = true;
            error.retry_after_ms = 100;
            return error;
        };
        ASSERT_EQ(history.run(120), 0u) << "seed " << seed;
    }
}

std::optional<wire::ErrorFrame> forbid_titles(const wire::Push& push) {
    auto ops = record::decode_ops(push.ops, record::Form::pushed);
    bool is_title = ops.ok() && ops->at(0).kind == record::OpKind::set;
    if (!is_title) return std::nullopt;
    wire::ErrorFrame error;
    error.code = "forbidden";
    return error;
}

/// What is refused for good is taken out of the view, and nothing else.
TEST(SessionRandom, FinalRefusalsLoseNothingElse) {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        History history(seed);
        history.server.refuse = forbid_titles;
        ASSERT_EQ(history.run(120), 0u) << "seed " << seed;
        ASSERT_FALSE(history.server.document.exists(path("title")));
    }
}

/// A check that finds nothing when the rule is broken proves nothing.
TEST(SessionRandom, PlantedBugsAreFound) {
    for (PlantedBug planted :
         {PlantedBug::pending_dropped_at_ack, PlantedBug::acked_counter_ignored,
          PlantedBug::offset_not_advanced}) {
        uint64_t found = 0;
        for (uint64_t seed = 1; seed <= 100 && found == 0; ++seed) {
            History history(seed, planted);
            history.server.refuse = forbid_titles;
            found = history.run(150);
        }
        EXPECT_GT(found, 0u) << "bug " << static_cast<int>(planted);
    }
}

}  // namespace
}  // namespace tandem::client::testing
