#include "base/assert.hpp"

#include <assert.h>

#include <atomic>
#include <cstdlib>

namespace tandem::base {
namespace {

std::atomic<PanicHook> panic_hook{nullptr};

}  // namespace

PanicHook set_panic_hook(PanicHook hook) { return panic_hook.exchange(hook); }

void panic(const char* expression, const char* file, int line) {
    if (PanicHook hook = panic_hook.load()) {
        hook(expression, file, line);
        std::abort();
    }
    __assert_fail(expression, file, static_cast<unsigned>(line), "tandem");
}

}  // namespace tandem::base
