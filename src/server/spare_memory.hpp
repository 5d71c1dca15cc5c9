#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace tandem::server {

/// Gives what the allocator holds and nobody uses back to the system. Pages between others stay
/// with the allocator otherwise, so that a server keeps the size of its busiest moment. It has a
/// thread of its own, since it takes a while; allocations wait for parts of it only.
class SpareMemory {
  public:
    SpareMemory();
    ~SpareMemory();
    SpareMemory(const SpareMemory&) = delete;
    SpareMemory& operator=(const SpareMemory&) = delete;

    enum class Urgency : uint8_t {
        soon = 0,  ///< when more has gone that goes at the same time
        now = 1,
    };
    /// Once for all who ask meanwhile. From any thread.
    void give_back(Urgency urgency = Urgency::soon);

  private:
    void run();

    std::mutex mutex_;
    std::condition_variable is_asked_;
    bool is_due_ = false;
    bool is_urgent_ = false;
    bool is_ending_ = false;
    std::thread thread_;
};

}  // namespace tandem::server
