#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/unique_fd.hpp"

namespace tandem::net {

// Many sends of one thread in one system call, by io_uring. A frame for a thousand sockets is
// otherwise a thousand changes into the kernel and back, each of which looks the descriptor up
// again. Nothing is under way when submit() has returned: each send is tried once, without
// waiting, as send() would with MSG_DONTWAIT. Belongs to the thread that creates it.
class SendRing {
  public:
    static constexpr size_t kSendsMax = 256;

    // Errors: io_failed with errno, where the system has no io_uring (before Linux 5.19), or
    // forbids it, as containers do by default.
    [[nodiscard]] static base::Result<std::unique_ptr<SendRing>> create();
    ~SendRing();
    SendRing(const SendRing&) = delete;
    SendRing& operator=(const SendRing&) = delete;

    // At most kSendsMax between two calls of submit(). `bytes` must stay until then.
    void add(int fd, std::string_view bytes);
    [[nodiscard]] bool is_full() const { return added_ == kSendsMax; }
    // For each send in the order of add(): the bytes that the socket took, or minus errno
    // (-EAGAIN: it takes none now). Valid until the next call of add().
    [[nodiscard]] std::span<const int32_t> submit();

  private:
    struct Mapping {
        void* at = nullptr;
        size_t size = 0;
    };
    struct Pointers;

    SendRing() = default;
    [[nodiscard]] base::Status map();
    void take_completions(size_t& completed);

    UniqueFd fd_;
    Mapping rings_;
    Mapping entries_;
    std::unique_ptr<Pointers> at_;
    std::vector<int32_t> results_;
    size_t added_ = 0;
};

}  // namespace tandem::net
