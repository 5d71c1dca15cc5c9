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

void SpareMemory::give_back() {
    {
        const std::lock_guard lock(mutex_);
        if (is_due_) return;
        is_due_ = true;
    }
    is_asked_.notify_all();
}

void SpareMemory::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        is_asked_.wait(lock, [this] { return is_due_ || is_ending_; });
        if (is_asked_.wait_for(lock, kDelay, [this] { return is_ending_; })) return;
        is_due_ = false;
        lock.unlock();
        malloc_trim(0);
        lock.lock();
    }
}

}  // namespace tandem::server
