#include "record/revert.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "record/shown_content.hpp"

namespace tandem::record {

namespace {

Resolver resolver_of(const Document& document, const Path& path) { return document.resolver(path); }
// A view does not tell.
Resolver resolver_of(const View&, const Path&) { return Resolver::keep; }

// More than one: what is shown hides something, which would come to light without it.
size_t kinds_held(const Document& document) { return document.kinds_held({}); }
// A view does not tell.
size_t kinds_held(const View&) { return 2; }

template <class State>
class Revert {
  public:
    Revert(const State& now, const State& then, std::vector<Op>& ops)
        : now_(now), then_(then), ops_(ops) {}

    /// What is there now; content that is on its way out counts as nothing.
    enum class Ground : uint8_t { as_it_is, cleared };

    void node(const Path& path, Ground ground) {
        const bool is_there = ground == Ground::as_it_is && now_.exists(path);
        if (!then_.exists(path)) {
            if (is_there) emit(OpKind::remove_node, path);
            return;
        }
        const Kind wanted = then_.shown_kind(path);
        const Kind shown = is_there ? now_.shown_kind(path) : Kind::none;
        const bool is_item = !path.empty() && path.back().is_item();
        if (wanted != shown && shown != Kind::none) {
            // Other slots may hold what is not shown; it goes too.
            if (is_item)
                emit(OpKind::assign, path, base::Value(base::Object{}));
            else
                emit(OpKind::remove_node, path);
        }
        if (wanted != shown) ground = Ground::cleared;
        switch (wanted) {
            case Kind::none:
                return;
            case Kind::map:
                return map(path, ground);
            case Kind::list:
                return list(path, ground);
            case Kind::set:
                return set(path, ground);
            case Kind::counter:
                return counter(path, ground);
            case Kind::reg:
                if (ground == Ground::as_it_is && content_of(now_, path) == content_of(then_, path))
                    return;
                if (ground == Ground::as_it_is) begin_anew(path);
                emit(OpKind::set, path, content_of(then_, path));
                return;
        }
    }

    /// Removing the root itself would touch every path, also where nothing was all the time.
    void empty_root() {
        const Kind shown = now_.shown_kind({});
        if (shown == Kind::none) return;
        if (shown != Kind::map || kinds_held(now_) > 1) return emit(OpKind::remove_node, {});
        for (const std::string& key : keys_of(now_, {}))
            emit(OpKind::remove_node, below({}, Segment::Kind::key, key));
    }

  private:
    void emit(OpKind kind, const Path& path, base::Value value = {}) {
        Op op;
        op.kind = kind;
        op.path = path;
        op.value = std::move(value);
        ops_.push_back(std::move(op));
    }

    // A watermark does not go back while its register lives.
    void begin_anew(const Path& path) {
        const Resolver resolver = resolver_of(now_, path);
        if (resolver != Resolver::max && resolver != Resolver::min) return;
        const bool is_item = !path.empty() && path.back().is_item();
        if (is_item)
            emit(OpKind::assign, path, base::Value(base::Object{}));
        else
            emit(OpKind::remove_node, path);
    }

    // The keys of a map; of an item's map without its id, which is no field.
    static std::set<std::string> keys_of(const State& state, const Path& path) {
        std::set<std::string> keys;
        const base::Value value = state.shown(path);
        if (!value.is_object()) return keys;
        const bool is_item = !path.empty() && path.back().is_item();
        for (const base::Member& member : value.as_object())
            if (!is_item || member.key != "id") keys.insert(member.key);
        return keys;
    }

    void map(const Path& path, Ground ground) {
        std::set<std::string> keys = keys_of(then_, path);
        if (keys.empty() && path.empty() && ground == Ground::as_it_is) {
            // An empty map is what it shall be, whatever else it may hide.
            if (keys_of(now_, path).empty()) return;
            return empty_root();
        }
        if (keys.empty()) {
            if (ground == Ground::cleared || !keys_of(now_, path).empty())
                emit(OpKind::assign, path, base::Value(base::Object{}));
            return;
        }
        if (ground == Ground::as_it_is) keys.merge(keys_of(now_, path));
        for (const std::string& key : keys)
            node(below(path, Segment::Kind::key, key), ground);
    }

    void list(const Path& path, Ground ground) {
        const auto wanted = then_.items(path);
        const auto shown = ground == Ground::as_it_is ? now_.items(path) : decltype(wanted)();
        const auto find = [](const auto& items, const std::string& id) {
            return std::find_if(items.begin(), items.end(),
                                [&](const auto& item) { return item.id == id; });
        };
        for (const auto& item : wanted) {
            const Path at = below(path, Segment::Kind::item, item.id);
            const auto is_now = find(shown, item.id);
            if (is_now != shown.end()) {
                if (item.has_position && item.position != is_now->position)
                    place(OpKind::move, at, item.position);
                node(at, Ground::as_it_is);
                continue;
            }
            if (item.has_position) place(OpKind::insert, at, item.position);
            // An item that was removed may have kept another body.
            emit(OpKind::assign, at, base::Value(base::Object{}));
            node(at, Ground::cleared);
        }
        for (const auto& item : shown)
            if (find(wanted, item.id) == wanted.end())
                emit(OpKind::remove_node, below(path, Segment::Kind::item, item.id));
    }

    void place(OpKind kind, const Path& path, const std::string& position) {
        emit(kind, path);
        ops_.back().position = position;
    }

    void set(const Path& path, Ground ground) {
        const base::Value wanted = content_of(then_, path);
        const base::Value shown =
            ground == Ground::as_it_is ? content_of(now_, path) : base::Value(base::Array{});
        const auto has = [](const base::Value& elements, const base::Value& element) {
            const base::Array& all = elements.as_array();
            return std::find(all.begin(), all.end(), element) != all.end();
        };
        for (const base::Value& element : wanted.as_array())
            if (!has(shown, element)) emit(OpKind::add, path, element);
        for (const base::Value& element : shown.as_array())
            if (!has(wanted, element)) emit(OpKind::remove, path, element);
    }

    void counter(const Path& path, Ground ground) {
        const int64_t wanted = then_.counter(path).value;
        const auto shown =
            ground == Ground::as_it_is ? now_.counter(path) : decltype(now_.counter(path))();
        if (shown.exists && shown.value == wanted) return;
        emit(OpKind::counter_set, path, base::Value(static_cast<double>(wanted)));
        if (!shown.exists) return;
        ops_.back().generation = shown.generation;
        ops_.back().seen = shown.value;
    }

    static Path below(const Path& path, Segment::Kind kind, const std::string& name) {
        Path out = path;
        out.push_back({kind, name});
        return out;
    }

    const State& now_;
    const State& then_;
    std::vector<Op>& ops_;
};

template <class State>
std::vector<Op> ops_to(const State& now, const State& then, const Path& path) {
    std::vector<Op> ops;
    if (path.empty() && then.shown_kind(path) == Kind::none) {
        // The root exists always; it had nothing then.
        Revert(now, then, ops).empty_root();
        return ops;
    }
    Revert<State>(now, then, ops).node(path, Revert<State>::Ground::as_it_is);
    return ops;
}

}  // namespace

std::vector<Op> revert_ops(const Document& now, const Document& then, const Path& path) {
    return ops_to(now, then, path);
}

std::vector<Op> revert_ops(const View& now, const View& then, const Path& path) {
    return ops_to(now, then, path);
}

}  // namespace tandem::record
