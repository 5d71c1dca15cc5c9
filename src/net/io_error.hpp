#pragma once

#include <cerrno>
#include <cstdint>

#include "base/result.hpp"

namespace tandem::net {

/// `io_failed` with what the last system call left in errno.
inline base::Error io_error() {
    return base::fail(base::ErrorCode::io_failed, static_cast<uint64_t>(errno));
}

}  // namespace tandem::net
