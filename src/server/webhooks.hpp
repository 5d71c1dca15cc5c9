#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "hooks/dispatcher.hpp"
#include "hooks/payload.hpp"
#include "hub/hub.hpp"
#include "hub/requests.hpp"
#include "outbound/http_poster.hpp"
#include "server/random.hpp"
#include "server/webhook_options.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace tandem::server {

/// Tells the configured receivers what happens, on a thread of its own: it reads the log from the
/// store, as every shard's hub writes it there, and asks the shards for what only they know
/// (presence, and the journal of conflicts). Shards hand it names of channels and never wait for
/// it.
class Webhooks {
  public:
    /// Asks the shard that owns the request's channel. From any thread; the answer comes on
    /// another, or never when the shards have stopped.
    using Ask = std::function<void(hub::Request, std::function<void(hub::Reply&)>)>;
    enum class Action : uint8_t { test, retry, enable, disable };
    /// JSON text, or an error.
    using Answer = std::function<void(base::Result<std::string>)>;

    /// Sums over all webhooks.
    struct Totals {
        uint64_t delivered = 0;
        uint64_t failed = 0;
        uint64_t gaps = 0;
        uint64_t dropped = 0;  ///< states of presence
        uint64_t behind = 0;
        uint64_t under_way = 0;
        uint64_t disabled = 0;
    };

    /// Remembers where new webhooks begin, so before any shard writes. Borrows the store.
    [[nodiscard]] static base::Result<std::unique_ptr<Webhooks>> create(
        const std::vector<WebhookOptions>& options, store::SqliteStore& store);
    ~Webhooks();
    Webhooks(const Webhooks&) = delete;
    Webhooks& operator=(const Webhooks&) = delete;

    void start(Ask ask);
    /// Lets deliveries that are under way end for a moment, and saves the cursors. The shards
    /// may not be gone before.
    void stop();

    // From any thread. The answers come on the thread of the webhooks.
    void note(const std::vector<hub::News>& news);
    void list(Answer answer);
    void act(std::string name, Action action, Answer answer);
    [[nodiscard]] Totals totals() const;

  private:
    struct Running {
        hooks::Task task;
        port::HookPosition from;
        port::HookPosition to;
        bool is_ranged = false;  ///< `to` is the cursor when it is done
        bool has_more = false;
        bool is_gap = false;
        bool is_posting = false;
    };
    struct Test {
        std::string name;
        uint64_t began_ms = 0;
        Answer answer;
    };
    struct Scan {
        uint32_t hook = 0;
        std::vector<hooks::Stream> streams;  ///< still to be searched
    };
    // Ids at the poster.
    static constexpr uint64_t post_of_task(uint64_t id) { return 2 * id; }
    static constexpr uint64_t post_of_test(uint64_t id) { return 2 * id + 1; }
    using OnStored = std::function<void(base::Result<port::StoreReply>&)>;

    Webhooks(const std::vector<WebhookOptions>& options, store::SqliteStore& store,
             std::unique_ptr<outbound::HttpPoster> poster);
    [[nodiscard]] base::Status enrol();
    [[nodiscard]] base::Result<port::StoreReply> ask_and_wait(port::StoreRequest request);

    void run();
    void take_inbox();
    void call(std::function<void()> task);
    void ask_store(port::StoreRequest request, OnStored on_stored);
    void take_stored();
    void begin_scan();
    void continue_scan(std::string after);
    void on_scanned(base::Result<port::StoreReply>& reply);
    void end_scan();
    void save_cursors();
    void begin(const hooks::Task& task);
    void on_feed(uint64_t id, base::Result<port::StoreReply>& reply);
    void tell_changes(uint64_t id, const port::HookFeed& feed);
    void tell_conflicts(uint64_t id, const port::HookFeed& feed);
    void ask_hub(uint64_t id, hub::Request request);
    void on_reply(uint64_t id, const hub::Reply& reply);
    void post(uint64_t id, const hooks::Payload& payload);
    [[nodiscard]] outbound::PostRequest request_of(const WebhookOptions& hook,
                                                   const hooks::Payload& payload) const;
    void on_posted(const outbound::PostResult& result);
    void finish(uint64_t id, const hooks::Outcome& outcome);
    void finish_locally(uint64_t id, std::string reason);
    void save_hook(uint32_t hook);
    void act_here(const std::string& name, Action action, const Answer& answer);
    [[nodiscard]] std::string status_json() const;
    void note_totals();
    [[nodiscard]] uint64_t wait_ms() const;

    const std::vector<WebhookOptions>& options_;
    SystemEntropy entropy_;
    std::string instance_;  ///< of this run, in hexadecimal
    hooks::Dispatcher dispatcher_;
    std::unique_ptr<outbound::HttpPoster> poster_;
    std::unique_ptr<port::Store> port_;
    Ask ask_;
    std::unordered_map<port::Ticket, OnStored> stored_;
    port::Ticket next_ticket_ = 1;
    std::map<uint64_t, Running> running_;
    std::map<uint64_t, Test> tests_;
    uint64_t next_test_ = 1;
    uint64_t next_presence_ = 1;
    std::optional<Scan> scan_;
    uint64_t next_scan_ms_ = 0;
    uint64_t next_save_ms_ = 0;
    bool is_saving_ = false;
    bool has_save_failed_ = false;  ///< the last one
    std::vector<bool> is_failing_;  ///< of each webhook, as the log says
    uint64_t gaps_ = 0;
    uint64_t stopping_since_ms_ = 0;  ///< 0: not
    std::vector<port::Completion> scratch_completions_;
    std::vector<outbound::PostResult> scratch_results_;

    mutable std::mutex inbox_mutex_;
    std::map<std::string, hub::News> news_;
    bool has_missed_ = false;
    std::vector<std::function<void()>> calls_;
    Totals totals_;

    std::thread thread_;
};

}  // namespace tandem::server
