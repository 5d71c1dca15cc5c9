#include "sim/device.hpp"

#include <algorithm>

#include "sim/part.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

using Persistence = client::Persistence;

void OutboxDisk::apply(const client::StoreRecord& record, std::vector<Key>& stored) {
    const Key key{record.channel, record.push};
    if (record.kind == client::StoreRecord::Kind::remove_push) {
        records_.erase(key);
        return;
    }
    if (record.kind == client::StoreRecord::Kind::push) stored.push_back(key);
    records_[key] = record;
}

void OutboxDisk::sync(uint64_t ticket, std::vector<Key>& stored) {
    size_t count = 0;
    while (count < waiting_.size() && waiting_[count].ticket <= ticket)
        apply(waiting_[count++], stored);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
}

void OutboxDisk::crash(Dice& dice, std::vector<Key>& stored) {
    const size_t kept = dice.below(waiting_.size() + 1);
    for (size_t i = 0; i < kept; ++i)
        apply(waiting_[i], stored);
    waiting_.clear();
}

Device::Device(World& world, size_t index)
    : world_(world), index_(index), dice_(world.dice.next()), entropy_(world.dice.next()) {
    const uint64_t roll = dice_.below(10);
    persistence_ = roll < 6   ? Persistence::confirmed
                   : roll < 9 ? Persistence::handed
                              : Persistence::none;
    if (world.options.planted.world == WorldBug::early_confirmation)
        persistence_ = Persistence::confirmed;
    if (!world.profile.has_partial) return;
    is_partial = !one_in(dice_, 3);
    keeps_views_ = !one_in(dice_, 4);
}

Device::Device(World& world, size_t index, const Device& original)
    : world_(world),
      index_(index),
      dice_(world.dice.next()),
      entropy_(world.dice.next()),
      persistence_(original.persistence_),
      disk_(original.disk_) {
    is_partial = original.is_partial;
    keeps_views_ = original.keeps_views_;
    std::vector<OutboxDisk::Key> stored;
    disk_.crash(dice_, stored);
    for (const auto& [key, issue] : original.issues_)
        if (disk_.records().contains(key)) issues_[key] = issue;
    for (const auto& [key, issue] : original.issues_) {
        Issue& of = world_.ledger.at(issue);
        of.is_shared = of.is_shared || issues_.contains(key) || !of.was_acked;
    }
}

client::Now Device::now() const {
    const uint64_t mono = world_.scheduler.now_ms();
    return {mono, static_cast<uint64_t>(static_cast<int64_t>(mono) + wall_offset_ms_)};
}

void Device::create_session() {
    client::Options options;
    options.entropy = [this] { return entropy_.next(); };
    options.client = "sim/" + std::to_string(index_);
    options.persistence = persistence_;
    options.welcome_timeout_ms = 1'000;
    options.pong_timeout_ms = 1'000;
    options.reconnect_delay_min_ms = 50;
    options.reconnect_delay_max_ms = 800;
    options.keeps_views = keeps_views_;
    options.faults.planted = world_.options.planted.client;
    session_ = std::make_unique<client::Session>(std::move(options));
}

void Device::start() {
    if (is_up()) return;
    ++process_;
    create_session();
    uint64_t restored = 0;
    for (const auto& [key, record] : disk_.records()) {
        const auto status = session_->restore(record);
        if (!status)
            return world_.violate("an outbox reads back",
                                  base::error_name(status.error().code).data());
        ++restored;
    }
    world_.note("client start", index_, restored, {});
    timer_ms_ = UINT64_MAX;
    is_sync_due_ = false;
    last_ticket_ = 0;
    cursors_.clear();
    wanted_.clear();
    session_->start(now());
    // A refusal that was not yet stored is forgotten with the process that heard it.
    for (const auto& [key, issue] : issues_) {
        Issue& of = world_.ledger.at(issue);
        if (of.fate == Issue::Fate::refused && holds(of)) of.fate = Issue::Fate::open;
    }
    for (const std::string& channel : world_.profile.channels) {
        if (!world_.is_healing && one_in(dice_, 4)) continue;
        wanted_.insert(channel);
        follow(channel);
        if (one_in(dice_, 2))
            session_->set_presence(now(), channel,
                                   base::Value::integer(static_cast<int64_t>(index_)));
    }
    pump();
    if (is_acting_) return;
    is_acting_ = true;
    act();
}

void Device::crash(uint64_t down_ms) {
    if (!is_up()) return;
    world_.note("client crash", index_, down_ms, {});
    ++process_;
    if (connection_ != 0) world_.network.abandon(connection_);
    connection_ = 0;
    session_.reset();
    std::vector<OutboxDisk::Key> stored;
    if (persistence_ != Persistence::none) disk_.crash(dice_, stored);
    note_stored(stored);
    // What was never stored was never sent either, unless nothing is stored at all.
    for (auto at = issues_.begin(); at != issues_.end();) {
        Issue& issue = world_.ledger.at(at->second);
        const bool is_none = persistence_ == Persistence::none;
        if (issue.fate == Issue::Fate::open && is_none) {
            issue.fate = Issue::Fate::unknown;
        } else if (issue.fate == Issue::Fate::open && !issue.is_stored) {
            issue.fate = Issue::Fate::lost;
        } else if (!is_none) {
            ++at;
            continue;
        }
        at = issues_.erase(at);
    }
    world_.scheduler.after(down_ms, [this] { start(); });
}

void Device::note_stored(const std::vector<OutboxDisk::Key>& keys) {
    for (const OutboxDisk::Key& key : keys) {
        const auto found = issues_.find(key);
        if (found != issues_.end()) world_.ledger.at(found->second).is_stored = true;
    }
}

void Device::isolate(uint64_t for_ms) {
    isolated_until_ = world_.scheduler.now_ms() + for_ms;
    if (connection_ != 0)
        world_.network.cut(connection_,
                           one_in(dice_, 2) ? Network::Notice::never : Network::Notice::soon,
                           Network::Notice::late);
}

void Device::leave(uint64_t for_ms) {
    absent_until_ = world_.scheduler.now_ms() + for_ms;
    isolate(for_ms);
}

void Device::heal() {
    isolated_until_ = 0;
    absent_until_ = 0;
    if (!is_up()) start();
    subscribe_all();
}

void Device::subscribe_all() {
    for (const std::string& channel : world_.profile.channels) {
        if (!wanted_.insert(channel).second) continue;
        follow(channel);
    }
    pump();
}

void Device::follow(const std::string& channel) {
    session_->subscribe(now(), channel,
                        is_partial ? any_selection(dice_, channel, index_) : record::Selection());
}

// As an application does whose user scrolls on, or opens something else.
void Device::follow_other(const std::string& channel) {
    record::Selection other = any_selection(dice_, channel, index_);
    if (!one_in(dice_, 3)) return session_->select(now(), channel, std::move(other));
    if (!session_->load(now(), channel, other.parts()))
        session_->select(now(), channel, std::move(other));
}

// The base of an op says that its author saw what was at its path; where the server is at that very
// seq, it tells what that was.
void Device::check_bases(const std::string& channel) {
    if (session_->pending(channel).empty() || !world_.server.is_up()) return;
    const hub::Channel* live = world_.server.hub()->find_channel(channel);
    if (live == nullptr || live->state() != hub::Channel::State::ready) return;
    for (const record::Op& op : session_->pending(channel).back().ops) {
        if (op.base.seq == 0 || op.base.seq != live->head() || op.base.epoch != live->epoch())
            continue;
        if (session_->confirmed(channel).shown(op.path) == live->document().shown(op.path))
            continue;
        return world_.violate("a base is of what was seen",
                              channel + " client " + std::to_string(index_) + " at " +
                                  record::to_text(op.path) + " #" + std::to_string(op.base.seq));
    }
}

bool Device::holds(const Issue& issue) const {
    if (issue.device != index_) return false;
    if (session_ == nullptr) return disk_.holds(issue.channel, issue.push);
    for (const client::Pending& pending : session_->pending(issue.channel))
        if (pending.id == issue.push && !pending.is_skip) return true;
    return false;
}

void Device::handle_open(uint64_t connection) {
    if (connection != connection_ || !is_up()) return;
    session_->handle_open(now());
    pump();
}

void Device::handle_close(uint64_t connection) {
    if (connection != connection_ || !is_up()) return;
    connection_ = 0;
    session_->handle_close(now());
    pump();
}

void Device::handle_message(uint64_t connection, std::string_view message) {
    if (connection != connection_ || !is_up()) return;
    session_->handle_bytes(now(), message);
    pump();
}

void Device::pump() {
    if (is_pumping_) return;
    is_pumping_ = true;
    bool is_busy = true;
    while (is_busy && !world_.is_violated()) {
        is_busy = false;
        while (auto record = session_->poll_store()) {
            last_ticket_ = record->ticket;
            is_busy = true;
            disk_.write(std::move(*record));
        }
        if (is_busy && persistence_ == Persistence::handed) {
            std::vector<OutboxDisk::Key> stored;
            disk_.sync(last_ticket_, stored);
            note_stored(stored);
        } else if (is_busy && persistence_ == Persistence::confirmed) {
            if (world_.options.planted.world == WorldBug::early_confirmation)
                session_->confirm_persisted(now(), last_ticket_);
            schedule_sync();
        }
        while (auto message = session_->poll_transmit(now())) {
            is_busy = true;
            send(std::move(*message));
        }
        while (auto event = session_->poll_event()) {
            is_busy = true;
            handle_event(*event);
        }
    }
    is_pumping_ = false;
    check_channels();
    arm_timer();
}

void Device::schedule_sync() {
    if (is_sync_due_) return;
    is_sync_due_ = true;
    world_.scheduler.after(dice_.below(60), [this, process = process_] {
        if (process_ != process) return;
        is_sync_due_ = false;
        std::vector<OutboxDisk::Key> stored;
        const uint64_t ticket = last_ticket_;
        disk_.sync(ticket, stored);
        note_stored(stored);
        session_->confirm_persisted(now(), ticket);
        pump();
    });
}

void Device::send(std::string message) {
    std::vector<wire::ClientFrame> frames;
    if (!wire::decode_binary(message, frames))
        return world_.violate("the client's frames decode", std::to_string(message.size()));
    for (const wire::ClientFrame& frame : frames) {
        const auto* push = std::get_if<wire::Push>(&frame);
        if (push == nullptr) continue;
        size_t issue = Ledger::kNone;
        if (!push->skip) {
            for (const client::Pending& pending : session_->pending(push->channel)) {
                if (pending.stamp_ms != push->stamp_ms ||
                    pending.stamp_logical != push->stamp_logical)
                    continue;
                const auto found = issues_.find({push->channel, pending.id});
                if (found != issues_.end()) issue = found->second;
            }
            if (issue == Ledger::kNone)
                return world_.violate("only pending pushes are sent", push->channel);
            const Issue& of = world_.ledger.at(issue);
            if (of.fate != Issue::Fate::open && !of.is_shared)
                return world_.violate("a refused push is not sent again", push->channel);
        }
        std::string wrong = world_.ledger.note_sent(index_, *push, issue);
        if (!wrong.empty()) return world_.violate("a retried push is the same", std::move(wrong));
    }
    if (connection_ != 0) world_.network.send(connection_, std::move(message));
}

void Device::handle_event(client::Event& event) {
    using Kind = client::EventKind;
    const auto issue = issues_.find({event.channel, event.push});
    switch (event.kind) {
        case Kind::want_connect: {
            const bool may_reach = world_.scheduler.now_ms() >= isolated_until_;
            connection_ = world_.network.dial(*this, hub::Codec::binary,
                                              "user" + std::to_string(index_), may_reach);
            break;
        }
        case Kind::want_close:
            if (connection_ != 0) world_.network.hang_up(connection_);
            connection_ = 0;
            break;
        case Kind::acked:
            world_.note("acked", index_, event.push, event.channel);
            if (issue == issues_.end()) break;
            world_.ledger.at(issue->second).was_acked = true;
            if (const Issue& of = world_.ledger.at(issue->second);
                of.in_log == 0 && !of.was_cut && !of.is_shared)
                world_.violate("acknowledged is logged",
                               event.channel + " push " + std::to_string(event.push));
            break;
        case Kind::refused:
            world_.note("refused", index_, event.push, event.channel + " " + event.code);
            if (issue == issues_.end()) break;
            world_.ledger.at(issue->second).fate = Issue::Fate::refused;
            break;
        case Kind::error:
            world_.note("error", index_, 0, event.channel + " " + event.code + " " + event.text);
            break;
        case Kind::reset:
        case Kind::gap:
        case Kind::overridden:
            world_.note(event.kind == Kind::reset ? "reset"
                        : event.kind == Kind::gap ? "gap"
                                                  : "overridden",
                        index_, event.push, event.channel);
            break;
        case Kind::connected:
        case Kind::disconnected:
        case Kind::ready:
        case Kind::view_changed:
        case Kind::status_changed:
        case Kind::members_changed:
        case Kind::signal:
            break;
    }
}

// confirmed ⊕ pending, seen on the counter that this device alone writes, and the confirmed view
// against the server's state at the same seq.
void Device::check_channels() {
    if (world_.is_violated()) return;
    for (const std::string& channel : wanted_) {
        const client::Replica::Cursor cursor = session_->cursor(channel);
        client::Replica::Cursor& before = cursors_[channel];
        const bool has_moved = !(cursor == before);
        if (has_moved) ++applied;
        if (cursor.epoch == before.epoch && cursor.seq < before.seq && cursor.seq != 0 &&
            !world_.profile.has_fork && !world_.profile.has_deletion)
            world_.note("cursor back", index_, cursor.seq, channel);
        before = cursor;
        const ShadowChannel& shadow = world_.shadow.at(channel);
        if (!session_->is_ready(channel) || !world_.server.is_up() || !shadow.is_epoch_known ||
            cursor.epoch != shadow.epoch())
            continue;
        if (cursor.seq > shadow.head()) {
            world_.violate("no cursor is above the log",
                           channel + " client " + std::to_string(index_));
            return;
        }
        int64_t expected = world_.ledger.own_in_log(channel, index_);
        std::string still;
        for (const client::Pending& pending : session_->pending(channel)) {
            const auto found = issues_.find({channel, pending.id});
            if (pending.is_skip || found == issues_.end()) continue;
            const Issue& issue = world_.ledger.at(found->second);
            if (issue.own != 0)
                still += " " + std::to_string(pending.id) + ":" + std::to_string(issue.own) +
                         (issue.in_log == 0 ? "" : " in the log");
            if (issue.in_log == 0 && issue.device == index_) expected += issue.own;
        }
        const record::Path path = {{record::Segment::Kind::key, "own"},
                                   {record::Segment::Kind::key, "d" + std::to_string(index_)}};
        const int64_t shown = session_->view(channel).counter(path).value;
        const record::Selection& selection = session_->selection_in_force(channel);
        if (selection.covers_always(path) && shown != expected && !is_forked &&
            !world_.rewritten.contains(channel)) {
            world_.violate("the view is confirmed and pending",
                           channel + " client " + std::to_string(index_) + " shows " +
                               std::to_string(shown) + " of its own, not " +
                               std::to_string(expected) + "; pending:" + still);
            return;
        }
        if (!has_moved || !one_in(dice_, 6) || !world_.server.is_up()) continue;
        const hub::Channel* live = world_.server.hub()->find_channel(channel);
        if (live == nullptr || live->state() != hub::Channel::State::ready ||
            live->head() != cursor.seq || live->epoch() != cursor.epoch)
            continue;
        const std::string wrong =
            Part(live->document(), selection).difference(session_->confirmed(channel));
        if (!wrong.empty()) {
            world_.violate("equal cursors show equal states",
                           channel + " client " + std::to_string(index_) + " at #" +
                               std::to_string(cursor.seq) + " " + wrong);
            return;
        }
    }
}

void Device::arm_timer() {
    const auto next = session_->next_timeout();
    if (!next) return;
    const uint64_t due = std::max(*next, world_.scheduler.now_ms());
    if (timer_ms_ <= due) return;
    timer_ms_ = due;
    world_.scheduler.at(due, [this, process = process_, due] {
        if (process_ != process || timer_ms_ != due) return;
        timer_ms_ = UINT64_MAX;
        session_->handle_timeout(now());
        pump();
    });
}

}  // namespace tandem::sim
