#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::record {

/// Texts above this many bytes are not merged.
inline constexpr size_t kText3BytesMax = 4096;

/// One of the texts that were written at the same time.
struct Text3Version {
    std::string_view text;
    size_t rank = 0;  ///< where versions say different things, the highest one is taken
};

struct Text3Merge {
    std::string text;
    std::vector<bool> lost;  ///< by version: some edit of it was not taken
};

/// Three-way merge by tokens, for any number of versions of one base (docs/merge.md, section 2.1).
/// Versions come in the order in which insertions at one place are to stand. Pure. The cost is
/// bounded: at most 65,536 steps for each version beyond reading the texts.
Text3Merge merge_texts(std::string_view base, const std::vector<Text3Version>& versions);

}  // namespace tandem::record
