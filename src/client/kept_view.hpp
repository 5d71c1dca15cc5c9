#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/outbox.hpp"
#include "client/replica.hpp"

namespace tandem::client {

/// A confirmed view as it is kept between two runs of a program: with its cursor and what it is
/// selected by, since without the latter nobody could say what is new since.
struct KeptView {
    Replica::Cursor cursor;
    record::Selection in_force;
    record::View view;
    /// Pushes that the view holds. Their own records go after the view's is stored, so that a crash
    /// in between shows nothing twice.
    std::vector<PushId> settled;
    /// Pushes of the actor that are not shown, since the view may hold them.
    std::vector<PushId> doubtful;
    uint64_t actor = 0;
};

std::string encode_kept(const Replica& replica, const std::vector<PushId>& settled,
                        const Outbox& outbox);
/// Errors: unsupported_version, and those of a record that is cut or damaged.
[[nodiscard]] base::Result<KeptView> decode_kept(std::string_view bytes);

}  // namespace tandem::client
