#include "gateway/hub_host.hpp"

#include <algorithm>
#include <utility>

namespace tandem::gateway {

namespace {

// What one connection may have queued in the transport. Beyond it, its cursors stay where they are.
constexpr size_t kQueuedBytesMax = 64 * 1024;

net::SharedBytes framed(const hub::Frame& frame, net::WsDataKind kind) {
    if (frame.framed == nullptr)
        frame.framed =
            std::make_shared<const net::SharedBytes>(net::make_shared_frame(kind, frame.payload));
    return *static_cast<const net::SharedBytes*>(frame.framed.get());
}

}  // namespace

HubHost::HubHost(net::Reactor& reactor, const hub::Config& config, port::Store& store,
                 port::Entropy& entropy, WallClock clock, OnLog on_log)
    : reactor_(reactor),
      clock_(std::move(clock)),
      on_log_(std::move(on_log)),
      hub_(config, store, entropy),
      timer_(reactor, [this] {
          armed_for_ms_ = UINT64_MAX;
          hub_.handle_timeout(now());
          reactor_.schedule_turn_end(*this);
      }) {}

hub::Now HubHost::now() const { return {reactor_.now_ms(), clock_()}; }

hub::ConnectionId HubHost::attach(net::WsConnection& socket, const hub::ConnectionInfo& info) {
    const hub::ConnectionId id = next_connection_++;
    sockets_[id] = {&socket, info.codec == hub::Codec::json ? net::WsDataKind::kText
                                                            : net::WsDataKind::kBinary};
    hub_.open(now(), id, info);
    return id;
}

void HubHost::detach(hub::ConnectionId id, hub::Hub::Farewell farewell) {
    sockets_.erase(id);
    hub_.close(now(), id, farewell);
    reactor_.schedule_turn_end(*this);
}

void HubHost::on_message(hub::ConnectionId id, std::string_view message) {
    hub_.handle_bytes(now(), id, message);
    reactor_.schedule_turn_end(*this);
}

void HubHost::on_writable(hub::ConnectionId id) {
    const auto found = sockets_.find(id);
    if (found != sockets_.end()) pump(id, found->second);
}

void HubHost::on_store_ready() {
    hub_.handle_store(now());
    reactor_.schedule_turn_end(*this);
}

void HubHost::request(hub::Request request, OnReply on_reply) {
    const uint64_t id = next_request_++;
    replies_[id] = std::move(on_reply);
    hub_.request(now(), id, std::move(request));
    reactor_.schedule_turn_end(*this);
}

void HubHost::begin_shutdown(uint64_t reconnect_after_ms) {
    hub_.begin_shutdown(now(), reconnect_after_ms);
    reactor_.schedule_turn_end(*this);
}

void HubHost::pump(hub::ConnectionId id, Socket& socket) {
    while (socket.socket->is_open()) {
        const size_t queued = socket.socket->bytes_queued();
        if (queued >= kQueuedBytesMax) return;
        scratch_frames_.clear();
        const bool has_more =
            hub_.poll_transmit(now(), id, kQueuedBytesMax - queued, scratch_frames_);
        for (const hub::FramePtr& frame : scratch_frames_)
            socket.socket->send_framed(framed(*frame, socket.kind));
        if (!has_more) return;
    }
}

void HubHost::on_turn_end() {
    hub_.flush(now());
    hub_.take_ready(scratch_ids_);
    for (const hub::ConnectionId id : scratch_ids_) {
        const auto found = sockets_.find(id);
        if (found != sockets_.end()) pump(id, found->second);
    }
    hub_.take_closing(scratch_ids_);
    for (const hub::ConnectionId id : scratch_ids_) {
        const auto found = sockets_.find(id);
        if (found != sockets_.end())
            found->second.socket->close(net::kWsCloseTryAgainLater, "too slow");
    }
    hub::Reply reply;
    while (hub_.poll_reply(reply)) {
        const auto found = replies_.find(reply.id);
        if (found == replies_.end()) continue;
        const OnReply on_reply = std::move(found->second);
        replies_.erase(found);
        on_reply(reply);
    }
    hub::LogLine line;
    while (hub_.poll_log(line))
        on_log_(line);
    arm_timer();
    if (hub_.has_failed() && on_failure) std::exchange(on_failure, nullptr)();
}

void HubHost::arm_timer() {
    const uint64_t next = hub_.next_timeout();
    if (next == armed_for_ms_) return;
    armed_for_ms_ = next;
    if (next == UINT64_MAX)
        timer_.stop();
    else
        timer_.start(next - std::min(next, reactor_.now_ms()));
}

void TandemSocket::on_open(net::WsConnection& connection) { id_ = host_.attach(connection, info_); }

void TandemSocket::on_message(net::WsConnection& connection, std::string_view data,
                              net::WsDataKind kind) {
    const bool is_text = kind == net::WsDataKind::kText;
    if (is_text != (info_.codec == hub::Codec::json)) {
        connection.close(net::kWsClosePolicy, "the subprotocol wants the other message type");
        return;
    }
    host_.on_message(id_, data);
}

void TandemSocket::on_writable(net::WsConnection&) { host_.on_writable(id_); }

void TandemSocket::on_close(net::WsConnection&, uint16_t code) {
    const bool is_clean = code == net::kWsCloseNormal || code == net::kWsCloseGoingAway ||
                          code == net::kWsCloseNoStatus;
    host_.detach(id_, is_clean ? hub::Hub::Farewell::clean : hub::Hub::Farewell::lost);
}

}  // namespace tandem::gateway
