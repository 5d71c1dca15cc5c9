#include "net/send_ring.hpp"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/io_error.hpp"

namespace tandem::net {

namespace {

UniqueFd set_up(io_uring_params& params) {
    // Completions need no interrupt of the thread, which asks for them itself; older systems do
    // not know the better of the two ways to say so.
    for (const uint32_t flags :
         {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_COOP_TASKRUN}) {
        params = io_uring_params{};
        params.flags = flags;
        UniqueFd fd(static_cast<int>(::syscall(__NR_io_uring_setup, SendRing::kSendsMax, &params)));
        if (fd.is_open() || errno != EINVAL) return fd;
    }
    return {};
}

// The kernel reads and writes these beside us.
uint32_t load_acquire(const uint32_t* at) {
    return std::atomic_ref<const uint32_t>(*at).load(std::memory_order_acquire);
}
void store_release(uint32_t* at, uint32_t value) {
    std::atomic_ref<uint32_t>(*at).store(value, std::memory_order_release);
}

}  // namespace

// Into the memory shared with the kernel.
struct SendRing::Pointers {
    io_uring_params params{};
    io_uring_sqe* entries = nullptr;
    const uint32_t* entries_head = nullptr;
    uint32_t* entries_tail = nullptr;
    uint32_t entries_mask = 0;
    const io_uring_cqe* completions = nullptr;
    uint32_t* completions_head = nullptr;
    const uint32_t* completions_tail = nullptr;
    uint32_t completions_mask = 0;
};

base::Result<std::unique_ptr<SendRing>> SendRing::create() {
    std::unique_ptr<SendRing> ring(new SendRing);
    ring->at_ = std::make_unique<Pointers>();
    ring->fd_ = set_up(ring->at_->params);
    if (!ring->fd_.is_open()) return io_error();
    TANDEM_CHECK(ring->map());
    ring->results_.reserve(kSendsMax);
    return ring;
}

SendRing::~SendRing() {
    for (const Mapping& mapping : {rings_, entries_})
        if (mapping.at != nullptr) ::munmap(mapping.at, mapping.size);
}

base::Status SendRing::map() {
    Pointers& at = *at_;
    const io_uring_params& params = at.params;
    // Both rings in one mapping, and no completion is ever dropped.
    constexpr uint32_t kNeeded = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP;
    if ((params.features & kNeeded) != kNeeded)
        return base::fail(base::ErrorCode::io_failed, static_cast<uint64_t>(ENOSYS));
    const auto map_at = [&](Mapping& to, size_t size, uint64_t offset) {
        void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                              fd_.get(), static_cast<off_t>(offset));
        if (memory == MAP_FAILED) return false;
        to = {memory, size};
        return true;
    };
    const size_t entries_end = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
    const size_t completions_end = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
    if (!map_at(rings_, std::max(entries_end, completions_end), IORING_OFF_SQ_RING) ||
        !map_at(entries_, params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES))
        return io_error();

    char* rings = static_cast<char*>(rings_.at);
    const auto word = [rings](uint32_t offset) {
        return reinterpret_cast<uint32_t*>(rings + offset);
    };
    at.entries = static_cast<io_uring_sqe*>(entries_.at);
    at.entries_head = word(params.sq_off.head);
    at.entries_tail = word(params.sq_off.tail);
    at.entries_mask = *word(params.sq_off.ring_mask);
    at.completions = reinterpret_cast<const io_uring_cqe*>(rings + params.cq_off.cqes);
    at.completions_head = word(params.cq_off.head);
    at.completions_tail = word(params.cq_off.tail);
    at.completions_mask = *word(params.cq_off.ring_mask);
    // Slots are used in their order, always.
    for (uint32_t i = 0; i < params.sq_entries; ++i)
        word(params.sq_off.array)[i] = i;
    return {};
}

void SendRing::add(int fd, std::string_view bytes) {
    if (added_ == 0) results_.clear();
    if (added_ == kSendsMax) return;
    const uint32_t tail = *at_->entries_tail;
    io_uring_sqe& entry = at_->entries[tail & at_->entries_mask];
    std::memset(&entry, 0, sizeof entry);
    entry.opcode = IORING_OP_SEND;
    entry.fd = fd;
    entry.addr = reinterpret_cast<uint64_t>(bytes.data());
    // The length of a send is 32 bits wide.
    entry.len = static_cast<uint32_t>(std::min<size_t>(bytes.size(), INT32_MAX));
    entry.msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    entry.user_data = added_;
    store_release(at_->entries_tail, tail + 1);
    results_.push_back(-EAGAIN);
    ++added_;
}

void SendRing::take_completions(size_t& completed) {
    uint32_t head = *at_->completions_head;
    const uint32_t end = load_acquire(at_->completions_tail);
    for (; head != end; ++head, ++completed) {
        const io_uring_cqe& completion = at_->completions[head & at_->completions_mask];
        if (completion.user_data < results_.size()) results_[completion.user_data] = completion.res;
    }
    store_release(at_->completions_head, head);
}

std::span<const int32_t> SendRing::submit() {
    size_t wanted = std::exchange(added_, 0);
    size_t submitted = 0;
    size_t completed = 0;
    while (completed < wanted) {
        const long taken =
            ::syscall(__NR_io_uring_enter, fd_.get(), wanted - submitted, wanted - completed,
                      IORING_ENTER_GETEVENTS, nullptr, size_t{0});
        const int failure = taken < 0 ? errno : 0;
        if (taken > 0) submitted += static_cast<size_t>(taken);
        take_completions(completed);
        if (failure == 0 || failure == EINTR) continue;
        // The kernel has no memory for more. What it has not taken is withdrawn and stays at
        // -EAGAIN: its sockets are tried again as soon as they are writable, which is at once.
        store_release(at_->entries_tail, load_acquire(at_->entries_head));
        wanted = submitted;
    }
    return results_;
}

}  // namespace tandem::net
