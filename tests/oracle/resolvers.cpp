#include <algorithm>
#include <cmath>

#include "oracle/oracle.hpp"

// What a register shows: docs/merge.md, section 2.1.
namespace tandem::oracle {

namespace {

constexpr int kMax = 2;
constexpr int kMin = 3;
constexpr int kMean = 4;
constexpr int kUnion = 5;
constexpr int kText3 = 6;

int type_rank(const json& value) {
    if (value.is_null()) return 0;
    if (value.is_boolean()) return 1;
    if (value.is_number()) return 2;
    if (value.is_string()) return 3;
    return value.is_array() ? 4 : 5;
}

bool is_smaller(const json& a, const json& b) {
    if (type_rank(a) != type_rank(b)) return type_rank(a) < type_rank(b);
    if (a.is_null()) return false;
    if (a.is_boolean()) return b.get<bool>() && !a.get<bool>();
    if (a.is_number()) return a.get<double>() < b.get<double>();
    if (a.is_string()) return a.get<std::string>() < b.get<std::string>();
    return canonical_bytes(a) < canonical_bytes(b);
}

size_t members_of(const json& value) {
    size_t count = value.is_object() ? value.size() : 0;
    if (value.is_structured()) {
        for (const auto& part : value)
            count += members_of(part);
    }
    return count;
}

json plain_mean(const std::vector<Sibling>& siblings) {
    const auto count = static_cast<double>(siblings.size());
    double sum = 0;
    double scaled = 0;
    for (const Sibling& s : siblings) {
        sum += s.value.get<double>();
        scaled += s.value.get<double>() / count;
    }
    const double mean = std::isfinite(sum) ? sum / count : scaled;
    return std::isfinite(mean) ? normal(json(mean)) : json(json::value_t::discarded);
}

json plain_union(const std::vector<Sibling>& siblings) {
    json all = json::array();
    for (const Sibling& s : siblings) {
        for (const json& element : s.value) {
            const bool is_new = std::none_of(all.begin(), all.end(), [&](const json& known) {
                return canonical_bytes(known) == canonical_bytes(element);
            });
            if (is_new) all.push_back(element);
        }
    }
    const bool fits = canonical_bytes(all).size() <= 16384 && members_of(all) <= 1000;
    return fits ? all : json(json::value_t::discarded);
}

std::string lowest_text(const Node& node) {
    int64_t lowest = INT64_MAX;
    for (const Sibling& s : node.reg) {
        const auto base = node.bases.find(s.seq);
        if (base == node.bases.end()) return "";
        lowest = std::min(lowest, base->second);
    }
    std::string text;
    for (const auto& [seq, shown] : node.texts) {
        if (seq <= lowest) text = shown;
    }
    return text;
}

}  // namespace

bool goes_first(int resolver, const json& a, const json& b) {
    return (resolver == kMax && is_smaller(b, a)) || (resolver == kMin && is_smaller(a, b));
}

std::string text_to_merge_on(const json& value) {
    if (!value.is_string() || value.get<std::string>().size() > 4096) return "";
    return value.get<std::string>();
}

Resolved resolved(const Node& node) {
    std::vector<Sibling> siblings = node.reg;
    std::sort(siblings.begin(), siblings.end(),
              [](const Sibling& a, const Sibling& b) { return a.dot < b.dot; });
    Resolved plain{winner(siblings)->value, {}};
    for (const Sibling& s : siblings) {
        if (s.value != plain.value) plain.losers.insert(s.dot);
    }
    if (plain.losers.empty()) return plain;

    const auto all = [&](auto test) {
        return std::all_of(siblings.begin(), siblings.end(),
                           [&](const Sibling& s) { return test(s.value); });
    };
    Resolved out;
    switch (node.resolver) {
        case kMax:
        case kMin:
            out.value = siblings[0].value;
            for (const Sibling& s : siblings) {
                if (goes_first(node.resolver, s.value, out.value)) out.value = s.value;
            }
            return out;
        case kMean:
            if (!all([](const json& v) { return v.is_number(); })) return plain;
            out.value = plain_mean(siblings);
            return out.value.is_discarded() ? plain : out;
        case kUnion:
            if (!all([](const json& v) { return v.is_array(); })) return plain;
            out.value = plain_union(siblings);
            return out.value.is_discarded() ? plain : out;
        case kText3: {
            const std::string base = lowest_text(node);
            const bool fit = all(
                [](const json& v) { return v.is_string() && v.get<std::string>().size() <= 4096; });
            if (!fit || base.empty()) return plain;
            std::vector<std::string> texts;
            std::vector<size_t> order;
            for (const Sibling& s : siblings) {
                order.push_back(texts.size());
                texts.push_back(s.value);
            }
            std::sort(order.begin(), order.end(),
                      [&](size_t a, size_t b) { return ranks_below(siblings[b], siblings[a]); });
            const auto [text, lost] = merge_texts(base, texts, order);
            out.value = text;
            for (const size_t i : lost)
                out.losers.insert(siblings[i].dot);
            return out;
        }
        default:
            return plain;
    }
}

}  // namespace tandem::oracle
