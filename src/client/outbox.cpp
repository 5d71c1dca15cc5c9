#include "client/outbox.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "record/op.hpp"

namespace tandem::client {
namespace {

constexpr uint8_t kOutboxVersion = 1;
constexpr size_t kRecordBytesMax = base::kMessageBytesCeiling;
constexpr size_t kLineagesMax = 64;

}  // namespace

Pending* Outbox::find(PushId id) {
    auto found = std::lower_bound(pending_.begin(), pending_.end(), id,
                                  [](const Pending& p, PushId wanted) { return p.id < wanted; });
    return found != pending_.end() && found->id == id ? &*found : nullptr;
}

PushId Outbox::add(Pending push) {
    push.id = next_id_++;
    pending_.push_back(std::move(push));
    return pending_.back().id;
}

PushId Outbox::id_of(uint64_t counter) const {
    int64_t id = static_cast<int64_t>(counter) + offset_;
    return id < 0 ? 0 : static_cast<PushId>(id);
}

void Outbox::note_acked(uint64_t counter) { acked_counter_ = std::max(acked_counter_, counter); }

void Outbox::continue_after(uint64_t counter) {
    if (!pending_.empty()) return;
    offset_ = static_cast<int64_t>(next_id_) - static_cast<int64_t>(counter) - 1;
}

void Outbox::reissue(PushId first) {
    if (pending_.empty()) {
        former_.clear();
    } else {
        former_.push_back({actor_, offset_, first - 1});
        if (former_.size() > kLineagesMax) former_.erase(former_.begin());
    }
    actor_ = 0;
    acked_counter_ = 0;
    offset_ = static_cast<int64_t>(first) - 1;
    for (Pending& push : pending_) {
        if (push.id < first) continue;
        push.is_acked = false;
        push.is_doubtful = false;
        push.was_sent = false;
        push.seq = 0;
    }
}

void Outbox::give_back_number(PushId id) {
    ++offset_;
    // The ids below keep their counters only by not being pending any more.
    std::erase_if(pending_, [&](const Pending& p) { return p.id <= id; });
}

record::Dot Outbox::dot_on_wire(record::Dot generation) const {
    if (generation.actor != 0 || generation.counter == 0) return generation;
    PushId id = generation.counter;
    if (static_cast<int64_t>(id) > offset_) return {0, counter_of(id)};
    for (const Lineage& lineage : former_) {
        if (id > lineage.last || static_cast<int64_t>(id) <= lineage.offset) continue;
        return {lineage.actor, static_cast<uint64_t>(static_cast<int64_t>(id) - lineage.offset)};
    }
    return {0, 0};
}

wire::Push Outbox::to_frame(const Pending& push) const {
    wire::Push frame;
    frame.actor = actor_;
    frame.counter = counter_of(push.id);
    frame.skip = push.is_skip;
    if (push.is_skip) return frame;
    frame.stamp_ms = push.stamp_ms;
    frame.stamp_logical = push.stamp_logical;
    frame.if_unchanged = push.if_unchanged;
    bool has_own_generation =
        std::any_of(push.ops.begin(), push.ops.end(), [](const record::Op& op) {
            return op.generation.actor == 0 && op.generation.counter != 0;
        });
    if (!has_own_generation) {
        record::encode_ops(frame.ops, push.ops, record::Form::pushed);
        return frame;
    }
    auto ops = push.ops;
    for (record::Op& op : ops)
        op.generation = dot_on_wire(op.generation);
    record::encode_ops(frame.ops, ops, record::Form::pushed);
    return frame;
}

std::string Outbox::state_bytes() const {
    std::string out;
    base::Writer w(out);
    w.u8(kOutboxVersion);
    w.varint(actor_);
    w.zigzag(offset_);
    w.varint(next_id_);
    w.varint(acked_counter_);
    w.fixed64(epoch_);
    w.varint(former_.size());
    for (const Lineage& lineage : former_) {
        w.varint(lineage.actor);
        w.zigzag(lineage.offset);
        w.varint(lineage.last);
    }
    return out;
}

std::string Outbox::push_bytes(const Pending& push) {
    std::string out;
    base::Writer w(out);
    w.u8(kOutboxVersion);
    w.u8(push.is_skip ? 1 : 0);
    w.varint(push.stamp_ms);
    w.varint(push.stamp_logical);
    w.varint(push.if_unchanged.size());
    for (const std::string& path : push.if_unchanged)
        w.sized(path);
    record::encode_ops(out, push.ops, record::Form::pushed);
    return out;
}

base::Result<void> Outbox::restore_state(std::string_view bytes) {
    base::Reader r(bytes);
    TANDEM_TRY(uint8_t version, r.u8());
    if (version != kOutboxVersion) return base::ErrorCode::unsupported_version;
    TANDEM_TRY(actor_, r.varint_max(base::kActorMax));
    TANDEM_TRY(offset_, r.zigzag());
    TANDEM_TRY(next_id_, r.varint_max(base::kActorMax));
    TANDEM_TRY(acked_counter_, r.varint());
    TANDEM_TRY(epoch_, r.fixed64());
    TANDEM_TRY(uint64_t lineages, r.varint_max(kLineagesMax));
    former_.clear();
    for (uint64_t i = 0; i < lineages; ++i) {
        Lineage lineage;
        TANDEM_TRY(lineage.actor, r.varint_max(base::kActorMax));
        TANDEM_TRY(lineage.offset, r.zigzag());
        TANDEM_TRY(lineage.last, r.varint());
        former_.push_back(lineage);
    }
    return r.expect_end();
}

base::Result<void> Outbox::restore_push(PushId id, std::string_view bytes) {
    base::Reader r(bytes);
    Pending push;
    push.id = id;
    TANDEM_TRY(uint8_t version, r.u8());
    if (version != kOutboxVersion) return base::ErrorCode::unsupported_version;
    TANDEM_TRY(uint8_t flags, r.u8());
    push.is_skip = (flags & 1) != 0;
    TANDEM_TRY(push.stamp_ms, r.varint());
    TANDEM_TRY(push.stamp_logical, r.varint32());
    TANDEM_TRY(uint64_t paths, r.varint_max(base::kOpsPerPushMax));
    for (uint64_t i = 0; i < paths; ++i) {
        TANDEM_TRY(auto path, r.sized(kRecordBytesMax));
        push.if_unchanged.emplace_back(path);
    }
    TANDEM_TRY(push.ops, record::decode_ops(r.rest(), record::Form::pushed));
    pending_.push_back(std::move(push));
    return {};
}

void Outbox::finish_restore(std::vector<PushId>& settled) {
    std::sort(pending_.begin(), pending_.end(),
              [](const Pending& a, const Pending& b) { return a.id < b.id; });
    if (!pending_.empty()) next_id_ = std::max(next_id_, pending_.back().id + 1);
    next_id_ = std::max(next_id_, id_of(acked_counter_) + 1);
    std::vector<PushId> gone;
    std::erase_if(pending_, [&](const Pending& push) {
        bool is_done = static_cast<int64_t>(push.id) <= offset_ ||
                       std::find(settled.begin(), settled.end(), push.id) != settled.end();
        if (is_done) gone.push_back(push.id);
        return is_done;
    });
    settled = std::move(gone);
    for (PushId id : std::exchange(doubtful_, {})) {
        Pending* push = doubting_actor_ == actor_ ? find(id) : nullptr;
        if (push != nullptr) push->is_doubtful = true;
    }
}

}  // namespace tandem::client
