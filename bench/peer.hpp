#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "client/session.hpp"
#include "link.hpp"

namespace tandem::bench {

/// Decodes what a client receives, apart from the client, and checks that every channel's
/// deliveries continue each other.
class Continuity {
  public:
    struct Seen {
        size_t deliveries = 0;  ///< in the message
        size_t changes_bytes = 0;
    };
    /// A new connection: handles are forgotten, positions stay.
    void begin_connection() { handles_.clear(); }
    Seen receive(std::string_view message);

    uint64_t gaps() const { return gaps_; }
    uint64_t repeats() const { return repeats_; }
    uint64_t deliveries() const { return deliveries_; }
    /// The head that the newest `subscribed` told, while the connection has one for the channel.
    std::optional<uint64_t> head(std::string_view channel) const;
    uint64_t seq(std::string_view channel) const;

  private:
    struct Position {
        uint64_t head = 0;
        uint64_t seq = 0;
        std::string name;
    };
    std::map<uint32_t, Position*> handles_;
    std::map<std::string, Position, std::less<>> positions_;
    uint64_t gaps_ = 0;
    uint64_t repeats_ = 0;
    uint64_t deliveries_ = 0;
};

/// The product's client core on a socket of the driver.
class Peer {
  public:
    struct Hooks {
        std::function<void(client::Event&)> on_event;
        /// After the session has taken the message.
        std::function<void(const Continuity::Seen&, size_t wire_bytes)> on_message;
        /// A connection was lost that `cut_after` had armed, or the server closed it.
        std::function<void()> on_lost;
    };

    /// How long it waits between dials: `soon`, since what is measured begins with the dial, and
    /// waiting would only lengthen the run; or as applications do.
    enum class Pauses : uint8_t { soon, usual };

    Peer(Loop& loop, net::SocketAddress server, uint64_t seed, Hooks hooks,
         Pauses pauses = Pauses::soon);

    void start();
    /// Offline until `start`.
    void stop();
    /// The network goes away in the middle of what is being sent.
    void cut(size_t bytes_more);
    /// Dials that the session asks for wait until then.
    void block_until(uint64_t at_ns) { blocked_until_ns_ = at_ns; }

    client::PushId push(std::string_view channel, std::vector<record::Op> ops);
    /// Gives the session's output to the socket and its events to the hooks, and runs timers.
    void pump();

    client::Session& session() { return session_; }
    Link& link() { return link_; }
    const Continuity& continuity() const { return continuity_; }
    uint64_t dialled_ns() const { return dialled_ns_; }
    /// When `pump` has something to do without anything coming from the server; UINT64_MAX: never.
    uint64_t due_ns() const;
    uint64_t dials() const { return dials_; }
    /// The subscription's deliveries have reached the head it was told.
    bool is_caught_up(std::string_view channel) const;
    static client::Now now();

  private:
    client::Options options(uint64_t seed, Pauses pauses);

    Hooks hooks_;
    std::mt19937_64 random_;
    Continuity continuity_;
    client::Session session_;
    Link link_;
    uint64_t dialled_ns_ = 0;
    uint64_t dials_ = 0;
    uint64_t blocked_until_ns_ = 0;
    bool is_dial_due_ = false;
    bool is_pumping_ = false;
};

record::Path path_of(std::initializer_list<std::string_view> keys);

/// Turns the loop and pumps all peers until `is_done`; ends the process after `timeout_s`.
void run_until(Loop& loop, const std::vector<Peer*>& peers, const std::function<bool()>& is_done,
               const char* what, uint64_t timeout_s = 60);

}  // namespace tandem::bench
