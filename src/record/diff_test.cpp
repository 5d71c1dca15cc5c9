#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "record/random_log.hpp"

namespace tandem::record {
namespace {

using testing::everything;
using testing::open_conflicts;
using testing::RandomLog;

std::string shown(const View& view) { return base::to_json(view.shown({})); }
std::string shown(const Document& document) { return base::to_json(document.shown({})); }

void apply_all(View& view, const std::vector<Change>& changes) {
    for (const Change& change : changes)
        view.apply(change);
}

constexpr uint64_t kSeeds = 1'000'000'000;

// A view fed entry by entry, a view that jumps, and one built from nothing show what the document
// does.
RC_GTEST_PROP(Diff, EqualsReplay, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, kSeeds));
    Document document;
    View live;
    std::vector<View> history{live};
    for (int i = 0; i < 50; ++i) {
        Entry entry = log.next();
        document.apply(entry);
        std::vector<Change> changes = document.changes(entry.seq - 1);
        apply_all(live, changes);
        RC_ASSERT(shown(live) == shown(document));
        RC_ASSERT(open_conflicts(live) == open_conflicts(document));
        apply_all(live, changes);
        RC_ASSERT(shown(live) == shown(document));
        history.push_back(live);

        uint64_t from = document.seq() - log.below(document.seq() + 1);
        if (from == 0 || from < document.floor()) from = document.floor();
        if (from == 0) from = 1;
        View jump = history[from];
        apply_all(jump, document.changes(from));
        RC_ASSERT(shown(jump) == shown(document));
        RC_ASSERT(open_conflicts(jump) == open_conflicts(document));

        // A diff from further back than the view brings it to the same state.
        uint64_t at = from + log.below(document.seq() - from + 1);
        View later = history[at];
        apply_all(later, document.changes(from));
        RC_ASSERT(shown(later) == shown(document));
        RC_ASSERT(open_conflicts(later) == open_conflicts(document));

        View fresh;
        apply_all(fresh, document.changes(0));
        RC_ASSERT(shown(fresh) == shown(document));
        RC_ASSERT(open_conflicts(fresh) == open_conflicts(document));
    }
}

RC_GTEST_PROP(Diff, SurvivesTheCodecs, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, kSeeds));
    Document document;
    for (int i = 0; i < 40; ++i) {
        Entry entry = log.next();
        std::string ops;
        encode_ops(ops, entry.ops, Form::logged);
        auto decoded = decode_ops(ops, Form::logged);
        bool is_sensible = std::all_of(entry.ops.begin(), entry.ops.end(),
                                       [](const Op& op) { return check_op(op).ok(); });
        RC_ASSERT(decoded.ok() == is_sensible);
        if (decoded.ok()) {
            std::string again;
            encode_ops(again, *decoded, Form::logged);
            RC_ASSERT(again == ops);
            entry.ops = *decoded;
        }
        for (const Op& op : entry.ops) {
            if (!check_op(op).ok()) continue;
            std::string text;
            append_op_json(text, op, Form::logged);
            auto parsed = op_from_json(testing::json(text));
            RC_ASSERT(parsed.ok());
            parsed->seen_seq = parsed->base.seq;
            std::string text_again;
            append_op_json(text_again, *parsed, Form::logged);
            RC_ASSERT(text_again == text);
        }
        document.apply(entry);
    }
    View direct;
    View by_bytes;
    View by_text;
    std::vector<Change> changes = document.changes(0);
    apply_all(direct, changes);
    std::string bytes;
    encode_changes(bytes, changes, nullptr);
    auto decoded = decode_changes(bytes, nullptr);
    RC_ASSERT(decoded.ok());
    apply_all(by_bytes, *decoded);
    for (const Change& change : changes) {
        std::string text;
        append_change_json(text, change);
        auto parsed = change_from_json(testing::json(text));
        RC_ASSERT(parsed.ok());
        by_text.apply(*parsed);
    }
    RC_ASSERT(shown(by_bytes) == shown(direct));
    RC_ASSERT(shown(by_text) == shown(direct));
    RC_ASSERT(open_conflicts(by_bytes) == open_conflicts(direct));
    RC_ASSERT(open_conflicts(by_text) == open_conflicts(direct));
}

RC_GTEST_PROP(Snapshot, GoesOnAsIfNeverSaved, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, kSeeds));
    Document document;
    for (uint64_t i = log.below(60); i > 0; --i)
        document.apply(log.next());
    std::string bytes;
    document.save(bytes);
    auto loaded = Document::load(bytes);
    RC_ASSERT(loaded.ok());
    std::string again;
    loaded->save(again);
    RC_ASSERT(again == bytes);
    RC_ASSERT(everything(*loaded) == everything(document));
    for (int i = 0; i < 30; ++i) {
        Entry entry = log.next();
        document.apply(entry);
        loaded->apply(entry);
        RC_ASSERT(everything(*loaded) == everything(document));
        for (int k = 0; k < 3; ++k) {
            uint64_t from = document.seq() - log.below(document.seq() - document.floor() + 1);
            std::string ours;
            std::string theirs;
            encode_changes(ours, document.changes(from), nullptr);
            encode_changes(theirs, loaded->changes(from), nullptr);
            RC_ASSERT(ours == theirs);
        }
    }
}

RC_GTEST_PROP(Snapshot, RefusesOrReadsDamage, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, kSeeds));
    Document document;
    for (int i = 0; i < 20; ++i)
        document.apply(log.next());
    std::string bytes;
    document.save(bytes);
    for (int i = 0; i < 20; ++i) {
        std::string damaged = bytes;
        damaged[log.below(bytes.size())] = static_cast<char>(log.below(256));
        if (log.one_in(4)) damaged.resize(log.below(bytes.size()));
        auto loaded = Document::load(damaged);
        if (!loaded.ok()) continue;
        (void)everything(*loaded);
        Entry entry = log.next();
        entry.seq = loaded->seq() + 1;
        if (entry.seq != 0) loaded->apply(entry);
        (void)loaded->changes(loaded->floor());
    }
}

// Entries that saw nothing of each other show the same in either order.
RC_GTEST_PROP(Laws, ConcurrentEntriesCommute, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, kSeeds));
    std::vector<Entry> entries;
    for (uint64_t actor = 1; actor <= 3; ++actor) {
        Entry entry;
        entry.actor = actor;
        entry.counter = 1;
        entry.stamp = {1000 + log.below(3), 0, actor};
        Op set = testing::op(R"({"op":"set","path":"r","value":0})");
        set.value = base::Value(static_cast<double>(log.below(5)));
        Op inc = testing::op(R"({"op":"inc","path":"n","value":0})");
        inc.value = base::Value(static_cast<double>(log.below(5)));
        Op add = testing::op(R"({"op":"add","path":"s","value":0})");
        add.value = base::Value(static_cast<double>(log.below(3)));
        entry.ops = {set, inc, add};
        entries.push_back(entry);
    }
    std::string first;
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.actor < b.actor; });
    do {
        Document document;
        for (Entry entry : entries) {
            entry.seq = document.seq() + 1;
            document.apply(entry);
        }
        if (first.empty()) first = shown(document);
        RC_ASSERT(shown(document) == first);
    } while (std::next_permutation(entries.begin(), entries.end(),
                                   [](const auto& a, const auto& b) { return a.actor < b.actor; }));
}

// Who sees all there is and writes alone is never told of a conflict. (A removal inside an item
// that is gone brings the item back, so that only what is there is removed.)
RC_GTEST_PROP(Laws, OwnWritesOpenNoRow, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, kSeeds));
    Document document;
    for (int i = 0; i < 40; ++i) {
        Entry entry = log.next();
        entry.actor = 5;
        entry.counter = static_cast<uint64_t>(i) + 1;
        entry.own = true;
        if (entry.ops.size() > 1) entry.ops.resize(1);
        std::erase_if(entry.ops, [&](const Op& op) {
            bool is_removal = op.kind == OpKind::remove_node || op.kind == OpKind::remove ||
                              op.kind == OpKind::move;
            return op.kind == OpKind::counter_set || (is_removal && !document.exists(op.path));
        });
        document.apply(entry);
        RC_ASSERT(open_conflicts(document) == "");
    }
}

RC_GTEST_PROP(Codecs, RandomBytesNeverCrash, (const std::string& bytes)) {
    auto ops = decode_ops(bytes, Form::pushed);
    if (ops.ok()) {
        std::string out;
        encode_ops(out, *ops, Form::pushed);
        auto again = decode_ops(out, Form::pushed);
        RC_ASSERT(again.ok());
        RC_ASSERT(again->size() == ops->size());
    }
    auto changes = decode_changes(bytes, nullptr);
    if (changes.ok()) {
        View view;
        apply_all(view, *changes);
    }
    (void)Document::load(bytes);
    (void)decode_path(bytes);
}

}  // namespace
}  // namespace tandem::record
