#pragma once

#include <string>
#include <vector>

namespace tandem::server {

/// The one of `words` that `word` is most likely a misspelling of; empty when none is near.
[[nodiscard]] std::string nearest_word(const std::string& word,
                                       const std::vector<std::string>& words);

}  // namespace tandem::server
