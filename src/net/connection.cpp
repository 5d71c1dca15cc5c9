#include "net/connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace tandem::net {

namespace {

constexpr uint64_t kFlushTimeoutMs = 10'000;
constexpr uint64_t kLingerMs = 2'000;

}  // namespace

Connection::Connection(Reactor& reactor, UniqueFd fd, ConnectionHandler& handler)
    : reactor_(reactor),
      handler_(&handler),
      timer_(reactor, [this] { on_timer(); }),
      last_received_ms_(reactor.now_ms()),
      fd_(std::move(fd)) {}

Connection::~Connection() {
    if (is_started_ && fd_.is_open()) reactor_.remove(fd_.get(), *this);
}

base::Status Connection::start() {
    events_ = EPOLLIN;
    TANDEM_CHECK(reactor_.add(fd_.get(), events_, *this));
    is_started_ = true;
    return {};
}

void Connection::note_queued() {
    if (queue_.bytes() > low_watermark_) was_above_low_ = true;
    if (!is_blocked_) reactor_.schedule_turn_end(*this);
}

void Connection::send(std::string_view data) {
    if (state_ != State::kOpen) return;
    queue_.append(data);
    note_queued();
}

void Connection::send(SharedBytes bytes) {
    if (state_ != State::kOpen) return;
    queue_.push(std::move(bytes));
    note_queued();
}

void Connection::pause_reading() {
    is_paused_ = true;
    update_events();
}

void Connection::resume_reading() {
    if (!is_paused_) return;
    is_paused_ = false;
    // Silence while nothing was read says nothing about the peer.
    last_received_ms_ = reactor_.now_ms();
    if (!rest_.empty()) {
        is_rest_due_ = true;
        reactor_.schedule_turn_end(*this);
    }
    update_events();
}

void Connection::set_deadline(uint64_t delay_ms) {
    if (state_ != State::kOpen) return;
    if (delay_ms == 0) {
        timer_.stop();
    } else {
        timer_.start(delay_ms);
    }
}

void Connection::close_gracefully() {
    if (state_ != State::kOpen) return;
    state_ = State::kFlushing;
    rest_.clear();
    timer_.start(kFlushTimeoutMs);
    update_events();
    reactor_.schedule_turn_end(*this);
}

void Connection::abort() {
    queue_.clear();
    die(CloseReason::kLocal);
}

void Connection::die(CloseReason reason) {
    if (state_ == State::kDead || state_ == State::kClosed) return;
    const bool is_local = state_ != State::kOpen;
    state_ = State::kDead;
    reason_ = is_local ? CloseReason::kLocal : reason;
    timer_.stop();
    reactor_.schedule_turn_end(*this);
}

void Connection::on_timer() {
    if (state_ == State::kOpen) {
        handler_->on_deadline(*this);
    } else {
        die(CloseReason::kLocal);
    }
}

void Connection::update_events() {
    if (!is_started_ || state_ == State::kDead || state_ == State::kClosed) return;
    const bool is_reading = !is_paused_ || state_ == State::kLingering;
    const uint32_t wanted = (is_reading ? EPOLLIN : 0U) | (is_blocked_ ? EPOLLOUT : 0U);
    if (wanted == events_) return;
    if (reactor_.modify(fd_.get(), wanted, *this).ok()) {
        events_ = wanted;
    } else {
        die(CloseReason::kFailed);
    }
}

void Connection::on_io(uint32_t events) {
    if (state_ == State::kDead || state_ == State::kClosed) return;
    if ((events & EPOLLIN) != 0) {
        read();
    } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        die((events & EPOLLERR) != 0 ? CloseReason::kFailed : CloseReason::kPeer);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        is_blocked_ = false;
        reactor_.schedule_turn_end(*this);
    }
}

bool Connection::deliver(std::span<char> data) {
    const size_t used = handler_->on_data(*this, data);
    if (used >= data.size()) return true;
    if (state_ == State::kOpen) {
        rest_.assign(data.data() + used, data.size() - used);
        if (!is_paused_) pause_reading();
    }
    return false;
}

void Connection::read() {
    if (is_paused_ && state_ == State::kOpen) return;
    if (!rest_.empty()) return;  // Delivered at the end of the turn, before anything newer.
    const std::span<char> scratch = reactor_.read_scratch();
    const ptrdiff_t got = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
    if (got == 0) {
        die(CloseReason::kPeer);
        return;
    }
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) die(CloseReason::kFailed);
        return;
    }
    if (state_ != State::kOpen) return;
    last_received_ms_ = reactor_.now_ms();
    (void)deliver(scratch.first(static_cast<size_t>(got)));
}

bool Connection::can_send() const {
    return state_ != State::kClosed && !is_blocked_ && !queue_.empty();
}

void Connection::flush() {
    if (can_send()) note_flushed(queue_.flush(fd_.get(), reactor_.write_scratch()));
}

void Connection::note_flushed(FlushResult result) {
    switch (result) {
        case FlushResult::kDrained:
            break;
        case FlushResult::kBlocked:
            is_blocked_ = true;
            break;
        case FlushResult::kFailed:
            queue_.clear();
            die(CloseReason::kFailed);
            break;
    }
}

Sender::Piece Connection::begin_send(std::span<char> scratch) {
    Piece piece{fd_.get(), {}, 0};
    if (can_send()) piece.bytes = queue_.front(scratch, piece.scratch_used);
    return piece;
}

void Connection::end_send(ptrdiff_t sent, size_t offered) {
    // An aborted connection has dropped its output since.
    if (offered != 0 && !queue_.empty()) note_flushed(queue_.take(sent, offered));
    send_now();
}

void Connection::send_now() {
    flush();
    finish_turn();
}

void Connection::on_turn_end() {
    if (is_rest_due_) {
        is_rest_due_ = false;
        if (state_ == State::kOpen && !is_paused_ && !rest_.empty()) {
            std::string rest;
            rest.swap(rest_);
            (void)deliver(rest);
        }
    }
    if (sends_in_batches_ && can_send())
        reactor_.schedule_send(*this);
    else
        send_now();
}

void Connection::finish_turn() {
    if (state_ == State::kFlushing && queue_.empty()) {
        state_ = State::kLingering;
        (void)::shutdown(fd_.get(), SHUT_WR);
        timer_.start(kLingerMs);
    }
    update_events();
    if (state_ == State::kDead) {
        state_ = State::kClosed;
        timer_.stop();
        if (is_started_) reactor_.remove(fd_.get(), *this);
        fd_.reset();
        handler_->on_closed(*this, reason_);
        return;
    }
    if (state_ == State::kOpen && was_above_low_ && queue_.bytes() <= low_watermark_) {
        was_above_low_ = false;
        handler_->on_writable_low(*this);
    }
}

}  // namespace tandem::net
