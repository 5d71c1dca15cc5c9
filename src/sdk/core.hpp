#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "client/session.hpp"
#include "net/client_connection.hpp"
#include "net/url.hpp"
#include "sdk/outbox_file.hpp"
#include "tandem/tandem.hpp"

namespace tandem::sdk {

enum class Topic : uint8_t { change, status, conflict, signal, members, refused };

/// Joins a client session with a socket, a file and the callbacks of the program. One thread.
class Core final : private net::IoHandler {
  public:
    static Result<std::unique_ptr<Core>> open(ClientOptions options);
    ~Core();

    client::Session& session() { return session_; }
    client::Now now() const;

    /// What cannot be selected is told by `wait_ready`.
    void subscribe(std::string_view channel, const std::vector<std::string>& select);
    enum class Following : uint8_t { only, also };
    Result<Committed> follow(std::string_view channel, const std::vector<std::string>& parts,
                             Following following);
    /// Collects ops with `work` and pushes them as one write.
    using Work = std::function<base::Result<void>(client::Edit&)>;
    Write push(const std::string& channel, const Work& work,
               std::vector<std::string> if_unchanged = {});
    Write transact(const std::string& channel, const std::function<void(Transaction&)>& work,
                   TransactOptions options);
    Result<Committed> wait(const std::string& channel, uint64_t push,
                           std::chrono::milliseconds timeout);
    Result<Committed> wait_ready(const std::string& channel, std::chrono::milliseconds timeout);
    base::Value shown(const std::string& channel, std::string_view path);
    Status status(const std::string& channel) const;
    Write restore(const std::string& channel, const std::string& path, const Value& value);

    /// `call` gets what the topic is about, by its type.
    Subscription listen(std::string_view channel, Topic topic, std::function<void(void*)> call);

    /// Takes what the session has to store, send and tell. Call after each call to the session.
    void pump();
    int fd();
    void poll();
    void run();
    void stop();

  private:
    class Handler;
    struct Listener {
        std::function<void(void*)> call;
    };
    struct Registered {
        std::string channel;
        Topic topic;
        // The program's Subscription owns it.
        std::weak_ptr<Listener> listener;
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
    [[nodiscard]] base::Status start();
    void keep_views();
    void on_io(uint32_t events) override;

    bool store();
    void send(std::string message);
    void handle(client::Event& event);
    void tell_conflicts(const std::string& channel);
    void emit(std::string_view channel, Topic topic, void* about);
    void note_outcome(Outcome outcome);
    void dial();
    void arm_timer();
    template <class IsDone>
    bool run_until(const IsDone& is_done, std::chrono::milliseconds timeout);

    ClientOptions options_;
    std::unique_ptr<net::Reactor> reactor_;
    net::Url url_;
    std::optional<OutboxFile> outbox_;
    std::random_device random_;
    client::Session session_;
    net::WsClient socket_;
    net::Timer timer_;
    net::UniqueFd timer_fd_;   ///< only for loops of others, which do not see the reactor's timers
    uint64_t connection_ = 0;  ///< which of the connections counts
    bool is_dial_due_ = false;
    bool is_pumping_ = false;
    std::atomic<bool> is_stopped_{false};
    std::set<std::string> followed_;
    std::vector<Registered> listeners_;
    std::deque<Outcome> outcomes_;
    std::map<std::string, Error, std::less<>> refused_channels_;
    std::set<std::tuple<std::string, std::string, uint8_t, uint64_t, uint64_t>> told_conflicts_;
};

}  // namespace tandem::sdk
