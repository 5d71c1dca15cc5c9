#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "record/document.hpp"

// Resolvers are pure functions of a register's siblings, whatever order these stand in
// (docs/merge.md, section 2.1).
namespace tandem::record {

/// What a union may weigh as canonical bytes.
inline constexpr size_t kUnionBytesMax = 16 * 1024;

/// Order of siblings by stamp, ties by counter, then by seq.
bool ranks_below(const Sibling& a, const Sibling& b);
/// The sibling of the highest rank; `siblings` must not be empty.
const Sibling& winner(const std::vector<Sibling>& siblings);

/// One total order of values: null, false, true, numbers, strings by bytes, then arrays and
/// objects by their canonical bytes.
bool is_less(const base::Value& a, const base::Value& b);
/// True when the resolver shows `a` rather than `b`; false for every resolver but max and min.
bool is_beyond(Resolver resolver, const base::Value& a, const base::Value& b);
/// The sibling that stands for all under a resolver that computes nothing; the winner otherwise.
const Sibling& pick(const std::vector<Sibling>& siblings, Resolver resolver);
/// The sibling that leaves when there are too many.
std::vector<Sibling>::iterator weakest(std::vector<Sibling>& siblings, Resolver resolver);

/// A shown value that is made of several siblings.
struct Blend {
    base::Value value;
    std::vector<Dot> lost;  ///< of siblings of which something was not taken
};

/// True for resolvers that may show what nobody wrote.
bool is_blending(Resolver resolver);
/// What such a resolver makes of the siblings; nothing when they are all equal or do not fit it,
/// and the winner is shown. `base` is the text on which they were written, empty for not known.
std::optional<Blend> blend(const std::vector<Sibling>& siblings, Resolver resolver,
                           std::string_view base);

}  // namespace tandem::record
