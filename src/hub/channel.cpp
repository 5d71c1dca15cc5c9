#include "hub/channel.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.hpp"
#include "base/sha256.hpp"
#include "hub/stored_entry.hpp"
#include "hub/text_past.hpp"

namespace tandem::hub {

using base::ErrorCode;

namespace {

constexpr size_t kChecksKept = 8192;
constexpr size_t kRecentPathsMax = 4096;
// 2 has the texts between the version rows and the record.
// 3 has the times of texts, 4 may have texts in columns.
constexpr uint64_t kSnapshotVersion = 4;
constexpr uint64_t kSnapshotVersionMin = 1;

Texts::Form form_of_texts(uint64_t version) {
    return version < 3 ? Texts::Form::without_times : Texts::Form::with_times;
}

uint64_t first_eight(const base::Sha256Digest& digest) {
    uint64_t out = 0;
    for (size_t i = 0; i < 8; ++i)
        out |= uint64_t{digest[i]} << (8 * i);
    return out;
}

uint64_t epoch_of(const std::vector<port::EpochFork>& epochs, uint64_t seq) {
    uint64_t epoch = 0;
    for (const port::EpochFork& fork : epochs)
        if (fork.fork_seq < seq) epoch = fork.epoch;
    return epoch;
}

// True when an op at `written` can change what is shown at `path`: the one is above the other, or
// they part at a node that one of them made a list and the other a map.
bool is_related(const record::Path& written, const record::Path& path) {
    for (size_t i = 0; i < written.size() && i < path.size(); ++i)
        if (written[i].is_item() != path[i].is_item())
            return true;
        else if (written[i].name != path[i].name)
            return false;
    return true;
}

}  // namespace

uint64_t skip_digest() { return digest_of({}); }

base::Error other_content(uint64_t stored_digest, uint64_t counter) {
    return base::fail(stored_digest == skip_digest() ? ErrorCode::skipped : ErrorCode::actor_forked,
                      counter);
}

uint32_t next_check(uint32_t previous, uint64_t epoch, uint64_t digest) {
    std::string bytes;
    base::Writer out(bytes);
    out.fixed32(previous);
    out.fixed64(epoch);
    out.fixed64(digest);
    return static_cast<uint32_t>(first_eight(base::sha256(bytes)));
}

namespace {

// Reads past what a snapshot says of the channel itself; its version.
base::Result<uint64_t> skip_to_texts(base::Reader& in) {
    TANDEM_TRY(const uint64_t version, in.varint());
    if (version < kSnapshotVersionMin || version > kSnapshotVersion)
        return base::fail(ErrorCode::storage_corrupt);
    TANDEM_CHECK(in.varint());
    TANDEM_CHECK(in.fixed32());
    TANDEM_CHECK(decode_rows(in));
    return version;
}

}  // namespace

base::Result<record::Document> document_in_snapshot(std::string_view snapshot) {
    base::Reader in(snapshot);
    TANDEM_TRY(const uint64_t version, skip_to_texts(in));
    if (version > kSnapshotVersionMin) TANDEM_CHECK(in.sized(in.remaining()));
    return record::Document::load(in.rest());
}

base::Status load_texts_in_snapshot(std::string_view snapshot, Texts& texts) {
    base::Reader in(snapshot);
    TANDEM_TRY(const uint64_t version, skip_to_texts(in));
    if (version == kSnapshotVersionMin) return {};
    TANDEM_TRY(const std::string_view saved, in.sized(in.remaining()));
    return texts.load(saved, form_of_texts(version));
}

uint64_t digest_of(std::string_view ops) { return first_eight(base::sha256(ops)); }

Channel::Channel(std::string name, uint32_t handle, const Namespace& ns, const Config& config)
    : name_(std::move(name)), handle_(handle), namespace_(ns), config_(config) {
    groups.emplace(std::string(), std::make_unique<Group>(handle, record::Selection()));
}

base::Result<void> Channel::handle_loaded(const port::Loaded& loaded, uint64_t new_epoch) {
    const auto broken = [this](ErrorCode code, uint64_t detail) {
        state_ = State::broken;
        broken_by_ = base::fail(code, detail);
        return broken_by_;
    };
    epochs_ = loaded.epochs;
    if (epochs_.empty())
        new_epochs_ = {{loaded.store_epoch, 0}};
    else if (!loaded.exists)
        new_epochs_ = {{new_epoch, loaded.head}};
    epochs_.insert(epochs_.end(), new_epochs_.begin(), new_epochs_.end());
    begin_ = loaded.begin_seq;
    if (!loaded.snapshot.empty()) {
        base::Reader in(loaded.snapshot);
        const auto version = in.varint();
        const auto seq = in.varint();
        const auto check = in.fixed32();
        if (!version || *version < kSnapshotVersionMin || *version > kSnapshotVersion || !seq ||
            !check)
            return broken(ErrorCode::storage_corrupt, loaded.snapshot_seq);
        auto rows = decode_rows(in);
        if (!rows) return broken(ErrorCode::storage_corrupt, loaded.snapshot_seq);
        if (*version > kSnapshotVersionMin) {
            const auto saved = in.sized(in.remaining());
            if (!saved || !texts.load(*saved, form_of_texts(*version)))
                return broken(ErrorCode::storage_corrupt, loaded.snapshot_seq);
        }
        auto document = record::Document::load(in.rest());
        if (!document || document->seq() != *seq)
            return broken(ErrorCode::storage_corrupt, loaded.snapshot_seq);
        document_ = std::move(*document);
        rows_ = std::move(*rows);
        head_ = *seq;
        check_ = *check;
        snapshot_seq_ = *seq;
    } else {
        // Only a channel that was deleted and is used again begins above 0: what came before is
        // below its floor, so that no older cursor is taken for one of this history.
        const uint64_t start = loaded.entries.empty() ? (loaded.exists ? 0 : loaded.head)
                                                      : loaded.entries.front().seq - 1;
        if (start > 0) {
            record::Entry ground;
            ground.seq = start;
            ground.floor = start;
            document_.apply(ground);
            head_ = start;
            snapshot_seq_ = start;
        }
    }
    checks_.push_back({head_, check_});
    for (const port::StoredEntry& stored : loaded.entries) {
        if (stored.seq != head_ + 1) return broken(ErrorCode::storage_corrupt, stored.seq);
        const uint32_t check = next_check(check_, epoch_of(epochs_, stored.seq), stored.digest);
        if (check != stored.check) return broken(ErrorCode::storage_corrupt, stored.seq);
        const auto entry = entry_of(stored);
        if (!entry) return broken(entry.error().code, stored.seq);
        const auto text = text_write_in(stored.body);
        if (!text) return broken(text.error().code, stored.seq);
        apply(*entry, stored.digest, check);
        if (*text != nullptr) {
            Text& written = texts.at((*text)->name);
            // As it was decided then.
            if (is_to_be_kept(written, stored.wall_ms))
                written.note_kept({written.seq(), stored.wall_ms});
            written.commit(**text, stored.seq, stored.wall_ms);
        }
        log_bytes_ += stored.body.size() + 64;
    }
    if (loaded.exists && head_ != loaded.head)
        return broken(ErrorCode::storage_corrupt, loaded.head);
    assigned_ = head_;
    assigned_check_ = check_;
    oldest_seq_ = loaded.oldest_seq == 0 ? head_ + 1 : loaded.oldest_seq;
    state_ = State::ready;
    return {};
}

void Channel::handle_load_failed(base::Error error) {
    state_ = State::broken;
    broken_by_ = error;
}

void Channel::apply(const record::Entry& entry, uint64_t digest, uint32_t check) {
    document_.apply(entry);
    head_ = entry.seq;
    check_ = check;
    if (entry.counter != 0) rows_[entry.actor] = {entry.counter, entry.seq, digest, entry.wall_ms};
    checks_.push_back({entry.seq, check});
    if (checks_.size() > kChecksKept) checks_.pop_front();
    Written written{entry.seq, entry.actor, {}};
    for (const record::Op& op : entry.ops)
        written.paths.push_back(op.path);
    recent_paths_ += 1 + written.paths.size();
    recent_.push_back(std::move(written));
    while (recent_paths_ > kRecentPathsMax) {
        recent_paths_ -= 1 + recent_.front().paths.size();
        recent_.pop_front();
    }
}

Channel::Sequenced Channel::sequence(PendingPush& push, Now now) {
    TANDEM_ASSERT(state_ == State::ready);
    const bool is_numbered = push.actor != 0;
    if (is_numbered && config_.planted != PlantedBug::no_dedup) {
        const auto committed = rows_.find(push.actor);
        if (committed != rows_.end() && push.counter <= committed->second.counter) {
            const VersionRow& row = committed->second;
            if (push.counter < row.counter) return Lookup{};
            if (!push.is_skip && row.digest != push.digest)
                return other_content(row.digest, row.counter);
            return Duplicate{row.seq, 0};
        }
        const auto assigned = assigned_rows_.find(push.actor);
        if (assigned != assigned_rows_.end() && push.counter <= assigned->second.counter) {
            for (auto* list : {&sent_, &unsent_})
                for (Inflight& item : *list) {
                    if (item.entry.actor != push.actor || item.entry.counter != push.counter)
                        continue;
                    if (!push.is_skip && item.digest != push.digest)
                        return other_content(item.digest, push.counter);
                    push.target.is_duplicate = true;
                    item.targets.push_back(std::move(push.target));
                    return Taken{};
                }
        }
        const uint64_t expected = 1 + (assigned != assigned_rows_.end() ? assigned->second.counter
                                       : committed != rows_.end()       ? committed->second.counter
                                                                        : 0);
        if (push.counter != expected) return base::fail(ErrorCode::counter_gap, expected);
    }
    if (push.is_skip) {
        push.ops.clear();
        append(push, now);
        return Taken{};
    }
    if (push.text) return sequence_text(push, now);
    if (push.whole) {
        if (has_inflight()) return Wait{};
        const auto read = seq_read(*push.whole);
        if (!read) return read.error();
        const bool is_head = document_.changed_seq({}) <= *read;
        if (!is_head && push.whole->read == nullptr && config_.planted != PlantedBug::whole_on_head)
            return Past{*read};
        if (auto converted = convert_whole(push); !converted) return converted.error();
        if (push.ops.empty()) return Unchanged{};
    }
    bool needs_head = !push.if_unchanged.empty() ||
                      std::any_of(push.ops.begin(), push.ops.end(),
                                  [](const record::Op& op) { return op.is_decision; });
    if (!push.ops_json.is_null()) {
        if (auto converted = convert_json(push, needs_head); !converted) {
            // An anchor that is not there may be on its way to the disk.
            if (needs_head && has_inflight()) return Wait{};
            return converted.error();
        }
    }
    if (needs_head && has_inflight()) return Wait{};
    for (record::Op& op : push.ops) {
        if (auto checked = check_op(namespace_, op); !checked) return checked.error();
        if (auto checked = check_writer(namespace_, name_, push.by.get(), op); !checked)
            return checked.error();
    }
    if (auto fixed = fix_bases(push); !fixed) return fixed.error();
    if (auto met = check_conditions(push); !met) return met.error();
    if (document_.bytes() > config_.limits.record_bytes_max) {
        // What only removes stays possible, so that a full record can be emptied.
        for (const record::Op& op : push.ops)
            if (op.kind != record::OpKind::remove_node && op.kind != record::OpKind::remove)
                return base::fail(ErrorCode::too_large, config_.limits.record_bytes_max);
    }
    if (push.whole && push.ops.size() > base::kOpsPerPushMax) {
        append_in_parts(push, now);
    } else {
        carry_resolvers(namespace_, push.ops);
        append(push, now);
    }
    return Taken{};
}

// All of them are sequenced at once, so that nothing comes between, and the last one answers. What
// saw the head has seen the parts before it as well.
void Channel::append_in_parts(PendingPush& push, Now now) {
    const uint64_t head = assigned_;
    std::vector<record::Op> ops;
    for (record::Op& op : std::exchange(push.ops, {})) {
        std::vector<record::Op> carried;
        carried.push_back(std::move(op));
        carry_resolvers(namespace_, carried);
        std::move(carried.begin(), carried.end(), std::back_inserter(ops));
    }
    size_t done = 0;
    while (true) {
        PendingPush part;
        part.stamp = push.stamp;
        part.digest = push.digest;
        std::string bytes;
        while (done < ops.size() && part.ops.size() < base::kOpsPerPushMax &&
               bytes.size() < kPartBytes) {
            record::Op& op = ops[done++];
            if (op.seen_seq == head) op.seen_seq = assigned_;
            part.ops.push_back(std::move(op));
            record::encode_ops(bytes, {part.ops.back()}, record::Form::pushed);
        }
        if (done == ops.size()) {
            push.ops = std::move(part.ops);
            return append(push, now);
        }
        append(part, now);
        unsent_.back().has_rest = true;
    }
}

Channel::Sequenced Channel::sequence_text(PendingPush& push, Now now) {
    Text& text = texts.at(push.text->name);
    if (push.text->if_unchanged) {
        if (text.has_under_way()) return Wait{};
        if (const auto met = check_text_unchanged(text, *push.text->if_unchanged); !met) {
            if (!text.is_used()) texts.drop_unused();
            return met.error();
        }
    }
    if (push.text->edit != nullptr) {
        if (text.has_under_way()) return Wait{};
        auto update = make_edit(text.document(), *push.text->edit);
        if (!update || update->empty()) {
            if (!text.is_used()) texts.drop_unused();
            return update ? Sequenced(Unchanged{}) : Sequenced(update.error());
        }
        auto reach = yjs::reach_of_update(*update);
        if (!reach) return reach.error();
        push.text->update = *std::move(update);
        push.text->reach = *std::move(reach);
    }
    switch (text.judge(push.text->reach)) {
        case yjs::KnownClocks::Verdict::missing:
            if (config_.planted == PlantedBug::text_gap_stored) break;
            return Missing{};
        case yjs::KnownClocks::Verdict::nothing:
            if (!text.has_under_way()) return Unchanged{};
            // What makes it known may still fail.
            (unsent_.empty() ? sent_ : unsent_).back().targets.push_back(push.target);
            return Taken{};
        case yjs::KnownClocks::Verdict::news:
            break;
    }
    const size_t clients_max = config_.limits.clients_per_text_max;
    if (text.clients_with(push.text->reach) > clients_max)
        return base::fail(ErrorCode::too_many_authors, clients_max);
    const size_t bytes_max = config_.limits.text_bytes_max;
    if (text.document().bytes() + push.text->update.size() > bytes_max)
        return base::fail(ErrorCode::too_large, bytes_max);
    using Kind = port::StoredTextVersion::Kind;
    const bool is_restore = push.text->edit != nullptr && !push.text->edit->restored.empty();
    if (is_restore)
        keep_text(text, Kind::before_restore, now);
    else if (is_to_be_kept(text, now.wall_ms))
        keep_text(text, Kind::automatic, now);
    text.note_assigned(push.text->reach);
    append(push, now);
    return Taken{};
}

// What an edit replaces is kept when the last one that was is old enough: within a long session one
// now and then, and else the last state of the session before.
bool Channel::is_to_be_kept(const Text& text, uint64_t wall_ms) const {
    const uint64_t every_ms = config_.retention.text_versions.every_ms;
    return every_ms != 0 && text.seq() > text.kept().seq && text.kept().wall_ms != 0 &&
           wall_ms >= text.kept().wall_ms + every_ms;
}

void Channel::keep_text(Text& text, port::StoredTextVersion::Kind kind, Now now) {
    if (text.seq() == 0) return;
    port::StoredTextVersion version;
    version.text = text.name();
    version.kind = kind;
    version.seq = text.seq();
    version.changed_ms = text.changed_ms() != 0 ? text.changed_ms() : now.wall_ms;
    version.created_ms = now.wall_ms;
    version.body = pack_text_state(text.document().state());
    text.note_kept({text.seq(), now.wall_ms});
    kept_texts_.push_back(std::move(version));
}

base::Result<uint64_t> Channel::effective_base(const record::Cursor& base) const {
    if (base.seq == kBaseIsHead || config_.planted == PlantedBug::head_as_base) return assigned_;
    size_t index = epochs_.size();
    for (size_t i = 0; i < epochs_.size(); ++i)
        if (epochs_[i].epoch == base.epoch) index = i;
    if (base.epoch == 0) index = epochs_.size() - 1;
    if (index == epochs_.size()) return uint64_t{0};
    uint64_t seq = base.seq;
    if (index + 1 == epochs_.size()) {
        if (seq > head_) return base::fail(ErrorCode::base_in_future, head_);
        return seq;
    }
    if (config_.planted == PlantedBug::eager_epoch) return std::min(seq, head_);
    for (size_t i = index + 1; i < epochs_.size(); ++i)
        seq = std::min(seq, epochs_[i].fork_seq);
    return seq;
}

bool Channel::is_lost(const record::Cursor& base) const {
    if (base.seq == kBaseIsHead || config_.planted == PlantedBug::head_as_base) return false;
    const auto seen = effective_base(base);
    if (!seen) return false;
    if (*seen != base.seq || base.seq < begin_) return true;
    if (begin_ == 0 || base.seq > begin_ || base.epoch == 0) return false;
    // At the seq of the deletion both the old record and the empty one were to be read.
    const auto at_begin = [&](const port::EpochFork& fork) { return fork.fork_seq == begin_; };
    const auto anew = std::find_if(epochs_.rbegin(), epochs_.rend(), at_begin);
    return std::any_of(anew == epochs_.rend() ? anew : std::next(anew), epochs_.rend(),
                       [&](const port::EpochFork& fork) { return fork.epoch == base.epoch; });
}

base::Result<void> Channel::fix_bases(PendingPush& push) const {
    for (record::Op& op : push.ops) {
        TANDEM_TRY(op.seen_seq, effective_base(op.base));
    }
    return {};
}

base::Result<void> Channel::check_conditions(const PendingPush& push) const {
    for (const record::Op& op : push.ops) {
        if (!op.is_decision) continue;
        for (const record::Sibling& sibling : document_.siblings(op.path))
            if (sibling.seq > op.seen_seq && (push.actor == 0 || sibling.dot.actor != push.actor))
                return base::fail(ErrorCode::precondition_failed, head_);
    }
    if (config_.planted == PlantedBug::condition_ignored) return {};
    for (const record::Path& path : push.if_unchanged) {
        uint64_t seen = 0;
        record::Cursor base = push.condition_base;
        if (base.seq != kBaseIsHead) {
            TANDEM_TRY(seen, effective_base(base));
        } else if (!push.ops.empty()) {
            base = push.ops.front().base;
            seen = push.ops.front().seen_seq;
        }
        const bool is_gone = base.seq != 0 && is_lost(base);
        if (is_gone || has_changed(path, seen, push.actor))
            return base::fail(ErrorCode::precondition_failed, head_);
    }
    return {};
}

base::Result<void> Channel::check_text_unchanged(const Text& text,
                                                 const record::Cursor& since) const {
    const auto seen = effective_base(since);
    if (!seen || (since.seq != 0 && is_lost(since)) || text.seq() > *seen)
        return base::fail(ErrorCode::precondition_failed, head_);
    return {};
}

base::Result<void> Channel::check_unchanged(const record::Path& path,
                                            const record::Cursor& since) const {
    TANDEM_TRY(const uint64_t seen, effective_base(since));
    if ((since.seq != 0 && is_lost(since)) || has_changed(path, seen, 0))
        return base::fail(ErrorCode::precondition_failed, head_);
    return {};
}

bool Channel::has_changed(const record::Path& path, uint64_t seen, uint64_t actor) const {
    if (document_.changed_seq(path) <= seen) return false;
    if (actor < kOutboxActorMin) return true;
    // What the author's own earlier pushes changed is not news to it.
    if (!recent_.empty() && recent_.front().seq <= seen + 1) {
        for (auto written = recent_.rbegin(); written != recent_.rend(); ++written) {
            if (written->seq <= seen) break;
            if (written->actor == actor) continue;
            for (const record::Path& at : written->paths)
                if (is_related(at, path)) return true;
        }
        return false;
    }
    if (document_.shown_kind(path) != record::Kind::reg) return true;
    const auto siblings = document_.siblings(path);
    return !std::all_of(siblings.begin(), siblings.end(), [&](const record::Sibling& s) {
        return s.seq <= seen || s.dot.actor == actor;
    });
}

void Channel::append(PendingPush& push, Now now) {
    record::Entry entry;
    entry.own = push.actor != 0;
    entry.actor = entry.own ? push.actor : kHttpActor;
    entry.counter = push.counter;
    if (!entry.own) {
        const auto assigned = assigned_rows_.find(kHttpActor);
        const auto committed = rows_.find(kHttpActor);
        entry.counter = 1 + (assigned != assigned_rows_.end() ? assigned->second.counter
                             : committed != rows_.end()       ? committed->second.counter
                                                              : 0);
    }
    for (record::Op& op : push.ops)
        if (op.kind == record::OpKind::counter_set && op.generation.actor == 0 &&
            op.generation.counter != 0) {
            op.generation.actor = entry.actor;
            if (op.generation.counter == kCounterOfThisPush) op.generation.counter = entry.counter;
        }
    entry.stamp = push.stamp.ms == 0 ? clock::Stamp{now.wall_ms, 0, entry.actor} : push.stamp;
    entry.stamp.actor = entry.actor;
    entry.wall_ms = now.wall_ms;
    if (config_.planted != PlantedBug::future_clock)
        entry.stamp = clock::clamp(entry.stamp, now.wall_ms);
    entry.ops = std::move(push.ops);
    push_inflight(std::move(entry), push.digest, push.outcome_key, &push.target);
    unsent_.back().text = std::move(push.text);
}

bool Channel::sequence_floor(Now now) {
    const uint64_t keep = config_.retention.entries;
    if (state_ != State::ready || head_ <= document_.floor() + 2 * keep) return false;
    for (const Inflight& item : unsent_)
        if (item.entry.floor != 0) return false;
    for (const Inflight& item : sent_)
        if (item.entry.floor != 0) return false;
    record::Entry entry;
    entry.own = false;
    entry.floor = head_ - keep;
    entry.wall_ms = now.wall_ms;
    entry.stamp = {now.wall_ms, 0, 0};
    push_inflight(std::move(entry), 0, {}, nullptr);
    return true;
}

void Channel::push_inflight(record::Entry entry, uint64_t digest, const std::string& outcome_key,
                            const AckTarget* target) {
    entry.seq = ++assigned_;
    if (config_.planted == PlantedBug::seq_gap && assigned_ % 97 == 0) entry.seq = ++assigned_;
    if (entry.counter != 0) assigned_rows_[entry.actor] = {entry.counter, digest};
    assigned_check_ = next_check(assigned_check_, epoch(), digest);
    Inflight item;
    item.entry = std::move(entry);
    item.digest = digest;
    item.check = assigned_check_;
    item.outcome_key = outcome_key;
    if (target != nullptr) item.targets.push_back(*target);
    unsent_.push_back(std::move(item));
}

port::ChannelAppend Channel::take_batch(size_t entries_max) {
    port::ChannelAppend batch;
    batch.channel = name_;
    batch.new_epochs = new_epochs_;
    batch.text_versions = std::exchange(kept_texts_, {});
    batch.text_version_limits = config_.retention.text_versions;
    bool has_rest = false;
    while (!unsent_.empty() && (batch.entries.size() < entries_max || has_rest)) {
        Inflight& item = unsent_.front();
        has_rest = item.has_rest;
        port::StoredEntry stored;
        stored.seq = item.entry.seq;
        stored.actor = item.entry.actor;
        stored.counter = item.entry.counter;
        stored.stamp_ms = item.entry.stamp.ms;
        stored.stamp_logical = item.entry.stamp.logical;
        stored.stamp_actor = item.entry.stamp.actor;
        stored.own = item.entry.own;
        stored.floor = item.entry.floor;
        stored.wall_ms = item.entry.wall_ms;
        stored.digest = item.digest;
        stored.check = item.check;
        record::encode_ops(stored.body, item.entry.ops, record::Form::logged);
        if (item.text != nullptr) append_text_write(stored.body, *item.text);
        log_bytes_ += stored.body.size() + 64;
        if (!item.outcome_key.empty())
            batch.outcomes.push_back({item.outcome_key, item.digest, item.entry.seq,
                                      item.entry.wall_ms + config_.limits.idempotency_age_max_ms});
        batch.entries.push_back(std::move(stored));
        sent_.push_back(std::move(item));
        unsent_.pop_front();
    }
    return batch;
}

Inflight Channel::commit_next() {
    Inflight item = std::move(sent_.front());
    sent_.pop_front();
    new_epochs_.clear();
    if (oldest_seq_ > item.entry.seq) oldest_seq_ = item.entry.seq;
    apply(item.entry, item.digest, item.check);
    if (item.text != nullptr)
        texts.at(item.text->name).commit(*item.text, item.entry.seq, item.entry.wall_ms);
    if (unsent_.empty() && sent_.empty()) assigned_rows_.clear();
    return item;
}

std::vector<Inflight> Channel::fail_batch() {
    std::vector<Inflight> all;
    for (auto* list : {&sent_, &unsent_}) {
        std::move(list->begin(), list->end(), std::back_inserter(all));
        list->clear();
    }
    assigned_ = head_;
    assigned_check_ = check_;
    assigned_rows_.clear();
    kept_texts_.clear();
    for (const auto& [name, text] : texts.all())
        text->note_failed();
    return all;
}

uint64_t Channel::acked_counter(uint64_t actor) const {
    const auto found = rows_.find(actor);
    return found == rows_.end() ? 0 : found->second.counter;
}

uint64_t Channel::acked_seq(uint64_t actor) const {
    const auto found = rows_.find(actor);
    return found == rows_.end() ? 0 : found->second.seq;
}

Channel::Resume Channel::judge(const wire::Subscribe& wanted) const {
    if (!wanted.has_after) return Resume::snapshot;
    size_t index = epochs_.size();
    for (size_t i = 0; i < epochs_.size(); ++i)
        if (epochs_[i].epoch == wanted.after_epoch) index = i;
    if (wanted.after_epoch == 0) index = epochs_.size() - 1;
    if (wanted.after == 0) return Resume::from_cursor;
    if (index == epochs_.size() || wanted.after > head_) return Resume::reset;
    // The floor is also where a channel begins anew after its deletion.
    if (index + 1 < epochs_.size() && wanted.after <= document_.floor()) return Resume::reset;
    for (size_t i = index + 1; i < epochs_.size(); ++i)
        if (wanted.after > epochs_[i].fork_seq) return Resume::reset;
    if (wanted.after < document_.floor() && config_.planted != PlantedBug::keep_floor_cursor)
        return Resume::reset;
    if (wanted.check == 0) return Resume::from_cursor;
    const auto at = std::lower_bound(
        checks_.begin(), checks_.end(), wanted.after,
        [](const std::pair<uint64_t, uint32_t>& row, uint64_t seq) { return row.first < seq; });
    if (at == checks_.end() || at->first != wanted.after) return Resume::snapshot;
    return at->second == wanted.check ? Resume::from_cursor : Resume::reset;
}

std::string Channel::encode_snapshot() {
    std::string bytes;
    base::Writer out(bytes);
    out.varint(kSnapshotVersion);
    out.varint(head_);
    out.fixed32(check_);
    encode_rows(out, rows_);
    out.sized(texts.save());
    document_.save(bytes);
    return bytes;
}

void Channel::note_snapshot(uint64_t seq) {
    snapshot_seq_ = std::max(snapshot_seq_, seq);
    log_bytes_ = 0;
}

void Channel::note_oldest(uint64_t seq) {
    oldest_seq_ = std::max(oldest_seq_, seq == 0 ? snapshot_seq_ + 1 : seq);
}

}  // namespace tandem::hub
