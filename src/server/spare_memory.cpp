#include "server/spare_memory.hpp"

#include <malloc.h>

#include <chrono>

namespace tandem::server {

namespace {

// More comes back at a time when more has gone.
constexpr std::chrono::milliseconds kDelay{500};

}  // namespace

SpareMemory::SpareMemory() : thread_([this] { run(); }) {}

SpareMemory::~SpareMemory() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    is_asked_.notify_all();
    thread_.join();
}

void SpareMemory::give_back(Urgency urgency) {
    {
        const std::lock_guard lock(mutex_);
        const bool is_urgent = urgency == Urgency::now;
        if (is_due_ && is_urgent_ >= is_urgent) return;
        is_due_ = true;
        is_urgent_ = is_urgent_ || is_urgent;
    }
    is_asked_.notify_all();
}

void SpareMemory::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        is_asked_.wait(lock, [this] { return is_due_ || is_ending_; });
        is_asked_.wait_for(lock, kDelay, [this] { return is_urgent_ || is_ending_; });
        if (is_ending_) return;
        is_due_ = false;
        is_urgent_ = false;
        lock.unlock();
        malloc_trim(0);
        lock.lock();
    }
}

}  // namespace tandem::server
