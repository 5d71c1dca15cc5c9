#include <gtest/gtest.h>

#include <filesystem>

#include "oracle/scenario.hpp"
#include "product/hub_rig.hpp"

// The scenarios of tests/scenarios, played to the product: a hub, its codecs and a store. Each
// arrival is a message of a client's connection. What the hub shows in memory, what a follower of
// live frames holds and what a hub that starts anew on the same store loads must be the same.
namespace tandem {
namespace {

using hub::testing::Rig;
using oracle::json;

base::Value to_value(const json& value) {
    const auto parsed = base::parse_json(value.dump(), base::kLooseValueLimits);
    TANDEM_ASSERT(parsed.ok());
    return *parsed;
}
json as_json(const base::Value& value) { return json::parse(base::to_json(value)); }
json as_json(const record::Dot& dot) { return json::array({dot.actor, dot.counter}); }

class HubSubject final : public oracle::ScenarioSubject {
  public:
    /// A `disabled` resolver is `lww` in every schema.
    explicit HubSubject(hub::PlantedBug planted = hub::PlantedBug::none,
                        record::Resolver disabled = record::Resolver::keep)
        : disabled_(disabled) {
        config_.planted = planted;
        // The schema stands in the ops of a scenario, see `use_schema_of`.
        config_.namespaces["s"].name = "s";
        start(std::make_unique<Rig>(config_));
    }

    json push(const json& push, int64_t now_ms) override {
        rig_->now.wall_ms = static_cast<uint64_t>(now_ms);
        use_schema_of(push);
        const json answer = push.at("own").get<bool>() ? push_binary(push) : push_json(push);
        check_follower();
        return answer;
    }

    // The hub moves the floor by the length of the log; here it is moved at a chosen place, by the
    // entry that it would have written, and a new hub loads that.
    void move_floor(int64_t floor) override {
        const hub::Channel& channel = *rig_->hub->find_channel(kChannel);
        port::StoredEntry entry;
        entry.seq = channel.head() + 1;
        entry.own = false;
        entry.floor = static_cast<uint64_t>(floor);
        entry.check = hub::next_check(channel.check(), channel.epoch(), 0);
        port::AppendRequest append;
        append.channels.push_back({kChannel, {}, {entry}, {}});
        ASSERT_TRUE(rig_->store.memory.execute(append).ok());
        load();
        check_follower();
    }

    void restore(int64_t seq, const std::string& epoch) override {
        const auto reply = rig_->store.memory.execute(port::LoadRequest{kChannel});
        ASSERT_TRUE(reply.ok());
        const auto& loaded = std::get<port::Loaded>(*reply);
        auto fresh = std::make_unique<Rig>(config_);
        fresh->now = rig_->now;
        port::AppendRequest append;
        port::ChannelAppend copy{kChannel, {}, {}, {}};
        for (const port::EpochFork& fork : loaded.epochs) {
            // The memory store takes an epoch where its entries begin.
            append.channels = {copy};
            append.channels[0].new_epochs = {fork};
            ASSERT_TRUE(fresh->store.memory.execute(append).ok());
            uint64_t next = UINT64_MAX;
            for (const port::EpochFork& other : loaded.epochs)
                if (other.fork_seq > fork.fork_seq) next = std::min(next, other.fork_seq);
            append.channels = {copy};
            for (const port::StoredEntry& entry : loaded.entries)
                if (entry.seq > fork.fork_seq && entry.seq <= next &&
                    entry.seq <= static_cast<uint64_t>(seq))
                    append.channels[0].entries.push_back(entry);
            ASSERT_TRUE(fresh->store.memory.execute(append).ok());
        }
        append.channels = {copy};
        append.channels[0].new_epochs = {{epoch_of(epoch), static_cast<uint64_t>(seq)}};
        ASSERT_TRUE(fresh->store.memory.execute(append).ok());
        const wire::Subscribe cursor = cursor_of_follower();
        start(std::move(fresh), &cursor);
        check_follower();
    }

    json shown() const override { return as_json(document().shown({})); }
    json siblings(const std::string& path) const override {
        json out = json::array();
        for (const record::Sibling& sibling : document().siblings(hub::testing::path(path)))
            out.push_back({{"value", as_json(sibling.value)}, {"dot", actor_back(sibling.dot)}});
        return out;
    }
    json journal() const override {
        json out = json::array();
        for (const record::Row& row : document().journal(record::Document::Rows::all)) {
            out.push_back({{"path", record::to_text(row.path)},
                           {"reason", std::string(record::name_of(row.reason))},
                           {"dot", actor_back(row.dot)},
                           {"loser_seq", row.loser_seq},
                           {"value", as_json(row.value)},
                           {"seq", row.seq},
                           {"closed_seq", row.closed_seq}});
            if (row.decided_by != record::Dot{})
                out.back()["decided_by"] = actor_back(row.decided_by);
        }
        return out;
    }

  private:
    static constexpr const char* kChannel = "s:1";

    const record::Document& document() const {
        return rig_->hub->find_channel(kChannel)->document();
    }

    void start(std::unique_ptr<Rig> rig, const wire::Subscribe* cursor = nullptr) {
        rig_ = std::move(rig);
        load(cursor);
    }
    // A new hub on the store, with a follower that goes on from its cursor.
    void load(const wire::Subscribe* given = nullptr) {
        const wire::Subscribe cursor = given != nullptr ? *given : cursor_of_follower();
        rig_->restart();
        rig_->config.namespaces = config_.namespaces;
        binary_ = rig_->open();
        text_ = rig_->open(hub::Codec::json);
        reader_ = rig_->open();
        rig_->send(reader_, cursor);
        rig_->settle();
    }
    wire::Subscribe cursor_of_follower() const {
        wire::Subscribe cursor = hub::testing::subscribe(kChannel);
        cursor.has_after = follower_.epoch != 0;
        cursor.after = follower_.cursor;
        cursor.after_epoch = follower_.epoch;
        cursor.check = follower_.check;
        return cursor;
    }
    void check_follower() {
        for (const wire::ServerFrame& frame : rig_->frames(reader_))
            follower_.take(frame);
        EXPECT_EQ(as_json(follower_.view.shown({})), shown()) << "in the eyes of a follower";
        EXPECT_EQ(follower_.cursor, document().seq());
    }

    // What a schema says of a field stands with the ops; the server takes it from its schema alone.
    void use_schema_of(const json& push) {
        auto& fields = rig_->config.namespaces["s"].fields;
        fields.clear();
        for (const json& op : push.value("ops", json::array())) {
            if (!op.value("declared", false)) continue;
            hub::FieldRule rule;
            record::Path path = hub::testing::path(op["path"].get<std::string>());
            if (op["op"] == "insert") path.pop_back();
            for (const record::Segment& segment : path)
                rule.pattern.push_back(segment.is_item() ? "*" : segment.name);
            rule.kind = kind_of(op["op"]);
            rule.resolver = static_cast<record::Resolver>(op.value("resolver", 1));
            if (rule.resolver == disabled_) rule.resolver = record::Resolver::lww;
            fields.push_back(std::move(rule));
        }
    }
    static record::Kind kind_of(const std::string& op) {
        if (op == "assign") return record::Kind::map;
        if (op == "insert") return record::Kind::list;
        if (op == "add") return record::Kind::set;
        return op == "set" ? record::Kind::reg : record::Kind::counter;
    }

    // Outbox ids of the product begin above those of the scenarios; server actors are its one.
    uint64_t actor_of(uint64_t actor) const { return hub::kOutboxActorMin + actor; }
    json actor_back(const record::Dot& dot) const {
        if (dot.actor == hub::kHttpActor && server_actor_ != 0)
            return as_json(record::Dot{server_actor_, dot.counter});
        if (dot.actor < hub::kOutboxActorMin) return as_json(dot);
        return as_json(record::Dot{dot.actor - hub::kOutboxActorMin, dot.counter});
    }
    uint64_t epoch_of(const std::string& name) const {
        if (name == oracle::kFirstEpoch) return hub::testing::kEpoch;
        return 1'000 + std::hash<std::string>{}(name) % 1'000'000;
    }
    record::Cursor cursor_of(const json& base) const {
        if (base.is_number()) return {0, base.get<uint64_t>()};
        return {epoch_of(base.at("epoch")), base.at("seq").get<uint64_t>()};
    }

    json push_binary(const json& push) {
        wire::Push frame;
        frame.channel = kChannel;
        frame.actor = actor_of(push.at("actor").get<uint64_t>());
        frame.counter = push.at("counter").get<uint64_t>();
        frame.stamp_ms = push.at("stamp")[0].get<uint64_t>();
        frame.stamp_logical = push.at("stamp")[1].get<uint32_t>();
        frame.skip = push.value("skip", false);
        frame.if_unchanged = push.value("if_unchanged", std::vector<std::string>{});
        std::vector<record::Op> ops;
        for (json each : push.value("ops", json::array())) {
            record::Cursor base{0, rig_->head(kChannel)};
            if (push.contains("base")) base = cursor_of(push["base"]);
            if (each.contains("base")) base = cursor_of(each["base"]);
            each.erase("base");
            auto op = record::op_from_json(to_value(each));
            if (!op) {
                ADD_FAILURE() << each.dump();
                return {};
            }
            if (op->generation.actor != 0) op->generation.actor = actor_of(op->generation.actor);
            op->base = base;
            ops.push_back(std::move(*op));
        }
        record::encode_ops(frame.ops, ops, record::Form::pushed);
        if (frame.skip) frame.ops.clear();
        rig_->send(binary_, frame);
        for (const wire::ServerFrame& got : rig_->frames(binary_)) {
            if (const auto* ack = std::get_if<wire::Ack>(&got)) return answer_of(*ack, frame.skip);
            if (const auto* error = std::get_if<wire::ErrorFrame>(&got)) {
                json answer = {{"answer", "refused"}, {"code", error->code}};
                if (error->code == "counter_gap") answer["expected"] = error->acked_counter + 1;
                return answer;
            }
        }
        return {{"answer", "none"}};
    }

    json answer_of(const wire::Ack& ack, bool is_skip) const {
        if (is_skip) {
            const auto read =
                rig_->store.memory.execute(port::ReadRequest{kChannel, ack.seq - 1, ack.seq, 1, 0});
            const auto& entries = std::get<port::EntriesRead>(*read).entries;
            if (entries.empty() || entries[0].body.empty()) return {{"answer", "skipped"}};
        }
        if (ack.duplicate) return {{"answer", "duplicate"}, {"seq", ack.seq}};
        return {{"answer", "ack"},
                {"seq", ack.seq},
                {"counter", ack.counter},
                {"stamp", {ack.stamp_ms, ack.stamp_logical}}};
    }

    // A backend: no outbox, the server numbers its pushes.
    json push_json(const json& push) {
        server_actor_ = push.at("actor").get<uint64_t>();
        json frame = {{"channel", kChannel},
                      {"ops", push.at("ops")},
                      {"stamp_ms", push.at("stamp")[0]},
                      {"stamp_logical", push.at("stamp")[1]}};
        if (push.contains("base")) {
            const record::Cursor base = cursor_of(push["base"]);
            frame["base"] = base.seq;
            if (base.epoch != 0)
                frame["base"] = {{"epoch", std::to_string(base.epoch)}, {"seq", base.seq}};
        }
        if (push.contains("if_unchanged")) frame["if_unchanged"] = push["if_unchanged"];
        rig_->send(text_, json{{"push", frame}}.dump());
        for (const base::Value& got : rig_->values(text_)) {
            const json answer = as_json(got);
            if (answer.contains("ack")) return {{"answer", "ack"}, {"seq", answer["ack"]["seq"]}};
            if (answer.contains("error"))
                return {{"answer", "refused"}, {"code", answer["error"]["code"]}};
        }
        return {{"answer", "none"}};
    }

    record::Resolver disabled_;
    hub::Config config_;
    std::unique_ptr<Rig> rig_;
    hub::ConnectionId binary_ = 0;
    hub::ConnectionId text_ = 0;
    hub::ConnectionId reader_ = 0;
    uint64_t server_actor_ = 0;
    hub::testing::Follower follower_;
};

class ProductScenario : public testing::Test {
  public:
    explicit ProductScenario(std::string file) : file_(std::move(file)) {}
    void TestBody() override {
        HubSubject subject;
        const oracle::ScenarioResult result = oracle::play(oracle::read_json(file_), subject);
        EXPECT_FALSE(result.skipped);
        for (const std::string& failure : result.failures)
            ADD_FAILURE() << failure;
    }

  private:
    std::string file_;
};

TEST(ProductScenarios, AreAllThere) { EXPECT_GE(oracle::json_files(TANDEM_SCENARIOS).size(), 60u); }

// The scenarios are worth something only as long as a wrong server fails them.
TEST(ProductScenarios, SeeWhatAWrongServerDoes) {
    using hub::PlantedBug;
    for (const PlantedBug bug : {PlantedBug::future_clock, PlantedBug::no_dedup,
                                 PlantedBug::head_as_base, PlantedBug::eager_epoch}) {
        size_t failures = 0;
        for (const std::string& file : oracle::json_files(TANDEM_SCENARIOS)) {
            HubSubject subject(bug);
            failures += oracle::play(oracle::read_json(file), subject).failures.size();
        }
        EXPECT_GT(failures, 0u) << static_cast<int>(bug);
    }
}

TEST(ProductScenarios, MissEveryResolverThatIsDisabled) {
    using record::Resolver;
    for (const Resolver resolver :
         {Resolver::max, Resolver::min, Resolver::mean, Resolver::set_union, Resolver::text3,
          Resolver::manual, Resolver::agent}) {
        size_t failures = 0;
        for (const std::string& file : oracle::json_files(TANDEM_SCENARIOS)) {
            HubSubject subject(hub::PlantedBug::none, resolver);
            failures += oracle::play(oracle::read_json(file), subject).failures.size();
        }
        EXPECT_GT(failures, 0u) << record::name_of(resolver);
    }
}

// One test per file, so that a failing scenario is named by the report.
const bool kRegistered = [] {
    for (const std::string& file : oracle::json_files(TANDEM_SCENARIOS)) {
        const std::string name = std::filesystem::path(file).stem().string();
        testing::RegisterTest("ProductScenario", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                              [file]() -> ProductScenario* { return new ProductScenario(file); });
    }
    return true;
}();

}  // namespace
}  // namespace tandem
