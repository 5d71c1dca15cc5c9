#include "net/send_queue.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tandem::net {

namespace {

constexpr size_t kIovecsMax = 64;
// Frames up to this size are copied next to each other: cheaper than an iovec each.
constexpr size_t kGatherBytesMax = 1024;
constexpr size_t kOwnBlockBytesMin = 256;
constexpr size_t kOwnBlockBytesMax = 16 * 1024;
// One connection must not keep the turn for itself.
constexpr size_t kFlushBytesMax = 1024 * 1024;
// Room for items that stays with a drained queue, so that steady traffic allocates nothing.
constexpr size_t kItemsKept = 8;
constexpr size_t kCompactAfter = 64;

}  // namespace

void SendQueue::push(SharedBytes bytes) {
    if (bytes.empty()) return;
    bytes_ += bytes.size();
    items_.push_back({std::move(bytes), false});
}

void SendQueue::append(std::string_view data) {
    if (data.empty()) return;
    bytes_ += data.size();
    size_t size = kOwnBlockBytesMin;
    if (items_.size() > head_ && items_.back().is_own) {
        Item& last = items_.back();
        if (last.bytes.append(data)) return;
        size = std::min(last.bytes.size() * 2, kOwnBlockBytesMax);
    }
    SharedBytes block = SharedBytes::with_capacity(std::max(size, data.size()));
    (void)block.append(data);
    items_.push_back({std::move(block), true});
}

void SendQueue::clear() {
    std::vector<Item>().swap(items_);
    head_ = 0;
    head_sent_ = 0;
    bytes_ = 0;
}

ptrdiff_t SendQueue::send_batch(int fd, std::span<char> scratch, size_t& offered) {
    std::array<iovec, kIovecsMax> vectors;
    size_t count = 0;
    size_t gathered = 0;
    bool is_gathering = false;
    offered = 0;
    for (size_t i = head_; i < items_.size() && offered < kFlushBytesMax; ++i) {
        std::string_view view = items_[i].bytes.view();
        if (i == head_) view.remove_prefix(head_sent_);
        const bool is_small = view.size() <= kGatherBytesMax &&
                              view.size() <= scratch.size() - gathered && items_.size() - head_ > 1;
        if (!(is_small && is_gathering) && count == kIovecsMax) break;
        if (is_small) {
            char* at = scratch.data() + gathered;
            std::memcpy(at, view.data(), view.size());
            gathered += view.size();
            if (is_gathering) {
                vectors[count - 1].iov_len += view.size();
            } else {
                vectors[count++] = {at, view.size()};
            }
        } else {
            vectors[count++] = {const_cast<char*>(view.data()), view.size()};
        }
        is_gathering = is_small;
        offered += view.size();
    }
    constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
    for (;;) {
        ptrdiff_t sent = 0;
        if (count == 1) {
            sent = ::send(fd, vectors[0].iov_base, vectors[0].iov_len, kFlags);
        } else {
            msghdr message{};
            message.msg_iov = vectors.data();
            message.msg_iovlen = count;
            sent = ::sendmsg(fd, &message, kFlags);
        }
        if (sent >= 0 || errno != EINTR) return sent;
    }
}

std::string_view SendQueue::front(std::span<char> scratch, size_t& used) const {
    used = 0;
    if (bytes_ == 0) return {};
    std::string_view first = items_[head_].bytes.view();
    first.remove_prefix(head_sent_);
    for (size_t i = head_; items_.size() - head_ > 1 && i < items_.size(); ++i) {
        const std::string_view view = i == head_ ? first : items_[i].bytes.view();
        if (view.size() > kGatherBytesMax || view.size() > scratch.size() - used) break;
        std::memcpy(scratch.data() + used, view.data(), view.size());
        used += view.size();
    }
    if (used > 0) return {scratch.data(), used};
    return first.substr(0, kFlushBytesMax);
}

FlushResult SendQueue::take(ptrdiff_t sent, size_t offered) {
    if (sent < 0) {
        const bool is_blocked = sent == -EAGAIN || sent == -EWOULDBLOCK || sent == -EINTR;
        return is_blocked ? FlushResult::kBlocked : FlushResult::kFailed;
    }
    drop_front(static_cast<size_t>(sent));
    if (static_cast<size_t>(sent) < offered) return FlushResult::kBlocked;
    return FlushResult::kDrained;
}

void SendQueue::drop_front(size_t count) {
    bytes_ -= count;
    while (count != 0) {
        Item& item = items_[head_];
        const size_t left = item.bytes.size() - head_sent_;
        if (count < left) {
            head_sent_ += count;
            break;
        }
        count -= left;
        head_sent_ = 0;
        item.bytes = SharedBytes{};
        item.is_own = false;
        ++head_;
    }
    if (bytes_ == 0) {
        head_ = 0;
        items_.clear();
        if (items_.capacity() > kItemsKept) std::vector<Item>().swap(items_);
    } else if (head_ >= kCompactAfter && head_ >= items_.size() / 2) {
        items_.erase(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(head_));
        head_ = 0;
    }
}

FlushResult SendQueue::flush(int fd, std::span<char> scratch) {
    size_t flushed = 0;
    while (bytes_ != 0) {
        if (flushed >= kFlushBytesMax) return FlushResult::kBlocked;
        size_t offered = 0;
        const ptrdiff_t sent = send_batch(fd, scratch, offered);
        const FlushResult result = take(sent < 0 ? -errno : sent, offered);
        if (result != FlushResult::kDrained) return result;
        flushed += offered;
    }
    return FlushResult::kDrained;
}

}  // namespace tandem::net
