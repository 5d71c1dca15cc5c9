#include <algorithm>
#include <vector>

#include "base/value.hpp"
#include "yjs/any.hpp"
#include "yjs/reading.hpp"
#include "yjs/snapshot.hpp"
#include "yjs/utf16.hpp"

namespace tandem::yjs {

namespace {

// Writes a text of two moments; see append_delta_between.
class DeltaBetween {
  public:
    DeltaBetween(const Store& store, const Snapshot* now, const Snapshot* before, std::string& out)
        : store_(store), now_(now), before_(before), out_(out) {}

    void write(BranchIndex text) {
        out_ += '[';
        for (Handle at = store_.branch(text).start; at != 0; at = store_.item(at).right) {
            const Item& item = store_.item(at);
            if (item.kind == Kind::string) {
                take_string(at);
            } else if (item.kind == Kind::embed || item.kind == Kind::type) {
                if (!is_shown(item, item.clock, now_) && !was_shown(item, item.clock)) continue;
                pack();
                std::string json;
                append_item_json(store_, item, json);
                add(json);
            } else if (item.kind == Kind::format && is_shown(item, item.clock, now_)) {
                pack();
                pass(store_.names().at(store_.format_name(item)), store_.format_value(item));
            }
        }
        pack();
        out_ += ']';
    }

  private:
    static constexpr std::string_view kChange = "ychange";

    bool is_shown(const Item& item, uint32_t clock, const Snapshot* moment) const {
        if (moment == nullptr) return !item.is_deleted();
        return moment->shows(store_.clients()[item.client].id, clock);
    }
    bool was_shown(const Item& item, uint32_t clock) const {
        return before_ != nullptr && is_shown(item, clock, before_);
    }

    // The clocks within an item, and its end, where one of the moments parts it.
    std::vector<uint32_t> cuts_of(const Item& item) const {
        std::vector<uint32_t> cuts{item.end()};
        auto add_cut = [&](uint32_t clock) {
            if (clock > item.clock && clock < item.end()) cuts.push_back(clock);
        };
        const uint64_t client = store_.clients()[item.client].id;
        for (const Snapshot* moment : {now_, before_}) {
            if (moment == nullptr) continue;
            if (auto known = moment->states.find(client); known != moment->states.end())
                add_cut(known->second);
            auto deletes = moment->deletes.clients().find(client);
            if (deletes == moment->deletes.clients().end()) continue;
            auto from = std::lower_bound(
                deletes->second.begin(), deletes->second.end(), item.clock,
                [](const IdRange& range, uint32_t clock) { return range.end() < clock; });
            for (; from != deletes->second.end() && from->clock < item.end(); ++from) {
                add_cut(from->clock);
                add_cut(from->end());
            }
        }
        std::sort(cuts.begin(), cuts.end());
        cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
        return cuts;
    }

    // Whether an item goes on what stands before it, which was kept apart only here.
    bool goes_on(Handle handle) const {
        const Item& item = store_.item(handle);
        if (item.left == 0) return false;
        const Item& left = store_.item(item.left);
        if (left.client != item.client || left.end() != item.clock ||
            !store_.continues(left, item.left, item, handle))
            return false;
        const uint64_t client = store_.clients()[item.client].id;
        for (const Snapshot* moment : {now_, before_}) {
            if (moment == nullptr) continue;
            auto known = moment->states.find(client);
            if (known != moment->states.end() && known->second == item.clock) return false;
            if (moment->deletes.contains(client, item.clock) !=
                moment->deletes.contains(client, item.clock - 1))
                return false;
        }
        return true;
    }

    void take_string(Handle handle) {
        const Item& item = store_.item(handle);
        std::string_view text = store_.bytes_of(item);
        bool is_same_item = goes_on(handle);
        bool begins_with_half = false;
        uint32_t from = item.clock;
        for (uint32_t cut : cuts_of(item)) {
            std::string piece;
            if (begins_with_half) piece = kReplacement;
            const Utf16Cut end = utf16_cut(text, cut - from - (begins_with_half ? 1 : 0));
            piece += text.substr(0, end.offset);
            if (end.splits_pair) piece += kReplacement;
            text.remove_prefix(end.offset + (end.splits_pair ? 4 : 0));
            begins_with_half = end.splits_pair;
            take_piece(item, from, piece, is_same_item);
            is_same_item = false;
            from = cut;
        }
    }

    void take_piece(const Item& item, uint32_t clock, std::string_view text, bool is_same_item) {
        const bool is_now = is_shown(item, clock, now_);
        const bool was = was_shown(item, clock);
        if (!is_now && !was) return;
        const bool is_removed = now_ != nullptr && !is_now;
        if (is_removed || (before_ != nullptr && !was)) {
            if (!is_same_item) {
                pack();
                set(kChange, is_removed ? removed() : added());
            }
        } else if (find(kChange) != formats_.end()) {
            pack();
            formats_.erase(find(kChange));
        }
        run_ += text;
    }

    static std::string change(std::string_view type) {
        Buffer value;
        value.u8(static_cast<uint8_t>(AnyTag::object));
        value.var_uint(1);
        value.var_bytes("type");
        append_any_string(type, value);
        return value.str();
    }
    static std::string added() { return change("added"); }
    static std::string removed() { return change("removed"); }

    using Formats = std::vector<std::pair<std::string, std::string>>;

    Formats::iterator find(std::string_view name) {
        return std::find_if(formats_.begin(), formats_.end(),
                            [&](const auto& format) { return format.first == name; });
    }
    void set(std::string_view name, std::string_view value) {
        auto known = find(name);
        if (known == formats_.end()) {
            formats_.push_back({std::string(name), std::string(value)});
        } else {
            known->second = value;
        }
    }
    void pass(std::string_view name, std::string_view value) {
        if (value != kAnyNull) {
            set(name, value);
        } else if (auto known = find(name); known != formats_.end()) {
            formats_.erase(known);
        }
    }

    void pack() {
        if (run_.empty()) return;
        std::string json;
        base::append_json_string(json, run_);
        run_.clear();
        add(json);
    }
    void add(std::string_view insert_json) {
        if (out_.back() != '[') out_ += ',';
        out_ += "{\"insert\":";
        out_ += insert_json;
        if (!formats_.empty()) {
            out_ += ",\"attributes\":{";
            for (const auto& format : formats_) {
                if (&format != &formats_[0]) out_ += ',';
                base::append_json_string(out_, format.first);
                out_ += ':';
                append_json_of_any(format.second, out_);
            }
            out_ += '}';
        }
        out_ += '}';
    }

    const Store& store_;
    const Snapshot* now_;
    const Snapshot* before_;
    std::string& out_;
    std::string run_;
    Formats formats_;
};

}  // namespace

void append_delta_between(const Store& store, BranchIndex text, const Snapshot* now,
                          const Snapshot* before, std::string& out) {
    DeltaBetween(store, now, before, out).write(text);
}

}  // namespace tandem::yjs
