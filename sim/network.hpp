#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/types.hpp"

namespace tandem::sim {

class World;

/// A client's end of a connection.
class Endpoint {
  public:
    virtual ~Endpoint() = default;
    virtual void handle_open(uint64_t connection) = 0;
    /// The dial failed, or the connection was lost; not after `hang_up`.
    virtual void handle_close(uint64_t connection) = 0;
    virtual void handle_message(uint64_t connection, std::string_view message) = 0;
};

/// Connections that carry messages in order, slowly, until they are cut: then what is on the way
/// may be lost, and each side learns of it in its own time.
class Network {
  public:
    explicit Network(World& world) : world_(world) {}

    uint64_t dial(Endpoint& endpoint, hub::Codec codec, const std::string& subject, bool may_reach);
    void send(uint64_t id, std::string message);
    void hang_up(uint64_t id);
    /// The client's process is gone: nobody listens any more.
    void abandon(uint64_t id);
    /// Cuts the connection somewhere in the middle.
    enum class Notice { soon, late, never };
    void cut(uint64_t id, Notice client, Notice server);
    void stall(uint64_t id, uint64_t for_ms);

    /// The server's side.
    void server_ready(uint64_t id);
    void server_close(uint64_t id);
    /// Its process is gone; with `at_once` nothing that was on the way arrives.
    void server_gone(bool at_once);

    bool is_open(uint64_t id) const;
    bool has_loss = false;  ///< single live frames are lost or doubled

  private:
    struct Connection {
        uint64_t id = 0;
        Endpoint* client = nullptr;
        hub::Codec codec = hub::Codec::binary;
        std::string subject;  ///< of a provider of Yjs: its room
        bool is_server_open = false;
        bool is_opened = false;
        uint64_t to_server_until = UINT64_MAX;  ///< what arrives later is lost
        uint64_t to_client_until = UINT64_MAX;
        uint64_t to_server_last = 0;
        uint64_t to_client_last = 0;
        uint64_t latency_ms = 0;
        size_t on_the_way = 0;
        size_t window = 0;
        uint64_t stalled_until = 0;
        bool wants_room = false;
        std::map<uint32_t, std::string> handles;  ///< as told by `subscribed`
    };
    Connection* find(uint64_t id);
    uint64_t next_time(uint64_t& last, uint64_t latency_ms);
    void poll(Connection& connection);
    void deliver(Connection& connection, hub::FramePtr frame);
    void check_frame(Connection& connection, const std::string& bytes, bool& is_lone_live);
    void lose_client(uint64_t id, uint64_t at_ms);
    void lose_server(uint64_t id, uint64_t at_ms, bool is_clean);
    uint64_t delay(Notice notice);

    World& world_;
    std::map<uint64_t, std::unique_ptr<Connection>> connections_;
    uint64_t last_id_ = 0;
};

}  // namespace tandem::sim
