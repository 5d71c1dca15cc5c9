#include "sim/network.hpp"

#include <algorithm>
#include <utility>

#include "sim/text_editors.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

namespace {

// A binary message in its JSON form.
template <class Frame>
void print_message(const World& world, std::string_view message) {
    if (!world.prints()) return;
    std::vector<Frame> frames;
    if (!wire::decode_binary(message, frames)) return;
    for (const Frame& frame : frames) {
        std::string text;
        wire::encode_json(text, frame);
        world.print(text);
    }
}

}  // namespace

Network::Connection* Network::find(uint64_t id) {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : found->second.get();
}

bool Network::is_open(uint64_t id) const {
    const auto found = connections_.find(id);
    return found != connections_.end() && found->second->client != nullptr &&
           found->second->is_server_open && found->second->to_client_until == UINT64_MAX &&
           found->second->to_server_until == UINT64_MAX;
}

uint64_t Network::next_time(uint64_t& last, uint64_t latency_ms) {
    const uint64_t now = world_.scheduler.now_ms();
    last = std::max(last, now + world_.dice.below(latency_ms + 1));
    return last;
}

uint64_t Network::delay(Notice notice) {
    switch (notice) {
        case Notice::soon:
            return world_.dice.below(60);
        case Notice::late:
            return between(world_.dice, 500, 12'000);
        case Notice::never:
            return UINT64_MAX;
    }
    return 0;
}

uint64_t Network::dial(Endpoint& endpoint, hub::Codec codec, const std::string& subject,
                       bool may_reach) {
    const uint64_t id = ++last_id_;
    auto connection = std::make_unique<Connection>();
    connection->id = id;
    connection->client = &endpoint;
    connection->codec = codec;
    connection->subject = subject;
    connection->latency_ms = between(world_.dice, 0, world_.profile.latency_ms);
    connection->window = between(world_.dice, 2'000, 100'000);
    connections_[id] = std::move(connection);
    const uint64_t arrival = world_.scheduler.now_ms() + world_.dice.below(20);
    world_.scheduler.at(arrival, [this, id, may_reach] {
        Connection* c = find(id);
        if (c == nullptr) return;
        if (!may_reach || !world_.server.is_up()) {
            lose_client(id, world_.scheduler.now_ms());
            return;
        }
        world_.note("open", id, 0, c->subject);
        c->is_server_open = true;
        const uint64_t back = next_time(c->to_client_last, c->latency_ms);
        world_.scheduler.at(back, [this, id, back] {
            Connection* opened = find(id);
            if (opened == nullptr || opened->client == nullptr || back > opened->to_client_until)
                return;
            opened->is_opened = true;
            opened->client->handle_open(id);
        });
        world_.server.open(id, c->codec, c->subject);
    });
    return id;
}

void Network::send(uint64_t id, std::string message) {
    Connection* connection = find(id);
    if (connection == nullptr) return;
    const uint64_t time = next_time(connection->to_server_last, connection->latency_ms);
    world_.scheduler.at(time, [this, id, time, message = std::move(message)] {
        Connection* c = find(id);
        if (c == nullptr || !c->is_server_open || time > c->to_server_until) return;
        world_.note("to server", id, message.size(), message);
        if (c->codec == hub::Codec::binary) print_message<wire::ClientFrame>(world_, message);
        world_.server.input(id, message);
    });
}

void Network::lose_client(uint64_t id, uint64_t at_ms) {
    if (at_ms == UINT64_MAX) return;
    world_.scheduler.at(at_ms, [this, id] {
        Connection* c = find(id);
        if (c == nullptr || c->client == nullptr) return;
        world_.note("lost", id, 0, "by client");
        Endpoint* client = std::exchange(c->client, nullptr);
        if (!c->is_server_open) connections_.erase(id);
        client->handle_close(id);
    });
}

void Network::lose_server(uint64_t id, uint64_t at_ms, bool is_clean) {
    if (at_ms == UINT64_MAX) return;
    world_.scheduler.at(at_ms, [this, id, is_clean] {
        Connection* c = find(id);
        if (c == nullptr || !c->is_server_open) return;
        world_.note("lost", id, 1, "by server");
        c->is_server_open = false;
        const bool is_done = c->client == nullptr;
        if (is_done) connections_.erase(id);
        world_.server.close(id, is_clean ? hub::Hub::Farewell::clean : hub::Hub::Farewell::lost);
    });
}

void Network::hang_up(uint64_t id) {
    Connection* c = find(id);
    if (c == nullptr) return;
    c->client = nullptr;
    if (!c->is_server_open && c->is_opened) {
        connections_.erase(id);
        return;
    }
    const uint64_t time = next_time(c->to_server_last, c->latency_ms);
    if (time > c->to_server_until)
        lose_server(id, time + delay(Notice::late), false);
    else
        lose_server(id, time + 1, true);
}

void Network::abandon(uint64_t id) {
    Connection* c = find(id);
    if (c == nullptr) return;
    c->client = nullptr;
    const uint64_t now = world_.scheduler.now_ms();
    c->to_server_until = std::min(c->to_server_until, now + world_.dice.below(30));
    lose_server(id, now + delay(one_in(world_.dice, 3) ? Notice::late : Notice::soon) + 30, false);
}

void Network::cut(uint64_t id, Notice client, Notice server) {
    Connection* c = find(id);
    if (c == nullptr) return;
    const uint64_t now = world_.scheduler.now_ms();
    c->to_server_until = std::min(c->to_server_until, now + world_.dice.below(30));
    c->to_client_until = std::min(c->to_client_until, now + world_.dice.below(30));
    // Who is still dialling has a timeout of the transport's.
    const uint64_t client_delay = delay(c->is_opened ? client : Notice::soon);
    // A server always learns at last, by its own timeouts.
    const uint64_t server_delay = delay(server == Notice::never ? Notice::late : server);
    if (client_delay != UINT64_MAX) lose_client(id, now + 30 + client_delay);
    lose_server(id, now + 30 + server_delay, false);
}

void Network::stall(uint64_t id, uint64_t for_ms) {
    Connection* c = find(id);
    if (c == nullptr) return;
    c->stalled_until = world_.scheduler.now_ms() + for_ms;
    world_.scheduler.at(c->stalled_until, [this, id] {
        Connection* later = find(id);
        if (later != nullptr && later->wants_room) poll(*later);
    });
}

void Network::server_ready(uint64_t id) {
    Connection* c = find(id);
    if (c != nullptr && c->is_server_open) poll(*c);
}

void Network::server_close(uint64_t id) {
    Connection* c = find(id);
    if (c == nullptr) return;
    c->is_server_open = false;
    lose_client(id, next_time(c->to_client_last, c->latency_ms));
    world_.server.close(id, hub::Hub::Farewell::clean);
}

void Network::server_gone(bool at_once) {
    const uint64_t now = world_.scheduler.now_ms();
    std::vector<uint64_t> ids;
    for (const auto& [id, connection] : connections_)
        ids.push_back(id);
    for (const uint64_t id : ids) {
        Connection& c = *connections_[id];
        c.is_server_open = false;
        c.to_server_until = 0;
        if (c.client == nullptr) {
            connections_.erase(id);
            continue;
        }
        c.to_client_until = std::min(c.to_client_until, at_once ? 0 : now + world_.dice.below(30));
        // Half of the clients are told by a reset, the others find out.
        if (!c.is_opened || one_in(world_.dice, 2))
            lose_client(id, now + 30 + world_.dice.below(300));
    }
}

void Network::poll(Connection& c) {
    c.wants_room = false;
    while (c.is_server_open) {
        if (c.on_the_way >= c.window || world_.scheduler.now_ms() < c.stalled_until) {
            c.wants_room = true;
            return;
        }
        std::vector<hub::FramePtr> frames;
        const size_t budget = between(world_.dice, 200, 20'000);
        const bool has_more = world_.server.poll_transmit(c.id, budget, frames);
        for (hub::FramePtr& frame : frames)
            deliver(c, std::move(frame));
        if (!has_more) return;
        if (frames.empty()) return world_.violate("the hub offers what it says", "nothing came");
    }
}

void Network::deliver(Connection& c, hub::FramePtr frame) {
    bool is_lone_live = false;
    check_frame(c, frame->payload, is_lone_live);
    int copies = 1;
    if (has_loss && is_lone_live && one_in(world_.dice, 40))
        copies = one_in(world_.dice, 2) ? 0 : 2;
    for (int i = 0; i < copies; ++i) {
        c.on_the_way += frame->payload.size();
        const uint64_t time = next_time(c.to_client_last, c.latency_ms);
        world_.scheduler.at(time, [this, id = c.id, time, frame] {
            Connection* to = find(id);
            if (to == nullptr || time > to->to_client_until) return;
            to->on_the_way -= frame->payload.size();
            if (to->client != nullptr && to->is_opened) {
                world_.note("to client", id, frame->payload.size(), frame->payload);
                if (to->codec == hub::Codec::binary)
                    print_message<wire::ServerFrame>(world_, frame->payload);
                to->client->handle_message(id, frame->payload);
                to = find(id);
            }
            if (to != nullptr && to->wants_room) poll(*to);
        });
    }
}

// What leaves the server must be true on its disk.
void Network::check_frame(Connection& c, const std::string& bytes, bool& is_lone_live) {
    if (c.codec == hub::Codec::yjs) return world_.text_editors->check_sent(c.subject, bytes);
    if (c.codec == hub::Codec::json) return;
    std::vector<wire::ServerFrame> frames;
    if (!wire::decode_binary(bytes, frames))
        return world_.violate("the server's frames decode", std::to_string(bytes.size()));
    for (const wire::ServerFrame& frame : frames) {
        if (const auto* subscribed = std::get_if<wire::Subscribed>(&frame)) {
            c.handles[subscribed->handle] = subscribed->channel;
        } else if (const auto* ack = std::get_if<wire::Ack>(&frame)) {
            world_.check_ack(*ack);
        } else if (const auto* delivery = std::get_if<wire::Delivery>(&frame)) {
            is_lone_live = frames.size() == 1 && delivery->kind == wire::DeliveryKind::live;
            const auto handle = c.handles.find(delivery->handle);
            if (handle == c.handles.end())
                return world_.violate("a handle is told before its use",
                                      std::to_string(delivery->handle));
            if (delivery->to > world_.shadow.at(handle->second).head())
                world_.violate("only what is durable is delivered",
                               handle->second + " up to #" + std::to_string(delivery->to));
        }
    }
}

}  // namespace tandem::sim
