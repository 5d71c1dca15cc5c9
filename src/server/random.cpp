#include "server/random.hpp"

#include <sys/random.h>

#include <cstdlib>

namespace tandem::server {

uint64_t SystemEntropy::next() {
    uint64_t value = 0;
    // Eight bytes come whole once the kernel's pool is ready; without randomness nothing is safe.
    if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) std::abort();
    return value;
}

}  // namespace tandem::server
