#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "record/change.hpp"
#include "record/hash_tree.hpp"
#include "record/op.hpp"
#include "record/selection.hpp"

namespace tandem::record {

class WindowState;
/// What the windows of one list hold.
struct WindowList {
    std::set<std::string, std::less<>> ids;
    uint64_t count = 0;      ///< items of the whole list
    uint64_t order_seq = 0;  ///< as of which entry
    bool is_shown = false;
};

/// What a counter looks like to someone about to write it.
struct CounterView {
    bool exists = false;
    int64_t value = 0;
    Dot generation;
};

struct Sibling {
    base::Value value;
    Dot dot;
    uint64_t seq = 0;
    clock::Stamp stamp;
};

/// The record facet of one channel: a pure function of the entries applied, in order
/// (docs/merge.md). Memory: proportional to the live fields plus tombstones above the floor.
class Document {
  public:
    Document();
    ~Document();
    Document(Document&&) noexcept;
    Document& operator=(Document&&) noexcept;

    /// Total: never fails, whatever the ops say. `entry.seq` must be above the last one's.
    void apply(const Entry& entry);

    uint64_t seq() const;
    uint64_t floor() const;

    /// Shown JSON at a path; null kind with `exists` false when there is nothing.
    bool exists(const Path& path) const;
    base::Value shown(const Path& path) const;
    /// True when something is kept at the path, even if it is removed and not shown.
    bool is_kept(const Path& path) const;
    Kind shown_kind(const Path& path) const;
    /// Kinds that hold something at the path; the one that is shown hides the others.
    size_t kinds_held(const Path& path) const;
    /// Highest seq that changed anything at or below the path (0: never), for conditional writes.
    uint64_t changed_seq(const Path& path) const;
    CounterView counter(const Path& path) const;
    std::vector<Sibling> siblings(const Path& path) const;
    /// Of the register at a path.
    Resolver resolver(const Path& path) const;
    /// Ids of the visible items of the list at a path, in the order shown.
    struct ItemView {
        std::string id;
        std::string position;
        bool has_position = false;
    };
    std::vector<ItemView> items(const Path& list) const;
    /// Where an item stands among those of its list; empty when nothing says so.
    std::string position(const Path& item) const;

    /// Absolute changes that bring a view at any seq in [from, seq()] to seq(). Needs from == 0
    /// or from >= floor().
    std::vector<Change> changes(uint64_t from) const;
    /// The same for a view selected by `held`, which becomes one selected by `select`
    /// (docs/merge.md, section 9). From 0 the view holds nothing, whatever `held` says.
    std::vector<Change> changes(uint64_t from, const Selection& held,
                                const Selection& select) const;
    std::vector<Change> changes(uint64_t from, const Selection& select) const {
        return changes(from, select, select);
    }
    /// Of the entries after the state's seq. Called by `WindowState::advance`.
    std::vector<Change> changes(const WindowState& windows) const;
    void read_windows(const Path& list, const std::vector<Window>& windows, WindowList& out) const;
    /// What a view selected so shows.
    base::Value shown_part(const Selection& select) const;
    bool is_covered(const Selection& select, const Path& path) const;

    /// Rows of the journal, open ones first if `only_open` is false; ordered by (seq, path).
    enum class Rows : uint8_t { open, all };
    std::vector<Row> journal(Rows which) const;

    /// 128 bits over canonical siblings (dots, values, stamps; never seq), as 32 hex digits: the
    /// root of a tree of hashes that is built at the first call. Later ones look at what changed
    /// since the last one only.
    std::string hash() const;
    /// A subtree of that tree, for comparing with another replica (hash_compare.hpp).
    Subtree hashes_below(std::string_view prefix) const;
    /// How many SHA-256 this record has computed, for metrics.
    uint64_t hashes_computed() const;
    /// The field whose path has the given hash, if it holds something.
    struct FieldView {
        Path path;
        Kind kind = Kind::none;
        base::Value value;   ///< as shown, null when the kind is none
        clock::Stamp stamp;  ///< of the winner of a register or position; else zero
        bool is_item = false;
        std::string position;
    };
    std::optional<FieldView> field_of(const Digest& key) const;

    /// Rough bytes held, for limits and metrics.
    size_t bytes() const;
    size_t fields() const;

    /// The whole state in a form that `load` reads back exactly (snapshots at rest).
    void save(std::string& out) const;
    [[nodiscard]] static base::Result<Document> load(std::string_view bytes);

    /// The tree and the journal; defined in document_impl.hpp, for this folder alone.
    struct Impl;

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::record
