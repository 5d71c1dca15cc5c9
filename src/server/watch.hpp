#pragma once

#include <functional>

#include "net/reactor.hpp"
#include "net/unique_fd.hpp"

namespace tandem::server {

/// Owns a descriptor that gives numbers or signals, and calls a function when it is readable.
class Watch final : public net::IoHandler {
  public:
    Watch(net::Reactor& reactor, int fd, std::function<void()> on_ready);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// False when the descriptor cannot be watched.
    [[nodiscard]] bool start();

  private:
    void on_io(uint32_t events) override;

    net::Reactor& reactor_;
    net::UniqueFd fd_;
    std::function<void()> on_ready_;
    bool is_added_ = false;
};

}  // namespace tandem::server
