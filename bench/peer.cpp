#include "peer.hpp"

#include <chrono>
#include <utility>

namespace tandem::bench {

Continuity::Seen Continuity::receive(std::string_view message) {
    Seen seen;
    std::vector<wire::ServerFrame> frames;
    if (!wire::decode_binary(message, frames).ok()) die("a message does not decode");
    for (wire::ServerFrame& frame : frames) {
        if (const auto* subscribed = std::get_if<wire::Subscribed>(&frame)) {
            Position& position = positions_[subscribed->channel];
            position.head = subscribed->head;
            position.name = subscribed->channel;
            handles_[subscribed->handle] = &position;
            continue;
        }
        const auto* delivery = std::get_if<wire::Delivery>(&frame);
        if (delivery == nullptr) continue;
        ++deliveries_;
        ++seen.deliveries;
        seen.changes_bytes += delivery->changes.size();
        const auto found = handles_.find(delivery->handle);
        if (found == handles_.end()) die("a delivery has an unknown handle");
        Position& position = *found->second;
        if (delivery->kind == wire::DeliveryKind::snapshot) {
            if (!delivery->more) position.seq = delivery->to;
            continue;
        }
        const uint64_t from =
            delivery->kind == wire::DeliveryKind::live ? delivery->to - 1 : delivery->from;
        if (from > position.seq) ++gaps_;
        // An empty range is a fresh cursor, told again; anything else at or below it was seen.
        if (delivery->to <= position.seq && delivery->kind == wire::DeliveryKind::live) ++repeats_;
        if (!delivery->more && delivery->to > position.seq) position.seq = delivery->to;
    }
    return seen;
}

std::optional<uint64_t> Continuity::head(std::string_view channel) const {
    for (const auto& [handle, position] : handles_)
        if (position->name == channel) return position->head;
    return std::nullopt;
}

uint64_t Continuity::seq(std::string_view channel) const {
    const auto found = positions_.find(channel);
    return found == positions_.end() ? 0 : found->second.seq;
}

client::Options Peer::options(uint64_t seed, Pauses pauses) {
    random_.seed(seed);
    client::Options options;
    options.entropy = [this] { return random_(); };
    options.client = "bench/1";
    options.history_steps_max = 0;
    if (pauses == Pauses::soon) {
        options.reconnect_delay_min_ms = 5;
        options.reconnect_delay_max_ms = 50;
    }
    return options;
}

Peer::Peer(Loop& loop, net::SocketAddress server, uint64_t seed, Hooks hooks, Pauses pauses)
    : hooks_(std::move(hooks)),
      session_(options(seed, pauses)),
      link_(loop, std::move(server), "tandem.v1",
            {[this] {
                 continuity_.begin_connection();
                 session_.handle_open(now());
                 pump();
             },
             [this](std::string_view message, size_t wire_bytes) {
                 session_.handle_bytes(now(), message);
                 const Continuity::Seen seen = continuity_.receive(message);
                 if (hooks_.on_message) hooks_.on_message(seen, wire_bytes);
                 pump();
             },
             [this] {
                 if (hooks_.on_lost) hooks_.on_lost();
                 session_.handle_close(now(), link_.retry_after_ms());
                 pump();
             }}) {}

client::Now Peer::now() {
    using std::chrono::milliseconds;
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    return {now_ns() / 1'000'000U,
            static_cast<uint64_t>(std::chrono::duration_cast<milliseconds>(wall).count())};
}

void Peer::start() {
    session_.start(now());
    pump();
}

void Peer::stop() {
    session_.stop(now());
    is_dial_due_ = false;
    pump();
    link_.cut(0);
}

void Peer::cut(size_t bytes_more) {
    link_.cut(bytes_more);
    session_.handle_close(now());
    pump();
}

client::PushId Peer::push(std::string_view channel, std::vector<record::Op> ops) {
    auto pushed = session_.push(now(), channel, std::move(ops));
    if (!pushed) die("the client refused a push");
    return *pushed;
}

bool Peer::is_caught_up(std::string_view channel) const {
    const auto head = continuity_.head(channel);
    return head && session_.is_ready(channel) && session_.cursor(channel).seq >= *head;
}

uint64_t Peer::due_ns() const {
    if (is_dial_due_) return blocked_until_ns_;
    const auto due_ms = session_.next_timeout();
    return due_ms ? *due_ms * 1'000'000U : UINT64_MAX;
}

void Peer::pump() {
    if (is_pumping_) return;
    is_pumping_ = true;
    const client::Now time = now();
    if (const auto due = session_.next_timeout(); due && *due <= time.mono_ms)
        session_.handle_timeout(time);
    bool is_sent = false;
    while (const auto message = session_.poll_transmit(time)) {
        link_.send(*message);
        is_sent = true;
    }
    if (is_sent) link_.flush();
    while (auto event = session_.poll_event()) {
        if (event->kind == client::EventKind::want_connect) is_dial_due_ = true;
        if (event->kind == client::EventKind::want_close) {
            link_.cut(0);
            is_dial_due_ = false;
        }
        if (hooks_.on_event) hooks_.on_event(*event);
    }
    while (session_.poll_store())
        continue;
    if (is_dial_due_ && now_ns() >= blocked_until_ns_) {
        is_dial_due_ = false;
        dialled_ns_ = now_ns();
        ++dials_;
        link_.connect();
    }
    is_pumping_ = false;
}

record::Path path_of(std::initializer_list<std::string_view> keys) {
    record::Path path;
    for (const std::string_view key : keys)
        path.push_back({record::Segment::Kind::key, std::string(key)});
    return path;
}

void run_until(Loop& loop, const std::vector<Peer*>& peers, const std::function<bool()>& is_done,
               const char* what, uint64_t timeout_s) {
    const uint64_t deadline = now_ns() + timeout_s * 1'000'000'000U;
    while (!is_done()) {
        if (now_ns() > deadline) die(std::string("timed out: ") + what);
        loop.turn(2'000'000);
        for (Peer* peer : peers)
            peer->pump();
    }
}

}  // namespace tandem::bench
