#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace tandem::sim {

/// Virtual time and what happens in it, ordered by (time, order of scheduling).
class Scheduler {
  public:
    using Action = std::function<void()>;

    /// Starts above 0, because a time of 0 stands for "none" in places.
    uint64_t now_ms() const { return now_ms_; }
    uint64_t events() const { return events_; }

    void at(uint64_t time_ms, Action action) {
        heap_.push_back({std::max(time_ms, now_ms_), ++scheduled_, std::move(action)});
        std::push_heap(heap_.begin(), heap_.end(), is_later);
    }
    void after(uint64_t delay_ms, Action action) { at(now_ms_ + delay_ms, std::move(action)); }

    /// Runs the next event; false when there is none.
    bool run_next() {
        if (heap_.empty()) return false;
        std::pop_heap(heap_.begin(), heap_.end(), is_later);
        Event event = std::move(heap_.back());
        heap_.pop_back();
        now_ms_ = event.time_ms;
        ++events_;
        event.action();
        return true;
    }
    uint64_t next_ms() const { return heap_.empty() ? UINT64_MAX : heap_.front().time_ms; }
    /// An empty stretch of time.
    void skip_to(uint64_t time_ms) { now_ms_ = std::max(now_ms_, time_ms); }

  private:
    struct Event {
        uint64_t time_ms = 0;
        uint64_t order = 0;
        Action action;
    };
    static bool is_later(const Event& a, const Event& b) {
        return std::pair(a.time_ms, a.order) > std::pair(b.time_ms, b.order);
    }

    std::vector<Event> heap_;
    uint64_t now_ms_ = 1'000;
    uint64_t scheduled_ = 0;
    uint64_t events_ = 0;
};

}  // namespace tandem::sim
