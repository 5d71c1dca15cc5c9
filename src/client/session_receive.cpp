#include <algorithm>

#include "client/session.hpp"

namespace tandem::client {

using Subscription = Channel::Subscription;

namespace {

constexpr uint64_t kRetryMinMs = 100;
constexpr uint32_t kRetryDoublingsMax = 8;
/// Mending a gap at once this often in a row without progress would be a loop.
constexpr uint32_t kGapsAtOnceMax = 3;

std::vector<record::Path> paths_of(const std::vector<record::Op>& ops) {
    std::vector<record::Path> paths;
    for (const record::Op& op : ops)
        paths.push_back(op.path);
    return paths;
}

/// True when the server's word that it has the counter is word that it has this very push.
bool is_settled(const Pending& push) { return push.was_sent || push.is_acked; }

}  // namespace

void Session::receive(Now now, wire::Welcome& frame) {
    welcome_deadline_ms_.reset();
    uint64_t middle_ms = hello_ms_ + (now.mono_ms - hello_ms_) / 2;
    if (frame.time_ms != 0)
        server_minus_mono_ms_ =
            static_cast<int64_t>(frame.time_ms) - static_cast<int64_t>(middle_ms);
    if (frame.actor != 0 && has_asked_actor_) {
        has_asked_actor_ = false;
        actor_ = frame.actor;
        store_session();
        for (auto& [name, channel] : channels_)
            if (channel->needs_new_actor) assign_actor(*channel);
    }
    if (link_ == Link::online) return;
    link_ = Link::online;
    welcome_ms_ = now.mono_ms;
    heartbeat_ms_ = frame.heartbeat_ms != 0 ? frame.heartbeat_ms : kHeartbeatDefaultMs;
    if (frame.message_bytes_max != 0)
        message_bytes_max_ = std::min(options_.message_bytes_max,
                                      static_cast<size_t>(std::min<uint64_t>(
                                          frame.message_bytes_max, base::kMessageBytesCeiling)));
    emit(EventKind::connected, {});
}

void Session::assign_actor(Channel& channel) {
    channel.outbox.set_actor(actor_);
    channel.needs_new_actor = false;
    store_state(channel);
    channel.actor_ticket = last_ticket_;
    resend_from(channel, 0);
    // The server tells the acknowledged counter of the outbox that it was asked for.
    if (channel.subscription == Subscription::asked || channel.subscription == Subscription::on)
        channel.must_ask_again = true;
}

void Session::receive(Now, wire::Subscribed& frame) {
    auto found = channels_.find(frame.channel);
    if (found == channels_.end()) return;
    Channel& channel = *found->second;
    if (channel.subscription != Subscription::asked && channel.subscription != Subscription::on)
        return;
    if (frame.select_version != channel.select_version) return;
    channel.subscription = Subscription::on;
    forget_handle(channel);
    channel.handle = frame.handle;
    handles_[frame.handle] = &channel;
    channel.replica.begin_subscription(channel.asked);
    channel.head = frame.head;
    channel.is_caught_up = false;
    Outbox& outbox = channel.outbox;
    bool is_other_epoch = outbox.epoch() != 0 && outbox.epoch() != frame.epoch;
    // Whether an outbox goes on in another epoch is decided by what is delivered next.
    channel.holds_pushes = is_other_epoch;
    if (!is_other_epoch && outbox.actor() != 0 && channel.asked_actor == outbox.actor()) {
        uint64_t acked = frame.acked_counter;
        if (acked < channel.asked_counter) {
            // The server has lost what it had acknowledged.
            restart_outbox(channel, std::max<PushId>(outbox.id_of(acked) + 1, 1));
        } else if (acked >= outbox.next_counter()) {
            // This outbox is an older copy. The server tells for each push whether it has that
            // very one; what is made from now on continues after it.
            if (outbox.is_empty()) {
                outbox.continue_after(acked);
                store_state(channel);
            }
            channel.holds_pushes = !outbox.is_empty();
        } else {
            outbox.note_acked(acked);
            if (options_.faults.planted == PlantedBug::acked_counter_ignored) return;
            for (Pending& push : outbox.pending()) {
                if (outbox.counter_of(push.id) > acked) break;
                if (is_settled(push))
                    mark_acked(channel, push, frame.head);
                else
                    // Sent only after what is delivered next has made it doubtful.
                    channel.holds_pushes = true;
            }
        }
    }
    // What a former actor was acknowledged for lies at or below the head.
    for (Pending& push : outbox.pending())
        if (outbox.is_former(push.id) && push.seq == 0) mark_acked(channel, push, frame.head);
    if (channel.presence) out_.emplace_back(wire::PresenceSet{channel.name, *channel.presence, {}});
}

void Session::receive(Now now, wire::Delivery& frame) {
    auto found = handles_.find(frame.handle);
    if (found == handles_.end()) return;
    Channel& channel = *found->second;
    if (channel.subscription != Subscription::on) return;
    bool had_cursor = channel.replica.has_cursor();
    Replica::Accepted accepted = channel.replica.accept(frame, options_.faults);
    switch (accepted.outcome) {
        case Replica::Outcome::ignored:
        case Replica::Outcome::partial:
            return;
        case Replica::Outcome::gap:
        case Replica::Outcome::broken:
            emit(EventKind::gap, channel.name);
            ask_again(now, channel);
            return;
        case Replica::Outcome::applied:
            break;
    }
    channel.gaps = 0;
    note_view_changed(now, channel);
    Outbox& outbox = channel.outbox;
    std::vector<record::Path> touched;
    for (const record::Change& change : accepted.changes) {
        touched.push_back(change.path);
        bool is_lost = change.kind == record::ChangeKind::conflict && outbox.actor() != 0 &&
                       change.dot.actor == outbox.actor();
        if (!is_lost || !channel.is_wanted) continue;
        Event& event = emit(EventKind::overridden, channel.name);
        event.push = outbox.id_of(change.dot.counter);
        event.counter = change.dot.counter;
        event.paths.push_back(change.path);
        event.value = change.value;
    }
    hlc_.receive({frame.stamp_ms, frame.stamp_logical, accepted.actor});
    if (accepted.was_reset) emit(EventKind::reset, channel.name);
    if (frame.kind == wire::DeliveryKind::live) {
        if (outbox.actor() != 0 && accepted.actor == outbox.actor() && frame.counter != 0) {
            outbox.note_acked(frame.counter);
            drop_covered(channel, outbox.id_of(frame.counter), frame.to, touched);
        }
    } else {
        frame.acked_counter = accepted.acked_counter;
        follow_range(channel, frame, had_cursor, touched);
    }
    drop_reached(channel, touched);
    emit_changed(channel, std::move(touched), accepted.is_whole);
    if (!channel.is_caught_up && channel.replica.cursor().seq >= channel.head) {
        channel.is_caught_up = true;
        if (channel.is_wanted && channel.is_selected()) emit(EventKind::ready, channel.name);
    }
}

void Session::follow_range(Channel& channel, const wire::Delivery& frame, bool had_cursor,
                           std::vector<record::Path>& touched) {
    Outbox& outbox = channel.outbox;
    uint64_t epoch = channel.replica.cursor().epoch;
    bool is_other_epoch = outbox.epoch() != 0 && outbox.epoch() != epoch;
    bool is_own = outbox.actor() != 0 && channel.asked_actor == outbox.actor();
    bool is_at_head = frame.to >= channel.head;
    channel.holds_pushes = false;
    if (is_own && options_.faults.planted != PlantedBug::acked_counter_ignored)
        drop_covered(channel, outbox.id_of(frame.acked_counter), frame.to, touched);
    bool has_lost = is_own && frame.acked_counter < channel.asked_counter && is_at_head;
    bool is_new_history = (frame.reset || !had_cursor) && is_other_epoch;
    if (is_new_history || (has_lost && (frame.reset || !had_cursor || is_other_epoch))) {
        // This outbox ends here, so no later answer settles what the counter covers.
        if (is_own && options_.faults.planted != PlantedBug::acked_counter_ignored)
            drop_if(channel, frame.to, touched,
                    [last = outbox.id_of(frame.acked_counter)](const Pending& push) {
                        return push.id <= last;
                    });
        restart_outbox(channel, outbox.is_empty() ? outbox.next_id() : outbox.pending().front().id);
    } else if (is_own) {
        outbox.note_acked(frame.acked_counter);
    }
    if (outbox.epoch() == epoch) return;
    outbox.set_epoch(epoch);
    if (outbox.actor() != 0 || channel.needs_new_actor) store_state(channel);
}

void Session::receive(Now, wire::Ack& frame) {
    auto found = channels_.find(frame.channel);
    if (found == channels_.end()) return;
    Channel& channel = *found->second;
    Outbox& outbox = channel.outbox;
    if (outbox.actor() == 0 || frame.actor != outbox.actor() || frame.counter == 0) return;
    hlc_.receive({frame.stamp_ms, frame.stamp_logical, frame.actor});
    outbox.note_acked(frame.counter);
    channel.refusals = 0;
    PushId id = outbox.id_of(frame.counter);
    uint64_t epoch = channel.replica.cursor().epoch;
    bool is_this_epoch = frame.epoch == 0 || epoch == 0 || frame.epoch == epoch;
    for (Pending& push : outbox.pending()) {
        if (push.id > id) break;
        mark_acked(channel, push, frame.seq);
        // Until the cursor is in that epoch too, the seqs do not compare.
        if (!is_this_epoch) push.seq = 0;
    }
    std::vector<record::Path> touched;
    if (options_.faults.planted == PlantedBug::pending_dropped_at_ack)
        drop_covered(channel, id, frame.seq, touched);
    drop_reached(channel, touched);
    emit_changed(channel, std::move(touched), false);
}

void Session::mark_acked(Channel& channel, Pending& push, uint64_t seq) {
    if (push.seq == 0 || seq < push.seq) push.seq = seq;
    if (push.is_acked) return;
    push.is_acked = true;
    if (push.is_skip) return;
    Event& event = emit(EventKind::acked, channel.name);
    event.push = push.id;
    event.counter = channel.outbox.counter_of(push.id);
    event.seq = seq;
}

template <class IsDone>
void Session::drop_if(Channel& channel, uint64_t seq, std::vector<record::Path>& touched,
                      IsDone done) {
    std::vector<PushId> dropped;
    auto& pending = channel.outbox.pending();
    for (Pending& push : pending) {
        if (!done(push)) continue;
        mark_acked(channel, push, seq);
        for (const record::Op& op : push.ops)
            touched.push_back(op.path);
        dropped.push_back(push.id);
    }
    if (dropped.empty()) return;
    std::erase_if(pending, [&](const Pending& push) {
        return std::binary_search(dropped.begin(), dropped.end(), push.id);
    });
    channel.replica.forget_combined();
    // The numbering goes first: what is removed must never be numbered again.
    store_state(channel);
    for (PushId id : dropped) {
        // It shows again after a restart, unless the view that holds it is kept before.
        const bool waits = channel.replica.has_cursor() && !channel.is_view_kept;
        if (waits)
            channel.settled.push_back(id);
        else
            store_removal(channel, id);
    }
}

void Session::drop_covered(Channel& channel, PushId last, uint64_t seq,
                           std::vector<record::Path>& touched) {
    for (Pending& push : channel.outbox.pending()) {
        if (push.id > last || is_settled(push) || push.is_doubtful) continue;
        push.is_doubtful = true;
        for (const record::Op& op : push.ops)
            touched.push_back(op.path);
        channel.replica.forget_combined();
    }
    drop_if(channel, seq, touched,
            [last](const Pending& push) { return push.id <= last && is_settled(push); });
}

void Session::drop_reached(Channel& channel, std::vector<record::Path>& touched) {
    uint64_t cursor = channel.replica.cursor().seq;
    drop_if(channel, cursor, touched, [&](const Pending& push) {
        if (!push.is_acked) return false;
        return push.is_skip ||
               (channel.replica.has_cursor() && push.seq != 0 && push.seq <= cursor);
    });
}

void Session::restart_outbox(Channel& channel, PushId first) {
    if (options_.faults.planted == PlantedBug::no_reissue_on_reset) return;
    channel.outbox.reissue(first);
    channel.asked_counter = 0;
    channel.asked_actor = 0;
    channel.needs_new_actor = true;
    store_state(channel);
    resend_from(channel, 0);
}

void Session::resend_from(Channel& channel, PushId id) {
    channel.next_send = id;
    ++channel.attempt;
}

void Session::retry_later(Now now, Channel& channel, uint64_t retry_after_ms) {
    uint64_t least =
        std::max(retry_after_ms, kRetryMinMs << std::min(channel.refusals++, kRetryDoublingsMax));
    channel.retry_at_ms = now.mono_ms + jitter(least, least + least / 2);
}

void Session::ask_again(Now now, Channel& channel) {
    if (channel.subscription != Subscription::on) {
        channel.must_ask_again = true;
        return;
    }
    uint64_t delay = 0;
    if (!channel.must_ask_again && channel.gaps++ >= kGapsAtOnceMax)
        delay = jitter(kRetryMinMs, kRetryMinMs << std::min(channel.gaps, kRetryDoublingsMax));
    channel.must_ask_again = false;
    channel.subscription = Subscription::due;
    channel.subscribe_at_ms = now.mono_ms + delay;
    forget_handle(channel);
}

void Session::receive(Now now, wire::ErrorFrame& frame) {
    auto found = channels_.find(frame.channel);
    if (found == channels_.end()) return emit_error(frame);
    Channel& channel = *found->second;
    if (frame.counter == 0) return refuse_channel(now, channel, frame);
    Outbox& outbox = channel.outbox;
    bool is_stale = frame.ref != 0 && frame.ref != channel.attempt;
    if (outbox.actor() == 0 || frame.actor != outbox.actor() || is_stale) return;
    Pending* push = outbox.find(outbox.id_of(frame.counter));
    if (push == nullptr || push->is_acked) return;
    if (frame.code == "counter_gap") return mend_counter_gap(now, channel, frame);
    if (frame.code == "actor_forked" || frame.code == "actor_unknown")
        return restart_outbox(channel, push->id);
    if (frame.code == "outbox_expired") {
        // Too old to be known for new or repeated: each goes back to the application.
        PushId first = outbox.next_id();
        for (Pending& each : outbox.pending()) {
            if (each.is_acked) continue;
            first = std::min(first, each.id);
            give_up(channel, each, frame);
        }
        std::vector<record::Path> touched;
        drop_if(channel, 0, touched, [](const Pending& p) { return p.is_skip; });
        return restart_outbox(channel, first);
    }
    if (frame.temporary || push->is_skip) {
        resend_from(channel, push->id);
        return retry_later(now, channel, frame.retry_after_ms);
    }
    refuse_push(channel, *push, frame);
}

void Session::refuse_push(Channel& channel, Pending& push, const wire::ErrorFrame& frame) {
    PushId id = push.id;
    give_up(channel, push, frame);
    if (options_.faults.planted == PlantedBug::reuse_counter_after_refusal) {
        channel.outbox.give_back_number(id);
        store_state(channel);
        store_removal(channel, id);
    } else {
        store_push(channel, push);
    }
    resend_from(channel, id);
}

void Session::give_up(Channel& channel, Pending& push, const wire::ErrorFrame& frame) {
    if (push.is_skip) return;
    std::vector<record::Path> touched = paths_of(push.ops);
    Event& event = emit(EventKind::refused, channel.name);
    event.push = push.id;
    event.counter = channel.outbox.counter_of(push.id);
    event.code = frame.code;
    event.text = frame.message;
    event.hint = frame.hint;
    event.ops = std::move(push.ops);
    push.ops.clear();
    push.is_skip = true;
    channel.history.forget(push.id);
    channel.replica.forget_combined();
    emit_changed(channel, std::move(touched), false);
}

void Session::mend_counter_gap(Now now, Channel& channel, const wire::ErrorFrame& frame) {
    Outbox& outbox = channel.outbox;
    uint64_t acked = frame.acked_counter;
    const Pending& first = outbox.pending().front();
    // Either the server lost what it had acknowledged, or this outbox what it had not.
    if (acked < outbox.acked_counter() || outbox.counter_of(first.id) > acked + 1) {
        PushId from = std::max(outbox.id_of(acked) + 1, first.id);
        return restart_outbox(channel, from);
    }
    resend_from(channel, outbox.id_of(acked + 1));
    if (channel.refusals++ >= kGapsAtOnceMax) retry_later(now, channel, frame.retry_after_ms);
}

void Session::refuse_channel(Now now, Channel& channel, const wire::ErrorFrame& frame) {
    if (frame.code == "not_subscribed") {
        if (channel.subscription == Subscription::on) ask_again(now, channel);
        return;
    }
    if (channel.subscription == Subscription::asked) {
        if (frame.code == "bad_select" && channel.replica.has_cursor() &&
            !(channel.wanted == channel.replica.in_force())) {
            channel.wanted = channel.replica.in_force();
            channel.subscription = Subscription::due;
            channel.subscribe_at_ms = now.mono_ms;
        } else if (frame.temporary) {
            uint64_t least = std::max(frame.retry_after_ms,
                                      kRetryMinMs << std::min(channel.gaps++, kRetryDoublingsMax));
            channel.subscription = Subscription::due;
            channel.subscribe_at_ms = now.mono_ms + jitter(least, least + least / 2);
        } else {
            channel.subscription = Subscription::refused;
            channel.holds_pushes = false;
        }
    }
    emit_error(frame);
}

void Session::emit_error(const wire::ErrorFrame& frame) {
    Event& event = emit(EventKind::error, frame.channel);
    event.code = frame.code;
    event.text = frame.message;
    event.hint = frame.hint;
}

void Session::receive(Now, wire::Members& frame) {
    auto found = handles_.find(frame.handle);
    if (found == handles_.end()) return;
    Channel& channel = *found->second;
    if (frame.full) {
        channel.members.clear();
        channel.self = frame.self;
    }
    for (wire::Member& member : frame.joined) {
        std::string id = member.id;
        channel.members.insert_or_assign(std::move(id), std::move(member));
    }
    for (const std::string& id : frame.left)
        channel.members.erase(id);
    if (channel.is_wanted) emit(EventKind::members_changed, channel.name);
}

void Session::receive(Now, wire::SignalReceived& frame) {
    auto found = handles_.find(frame.handle);
    if (found == handles_.end() || !found->second->is_wanted) return;
    Event& event = emit(EventKind::signal, found->second->name);
    event.from = std::move(frame.from);
    event.name = std::move(frame.name);
    event.value = std::move(frame.value);
}

// Whoever has sent none has asked for none.
void Session::receive(Now, wire::TextReceived& frame) {
    if (has_texts_) texts_.push_back(std::move(frame));
}

void Session::receive(Now now, wire::Pong& frame) {
    if (frame.server_ms == 0 || frame.time_ms > now.mono_ms) return;
    uint64_t middle_ms = frame.time_ms + (now.mono_ms - frame.time_ms) / 2;
    server_minus_mono_ms_ = static_cast<int64_t>(frame.server_ms) - static_cast<int64_t>(middle_ms);
}

void Session::receive(Now now, wire::Bye& frame) {
    Event& event = emit(EventKind::error, {});
    event.code = frame.code;
    event.text = frame.message;
    close_transport(now, frame.reconnect_after_ms);
}

}  // namespace tandem::client
