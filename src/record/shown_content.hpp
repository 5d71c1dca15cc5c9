#pragma once

#include "base/value.hpp"
#include "record/op.hpp"

namespace tandem::record {

/// What the node at a path shows. An item is shown with its id around that, unless it is a map.
/// `State` is a Document or a View.
template <class State>
base::Value content_of(const State& state, const Path& path) {
    base::Value shown = state.shown(path);
    const Kind kind = state.shown_kind(path);
    const bool is_wrapped = !path.empty() && path.back().is_item() && kind != Kind::map &&
                            kind != Kind::none && shown.is_object();
    if (!is_wrapped) return shown;
    const base::Value* value = shown.find("value");
    return value != nullptr ? *value : shown;
}

}  // namespace tandem::record
