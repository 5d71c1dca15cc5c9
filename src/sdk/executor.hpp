#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>

#include "base/assert.hpp"
#include "base/result.hpp"
#include "net/reactor.hpp"

namespace tandem::sdk {

/// Where the work of a client is done: by the thread that calls, and then by one at a time, or on a
/// thread of the client's own, to which other threads hand their work and wait for it.
class Executor {
  public:
    explicit Executor(net::Reactor& reactor) : reactor_(reactor) {}
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;

    /// From now on `turn` runs on a thread of its own, over and over, until `stop`. Errors:
    /// io_failed (no thread to be had).
    [[nodiscard]] base::Status start(std::function<void()> turn);
    /// From any thread but the own one.
    void stop();
    bool has_own_thread() const { return has_own_thread_; }
    /// True on the own thread.
    bool is_own_thread() const { return running == this; }

    /// Returns what `work` does. A client without a thread of its own that two threads use at once
    /// is a programmer's error, which ends the process.
    template <class Work>
    auto call(const Work& work) -> std::invoke_result_t<const Work&> {
        if (!has_own_thread_) {
            const OneAtATime alone(*this);
            return work();
        }
        if (is_own_thread()) return work();
        using Out = std::invoke_result_t<const Work&>;
        Handover handover;
        if constexpr (std::is_void_v<Out>) {
            reactor_.post([&] {
                work();
                handover.finish();
            });
            handover.wait();
        } else {
            std::optional<Out> out;
            reactor_.post([&] {
                out.emplace(work());
                handover.finish();
            });
            handover.wait();
            return std::move(*out);
        }
    }

  private:
    class Handover {
      public:
        void finish() {
            // Under the lock, so that the waiting thread does not end this object meanwhile.
            const std::lock_guard lock(mutex_);
            is_done_ = true;
            done_.notify_one();
        }
        void wait() {
            std::unique_lock lock(mutex_);
            done_.wait(lock, [this] { return is_done_; });
        }

      private:
        std::mutex mutex_;
        std::condition_variable done_;
        bool is_done_ = false;
    };

    class OneAtATime {
      public:
        explicit OneAtATime(Executor& executor) : executor_(executor) {
            const std::thread::id self = std::this_thread::get_id();
            if (executor.user_.load(std::memory_order_relaxed) == self) return;
            std::thread::id nobody;
            const bool is_free =
                executor.user_.compare_exchange_strong(nobody, self, std::memory_order_acquire);
            TANDEM_ASSERT(is_free && "a client without own_thread is used by one thread at a time");
            is_outermost_ = true;
        }
        ~OneAtATime() {
            if (is_outermost_) executor_.user_.store({}, std::memory_order_release);
        }
        OneAtATime(const OneAtATime&) = delete;
        OneAtATime& operator=(const OneAtATime&) = delete;

      private:
        Executor& executor_;
        bool is_outermost_ = false;
    };

    static thread_local const Executor* running;

    net::Reactor& reactor_;
    bool has_own_thread_ = false;
    std::atomic<bool> is_stopping_{false};
    std::atomic<std::thread::id> user_{};
    std::thread thread_;
};

/// A thread, or nothing when there is none to be had.
[[nodiscard]] std::optional<std::thread> start_thread(std::function<void()> work);

}  // namespace tandem::sdk
