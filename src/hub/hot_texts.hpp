#pragma once

#include <cstddef>
#include <list>
#include <map>

namespace tandem::hub {

class Text;

/// The texts whose documents are kept built for those who follow them, so that a busy text is not
/// built anew for everyone who comes. Those that were wanted least recently give theirs back when
/// all together take more than their budget.
class HotTexts {
  public:
    static constexpr size_t kBytesMax = size_t{64} << 20;

    explicit HotTexts(size_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}
    HotTexts(const HotTexts&) = delete;
    HotTexts& operator=(const HotTexts&) = delete;

    /// Calls `use` for all of a text, whose document is kept after it.
    template <class Use>
    void with(Text& text, Use&& use) {
        begin(text);
        use();
        end(text);
    }
    /// Gives all of them back.
    void give_up();
    /// Nobody follows it any more.
    void forget(Text& text);
    size_t bytes() const { return bytes_; }

  private:
    struct Kept {
        Text* text;
        size_t bytes;
    };
    using Order = std::list<Kept>;

    void begin(Text& text);
    void end(Text& text);
    void drop(Order::iterator kept);

    size_t bytes_max_;
    size_t bytes_ = 0;
    /// The one wanted last is first.
    Order order_;
    std::map<const Text*, Order::iterator> places_;
};

}  // namespace tandem::hub
