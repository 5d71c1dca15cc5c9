#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "record/document.hpp"
#include "record/window_state.hpp"
#include "wire/frames.hpp"

namespace tandem::client::testing {

/// A server of one channel, small enough to be seen to be right: the rules of docs/protocol.md over
/// a record::Document, with slots that are redefined all the time and diffs in chunks of one
/// change. For tests only. Everything it sends waits in a connection's queue.
class ModelServer {
  public:
    using Refuse = std::function<std::optional<wire::ErrorFrame>(const wire::Push&)>;

    struct Written {
        record::Entry entry;
        std::string body;
        bool skip = false;
    };

    std::vector<Written> log;
    record::Document document;
    uint64_t epoch = 1000;
    Refuse refuse;
    uint64_t now_ms = 5000;
    std::vector<wire::ClientFrame> received;

    size_t connect() {
        connections_.emplace_back();
        connections_.back().is_open = true;
        return connections_.size() - 1;
    }
    void disconnect(size_t id) { connections_[id] = {}; }
    bool is_open(size_t id) const { return connections_[id].is_open; }
    std::deque<std::string>& queue(size_t id) { return connections_[id].queue; }

    void receive(size_t id, std::string_view message) {
        std::vector<wire::ClientFrame> frames;
        TANDEM_ASSERT(wire::decode_binary(message, frames).ok());
        for (auto& frame : frames) {
            received.push_back(frame);
            if (auto* hello = std::get_if<wire::Hello>(&frame)) greet(id, *hello);
            if (auto* subscribe = std::get_if<wire::Subscribe>(&frame)) answer(id, *subscribe);
            if (std::get_if<wire::Unsubscribe>(&frame)) connections_[id].is_subscribed = false;
            if (auto* push = std::get_if<wire::Push>(&frame)) take(id, *push);
            if (auto* ping = std::get_if<wire::Ping>(&frame))
                send(id, wire::Pong{ping->time_ms, now_ms});
        }
    }

    /// A backend's write that has seen everything.
    void write(std::vector<record::Op> ops) {
        record::Entry entry;
        entry.actor = 3;
        entry.counter = ++backend_counter_;
        entry.own = false;
        for (auto& op : ops)
            op.seen_seq = document.seq();
        entry.ops = std::move(ops);
        append(std::move(entry), {}, false);
    }
    /// A restored backup: everything after `seq` is gone, under a new epoch or under the same.
    void restore(uint64_t seq, bool has_new_epoch) {
        if (has_new_epoch) {
            for (auto& [former, fork] : forks_)
                fork = std::min(fork, seq);
            forks_[epoch] = seq;
            ++epoch;
        }
        auto kept = std::move(log);
        kept.resize(seq);
        log.clear();
        document = {};
        for (auto& connection : connections_)
            connection.is_subscribed = false;
        for (auto& written : kept) {
            document.apply(written.entry);
            log.push_back(std::move(written));
        }
    }
    uint64_t acked_counter(uint64_t actor) const {
        uint64_t count = 0;
        for (const auto& written : log)
            count += written.entry.actor == actor ? 1 : 0;
        return count;
    }
    void send(size_t id, const wire::ServerFrame& frame) {
        if (!connections_[id].is_open) return;
        std::string message;
        wire::encode_binary(message, frame);
        connections_[id].queue.push_back(std::move(message));
    }
    uint64_t actors_given() const { return next_actor_ - 100; }

  private:
    /// Eight slots that move on with every new path.
    class Slots : public record::PathTable {
      public:
        uint32_t slot_of(const record::Path& path) override {
            if (auto found = slots_.find(path); found != slots_.end()) {
                used_.insert(found->second);
                return found->second;
            }
            // Definitions come before all changes of their frame.
            hand_ = hand_ % 8 + 1;
            if (!used_.insert(hand_).second) return 0;
            std::erase_if(slots_, [&](const auto& entry) { return entry.second == hand_; });
            slots_[path] = hand_;
            wire::SlotDef def;
            def.slot = hand_;
            record::encode_path(def.path, path);
            defs.push_back(std::move(def));
            return hand_;
        }
        void clear() { slots_.clear(); }
        void begin_frame() {
            defs.clear();
            used_.clear();
        }
        std::vector<wire::SlotDef> defs;

      private:
        std::map<record::Path, uint32_t> slots_;
        std::set<uint32_t> used_;  ///< by this frame
        uint32_t hand_ = 0;
    };
    struct Connection {
        bool is_open = false;
        bool is_subscribed = false;
        std::unique_ptr<record::WindowState> windows;
        std::string channel;
        Slots slots;
        std::deque<std::string> queue;
    };

    uint32_t check_at(uint64_t seq) const {
        uint32_t check = 17;
        for (uint64_t i = 0; i < seq; ++i)
            for (char c : log[i].body + std::to_string(log[i].entry.actor))
                check = check * 31 + static_cast<uint8_t>(c);
        return check | 1;
    }
    void greet(size_t id, const wire::Hello& hello) {
        wire::Welcome welcome;
        if (hello.want_actor) welcome.actor = next_actor_++;
        welcome.time_ms = now_ms;
        welcome.heartbeat_ms = 1000;
        welcome.message_bytes_max = 65536;
        send(id, welcome);
    }
    static record::Selection read(const std::vector<wire::Selection>& parts) {
        std::vector<record::SelectedPart> out;
        for (const wire::Selection& part : parts) {
            auto path = record::decode_path(part.path);
            TANDEM_ASSERT(path.ok());
            out.push_back({*path, part.to != 0, {part.from, part.to}});
        }
        auto selection = record::Selection::make(out);
        TANDEM_ASSERT(selection.ok());
        return *selection;
    }
    void answer(size_t id, const wire::Subscribe& frame) {
        Connection& connection = connections_[id];
        const record::Selection select = read(frame.select);
        const record::Selection held = frame.held.empty() ? select : read(frame.held);
        if (refuse_select && refuse_select(select)) {
            wire::ErrorFrame error;
            error.channel = frame.channel;
            error.code = "bad_select";
            return send(id, error);
        }
        uint64_t head = document.seq();
        wire::Subscribed answer{frame.channel,       7, epoch, head, acked_counter(frame.actor),
                                frame.select_version};
        send(id, answer);
        connection.windows = std::make_unique<record::WindowState>(select);
        connection.windows->reset(document);
        connection.is_subscribed = true;
        connection.channel = frame.channel;
        bool is_prefix = false;
        if (frame.has_after) {
            uint64_t limit = head;
            if (frame.after_epoch != epoch) {
                auto fork = forks_.find(frame.after_epoch);
                limit = fork == forks_.end() ? 0 : std::min(head, fork->second);
            }
            is_prefix =
                frame.after <= limit && (frame.check == 0 || frame.check == check_at(frame.after));
            is_prefix = is_prefix && answer.acked_counter >= frame.known_counter;
        }
        wire::Delivery delivery;
        delivery.handle = 7;
        delivery.kind = is_prefix ? wire::DeliveryKind::diff : wire::DeliveryKind::snapshot;
        delivery.reset = frame.has_after && !is_prefix;
        delivery.from = is_prefix ? frame.after : 0;
        delivery.to = head;
        delivery.epoch = epoch;
        delivery.check = check_at(head);
        delivery.acked_counter = answer.acked_counter;
        delivery.installs = frame.select_version != 0;
        auto changes = document.changes(delivery.from, held, select);
        connection.slots.clear();
        for (size_t i = 0; i + 1 < changes.size(); ++i) {
            wire::Delivery chunk = delivery;
            chunk.more = true;
            fill(connection, chunk, {changes[i]});
            send(id, chunk);
        }
        fill(connection, delivery, changes.empty() ? changes : std::vector{changes.back()});
        send(id, delivery);
    }
    static void fill(Connection& connection, wire::Delivery& delivery,
                     const std::vector<record::Change>& changes) {
        connection.slots.begin_frame();
        record::encode_changes(delivery.changes, changes, &connection.slots);
        delivery.defs = connection.slots.defs;
    }
    void take(size_t id, const wire::Push& push) {
        wire::ErrorFrame error;
        error.channel = push.channel;
        error.actor = push.actor;
        error.counter = push.counter;
        error.ref = push.ref;
        uint64_t acked = acked_counter(push.actor);
        wire::Ack ack{push.channel, push.actor, push.counter, 0, false, 0, 0, push.ref, epoch, {}};
        if (push.counter <= acked) {
            uint64_t nth = 0;
            for (const auto& written : log) {
                if (written.entry.actor != push.actor || ++nth != push.counter) continue;
                if (!written.skip && !push.skip && written.body != push.ops) {
                    error.code = "actor_forked";
                    return send(id, error);
                }
                ack.seq = written.entry.seq;
            }
            ack.duplicate = true;
            return send(id, ack);
        }
        if (push.counter > acked + 1) {
            error.code = "counter_gap";
            error.temporary = true;
            error.acked_counter = acked;
            return send(id, error);
        }
        if (refuse && !push.skip) {
            if (auto refusal = refuse(push)) {
                error.code = refusal->code;
                error.temporary = refusal->temporary;
                error.retry_after_ms = refusal->retry_after_ms;
                return send(id, error);
            }
        }
        record::Entry entry;
        entry.actor = push.actor;
        entry.counter = push.counter;
        entry.own = true;
        entry.stamp = {std::min(push.stamp_ms, now_ms), push.stamp_logical, push.actor};
        auto ops = record::decode_ops(push.ops, record::Form::pushed);
        TANDEM_ASSERT(ops.ok());
        for (auto& op : *ops) {
            if (op.generation.actor == 0 && op.generation.counter != 0)
                op.generation.actor = push.actor;
            op.seen_seq = op.base.seq;
            if (op.base.epoch != epoch) {
                auto fork = forks_.find(op.base.epoch);
                op.seen_seq = fork == forks_.end() ? 0 : std::min(op.base.seq, fork->second);
            }
        }
        entry.ops = *std::move(ops);
        ack.seq = document.seq() + 1;
        if (acks_first) send(id, ack);
        append(std::move(entry), push.ops, push.skip);
        if (!acks_first) send(id, ack);
    }
    void append(record::Entry entry, std::string body, bool skip) {
        entry.seq = document.seq() + 1;
        document.apply(entry);
        log.push_back({entry, std::move(body), skip});
        if (on_append) on_append();
        for (size_t id = 0; id < connections_.size(); ++id) {
            Connection& connection = connections_[id];
            if (!connection.is_subscribed) continue;
            wire::Delivery live;
            live.handle = 7;
            live.from = entry.seq - 1;
            live.to = entry.seq;
            live.check = check_at(entry.seq);
            live.actor = entry.actor;
            live.counter = entry.counter;
            fill(connection, live, connection.windows->advance(document));
            send(id, live);
        }
    }

    std::deque<Connection> connections_;
    std::map<uint64_t, uint64_t> forks_;
    uint64_t next_actor_ = 100;
    uint64_t backend_counter_ = 0;

  public:
    bool acks_first = true;
    std::function<bool(const record::Selection&)> refuse_select;
    std::function<void()> on_append;
};

}  // namespace tandem::client::testing
