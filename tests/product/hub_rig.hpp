#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "hub/hub.hpp"
#include "record/view.hpp"
#include "store/memory/memory_store.hpp"

// What the tests of the hub share: a store that can be stopped and made to fail, a hub with time
// that stands still, and a client that decodes what it gets.
namespace tandem::hub::testing {

inline base::Value json(std::string_view text) {
    auto parsed = base::parse_json(text, base::kLooseValueLimits);
    TANDEM_ASSERT(parsed.ok());
    return *parsed;
}

inline record::Path path(std::string_view text) {
    auto parsed = record::parse_path(text);
    TANDEM_ASSERT(parsed.ok());
    return *parsed;
}

/// A memory store whose answers can be held back, and whose appends can fail for a while.
class TestStore final : public port::Store {
  public:
    explicit TestStore(uint64_t epoch) : memory(epoch) {}

    void submit(port::Ticket ticket, port::StoreRequest request) override {
        if (const auto* append = std::get_if<port::AppendRequest>(&request))
            appends.push_back(*append);
        if (std::holds_alternative<port::LoadRequest>(request)) ++loads;
        if (std::holds_alternative<port::SnapshotRequest>(request)) ++snapshots;
        queue_.push_back({ticket, std::move(request)});
    }
    void poll(std::vector<port::Completion>& out) override {
        while (!is_held && !queue_.empty()) {
            auto [ticket, request] = std::move(queue_.front());
            queue_.pop_front();
            out.push_back({ticket, run(request)});
            if (polls_one) return;
        }
    }
    bool failed() const override { return memory.failed(); }
    size_t waiting() const { return queue_.size(); }

    store::MemoryStore memory;
    bool is_held = false;
    bool polls_one = false;
    std::optional<base::Error> append_error;  ///< of the next append; nothing of it is written
    std::optional<base::Error> load_error;    ///< of the next load
    std::vector<port::AppendRequest> appends;
    size_t loads = 0;
    size_t snapshots = 0;

  private:
    base::Result<port::StoreReply> run(const port::StoreRequest& request) {
        auto& error = std::holds_alternative<port::AppendRequest>(request) ? append_error
                      : std::holds_alternative<port::LoadRequest>(request) ? load_error
                                                                           : nothing_;
        if (error) return *std::exchange(error, std::nullopt);
        return memory.execute(request);
    }
    std::deque<std::pair<port::Ticket, port::StoreRequest>> queue_;
    std::optional<base::Error> nothing_;
};

class TestEntropy final : public port::Entropy {
  public:
    uint64_t next() override {
        return state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    }

  private:
    uint64_t state_ = 7;
};

inline constexpr uint64_t kEpoch = 77;
inline constexpr size_t kPlenty = SIZE_MAX / 2;
/// Ids of outboxes in tests begin here.
inline constexpr uint64_t kAnn = kOutboxActorMin + 11;
inline constexpr uint64_t kBob = kOutboxActorMin + 12;

inline Config test_config() {
    Config config;
    Namespace free;
    free.name = "t";
    config.namespaces["t"] = free;
    Namespace typed;
    typed.name = "typed";
    for (const auto& [pattern, type] : std::map<std::string, std::string>{{"title", "string"},
                                                                          {"votes", "counter"},
                                                                          {"tags", "set"},
                                                                          {"cards", "list"},
                                                                          {"extra", "json"}})
        typed.fields.push_back(*make_rule(pattern, type, ""));
    config.namespaces["typed"] = typed;
    return config;
}

/// A hub over a store in memory. Nothing happens but by its calls.
struct Rig {
    Rig() : Rig(test_config()) {}
    explicit Rig(Config settings) : config(std::move(settings)), store(kEpoch) { restart(); }

    void restart() { hub = std::make_unique<Hub>(config, store, entropy); }
    /// Whether connections are held to the rate of pushes.
    bool are_counted = false;
    ConnectionId open(Codec codec = Codec::binary, std::string subject = "anonymous") {
        ConnectionInfo info;
        info.is_counted = are_counted;
        info.codec = codec;
        info.subject = std::move(subject);
        hub->open(now, ++last_id, info);
        codecs[last_id] = codec;
        return last_id;
    }
    void send(ConnectionId id, const wire::ClientFrame& frame) {
        std::string bytes;
        if (codecs[id] == Codec::binary)
            wire::encode_binary(bytes, frame);
        else
            wire::encode_json(bytes, frame);
        hub->handle_bytes(now, id, bytes);
    }
    void send(ConnectionId id, std::string_view text) { hub->handle_bytes(now, id, text); }
    /// One turn of an event loop: the store's answers, then the flush.
    void turn() {
        hub->handle_store(now);
        hub->flush(now);
    }
    /// Turns until nothing more comes of it.
    void settle() {
        hub->flush(now);
        for (int i = 0; i < 1000 && !store.is_held && (store.waiting() > 0 || !hub->is_idle()); ++i)
            turn();
    }
    void pass(uint64_t ms) {
        now.mono_ms += ms;
        now.wall_ms += ms;
        hub->handle_timeout(now);
        settle();
    }
    std::vector<FramePtr> take(ConnectionId id, size_t budget = kPlenty) {
        std::vector<FramePtr> frames;
        hub->poll_transmit(now, id, budget, frames);
        return frames;
    }
    /// Everything for a binary connection, the store included.
    std::vector<wire::ServerFrame> frames(ConnectionId id) {
        settle();
        std::vector<wire::ServerFrame> out;
        for (;;) {
            const auto messages = take(id);
            if (messages.empty() && store.waiting() == 0) return out;
            for (const FramePtr& message : messages)
                EXPECT_TRUE(wire::decode_binary(message->payload, out).ok());
            settle();
            if (store.is_held) return out;
        }
    }
    /// The same for a JSON connection.
    std::vector<base::Value> values(ConnectionId id) {
        settle();
        std::vector<base::Value> out;
        for (;;) {
            const auto messages = take(id);
            if (messages.empty() && store.waiting() == 0) return out;
            for (const FramePtr& message : messages)
                out.push_back(json(message->payload));
            settle();
            if (store.is_held) return out;
        }
    }
    template <class T>
    std::vector<T> all(ConnectionId id) {
        std::vector<T> out;
        for (wire::ServerFrame& frame : frames(id))
            if (auto* wanted = std::get_if<T>(&frame)) out.push_back(std::move(*wanted));
        return out;
    }
    template <class T>
    T only(ConnectionId id) {
        auto found = all<T>(id);
        EXPECT_EQ(found.size(), 1u);
        return found.empty() ? T{} : found.front();
    }
    /// The code of the only error, or nothing.
    std::string error(ConnectionId id) {
        const auto errors = all<wire::ErrorFrame>(id);
        return errors.empty() ? std::string() : errors.back().code;
    }
    Reply reply() {
        settle();
        Reply out;
        EXPECT_TRUE(hub->poll_reply(out));
        return out;
    }
    std::string shown(const std::string& channel) const {
        const Channel* found = hub->find_channel(channel);
        return found == nullptr ? "-" : base::to_json(found->document().shown({}));
    }
    uint64_t head(const std::string& channel) const {
        const Channel* found = hub->find_channel(channel);
        return found == nullptr ? 0 : found->head();
    }

    Config config;
    TestStore store;
    TestEntropy entropy;
    Now now{1'000, 1'000'000};
    std::unique_ptr<Hub> hub;
    std::map<ConnectionId, Codec> codecs;
    ConnectionId last_id = 0;
};

/// A push of ops in their JSON form, all of them made on `base`.
inline wire::Push push(const std::string& channel, uint64_t actor, uint64_t counter,
                       std::string_view ops, uint64_t base = 0, uint64_t epoch = 0) {
    wire::Push out;
    out.channel = channel;
    out.actor = actor;
    out.counter = counter;
    std::vector<record::Op> list;
    const base::Value parsed = json(ops);
    for (const base::Value& each : parsed.as_array()) {
        auto op = record::op_from_json(each);
        TANDEM_ASSERT(op.ok());
        if (each.find("base") == nullptr) op->base = {epoch, base};
        list.push_back(std::move(*op));
    }
    record::encode_ops(out.ops, list, record::Form::pushed);
    return out;
}

inline wire::Push set(const std::string& channel, uint64_t actor, uint64_t counter,
                      const std::string& at, const std::string& value, uint64_t base = 0) {
    return push(channel, actor, counter,
                "[{\"op\":\"set\",\"path\":\"" + at + "\",\"value\":" + value + "}]", base);
}

inline wire::Subscribe subscribe(const std::string& channel, uint64_t actor = 0) {
    wire::Subscribe out;
    out.channel = channel;
    out.actor = actor;
    return out;
}

/// One channel as a client that speaks the binary protocol holds it.
class Follower : public record::PathLookup {
  public:
    const record::Path* path_at(uint32_t slot) const override {
        const auto found = paths_.find(slot);
        return found == paths_.end() ? nullptr : &found->second;
    }

    void take(const wire::ServerFrame& frame) {
        if (const auto* answer = std::get_if<wire::Subscribed>(&frame)) handle = answer->handle;
        if (const auto* delivery = std::get_if<wire::Delivery>(&frame)) take(*delivery);
    }
    void take(const std::vector<FramePtr>& messages) {
        for (const FramePtr& message : messages) {
            std::vector<wire::ServerFrame> frames;
            ASSERT_TRUE(wire::decode_binary(message->payload, frames).ok());
            for (const wire::ServerFrame& frame : frames)
                take(frame);
        }
    }
    void take(const wire::Delivery& delivery) {
        ASSERT_EQ(delivery.handle, handle);
        const bool is_live = delivery.kind == wire::DeliveryKind::live;
        if (!is_live && !is_chunked_) {
            paths_.clear();
            actors_.clear();
        }
        for (const wire::SlotDef& def : delivery.defs) {
            paths_.erase(def.slot);
            actors_.erase(def.slot);
            if (def.actor != 0) {
                actors_[def.slot] = def.actor;
                continue;
            }
            const auto at = record::decode_path_below(def.path);
            ASSERT_TRUE(at.ok());
            paths_[def.slot] = *at;
        }
        if (!is_live && !is_chunked_) confirmed_ = view;
        if (delivery.kind == wire::DeliveryKind::snapshot && !is_chunked_) {
            view.clear();
            ++snapshots;
            if (delivery.reset) ++resets;
        } else if (is_live) {
            ++lives;
            ASSERT_EQ(cursor, delivery.to - 1) << "a gap";
            if (delivery.actor_slot != 0) {
                ASSERT_TRUE(actors_.contains(delivery.actor_slot)) << "an unknown actor slot";
                writers.push_back(actors_[delivery.actor_slot]);
            } else {
                writers.push_back(delivery.actor);
            }
        } else if (!is_chunked_) {
            ++diffs;
            ASSERT_LE(delivery.from, cursor);
        }
        const auto changes = record::decode_changes(delivery.changes, this);
        ASSERT_TRUE(changes.ok()) << "changes that this reader cannot decode";
        for (const record::Change& change : *changes)
            view.apply(change);
        acked_ = std::max(is_chunked_ ? acked_ : 0, delivery.acked_counter);
        is_chunked_ = delivery.more;
        if (delivery.more) return;
        cursor = delivery.to;
        check = delivery.check;
        if (!is_live) {
            epoch = delivery.epoch;
            acked = acked_;
        }
    }
    /// The connection is gone in the middle of a catch-up, of which nothing counts.
    void forget_chunks() {
        if (!is_chunked_) return;
        is_chunked_ = false;
        view = confirmed_;
    }
    std::string shown() const { return base::to_json(view.shown({})); }

    record::View view;
    uint32_t handle = 0;
    uint64_t cursor = 0;
    uint64_t epoch = 0;
    uint64_t acked = 0;
    uint32_t check = 0;
    std::vector<uint64_t> writers;
    size_t lives = 0;
    size_t diffs = 0;
    size_t snapshots = 0;
    size_t resets = 0;

  private:
    std::map<uint32_t, record::Path> paths_;
    std::map<uint32_t, uint64_t> actors_;
    bool is_chunked_ = false;
    uint64_t acked_ = 0;      ///< the highest that the chunks have told
    record::View confirmed_;  ///< before the catch-up whose chunks are coming
};

}  // namespace tandem::hub::testing
