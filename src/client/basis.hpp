#pragma once

#include <vector>

#include "client/replica.hpp"
#include "record/op.hpp"

namespace tandem::client {

/// What somebody had seen who read a channel: kept by those who write later than they read.
struct Seen {
    record::Cursor cursor;
    record::Selection in_force;
    record::View confirmed;  ///< empty when all is in force, which is then known anyway
};
Seen seen_by(const Replica& replica);

/// Gives ops the base that says what their author had seen (docs/protocol.md, section 3.3): the
/// cursor where the selection in force covers their path, else nothing. A set, a delete or an
/// assignment of more than is covered becomes ops on the covered parts, since its author has seen
/// no more than these.
std::vector<record::Op> with_bases(const Replica& replica, std::vector<record::Op> ops);
std::vector<record::Op> with_bases(const Seen& seen, std::vector<record::Op> ops);

/// True when a view selected so shows the path as it is. An item below which a part lies does not
/// count: it may be in the view for that part alone.
bool is_covered(const record::Selection& selection, const record::View& view,
                const record::Path& path);
/// What a view selected so has below a path that it does not cover.
std::vector<record::Path> covered_below(const record::Selection& selection,
                                        const record::View& view, const record::Path& path);

}  // namespace tandem::client
