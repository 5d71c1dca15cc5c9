#include "gateway/event_stream.hpp"

#include <algorithm>

#include "base/value.hpp"
#include "gateway/hub_host.hpp"
#include "gateway/post_batch.hpp"
#include "gateway/session_key.hpp"

namespace tandem::gateway {

using base::ErrorCode;

namespace {

// A page in the background may run its timers once a minute, and answers no ping by itself as a
// WebSocket does.
constexpr uint64_t kIdleFactor = 2;
constexpr std::string_view kComment = ":\n\n";

PostAnswer refuse(base::Error error, Told told = {}) { return {error, 0, std::move(told)}; }

PostAnswer no_stream() { return refuse(base::fail(ErrorCode::session_unknown)); }

}  // namespace

EventStream::~EventStream() { leave_table(); }

void EventStream::leave_table() {
    if (key_.empty()) return;
    host_.streams().remove(key_);
    key_.clear();
}

void EventStream::on_open(net::HttpStream& stream) {
    stream_ = &stream;
    key_ = make_session_key(host_.shard(), host_.entropy());
    host_.streams().add(key_, *this);
    const size_t batch = batch_bytes_max(info_.codec, host_.config().limits.message_bytes_max);
    // The first bytes of the response: a proxy that keeps them back is found out by them.
    stream.write("event: session\ndata: {\"session\":\"" + key_ +
                 "\",\"post_bytes_max\":" + std::to_string(batch) + "}\n\n");
    id_ = host_.attach(*this, info_);
    heard_ms_ = host_.now().mono_ms;
    awake_.emplace(host_.reactor(), [this] { keep_awake(); });
    keep_awake();
}

void EventStream::on_writable(net::HttpStream&) {
    if (id_ != 0) host_.on_writable(id_);
}

void EventStream::on_close(net::HttpStream&) {
    leave_table();
    awake_.reset();
    hold_.reset();
    answer_waiting(no_stream());
    leave_hub();
}

void EventStream::leave_hub() {
    if (const hub::ConnectionId id = std::exchange(id_, 0); id != 0) host_.detach(id, farewell_);
}

bool EventStream::is_open() const { return !key_.empty() && stream_->is_open(); }

FrameForm EventStream::form() const {
    return {data_kind(info_.codec), SIZE_MAX, FrameForm::Carrier::events};
}

void EventStream::close(uint16_t code, std::string_view reason) {
    if (!is_open()) return;
    std::string event = "event: close\ndata: {\"code\":" + std::to_string(code) + ",\"reason\":";
    base::append_json_string(event, reason);
    stream_->write(event + "}\n\n");
    stream_->end();
    leave_table();
    answer_waiting(no_stream());
}

// Something goes out now and again, so that nobody on the way takes the response for a dead one.
// What it is that ends a stream of which nothing is heard, since proxies keep it open for clients
// that have gone.
void EventStream::keep_awake() {
    const base::Limits& limits = host_.config().limits;
    if (!is_open()) return;
    const uint64_t silent_ms = host_.now().mono_ms - heard_ms_;
    if (limits.idle_timeout_ms != 0 && pauses_ == 0 &&
        silent_ms >= kIdleFactor * limits.idle_timeout_ms) {
        close(net::kWsCloseGoingAway, "nothing was heard of the client");
        return leave_hub();
    }
    if (silent_ms != 0 && stream_->bytes_queued() == 0) stream_->write(kComment);
    const uint64_t next_ms =
        limits.ping_interval_ms != 0 ? limits.ping_interval_ms : limits.idle_timeout_ms;
    if (next_ms != 0) awake_->start(next_ms);
}

base::Status EventStream::check_sender(const auth::GrantPtr& by) const {
    if (by == nullptr) return is_bound_ ? base::Status(ErrorCode::unauthenticated) : base::Status();
    const auth::GrantPtr own = host_.grant_of(id_);
    if (own == nullptr || own->subject != by->subject || own->issuer != by->issuer)
        return ErrorCode::forbidden;
    return {};
}

PostAnswer EventStream::take(const Post& post) {
    if (post.codec != info_.codec) {
        PostAnswer answer = refuse(
            base::fail(ErrorCode::invalid_argument),
            {"The body is not of the type that the stream's protocol has.",
             "Send application/octet-stream for tandem.v1, application/json for tandem.v1.json."});
        answer.status = 415;
        return answer;
    }
    if (post.sequence > taken_ + 1)
        return refuse(base::fail(ErrorCode::protocol_error),
                      {"A POST before this one has not come.",
                       "Send one at a time, numbered from 1, and each again until it is answered; "
                       "or open a new stream."});
    StreamTable::Counts& counts = host_.streams().counts;
    if (post.sequence <= taken_) {
        ++counts.repeats;
        return {};
    }
    if (pauses_ != 0)
        return refuse(base::fail(ErrorCode::overloaded),
                      {"The POST before this one is not done.", "Wait for its answer."});
    const size_t message_max = host_.config().limits.message_bytes_max;
    const auto messages = cut_batch(post.body, info_.codec, message_max);
    if (!messages) return refuse(messages.error());
    ++counts.posts;
    taken_ = post.sequence;
    for (const std::string_view message : *messages) {
        meter(message.size());
        host_.on_message(id_, message);
    }
    return {};
}

void EventStream::receive(const Post& post, OnPosted on_posted) {
    if (!is_open()) return on_posted(no_stream());
    if (const auto may = check_sender(post.by); !may)
        return on_posted(
            refuse(may.error(), {"The stream was opened with another token.",
                                 "Send a token of the stream's subject with each request."}));
    heard_ms_ = host_.now().mono_ms;
    if (post.kind == Post::Kind::end) {
        farewell_ = hub::Hub::Farewell::clean;
        close(net::kWsCloseNormal, {});
        leave_hub();
        return on_posted({});
    }
    PostAnswer answer = take(post);
    // The newest POST may have come again, since its answer is late.
    if (answer.refusal || pauses_ == 0 || post.sequence != taken_) return on_posted(answer);
    answer_waiting(refuse(base::fail(ErrorCode::overloaded)));
    waiting_ = std::move(on_posted);
}

void EventStream::meter(size_t bytes) {
    if (!info_.is_counted) return;
    const uint64_t wait_ms = meter_.charge(host_.config().limits, host_.now().mono_ms, bytes);
    if (wait_ms == 0) return;
    pause(net::PauseReason::kRate);
    if (!hold_) hold_.emplace(host_.reactor(), [this] { resume(net::PauseReason::kRate); });
    hold_->start(wait_ms);
}

void EventStream::pause(net::PauseReason reason) {
    pauses_ = static_cast<uint8_t>(pauses_ | static_cast<uint8_t>(reason));
}

void EventStream::resume(net::PauseReason reason) {
    pauses_ = static_cast<uint8_t>(pauses_ & ~static_cast<uint8_t>(reason));
    heard_ms_ = host_.now().mono_ms;
    if (pauses_ == 0) answer_waiting({});
}

void EventStream::answer_waiting(const PostAnswer& answer) {
    if (const OnPosted waiting = std::exchange(waiting_, nullptr)) waiting(answer);
}

void StreamTable::receive(const std::string& key, const Post& post, OnPosted on_posted) {
    const auto found = streams_.find(key);
    if (found != streams_.end()) return found->second->receive(post, std::move(on_posted));
    ++counts.strays;
    on_posted(no_stream());
}

}  // namespace tandem::gateway
