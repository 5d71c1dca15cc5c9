#pragma once

#include <vector>

#include "record/document.hpp"
#include "record/view.hpp"

namespace tandem::record {

/// The ops that make `now` show at `path` what `then` shows there; none when it does already.
/// They are meant for one entry whose author has seen all of `now`. Their bases are not set.
/// An item that had no position is brought back without one, but loses none that it has now.
[[nodiscard]] std::vector<Op> revert_ops(const Document& now, const Document& then,
                                         const Path& path);
/// Of what a client sees. It does not know of watermarks (`max`, `min`), which do not go back.
[[nodiscard]] std::vector<Op> revert_ops(const View& now, const View& then, const Path& path);

}  // namespace tandem::record
