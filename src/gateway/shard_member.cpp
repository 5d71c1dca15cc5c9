#include "gateway/shard_member.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/assert.hpp"
#include "gateway/framed.hpp"
#include "gateway/hub_host.hpp"

namespace tandem::gateway {

namespace {

// The output windows of one connection, over all owners. Each owner has at least the minimum.
constexpr size_t kOutputWindowsBytes = 256 * 1024;
constexpr size_t kOutputWindowBytesMax = 64 * 1024;
constexpr size_t kOutputWindowBytesMin = 16 * 1024;
// Input under way from one shard to another. A connection is stopped after the message that
// overfills it.
constexpr size_t kInputWindowBytes = 4 * 1024 * 1024;
// Room that is taken ahead for the frames of one batch, as many as the last one had.
constexpr size_t kOutputsReservedMax = 4096;

const std::string* channel_of(const wire::ClientFrame& frame) {
    return std::visit(
        [](const auto& f) -> const std::string* {
            if constexpr (requires { f.channel; })
                return &f.channel;
            else
                return nullptr;
        },
        frame);
}

}  // namespace

ShardMember::ShardMember(HubHost& host, hub::Hub& hub, const hub::Config& config,
                         hub::ShardPlace place)
    : host_(host),
      hub_(hub),
      config_(config),
      place_(place),
      window_bytes_(std::clamp(kOutputWindowsBytes / place.count, kOutputWindowBytesMin,
                               kOutputWindowBytesMax)),
      peers_(place.count) {}

void ShardMember::meet(uint32_t shard, net::Reactor& reactor, HubHost& host, ShardMember& member) {
    Peer& peer = peers_[shard];
    peer.reactor = &reactor;
    peer.host = &host;
    peer.member = &member;
}

uint32_t ShardMember::owner_of(std::string_view channel) const {
    return static_cast<uint32_t>(std::hash<std::string_view>{}(channel) % place_.count);
}

void ShardMember::run_on(uint32_t shard, std::function<void(HubHost&)> task) {
    Peer& peer = peers_[shard];
    if (shard == place_.index) return task(*peer.host);
    peer.reactor->post([host = peer.host, task = std::move(task)] { task(*host); });
}

void ShardMember::attach(hub::ConnectionId id, ClientLink& link, const hub::ConnectionInfo& info) {
    Home& home = homes_[id];
    home.link = &link;
    home.info = info;
    home.info.side = hub::ConnectionInfo::Side::guest;
}

void ShardMember::detach(hub::ConnectionId id, hub::Hub::Farewell farewell) {
    const auto found = homes_.find(id);
    if (found == homes_.end()) return;
    for (const Visit& visit : found->second.visits)
        peers_[visit.shard].batch.input.push_back(GuestClose{id, farewell});
    homes_.erase(found);
}

bool ShardMember::may_follow(Home& home, const wire::ClientFrame& frame) {
    if (const auto* leave = std::get_if<wire::Unsubscribe>(&frame)) {
        home.followed.erase(leave->channel);
        return true;
    }
    const auto* subscribe = std::get_if<wire::Subscribe>(&frame);
    if (subscribe == nullptr || home.followed.contains(subscribe->channel)) return true;
    // The owner will refuse it, and nothing is followed then.
    if (!hub::find_namespace(config_, subscribe->channel)) return true;
    if (home.followed.size() >= config_.limits.channels_per_connection_max) return false;
    home.followed.insert(subscribe->channel);
    return true;
}

void ShardMember::on_message(hub::ConnectionId id, std::string_view message) {
    const auto found = homes_.find(id);
    if (found == homes_.end()) return;
    Home& home = found->second;
    hub_.count_bytes_in(id, message.size());
    scratch_input_.clear();
    const auto decoded = home.info.codec == hub::Codec::binary
                             ? wire::decode_binary(message, scratch_input_)
                             : wire::decode_json(message, scratch_input_);
    const hub::Now now = host_.now();
    const size_t bytes_each =
        sizeof(wire::ClientFrame) + message.size() / std::max<size_t>(scratch_input_.size(), 1);
    for (wire::ReceivedFrame& one : scratch_input_) {
        if (auto* refused = std::get_if<wire::RefusedFrame>(&one)) {
            hub_.refuse(now, id, *refused);
            continue;
        }
        wire::ClientFrame& frame = std::get<wire::ClientFrame>(one);
        const auto* push = std::get_if<wire::Push>(&frame);
        if (push != nullptr && !hub_.take_push(now, id, *push)) continue;
        const std::string* channel = channel_of(frame);
        if (!may_follow(home, frame)) {
            hub_.refuse(now, id, base::fail(base::ErrorCode::too_many_channels), *channel);
            continue;
        }
        const uint32_t owner = channel == nullptr ? place_.index : owner_of(*channel);
        if (owner == place_.index) {
            hub_.handle_frame(now, id, frame);
            if (std::holds_alternative<wire::Hello>(frame)) pass_on_grant(home, id);
        } else {
            forward(home, id, owner, std::move(frame), bytes_each);
        }
    }
    if (!decoded) hub_.refuse(now, id, decoded.error());
    stall_if_full(home, id);
}

void ShardMember::on_text(hub::ConnectionId id, hub::TextMessage message) {
    const auto found = homes_.find(id);
    if (found == homes_.end()) return;
    Home& home = found->second;
    const uint32_t owner = owner_of(message.channel);
    if (owner == place_.index) return hub_.handle_text(host_.now(), id, std::move(message));
    visit(home, id, owner);
    hub_.note_elsewhere(id);
    Peer& peer = peers_[owner];
    peer.events_under_way++;
    peer.bytes_under_way += message.message.size();
    peer.batch.input.push_back(GuestText{id, std::move(message), host_.now().arrived_ns});
    stall_if_full(home, id);
}

void ShardMember::pass_on_grant(Home& home, hub::ConnectionId id) {
    auth::GrantPtr grant = hub_.grant_of(id);
    if (grant == home.info.grant) return;
    home.info.grant = std::move(grant);
    home.info.subject = home.info.grant->subject;
    for (const Visit& visit : home.visits)
        peers_[visit.shard].batch.input.push_back(GuestGrant{id, home.info.grant});
}

// The connection becomes a guest of the owner, if it is none yet.
void ShardMember::visit(Home& home, hub::ConnectionId id, uint32_t owner) {
    const auto visit = std::find_if(home.visits.begin(), home.visits.end(),
                                    [&](const Visit& v) { return v.shard == owner; });
    if (visit != home.visits.end()) return;
    home.visits.push_back({owner, 0});
    // One actor for all shards: it stands for the connection.
    if (home.info.codec == hub::Codec::json) home.info.actor = hub_.own_actor(id);
    peers_[owner].batch.input.push_back(GuestOpen{id, home.info, home.link->form()});
}

void ShardMember::forward(Home& home, hub::ConnectionId id, uint32_t owner, wire::ClientFrame frame,
                          size_t bytes) {
    visit(home, id, owner);
    Peer& peer = peers_[owner];
    std::vector<GuestInput>& input = peer.batch.input;
    auto* last = input.empty() ? nullptr : std::get_if<GuestFrames>(&input.back());
    if (last == nullptr || last->id != id) {
        input.push_back(GuestFrames{id, {}, 0, host_.now().arrived_ns});
        last = &std::get<GuestFrames>(input.back());
        peer.events_under_way++;
    }
    last->frames.push_back(std::move(frame));
    last->bytes += bytes;
    peer.bytes_under_way += bytes;
}

void ShardMember::stall_if_full(Home& home, hub::ConnectionId id) {
    if (home.is_stalled || !home.link->is_open()) return;
    for (const Visit& visit : home.visits) {
        const Peer& peer = peers_[visit.shard];
        if (peer.bytes_under_way < kInputWindowBytes &&
            peer.events_under_way < config_.limits.shard_queue_events_max)
            continue;
        home.is_stalled = true;
        home.link->pause_reading();
        stalled_.push_back(id);
        return;
    }
}

void ShardMember::resume_stalled() {
    if (stalled_.empty()) return;
    for (const Peer& peer : peers_)
        if (peer.bytes_under_way > kInputWindowBytes / 2 ||
            peer.events_under_way > config_.limits.shard_queue_events_max / 2)
            return;
    for (const hub::ConnectionId id : std::exchange(stalled_, {})) {
        const auto found = homes_.find(id);
        if (found == homes_.end()) continue;
        found->second.is_stalled = false;
        if (found->second.link->is_open()) found->second.link->resume_reading();
    }
}

void ShardMember::deliver(uint32_t owner, GuestOutput& output) {
    const auto found = homes_.find(output.id);
    if (found == homes_.end()) return;
    Home& home = found->second;
    if (output.frame.empty()) {
        home.link->close(net::kWsCloseTryAgainLater, "too slow");
        return;
    }
    if (!home.link->is_open()) return;
    const auto visit = std::find_if(home.visits.begin(), home.visits.end(),
                                    [&](const Visit& v) { return v.shard == owner; });
    TANDEM_ASSERT(visit != home.visits.end());
    visit->owed_bytes += output.frame.size();
    home.link->send(std::move(output.frame));
    // In halves, since each costs a message; with more in the queue, when it has drained.
    if (visit->owed_bytes >= window_bytes_ / 2 && home.link->bytes_queued() < kQueuedBytesMax)
        give_back(*visit, output.id);
}

void ShardMember::give_back(Visit& visit, hub::ConnectionId id) {
    peers_[visit.shard].batch.input.push_back(
        GuestCredit{id, std::exchange(visit.owed_bytes, size_t{0})});
}

void ShardMember::on_writable(hub::ConnectionId id) {
    const auto found = homes_.find(id);
    if (found == homes_.end()) return;
    for (Visit& visit : found->second.visits)
        if (visit.owed_bytes > 0) give_back(visit, id);
    host_.schedule_turn_end();
}

void ShardMember::receive(uint32_t source, ShardBatch& batch) {
    for (GuestInput& input : batch.input)
        std::visit([&](auto& one) { handle(source, one); }, input);
    for (GuestOutput& output : batch.output)
        deliver(source, output);
    Peer& peer = peers_[source];
    peer.events_under_way -= batch.handled_events;
    peer.bytes_under_way -= batch.handled_bytes;
    resume_stalled();
    host_.measure(batch.acked, batch.committed_ns);
    host_.schedule_turn_end();
}

void ShardMember::handle(uint32_t source, GuestOpen& input) {
    Guest& guest = guests_[input.id];
    guest.home = source;
    guest.form = input.form;
    guest.credit_bytes = static_cast<int64_t>(window_bytes_);
    hub_.open(host_.now(), input.id, input.info);
}

void ShardMember::handle(uint32_t source, GuestFrames& input) {
    hub::Now now = host_.now();
    now.arrived_ns = input.arrived_ns;
    for (wire::ClientFrame& frame : input.frames)
        hub_.handle_frame(now, input.id, frame);
    peers_[source].batch.handled_events++;
    peers_[source].batch.handled_bytes += input.bytes;
}

void ShardMember::handle(uint32_t source, GuestText& input) {
    const size_t bytes = input.message.message.size();
    hub::Now now = host_.now();
    now.arrived_ns = input.arrived_ns;
    hub_.handle_text(now, input.id, std::move(input.message));
    peers_[source].batch.handled_events++;
    peers_[source].batch.handled_bytes += bytes;
}

void ShardMember::handle(uint32_t, GuestCredit& input) {
    const auto found = guests_.find(input.id);
    if (found == guests_.end()) return;
    found->second.credit_bytes += static_cast<int64_t>(input.bytes);
    if (found->second.has_more) pump(input.id, found->second);
}

void ShardMember::handle(uint32_t, GuestGrant& input) {
    hub_.set_grant(host_.now(), input.id, input.grant);
}

void ShardMember::handle(uint32_t, GuestClose& input) {
    guests_.erase(input.id);
    hub_.close(host_.now(), input.id, input.farewell);
}

void ShardMember::pump(hub::ConnectionId id) {
    const auto found = guests_.find(id);
    if (found != guests_.end()) pump(id, found->second);
}

void ShardMember::pump(hub::ConnectionId id, Guest& guest) {
    std::vector<GuestOutput>& output = peers_[guest.home].batch.output;
    guest.has_more = true;
    while (guest.credit_bytes > 0 && guest.has_more) {
        scratch_frames_.clear();
        guest.has_more = hub_.poll_transmit(
            host_.now(), id, static_cast<size_t>(guest.credit_bytes), scratch_frames_);
        for (const hub::FramePtr& frame : scratch_frames_) {
            net::SharedBytes bytes = framed(*frame, guest.form, host_.meters());
            guest.credit_bytes -= static_cast<int64_t>(bytes.size());
            output.push_back({id, std::move(bytes)});
        }
    }
}

void ShardMember::close_guest(hub::ConnectionId id) {
    const auto found = guests_.find(id);
    if (found != guests_.end()) peers_[found->second.home].batch.output.push_back({id, {}});
}

bool ShardMember::pass_on(const hub::Acked& acked) {
    const auto found = guests_.find(acked.connection);
    if (found == guests_.end()) return false;
    peers_[found->second.home].batch.acked.push_back(acked);
    return true;
}

void ShardMember::note_committed(uint64_t committed_ns) {
    for (Peer& peer : peers_)
        if (!peer.batch.output.empty()) peer.batch.committed_ns = committed_ns;
}

void ShardMember::flush() {
    for (Peer& peer : peers_) {
        if (peer.batch.is_empty()) continue;
        auto batch = std::make_shared<ShardBatch>(std::move(peer.batch));
        peer.batch = ShardBatch();
        // Channels with many guests are written again: their room is taken at once.
        peer.batch.output.reserve(std::min(batch->output.size(), kOutputsReservedMax));
        peer.reactor->post([member = peer.member, source = place_.index, batch = std::move(batch)] {
            member->receive(source, *batch);
        });
    }
}

bool ShardMember::is_idle() const {
    return std::all_of(peers_.begin(), peers_.end(), [](const Peer& peer) {
        return peer.events_under_way == 0 && peer.batch.is_empty();
    });
}

}  // namespace tandem::gateway
