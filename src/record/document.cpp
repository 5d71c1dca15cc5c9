#include "record/document.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "record/apply.hpp"
#include "record/document_impl.hpp"
#include "record/partial.hpp"
#include "record/resolver.hpp"
#include "record/window_state.hpp"

namespace tandem::record {

namespace {

const Node* step(const Node& node, const Segment& segment) {
    if (segment.is_item()) return node.list ? node.list->find(segment.name) : nullptr;
    return node.map ? node.map->find(segment.name) : nullptr;
}

}  // namespace

const Node* Document::Impl::find(const Path& path) const {
    const Node* node = &root;
    for (const Segment& segment : path) {
        node = step(*node, segment);
        if (node == nullptr) return nullptr;
    }
    return node;
}

const Node* Document::Impl::find_shown(const Path& path) const {
    const Node* node = &root;
    for (const Segment& segment : path) {
        if (node->shown != (segment.is_item() ? Kind::list : Kind::map)) return nullptr;
        node = step(*node, segment);
        if (node == nullptr) return nullptr;
        if (node->is_item && !as_item(*node).is_visible()) return nullptr;
    }
    // The root and a visible item exist even when they hold nothing.
    bool is_there = node->shown != Kind::none || node->is_item || node == &root;
    return is_there ? node : nullptr;
}

Document::Document() : impl_(std::make_unique<Impl>()) {}
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;

void Document::apply(const Entry& entry) {
    TANDEM_ASSERT(entry.seq > impl_->seq);
    Applier(*impl_, entry).run();
}

uint64_t Document::seq() const { return impl_->seq; }
uint64_t Document::floor() const { return impl_->floor; }

bool Document::exists(const Path& path) const { return impl_->find_shown(path) != nullptr; }

bool Document::is_kept(const Path& path) const { return impl_->find(path) != nullptr; }

base::Value Document::shown(const Path& path) const {
    const Node* node = impl_->find_shown(path);
    return node == nullptr ? base::Value() : shown_node(*node);
}

Kind Document::shown_kind(const Path& path) const {
    const Node* node = impl_->find_shown(path);
    return node == nullptr ? Kind::none : node->shown;
}

size_t Document::kinds_held(const Path& path) const {
    const Node* node = impl_->find(path);
    return node == nullptr ? 0 : node->live_slots();
}

uint64_t Document::changed_seq(const Path& path) const {
    const Node* node = &impl_->root;
    // What is above decides whether the path is shown at all.
    uint64_t highest = 0;
    uint64_t emptied = 0;
    for (const Segment& segment : path) {
        highest = std::max({highest, node->flip_seq, node->leaf_seq});
        emptied = std::max(emptied, node->tomb_seq);
        node = step(*node, segment);
        // What is not known was there before the floor or never, so that it did not go with what
        // is above.
        if (node == nullptr) return std::max(highest, std::min(emptied, floor()));
        if (node->is_item) {
            highest = std::max({highest, as_item(*node).visible_seq, as_item(*node).removed_seq});
        }
    }
    return std::max({highest, emptied, node->max_seq});
}

CounterView Document::counter(const Path& path) const {
    const Node* node = impl_->find(path);
    if (node == nullptr || !node->is_live(Kind::counter)) return {};
    return {true, node->counter->value, node->counter->generation};
}

Resolver Document::resolver(const Path& path) const {
    const Node* node = impl_->find(path);
    return node == nullptr ? Resolver{} : node->resolver;
}

std::vector<Sibling> Document::siblings(const Path& path) const {
    const Node* node = impl_->find(path);
    if (node == nullptr) return {};
    std::vector<Sibling> out = node->siblings;
    std::sort(out.begin(), out.end(),
              [](const Sibling& a, const Sibling& b) { return ranks_below(b, a); });
    return out;
}

std::vector<Document::ItemView> Document::items(const Path& list) const {
    std::vector<ItemView> out;
    const Node* node = impl_->find_shown(list);
    if (node == nullptr || node->shown != Kind::list) return out;
    for (const Item* item : node->list->ordered()) {
        ItemView& view = out.emplace_back();
        view.id = item->name;
        view.has_position = !item->positions.empty();
        if (view.has_position) view.position = winner(item->positions).value.as_string();
    }
    return out;
}

std::string Document::position(const Path& item) const {
    const Node* node = impl_->find(item);
    if (node == nullptr || !node->is_item) return {};
    const auto& positions = as_item(*node).positions;
    return positions.empty() ? std::string() : winner(positions).value.as_string();
}

std::vector<Change> Document::changes(uint64_t from) const { return diff(*impl_, from); }

std::vector<Change> Document::changes(uint64_t from, const Selection& held,
                                      const Selection& select) const {
    if (select.is_whole() && (from == 0 || held.is_whole())) return diff(*impl_, from);
    return partial_diff(*impl_, {from, from == 0 ? select : held, select, nullptr});
}

std::vector<Change> Document::changes(const WindowState& windows) const {
    const Selection& select = windows.selection();
    if (select.is_whole()) return diff(*impl_, windows.seq());
    return partial_diff(*impl_, {windows.seq(), select, select, &windows});
}

void Document::read_windows(const Path& list, const std::vector<Window>& windows,
                            WindowList& out) const {
    const Node* node = impl_->find_shown(list);
    if (node == nullptr || node->shown != Kind::list) {
        out = WindowList{};
        return;
    }
    if (out.is_shown && out.order_seq == node->list->order_seq) return;
    out.is_shown = true;
    out.order_seq = node->list->order_seq;
    out.count = node->list->visible;
    out.ids.clear();
    for_windows(*node->list, windows, [&](const Item& item) { out.ids.insert(item.name); });
}

base::Value Document::shown_part(const Selection& select) const {
    return shown_selected(*impl_, select);
}

bool Document::is_covered(const Selection& select, const Path& path) const {
    return record::is_covered(*impl_, select, path);
}

std::vector<Row> Document::journal(Rows which) const {
    return impl_->journal.rows(which == Rows::open);
}

HashTree& Document::Impl::hash_tree() const {
    if (!hashes) hashes = std::make_unique<RecordHashes>();
    update(*hashes, root, seq);
    return hashes->tree;
}

std::string Document::hash() const { return to_hex(impl_->hash_tree().root()); }

Subtree Document::hashes_below(std::string_view prefix) const {
    return impl_->hash_tree().look(prefix);
}

uint64_t Document::hashes_computed() const {
    return impl_->hashes ? impl_->hashes->tree.hashes() : 0;
}

std::optional<Document::FieldView> Document::field_of(const Digest& key) const {
    const Node* node = impl_->hash_tree().find(key);
    if (node == nullptr) return std::nullopt;
    FieldView view;
    view.path = node->path();
    view.kind = node->shown;
    if (node->shown != Kind::none) view.value = shown_node(*node);
    if (node->shown == Kind::reg) view.stamp = winner(node->siblings).stamp;
    if (node->is_item) {
        const Item& item = as_item(*node);
        view.is_item = true;
        if (!item.positions.empty()) {
            const Sibling& position = winner(item.positions);
            view.position = position.value.as_string();
            view.stamp = std::max(view.stamp, position.stamp);
        }
    }
    return view;
}

size_t Document::bytes() const { return sizeof(Impl) + impl_->bytes + impl_->journal.bytes(); }
size_t Document::fields() const { return impl_->fields; }

void Document::save(std::string& out) const { save_document(out, *impl_); }

base::Result<Document> Document::load(std::string_view bytes) {
    Document document;
    TANDEM_CHECK(load_document(*document.impl_, bytes));
    return document;
}

}  // namespace tandem::record
