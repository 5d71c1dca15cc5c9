#include "client/text_replica.hpp"

#include <algorithm>
#include <utility>

#include "yjs/reading.hpp"
#include "yjs/relative_position.hpp"

namespace tandem::client {

using yjs::BranchIndex;
using yjs::SyncStep;
using yjs::TypeKind;

namespace {

// Stock editors forget one whom they have not heard of for 30 seconds.
constexpr uint64_t kSayAgainMs = 15'000;
constexpr uint64_t kAskAgainMs = 1'000;
// As Yjs itself chooses them.
constexpr uint64_t kIdMask = 0xFFFFFFFF;
constexpr uint64_t kOwn = 1;
constexpr uint64_t kRemote = 2;

yjs::DocumentOptions options_of(uint64_t client) {
    yjs::DocumentOptions options;
    options.client = client;
    return options;
}

bool is_empty_update(std::string_view update) { return update == std::string_view("\0\0", 2); }

// One that types, deletes or sets a single thing either does or does not.
bool may_fail_half_way(const base::Value& edits) {
    if (!edits.is_array() || edits.as_array().size() != 1) return true;
    const base::Value& edit = edits.as_array().front();
    if (!edit.is_object() || edit.as_object().size() != 1) return true;
    const base::Member& member = edit.as_object().front();
    if (member.key == "delta") return true;
    for (const std::string_view many : {"values", "shared", "xml"})
        if (member.value.find(many) != nullptr) return true;
    return false;
}

}  // namespace

TextReplica::TextReplica(std::string channel, std::string name, std::function<uint64_t()> entropy)
    : channel_(std::move(channel)),
      name_(std::move(name)),
      entropy_(std::move(entropy)),
      document_(options_of(entropy_() & kIdMask)) {}

base::Result<BranchIndex> TextReplica::root(const yjs::RootName& name, TypeKind kind) {
    TANDEM_TRY(BranchIndex found, yjs::find_root(document_, name, kind));
    if (document_.store().branch(found).kind == TypeKind::unknown) {
        const TypeKind shown = yjs::shown_kind(document_.store(), found);
        const std::string known(document_.store().names().at(document_.store().branch(found).name));
        found = document_.root(known, shown == TypeKind::unknown ? kind : shown);
    }
    if (document_.store().branch(found).kind != TypeKind::unknown && observed_.insert(found).second)
        document_.observe_deep(found);
    return found;
}

base::Status TextReplica::edit(Now now, const yjs::RootName& root_name, const base::Value& edits) {
    // What fails half-way must leave nothing, which only a document of its own can tell.
    if (may_fail_half_way(edits)) {
        yjs::Document trial(options_of(document_.client_id()));
        TANDEM_CHECK(trial.apply(document_.encode()));
        const TypeKind kind = yjs::kind_for_edits(edits);
        TANDEM_TRY(const BranchIndex found, yjs::find_root(trial, root_name, kind));
        const TypeKind shown = yjs::shown_kind(trial.store(), found);
        const std::string known(trial.store().names().at(trial.store().branch(found).name));
        trial.root(known, shown == TypeKind::unknown ? kind : shown);
        trial.begin();
        TANDEM_CHECK(yjs::apply_edits(trial, found, edits));
    }
    TANDEM_TRY(const BranchIndex found, root(root_name, yjs::kind_for_edits(edits)));
    document_.begin(kOwn);
    const auto applied = yjs::apply_edits(document_, found, edits);
    document_.commit();
    if (!applied) return applied.error();
    const yjs::EditedPlace place = *applied;
    yjs::Buffer update;
    if (!document_.write_last_update(update)) return {};
    tell_changes(true);
    const TypeKind edited = document_.store().branch(place.branch).kind;
    if (edited == TypeKind::text || edited == TypeKind::xml_text)
        cursor_ = yjs::relative_position_json(
            yjs::relative_position(document_.store(), place.branch, place.position));
    set_saved(false);
    if (was_asked_) write(SyncStep::update, update.str());
    say_state(now);
    return {};
}

void TextReplica::set_state(Now now, base::Value state) {
    state_ = std::move(state);
    say_state(now);
}

void TextReplica::say_state(Now now) {
    say_again_at_ms_.reset();
    // Before it is known whether the text can be followed, nothing else is said of it.
    if (!is_online_ || is_closed_ || !is_synced_) return;
    if (state_.is_null() && state_clock_ == 0) return;
    std::string json = "null";
    if (state_.is_object()) {
        json = base::to_json(state_);
        if (!cursor_.empty()) {
            json.pop_back();
            if (json.size() > 1) json += ',';
            json += "\"cursor\":{\"anchor\":" + cursor_ + ",\"head\":" + cursor_ + "}}";
        }
        say_again_at_ms_ = now.mono_ms + kSayAgainMs;
    }
    const yjs::AwarenessState state{document_.client_id(), ++state_clock_, json};
    send(yjs::awareness_message(yjs::encode_awareness({&state, 1})));
}

void TextReplica::handle_link(Now now, Link link) {
    const bool is_online = link == Link::online;
    if (is_online == is_online_ || is_closed_) return;
    is_online_ = is_online;
    if (is_online) return open(now);
    was_asked_ = false;
    is_synced_ = false;
    others_.clear();
    others_clocks_.clear();
    say_again_at_ms_.reset();
    ask_again_at_ms_.reset();
    out_.clear();
}

// What is under way is not told any more; the answer to the server's question has it again.
void TextReplica::open(Now now) {
    under_way_.clear();
    was_asked_ = false;
    ask_again_at_ms_.reset();
    refusal_.reset();
    send(yjs::sync_message(SyncStep::step1, yjs::encode_state_vector(document_.state_vector())));
    say_state(now);
}

void TextReplica::send(std::string message, uint64_t ref) {
    wire::TextSend frame;
    frame.channel = channel_;
    frame.name = name_;
    frame.message = std::move(message);
    frame.ref = ref;
    out_.push_back(std::move(frame));
}

void TextReplica::write(SyncStep step, std::string_view update) {
    under_way_.insert(++last_ref_);
    send(yjs::sync_message(step, update), last_ref_);
}

void TextReplica::answer(std::string_view vector) {
    const auto known = yjs::decode_state_vector(vector);
    if (!known) return;
    const std::string missing = document_.encode(*known);
    under_way_.clear();
    was_asked_ = true;
    has_refused_ = false;
    if (is_empty_update(missing))
        set_saved(true);
    else
        write(SyncStep::step2, missing);
}

void TextReplica::handle_frame(Now now, const wire::TextReceived& frame) {
    if (is_closed_) return;
    if (frame.closed) {
        is_closed_ = true;
        was_asked_ = false;
        out_.clear();
        say_again_at_ms_.reset();
        ask_again_at_ms_.reset();
        return tell(TextEvent::Kind::closed);
    }
    if (!frame.code.empty()) {
        take_refusal(now, frame);
    } else if (frame.ref != 0 && under_way_.erase(frame.ref) > 0 && under_way_.empty()) {
        set_saved(!has_refused_);
    }
    if (frame.message.empty()) return;
    const auto message = yjs::read_message(frame.message);
    if (!message) return;
    if (message->kind == yjs::MessageKind::awareness) return take_awareness(message->body);
    if (message->kind != yjs::MessageKind::sync) return;
    if (message->step == SyncStep::step1) return answer(message->body);
    take_update(message->body);
    if (message->step != SyncStep::step2 || is_synced_) return;
    is_synced_ = true;
    if (!has_refused_) refusal_.reset();
    tell(TextEvent::Kind::synced);
    say_state(now);
}

void TextReplica::take_refusal(Now now, const wire::TextReceived& frame) {
    tell(TextEvent::Kind::refused);
    events_.back().code = frame.code;
    events_.back().reason = frame.reason;
    if (frame.temporary) {
        ask_again_at_ms_ =
            now.mono_ms + (frame.retry_after_ms != 0 ? frame.retry_after_ms : kAskAgainMs);
        return;
    }
    const bool is_of_update = under_way_.erase(frame.ref) > 0;
    has_refused_ |= is_of_update;
    // What it says of itself may be refused, which is of no account to the text.
    if (is_of_update || !is_synced_) refusal_ = events_.back();
}

void TextReplica::take_update(std::string_view update) {
    // What does not decode is the server's to mend; it is asked for all again then.
    if (!document_.apply(update, yjs::Encoding::v1, kRemote).ok()) return;
    tell_changes(false);
    know_roots(false);
    if (document_.has_id_collision()) take_new_id();
}

void TextReplica::take_new_id() { document_.set_client_id(entropy_() & kIdMask); }

void TextReplica::take_awareness(std::string_view body) {
    const auto states = yjs::decode_awareness(body);
    if (!states) return;
    for (const yjs::AwarenessState& state : *states) {
        if (state.client == document_.client_id()) {
            // Of an earlier connection: what is said now has to be newer.
            state_clock_ = std::max(state_clock_, state.clock);
            continue;
        }
        const auto known = others_clocks_.find(state.client);
        if (known != others_clocks_.end() && state.clock < known->second) continue;
        others_clocks_[state.client] = state.clock;
        if (state.json == "null")
            others_.erase(state.client);
        else
            others_[state.client] = state.json;
    }
}

void TextReplica::know_roots(bool is_own) {
    const yjs::Few<BranchIndex> roots = document_.store().roots();
    for (const BranchIndex at : roots) {
        if (observed_.contains(at)) continue;
        const std::string name(document_.store().names().at(document_.store().branch(at).name));
        if (!root(name, TypeKind::unknown) || !observed_.contains(at)) continue;
        TextEvent event;
        event.root = name;
        event.is_own = is_own;
        const TypeKind kind = document_.store().branch(at).kind;
        event.change = "{\"path\":[],\"keys\":{},\"delta\":";
        if (kind == TypeKind::text)
            yjs::append_delta(document_.store(), at, event.change);
        else
            event.change += "[]";
        event.change += '}';
        events_.push_back(std::move(event));
    }
}

void TextReplica::tell_changes(bool is_own) {
    for (const yjs::Notice& notice : document_.events().notices)
        for (const yjs::Notice::Seen& seen : notice.seen) {
            TextEvent event;
            event.root =
                document_.store().names().at(document_.store().branch(notice.observed).name);
            event.is_own = is_own;
            yjs::append_event_json(document_.events().events[seen.event], seen.path, event.change);
            events_.push_back(std::move(event));
        }
}

void TextReplica::set_saved(bool is_saved) {
    if (is_saved) refusal_.reset();
    if (std::exchange(is_saved_, is_saved) != is_saved && is_saved) tell(TextEvent::Kind::saved);
}

void TextReplica::tell(TextEvent::Kind kind) {
    TextEvent event;
    event.kind = kind;
    events_.push_back(std::move(event));
}

void TextReplica::handle_timeout(Now now) {
    if (ask_again_at_ms_ && now.mono_ms >= *ask_again_at_ms_ && is_online_) open(now);
    if (say_again_at_ms_ && now.mono_ms >= *say_again_at_ms_) say_state(now);
}

std::optional<uint64_t> TextReplica::next_timeout() const {
    if (!say_again_at_ms_ || !ask_again_at_ms_)
        return say_again_at_ms_ ? say_again_at_ms_ : ask_again_at_ms_;
    return std::min(*say_again_at_ms_, *ask_again_at_ms_);
}

std::optional<wire::TextSend> TextReplica::poll_transmit() {
    if (out_.empty()) return std::nullopt;
    wire::TextSend frame = std::move(out_.front());
    out_.pop_front();
    return frame;
}

std::optional<TextEvent> TextReplica::poll_event() {
    if (events_.empty()) return std::nullopt;
    TextEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace tandem::client
