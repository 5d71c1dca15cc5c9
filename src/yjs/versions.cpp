#include "yjs/versions.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/value.hpp"
#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"
#include "yjs/undo_manager.hpp"
#include "yjs/utf16.hpp"

namespace tandem::yjs {

namespace {

constexpr uint64_t kSince = 1;

struct Insertion {
    uint64_t client = 0;
    uint32_t len = 0;
};

class Difference {
  public:
    Difference(const Store& store, StateVector before)
        : store_(store), before_(std::move(before)) {}

    void add(BranchIndex root, const Event& event, const std::vector<PathStep>& path) {
        if (event.delta.empty() && event.keys.empty()) return;
        out_ += out_.empty() ? "{\"root\":" : ",{\"root\":";
        base::append_json_string(out_, store_.names().at(store_.branch(root).name));
        out_ += ",\"path\":";
        append_path_json(path, out_);
        if (!event.delta.empty()) add_delta(event);
        if (!event.keys.empty()) add_keys(event);
        out_ += '}';
    }
    std::string take() { return '[' + std::move(out_) + ']'; }

  private:
    uint32_t known_of(uint64_t client) const {
        const auto found = before_.find(client);
        return found == before_.end() ? 0 : found->second;
    }

    // What is visible of a list and was not there before, in its order.
    std::vector<Insertion> insertions_of(BranchIndex list) const {
        std::vector<Insertion> out;
        for (Handle at = store_.branch(list).start; at != 0; at = store_.item(at).right) {
            const Item& item = store_.item(at);
            const uint64_t client = store_.clients()[item.client].id;
            const uint32_t from = std::max(item.clock, known_of(client));
            if (item.visible() == 0 || from >= item.end()) continue;
            const uint32_t len = item.end() - from;
            if (!out.empty() && out.back().client == client)
                out.back().len += len;
            else
                out.push_back({client, len});
        }
        return out;
    }

    // Parts the insertions of a delta by client.
    static std::vector<DeltaOp> parted(const Event& event, std::vector<Insertion> insertions,
                                       std::vector<uint64_t>& by) {
        std::vector<DeltaOp> out;
        auto next = insertions.begin();
        for (const DeltaOp& op : event.delta) {
            if (op.action != DeltaOp::Action::insert) {
                out.push_back(op);
                continue;
            }
            const bool is_string = event.is_text && op.values.empty();
            std::string_view text = op.text;
            size_t value = 0;
            uint32_t left = is_string ? static_cast<uint32_t>(utf16_length(text))
                                      : static_cast<uint32_t>(op.values.size());
            while (left > 0 && next != insertions.end()) {
                const uint32_t len = std::min(left, next->len);
                DeltaOp part;
                part.action = op.action;
                part.attributes = op.attributes;
                if (is_string) {
                    const size_t bytes = len == left ? text.size() : utf16_cut(text, len).offset;
                    part.text = text.substr(0, bytes);
                    text.remove_prefix(bytes);
                } else {
                    part.values.assign(
                        op.values.begin() + static_cast<std::ptrdiff_t>(value),
                        op.values.begin() + static_cast<std::ptrdiff_t>(value + len));
                    value += len;
                }
                out.push_back(std::move(part));
                by.push_back(next->client);
                left -= len;
                next->len -= len;
                if (next->len == 0) ++next;
            }
        }
        return out;
    }

    void add_delta(const Event& event) {
        std::vector<uint64_t> by;
        const auto delta = parted(event, insertions_of(event.target), by);
        out_ += ",\"delta\":";
        append_delta_json(delta, event.is_text, out_);
        out_ += ",\"by\":[";
        for (size_t i = 0; i < by.size(); ++i)
            out_ += (i > 0 ? "," : "") + std::to_string(by[i]);
        out_ += ']';
    }

    void add_keys(const Event& event) {
        out_ += ",\"keys\":";
        append_keys_json(event.keys, out_);
        out_ += ",\"keys_by\":{";
        const char* separator = "";
        const Branch& map = store_.branch(event.target);
        if (map.map == nullptr) {
            out_ += '}';
            return;
        }
        for (const MapEntries::Entry& entry : map.map->entries()) {
            const Item& item = store_.item(entry.last);
            const std::string_view name = store_.names().at(entry.key);
            const bool is_changed =
                std::any_of(event.keys.begin(), event.keys.end(), [&](const KeyChange& change) {
                    return change.key == name && change.action != KeyChange::Action::remove;
                });
            if (!is_changed || item.is_deleted()) continue;
            out_ += separator;
            base::append_json_string(out_, name);
            out_ += ':' + std::to_string(store_.clients()[item.client].id);
            separator = ",";
        }
        out_ += '}';
    }

    const Store& store_;
    StateVector before_;
    std::string out_;
};

// What a shared type shows, so that two are equal when they show the same, formats and order of
// texts included, whichever items that comes from.
class Shown {
  public:
    explicit Shown(const Store& store, size_t depth = 0) : store_(store), depth_(depth) {}

    void add_roots() {
        std::vector<std::pair<std::string_view, BranchIndex>> roots;
        for (const BranchIndex root : store_.roots())
            roots.emplace_back(store_.names().at(store_.branch(root).name), root);
        std::sort(roots.begin(), roots.end());
        for (const auto& [name, root] : roots) {
            Shown one(store_);
            one.add(root);
            // One that shows nothing may as well not be there.
            if (one.out_ != kNothing) out_ += sized(name) + sized(one.out_);
        }
    }
    const std::string& bytes() const { return out_; }

  private:
    // No byte of UTF-8.
    static constexpr size_t kDepthMax = 200;
    static constexpr char kMark = '\xFF';
    static constexpr std::string_view kNothing = "\xFF{";

    static std::string sized(std::string_view bytes) {
        return std::to_string(bytes.size()) + ':' + std::string(bytes);
    }

    void add(BranchIndex branch) {
        std::map<std::string_view, std::string_view> formats;
        std::string last;
        for (Handle at = store_.branch(branch).start; at != 0; at = store_.item(at).right) {
            const Item& item = store_.item(at);
            if (item.is_deleted()) continue;
            if (item.kind == Kind::format) {
                const std::string_view value = store_.format_value(item);
                const std::string_view name = store_.names().at(store_.format_name(item));
                if (value == kAnyNull)
                    formats.erase(name);
                else
                    formats[name] = value;
                continue;
            }
            if (!item.is_countable()) continue;
            std::string now;
            for (const auto& [name, value] : formats)
                now += sized(name) + sized(value);
            if (now != last) out_ += kMark + sized(now);
            last = std::move(now);
            add(item);
        }
        out_ += kNothing;
        const Branch& map = store_.branch(branch);
        if (map.map == nullptr) return;
        std::map<std::string_view, Handle> values;
        for (const MapEntries::Entry& entry : map.map->entries())
            if (!store_.item(entry.last).is_deleted())
                values.emplace(store_.names().at(entry.key), entry.last);
        for (const auto& [key, value] : values) {
            out_ += sized(key);
            add(store_.item(value));
        }
    }
    void add(const Item& item) {
        const Content content = store_.content_of(item);
        if (item.kind == Kind::type) {
            Shown inner(store_, depth_ + 1);
            // What is nested deeper than anybody shows it is only equal to itself.
            if (depth_ < kDepthMax)
                inner.add(item.content);
            else
                inner.out_ =
                    std::to_string(store_.id_of(item).client) + '/' + std::to_string(item.clock);
            out_ += kMark + std::to_string(static_cast<int>(content.type)) + sized(content.name) +
                    sized(inner.out_);
            return;
        }
        // Texts and values run on, wherever their items are cut.
        if (item.kind == Kind::string) {
            out_ += content.body;
            return;
        }
        if (item.kind == Kind::any) {
            each_any(content.body, item.len, false,
                     [this](std::string_view value) { out_ += kMark + sized(value); });
            return;
        }
        out_ += kMark + std::to_string(static_cast<int>(item.kind)) + sized(content.name) +
                sized(content.body);
    }

    const Store& store_;
    size_t depth_;
    std::string out_;
};

base::Result<std::string> shown_of(std::string_view state) {
    Document document;
    TANDEM_CHECK(document.apply(state));
    Shown shown(document.store());
    shown.add_roots();
    return shown.bytes();
}

// Gives the roots the kinds that they show in `document`.
void name_roots(Document& document, const Document& shown) {
    const Store& store = shown.store();
    for (const BranchIndex root : store.roots()) {
        const TypeKind kind = shown_kind(store, root);
        if (kind != TypeKind::unknown)
            document.root(store.names().at(store.branch(root).name), kind);
    }
}

}  // namespace

base::Result<std::string> difference_json(std::string_view from, std::string_view to) {
    DocumentOptions options;
    options.collects = false;
    Document document(options);
    TANDEM_CHECK(document.apply(from));
    {
        // What a root is may show only later, or have shown only before.
        Document after;
        TANDEM_CHECK(after.apply(to));
        name_roots(document, after);
        Document before;
        TANDEM_CHECK(before.apply(from));
        const uint64_t most = repeated_format_bytes_max(from.size() + to.size());
        if (repeated_format_bytes(after.store()) + repeated_format_bytes(before.store()) > most)
            return base::fail(base::ErrorCode::too_large, most);
        for (const BranchIndex root : before.store().roots()) {
            const std::string name(before.store().names().at(before.store().branch(root).name));
            const BranchIndex known = after.store().find_root(name);
            if (known != 0 && shown_kind(after.store(), known) != TypeKind::unknown) continue;
            const TypeKind kind = shown_kind(before.store(), root);
            if (kind != TypeKind::unknown) document.root(name, kind);
        }
    }
    const Few<BranchIndex> roots = document.store().roots();
    for (const BranchIndex root : roots)
        document.observe_deep(root);
    Difference difference(document.store(), document.state_vector());
    TANDEM_CHECK(document.apply(to));
    for (const Notice& notice : document.events().notices)
        for (const Notice::Seen& seen : notice.seen)
            difference.add(notice.observed, document.events().events[seen.event], seen.path);
    return difference.take();
}

base::Result<std::string> revert_update(std::string_view head, std::string_view then,
                                        uint64_t client) {
    // What was brought back before are copies, which need not be made again.
    TANDEM_TRY(const std::string is, shown_of(head));
    TANDEM_TRY(const std::string was, shown_of(then));
    if (is == was) return std::string();
    DocumentOptions options;
    options.client = client;
    options.collects = false;
    Document document(options);
    TANDEM_CHECK(document.apply(then));
    UndoOptions undo;
    undo.now_ms = [] { return uint64_t{1}; };
    undo.tracked_origins = {kSince};
    undo.ignores_remote_map_changes = true;
    undo.takes_whole_document = true;
    UndoManager manager(document, {}, undo);
    TANDEM_CHECK(document.apply(head, Encoding::v1, kSince));
    if (!manager.undo()) return std::string();
    Buffer update;
    if (!document.write_last_update(update)) return std::string();
    return update.str();
}

}  // namespace tandem::yjs
