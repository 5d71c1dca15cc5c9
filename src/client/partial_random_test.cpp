#include <random>
#include <set>

#include "client/test_client.hpp"

namespace tandem::client::testing {
namespace {

/// Two devices follow parts that change all the time, and write to what they see and to what they
/// do not, while a backend reorders lists, connections break and programs crash.
struct PartialHistory {
    explicit PartialHistory(uint64_t seed, PlantedBug planted = PlantedBug::none)
        : random(seed),
          device{TestClient(server, some_selection(), planted),
                 TestClient(server, some_selection(), planted)} {
        server.on_append = [this] { server.document.save(states.emplace_back()); };
    }
    PartialHistory(const PartialHistory&) = delete;

    uint64_t pick(uint64_t n) { return random() % n; }

    record::Selection some_selection() {
        static constexpr const char* kParts[] = {
            "title",  "m",       "m/x",   "l[0:1]",    "l[0:3]",      "l[1:3]", "l[2:5]",
            "l[4:6]", "l/@i2/t", "l/@i3", "l/@i1/t/u", "m/list[0:2]", "m/list", "n/deep",
        };
        if (pick(10) == 0) return {};
        std::vector<record::SelectedPart> parts;
        for (uint64_t count = 1 + pick(3); count > 0; --count)
            parts.push_back(*record::parse_selected(kParts[pick(std::size(kParts))]));
        return *record::Selection::make(parts);
    }

    record::Path some_path() {
        static constexpr const char* kPaths[] = {"title", "m",       "m/x", "m/list", "n/deep",
                                                 "n",     "n/other", "l",   "price"};
        if (pick(2) == 0) return path(kPaths[pick(std::size(kPaths))]);
        return path("l/@i" + std::to_string(pick(7)) + (pick(2) == 0 ? "" : "/t"));
    }

    record::Op some_op() {
        record::Op op;
        op.path = some_path();
        switch (pick(8)) {
            case 0:
                op.kind = record::OpKind::remove_node;
                break;
            case 1:
                op.kind = record::OpKind::assign;
                op.value = base::Value(base::Object{});
                if (pick(3) != 0) op.value.put("x", base::Value::integer(number()));
                if (pick(2) != 0)
                    op.value.put("list", base::Value(base::Object{{"y", base::Value(true)}}));
                break;
            case 2:
                op.kind = record::OpKind::move;
                op.path = path("l/@i" + std::to_string(pick(7)));
                op.position = position();
                break;
            case 3:
            case 4:
            case 5:
                op.kind = record::OpKind::insert;
                op.path = path((pick(4) == 0 ? "m/list/@i" : "l/@i") + std::to_string(pick(7)));
                op.position = position();
                if (pick(2) == 0)
                    op.value = base::Value(base::Object{{"t", base::Value::integer(number())}});
                break;
            default:
                op.value = base::Value::integer(number());
                break;
        }
        return op;
    }
    int64_t number() { return static_cast<int64_t>(pick(100)); }
    std::string position() { return "a" + std::to_string(10 + pick(50)); }

    void step() {
        size_t i = pick(2);
        TestClient& client = device[i];
        switch (pick(15)) {
            case 0:
            case 1:
                push(client, {some_op()});
                break;
            case 2: {
                // What an application does: it changes what it sees.
                const auto items = client->view(kChannel).items(path("l"));
                if (items.empty()) break;
                record::Op op;
                op.path = path("l/@" + items[pick(items.size())].id + "/t");
                op.value = base::Value::integer(number());
                push(client, {op});
                break;
            }
            case 3:
            case 4:
            case 5:
                server.write({some_op(), some_op()});
                break;
            case 6:
                client.send();
                break;
            case 7:
            case 8:
            case 9:
                client.take();
                break;
            case 10:
                client.dial();
                client.send();
                break;
            case 11:
                if (pick(3) == 0) client.cut();
                break;
            case 12:
                if (pick(3) == 0)
                    (void)client->load(client.now, kChannel, some_selection().parts());
                else
                    client->select(client.now, kChannel, some_selection());
                break;
            case 13:
                client.wait(50 + pick(3000));
                break;
            case 14:
                if (pick(3) != 0) break;
                client.save(pick(6));
                client.crash(some_selection());
                break;
        }
        check(client);
    }
    void push(TestClient& client, std::vector<record::Op> ops) {
        if (!client->push(client.now, kChannel, std::move(ops)).ok()) return;
        // A base says that the path was seen as it was then.
        const auto& made = client->pending(kChannel).back();
        for (const record::Op& op : made.ops) {
            if (op.base.seq == 0) continue;
            const record::Document then = state_at(op.base.seq);
            if (!(client->confirmed(kChannel).shown(op.path) == then.shown(op.path)))
                fail("a base names what was not seen: " + record::to_text(op.path));
        }
        if (pick(4) != 0) client.save();
    }
    record::Document state_at(uint64_t seq) {
        auto loaded = record::Document::load(states[seq]);
        TANDEM_ASSERT(loaded.ok());
        return *std::move(loaded);
    }
    static std::string name_of(const record::Row& row) {
        return record::to_text(row.path) + " " + std::string(record::name_of(row.reason)) + " " +
               std::to_string(row.dot.actor) + "." + std::to_string(row.dot.counter);
    }
    /// At every moment: the record at the cursor, by the selection in force; on top what is
    /// pending.
    void check(TestClient& client) {
        const uint64_t seq = client->cursor(kChannel).seq;
        if (seq == 0) return;
        const record::Document then = state_at(seq);
        const record::Selection& in_force = client->selection_in_force(kChannel);
        const record::View& confirmed = client->confirmed(kChannel);
        const std::string wanted = base::to_json(then.shown_part(in_force));
        const std::string shown = base::to_json(confirmed.shown({}));
        if (shown != wanted) fail("at #" + std::to_string(seq) + " " + shown + " not " + wanted);
        for (const record::SelectedPart& part : in_force.parts()) {
            const bool is_plain = part.has_window && !then.is_covered(in_force, part.path);
            if (is_plain && confirmed.window(part.path) != then.items(part.path).size())
                fail("counts " + std::to_string(confirmed.window(part.path)));
        }
        std::set<std::string> rows;
        for (const record::Row& row : then.journal(record::Document::Rows::open))
            if (then.is_covered(in_force, row.path)) rows.insert(name_of(row));
        std::set<std::string> known;
        for (const record::Row& row : confirmed.conflicts())
            known.insert(name_of(row));
        if (known != rows) fail("conflicts");
        if (client->is_ready(kChannel) && !(in_force == client->selection(kChannel)))
            fail("ready without what is wanted");
        record::View combined = confirmed;
        for (const Pending& push : client->pending(kChannel)) {
            if (push.is_doubtful) continue;
            for (const record::Op& op : push.ops)
                combined.apply_plain(op, {0, push.id});
        }
        if (base::to_json(combined.shown({})) != client.shown()) fail("pending");
    }
    void finish() {
        for (int round = 0; round < 40; ++round) {
            for (TestClient& client : device) {
                client.wait(500);
                client.dial();
                client.pump();
            }
        }
        for (TestClient& client : device) {
            check(client);
            if (!client->status(client.now, kChannel).synced) fail("not synced");
            if (client->cursor(kChannel).seq != server.document.seq()) fail("behind");
            if (!(client->selection_in_force(kChannel) == client->selection(kChannel)))
                fail("not selected");
        }
    }
    std::string run(int steps) {
        for (int i = 0; i < steps && wrong.empty(); ++i)
            step();
        if (wrong.empty()) finish();
        return wrong;
    }
    void fail(std::string what) {
        if (wrong.empty()) wrong = std::move(what);
    }

    std::mt19937_64 random;
    ModelServer server;
    std::array<TestClient, 2> device;
    std::vector<std::string> states{std::string()};
    std::string wrong;
};

TEST(PartialRandom, APartIsTheRecordAtTheCursorAsItIsSelected) {
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        PartialHistory history(seed);
        ASSERT_EQ(history.run(150), "") << "seed " << seed;
    }
}

/// A check that finds nothing when the rule is broken proves nothing.
TEST(PartialRandom, PlantedBugsAreFound) {
    for (PlantedBug planted : {PlantedBug::selection_not_kept, PlantedBug::uncovered_base}) {
        std::string found;
        for (uint64_t seed = 1; seed <= 100 && found.empty(); ++seed) {
            PartialHistory history(seed, planted);
            found = history.run(150);
        }
        EXPECT_NE(found, "") << "bug " << static_cast<int>(planted);
    }
}

}  // namespace
}  // namespace tandem::client::testing
