// What is told of webhooks, and what may be asked of them.

#include <algorithm>
#include <utility>

#include "base/value.hpp"
#include "server/clocks.hpp"
#include "server/webhooks.hpp"

namespace tandem::server {

using base::ErrorCode;

namespace {

constexpr size_t kStreamsShown = 20;

// A query may hold a key that only the receiver is to know.
std::string shown_url(const std::string& url) {
    const size_t query = url.find('?');
    return query == std::string::npos ? url : url.substr(0, query) + "?…";
}

// Of a time on the clock that never goes back; 0 stays 0.
uint64_t wall_of(uint64_t at_ms, uint64_t now_ms, uint64_t now_wall_ms) {
    return at_ms == 0 ? 0 : now_wall_ms + at_ms - now_ms;
}

}  // namespace

void Webhooks::list(Answer answer) {
    call([this, answer = std::move(answer)] { answer(status_json()); });
}

void Webhooks::act(std::string name, Action action, Answer answer) {
    call([this, name = std::move(name), action, answer = std::move(answer)] {
        act_here(name, action, answer);
    });
}

void Webhooks::act_here(const std::string& name, Action action, const Answer& answer) {
    const auto found = std::find_if(options_.begin(), options_.end(),
                                    [&](const auto& hook) { return hook.policy.name == name; });
    if (found == options_.end()) return answer(base::fail(ErrorCode::not_found));
    const auto hook = static_cast<uint32_t>(found - options_.begin());
    const bool is_disabled = dispatcher_.state(hook).is_disabled;
    switch (action) {
        case Action::test: {
            const uint64_t id = next_test_++;
            tests_[id] = {name, mono_ms(), answer};
            poster_->post(post_of_test(id),
                          request_of(*found, hooks::test_payload(name, instance_, id, wall_ms())));
            return;
        }
        case Action::retry:
            dispatcher_.retry_now(mono_ms(), hook);
            break;
        case Action::enable:
            if (is_disabled) dispatcher_.enable(hook);
            break;
        case Action::disable:
            if (!is_disabled) dispatcher_.disable(hook);
            break;
    }
    if (dispatcher_.state(hook).is_disabled != is_disabled) save_hook(hook);
    std::string json = "{\"name\":";
    base::append_json_string(json, name);
    json += dispatcher_.state(hook).is_disabled ? ",\"disabled\":true}" : ",\"disabled\":false}";
    answer(std::move(json));
}

std::string Webhooks::status_json() const {
    const uint64_t now_ms = mono_ms();
    const uint64_t now_wall_ms = wall_ms();
    std::string out = "{\"webhooks\":[";
    for (uint32_t index = 0; index < options_.size(); ++index) {
        const WebhookOptions& hook = options_[index];
        const hooks::HookState& state = dispatcher_.state(index);
        const auto texts = [&out](std::string_view name, const auto& list, const auto& text_of) {
            out += ",\"" + std::string(name) + "\":[";
            for (size_t i = 0; i < list.size(); ++i) {
                if (i > 0) out += ',';
                base::append_json_string(out, text_of(list[i]));
            }
            out += ']';
        };
        const auto number = [&out](std::string_view name, uint64_t value) {
            out += ",\"" + std::string(name) + "\":" + std::to_string(value);
        };
        if (index > 0) out += ',';
        out += "{\"name\":";
        base::append_json_string(out, hook.policy.name);
        out += ",\"url\":";
        base::append_json_string(out, shown_url(hook.url));
        texts("events", hook.policy.streams, [](hooks::Stream s) { return name_of(s); });
        texts("channels", hook.policy.channels, [](const std::string& s) { return s; });
        out += ",\"state\":\"";
        out += state.is_disabled ? "disabled" : is_failing_[index] ? "failing" : "active";
        out += '"';
        number("delivered", state.delivered);
        number("failed", state.failed);
        number("dropped", state.dropped);
        number("under_way", state.running);
        // Nothing is scanned for one that is told nothing.
        if (state.is_disabled)
            out += ",\"behind\":null";
        else
            number("behind", dispatcher_.behind(index));
        number("last_delivered_ms", wall_of(state.last_delivered_ms, now_ms, now_wall_ms));
        number("last_failed_ms", wall_of(state.last_failed_ms, now_ms, now_wall_ms));
        number("last_status", state.last_status);
        out += ",\"last_reason\":";
        base::append_json_string(out, state.last_reason);
        out += ",\"streams\":[";
        bool is_first = true;
        for (const hooks::StreamState& stream : dispatcher_.streams(index, kStreamsShown)) {
            if (!std::exchange(is_first, false)) out += ',';
            out += "{\"channel\":";
            base::append_json_string(out, stream.what.channel);
            out += ",\"event\":\"" + std::string(name_of(stream.what.stream)) + '"';
            number("attempts", stream.attempts);
            number("next_ms",
                   stream.is_running ? now_wall_ms : wall_of(stream.due_ms, now_ms, now_wall_ms));
            out += '}';
        }
        out += "]}";
    }
    return out + "]}";
}

void Webhooks::note_totals() {
    Totals sum;
    for (uint32_t index = 0; index < options_.size(); ++index) {
        const hooks::HookState& state = dispatcher_.state(index);
        sum.delivered += state.delivered;
        sum.failed += state.failed;
        sum.dropped += state.dropped;
        sum.under_way += state.running;
        sum.behind += dispatcher_.behind(index);
        sum.disabled += state.is_disabled ? 1 : 0;
    }
    sum.gaps = gaps_;
    const std::lock_guard lock(inbox_mutex_);
    totals_ = sum;
}

Webhooks::Totals Webhooks::totals() const {
    const std::lock_guard lock(inbox_mutex_);
    return totals_;
}

}  // namespace tandem::server
