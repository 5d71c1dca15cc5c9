#include "hub/hot_texts.hpp"

#include <iterator>

#include "hub/text.hpp"

namespace tandem::hub {

using Keep = yjs::RestingDocument::Keep;

void HotTexts::begin(Text& text) {
    text.document().keep(Keep::document);
    const auto [place, is_new] = places_.try_emplace(&text);
    if (is_new) {
        order_.push_front({&text, 0});
        place->second = order_.begin();
        text.hot = this;
    } else {
        order_.splice(order_.begin(), order_, place->second);
    }
}

void HotTexts::end(Text& text) {
    Kept& kept = order_.front();
    bytes_ -= kept.bytes;
    kept.bytes = text.document().kept_bytes();
    bytes_ += kept.bytes;
    while (bytes_ > bytes_max_)
        drop(std::prev(order_.end()));
}

void HotTexts::give_up() {
    while (!order_.empty())
        drop(std::prev(order_.end()));
}

void HotTexts::forget(Text& text) {
    const auto found = places_.find(&text);
    if (found != places_.end()) drop(found->second);
}

void HotTexts::drop(Order::iterator kept) {
    kept->text->document().keep(Keep::bytes);
    kept->text->hot = nullptr;
    bytes_ -= kept->bytes;
    places_.erase(kept->text);
    order_.erase(kept);
}

}  // namespace tandem::hub
