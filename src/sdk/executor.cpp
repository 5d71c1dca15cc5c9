#include "sdk/executor.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace tandem::sdk {

thread_local const Executor* Executor::running = nullptr;

std::optional<std::thread> start_thread(std::function<void()> work) {
    try {
        return std::thread(std::move(work));
    } catch (const std::system_error&) {
        return std::nullopt;
    }
}

base::Status Executor::start(std::function<void()> turn) {
    has_own_thread_ = true;
    auto started = start_thread([this, turn = std::move(turn)] {
        running = this;
        while (!is_stopping_.load(std::memory_order_acquire))
            turn();
    });
    if (!started) {
        has_own_thread_ = false;
        return base::fail(base::ErrorCode::io_failed, EAGAIN);
    }
    thread_ = std::move(*started);
    return {};
}

void Executor::stop() {
    if (!thread_.joinable()) return;
    TANDEM_ASSERT(!is_own_thread() && "a client is not destroyed by its own callbacks");
    is_stopping_.store(true, std::memory_order_release);
    reactor_.post([] {});
    thread_.join();
    has_own_thread_ = false;
}

}  // namespace tandem::sdk
