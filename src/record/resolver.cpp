#include "record/resolver.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <tuple>

#include "base/assert.hpp"
#include "record/text3.hpp"

namespace tandem::record {

namespace {

using base::Value;

std::vector<const Sibling*> by_dot(const std::vector<Sibling>& siblings) {
    std::vector<const Sibling*> out;
    for (const Sibling& sibling : siblings)
        out.push_back(&sibling);
    std::sort(out.begin(), out.end(),
              [](const Sibling* a, const Sibling* b) { return a->dot < b->dot; });
    return out;
}

template <class Test>
bool do_all(const std::vector<Sibling>& siblings, Test test) {
    return std::all_of(siblings.begin(), siblings.end(),
                       [&](const Sibling& sibling) { return test(sibling.value); });
}

// The sum is divided once, so that equal sets of siblings give equal bits.
std::optional<Blend> mean_of(const std::vector<Sibling>& siblings) {
    if (!do_all(siblings, [](const Value& value) { return value.is_number(); })) return {};
    auto count = static_cast<double>(siblings.size());
    double sum = 0;
    for (const Sibling* sibling : by_dot(siblings))
        sum += sibling->value.as_number();
    if (std::isfinite(sum)) return Blend{Value(sum / count), {}};
    sum = 0;
    for (const Sibling* sibling : by_dot(siblings))
        sum += sibling->value.as_number() / count;
    if (!std::isfinite(sum)) return {};
    return Blend{Value(sum), {}};
}

std::optional<Blend> union_of(const std::vector<Sibling>& siblings) {
    if (!do_all(siblings, [](const Value& value) { return value.is_array(); })) return {};
    std::set<std::string> known;
    base::Array out;
    for (const Sibling* sibling : by_dot(siblings)) {
        for (const Value& element : sibling->value.as_array()) {
            if (known.insert(base::canonical_bytes(element)).second) out.push_back(element);
        }
    }
    Value value(std::move(out));
    if (base::canonical_bytes(value).size() > kUnionBytesMax) return {};
    if (!base::check_value(value)) return {};
    return Blend{std::move(value), {}};
}

std::optional<Blend> text_of(const std::vector<Sibling>& siblings, std::string_view base) {
    bool do_fit = do_all(siblings, [](const Value& value) {
        return value.is_string() && value.as_string().size() <= kText3BytesMax;
    });
    if (!do_fit || base.empty()) return {};
    std::vector<const Sibling*> sorted = by_dot(siblings);
    std::vector<Text3Version> versions;
    for (const Sibling* sibling : sorted) {
        size_t rank = 0;
        for (const Sibling& other : siblings)
            rank += ranks_below(other, *sibling) ? 1 : 0;
        versions.push_back({sibling->value.as_string(), rank});
    }
    Text3Merge merged = merge_texts(base, versions);
    Blend out{Value(std::move(merged.text)), {}};
    for (size_t i = 0; i < sorted.size(); ++i) {
        if (merged.lost[i]) out.lost.push_back(sorted[i]->dot);
    }
    return out;
}

}  // namespace

bool ranks_below(const Sibling& a, const Sibling& b) {
    return std::tie(a.stamp, a.dot.counter, a.seq) < std::tie(b.stamp, b.dot.counter, b.seq);
}

const Sibling& winner(const std::vector<Sibling>& siblings) {
    TANDEM_ASSERT(!siblings.empty());
    return *std::max_element(siblings.begin(), siblings.end(), ranks_below);
}

bool is_less(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return a.kind() < b.kind();
    switch (a.kind()) {
        case Value::Kind::null:
            return false;
        case Value::Kind::boolean:
            return !a.as_bool() && b.as_bool();
        case Value::Kind::number:
            return a.as_number() < b.as_number();
        case Value::Kind::string:
            return a.as_string() < b.as_string();
        case Value::Kind::array:
        case Value::Kind::object:
            return base::canonical_bytes(a) < base::canonical_bytes(b);
    }
    return false;
}

bool is_beyond(Resolver resolver, const Value& a, const Value& b) {
    if (resolver == Resolver::max) return is_less(b, a);
    if (resolver == Resolver::min) return is_less(a, b);
    return false;
}

const Sibling& pick(const std::vector<Sibling>& siblings, Resolver resolver) {
    const Sibling* best = &winner(siblings);
    for (const Sibling& sibling : siblings) {
        if (is_beyond(resolver, sibling.value, best->value)) best = &sibling;
    }
    return *best;
}

std::vector<Sibling>::iterator weakest(std::vector<Sibling>& siblings, Resolver resolver) {
    return std::min_element(siblings.begin(), siblings.end(),
                            [&](const Sibling& a, const Sibling& b) {
                                if (is_beyond(resolver, a.value, b.value)) return false;
                                return is_beyond(resolver, b.value, a.value) || ranks_below(a, b);
                            });
}

bool is_blending(Resolver resolver) {
    switch (resolver) {
        case Resolver::mean:
        case Resolver::set_union:
        case Resolver::text3:
            return true;
        case Resolver::keep:
        case Resolver::lww:
        case Resolver::max:
        case Resolver::min:
        case Resolver::manual:
        case Resolver::agent:
            return false;
    }
    return false;
}

std::optional<Blend> blend(const std::vector<Sibling>& siblings, Resolver resolver,
                           std::string_view base) {
    if (siblings.size() < 2 || !is_blending(resolver)) return {};
    if (do_all(siblings, [&](const Value& value) { return value == siblings[0].value; })) return {};
    if (resolver == Resolver::mean) return mean_of(siblings);
    if (resolver == Resolver::set_union) return union_of(siblings);
    return text_of(siblings, base);
}

}  // namespace tandem::record
