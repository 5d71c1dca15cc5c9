#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "auth/grant.hpp"
#include "gateway/client_link.hpp"
#include "gateway/http_refusals.hpp"
#include "gateway/message_meter.hpp"
#include "hub/hub.hpp"
#include "net/address_limits.hpp"
#include "net/reactor.hpp"
#include "net/server_endpoint.hpp"

namespace tandem::gateway {

class HubHost;

/// What a client of a stream sends in a request of its own.
struct Post {
    enum class Kind : uint8_t {
        messages,
        end,  ///< the client goes on purpose
    };
    Kind kind = Kind::messages;
    hub::Codec codec = hub::Codec::binary;  ///< that the body is said to be in
    uint64_t sequence = 0;                  ///< of `messages`: 1 for the first of a stream
    std::string body;
    auth::GrantPtr by;  ///< of the token in the request; null: it has none
};

struct PostAnswer {
    std::optional<base::Error> refusal;  ///< nothing of the body has been taken then
    int status = 0;                      ///< 0: the usual one for the error
    Told told;
};
/// Called once, on the stream's thread.
using OnPosted = std::function<void(const PostAnswer&)>;

/// One client of the hub without a WebSocket: what the hub says goes out as server-sent events of
/// one long response, and what the client says comes in by POSTs that name the stream by its key.
/// It is a connection like any other, and ends with the response; a client goes on with a new one
/// and its cursors. See docs/protocol.md, 1.1.
///
/// POSTs are numbered, and taken in order and once: one that comes again is answered as before. Who
/// sends faster than connections may is answered later, and has to wait for that before the next.
class EventStream final : public net::HttpStreamHandler, private ClientLink {
  public:
    /// Borrows the host. A grant in `info` binds the stream: POSTs need a token of its subject.
    EventStream(HubHost& host, hub::ConnectionInfo info)
        : host_(host), info_(std::move(info)), is_bound_(info_.grant != nullptr) {}
    ~EventStream();

    /// Counts for its address for as long as it is there, where it came through a proxy.
    void hold(net::AddressLimits::Lease lease) { lease_ = std::move(lease); }
    void receive(const Post& post, OnPosted on_posted);

    void on_open(net::HttpStream& stream) override;
    void on_writable(net::HttpStream& stream) override;
    void on_close(net::HttpStream& stream) override;

  private:
    [[nodiscard]] bool is_open() const override;
    [[nodiscard]] size_t bytes_queued() const override { return stream_->bytes_queued(); }
    [[nodiscard]] FrameForm form() const override;
    void send(net::SharedBytes frame) override { stream_->write(std::move(frame)); }
    void close(uint16_t code, std::string_view reason) override;
    void drop() override { close(net::kWsCloseTryAgainLater, "overloaded"); }
    void pause_reading() override { pause(net::PauseReason::kBacklog); }
    void resume_reading() override { resume(net::PauseReason::kBacklog); }

    [[nodiscard]] base::Status check_sender(const auth::GrantPtr& by) const;
    [[nodiscard]] PostAnswer take(const Post& post);
    void meter(size_t bytes);
    void pause(net::PauseReason reason);
    void resume(net::PauseReason reason);
    void answer_waiting(const PostAnswer& answer);
    void keep_awake();
    void leave_table();
    void leave_hub();

    HubHost& host_;
    hub::ConnectionInfo info_;
    bool is_bound_;
    hub::ConnectionId id_ = 0;  ///< 0: not in the hub
    std::string key_;           ///< empty: not in the table
    net::HttpStream* stream_ = nullptr;
    uint64_t taken_ = 0;  ///< number of the last POST
    uint64_t heard_ms_ = 0;
    uint8_t pauses_ = 0;  ///< reasons, as bits
    OnPosted waiting_;    ///< for the pauses to end
    hub::Hub::Farewell farewell_ = hub::Hub::Farewell::lost;
    std::optional<net::Timer> awake_;
    std::optional<net::Timer> hold_;  ///< once it was needed
    MessageMeter meter_;
    net::AddressLimits::Lease lease_;
};

/// The streams of one shard by their keys.
class StreamTable {
  public:
    struct Counts {
        uint64_t posts = 0;    ///< taken
        uint64_t repeats = 0;  ///< came again, and were not taken again
        uint64_t strays = 0;   ///< named a stream that is not there
    };

    void add(const std::string& key, EventStream& stream) { streams_[key] = &stream; }
    void remove(const std::string& key) { streams_.erase(key); }
    void receive(const std::string& key, const Post& post, OnPosted on_posted);
    [[nodiscard]] size_t size() const { return streams_.size(); }

    Counts counts;

  private:
    std::unordered_map<std::string, EventStream*> streams_;
};

}  // namespace tandem::gateway
