#pragma once

#include <cstdint>
#include <string_view>

#include "yjs/structs.hpp"

namespace tandem::yjs {

/// What an editor sends while somebody types: one run of text beside what is known, or one run of
/// clocks deleted. Most updates of a text that is being written are of this form, so documents take
/// them in one pass (small_update.cpp).
struct SmallUpdate {
    enum class Step : uint8_t { insert, erase };

    Step step = Step::insert;
    /// Whose text it is, its first clock, and its length in UTF-16 units.
    uint64_t client = 0;
    IdRange range;
    /// Only of an insertion, of which at least one origin is there.
    bool has_origin = false;
    bool has_right_origin = false;
    Id origin;
    Id right_origin;
    std::string_view text;
};

/// Reads an update of the first encoding. False if it has another form or is malformed, which the
/// general reader (StructReader) tells apart.
bool read_small_update(std::string_view update, SmallUpdate& out);

}  // namespace tandem::yjs
