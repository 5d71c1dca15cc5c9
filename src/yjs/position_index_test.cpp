#include "yjs/position_index.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace tandem::yjs {
namespace {

struct Row {
    Handle item;
    uint32_t visible;
    bool is_format;
};

// A thousand random steps of a tree beside a plain list.
RC_GTEST_PROP(PositionIndex, AnswersLikeAList, ()) {
    PositionIndexes indexes;
    const uint32_t number = indexes.add();
    PositionIndex& index = indexes.at(number);
    std::vector<Row> list;
    Handle next = 1;
    const int steps = *rc::gen::inRange(1, 1000);
    for (int step = 0; step < steps; ++step) {
        const int what = *rc::gen::inRange(0, 10);
        const bool is_format = *rc::gen::inRange(0, 4) == 0;
        const uint32_t visible = is_format ? 0 : *rc::gen::inRange<uint32_t>(0, 5);
        if (what < 7 || list.empty()) {
            const size_t at = *rc::gen::inRange<size_t>(0, list.size() + 1);
            index.insert_after(at == 0 ? 0 : list[at - 1].item, next, visible, is_format);
            list.insert(list.begin() + static_cast<ptrdiff_t>(at), {next++, visible, is_format});
        } else {
            const size_t at = *rc::gen::inRange<size_t>(0, list.size());
            if (what < 9) {
                list[at].visible = visible;
                list[at].is_format = is_format;
                index.set_visible(list[at].item, visible, is_format);
            } else {
                index.remove(list[at].item);
                list.erase(list.begin() + static_cast<ptrdiff_t>(at));
            }
        }
    }
    uint32_t position = 0;
    std::vector<Handle> formats;
    for (const Row& row : list) {
        RC_ASSERT(index.position_of(row.item) == position);
        std::vector<Handle> before;
        index.formats_before(row.item, before);
        RC_ASSERT(before == formats);
        if (row.is_format) formats.push_back(row.item);
        for (uint32_t offset = 0; offset < row.visible; ++offset) {
            PositionIndex::Place place = index.find(position++);
            RC_ASSERT(place.item == row.item && place.offset == offset);
        }
    }
    RC_ASSERT(index.visible() == position);
    RC_ASSERT(index.find(position).item == 0u);
    std::vector<Handle> all;
    index.formats_before(0, all);
    RC_ASSERT(all == formats);
}

}  // namespace
}  // namespace tandem::yjs
