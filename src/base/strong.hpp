#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace tandem::base {

// A number with a meaning: values of different tags neither mix nor convert.
//   struct SeqTag;
//   using Seq = base::Strong<SeqTag>;
template <class Tag, std::integral Rep = uint64_t>
class Strong {
  public:
    using Representation = Rep;

    constexpr Strong() = default;
    constexpr explicit Strong(Rep value) : value_(value) {}

    constexpr Rep value() const { return value_; }
    constexpr Strong next() const { return Strong(static_cast<Rep>(value_ + 1)); }

    friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

  private:
    Rep value_ = 0;
};

}  // namespace tandem::base

template <class Tag, class Rep>
struct std::hash<tandem::base::Strong<Tag, Rep>> {
    size_t operator()(const tandem::base::Strong<Tag, Rep>& id) const noexcept {
        return std::hash<Rep>{}(id.value());
    }
};
