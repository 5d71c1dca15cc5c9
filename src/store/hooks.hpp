#pragma once

#include "port/store.hpp"

namespace tandem::store {

/// Whether a stream of a webhook has something to tell of a channel.
inline bool is_behind(const port::HookLagRow& row) {
    return row.at ? *row.at != row.head : row.head.seq > 0;
}

}  // namespace tandem::store
