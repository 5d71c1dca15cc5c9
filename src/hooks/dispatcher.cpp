#include "hooks/dispatcher.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace tandem::hooks {

namespace {

constexpr uint64_t kRetryAfterMsMax = 86'400'000;

}  // namespace

Dispatcher::Dispatcher(std::vector<HookPolicy> hooks, port::Entropy& entropy,
                       DispatcherLimits limits)
    : policies_(std::move(hooks)), entropy_(entropy), limits_(limits), hooks_(policies_.size()) {}

void Dispatcher::note(uint64_t now_ms, Stream stream, std::string_view channel) {
    for (uint32_t hook = 0; hook < policies_.size(); ++hook) {
        const HookPolicy& policy = policies_[hook];
        if (!policy.wants(stream) || !policy.covers(channel)) continue;
        note_behind(now_ms, {hook, stream, std::string(channel)});
    }
}

bool Dispatcher::note_behind(uint64_t now_ms, const StreamId& what) {
    Hook& hook = hooks_[what.hook];
    if (hook.state.is_disabled) return true;
    auto at = streams_.find(what);
    if (at == streams_.end()) {
        if (hook.count >= limits_.streams_per_hook_max) {
            if (what.stream == Stream::presence)
                hook.state.dropped++;
            else
                hook.wants_scan = true;
            return false;
        }
        at = streams_.try_emplace(what).first;
        hook.count++;
        at->second.phase = Phase::settled;
    }
    Active& stream = at->second;
    if (stream.phase == Phase::running) stream.is_noted = true;
    if (stream.phase == Phase::settled) wait_until(at, now_ms + policies_[what.hook].gather_ms);
    return true;
}

std::optional<uint32_t> Dispatcher::next_scan() {
    for (uint32_t index = 0; index < hooks_.size(); ++index) {
        Hook& hook = hooks_[index];
        if (!hook.wants_scan || hook.is_scanning || hook.state.is_disabled ||
            hook.count > limits_.streams_per_hook_max / 2)
            continue;
        hook.wants_scan = false;
        hook.is_scanning = true;
        return index;
    }
    return std::nullopt;
}

void Dispatcher::finish_scan(uint32_t hook) { hooks_[hook].is_scanning = false; }

void Dispatcher::scan_all() {
    for (Hook& hook : hooks_)
        hook.wants_scan = true;
}

uint32_t Dispatcher::capacity(uint32_t hook) const {
    return hooks_[hook].state.failures > 0 ? 1 : policies_[hook].connections_max;
}

std::optional<Task> Dispatcher::next_task(uint64_t now_ms) {
    if (tasks_.size() >= limits_.connections_max) return std::nullopt;
    for (size_t tried = 0; tried < hooks_.size(); ++tried) {
        const uint32_t index = next_hook_;
        next_hook_ = static_cast<uint32_t>((next_hook_ + 1) % hooks_.size());
        Hook& hook = hooks_[index];
        if (hook.due.empty() || hook.due.begin()->first > now_ms || hook.not_before_ms > now_ms ||
            hook.state.running >= capacity(index))
            continue;
        const auto at = streams_.find(hook.due.begin()->second);
        TANDEM_ASSERT(at != streams_.end());
        hook.due.erase(hook.due.begin());
        hook.state.running++;
        at->second.phase = Phase::running;
        at->second.is_noted = false;
        tasks_[next_task_] = at->first;
        return Task{next_task_++, at->first, at->second.at};
    }
    return std::nullopt;
}

uint64_t Dispatcher::next_due_ms() const {
    if (tasks_.size() >= limits_.connections_max) return UINT64_MAX;
    uint64_t due_ms = UINT64_MAX;
    for (uint32_t index = 0; index < hooks_.size(); ++index) {
        const Hook& hook = hooks_[index];
        if (!hook.due.empty() && hook.state.running < capacity(index))
            due_ms = std::min(due_ms, std::max(hook.due.begin()->first, hook.not_before_ms));
    }
    return due_ms;
}

uint64_t Dispatcher::backoff(const HookPolicy& policy, uint32_t attempts) {
    uint64_t delay_ms = std::max<uint64_t>(policy.retry_min_ms, 1);
    for (uint32_t i = 1; i < attempts && delay_ms < policy.retry_max_ms; ++i)
        delay_ms *= 2;
    delay_ms = std::min(delay_ms, policy.retry_max_ms);
    return delay_ms / 2 + entropy_.next() % (delay_ms / 2 + 1);
}

void Dispatcher::wait_until(Streams::iterator at, uint64_t due_ms) {
    at->second.phase = Phase::waiting;
    at->second.due_ms = due_ms;
    hooks_[at->first.hook].due.insert({due_ms, at->first});
}

// It has nothing to tell. It is forgotten, unless its cursor must be saved first.
void Dispatcher::settle(Streams::iterator at) {
    at->second.phase = Phase::settled;
    at->second.attempts = 0;
    at->second.is_unreachable = false;
    if (at->second.is_unsaved) return;
    hooks_[at->first.hook].count--;
    streams_.erase(at);
}

void Dispatcher::move_cursor(Streams::iterator at, const port::HookPosition& to) {
    at->second.at = to;
    if (at->second.is_unsaved) return;
    at->second.is_unsaved = true;
    unsaved_.push_back(at->first);
}

void Dispatcher::expedite_unreachable(uint64_t now_ms, uint32_t index) {
    Hook& hook = hooks_[index];
    const auto waiting = std::exchange(hook.due, {});
    for (const auto& [due_ms, what] : waiting) {
        const auto at = streams_.find(what);
        const bool is_early = std::exchange(at->second.is_unreachable, false);
        wait_until(at, is_early ? std::min(due_ms, now_ms) : due_ms);
    }
}

void Dispatcher::finish(uint64_t now_ms, uint64_t task, const Outcome& outcome) {
    const auto found = tasks_.find(task);
    TANDEM_ASSERT(found != tasks_.end());
    const auto at = streams_.find(found->second);
    TANDEM_ASSERT(at != streams_.end());
    tasks_.erase(found);
    const uint32_t index = at->first.hook;
    const HookPolicy& policy = policies_[index];
    Hook& hook = hooks_[index];
    Active& stream = at->second;
    hook.state.running--;

    switch (outcome.kind) {
        case Outcome::Kind::delivered:
            hook.state.delivered++;
            hook.state.last_delivered_ms = now_ms;
            if (std::exchange(hook.state.failures, 0u) > 0) expedite_unreachable(now_ms, index);
            [[fallthrough]];
        case Outcome::Kind::idle:
            if (outcome.at) move_cursor(at, *outcome.at);
            stream.attempts = 0;
            stream.is_unreachable = false;
            if (hook.state.is_disabled)
                settle(at);
            else if (outcome.has_more)
                wait_until(at, now_ms);
            else if (stream.is_noted)
                wait_until(at, now_ms + policy.gather_ms);
            else
                settle(at);
            return;
        case Outcome::Kind::failed:
        case Outcome::Kind::gone:
            break;
    }
    hook.state.failed++;
    hook.state.last_failed_ms = now_ms;
    hook.state.last_status = outcome.status;
    hook.state.last_reason = outcome.reason;
    stream.attempts++;
    stream.is_unreachable = outcome.fault == Outcome::Fault::unreachable;
    if (stream.is_unreachable) {
        hook.state.failures++;
        hook.not_before_ms = now_ms + backoff(policy, hook.state.failures);
    } else if (outcome.fault == Outcome::Fault::answered &&
               std::exchange(hook.state.failures, 0u) > 0) {
        expedite_unreachable(now_ms, index);
    }
    const uint64_t asked_ms = std::min(outcome.retry_after_ms, kRetryAfterMsMax);
    if (asked_ms > 0) hook.not_before_ms = std::max(hook.not_before_ms, now_ms + asked_ms);
    if (outcome.kind == Outcome::Kind::gone) disable(index);
    const bool is_given_up =
        at->first.stream == Stream::presence && stream.attempts >= limits_.presence_attempts_max;
    if (is_given_up) hook.state.dropped++;
    if (hook.state.is_disabled || is_given_up)
        settle(at);
    else
        wait_until(at, now_ms + std::max(backoff(policy, stream.attempts), asked_ms));
}

std::vector<port::StoredHookCursor> Dispatcher::take_cursors(size_t max) {
    std::vector<port::StoredHookCursor> out;
    if (!saving_.empty()) return out;
    while (!unsaved_.empty() && saving_.size() < max) {
        const auto at = streams_.find(unsaved_.front());
        TANDEM_ASSERT(at != streams_.end() && at->second.at);
        unsaved_.pop_front();
        saving_.emplace_back(at->first, *at->second.at);
        out.push_back({policies_[at->first.hook].name, static_cast<uint32_t>(at->first.stream),
                       at->first.channel, *at->second.at});
    }
    return out;
}

void Dispatcher::cursors_saved(Saved saved) {
    for (const auto& [what, position] : std::exchange(saving_, {})) {
        const auto at = streams_.find(what);
        TANDEM_ASSERT(at != streams_.end());
        if (saved == Saved::no || *at->second.at != position) {
            unsaved_.push_back(what);
            continue;
        }
        at->second.is_unsaved = false;
        if (at->second.phase == Phase::settled) settle(at);
    }
}

void Dispatcher::disable(uint32_t index) {
    Hook& hook = hooks_[index];
    hook.state.is_disabled = true;
    for (const auto& [due_ms, what] : std::exchange(hook.due, {}))
        settle(streams_.find(what));
}

void Dispatcher::enable(uint32_t index) {
    Hook& hook = hooks_[index];
    hook.state.is_disabled = false;
    hook.state.failures = 0;
    hook.not_before_ms = 0;
    hook.wants_scan = true;
}

void Dispatcher::retry_now(uint64_t now_ms, uint32_t index) {
    Hook& hook = hooks_[index];
    hook.not_before_ms = 0;
    for (const auto& [due_ms, what] : std::exchange(hook.due, {}))
        wait_until(streams_.find(what), std::min(due_ms, now_ms));
}

size_t Dispatcher::behind(uint32_t hook) const {
    return hooks_[hook].due.size() + hooks_[hook].state.running;
}

std::vector<StreamState> Dispatcher::streams(uint32_t hook, size_t max) const {
    std::vector<StreamState> out;
    for (auto at = streams_.lower_bound({hook, Stream::changes, {}});
         at != streams_.end() && at->first.hook == hook; ++at) {
        if (at->second.phase == Phase::settled) continue;
        out.push_back({at->first, at->second.attempts, at->second.due_ms,
                       at->second.phase == Phase::running});
    }
    std::stable_sort(out.begin(), out.end(), [](const StreamState& a, const StreamState& b) {
        return a.attempts > b.attempts;
    });
    if (out.size() > max) out.resize(max);
    return out;
}

}  // namespace tandem::hooks
