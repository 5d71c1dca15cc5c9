#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "client/session.hpp"
#include "client/text_replica.hpp"
#include "net/client_connection.hpp"
#include "net/http_types.hpp"
#include "net/url.hpp"
#include "sdk/executor.hpp"
#include "sdk/http_answer.hpp"
#include "sdk/listeners.hpp"
#include "sdk/outbox_file.hpp"
#include "sdk/whole_record.hpp"
#include "tandem/tandem.hpp"

namespace tandem::sdk {

/// Joins a client session with a socket, a file and the callbacks of the program. All but `call`,
/// `run`, `poll`, `stop`, `ask` and the waits is for the work given to `call`, and for callbacks.
class Core final : private net::IoHandler {
  public:
    static Result<std::unique_ptr<Core>> open(ClientOptions options);
    ~Core();

    /// Returns what `work` does where the client is used.
    template <class Work>
    auto call(const Work& work) {
        return executor_.call(work);
    }
    client::Session& session() { return session_; }
    client::Now now() const;

    /// What cannot be selected is told by `wait_ready`.
    /// What no frame can carry is not even asked for.
    static bool is_channel_name(std::string_view name) {
        return !name.empty() && name.size() <= base::kChannelNameBytesMax;
    }
    void subscribe(std::string_view channel, const std::vector<std::string>& select);
    enum class Following : uint8_t { only, also };
    Result<Committed> follow(std::string_view channel, const std::vector<std::string>& parts,
                             Following following);
    /// Collects ops with `work` and pushes them as one write.
    using Work = std::function<base::Result<void>(client::Edit&)>;
    Write push(const std::string& channel, const Work& work, client::PushOptions options = {});
    Write transact(const std::string& channel, const std::function<void(Tx&)>& work,
                   TransactOptions options);
    enum class Step : uint8_t { undo, redo };
    /// False when there is nothing to take back, and within a transaction.
    bool take_back(const std::string& channel, Step step);
    Value read(const std::string& channel);
    Write assign(const std::string& channel, const Value& object);
    Result<Committed> wait(const std::string& channel, uint64_t push,
                           std::chrono::milliseconds timeout);
    Result<Committed> wait_ready(const std::string& channel, std::chrono::milliseconds timeout);
    base::Value shown(const std::string& channel, std::string_view path);
    Status status(const std::string& channel) const;
    std::vector<Conflict> conflicts(const std::string& channel);
    Write resolve(const Conflict& conflict, const Value& value);

    /// `call` gets what the topic is about, by its type.
    Subscription listen(std::string_view channel, Topic topic,
                        std::function<void(const void*)> call);

    /// The text of a channel; the first call follows it.
    client::TextReplica& text(const std::string& channel, const std::string& name);
    /// In place of the channel, for `listen`.
    static std::string text_key(std::string_view channel, std::string_view name);
    /// Until the text `is_done`, or the server's refusal of it. Errors: that, `timed_out`,
    /// `would_block`.
    Result<Done> wait_text(const std::string& channel, const std::string& name,
                           bool (client::TextReplica::*is_done)() const,
                           std::chrono::milliseconds timeout);

    /// Asks the HTTP API about the channel; `what` is the end of the address. The client runs
    /// meanwhile.
    struct Question {
        net::HttpMethod method = net::HttpMethod::kGet;
        std::string what;
        std::string body;  ///< JSON, or empty
        std::chrono::milliseconds timeout{0};
    };
    using Answer = HttpAnswer;
    Answer ask(const std::string& channel, const Question& question);
    Write committed(uint64_t seq);
    Write failed(Error error);

    /// Takes what the session has to store, send and tell. Call after each call to the session.
    void pump();
    int fd();
    void poll();
    void run();
    void stop();

  private:
    class Handler;
    struct OpenTransaction {
        std::string channel;
        client::Edit& edit;
        std::optional<base::Error> error;
    };
    struct Outcome {
        std::string channel;
        uint64_t push = 0;
        uint64_t seq = 0;
        std::optional<Error> error;
    };

    Core(std::unique_ptr<net::Reactor> reactor, net::Url url, std::optional<OutboxFile> outbox,
         ClientOptions options);
    client::Options session_options();
    uint64_t entropy();
    [[nodiscard]] base::Status start();
    void keep_views();
    void say_goodbye();
    void on_io(uint32_t events) override;

    bool store();
    bool pump_texts();
    void tell_text(const std::string& key, client::TextEvent& event);
    std::optional<Error> refusal_of(const client::TextReplica& text) const;
    void note_error(const client::Event& event);
    void send(std::string message);
    void handle(client::Event& event);
    void tell_conflicts(const std::string& channel);
    void note_outcome(Outcome outcome);
    void dial();
    std::string take_token();
    void arm_timer();
    void run_turn(int timeout_ms);
    bool may_wait() const;
    /// True when `is_done`, which is asked where the client is used, says so in time.
    using IsDone = std::function<bool()>;
    bool run_until(const IsDone& is_done, std::chrono::milliseconds timeout);
    bool await_own_thread(const IsDone& is_done, std::chrono::milliseconds timeout);

    const ClientOptions options_;
    std::unique_ptr<net::Reactor> reactor_;
    Executor executor_;
    const net::Url url_;
    std::optional<OutboxFile> outbox_;
    std::random_device random_;
    client::Session session_;
    net::WsClient socket_;
    net::Timer timer_;
    net::Timer refresh_;        ///< when the token needs a successor
    net::UniqueFd timer_fd_;    ///< only for loops of others, which do not see the reactor's timers
    uint64_t connection_ = 0;   ///< which of the connections counts
    bool is_turn_due_ = false;  ///< the socket has something that only a turn sends
    bool is_dial_due_ = false;
    bool is_pumping_ = false;
    std::atomic<bool> is_stopped_{false};
    std::set<std::string> followed_;
    std::map<std::string, std::unique_ptr<client::TextReplica>> texts_;  ///< by text_key
    Listeners listeners_;
    OpenTransaction* transaction_ = nullptr;
    std::map<std::string, WholeRecord, std::less<>> wholes_;
    std::deque<Outcome> outcomes_;
    std::vector<client::StoreRecord> unstored_;  ///< in the order in which they have to be
    uint64_t store_again_at_ms_ = 0;
    std::map<std::string, Error, std::less<>> refused_channels_;
    std::optional<Error> refused_connection_;  ///< since it was last taken
    std::set<std::tuple<std::string, std::string, uint8_t, uint64_t, uint64_t>> told_conflicts_;

    // For threads that wait for the own one: how often it has had something to tell.
    std::mutex news_mutex_;
    std::condition_variable has_news_;
    uint64_t news_ = 0;
};

}  // namespace tandem::sdk
