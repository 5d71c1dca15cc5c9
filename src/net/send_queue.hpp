#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "net/shared_bytes.hpp"

namespace tandem::net {

enum class FlushResult : uint8_t {
    kDrained,
    kBlocked,  // The socket takes no more, or the share of one call is used up.
    kFailed,
};

// Output of one connection: shared frames by reference, small bytes gathered in blocks of its own.
// An empty queue holds next to no memory.
class SendQueue {
  public:
    void push(SharedBytes bytes);
    // Copies `data`.
    void append(std::string_view data);

    [[nodiscard]] size_t bytes() const { return bytes_; }
    [[nodiscard]] bool empty() const { return bytes_ == 0; }
    // Sends what the socket takes. `scratch` is working memory.
    [[nodiscard]] FlushResult flush(int fd, std::span<char> scratch);
    // For sending by other means than flush(): the next bytes in one piece, gathered in `scratch`
    // where several small ones follow each other; `used` is how much of it they need. Then take()
    // tells what became of them: the bytes sent, or minus errno.
    [[nodiscard]] std::string_view front(std::span<char> scratch, size_t& used) const;
    [[nodiscard]] FlushResult take(ptrdiff_t sent, size_t offered);
    void clear();

  private:
    struct Item {
        SharedBytes bytes;
        bool is_own = false;  // A block that append() may still extend.
    };

    // Sends one batch; returns the bytes sent, or -1 with errno.
    [[nodiscard]] ptrdiff_t send_batch(int fd, std::span<char> scratch, size_t& offered);
    void drop_front(size_t count);

    std::vector<Item> items_;
    size_t head_ = 0;       // Index of the first item that is not wholly sent.
    size_t head_sent_ = 0;  // Bytes of it that are sent.
    size_t bytes_ = 0;
};

}  // namespace tandem::net
