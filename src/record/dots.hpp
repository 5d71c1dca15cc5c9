#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "record/op.hpp"

namespace tandem::record {

inline constexpr size_t kDotsMax = 8;

/// Whether an op has seen something (docs/merge.md, section 1).
struct Seen {
    uint64_t base = 0;
    uint64_t seq = 0;
    uint64_t actor = 0;
    bool own = false;

    bool operator()(uint64_t other_seq, uint64_t other_actor) const {
        return other_seq <= base || other_seq == seq || (own && other_actor == actor);
    }
};

struct Tag {
    uint64_t seq = 0;
    uint64_t actor = 0;
    uint64_t counter = 0;
    friend bool operator==(const Tag&, const Tag&) = default;
};

/// At most one tag of each actor and at most `kDotsMax` in all. One tag, the usual case, is kept
/// inline; more of them move to the heap.
class Dots {
  public:
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    const Tag* begin() const { return data(); }
    const Tag* end() const { return data() + size_; }

    /// Replaces the actor's tag; when full, the one of the lowest seq is dropped.
    void add(const Tag& tag) {
        Tag* tags = data();
        for (size_t i = 0; i < size_; ++i) {
            if (tags[i].actor == tag.actor) {
                tags[i] = tag;
                return;
            }
        }
        if (size_ == 0) {
            data()[0] = tag;
            size_ = 1;
            return;
        }
        if (!many_) {
            // One more than the maximum, for the moment before the lowest is dropped.
            many_ = std::make_unique<Tag[]>(kDotsMax + 1);
            many_[0] = one_;
        }
        many_[size_++] = tag;
        if (size_ <= kDotsMax) return;
        Tag* lowest = std::min_element(many_.get(), many_.get() + size_,
                                       [](const Tag& a, const Tag& b) { return a.seq < b.seq; });
        *lowest = many_[--size_];
    }

    /// True when something was removed.
    bool remove_seen(const Seen& seen) {
        Tag* tags = data();
        size_t kept = 0;
        for (size_t i = 0; i < size_; ++i) {
            if (!seen(tags[i].seq, tags[i].actor)) tags[kept++] = tags[i];
        }
        bool has_removed = kept != size_;
        size_ = static_cast<uint8_t>(kept);
        if (many_ && size_ <= 1) {
            one_ = many_[0];
            many_.reset();
        }
        return has_removed;
    }

    bool are_seen(const Seen& seen) const {
        return std::all_of(begin(), end(),
                           [&](const Tag& tag) { return seen(tag.seq, tag.actor); });
    }

    bool is_any_seen(const Seen& seen) const {
        return std::any_of(begin(), end(),
                           [&](const Tag& tag) { return seen(tag.seq, tag.actor); });
    }

    uint64_t seq_max() const {
        uint64_t highest = 0;
        for (const Tag& tag : *this)
            highest = std::max(highest, tag.seq);
        return highest;
    }

  private:
    Tag* data() { return many_ ? many_.get() : &one_; }
    const Tag* data() const { return many_ ? many_.get() : &one_; }

    Tag one_;
    std::unique_ptr<Tag[]> many_;
    uint8_t size_ = 0;
};

}  // namespace tandem::record
