#include "client/basis.hpp"

#include <iterator>

namespace tandem::client {

using record::Op;
using record::OpKind;
using record::Path;
using record::Segment;
using record::SelectedNode;

namespace {

void collect(const SelectedNode& node, const record::View& view, Path& path,
             std::vector<Path>& out) {
    if (node.is_covered) {
        if (view.exists(path)) out.push_back(path);
        return;
    }
    if (!node.windows.empty()) {
        for (record::View::Item& item : view.items(path)) {
            Segment segment{Segment::Kind::item, std::move(item.id)};
            if (node.find(segment) != nullptr) continue;
            path.push_back(std::move(segment));
            out.push_back(path);
            path.pop_back();
        }
    }
    for (const auto& [segment, child] : node.children) {
        path.push_back(segment);
        collect(child, view, path, out);
        path.pop_back();
    }
}

struct Basis {
    const record::Selection& selection;
    const record::View& view;
    record::Cursor seen;
    std::vector<Op> out;

    void add(Op op, bool is_seen) {
        op.base = is_seen ? seen : record::Cursor{};
        out.push_back(std::move(op));
    }

    void take(Op op) {
        if (is_covered(selection, view, op.path)) return add(std::move(op), true);
        const bool is_whole =
            op.kind == OpKind::set || op.kind == OpKind::remove_node || op.kind == OpKind::assign;
        size_t removed = 0;
        if (is_whole) {
            for (Path& part : covered_below(selection, view, op.path)) {
                Op removal;
                removal.kind = OpKind::remove_node;
                removal.path = std::move(part);
                add(std::move(removal), true);
                ++removed;
            }
        }
        if (op.kind == OpKind::remove_node && removed > 0) return;
        const bool has_members =
            op.kind == OpKind::assign && op.value.is_object() && !op.value.as_object().empty();
        if (!has_members) return add(std::move(op), false);
        for (base::Member& member : op.value.as_object()) {
            Op each;
            each.kind = member.value.is_object() ? OpKind::assign : OpKind::set;
            each.path = op.path;
            each.path.push_back({Segment::Kind::key, std::move(member.key)});
            each.value = std::move(member.value);
            take(std::move(each));
        }
    }
};

}  // namespace

bool is_covered(const record::Selection& selection, const record::View& view, const Path& path) {
    const SelectedNode* node = &selection.root();
    for (auto segment = path.begin(); segment != path.end(); ++segment) {
        if (node->is_covered) return true;
        const SelectedNode* child = node->find(*segment);
        if (child == nullptr)
            return segment->is_item() && !node->windows.empty() &&
                   view.exists(Path(path.begin(), std::next(segment)));
        node = child;
    }
    return node->is_covered;
}

std::vector<Path> covered_below(const record::Selection& selection, const record::View& view,
                                const Path& path) {
    std::vector<Path> out;
    const SelectedNode* node = &selection.root();
    for (const Segment& segment : path) {
        node = node->find(segment);
        if (node == nullptr) return out;
    }
    Path at = path;
    collect(*node, view, at, out);
    return out;
}

Seen seen_by(const Replica& replica) {
    const auto& cursor = replica.cursor();
    Seen seen{{cursor.epoch, cursor.seq}, replica.in_force(), {}};
    if (!seen.in_force.is_whole()) seen.confirmed = replica.confirmed();
    return seen;
}

namespace {

std::vector<Op> take_all(Basis basis, std::vector<Op> ops) {
    for (Op& op : ops)
        basis.take(std::move(op));
    return std::move(basis.out);
}

}  // namespace

std::vector<Op> with_bases(const Replica& replica, std::vector<Op> ops) {
    const auto& cursor = replica.cursor();
    return take_all({replica.in_force(), replica.confirmed(), {cursor.epoch, cursor.seq}, {}},
                    std::move(ops));
}

std::vector<Op> with_bases(const Seen& seen, std::vector<Op> ops) {
    return take_all({seen.in_force, seen.confirmed, seen.cursor, {}}, std::move(ops));
}

}  // namespace tandem::client
