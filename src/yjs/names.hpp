#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "yjs/buffer.hpp"
#include "yjs/few.hpp"
#include "yjs/on_demand.hpp"

namespace tandem::yjs {

/// The strings that recur in a document (keys of maps, names of formats, elements and roots), each
/// kept once and known by a number from 1. They are never given back: a document has few of them.
class Names {
  public:
    uint32_t intern(std::string_view name);
    /// 0 if there is none.
    uint32_t find(std::string_view name) const;
    std::string_view at(uint32_t number) const {
        const Range& range = ranges_[number - 1];
        return bytes_.view(range.offset, range.size);
    }
    uint32_t size() const { return static_cast<uint32_t>(ranges_.size()); }
    /// Forgets all above `size`, for an update that turned out to be malformed.
    void truncate(uint32_t size);
    size_t memory_bytes() const;
    /// Gives back what growing has taken ahead.
    void shrink();

  private:
    struct Range {
        uint32_t offset;
        uint32_t size;
    };

    Buffer bytes_;
    Few<Range> ranges_;
    /// By name, once there are more than a few. A tree, because peers choose the names and could
    /// choose those that collide in a hash.
    OnDemand<std::map<std::string, uint32_t, std::less<>>> by_name_;
};

}  // namespace tandem::yjs
