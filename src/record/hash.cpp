#include <algorithm>

#include "base/sha256.hpp"
#include "record/document_impl.hpp"

namespace tandem::record {

namespace {

void write_dots(base::Writer& writer, const Dots& dots) {
    std::vector<Dot> sorted;
    for (const Tag& tag : dots)
        sorted.push_back({tag.actor, tag.counter});
    std::sort(sorted.begin(), sorted.end());
    writer.varint(sorted.size());
    for (const Dot& dot : sorted) {
        writer.varint(dot.actor);
        writer.varint(dot.counter);
    }
}

void write_siblings(base::Writer& writer, const std::vector<Sibling>& siblings) {
    std::vector<const Sibling*> sorted;
    for (const Sibling& sibling : siblings)
        sorted.push_back(&sibling);
    std::sort(sorted.begin(), sorted.end(),
              [](const Sibling* a, const Sibling* b) { return a->dot < b->dot; });
    writer.varint(sorted.size());
    for (const Sibling* sibling : sorted) {
        writer.varint(sibling->dot.actor);
        writer.varint(sibling->dot.counter);
        writer.varint(sibling->stamp.ms);
        writer.varint(sibling->stamp.logical);
        writer.varint(sibling->stamp.actor);
        writer.sized(base::canonical_bytes(sibling->value));
    }
}

// Content of one node, without what hangs below it; empty when it holds nothing. Never a seq, so
// that replicas which ordered the same entries differently can compare.
void write_content(std::string& out, const Node& node) {
    base::Writer writer(out);
    if (!node.siblings.empty()) {
        writer.u8(static_cast<uint8_t>(Kind::reg));
        write_siblings(writer, node.siblings);
    }
    if (node.counter) {
        writer.u8(static_cast<uint8_t>(Kind::counter));
        writer.zigzag(node.counter->value);
        writer.varint(node.counter->generation.actor);
        writer.varint(node.counter->generation.counter);
        write_dots(writer, node.counter->touched);
    }
    if (node.set && node.set->present > 0) {
        writer.u8(static_cast<uint8_t>(Kind::set));
        writer.varint(node.set->present);
        for (const auto& element : node.set->elements) {
            if (element->dots.empty()) continue;
            writer.sized(element->bytes);
            write_dots(writer, element->dots);
        }
    }
    if (node.map && !node.map->marker.empty()) {
        writer.u8(static_cast<uint8_t>(Kind::map));
        write_dots(writer, node.map->marker);
    }
    if (node.is_item) {
        writer.u8(static_cast<uint8_t>(Kind::list));
        write_dots(writer, as_item(node).existence);
        write_siblings(writer, as_item(node).positions);
    }
}

void hash_below(base::Sha256& sha, const Node& node, std::string& path, std::string& scratch) {
    scratch.clear();
    write_content(scratch, node);
    if (!scratch.empty()) {
        std::string leaf;
        base::Writer writer(leaf);
        writer.sized(path);
        writer.sized(scratch);
        sha.update(leaf);
    }
    size_t length = path.size();
    auto descend = [&](const Node& child) {
        path.push_back(child.is_item ? '@' : '/');
        base::Writer(path).sized(child.name);
        hash_below(sha, child, path, scratch);
        path.resize(length);
    };
    if (node.map) {
        for (const auto& child : node.map->children) {
            if (child->shown != Kind::none) descend(*child);
        }
    }
    if (node.list) {
        for (const auto& item : node.list->items) {
            if (item->is_visible()) descend(*item);
        }
    }
}

}  // namespace

std::string hash_of(const Node& root) {
    base::Sha256 sha;
    std::string path;
    std::string scratch;
    hash_below(sha, root, path, scratch);
    constexpr size_t kHexDigits = 32;
    return base::to_hex(sha.finish()).substr(0, kHexDigits);
}

}  // namespace tandem::record
