#include <algorithm>

#include "base/limits.hpp"
#include "record/document_impl.hpp"
#include "record/text3.hpp"

namespace tandem::record {

namespace {

using base::ErrorCode;
using base::fail;

constexpr uint8_t kVersion = 3;
// The oldest version that is still read.
constexpr uint8_t kVersionMin = 2;
// A path of an op may end in an object that nests as deep again.
constexpr size_t kDepthMax = base::kPathKeysMax + base::kValueDepthMax + 2;

// Which slots follow a node's head.
constexpr uint64_t kHasSiblings = 1;
constexpr uint64_t kHasCounter = 2;
constexpr uint64_t kHasSet = 4;
constexpr uint64_t kHasList = 8;
constexpr uint64_t kHasMap = 16;
constexpr uint64_t kHasTexts = 32;  ///< since version 3; what a text3 register is merged on
constexpr uint64_t kHasRemovedCounter = 64;  ///< since version 3; with kHasCounter
constexpr uint64_t kSlotsMax = 127;
constexpr uint64_t kSlotsMaxOfVersion2 = 31;

class Saver {
  public:
    explicit Saver(std::string& out) : writer_(out) {}

    void document(const Document::Impl& document) {
        writer_.u8(kVersion);
        writer_.varint(document.seq);
        writer_.varint(document.floor);
        node(document.root);
        std::vector<Row> rows = document.journal.rows(false);
        writer_.varint(rows.size());
        for (const Row& each : rows)
            row(each);
    }

  private:
    void value(const base::Value& value) {
        scratch_.clear();
        base::encode_value(scratch_, value);
        writer_.sized(scratch_);
    }
    void dot(const Dot& dot) {
        writer_.varint(dot.actor);
        writer_.varint(dot.counter);
    }
    void stamp(const clock::Stamp& stamp) {
        writer_.varint(stamp.ms);
        writer_.varint(stamp.logical);
        writer_.varint(stamp.actor);
    }
    void dots(const Dots& dots) {
        writer_.varint(dots.size());
        for (const Tag& tag : dots) {
            writer_.varint(tag.seq);
            writer_.varint(tag.actor);
            writer_.varint(tag.counter);
        }
    }
    void siblings(const std::vector<Sibling>& siblings) {
        writer_.varint(siblings.size());
        for (const Sibling& sibling : siblings) {
            value(sibling.value);
            dot(sibling.dot);
            writer_.varint(sibling.seq);
            stamp(sibling.stamp);
        }
    }
    void texts(const Blending& blending) {
        writer_.varint(blending.versions.size());
        for (const TextVersion& version : blending.versions) {
            writer_.varint(version.seq);
            writer_.sized(version.text);
        }
        writer_.varint(blending.bases.size());
        for (const SiblingBase& written : blending.bases) {
            writer_.varint(written.seq);
            writer_.varint(written.base);
        }
    }
    void row(const Row& row) {
        scratch_.clear();
        encode_path(scratch_, row.path);
        writer_.sized(scratch_);
        writer_.u8(static_cast<uint8_t>(row.reason));
        dot(row.dot);
        writer_.varint(row.loser_seq);
        value(row.value);
        stamp(row.stamp);
        writer_.varint(row.seq);
        writer_.varint(row.closed_seq);
        dot(row.decided_by);
    }
    void node(const Node& node) {
        writer_.varint(node.max_seq);
        writer_.varint(node.flip_seq);
        writer_.varint(node.tomb_seq);
        writer_.varint(node.leaf_seq);
        writer_.u8(static_cast<uint8_t>(node.declared));
        writer_.u8(static_cast<uint8_t>(node.resolver));
        writer_.varint((node.siblings.empty() ? 0 : kHasSiblings) |
                       (node.counter ? kHasCounter : 0) | (node.set ? kHasSet : 0) |
                       (node.list ? kHasList : 0) | (node.map ? kHasMap : 0) |
                       (node.resolver == Resolver::text3 ? kHasTexts : 0) |
                       (node.counter && node.counter->is_removed() ? kHasRemovedCounter : 0));
        if (!node.siblings.empty()) siblings(node.siblings);
        if (node.resolver == Resolver::text3) texts(*node.blending);
        if (node.counter) {
            writer_.zigzag(node.counter->value);
            dot(node.counter->generation);
            writer_.u8(static_cast<uint8_t>(node.counter->origin));
            dots(node.counter->touched);
            if (node.counter->is_removed()) {
                writer_.varint(node.counter->removed_seq);
                dots(node.counter->removed);
            }
        }
        if (node.set) {
            writer_.varint(node.set->elements.size());
            for (const auto& element : node.set->elements) {
                writer_.sized(element->bytes);
                dots(element->dots);
                writer_.varint(element->seq);
            }
        }
        if (node.list) {
            writer_.varint(node.list->items.size());
            for (const auto& item : node.list->items) {
                writer_.sized(item->name);
                dots(item->existence);
                siblings(item->positions);
                writer_.varint(item->removed_seq);
                writer_.varint(item->visible_seq);
                writer_.varint(item->moved_seq);
                this->node(*item);
            }
        }
        if (node.map) {
            dots(node.map->marker);
            writer_.varint(node.map->children.size());
            for (const auto& child : node.map->children) {
                writer_.sized(child->name);
                this->node(*child);
            }
        }
    }

    base::Writer writer_;
    std::string scratch_;
};

class Loader {
  public:
    Loader(Document::Impl& document, std::string_view bytes)
        : document_(document), reader_(bytes) {}

    base::Result<void> run() {
        TANDEM_TRY(uint8_t version, reader_.u8());
        if (version < kVersionMin || version > kVersion) return ErrorCode::unsupported_version;
        version_ = version;
        TANDEM_TRY(document_.seq, reader_.varint());
        TANDEM_TRY(document_.floor, reader_.varint_max(document_.seq));
        TANDEM_CHECK(node(document_.root, 0));
        TANDEM_TRY(uint64_t rows, reader_.varint_max(base::kJournalRowsMax));
        for (uint64_t i = 0; i < rows; ++i)
            TANDEM_CHECK(row());
        return reader_.expect_end();
    }

  private:
    base::Result<uint64_t> seq() { return reader_.varint_max(document_.seq); }
    base::Result<base::Value> value() {
        TANDEM_TRY(std::string_view bytes, reader_.sized(reader_.remaining()));
        return base::decode_value(bytes, base::kLooseValueLimits);
    }
    base::Result<Dot> dot() {
        Dot dot;
        TANDEM_TRY(dot.actor, reader_.varint());
        TANDEM_TRY(dot.counter, reader_.varint());
        return dot;
    }
    base::Result<clock::Stamp> stamp() {
        clock::Stamp stamp;
        TANDEM_TRY(stamp.ms, reader_.varint());
        TANDEM_TRY(stamp.logical, reader_.varint32());
        TANDEM_TRY(stamp.actor, reader_.varint());
        return stamp;
    }
    base::Result<void> dots(Dots& dots) {
        TANDEM_TRY(uint64_t count, reader_.varint_max(kDotsMax));
        for (uint64_t i = 0; i < count; ++i) {
            Tag tag;
            TANDEM_TRY(tag.seq, seq());
            TANDEM_TRY(tag.actor, reader_.varint());
            TANDEM_TRY(tag.counter, reader_.varint());
            dots.add(tag);
            if (dots.size() != i + 1) return ErrorCode::storage_corrupt;
        }
        return {};
    }
    base::Result<void> siblings(std::vector<Sibling>& siblings) {
        TANDEM_TRY(uint64_t count, reader_.varint_max(base::kSiblingsMax));
        siblings.reserve(static_cast<size_t>(count));
        for (uint64_t i = 0; i < count; ++i) {
            Sibling sibling;
            TANDEM_TRY(sibling.value, value());
            TANDEM_TRY(sibling.dot, dot());
            TANDEM_TRY(sibling.seq, seq());
            TANDEM_TRY(sibling.stamp, stamp());
            document_.bytes += bytes_of(sibling);
            siblings.push_back(std::move(sibling));
        }
        return {};
    }
    base::Result<std::string_view> name(bool is_first, std::string_view previous) {
        TANDEM_TRY(std::string_view name, reader_.sized(base::kKeyBytesMax));
        if (!is_first && name <= previous) return ErrorCode::storage_corrupt;
        return name;
    }

    base::Result<void> node(Node& node, size_t depth) {
        if (depth > kDepthMax) return fail(ErrorCode::too_deep, kDepthMax);
        TANDEM_TRY(node.max_seq, seq());
        TANDEM_TRY(node.flip_seq, seq());
        TANDEM_TRY(node.tomb_seq, seq());
        TANDEM_TRY(node.leaf_seq, seq());
        TANDEM_TRY(uint64_t declared, reader_.varint_max(static_cast<uint64_t>(Kind::reg)));
        node.declared = static_cast<Kind>(declared);
        TANDEM_TRY(uint64_t resolver, reader_.varint_max(static_cast<uint64_t>(Resolver::agent)));
        node.resolver = static_cast<Resolver>(resolver);
        TANDEM_TRY(uint64_t slots,
                   reader_.varint_max(version_ >= 3 ? kSlotsMax : kSlotsMaxOfVersion2));
        if ((slots & kHasSiblings) != 0) {
            TANDEM_CHECK(siblings(node.siblings));
            if (node.siblings.empty()) return ErrorCode::storage_corrupt;
            ++document_.fields;
        }
        if ((slots & kHasTexts) != 0 && node.resolver != Resolver::text3) {
            return ErrorCode::storage_corrupt;
        }
        if ((slots & kHasTexts) != 0) TANDEM_CHECK(texts(node));
        compute_blend(node);
        document_.bytes += bytes_of(node.blending.get());
        bool is_removed = (slots & kHasRemovedCounter) != 0;
        if (is_removed && (slots & kHasCounter) == 0) return ErrorCode::storage_corrupt;
        if ((slots & kHasCounter) != 0) TANDEM_CHECK(counter(node, is_removed));
        if ((slots & kHasSet) != 0) TANDEM_CHECK(set(node));
        if ((slots & kHasList) != 0) TANDEM_CHECK(list(node, depth));
        if ((slots & kHasMap) != 0) TANDEM_CHECK(map(node, depth));
        node.shown = node.kind_now();
        node.has_removed_counter = holds_removed_counter(node);
        return {};
    }
    base::Result<void> texts(Node& node) {
        node.blending = std::make_unique<Blending>();
        TANDEM_TRY(uint64_t count, reader_.varint_max(kTextVersionsMax));
        for (uint64_t i = 0; i < count; ++i) {
            TextVersion version;
            TANDEM_TRY(version.seq, seq());
            TANDEM_TRY(std::string_view text, reader_.sized(kText3BytesMax));
            bool is_next = i == 0 || node.blending->versions.back().seq < version.seq;
            if (!is_next || !base::is_utf8(text)) return ErrorCode::storage_corrupt;
            version.text = text;
            node.blending->versions.push_back(std::move(version));
        }
        TANDEM_TRY(uint64_t bases, reader_.varint_max(base::kSiblingsMax));
        for (uint64_t i = 0; i < bases; ++i) {
            SiblingBase written;
            TANDEM_TRY(written.seq, seq());
            TANDEM_TRY(written.base, reader_.varint());
            node.blending->bases.push_back(written);
        }
        return {};
    }
    base::Result<void> counter(Node& node, bool is_removed) {
        node.counter = std::make_unique<Counter>();
        TANDEM_TRY(node.counter->value, reader_.zigzag());
        if (node.counter->value > base::kIntegerMax || node.counter->value < -base::kIntegerMax) {
            return ErrorCode::storage_corrupt;
        }
        TANDEM_TRY(node.counter->generation, dot());
        TANDEM_TRY(uint64_t origin, reader_.varint_max(static_cast<uint64_t>(Origin::counter_set)));
        if (origin == 0) return ErrorCode::storage_corrupt;
        node.counter->origin = static_cast<Origin>(origin);
        TANDEM_CHECK(dots(node.counter->touched));
        if (node.counter->touched.empty()) return ErrorCode::storage_corrupt;
        if (is_removed) {
            TANDEM_TRY(node.counter->removed_seq, seq());
            TANDEM_CHECK(dots(node.counter->removed));
            if (node.counter->removed_seq == 0 || node.counter->removed.empty()) {
                return ErrorCode::storage_corrupt;
            }
        } else {
            ++document_.fields;
        }
        document_.bytes += sizeof(Counter);
        return {};
    }
    base::Result<void> set(Node& node) {
        SetSlot& slot = node.set_slot();
        TANDEM_TRY(uint64_t count, reader_.varint());
        for (uint64_t i = 0; i < count; ++i) {
            TANDEM_TRY(std::string_view bytes, reader_.sized(reader_.remaining()));
            TANDEM_TRY(base::Value value, base::decode_value(bytes));
            bool is_next = slot.elements.empty() || slot.elements.back()->bytes < bytes;
            if (!is_next || !value.is_scalar()) return ErrorCode::storage_corrupt;
            auto element = std::make_unique<Element>();
            element->bytes = bytes;
            element->value = std::move(value);
            TANDEM_CHECK(dots(element->dots));
            TANDEM_TRY(element->seq, seq());
            if (!element->dots.empty()) {
                ++slot.present;
                ++document_.fields;
            }
            document_.bytes += sizeof(Element) + bytes.size() + bytes_of(element->value);
            slot.elements.push_back(std::move(element));
        }
        return {};
    }
    base::Result<void> list(Node& node, size_t depth) {
        ListSlot& slot = node.list_slot();
        TANDEM_TRY(uint64_t count, reader_.varint());
        std::vector<Node*> nodes;
        for (uint64_t i = 0; i < count; ++i) {
            std::string_view previous;
            if (i > 0) previous = slot.items.back()->name;
            TANDEM_TRY(std::string_view id, name(i == 0, previous));
            auto item = std::make_unique<Item>(&node, id);
            TANDEM_CHECK(dots(item->existence));
            TANDEM_CHECK(siblings(item->positions));
            for (const Sibling& position : item->positions) {
                if (!position.value.is_string()) return ErrorCode::storage_corrupt;
            }
            TANDEM_TRY(item->removed_seq, seq());
            TANDEM_TRY(item->visible_seq, seq());
            TANDEM_TRY(item->moved_seq, seq());
            TANDEM_CHECK(this->node(*item, depth + 1));
            if (item->is_visible()) ++slot.visible;
            slot.order_seq =
                std::max({slot.order_seq, item->removed_seq, item->visible_seq, item->moved_seq});
            document_.bytes += sizeof(Item) + id.size();
            nodes.push_back(item.get());
            slot.items.push_back(std::move(item));
        }
        link(slot.recency, nodes);
        return {};
    }
    base::Result<void> map(Node& node, size_t depth) {
        MapSlot& slot = node.map_slot();
        TANDEM_CHECK(dots(slot.marker));
        TANDEM_TRY(uint64_t count, reader_.varint());
        std::vector<Node*> nodes;
        for (uint64_t i = 0; i < count; ++i) {
            std::string_view previous;
            if (i > 0) previous = slot.children.back()->name;
            TANDEM_TRY(std::string_view key, name(i == 0, previous));
            auto child = std::make_unique<Node>(&node, key, false);
            TANDEM_CHECK(this->node(*child, depth + 1));
            if (child->shown != Kind::none) ++slot.live;
            document_.bytes += sizeof(Node) + key.size();
            nodes.push_back(child.get());
            slot.children.push_back(std::move(child));
        }
        link(slot.recency, nodes);
        return {};
    }
    static void link(Recency& recency, std::vector<Node*>& nodes) {
        std::sort(nodes.begin(), nodes.end(),
                  [](const Node* a, const Node* b) { return a->max_seq > b->max_seq; });
        for (Node* node : nodes)
            recency.push_back(*node);
    }

    base::Result<void> row() {
        Row row;
        TANDEM_TRY(std::string_view path, reader_.sized(reader_.remaining()));
        TANDEM_TRY(row.path, decode_path_below(path));
        TANDEM_TRY(uint64_t reason, reader_.varint_max(static_cast<uint64_t>(Reason::folded)));
        if (reason == 0) return ErrorCode::storage_corrupt;
        row.reason = static_cast<Reason>(reason);
        TANDEM_TRY(row.dot, dot());
        TANDEM_TRY(row.loser_seq, seq());
        TANDEM_TRY(row.value, value());
        TANDEM_TRY(row.stamp, stamp());
        TANDEM_TRY(row.seq, seq());
        TANDEM_TRY(row.closed_seq, seq());
        if (version_ >= 3) {
            TANDEM_TRY(row.decided_by, dot());
        }
        if (row.closed_seq == 0 && !is_event(row.reason)) {
            if (const Node* node = document_.find(row.path)) ++const_cast<Node*>(node)->open_rows;
        }
        document_.journal.restore(std::move(row));
        return {};
    }

    Document::Impl& document_;
    base::Reader reader_;
    uint8_t version_ = kVersion;
};

}  // namespace

void save_document(std::string& out, const Document::Impl& document) {
    Saver(out).document(document);
}

base::Result<void> load_document(Document::Impl& document, std::string_view bytes) {
    return Loader(document, bytes).run();
}

}  // namespace tandem::record
