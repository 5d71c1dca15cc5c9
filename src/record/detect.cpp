#include "record/detect.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "base/limits.hpp"
#include "record/view.hpp"

namespace tandem::record {

namespace {

using base::ErrorCode;
using base::Value;

constexpr std::string_view kIdKey = "id";
constexpr std::string_view kValueKey = "value";
// An object literal above this is written field by field, because an op is bounded.
constexpr size_t kKeysPerAssignMax = base::kKeysPerOpMax / 2;

const std::string& id_of(const Value& element) { return element.find(kIdKey)->as_string(); }

// The members of an item's object, its id left out.
Value body_of(const Value& element) {
    base::Object members = element.as_object();
    std::erase_if(members, [](const base::Member& member) { return member.key == kIdKey; });
    return Value(std::move(members));
}

size_t count_keys(const Value& value) {
    if (!value.is_object()) return 0;
    size_t count = value.as_object().size();
    for (const base::Member& member : value.as_object())
        count += count_keys(member.value);
    return count;
}

bool is_of_scalars(const Value& array) {
    return std::all_of(array.as_array().begin(), array.as_array().end(),
                       [](const Value& element) { return element.is_scalar(); });
}

// Which elements belong to a longest strictly increasing subsequence.
std::vector<bool> longest_increasing(const std::vector<size_t>& ranks) {
    std::vector<size_t> ends;  // by length: where the run with the lowest last rank ends
    std::vector<size_t> previous(ranks.size(), SIZE_MAX);
    for (size_t i = 0; i < ranks.size(); ++i) {
        const auto at =
            std::lower_bound(ends.begin(), ends.end(), ranks[i],
                             [&](size_t end, size_t rank) { return ranks[end] < rank; });
        if (at != ends.begin()) previous[i] = *(at - 1);
        if (at == ends.end()) {
            ends.push_back(i);
        } else {
            *at = i;
        }
    }
    std::vector<bool> is_member(ranks.size(), false);
    for (size_t i = ends.empty() ? SIZE_MAX : ends.back(); i != SIZE_MAX; i = previous[i])
        is_member[i] = true;
    return is_member;
}

// Digits that stand for an item among those that are put at one place. Whoever puts the same item
// there makes the same position, which crosses nothing.
std::string digits_of(std::string_view id) {
    constexpr std::string_view kDigits =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    constexpr size_t kCount = 7;
    uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
    for (const char c : id)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    std::string out;
    for (size_t i = 0; i < kCount; ++i, hash /= kDigits.size())
        out += kDigits[hash % kDigits.size()];
    return out;
}

class Detector {
  public:
    Detector(const DetectContext& context, std::string_view tail)
        : context_(context), tail_(tail) {}

    base::Result<void> compare(const Value& before, const Value& after) {
        const Kind declared = context_.declared(path_);
        const Kind shown = context_.kind(path_);
        const Kind kind = declared != Kind::none ? declared : shown;
        switch (kind) {
            case Kind::none:
                break;
            case Kind::map:
                if (!before.is_object() || !after.is_object()) break;
                return members(before, after);
            case Kind::list:
                if (!before.is_array() || !after.is_array()) break;
                return items(before, after);
            case Kind::set:
                if (!before.is_array() || !after.is_array()) break;
                if (is_of_scalars(after)) return elements(before, after);
                if (declared == Kind::set) return base::fail(ErrorCode::wrong_type);
                break;
            case Kind::counter:
                if (before == after) return {};
                if (!before.is_integer() || !after.is_integer()) break;
                return count(before.as_integer(), after.as_integer());
            case Kind::reg:
                if (before == after) return {};
                // An empty array was all that could be written before there was an item.
                if (declared == Kind::none && is_item_array(after) && before.is_array() &&
                    before.as_array().empty())
                    return replace(after);
                if (after.is_object() && !before.is_object()) break;
                emit(OpKind::set).value = after;
                return {};
        }
        if (before == after) return {};
        return replace(after);
    }

    // What is there is of another kind. Slots that are not shown may hold something as well, which
    // must not come to light.
    base::Result<void> replace(const Value& value) {
        const size_t first = ops_.size();
        TANDEM_CHECK(create(value));
        const bool is_cleared =
            first < ops_.size() && ops_[first].path == path_ &&
            (ops_[first].kind == OpKind::set || ops_[first].kind == OpKind::assign);
        if (is_cleared) return {};
        Op op;
        op.kind = OpKind::remove_node;
        op.path = path_;
        ops_.insert(ops_.begin() + static_cast<std::ptrdiff_t>(first), std::move(op));
        return {};
    }

    base::Result<void> create(const Value& value) {
        switch (context_.declared(path_)) {
            case Kind::list:
                if (!value.is_array()) return base::fail(ErrorCode::wrong_type);
                return insert_all(value);
            case Kind::set:
                if (!value.is_array() || !is_of_scalars(value))
                    return base::fail(ErrorCode::wrong_type);
                return elements(Value(base::Array{}), value);
            case Kind::counter:
                if (!value.is_integer()) return base::fail(ErrorCode::wrong_type);
                emit(OpKind::counter_set).value = value;
                return {};
            case Kind::reg:
                emit(OpKind::set).value = value;
                return {};
            case Kind::none:
                if (is_item_array(value)) return insert_all(value);
                break;
            case Kind::map:
                break;
        }
        if (!value.is_object()) {
            emit(OpKind::set).value = value;
            return {};
        }
        if (is_plain(value) && count_keys(value) <= kKeysPerAssignMax) {
            emit(OpKind::assign).value = value;
            return {};
        }
        // The fields clear what else is at the path.
        for (const base::Member& member : value.as_object())
            TANDEM_CHECK(inside(member.key, [&] { return create(member.value); }));
        return {};
    }

    std::vector<Op> take() { return std::move(ops_); }

    base::Result<void> members(const Value& before, const Value& after) {
        if (after.as_object().empty() && !before.as_object().empty()) {
            if (path_.empty()) {
                emit(OpKind::remove_node);
            } else {
                emit(OpKind::assign).value = after;
            }
            return {};
        }
        for (const base::Member& member : before.as_object()) {
            if (after.find(member.key) != nullptr) continue;
            TANDEM_CHECK(inside(member.key, [&]() -> base::Result<void> {
                emit(OpKind::remove_node);
                return {};
            }));
        }
        for (const base::Member& member : after.as_object()) {
            const Value* old = before.find(member.key);
            TANDEM_CHECK(inside(member.key, [&] {
                return old != nullptr ? compare(*old, member.value) : create(member.value);
            }));
        }
        return {};
    }

  private:
    std::string tail_of(const std::string& id) const { return digits_of(id).append(tail_); }

    Op& emit(OpKind kind) {
        Op& op = ops_.emplace_back();
        op.kind = kind;
        op.path = path_;
        return op;
    }

    template <class Work>
    base::Result<void> inside(std::string_view key, const Work& work) {
        path_.push_back({Segment::Kind::key, std::string(key)});
        base::Result<void> done = work();
        path_.pop_back();
        return done;
    }

    template <class Work>
    base::Result<void> inside_item(const std::string& id, const Work& work) {
        path_.push_back({Segment::Kind::item, id});
        base::Result<void> done = work();
        path_.pop_back();
        return done;
    }

    // True when an object literal says it all: nothing in it is a list, a set or a counter.
    bool is_plain(const Value& object) {
        for (const base::Member& member : object.as_object()) {
            path_.push_back({Segment::Kind::key, member.key});
            const Kind declared = context_.declared(path_);
            bool is_fine = declared == Kind::none || declared == Kind::map;
            if (declared == Kind::none) is_fine = !is_item_array(member.value);
            if (declared == Kind::reg) is_fine = !member.value.is_object();
            if (is_fine && member.value.is_object()) is_fine = is_plain(member.value);
            path_.pop_back();
            if (!is_fine) return false;
        }
        return true;
    }

    base::Result<void> count(int64_t before, int64_t after) {
        const int64_t difference = after - before;
        if (difference > base::kIntegerMax || difference < -base::kIntegerMax)
            return base::fail(ErrorCode::out_of_range);
        emit(OpKind::inc).value = Value::integer(difference);
        return {};
    }

    base::Result<void> elements(const Value& before, const Value& after) {
        std::map<std::string, const Value*> wanted;
        for (const Value& element : after.as_array())
            wanted.emplace(base::canonical_bytes(element), &element);
        for (const Value& element : before.as_array()) {
            if (wanted.erase(base::canonical_bytes(element)) == 0)
                emit(OpKind::remove).value = element;
        }
        for (const auto& [bytes, element] : wanted)
            emit(OpKind::add).value = *element;
        return {};
    }

    base::Result<void> insert_all(const Value& list) {
        if (!list.as_array().empty() && !is_item_array(list))
            return base::fail(ErrorCode::wrong_type);
        std::string low;
        for (const Value& element : list.as_array()) {
            low = position_between(low, {}, tail_of(id_of(element)));
            TANDEM_CHECK(insert(element, low));
        }
        return {};
    }

    base::Result<void> insert(const Value& element, const std::string& position) {
        const Value body = body_of(element);
        return inside_item(id_of(element), [&]() -> base::Result<void> {
            Op& op = emit(OpKind::insert);
            op.position = position;
            if (context_.is_hidden_item(path_)) {
                // Nothing of what it held before it was removed is wanted.
                emit(OpKind::assign).value = Value(base::Object{});
            }
            if (body.as_object().empty()) return {};
            Op& last = ops_.back();
            if (is_plain(body) && count_keys(body) <= kKeysPerAssignMax) {
                last.value = body;
                return {};
            }
            for (const base::Member& member : body.as_object())
                TANDEM_CHECK(inside(member.key, [&] { return create(member.value); }));
            return {};
        });
    }

    base::Result<void> items(const Value& before, const Value& after) {
        if (!after.as_array().empty() && !is_item_array(after)) {
            // A list whose elements have lost their ids is a mistake; one of scalars is meant.
            if (context_.declared(path_) == Kind::list || !is_of_scalars(after))
                return base::fail(ErrorCode::wrong_type);
            return replace(after);
        }
        if (!before.as_array().empty() && !is_item_array(before)) return replace(after);
        std::map<std::string, std::pair<size_t, const Value*>> old;
        for (const Value& element : before.as_array())
            old.emplace(id_of(element), std::make_pair(old.size(), &element));
        std::set<std::string> kept;
        for (const Value& element : after.as_array())
            kept.insert(id_of(element));
        for (const Value& element : before.as_array()) {
            if (kept.contains(id_of(element))) continue;
            TANDEM_CHECK(inside_item(id_of(element), [&]() -> base::Result<void> {
                emit(OpKind::remove_node);
                return {};
            }));
        }
        TANDEM_CHECK(place(after, old));
        for (const Value& element : after.as_array()) {
            const auto known = old.find(id_of(element));
            if (known == old.end()) continue;
            const Value& was = *known->second.second;
            TANDEM_CHECK(inside_item(known->first, [&] { return item(was, element); }));
        }
        return {};
    }

    using Known = std::map<std::string, std::pair<size_t, const Value*>>;

    /// Of the elements that were read, a longest part that is in the order in which it was read.
    static std::set<const Value*> kept_in_order(const base::Array& wanted, const Known& old) {
        std::vector<const Value*> known;
        std::vector<size_t> ranks;
        for (const Value& element : wanted) {
            const auto found = old.find(id_of(element));
            if (found == old.end()) continue;
            known.push_back(&element);
            ranks.push_back(found->second.first);
        }
        const std::vector<bool> stays = longest_increasing(ranks);
        std::set<const Value*> kept;
        for (size_t i = 0; i < known.size(); ++i)
            if (stays[i]) kept.insert(known[i]);
        return kept;
    }

    // Inserts what is new and moves what has to move.
    base::Result<void> place(const Value& after, const Known& old) {
        const base::Array& wanted = after.as_array();
        std::vector<size_t> ranks;
        bool is_same_order = true;
        for (const Value& element : wanted) {
            const auto known = old.find(id_of(element));
            if (known == old.end()) {
                is_same_order = false;
                continue;
            }
            if (!ranks.empty() && ranks.back() >= known->second.first) is_same_order = false;
            ranks.push_back(known->second.first);
        }
        if (is_same_order) return {};
        std::map<std::string, std::string> positions;
        for (Document::ItemView& view : context_.items(path_)) {
            if (view.has_position) positions.emplace(std::move(view.id), std::move(view.position));
        }
        // What the author left in the order that was read is not moved, wherever others have put it
        // meanwhile; of that, what stands in this order now too says where the rest goes.
        std::map<std::string, size_t> rank_of_position;
        for (const auto& [id, position] : positions)
            rank_of_position.emplace(position, 0);
        size_t next = 0;
        for (auto& [position, rank] : rank_of_position)
            rank = next++;
        const std::set<const Value*> kept = kept_in_order(wanted, old);
        std::vector<const Value*> movable;
        ranks.clear();
        for (const Value& element : wanted) {
            const auto placed = positions.find(id_of(element));
            if (!kept.contains(&element) || placed == positions.end()) continue;
            movable.push_back(&element);
            ranks.push_back(rank_of_position[placed->second]);
        }
        const std::vector<bool> stays = longest_increasing(ranks);
        std::map<const Value*, const std::string*> fixed;
        std::set<std::string_view> taken;
        for (size_t i = 0; i < movable.size(); ++i) {
            if (!stays[i]) continue;
            fixed.emplace(movable[i], &positions[id_of(*movable[i])]);
            taken.insert(positions[id_of(*movable[i])]);
        }
        // Between items of equal positions, or of none, nothing can be put, so that only one of
        // them may stay where something follows.
        size_t placed_end = wanted.size();
        while (placed_end > 0 && kept.contains(&wanted[placed_end - 1]) &&
               !positions.contains(id_of(wanted[placed_end - 1])))
            --placed_end;
        const auto is_left_alone = [&](size_t i) {
            if (!kept.contains(&wanted[i])) return false;
            const auto placed = positions.find(id_of(wanted[i]));
            return placed == positions.end() ? i >= placed_end : !taken.contains(placed->second);
        };
        // From the end, so that the next fixed position is known.
        std::vector<std::string_view> high(wanted.size());
        std::string_view above;
        for (size_t i = wanted.size(); i > 0; --i) {
            high[i - 1] = above;
            if (const auto at = fixed.find(&wanted[i - 1]); at != fixed.end()) above = *at->second;
        }
        std::string low;
        for (size_t i = 0; i < wanted.size(); ++i) {
            if (const auto at = fixed.find(&wanted[i]); at != fixed.end()) {
                low = *at->second;
                continue;
            }
            if (is_left_alone(i)) continue;
            low = position_between(low, high[i], tail_of(id_of(wanted[i])));
            if (!old.contains(id_of(wanted[i]))) {
                TANDEM_CHECK(insert(wanted[i], low));
                continue;
            }
            TANDEM_CHECK(inside_item(id_of(wanted[i]), [&]() -> base::Result<void> {
                emit(OpKind::move).position = low;
                return {};
            }));
        }
        return {};
    }

    base::Result<void> item(const Value& before, const Value& after) {
        if (before == after) return {};
        const Kind kind = context_.kind(path_);
        const Value* was = before.find(kValueKey);
        const Value* is = after.find(kValueKey);
        const bool is_wrapped = kind != Kind::map && kind != Kind::none;
        if (is_wrapped && was != nullptr) {
            // A map is never wrapped: an object there is what a map has under that key.
            const bool stays_wrapped =
                is != nullptr && !is->is_object() && after.as_object().size() == 2;
            if (stays_wrapped) return compare(*was, *is);
            emit(OpKind::assign).value = body_of(after);
            return {};
        }
        return members(body_of(before), body_of(after));
    }

    const DetectContext& context_;
    std::string_view tail_;
    Path path_;
    std::vector<Op> ops_;
};

}  // namespace

bool is_item_array(const Value& value) {
    if (!value.is_array() || value.as_array().empty()) return false;
    std::set<std::string_view> ids;
    for (const Value& element : value.as_array()) {
        const Value* id = element.find(kIdKey);
        if (id == nullptr || !id->is_string() || !base::is_key(id->as_string())) return false;
        if (!ids.insert(id->as_string()).second) return false;
    }
    return true;
}

base::Result<std::vector<Op>> detect_changes(const Value& before, const Value& after,
                                             const DetectContext& context, std::string_view tail) {
    if (!after.is_object()) return base::fail(ErrorCode::wrong_type);
    Detector detector(context, tail);
    if (before.is_object()) {
        TANDEM_CHECK(detector.members(before, after));
    } else {
        TANDEM_CHECK(detector.replace(after));
    }
    return detector.take();
}

}  // namespace tandem::record
