#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hooks/hook.hpp"
#include "port/entropy.hpp"
#include "port/hooks.hpp"

namespace tandem::hooks {

struct DispatcherLimits {
    size_t streams_per_hook_max =
        4'096;                           ///< that are behind and remembered; the store has the rest
    uint32_t connections_max = 64;       ///< deliveries under way, of all webhooks together
    uint32_t presence_attempts_max = 5;  ///< then that state of a channel is given up
};

/// One delivery to make, or to find that there is none to make.
struct Task {
    uint64_t id = 0;
    StreamId what;
    /// Newer than what the store has; none: the stored cursor holds.
    std::optional<port::HookPosition> from;
};

/// How a task ended.
struct Outcome {
    enum class Kind : uint8_t {
        idle,       ///< there was nothing to tell
        delivered,  ///< the receiver has it
        failed,     ///< to be tried again
        gone,       ///< the receiver wants no more
    };
    /// Whose failure it was: of one delivery, of the whole receiver, or of this server.
    enum class Fault : uint8_t { answered, unreachable, local };

    Kind kind = Kind::idle;
    std::optional<port::HookPosition> at;  ///< the new cursor
    bool has_more = false;
    Fault fault = Fault::answered;
    uint64_t retry_after_ms = 0;  ///< that the receiver asked for
    uint32_t status = 0;          ///< of HTTP; 0: there was no answer
    std::string reason;
};

/// What is known of one webhook.
struct HookState {
    bool is_disabled = false;
    uint64_t delivered = 0;
    uint64_t failed = 0;   ///< attempts
    uint64_t dropped = 0;  ///< states of presence that were given up
    uint32_t running = 0;
    uint32_t failures = 0;  ///< attempts without an answer since the last one
    uint64_t last_delivered_ms = 0;
    uint64_t last_failed_ms = 0;
    uint32_t last_status = 0;
    std::string last_reason;
};
struct StreamState {
    StreamId what;
    uint32_t attempts = 0;  ///< that failed since the last delivery
    uint64_t due_ms = 0;
    bool is_running = false;
};

/// When which stream of which webhook is told, without I/O: news come in, tasks come out, and their
/// outcomes come back. Each stream has one delivery under way at most, so its events stay in order;
/// a stream that fails waits longer and longer, the others go on. A receiver that cannot be reached
/// is asked by one delivery at a time until it answers. Memory is bounded: only streams that are
/// behind are kept, and when there are too many of a webhook, it is scanned again later.
///
/// Times are milliseconds of any clock that never goes back; those of HookState are given as `now`.
class Dispatcher {
  public:
    Dispatcher(std::vector<HookPolicy> hooks, port::Entropy& entropy, DispatcherLimits limits = {});

    [[nodiscard]] const std::vector<HookPolicy>& hooks() const { return policies_; }

    /// Something happened; for all webhooks that want it.
    void note(uint64_t now_ms, Stream stream, std::string_view channel);
    /// A stream was found behind. False when there is no room: the scan is to end, and will be
    /// asked for again.
    bool note_behind(uint64_t now_ms, const StreamId& what);

    /// A webhook whose streams are to be searched for in the store.
    [[nodiscard]] std::optional<uint32_t> next_scan();
    void finish_scan(uint32_t hook);
    /// News were lost: all are to be scanned.
    void scan_all();

    [[nodiscard]] std::optional<Task> next_task(uint64_t now_ms);
    /// Once for each task.
    void finish(uint64_t now_ms, uint64_t task, const Outcome& outcome);
    /// When `next_task` may give something; UINT64_MAX: not before something else happens.
    [[nodiscard]] uint64_t next_due_ms() const;

    [[nodiscard]] bool has_cursors() const { return !unsaved_.empty(); }
    /// Cursors that the store does not have yet. Until `cursors_saved` no others are given.
    [[nodiscard]] std::vector<port::StoredHookCursor> take_cursors(size_t max);
    enum class Saved : uint8_t { yes, no };
    void cursors_saved(Saved saved);

    void disable(uint32_t hook);
    /// Goes on from the cursors.
    void enable(uint32_t hook);
    /// Nothing waits for its next attempt any longer.
    void retry_now(uint64_t now_ms, uint32_t hook);

    [[nodiscard]] const HookState& state(uint32_t hook) const { return hooks_[hook].state; }
    /// How many streams of it are known to be behind.
    [[nodiscard]] size_t behind(uint32_t hook) const;
    /// Those that failed most often first.
    [[nodiscard]] std::vector<StreamState> streams(uint32_t hook, size_t max) const;

  private:
    enum class Phase : uint8_t { waiting, running, settled };
    struct Active {
        Phase phase = Phase::waiting;
        uint64_t due_ms = 0;
        uint32_t attempts = 0;
        bool is_unreachable = false;  ///< what it waits for
        bool is_noted = false;        ///< while it ran
        std::optional<port::HookPosition> at;
        bool is_unsaved = false;
    };
    struct Hook {
        HookState state;
        std::set<std::pair<uint64_t, StreamId>> due;
        uint64_t not_before_ms = 0;
        bool wants_scan = true;
        bool is_scanning = false;
        size_t count = 0;  ///< of its streams, settled ones too
    };
    using Streams = std::map<StreamId, Active>;

    [[nodiscard]] uint32_t capacity(uint32_t hook) const;
    [[nodiscard]] uint64_t backoff(const HookPolicy& policy, uint32_t attempts);
    void wait_until(Streams::iterator at, uint64_t due_ms);
    void settle(Streams::iterator at);
    void move_cursor(Streams::iterator at, const port::HookPosition& to);
    void expedite_unreachable(uint64_t now_ms, uint32_t hook);

    std::vector<HookPolicy> policies_;
    port::Entropy& entropy_;
    DispatcherLimits limits_;
    std::vector<Hook> hooks_;
    Streams streams_;
    std::map<uint64_t, StreamId> tasks_;
    uint64_t next_task_ = 1;
    uint32_t next_hook_ = 0;
    std::deque<StreamId> unsaved_;
    std::vector<std::pair<StreamId, port::HookPosition>> saving_;
};

}  // namespace tandem::hooks
