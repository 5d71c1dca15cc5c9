#pragma once

namespace tandem::base {

// Called when an assertion fails, before the process ends. It may log; when it returns, the process
// aborts. It is the one process-wide variable of the core: a failed assertion has no context to
// carry it.
using PanicHook = void (*)(const char* expression, const char* file, int line);

// Installs `hook` (null restores the default, which prints to standard error) and returns the
// former.
PanicHook set_panic_hook(PanicHook hook);

[[noreturn]] void panic(const char* expression, const char* file, int line);

}  // namespace tandem::base

// Checks a programmer's invariant in every build type. Never for input: input gets a Result.
#define TANDEM_ASSERT(condition)                                   \
    do {                                                           \
        if (!(condition)) [[unlikely]] {                           \
            ::tandem::base::panic(#condition, __FILE__, __LINE__); \
        }                                                          \
    } while (false)

#define TANDEM_UNREACHABLE() ::tandem::base::panic("unreachable", __FILE__, __LINE__)
