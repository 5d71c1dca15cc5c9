#include <algorithm>

#include "record/apply.hpp"
#include "record/resolver.hpp"
#include "record/text3.hpp"

namespace tandem::record {

namespace {

// What others may have written on: a text that is short enough, or nothing.
std::string_view text_of(const base::Value& value) {
    if (!value.is_string() || value.as_string().size() > kText3BytesMax) return {};
    return value.as_string();
}

// Drops the version that is missed least: neither the oldest nor one of the newest eight, nor the
// one that is merged on. An older version does for what was written on a dropped one.
void thin(std::vector<TextVersion>& versions, std::string_view merged_on) {
    constexpr size_t kNewestKept = 8;
    size_t least = 0;
    uint64_t least_gap = UINT64_MAX;
    for (size_t i = 1; i + kNewestKept < versions.size(); ++i) {
        uint64_t gap = versions[i + 1].seq - versions[i - 1].seq;
        if (versions[i].text.data() == merged_on.data() || gap >= least_gap) continue;
        least = i;
        least_gap = gap;
    }
    versions.erase(versions.begin() + static_cast<std::ptrdiff_t>(least));
}

}  // namespace

void Applier::use_resolver(Node& node, Resolver resolver) {
    if (node.resolver == resolver) return;
    document_.bytes -= bytes_of(node.blending.get());
    std::unique_ptr<Blending> fresh;
    if (resolver == Resolver::text3) {
        fresh = std::make_unique<Blending>();
        if (!node.siblings.empty()) {
            // The blend as of the last entry may be older than what this entry has written.
            auto now = blend(node.siblings, node.resolver, common_text(node));
            const base::Value& shown = now ? now->value : pick(node.siblings, node.resolver).value;
            uint64_t since = 0;
            for (const Sibling& sibling : node.siblings)
                since = std::max(since, sibling.seq);
            fresh->versions.push_back({since, std::string(text_of(shown))});
        }
    }
    node.blending = std::move(fresh);
    document_.bytes += bytes_of(node.blending.get());
    node.resolver = resolver;
    if (node.siblings.size() < 2) return;
    // Without a write of the register, what it shows may be another value now.
    node.leaf_seq = entry_.seq;
    change(node);
}

void Applier::note_base(Node& node) {
    std::vector<SiblingBase>& bases = node.blending->bases;
    if (!bases.empty() && bases.back().seq == entry_.seq) {
        bases.back().base = seen_.base;
        return;
    }
    bases.push_back({entry_.seq, seen_.base});
    document_.bytes += sizeof(SiblingBase);
}

void Applier::bring_blend_in_line(Node& node) {
    if (!is_blending(node.resolver)) return;
    document_.bytes -= bytes_of(node.blending.get());
    if (node.resolver == Resolver::text3) {
        std::erase_if(node.blending->bases, [&](const SiblingBase& written) {
            return std::none_of(node.siblings.begin(), node.siblings.end(),
                                [&](const Sibling& s) { return s.seq == written.seq; });
        });
    }
    compute_blend(node);
    if (node.resolver == Resolver::text3) note_version(node);
    document_.bytes += bytes_of(node.blending.get());
}

void Applier::note_version(Node& node) {
    std::vector<TextVersion>& versions = node.blending->versions;
    std::string_view text;
    if (!node.siblings.empty()) text = text_of(shown_register(node));
    if (versions.empty() ? text.empty() : versions.back().text == text) return;
    if (!versions.empty() && versions.back().seq == entry_.seq) {
        versions.back().text = text;
    } else {
        versions.push_back({entry_.seq, std::string(text)});
    }
    if (versions.size() > kTextVersionsMax) thin(versions, common_text(node));
}

}  // namespace tandem::record
