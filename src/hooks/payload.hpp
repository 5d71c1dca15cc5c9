#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hooks/hook.hpp"
#include "hooks/plan.hpp"
#include "port/hooks.hpp"

// What a receiver gets (docs/webhooks.md). The same range of the same log makes the same bytes.
namespace tandem::hooks {

struct Payload {
    std::string id;  ///< letters, digits and :/-_% only
    std::string body;
};

/// `items` is a JSON array: the entries of a log, or rows of a conflict journal. All of it happened
/// by `wall_ms`, milliseconds since 1970.
[[nodiscard]] Payload range_payload(std::string_view hook, Stream stream, std::string_view channel,
                                    const port::HookPosition& from, const port::HookPosition& to,
                                    uint64_t wall_ms, std::string_view items);
[[nodiscard]] Payload gap_payload(std::string_view hook, Stream stream, std::string_view channel,
                                  const port::HookPosition& from, const port::HookPosition& to,
                                  Step::Cause cause);
[[nodiscard]] Payload reset_payload(std::string_view hook, std::string_view channel,
                                    const port::HookPosition& from, const port::HookPosition& to);
/// `instance` names this run of the server, `number` counts what it has sent.
[[nodiscard]] Payload presence_payload(std::string_view hook, std::string_view channel,
                                       std::string_view instance, uint64_t number, uint64_t wall_ms,
                                       std::string_view members);
[[nodiscard]] Payload test_payload(std::string_view hook, std::string_view instance,
                                   uint64_t number, uint64_t wall_ms);

/// RFC 3339, in UTC with milliseconds.
[[nodiscard]] std::string time_text(uint64_t wall_ms);

/// How long a Retry-After header asks to wait: seconds or a date; 0 when it says neither.
[[nodiscard]] uint64_t retry_after_ms(std::string_view header, uint64_t wall_ms);

}  // namespace tandem::hooks
