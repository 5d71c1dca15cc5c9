#include "server/webhooks.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <utility>

#include "base/assert.hpp"
#include "hooks/plan.hpp"
#include "hooks/signature.hpp"
#include "hub/json_out.hpp"
#include "server/clocks.hpp"
#include "server/log.hpp"

namespace tandem::server {

using base::ErrorCode;
using base::Result;
using hooks::Outcome;
using hooks::Step;
using hooks::Stream;
using outbound::PostResult;
using port::HookPosition;

namespace {

// News of this many channels wait for the thread; beyond that the store is searched.
constexpr size_t kNewsMax = 65'536;
constexpr uint32_t kScanChannels = 500;
// Cursors are written together, so that many deliveries cost one commit. After a crash what was
// delivered since is delivered again.
constexpr uint64_t kSaveEveryMs = 200;
constexpr size_t kSaveCursorsMax = 1'000;
constexpr uint64_t kScanAgainMs = 1'000;  // when the store was busy
constexpr uint64_t kStopMs = 2'000;
constexpr uint64_t kIdleMs = 60'000;

std::vector<hooks::HookPolicy> policies_of(const std::vector<WebhookOptions>& options) {
    std::vector<hooks::HookPolicy> out;
    for (const WebhookOptions& hook : options)
        out.push_back(hook.policy);
    return out;
}

std::string hexadecimal(uint64_t number) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
    return text;
}

uint32_t number_of(Stream stream) { return static_cast<uint32_t>(stream); }

}  // namespace

Result<std::unique_ptr<Webhooks>> Webhooks::create(const std::vector<WebhookOptions>& options,
                                                   store::SqliteStore& store) {
    TANDEM_TRY(auto poster, outbound::HttpPoster::create());
    std::unique_ptr<Webhooks> webhooks(new Webhooks(options, store, std::move(poster)));
    TANDEM_CHECK(webhooks->enrol());
    return webhooks;
}

Webhooks::Webhooks(const std::vector<WebhookOptions>& options, store::SqliteStore& store,
                   std::unique_ptr<outbound::HttpPoster> poster)
    : options_(options),
      instance_(hexadecimal(entropy_.next())),
      dispatcher_(policies_of(options), entropy_),
      poster_(std::move(poster)),
      port_(store.open_port([this] { poster_->wake(); })),
      is_failing_(options.size()) {}

Webhooks::~Webhooks() { stop(); }

Result<port::StoreReply> Webhooks::ask_and_wait(port::StoreRequest request) {
    std::optional<Result<port::StoreReply>> out;
    ask_store(std::move(request), [&](Result<port::StoreReply>& reply) { out = std::move(reply); });
    while (!out) {
        poster_->wait(kIdleMs, scratch_results_);
        take_stored();
    }
    return *std::move(out);
}

// New webhooks, and those that now cover more, begin at the head of the channels that are there.
// A channel without a cursor was made later, and is told from its beginning.
base::Status Webhooks::enrol() {
    TANDEM_TRY(port::StoreReply reply, ask_and_wait(port::HooksRequest{}));
    const auto known = std::get<port::Hooks>(std::move(reply)).hooks;
    for (uint32_t index = 0; index < options_.size(); ++index) {
        const hooks::HookPolicy& policy = options_[index].policy;
        const auto row = std::find_if(known.begin(), known.end(), [&](const port::StoredHook& k) {
            return k.name == policy.name;
        });
        const std::string scope = row != known.end() ? row->scope : std::string();
        if (row != known.end() && row->is_disabled) dispatcher_.disable(index);
        if (scope == policy.scope()) continue;
        for (const Stream stream : policy.streams) {
            if (stream == Stream::presence || options_[index].from == WebhookOptions::From::start)
                continue;
            port::HookLagRequest search{policy.name, number_of(stream), {}, kScanChannels};
            for (bool has_more = true; has_more;) {
                TANDEM_TRY(port::StoreReply found, ask_and_wait(search));
                const auto& lag = std::get<port::HookLag>(found);
                port::SaveHooksRequest save;
                save.existing = port::SaveHooksRequest::Existing::kept;
                for (const port::HookLagRow& at : lag.rows)
                    if (!at.at && policy.covers(at.channel) &&
                        !hooks::scope_covers(scope, stream, at.channel))
                        save.cursors.push_back(
                            {policy.name, number_of(stream), at.channel, at.head});
                if (!save.cursors.empty()) TANDEM_CHECK(ask_and_wait(std::move(save)));
                search.after = lag.last;
                has_more = lag.more;
            }
        }
        port::SaveHooksRequest save;
        save.hooks.push_back({policy.name, policy.scope(), dispatcher_.state(index).is_disabled});
        TANDEM_CHECK(ask_and_wait(std::move(save)));
    }
    return {};
}

void Webhooks::start(Ask ask) {
    ask_ = std::move(ask);
    thread_ = std::thread([this] { run(); });
}

void Webhooks::stop() {
    if (!thread_.joinable()) return;
    call([this] { stopping_since_ms_ = mono_ms() | 1; });
    thread_.join();
}

void Webhooks::call(std::function<void()> task) {
    {
        const std::lock_guard lock(inbox_mutex_);
        calls_.push_back(std::move(task));
    }
    poster_->wake();
}

void Webhooks::note(const std::vector<hub::News>& news) {
    bool has_any = false;
    {
        const std::lock_guard lock(inbox_mutex_);
        for (const hub::News& one : news) {
            const bool is_wanted =
                std::any_of(options_.begin(), options_.end(),
                            [&](const auto& hook) { return hook.policy.covers(one.channel); });
            if (!is_wanted) continue;
            has_any = true;
            if (news_.size() >= kNewsMax && !news_.contains(one.channel)) {
                has_missed_ = true;
                continue;
            }
            hub::News& kept = news_[one.channel];
            kept.has_entries |= one.has_entries;
            kept.has_presence |= one.has_presence;
        }
    }
    if (has_any) poster_->wake();
}

void Webhooks::run() {
    while (true) {
        take_inbox();
        take_stored();
        for (const PostResult& result : std::exchange(scratch_results_, {}))
            on_posted(result);
        begin_scan();
        while (stopping_since_ms_ == 0) {
            const auto task = dispatcher_.next_task(mono_ms());
            if (!task) break;
            begin(*task);
        }
        save_cursors();
        note_totals();
        if (stopping_since_ms_ != 0) {
            const bool is_posting = std::any_of(running_.begin(), running_.end(),
                                                [](const auto& r) { return r.second.is_posting; });
            const bool is_saved = !dispatcher_.has_cursors() || has_save_failed_;
            const bool is_done = !is_posting && !is_saving_ && is_saved;
            if (is_done || mono_ms() >= stopping_since_ms_ + kStopMs) return;
        }
        poster_->wait(wait_ms(), scratch_results_);
    }
}

uint64_t Webhooks::wait_ms() const {
    const uint64_t now_ms = mono_ms();
    uint64_t until_ms = stopping_since_ms_ == 0 ? dispatcher_.next_due_ms() : UINT64_MAX;
    if (stopping_since_ms_ != 0) until_ms = std::min(until_ms, stopping_since_ms_ + kStopMs);
    if (dispatcher_.has_cursors() && !is_saving_) until_ms = std::min(until_ms, next_save_ms_);
    if (next_scan_ms_ > now_ms) until_ms = std::min(until_ms, next_scan_ms_);
    return std::min(until_ms - std::min(until_ms, now_ms), kIdleMs);
}

void Webhooks::take_inbox() {
    std::map<std::string, hub::News> news;
    std::vector<std::function<void()>> calls;
    bool has_missed = false;
    {
        const std::lock_guard lock(inbox_mutex_);
        news.swap(news_);
        calls.swap(calls_);
        has_missed = std::exchange(has_missed_, false);
    }
    if (has_missed) dispatcher_.scan_all();
    const uint64_t now_ms = mono_ms();
    for (const auto& [channel, one] : news) {
        if (one.has_entries) {
            dispatcher_.note(now_ms, Stream::changes, channel);
            dispatcher_.note(now_ms, Stream::conflicts, channel);
        }
        if (one.has_presence) dispatcher_.note(now_ms, Stream::presence, channel);
    }
    for (const auto& task : calls)
        task();
}

void Webhooks::ask_store(port::StoreRequest request, OnStored on_stored) {
    const port::Ticket ticket = next_ticket_++;
    stored_[ticket] = std::move(on_stored);
    port_->submit(ticket, std::move(request));
}

void Webhooks::take_stored() {
    scratch_completions_.clear();
    port_->poll(scratch_completions_);
    for (port::Completion& completion : scratch_completions_) {
        auto waiting = stored_.extract(completion.ticket);
        TANDEM_ASSERT(!waiting.empty());
        waiting.mapped()(completion.reply);
    }
}

void Webhooks::begin_scan() {
    while (!scan_ && stopping_since_ms_ == 0 && mono_ms() >= next_scan_ms_) {
        const auto hook = dispatcher_.next_scan();
        if (!hook) return;
        scan_ = Scan{*hook, {}};
        for (const Stream stream : options_[*hook].policy.streams)
            if (stream != Stream::presence) scan_->streams.push_back(stream);
        continue_scan({});
    }
}

void Webhooks::continue_scan(std::string after) {
    if (scan_->streams.empty()) return end_scan();
    ask_store(
        port::HookLagRequest{options_[scan_->hook].policy.name, number_of(scan_->streams.back()),
                             std::move(after), kScanChannels},
        [this](Result<port::StoreReply>& reply) { on_scanned(reply); });
}

void Webhooks::end_scan() {
    dispatcher_.finish_scan(scan_->hook);
    scan_.reset();
}

void Webhooks::on_scanned(Result<port::StoreReply>& reply) {
    if (!reply) {
        dispatcher_.scan_all();
        next_scan_ms_ = mono_ms() + kScanAgainMs;
        return end_scan();
    }
    const auto& lag = std::get<port::HookLag>(*reply);
    const hooks::HookPolicy& policy = options_[scan_->hook].policy;
    for (const port::HookLagRow& row : lag.rows) {
        if (!policy.covers(row.channel)) continue;
        if (!dispatcher_.note_behind(mono_ms(), {scan_->hook, scan_->streams.back(), row.channel}))
            return end_scan();
    }
    if (!lag.more) scan_->streams.pop_back();
    continue_scan(lag.more ? lag.last : std::string());
}

void Webhooks::save_cursors() {
    if (is_saving_ || !dispatcher_.has_cursors()) return;
    const bool is_hurried = stopping_since_ms_ != 0 && !has_save_failed_;
    if (!is_hurried && mono_ms() < next_save_ms_) return;
    port::SaveHooksRequest save;
    save.cursors = dispatcher_.take_cursors(kSaveCursorsMax);
    is_saving_ = true;
    ask_store(std::move(save), [this](Result<port::StoreReply>& reply) {
        is_saving_ = false;
        has_save_failed_ = !reply.ok();
        next_save_ms_ = mono_ms() + kSaveEveryMs;
        using Saved = hooks::Dispatcher::Saved;
        dispatcher_.cursors_saved(reply.ok() ? Saved::yes : Saved::no);
    });
}

void Webhooks::begin(const hooks::Task& task) {
    running_[task.id].task = task;
    if (task.what.stream == Stream::presence)
        return ask_hub(task.id, hub::ReadPresence{task.what.channel});
    const WebhookOptions& hook = options_[task.what.hook];
    port::HookFeedRequest request;
    request.hook = hook.policy.name;
    request.stream = number_of(task.what.stream);
    request.channel = task.what.channel;
    request.from = task.from;
    if (task.what.stream == Stream::changes) {
        request.limit = hook.batch_entries;
        request.bytes_max = hook.batch_bytes;
    }
    ask_store(std::move(request),
              [this, id = task.id](Result<port::StoreReply>& reply) { on_feed(id, reply); });
}

void Webhooks::on_feed(uint64_t id, Result<port::StoreReply>& reply) {
    if (!reply)
        return finish_locally(id, "the store: " + std::string(error_message(reply.error().code)));
    const auto& feed = std::get<port::HookFeed>(*reply);
    if (running_.at(id).task.what.stream == Stream::changes)
        tell_changes(id, feed);
    else
        tell_conflicts(id, feed);
}

void Webhooks::tell_changes(uint64_t id, const port::HookFeed& feed) {
    Running& running = running_.at(id);
    const std::string& hook = options_[running.task.what.hook].policy.name;
    const std::string& channel = running.task.what.channel;
    const Step step = hooks::next_step(feed);
    running.from = step.from;
    running.to = step.to;
    running.is_ranged = true;
    running.has_more = step.to != HookPosition{hooks::newest_epoch(feed), feed.head};
    switch (step.kind) {
        case Step::Kind::idle:
            return finish(id, {});
        case Step::Kind::broken:
            return finish_locally(id, "the stored log does not fit together");
        case Step::Kind::gap:
            running.is_gap = true;
            return post(id, hooks::gap_payload(hook, Stream::changes, channel, step.from, step.to,
                                               step.cause));
        case Step::Kind::reset:
            return post(id, hooks::reset_payload(hook, channel, step.from, step.to));
        case Step::Kind::entries:
            break;
    }
    std::string items = "[";
    for (size_t i = 0; i < step.count; ++i) {
        if (i > 0) items += ',';
        hub::append_entry_json(items, feed.entries[i]);
    }
    items += ']';
    post(id, hooks::range_payload(hook, Stream::changes, channel, step.from, step.to,
                                  feed.entries[step.count - 1].wall_ms, items));
}

// Rows change after they were opened, so they are read as they are now: what is told is which rows
// opened or closed above the cursor.
void Webhooks::tell_conflicts(uint64_t id, const port::HookFeed& feed) {
    Running& running = running_.at(id);
    if (feed.epochs.empty()) return finish(id, {});
    const HookPosition head{hooks::newest_epoch(feed), feed.head};
    running.from = feed.at.value_or(HookPosition{feed.epochs.front().epoch, 0});
    running.from.seq = std::min(running.from.seq, feed.head);
    if (running.from == head) return finish(id, {});
    if (!feed.exists) {
        running.to = head;
        running.is_ranged = true;
        running.is_gap = true;
        return post(id, hooks::gap_payload(options_[running.task.what.hook].policy.name,
                                           Stream::conflicts, running.task.what.channel,
                                           running.from, running.to, Step::Cause::deleted));
    }
    ask_hub(id, hub::ReadJournal{running.task.what.channel, running.from.seq,
                                 options_[running.task.what.hook].batch_entries});
}

void Webhooks::ask_hub(uint64_t id, hub::Request request) {
    ask_(std::move(request), [this, id](hub::Reply& reply) {
        call([this, id, reply = std::make_shared<hub::Reply>(std::move(reply))] {
            on_reply(id, *reply);
        });
    });
}

void Webhooks::on_reply(uint64_t id, const hub::Reply& reply) {
    if (reply.is_error) return finish_locally(id, std::string(error_message(reply.error.code)));
    Running& running = running_.at(id);
    const std::string& hook = options_[running.task.what.hook].policy.name;
    const std::string& channel = running.task.what.channel;
    if (running.task.what.stream == Stream::presence) {
        // {"members":[…]}
        const std::string_view members = std::string_view(reply.json).substr(11);
        return post(id, hooks::presence_payload(hook, channel, instance_, next_presence_++,
                                                wall_ms(), members.substr(0, members.size() - 1)));
    }
    running.is_ranged = true;
    running.to = {reply.epoch, reply.seq};
    running.has_more = reply.has_more;
    if (running.from.seq < reply.floor) {
        running.is_gap = true;
        running.has_more = true;
        running.to.seq = reply.floor;
        return post(id, hooks::gap_payload(hook, Stream::conflicts, channel, running.from,
                                           running.to, Step::Cause::trimmed));
    }
    if (reply.json == "[]") {
        Outcome nothing;
        nothing.at = running.to;
        return finish(id, nothing);
    }
    post(id, hooks::range_payload(hook, Stream::conflicts, channel, running.from, running.to,
                                  wall_ms(), reply.json));
}

outbound::PostRequest Webhooks::request_of(const WebhookOptions& hook,
                                           const hooks::Payload& payload) const {
    const uint64_t now_s = wall_ms() / 1'000;
    outbound::PostRequest request;
    request.url = hook.url;
    request.headers = {
        "Content-Type: application/json",
        "User-Agent: tandem/" TANDEM_VERSION,
        "webhook-id: " + payload.id,
        "webhook-timestamp: " + std::to_string(now_s),
        "webhook-signature: " + hooks::sign(hook.keys, payload.id, now_s, payload.body),
        // Bodies are small enough to be sent without asking first.
        "Expect:",
    };
    request.body = payload.body;
    request.connect_timeout_ms = hook.connect_timeout_ms;
    request.timeout_ms = hook.timeout_ms;
    request.reach = hook.allow_private ? outbound::Reach::anywhere : outbound::Reach::public_only;
    request.ca_file = hook.ca_file;
    return request;
}

void Webhooks::post(uint64_t id, const hooks::Payload& payload) {
    Running& running = running_.at(id);
    running.is_posting = true;
    poster_->post(post_of_task(id), request_of(options_[running.task.what.hook], payload));
}

void Webhooks::on_posted(const PostResult& result) {
    const bool is_delivered = result.end == PostResult::End::answered && result.status / 100 == 2;
    const std::string reason = result.end == PostResult::End::answered
                                   ? "it answered " + std::to_string(result.status)
                                   : result.reason;
    if (result.id % 2 == 1) {
        auto found = tests_.extract(result.id / 2);
        if (found.empty()) return;
        const Test& test = found.mapped();
        std::string json = "{\"name\":";
        base::append_json_string(json, test.name);
        json += is_delivered ? ",\"delivered\":true" : ",\"delivered\":false";
        json += ",\"status\":" + std::to_string(result.status);
        json += ",\"ms\":" + std::to_string(mono_ms() - test.began_ms);
        if (!is_delivered) {
            json += ",\"reason\":";
            base::append_json_string(json, reason);
        }
        return test.answer(json + '}');
    }
    const uint64_t id = result.id / 2;
    Running& running = running_.at(id);
    running.is_posting = false;
    Outcome outcome;
    outcome.status = result.status;
    if (is_delivered) {
        outcome.kind = Outcome::Kind::delivered;
        if (running.is_ranged) outcome.at = running.to;
        outcome.has_more = running.has_more;
        if (running.is_gap) gaps_++;
    } else {
        outcome.kind = result.status == 410 ? Outcome::Kind::gone : Outcome::Kind::failed;
        outcome.fault = result.end == PostResult::End::answered ? Outcome::Fault::answered
                                                                : Outcome::Fault::unreachable;
        outcome.reason = reason;
        outcome.retry_after_ms = hooks::retry_after_ms(result.retry_after, wall_ms());
    }
    finish(id, outcome);
}

void Webhooks::finish_locally(uint64_t id, std::string reason) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::failed;
    outcome.fault = Outcome::Fault::local;
    outcome.reason = std::move(reason);
    finish(id, outcome);
}

void Webhooks::finish(uint64_t id, const Outcome& outcome) {
    const auto running = running_.extract(id);
    TANDEM_ASSERT(!running.empty());
    const uint32_t hook = running.mapped().task.what.hook;
    const std::string name = "webhook " + options_[hook].policy.name;
    const bool was_disabled = dispatcher_.state(hook).is_disabled;
    dispatcher_.finish(mono_ms(), id, outcome);
    if (outcome.kind == Outcome::Kind::delivered && is_failing_[hook]) {
        is_failing_[hook] = false;
        log_info(name + " is told again");
    }
    const bool is_failure = outcome.kind == Outcome::Kind::failed;
    if (is_failure && !is_failing_[hook]) {
        is_failing_[hook] = true;
        log_warning(name + " could not be told of " + running.mapped().task.what.channel + ": " +
                    outcome.reason + "; it is tried again");
    }
    if (outcome.kind == Outcome::Kind::gone && !was_disabled) {
        log_warning(name + " answered 410 and is told no more; `tandem webhooks enable` resumes");
        save_hook(hook);
    }
}

void Webhooks::save_hook(uint32_t hook) {
    const hooks::HookPolicy& policy = options_[hook].policy;
    port::SaveHooksRequest save;
    save.hooks.push_back({policy.name, policy.scope(), dispatcher_.state(hook).is_disabled});
    // When it is not saved, the next start finds the webhook as it was, and the receiver says again
    // what it wants.
    ask_store(std::move(save), [](Result<port::StoreReply>&) {});
}

}  // namespace tandem::server
