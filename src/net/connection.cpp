#include "net/connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace tandem::net {

namespace {

constexpr uint64_t kFlushTimeoutMs = 10'000;
constexpr uint64_t kLingerMs = 2'000;
// What is encrypted ahead of a slow reader. The rest stays as it is, shared with others.
constexpr size_t kEncryptedBytesMax = 64 * 1024;
// Of one turn, as of a connection without TLS.
constexpr size_t kEncryptedFlushesMax = 16;
constexpr char kTlsHandshakeRecord = 0x16;
constexpr std::string_view kNoTlsAnswer =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    "Content-Length: 65\r\n\r\n"
    "This port speaks TLS: write the address with https:// or wss://.\n";

}  // namespace

Connection::Connection(Reactor& reactor, UniqueFd fd, ConnectionHandler& handler,
                       std::unique_ptr<TlsStream> tls)
    : reactor_(reactor),
      handler_(&handler),
      timer_(reactor, [this] { on_timer(); }),
      tls_(std::move(tls)),
      last_received_ms_(reactor.now_ms()),
      fd_(std::move(fd)) {}

Connection::~Connection() {
    if (is_started_ && fd_.is_open()) reactor_.remove(fd_.get(), *this);
}

base::Status Connection::start() {
    events_ = EPOLLIN;
    TANDEM_CHECK(reactor_.add(fd_.get(), events_, *this));
    is_started_ = true;
    if (tls_ != nullptr && !tls_->is_server()) {
        tls_->shake();
        reactor_.schedule_turn_end(*this);
    }
    return {};
}

void Connection::note_queued() {
    if (bytes_queued() > low_watermark_) was_above_low_ = true;
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
    if (!rest_.empty() || (tls_ != nullptr && tls_->has_input())) {
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
    // Without keys it can never leave.
    if (tls_ != nullptr && !tls_->is_open()) queue_.clear();
    timer_.start(kFlushTimeoutMs);
    update_events();
    reactor_.schedule_turn_end(*this);
}

void Connection::drop_output() {
    queue_.clear();
    if (tls_ != nullptr) tls_->out().clear();
}

void Connection::abort() {
    drop_output();
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
        stalled_since_ms_ = 0;
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
    // Delivered at the end of the turn, before anything newer.
    if (!rest_.empty() || (tls_ != nullptr && tls_->has_input())) return;
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
    receive(scratch.first(static_cast<size_t>(got)));
}

void Connection::receive(std::span<char> received) {
    if (tls_ == nullptr) {
        (void)deliver(received);
        return;
    }
    const std::string_view bytes(received.data(), received.size());
    if (answer_plain_text(bytes)) return;
    tls_->feed(bytes);
    decrypt();
}

bool Connection::answer_plain_text(std::string_view received) {
    if (!tls_->is_server() || tls_->has_begun() || received.front() == kTlsHandshakeRecord)
        return false;
    // A method of HTTP begins so.
    if (received.front() >= 'A' && received.front() <= 'Z') {
        tls_->out().append(kNoTlsAnswer);
        close_gracefully();
    } else {
        abort();
    }
    return true;
}

void Connection::decrypt() {
    if (tls_->state() == TlsStream::State::handshaking) {
        tls_->shake();
        reactor_.schedule_turn_end(*this);
        if (tls_->is_open()) handler_->on_secure(*this);
    }
    while (state_ == State::kOpen && !is_paused_ && tls_->is_open()) {
        // Nothing is sent from it before the end of the turn.
        const std::span<char> plain = reactor_.write_scratch();
        const size_t got = tls_->read(plain);
        if (got == 0 || !deliver(plain.first(got))) break;
    }
    tls_->keep();
    if (state_ != State::kOpen) return;
    if (tls_->state() == TlsStream::State::ended) {
        die(CloseReason::kPeer);
    } else if (tls_->state() == TlsStream::State::failed) {
        // The peer is told why, if it still listens.
        close_gracefully();
    }
}

void Connection::encrypt() {
    if (tls_ == nullptr) return;
    while (tls_->is_open() && !queue_.empty() && tls_->out().bytes() < kEncryptedBytesMax) {
        size_t used = 0;
        const size_t sent = tls_->write(queue_.front(reactor_.write_scratch(), used));
        (void)queue_.take(static_cast<ptrdiff_t>(sent), sent);
    }
    if (tls_->state() == TlsStream::State::failed) {
        queue_.clear();
        if (state_ == State::kOpen) die(CloseReason::kFailed);
    }
    if (state_ == State::kFlushing && queue_.empty()) tls_->say_goodbye();
}

bool Connection::can_send() {
    if (state_ == State::kClosed || is_blocked_) return false;
    encrypt();
    return !wire().empty();
}

void Connection::flush() {
    // What is encrypted at a time is less than what may leave in a turn.
    for (size_t i = 0; can_send(); ++i) {
        if (i == kEncryptedFlushesMax) {
            is_blocked_ = true;
            return;
        }
        note_flushed(wire().flush(fd_.get(), reactor_.write_scratch()));
    }
}

void Connection::note_flushed(FlushResult result) {
    switch (result) {
        case FlushResult::kDrained:
            break;
        case FlushResult::kBlocked:
            is_blocked_ = true;
            if (stalled_since_ms_ == 0) stalled_since_ms_ = reactor_.now_ms();
            break;
        case FlushResult::kFailed:
            drop_output();
            die(CloseReason::kFailed);
            break;
    }
}

Sender::Piece Connection::begin_send(std::span<char> scratch) {
    Piece piece{fd_.get(), {}, 0};
    if (can_send()) piece.bytes = wire().front(scratch, piece.scratch_used);
    return piece;
}

void Connection::end_send(ptrdiff_t sent, size_t offered) {
    // An aborted connection has dropped its output since.
    if (offered != 0 && !wire().empty()) note_flushed(wire().take(sent, offered));
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
        if (tls_ != nullptr && state_ == State::kOpen && !is_paused_ && rest_.empty()) decrypt();
    }
    if (sends_in_batches_ && can_send())
        reactor_.schedule_send(*this);
    else
        send_now();
}

void Connection::finish_turn() {
    if (state_ == State::kFlushing && bytes_queued() == 0) {
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
    if (state_ == State::kOpen && was_above_low_ && bytes_queued() <= low_watermark_) {
        was_above_low_ = false;
        handler_->on_writable_low(*this);
    }
}

}  // namespace tandem::net
