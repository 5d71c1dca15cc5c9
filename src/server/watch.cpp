#include "server/watch.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

namespace tandem::server {

Watch::Watch(net::Reactor& reactor, int fd, std::function<void()> on_ready)
    : reactor_(reactor), fd_(fd), on_ready_(std::move(on_ready)) {}

Watch::~Watch() {
    if (is_added_) reactor_.remove(fd_.get(), *this);
}

bool Watch::start() {
    is_added_ = fd_.get() >= 0 && reactor_.add(fd_.get(), EPOLLIN, *this).ok();
    return is_added_;
}

void Watch::on_io(uint32_t) {
    // Both kinds of descriptor that are watched give at least eight bytes at a time.
    char buffer[sizeof(signalfd_siginfo)];
    while (read(fd_.get(), buffer, sizeof buffer) > 0)
        continue;
    on_ready_();
}

}  // namespace tandem::server
