#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tandem::net {

// Immutable bytes shared by reference count, in one allocation: a frame that is encoded once and
// queued on any number of connections, also of other threads.
class SharedBytes {
  public:
    SharedBytes() = default;
    [[nodiscard]] static SharedBytes copy_of(std::string_view data);
    // The concatenation, for a header and its payload.
    [[nodiscard]] static SharedBytes joined(std::string_view first, std::string_view second);

    SharedBytes(const SharedBytes& other) : block_(other.block_) { retain(); }
    SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    SharedBytes& operator=(SharedBytes other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~SharedBytes() { release(); }

    [[nodiscard]] std::string_view view() const {
        return block_ == nullptr ? std::string_view{} : std::string_view{data(), block_->size};
    }
    [[nodiscard]] size_t size() const { return block_ == nullptr ? 0 : block_->size; }
    [[nodiscard]] bool empty() const { return size() == 0; }

  private:
    friend class SendQueue;

    struct Block {
        std::atomic<uint32_t> references{1};
        size_t size = 0;
        size_t capacity = 0;
    };

    explicit SharedBytes(Block* block) : block_(block) {}
    // A block with room, filled by its only owner before it is shared.
    [[nodiscard]] static SharedBytes with_capacity(size_t capacity);
    // False when there is no room. Only for the sole owner of a block made by with_capacity().
    [[nodiscard]] bool append(std::string_view tail);

    [[nodiscard]] char* data() const { return reinterpret_cast<char*>(block_ + 1); }
    void retain() const {
        if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
    }
    void release();

    Block* block_ = nullptr;
};

}  // namespace tandem::net
