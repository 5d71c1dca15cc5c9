#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "base/histogram.hpp"
#include "base/result.hpp"
#include "net/send_ring.hpp"
#include "net/unique_fd.hpp"

namespace tandem::net {

class Reactor;

// Receives the readiness of a file descriptor. Registrations are level-triggered: a handler may
// do a bounded amount of work and will be called again in the next turn.
class IoHandler {
  public:
    // `events` are EPOLL* bits. The handler may remove and destroy any handler, itself included.
    virtual void on_io(uint32_t events) = 0;

  protected:
    ~IoHandler() = default;
};

// Something that stands in a list of the reactor at most once, and leaves it when it is destroyed.
class Scheduled {
  public:
    Scheduled() = default;
    Scheduled(const Scheduled&) = delete;
    Scheduled& operator=(const Scheduled&) = delete;

  protected:
    ~Scheduled() {
        if (list_ != nullptr) (*list_)[index_] = nullptr;
    }

  private:
    friend class Reactor;
    std::vector<Scheduled*>* list_ = nullptr;
    size_t index_ = 0;
};

// Called once at the end of the turn in which it was scheduled, after all events of the turn, so
// that everything written to a connection in one turn leaves in one system call.
class TurnEndHandler : public Scheduled {
  public:
    // May destroy this object, as its last action.
    virtual void on_turn_end() = 0;

  protected:
    ~TurnEndHandler() = default;
};

// Called once when a turn is over, after all that it had to send has been given to the system.
class TurnOverHandler : public Scheduled {
  public:
    virtual void on_turn_over(uint64_t now_ns) = 0;

  protected:
    ~TurnOverHandler() = default;
};

// A socket with output, scheduled at a turn's end, so that the output of many sockets leaves in
// one system call as well.
class Sender : public Scheduled {
  public:
    struct Piece {
        int fd = -1;
        std::string_view bytes;  // Of the sender, or in `scratch`; empty: there is nothing.
        size_t scratch_used = 0;
    };
    // The next bytes, which must stay as they are until on_sent().
    [[nodiscard]] virtual Piece begin_send(std::span<char> scratch) = 0;
    // `sent` of `offered` bytes have left, or minus errno. May destroy this object, as its last
    // action.
    virtual void end_send(ptrdiff_t sent, size_t offered) = 0;
    // Sends by itself, instead of the two above. May destroy this object, as its last action.
    virtual void send_now() = 0;

  protected:
    ~Sender() = default;
};

// A one-shot timer that its owner embeds. Destruction stops it.
class Timer {
  public:
    Timer(Reactor& reactor, std::function<void()> on_expiry)
        : reactor_(reactor), on_expiry_(std::move(on_expiry)) {}
    ~Timer() { stop(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    // Replaces an earlier start. The callback may start it again, and may destroy the timer.
    void start(uint64_t delay_ms);
    void stop();
    [[nodiscard]] bool is_running() const { return heap_index_ != 0; }

  private:
    friend class Reactor;
    Reactor& reactor_;
    std::function<void()> on_expiry_;
    size_t heap_index_ = 0;  // Plus one; 0 when stopped.
};

struct ReactorOptions {
    size_t events_per_turn_max = 256;
    size_t posts_per_turn_max = 1024;
    size_t timers_per_turn_max = 1024;
    // By io_uring, where the system has it, from kBatchMin sockets on.
    bool sends_in_batches = true;
};

// An epoll event loop for one thread. All members but post(), stop() and is_stopped() belong to
// the thread that runs it (or, before run(), to the one that set it up).
class Reactor {
  public:
    using Task = std::function<void()>;

    // Errors: io_failed with errno.
    [[nodiscard]] static base::Result<std::unique_ptr<Reactor>> create(ReactorOptions options = {});
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    // The descriptor and the handler stay the caller's, and must be removed before they go.
    [[nodiscard]] base::Status add(int fd, uint32_t events, IoHandler& handler);
    [[nodiscard]] base::Status modify(int fd, uint32_t events, IoHandler& handler);
    void remove(int fd, IoHandler& handler);

    // Runs `task` in a later turn. From any thread; tasks of one thread keep their order.
    void post(Task task);
    // Runs `task` at the end of this turn, on the reactor's thread.
    void defer(Task task);
    // Once per turn however often it is called.
    void schedule_turn_end(TurnEndHandler& handler) { schedule(turn_ends_, handler); }
    // For after the turn's end handlers. Only from on_turn_end().
    void schedule_send(Sender& sender) { schedule(senders_, sender); }

    // It must not schedule anything.
    void schedule_turn_over(TurnOverHandler& handler) { schedule(turn_overs_, handler); }

    // Monotonic time, read once per turn, when it has its events.
    [[nodiscard]] uint64_t now_ms() const { return now_ms_; }
    [[nodiscard]] uint64_t now_ns() const { return now_ns_; }

    // How long each turn kept the next event waiting: its length, or by how much its first timer
    // was late, if that is more. From any thread.
    [[nodiscard]] const base::Histogram& lags() const { return lags_; }

    // Returns after stop(). What was posted before stop() has run then.
    void run();
    // Handles what is ready, waiting up to `timeout_ms` (-1: without end) for the first event.
    void run_turn(int timeout_ms);
    // Readable when a turn has something to do, timers apart; for loops of other libraries.
    [[nodiscard]] int fd() const { return epoll_.get(); }
    // From any thread, and from signal handlers.
    void stop();
    [[nodiscard]] bool is_stopped() const { return is_stopped_.load(std::memory_order_acquire); }

    // Memory for reading from and writing to sockets, shared by all connections of the reactor so
    // that an idle one holds none. Contents do not survive the call that uses them.
    [[nodiscard]] std::span<char> read_scratch() { return read_scratch_; }
    [[nodiscard]] std::span<char> write_scratch() { return write_scratch_; }

  private:
    friend class Timer;
    struct HeapEntry {
        uint64_t deadline_ms;
        Timer* timer;
    };
    struct ReadyList;

    explicit Reactor(ReactorOptions options);
    void update_clock();
    void end_turn();
    [[nodiscard]] int wait_ms(int timeout_ms) const;
    [[nodiscard]] size_t wait_for_events(int timeout_ms);
    void run_posted();
    void run_timers();
    void run_turn_ends();
    void run_turn_end_handlers();
    void run_senders();
    void send_in_batches(SendRing& ring);
    [[nodiscard]] SendRing* send_ring();
    static void schedule(std::vector<Scheduled*>& list, Scheduled& scheduled);
    // Takes an entry out of its list; null when it was destroyed.
    template <class Handler>
    [[nodiscard]] static Handler* take(std::vector<Scheduled*>& list, size_t index);
    static void drop_front(std::vector<Scheduled*>& list, size_t count);
    void wake();

    void heap_push(Timer& timer, uint64_t deadline_ms);
    void heap_remove(Timer& timer);
    void heap_place(size_t index, HeapEntry entry);
    void sift_up(size_t index);
    void sift_down(size_t index);

    ReactorOptions options_;
    UniqueFd epoll_;
    UniqueFd wake_fd_;
    uint64_t now_ms_ = 0;
    uint64_t now_ns_ = 0;
    uint64_t turn_began_ns_ = 0;  // 0: none has ended yet.
    uint64_t timer_late_ms_ = 0;  // Of this turn's first one.
    base::Histogram lags_;
    std::vector<HeapEntry> heap_;
    std::unique_ptr<ReadyList> ready_;
    std::vector<Scheduled*> turn_ends_;
    std::vector<Scheduled*> senders_;
    std::vector<Scheduled*> turn_overs_;
    std::vector<Sender::Piece> pieces_;
    // Made by the thread that runs, at the first batch; it stays null where it cannot be made.
    std::unique_ptr<SendRing> ring_;
    std::vector<char> batch_scratch_;
    bool has_tried_ring_ = false;
    std::vector<Task> deferred_;
    std::vector<char> read_scratch_;
    std::vector<char> write_scratch_;
    std::vector<Task> running_posts_;
    size_t next_post_ = 0;

    std::mutex post_mutex_;
    std::vector<Task> posted_;
    std::atomic<bool> has_posted_{false};
    std::atomic<bool> is_awake_{false};
    std::atomic<bool> is_stopped_{false};
};

}  // namespace tandem::net
