#include "record/partial.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "record/random_log.hpp"
#include "record/window_state.hpp"

namespace tandem::record {
namespace {

using testing::op;
using testing::open_conflicts;
using testing::path;
using testing::RandomLog;
using testing::row_text;

constexpr uint64_t kSeeds = 1'000'000'000;

Selection select(const std::vector<const char*>& texts) {
    std::vector<SelectedPart> parts;
    for (const char* text : texts)
        parts.push_back(*parse_selected(text));
    return *Selection::make(parts);
}

// Few paths of the random log, so that the parts are often there and often meet.
Selection random_selection(RandomLog& random) {
    static constexpr const char* kParts[] = {
        "a",         "b",         "c",         "a/b",    "a/b/c",    "b/a",
        "a[0:1]",    "a[0:2]",    "a[1:2]",    "a[1:3]", "b[0:1]",   "b[1:2]",
        "c[0:2]",    "[0:1]",     "[1:2]",     "@x",     "@y/a",     "@x[0:1]",
        "a/@x",      "a/@y",      "a/@x/b",    "a/@z/a", "a/b[0:1]", "a/b[1:2]",
        "a/@x[0:1]", "a/@x[1:2]", "b/@x/a",    "b/@y/c", "c/@z/a/b", "a/@x/b[0:1]",
        "a/@y/@z",   "b/a[0:2]",  "b/@x[0:2]", "c/b/@x", "a/b/@y",   "c/a[1:2]",
    };
    std::vector<const char*> texts;
    for (uint64_t count = random.below(5); count > 0; --count)
        texts.push_back(kParts[random.below(std::size(kParts))]);
    return select(texts);
}

// Written anew from the text of docs/merge.md, so that it errs in other ways than the code.
bool is_covered_plainly(const Document& document, const Selection& selection, const Path& at) {
    if (selection.is_whole()) return true;
    for (const SelectedPart& part : selection.parts()) {
        if (!part.has_window) {
            if (covers(part.path, at)) return true;
            continue;
        }
        if (part.path.size() >= at.size() || !covers(part.path, at)) continue;
        const auto items = document.items(part.path);
        for (uint64_t i = part.window.from; i < part.window.to && i < items.size(); ++i) {
            const Segment& segment = at[part.path.size()];
            if (segment.is_item() && segment.name == items[i].id) return true;
        }
    }
    return false;
}

std::string expected_conflicts(const Document& document, const Selection& selection) {
    std::vector<std::string> rows;
    for (const Row& row : document.journal(Document::Rows::open))
        if (is_covered_plainly(document, selection, row.path)) rows.push_back(row_text(row));
    std::sort(rows.begin(), rows.end());
    std::string out;
    for (const std::string& row : rows)
        out += row + "\n";
    return out;
}

bool failing(const View& view, const Document& document, const Selection& selection) {
    return base::to_json(view.shown({})) != base::to_json(document.shown_part(selection)) ||
           open_conflicts(view) != expected_conflicts(document, selection);
}

void check(const View& view, const Document& document, const Selection& selection) {
    RC_ASSERT(base::to_json(view.shown({})) == base::to_json(document.shown_part(selection)));
    RC_ASSERT(open_conflicts(view) == expected_conflicts(document, selection));
    for (const SelectedPart& part : selection.parts())
        if (part.has_window) {
            const bool is_inside = selection.covers_always(part.path);
            RC_ASSERT(!is_inside);
            RC_ASSERT(view.window(part.path) == document.items(part.path).size() ||
                      is_covered_plainly(document, selection, part.path));
        }
}

std::string text_of(const Selection& selection) {
    std::string out = "select";
    for (const SelectedPart& part : selection.parts())
        out += ' ' + to_text(part);
    return out + '\n';
}

std::string text_of(const std::vector<Change>& changes) {
    std::string out;
    for (const Change& change : changes) {
        out += name_of(change.kind);
        out += ' ' + to_text(change.path) + '\n';
    }
    return out;
}

// Printed when a property fails.
void note(const char* what, const Selection& held, const Selection& selection,
          const std::vector<Change>& changes) {
    RC_LOG() << what << '\n' << text_of(held) << text_of(selection) << text_of(changes) << "--\n";
}

void apply_all(View& view, const std::vector<Change>& changes) {
    for (const Change& change : changes)
        view.apply(change);
}

struct Follower {
    explicit Follower(Selection selection) : windows(std::move(selection)) {}
    WindowState windows;
    View live;
    std::vector<View> history{View{}};
};

// Live deliveries, differences from anywhere and snapshots lead to the same view.
RC_GTEST_PROP(Partial, DiffEqualsReplay, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, kSeeds));
    Document document;
    std::vector<std::unique_ptr<Follower>> followers;
    for (int i = 0; i < 4; ++i)
        followers.push_back(std::make_unique<Follower>(random_selection(log)));
    for (int i = 0; i < 60; ++i) {
        document.apply(log.next());
        uint64_t from = document.seq() - log.below(document.seq() + 1);
        from = std::max<uint64_t>({from, document.floor(), 1});
        for (auto& follower : followers) {
            const Selection& selection = follower->windows.selection();
            const auto changes = follower->windows.advance(document);
            View last = follower->live;
            apply_all(follower->live, changes);
            if (failing(follower->live, document, selection)) {
                note("live", selection, selection, changes);
                RC_LOG() << base::to_json(last.shown({})) << "\n";
            }
            check(follower->live, document, selection);
            apply_all(follower->live, changes);
            check(follower->live, document, selection);
            follower->history.push_back(follower->live);

            View jump = follower->history[from];
            const auto jumped = document.changes(from, selection);
            const std::string was = base::to_json(jump.shown({}));
            apply_all(jump, jumped);
            if (failing(jump, document, selection)) {
                note("jump", selection, selection, jumped);
                RC_LOG() << was << "\n";
            }
            check(jump, document, selection);

            View fresh;
            apply_all(fresh, document.changes(0, selection));
            check(fresh, document, selection);
        }
        // One follower's view becomes that of another.
        const Follower& before = *followers[log.below(followers.size())];
        const Follower& after = *followers[log.below(followers.size())];
        View changed = before.history[from];
        apply_all(changed,
                  document.changes(from, before.windows.selection(), after.windows.selection()));
        check(changed, document, after.windows.selection());
    }
}

// A difference from further back than the view brings it to the same state: catch-ups are shared.
RC_GTEST_PROP(Partial, MayBeginFurtherBack, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, kSeeds));
    Document document;
    Follower follower(random_selection(log));
    const Selection& selection = follower.windows.selection();
    for (int i = 0; i < 60; ++i) {
        document.apply(log.next());
        apply_all(follower.live, follower.windows.advance(document));
        follower.history.push_back(follower.live);
        uint64_t from = document.seq() - log.below(document.seq() + 1);
        from = std::max<uint64_t>({from, document.floor(), 1});
        const uint64_t at = from + log.below(document.seq() - from + 1);
        View later = follower.history[at];
        apply_all(later, document.changes(from, selection));
        check(later, document, selection);
    }
}

RC_GTEST_PROP(Partial, ALoadedDocumentTellsTheSame, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, kSeeds));
    Document document;
    for (int i = 0; i < 40; ++i)
        document.apply(log.next());
    std::string bytes;
    document.save(bytes);
    auto loaded = Document::load(bytes);
    RC_ASSERT(loaded.ok());
    const Selection held = random_selection(log);
    const Selection selection = random_selection(log);
    const uint64_t from = std::max<uint64_t>(document.floor(), 1 + log.below(document.seq()));
    std::string first;
    std::string second;
    encode_changes(first, document.changes(from, held, selection), nullptr);
    encode_changes(second, loaded->changes(from, held, selection), nullptr);
    RC_ASSERT(first == second);
}

struct Writer {
    Document document;
    uint64_t seq = 0;
    /// `unseen`: what the author had not seen of the log's end.
    void write(const char* text, uint64_t actor = 70'000, uint64_t unseen = 0) {
        Entry entry;
        entry.seq = ++seq;
        entry.actor = actor;
        entry.own = true;
        entry.counter = seq;
        entry.stamp = {seq, 0, entry.actor};
        Op one = op(text);
        one.seen_seq = seq - 1 - unseen;
        entry.ops.push_back(one);
        document.apply(entry);
    }
};

TEST(Partial, TellsWhatEntersAndLeavesAWindow) {
    Writer writer;
    writer.write(R"({"op":"insert","path":"l/@b","position":"b","value":{"t":1}})");
    writer.write(R"({"op":"insert","path":"l/@c","position":"c","value":{"t":2}})");
    writer.write(R"({"op":"insert","path":"l/@d","position":"d","value":{"t":3}})");
    WindowState windows(select({"l[0:2]"}));
    windows.reset(writer.document);
    writer.write(R"({"op":"insert","path":"l/@a","position":"a","value":{"t":0}})");
    EXPECT_EQ(text_of(windows.advance(writer.document)),
              "window l\nitem l/@a\nvalue l/@a/t\noutside l/@c\n");
    writer.write(R"({"op":"move","path":"l/@a","position":"e"})");
    EXPECT_EQ(text_of(windows.advance(writer.document)), "outside l/@a\nitem l/@c\nvalue l/@c/t\n");
    writer.write(R"({"op":"delete","path":"l/@b"})");
    EXPECT_EQ(text_of(windows.advance(writer.document)),
              "window l\nclear l/@b\nitem l/@d\nvalue l/@d/t\n");
    writer.write(R"({"op":"set","path":"l/@a/t","value":9})");
    EXPECT_EQ(text_of(windows.advance(writer.document)), "");
    writer.write(R"({"op":"set","path":"l/@d/t","value":9})");
    EXPECT_EQ(text_of(windows.advance(writer.document)), "value l/@d/t\n");
    EXPECT_EQ(base::to_json(writer.document.shown_part(windows.selection())),
              R"({"l":[{"id":"c","t":2},{"id":"d","t":9}]})");
}

TEST(Partial, ARowThatClosedLeavesWithWhatWasSelected) {
    Writer writer;
    writer.write(R"({"op":"insert","path":"l/@x","position":"x","value":{"t":1}})");
    writer.write(R"({"op":"insert","path":"l/@y","position":"y","value":{"t":1}})");
    writer.write(R"({"op":"set","path":"l/@x/t","value":2})");
    writer.write(R"({"op":"set","path":"l/@x/t","value":3})", 70'001, 1);
    View view;
    apply_all(view, writer.document.changes(0, select({"l/@x"})));
    ASSERT_EQ(view.conflicts().size(), 1u);
    writer.write(R"({"op":"delete","path":"l/@x"})");
    apply_all(view, writer.document.changes(4, select({"l/@x"}), select({"l/@y"})));
    EXPECT_EQ(view.conflicts().size(), 0u);
    EXPECT_EQ(base::to_json(view.shown({})), R"({"l":[{"id":"y","t":1}]})");
}

// A `counter_set` that found another generation stays open where nothing is any more.
TEST(Partial, ARowWhereNothingIsComesWithItsPart) {
    Writer writer;
    writer.write(R"({"op":"counter_set","path":"a/b/n","value":1})");
    writer.write(R"({"op":"counter_set","path":"a/b/n","value":2,"generation":[9,9],"seen":1})");
    ASSERT_EQ(writer.document.journal(Document::Rows::open).size(), 1u);
    writer.write(R"({"op":"delete","path":"a/b","base":0})");
    writer.write(R"({"op":"inc","path":"c","value":1})");
    for (const char* part : {"a/b", "a/b/n", "a"}) {
        View view;
        apply_all(view, writer.document.changes(0, select({"a/x/y", "c"})));
        apply_all(view, writer.document.changes(4, select({"a/x/y", "c"}), select({part})));
        EXPECT_EQ(open_conflicts(view), expected_conflicts(writer.document, select({part})))
            << part;
        apply_all(view, writer.document.changes(4, select({part}), select({"a/x/y", "c"})));
        EXPECT_EQ(open_conflicts(view), "") << part;
    }
}

TEST(Partial, AScrolledWindowCostsWhatIsNew) {
    Writer writer;
    for (char c = 'a'; c <= 'f'; ++c) {
        const std::string id(1, c);
        writer.write(
            (R"({"op":"insert","path":"l/@)" + id + R"(","position":")" + id + "\"}").c_str());
    }
    EXPECT_EQ(text_of(writer.document.changes(6, select({"l[0:3]"}), select({"l[1:4]"}))),
              "outside l/@a\nitem l/@d\n");
    EXPECT_EQ(text_of(writer.document.changes(6, select({"k"}), select({"k", "l[1:2]"}))),
              "window l\nitem l/@b\n");
    EXPECT_EQ(text_of(writer.document.changes(6, select({"l[1:2]"}), select({"k"}))),
              "outside l\n");
    EXPECT_EQ(text_of(writer.document.changes(6, select({"l[1:2]"}))), "");
}

}  // namespace
}  // namespace tandem::record
