#include "yjs/resting_document.hpp"

#include <utility>

#include "yjs/document.hpp"
#include "yjs/updates.hpp"

namespace tandem::yjs {

namespace {

// An update that says nothing: no structs, no deletes.
constexpr std::string_view kEmptyUpdate{"\0\0", 2};
constexpr size_t kUpdatesMax = 1'000;
constexpr size_t kUpdateBytesMin = 64 * 1024;

}  // namespace

base::Result<RestingDocument> RestingDocument::load(std::string state) {
    RestingDocument out;
    TANDEM_TRY(const UpdateReach reach, reach_of_update(state));
    out.known_.add(reach);
    out.state_ = std::move(state);
    return out;
}

void RestingDocument::append(std::string update, const UpdateReach& reach) {
    known_.add(reach);
    updates_bytes_ += update.size();
    updates_.push_back(std::move(update));
    // So that what is held stays near the size of the state, at a cost that grows with it alone.
    if (updates_.size() >= kUpdatesMax || updates_bytes_ > kUpdateBytesMin + state_.size())
        compact();
}

std::string_view RestingDocument::state() {
    compact();
    return state_.empty() ? kEmptyUpdate : std::string_view(state_);
}

std::string RestingDocument::diff(const StateVector& vector) {
    const std::string_view all = state();
    if (vector.empty()) return std::string(all);
    auto part = diff_update(all, vector);
    return part ? *std::move(part) : std::string(all);
}

void RestingDocument::compact() {
    if (updates_.empty()) return;
    Document document;
    bool fits = state_.empty() || document.apply(state_).ok();
    for (const std::string& update : updates_)
        fits = fits && document.apply(update).ok();
    if (fits) {
        state_ = document.encode();
    } else {
        // What a document refuses is kept as it came rather than lost.
        std::vector<std::string_view> all(updates_.begin(), updates_.end());
        if (!state_.empty()) all.insert(all.begin(), state_);
        auto merged = merge_updates(all);
        if (!merged) return;
        state_ = *std::move(merged);
    }
    updates_ = {};
    updates_bytes_ = 0;
}

}  // namespace tandem::yjs
