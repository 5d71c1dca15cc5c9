#include "net/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "net/io_error.hpp"

namespace tandem::net {

namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr size_t kScratchBytes = 64 * 1024;
// Turn-end work may schedule more of itself; past this many rounds the rest waits for a turn.
constexpr size_t kTurnEndRoundsMax = 16;
// Fewer sockets than this are sent to one by one.
constexpr size_t kBatchMin = 4;
// Where small frames of one batch are gathered, and what must be left of it for one more socket.
constexpr size_t kBatchScratchBytes = 256 * 1024;
constexpr size_t kBatchScratchBytesLeft = 16 * 1024;

}  // namespace

struct Reactor::ReadyList {
    std::vector<epoll_event> events;
    size_t count = 0;
    size_t next = 0;
};

void Timer::start(uint64_t delay_ms) {
    stop();
    reactor_.heap_push(*this, reactor_.now_ms() + delay_ms);
}

void Timer::stop() {
    if (heap_index_ != 0) reactor_.heap_remove(*this);
}

Reactor::Reactor(ReactorOptions options)
    : options_(options),
      ready_(std::make_unique<ReadyList>()),
      read_scratch_(kScratchBytes),
      write_scratch_(kScratchBytes) {
    ready_->events.resize(options_.events_per_turn_max);
    update_clock();
}

Reactor::~Reactor() {
    for (const auto* list : {&turn_ends_, &senders_, &turn_overs_})
        for (Scheduled* scheduled : *list)
            if (scheduled != nullptr) scheduled->list_ = nullptr;
    for (const HeapEntry& entry : heap_)
        entry.timer->heap_index_ = 0;
}

base::Result<std::unique_ptr<Reactor>> Reactor::create(ReactorOptions options) {
    std::unique_ptr<Reactor> reactor(new Reactor(options));
    reactor->epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    if (!reactor->epoll_.is_open()) return io_error();
    reactor->wake_fd_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!reactor->wake_fd_.is_open()) return io_error();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;  // Null stands for the wake-up descriptor.
    if (::epoll_ctl(reactor->epoll_.get(), EPOLL_CTL_ADD, reactor->wake_fd_.get(), &event) != 0) {
        return io_error();
    }
    return reactor;
}

base::Status Reactor::add(int fd, uint32_t events, IoHandler& handler) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &handler;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return io_error();
    return {};
}

base::Status Reactor::modify(int fd, uint32_t events, IoHandler& handler) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &handler;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) return io_error();
    return {};
}

void Reactor::remove(int fd, IoHandler& handler) {
    epoll_event unused{};
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &unused);
    // Events of this turn that were not delivered yet must not reach a handler that may be gone.
    for (size_t i = ready_->next; i < ready_->count; ++i) {
        if (ready_->events[i].data.ptr == &handler) ready_->events[i].events = 0;
    }
}

void Reactor::post(Task task) {
    bool was_empty = false;
    {
        const std::lock_guard lock(post_mutex_);
        was_empty = posted_.empty();
        posted_.push_back(std::move(task));
        has_posted_.store(true, std::memory_order_release);
    }
    if (was_empty) wake();
}

void Reactor::defer(Task task) { deferred_.push_back(std::move(task)); }

void Reactor::schedule(std::vector<Scheduled*>& list, Scheduled& scheduled) {
    if (scheduled.list_ != nullptr) return;
    scheduled.list_ = &list;
    scheduled.index_ = list.size();
    list.push_back(&scheduled);
}

template <class Handler>
Handler* Reactor::take(std::vector<Scheduled*>& list, size_t index) {
    Scheduled* scheduled = std::exchange(list[index], nullptr);
    if (scheduled == nullptr) return nullptr;
    scheduled->list_ = nullptr;
    return static_cast<Handler*>(scheduled);
}

void Reactor::drop_front(std::vector<Scheduled*>& list, size_t count) {
    list.erase(list.begin(), list.begin() + static_cast<ptrdiff_t>(count));
    for (size_t i = 0; i < list.size(); ++i)
        if (list[i] != nullptr) list[i]->index_ = i;
}

void Reactor::update_clock() {
    const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
    now_ns_ = static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(since_boot).count());
    now_ms_ = now_ns_ / kNsPerMs;
}

// The clock is read before every wait anyway, so that the end of a turn costs no reading of its
// own.
void Reactor::end_turn() {
    if (turn_began_ns_ == 0) return;
    // Waits are in whole milliseconds and may be one too long.
    const uint64_t late_ms = timer_late_ms_ > 1 ? timer_late_ms_ - 1 : 0;
    lags_.record(std::max(now_ns_ - turn_began_ns_, late_ms * kNsPerMs));
    if (turn_overs_.empty()) return;
    for (size_t i = 0; i < turn_overs_.size(); ++i)
        if (auto* handler = take<TurnOverHandler>(turn_overs_, i)) handler->on_turn_over(now_ns_);
    turn_overs_.clear();
}

void Reactor::wake() {
    if (is_awake_.exchange(true, std::memory_order_acq_rel)) return;
    const uint64_t one = 1;
    // It can only fail when the counter is full, and then the reactor wakes anyway.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_.get(), &one, sizeof(one));
}

void Reactor::stop() {
    is_stopped_.store(true, std::memory_order_release);
    wake();
}

int Reactor::wait_ms(int timeout_ms) const {
    if (!turn_ends_.empty() || !deferred_.empty() || next_post_ < running_posts_.size() ||
        has_posted_.load(std::memory_order_acquire)) {
        return 0;
    }
    if (heap_.empty()) return timeout_ms;
    const uint64_t deadline = heap_.front().deadline_ms;
    const uint64_t left = deadline > now_ms_ ? deadline - now_ms_ : 0;
    const int until_timer = static_cast<int>(std::min<uint64_t>(left, 60'000));
    return timeout_ms < 0 ? until_timer : std::min(timeout_ms, until_timer);
}

size_t Reactor::wait_for_events(int timeout_ms) {
    const int count = ::epoll_wait(epoll_.get(), ready_->events.data(),
                                   static_cast<int>(ready_->events.size()), timeout_ms);
    return count > 0 ? static_cast<size_t>(count) : 0;
}

void Reactor::run_turn(int timeout_ms) {
    update_clock();
    end_turn();
    ready_->next = 0;
    ready_->count = 0;
    ready_->count = wait_for_events(wait_ms(timeout_ms));
    update_clock();
    turn_began_ns_ = now_ns_;
    timer_late_ms_ = 0;
    while (ready_->next < ready_->count) {
        const epoll_event event = ready_->events[ready_->next++];
        if (event.data.ptr == nullptr) {
            uint64_t count = 0;
            [[maybe_unused]] const ssize_t got = ::read(wake_fd_.get(), &count, sizeof(count));
            // A read-modify-write, so that a post() that saw `true` is visible from here on.
            (void)is_awake_.exchange(false, std::memory_order_acq_rel);
        } else if (event.events != 0) {
            static_cast<IoHandler*>(event.data.ptr)->on_io(event.events);
        }
    }
    run_posted();
    run_timers();
    run_turn_ends();
}

void Reactor::run() {
    while (!is_stopped())
        run_turn(-1);
    while (next_post_ < running_posts_.size() || has_posted_.load(std::memory_order_acquire)) {
        run_turn(0);
    }
    run_turn(0);
}

void Reactor::run_posted() {
    if (next_post_ == running_posts_.size()) {
        running_posts_.clear();
        next_post_ = 0;
        if (!has_posted_.load(std::memory_order_acquire)) return;
        const std::lock_guard lock(post_mutex_);
        running_posts_.swap(posted_);
        has_posted_.store(false, std::memory_order_release);
    }
    const size_t end = std::min(running_posts_.size(), next_post_ + options_.posts_per_turn_max);
    while (next_post_ < end) {
        const Task task = std::move(running_posts_[next_post_++]);
        task();
    }
}

void Reactor::run_timers() {
    for (size_t i = 0; i < options_.timers_per_turn_max; ++i) {
        if (heap_.empty() || heap_.front().deadline_ms > now_ms_) return;
        if (i == 0) timer_late_ms_ = now_ms_ - heap_.front().deadline_ms;
        Timer& timer = *heap_.front().timer;
        heap_remove(timer);
        // A copy, because the callback may destroy the timer that holds it.
        const std::function<void()> on_expiry = timer.on_expiry_;
        on_expiry();
    }
}

void Reactor::run_turn_ends() {
    for (size_t round = 0; round < kTurnEndRoundsMax; ++round) {
        if (deferred_.empty() && turn_ends_.empty()) return;
        std::vector<Task> tasks;
        tasks.swap(deferred_);
        for (const Task& task : tasks)
            task();
        tasks.clear();
        if (deferred_.empty()) tasks.swap(deferred_);  // Keeps the capacity.
        run_turn_end_handlers();
        run_senders();
    }
}

void Reactor::run_turn_end_handlers() {
    // The list may grow while it is worked through: those belong to the next round, but must
    // keep their indexes, hence the fixed end and the compaction after it.
    const size_t end = turn_ends_.size();
    for (size_t i = 0; i < end; ++i)
        if (auto* handler = take<TurnEndHandler>(turn_ends_, i)) handler->on_turn_end();
    drop_front(turn_ends_, end);
}

void Reactor::run_senders() {
    SendRing* ring = senders_.size() < kBatchMin ? nullptr : send_ring();
    if (ring != nullptr) return send_in_batches(*ring);
    const size_t end = senders_.size();
    for (size_t i = 0; i < end; ++i)
        if (auto* sender = take<Sender>(senders_, i)) sender->send_now();
    drop_front(senders_, end);
}

void Reactor::send_in_batches(SendRing& ring) {
    const size_t end = senders_.size();
    for (size_t first = 0; first < end; first += pieces_.size()) {
        pieces_.clear();
        std::span<char> scratch = batch_scratch_;
        for (size_t i = first;
             i < end && !ring.is_full() && scratch.size() >= kBatchScratchBytesLeft; ++i) {
            Sender::Piece& piece = pieces_.emplace_back();
            if (senders_[i] == nullptr) continue;
            piece = static_cast<Sender*>(senders_[i])
                        ->begin_send(scratch.first(kBatchScratchBytesLeft));
            scratch = scratch.subspan(piece.scratch_used);
            if (!piece.bytes.empty()) ring.add(piece.fd, piece.bytes);
        }
        const std::span<const int32_t> sent = ring.submit();
        size_t next = 0;
        for (size_t i = 0; i < pieces_.size(); ++i) {
            const size_t offered = pieces_[i].bytes.size();
            const ptrdiff_t result = offered == 0 ? 0 : sent[next++];
            // The end of one may have destroyed the next.
            if (auto* sender = take<Sender>(senders_, first + i)) sender->end_send(result, offered);
        }
    }
    drop_front(senders_, end);
}

SendRing* Reactor::send_ring() {
    if (!std::exchange(has_tried_ring_, true) && options_.sends_in_batches)
        if (auto ring = SendRing::create()) {
            ring_ = std::move(*ring);
            batch_scratch_.resize(kBatchScratchBytes);
        }
    return ring_.get();
}

void Reactor::heap_place(size_t index, HeapEntry entry) {
    heap_[index] = entry;
    entry.timer->heap_index_ = index + 1;
}

void Reactor::heap_push(Timer& timer, uint64_t deadline_ms) {
    heap_.push_back({deadline_ms, &timer});
    timer.heap_index_ = heap_.size();
    sift_up(heap_.size() - 1);
}

void Reactor::heap_remove(Timer& timer) {
    const size_t index = timer.heap_index_ - 1;
    timer.heap_index_ = 0;
    const HeapEntry last = heap_.back();
    heap_.pop_back();
    if (index == heap_.size()) return;
    heap_place(index, last);
    sift_up(index);
    sift_down(last.timer->heap_index_ - 1);
}

void Reactor::sift_up(size_t index) {
    const HeapEntry entry = heap_[index];
    while (index != 0) {
        const size_t parent = (index - 1) / 2;
        if (heap_[parent].deadline_ms <= entry.deadline_ms) break;
        heap_place(index, heap_[parent]);
        index = parent;
    }
    heap_place(index, entry);
}

void Reactor::sift_down(size_t index) {
    const HeapEntry entry = heap_[index];
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && heap_[child + 1].deadline_ms < heap_[child].deadline_ms) {
            ++child;
        }
        if (heap_[child].deadline_ms >= entry.deadline_ms) break;
        heap_place(index, heap_[child]);
        index = child;
    }
    heap_place(index, entry);
}

}  // namespace tandem::net
