#include "gateway/hub_host.hpp"

#include <algorithm>
#include <utility>

#include "gateway/framed.hpp"
#include "gateway/session_key.hpp"
#include "gateway/shard_member.hpp"
#include "gateway/shard_requests.hpp"

namespace tandem::gateway {

namespace {

// Cutting who holds less would free less than its return costs.
constexpr size_t kCutBytesMin = 16 * 1024;
// Who has no more than this waiting for it still reads, and can be told.
constexpr size_t kToldBytesMax = 4 * 1024;
constexpr uint64_t kRetryMinMs = 2'000;
constexpr uint64_t kRetrySpreadMs = 8'000;

}  // namespace

HubHost::HubHost(net::Reactor& reactor, const hub::Config& config, port::Store& store,
                 port::Entropy& entropy, WallClock clock, OnLog on_log, hub::ShardPlace place)
    : reactor_(reactor),
      entropy_(entropy),
      clock_(std::move(clock)),
      on_log_(std::move(on_log)),
      config_(config),
      place_(place),
      hub_(config, store, entropy, place),
      timer_(reactor,
             [this] {
                 armed_for_ms_ = UINT64_MAX;
                 const uint64_t evicted = hub_.stats().evicted;
                 hub_.handle_timeout(now());
                 if (on_evicted && hub_.stats().evicted != evicted) on_evicted();
                 reactor_.schedule_turn_end(*this);
             }),
      next_connection_(place.index + 1) {}

HubHost::~HubHost() = default;

void HubHost::join(std::span<HubHost* const> hosts) {
    for (HubHost* host : hosts)
        host->member_ =
            std::make_unique<ShardMember>(*host, host->hub_, host->config_, host->place_);
    for (HubHost* host : hosts)
        for (HubHost* other : hosts)
            host->member_->meet(other->place_.index, other->reactor_, *other, *other->member_);
}

// Each connection that is served asks, so the clock is read when a turn begins and no more.
hub::Now HubHost::now() const {
    if (const uint64_t now_ns = reactor_.now_ns(); now_.arrived_ns != now_ns)
        now_ = {reactor_.now_ms(), clock_(), now_ns};
    return now_;
}

hub::ConnectionId HubHost::attach(ClientLink& link, const hub::ConnectionInfo& info) {
    const hub::ConnectionId id = next_connection_;
    next_connection_ += place_.count;
    clients_[id] = {&link, link.form(), info.codec};
    hub_.open(now(), id, info);
    if (member_ != nullptr) member_->attach(id, link, info);
    // Its token ends at some time, or must come by some time.
    reactor_.schedule_turn_end(*this);
    return id;
}

void HubHost::detach(hub::ConnectionId id, hub::Hub::Farewell farewell) {
    clients_.erase(id);
    hub_.close(now(), id, farewell);
    if (member_ != nullptr) member_->detach(id, farewell);
    reactor_.schedule_turn_end(*this);
}

void HubHost::on_message(hub::ConnectionId id, std::string_view message) {
    if (member_ != nullptr)
        member_->on_message(id, message);
    else
        hub_.handle_bytes(now(), id, message);
    reactor_.schedule_turn_end(*this);
}

void HubHost::on_text(hub::ConnectionId id, hub::TextMessage message) {
    if (member_ != nullptr)
        member_->on_text(id, std::move(message));
    else
        hub_.handle_text(now(), id, std::move(message));
    reactor_.schedule_turn_end(*this);
}

void HubHost::on_writable(hub::ConnectionId id) {
    const auto found = clients_.find(id);
    if (found != clients_.end()) pump(id, found->second);
    if (member_ != nullptr) member_->on_writable(id);
    if (hub_.has_closing()) reactor_.schedule_turn_end(*this);
}

void HubHost::on_store_ready() {
    hub_.handle_store(now());
    reactor_.schedule_turn_end(*this);
}

void HubHost::request(hub::Request request, OnReply on_reply) {
    if (member_ == nullptr) return request_here(std::move(request), std::move(on_reply));
    requests_under_way_++;
    ask_shards(*member_, std::move(request),
               [this, on_reply = std::move(on_reply)](hub::Reply& reply) {
                   requests_under_way_--;
                   on_reply(reply);
               });
}

void HubHost::gather_stats(std::function<void(const hub::Stats&)> done) {
    if (member_ == nullptr) return done(stats());
    gateway::gather_stats(*member_, std::move(done));
}

hub::Stats HubHost::stats() {
    hub_.count_held();
    hub::Stats out = hub_.stats();
    out.streams = streams_.size();
    out.stream_posts = streams_.counts.posts;
    out.stream_repeats = streams_.counts.repeats;
    out.stream_strays = streams_.counts.strays;
    return out;
}

void HubHost::post_to_stream(std::string key, Post post, OnPosted on_posted) {
    const auto shard = shard_of_session_key(key);
    // Of a key that none of the shards has made, this one knows nothing either.
    if (!shard || *shard >= place_.count || *shard == place_.index)
        return streams_.receive(key, post, std::move(on_posted));
    requests_under_way_++;
    // The post is moved through, once: a task runs once.
    member_->run_on(*shard, [this, home = place_.index, key = std::move(key),
                             post = std::move(post),
                             on_posted = std::move(on_posted)](HubHost& there) {
        there.streams().receive(key, post, [this, &there, home, on_posted](const PostAnswer& a) {
            there.member()->run_on(home, [this, on_posted, a](HubHost&) {
                requests_under_way_--;
                on_posted(a);
            });
        });
    });
}

bool HubHost::is_idle() const {
    return hub_.is_idle() && requests_under_way_ == 0 && (member_ == nullptr || member_->is_idle());
}

void HubHost::request_here(hub::Request request, OnReply on_reply) {
    const uint64_t id = next_request_++;
    replies_[id] = std::move(on_reply);
    hub_.request(now(), id, std::move(request));
    reactor_.schedule_turn_end(*this);
}

uint64_t HubHost::next_retry_ms() {
    // Multiples of the golden ratio are spread evenly, however many there are.
    const uint32_t number = turned_away_++ * place_.count + place_.index;
    const uint32_t place = number * 2'654'435'769U;
    return kRetryMinMs + (uint64_t{place} * kRetrySpreadMs >> 32);
}

hub::FramePtr HubHost::bye(hub::Codec codec) {
    wire::Bye bye;
    bye.code = base::error_name(base::ErrorCode::overloaded);
    bye.message = base::error_message(base::ErrorCode::overloaded);
    bye.reconnect_after_ms = next_retry_ms();
    std::string text;
    if (codec == hub::Codec::json)
        wire::encode_json(text, wire::ServerFrame(bye));
    else
        wire::encode_binary(text, wire::ServerFrame(bye));
    return hub::make_frame(std::move(text));
}

void HubHost::turn_away(net::WsConnection& socket, hub::Codec codec) {
    hub_.count_shed();
    socket.send(bye(codec)->payload, data_kind(codec));
    socket.close(net::kWsCloseTryAgainLater, "overloaded");
}

void HubHost::relieve(hub::Pressure pressure, size_t bytes) {
    pressure_ = pressure;
    const uint64_t evicted = hub_.stats().evicted;
    hub_.relieve(now(), pressure);
    if (on_evicted && hub_.stats().evicted != evicted) on_evicted();
    if (pressure == hub::Pressure::critical && bytes > 0) cut_holders(bytes);
    reactor_.schedule_turn_end(*this);
}

void HubHost::cut_holders(size_t bytes) {
    std::vector<std::pair<size_t, hub::ConnectionId>> holders;
    hub_.find_holders(kCutBytesMin, holders);
    std::erase_if(holders, [this](const auto& one) { return clients_.contains(one.second); });
    for (const auto& [id, client] : clients_) {
        if (!client.link->is_open()) continue;
        const size_t held = client.link->bytes_held() + hub_.held_bytes(id);
        if (held >= kCutBytesMin) holders.emplace_back(held, id);
    }
    std::sort(holders.rbegin(), holders.rend());
    size_t freed = 0;
    for (const auto& [held, id] : holders) {
        if (freed >= bytes) break;
        freed += held;
        hub_.shed(now(), id);
        const auto found = clients_.find(id);
        if (found == clients_.end()) continue;
        const Client& client = found->second;
        // What waits for who does not read would stay until it does.
        if (client.link->bytes_queued() > kToldBytesMax) {
            client.link->drop();
            continue;
        }
        if (!hub::is_of_providers(client.codec))
            client.link->send(framed(*bye(client.codec), client.form, meters_));
        client.link->close(net::kWsCloseTryAgainLater, "overloaded");
    }
}

void HubHost::begin_shutdown(uint64_t reconnect_after_ms) {
    hub_.begin_shutdown(now(), reconnect_after_ms);
    reactor_.schedule_turn_end(*this);
}

void HubHost::pump(hub::ConnectionId id, Client& client) {
    while (client.link->is_open()) {
        const size_t queued = client.link->bytes_queued();
        if (queued >= kQueuedBytesMax) return;
        scratch_frames_.clear();
        const bool has_more =
            hub_.poll_transmit(now(), id, kQueuedBytesMax - queued, scratch_frames_);
        for (const hub::FramePtr& frame : scratch_frames_)
            client.link->send(framed(*frame, client.form, meters_));
        if (!has_more) return;
    }
}

void HubHost::on_turn_end() {
    hub_.flush(now());
    hub_.take_ready(scratch_ids_);
    for (const hub::ConnectionId id : scratch_ids_) {
        const auto found = clients_.find(id);
        if (found != clients_.end())
            pump(id, found->second);
        else if (member_ != nullptr)
            member_->pump(id);
    }
    hub_.take_closing(scratch_ids_);
    for (const hub::ConnectionId id : scratch_ids_) {
        const auto found = clients_.find(id);
        if (found != clients_.end())
            close(id, *found->second.link);
        else if (member_ != nullptr)
            member_->close_guest(id);
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
    if (on_news) {
        scratch_news_.clear();
        hub_.take_news(scratch_news_);
        if (!scratch_news_.empty()) on_news(scratch_news_);
    }
    arm_timer();
    take_times();
    if (member_ != nullptr) member_->flush();
    if (hub_.has_failed() && on_failure) std::exchange(on_failure, nullptr)();
}

void HubHost::take_times() {
    hub_.take_acked(scratch_acked_);
    const uint64_t committed_ns = hub_.take_committed_ns();
    if (member_ != nullptr) {
        std::erase_if(scratch_acked_,
                      [this](const hub::Acked& one) { return member_->pass_on(one); });
        if (committed_ns != 0) member_->note_committed(committed_ns);
    }
    measure(scratch_acked_, committed_ns);
}

void HubHost::measure(const std::vector<hub::Acked>& acked, uint64_t committed_ns) {
    if (acked.empty() && committed_ns == 0) return;
    acked_.insert(acked_.end(), acked.begin(), acked.end());
    // The oldest, should there be several.
    if (committed_ns != 0 && (committed_ns_ == 0 || committed_ns < committed_ns_))
        committed_ns_ = committed_ns;
    reactor_.schedule_turn_over(*this);
}

void HubHost::on_turn_over(uint64_t now_ns) {
    for (const hub::Acked& one : acked_)
        meters_.write_to_ack.record(now_ns - std::min(now_ns, one.arrived_ns), one.count);
    acked_.clear();
    if (committed_ns_ != 0) meters_.commit_to_send.record(now_ns - std::min(now_ns, committed_ns_));
    committed_ns_ = 0;
}

void HubHost::close(hub::ConnectionId id, ClientLink& link) const {
    if (const auto refusal = hub_.refusal_of(id))
        link.close(net::kWsClosePolicy, base::error_name(*refusal));
    else
        link.close(net::kWsCloseTryAgainLater, "too slow");
}

void HubHost::recheck_grants() {
    hub_.recheck_grants(now());
    reactor_.schedule_turn_end(*this);
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

}  // namespace tandem::gateway
