#include "yjs/resting_document.hpp"

#include <utility>

#include "yjs/columnar.hpp"
#include "yjs/document.hpp"
#include "yjs/updates.hpp"

namespace tandem::yjs {

namespace {

// An update that says nothing: no structs, no deletes.
constexpr std::string_view kEmptyUpdate{"\0\0", 2};
constexpr size_t kUpdatesMax = 1'000;
constexpr size_t kUpdateBytesMin = 64 * 1024;

base::Result<UpdateReach> reach_of_document(const Document& document, std::string_view state) {
    // What waits is known, too.
    if (document.has_pending()) return reach_of_update(state);
    UpdateReach reach;
    for (const auto& [client, clock] : document.state_vector())
        reach.runs.push_back({client, 0, clock});
    reach.deletes = document.delete_set();
    return reach;
}

}  // namespace

/// A document, how many of the updates it has, and its state as it was given last.
struct RestingDocument::Built {
    Document document;
    size_t applied = 0;
    std::string state;
};

RestingDocument::RestingDocument() = default;
RestingDocument::~RestingDocument() = default;
RestingDocument::RestingDocument(RestingDocument&&) noexcept = default;
RestingDocument& RestingDocument::operator=(RestingDocument&&) noexcept = default;

base::Result<RestingDocument> RestingDocument::load(std::string saved) {
    RestingDocument out;
    if (columnar::is_columnar(saved)) {
        Document document;
        TANDEM_CHECK(document.load_columnar(saved));
        const std::string state = document.encode();
        TANDEM_TRY(const UpdateReach reach, reach_of_document(document, state));
        out.known_.add(reach);
        out.state_bytes_ = state.size();
    } else {
        TANDEM_TRY(const UpdateReach reach, reach_of_update(saved));
        out.known_.add(reach);
        out.state_bytes_ = saved.size();
    }
    out.base_ = std::move(saved);
    return out;
}

std::string_view RestingDocument::save() {
    const bool is_saved = updates_.empty() && (base_.empty() || columnar::is_columnar(base_));
    if (!is_saved) {
        make_base(build());
        give_back();
    }
    return base_;
}

void RestingDocument::append(std::string update, const UpdateReach& reach) {
    known_.add(reach);
    updates_bytes_ += update.size();
    updates_.push_back(std::move(update));
    if (built_) std::string().swap(built_->state);
    if (!has_many_updates()) return;
    make_base(build());
    give_back();
}

// So that what is held stays near the size of the state, at a cost that grows with it alone.
bool RestingDocument::has_many_updates() const {
    return updates_.size() >= kUpdatesMax || updates_bytes_ > kUpdateBytesMin + state_bytes_;
}

std::string RestingDocument::state() {
    if (is_empty()) return std::string(kEmptyUpdate);
    Built* built = build();
    if (built == nullptr) {
        merge_base();
        return base_;
    }
    if (built->state.empty()) built->state = built->document.encode();
    std::string state = keep_ == Keep::document ? built->state : std::move(built->state);
    give_back();
    return state;
}

std::string RestingDocument::diff(const StateVector& vector) {
    if (vector.empty() || is_empty()) return state();
    if (const Built* built = build()) {
        std::string part = built->document.encode(vector);
        give_back();
        return part;
    }
    const std::string all = state();
    auto part = diff_update(all, vector);
    return part ? *std::move(part) : all;
}

base::Status RestingDocument::load_into(Document& document) const {
    TANDEM_CHECK(load_base(base_, document));
    for (const std::string& update : updates_)
        TANDEM_CHECK(document.apply(update));
    return {};
}

base::Status RestingDocument::load_base(std::string_view base, Document& document) {
    if (base.empty()) return {};
    return columnar::is_columnar(base) ? document.load_columnar(base) : document.apply(base);
}

base::Status RestingDocument::bring_up(Built& built) const {
    for (; built.applied < updates_.size(); ++built.applied)
        TANDEM_CHECK(built.document.apply(updates_[built.applied]));
    return {};
}

RestingDocument::Built* RestingDocument::build() {
    if (!built_) {
        built_ = std::make_unique<Built>();
        if (!load_base(base_, built_->document).ok()) built_.reset();
    }
    if (built_ && !bring_up(*built_).ok()) built_.reset();
    return built_.get();
}

void RestingDocument::give_back() {
    if (keep_ == Keep::bytes) built_.reset();
}

void RestingDocument::keep(Keep what) {
    keep_ = what;
    give_back();
}

size_t RestingDocument::kept_bytes() const {
    if (!built_) return 0;
    return sizeof(Built) + built_->document.store().memory_bytes() + built_->state.capacity();
}

void RestingDocument::make_base(Built* built) {
    auto columns =
        built == nullptr ? base::fail(base::ErrorCode::malformed) : built->document.to_columnar();
    if (!columns) return merge_base();
    state_bytes_ = built->state.empty() ? built->document.encode().size() : built->state.size();
    base_ = *std::move(columns);
    updates_ = {};
    updates_bytes_ = 0;
    built->applied = 0;
}

// What a document refuses is kept as it came rather than lost.
void RestingDocument::merge_base() {
    std::vector<std::string_view> all(updates_.begin(), updates_.end());
    std::string before = base_;
    if (columnar::is_columnar(base_)) {
        Document document;
        if (!document.load_columnar(base_).ok()) return;
        before = document.encode();
    }
    if (!before.empty()) all.insert(all.begin(), before);
    auto merged = merge_updates(all);
    if (!merged) return;
    base_ = *std::move(merged);
    state_bytes_ = base_.size();
    updates_ = {};
    updates_bytes_ = 0;
    built_.reset();
}

}  // namespace tandem::yjs
