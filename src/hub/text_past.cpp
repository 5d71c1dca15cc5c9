#include "hub/text_past.hpp"

#include <algorithm>
#include <utility>

#include "hub/channel.hpp"
#include "hub/lookback.hpp"
#include "yjs/document.hpp"
#include "yjs/updates.hpp"

namespace tandem::hub {

using base::ErrorCode;

namespace {

// The first byte of a kept state tells its form: an update of an encoding, or columns.
constexpr char kPackedV1 = 1;
constexpr char kPackedV2 = 2;
constexpr char kPackedColumns = 3;
constexpr std::string_view kNothing{"\0\0", 2};

}  // namespace

std::string pack_text_state(std::string_view state) {
    yjs::Document document;
    if (document.apply(state).ok())
        if (auto columns = document.to_columnar()) return kPackedColumns + *std::move(columns);
    auto packed = yjs::convert_update(state, yjs::Encoding::v1, yjs::Encoding::v2);
    return packed ? kPackedV2 + *std::move(packed) : kPackedV1 + std::string(state);
}

base::Result<std::string> unpack_text_state(std::string_view body) {
    if (!body.empty() && body[0] == kPackedV1) return std::string(body.substr(1));
    if (!body.empty() && body[0] == kPackedColumns) {
        yjs::Document document;
        if (!document.load_columnar(body.substr(1)).ok())
            return base::fail(ErrorCode::storage_corrupt);
        return document.encode();
    }
    if (body.empty() || body[0] != kPackedV2) return base::fail(ErrorCode::storage_corrupt);
    auto state = yjs::convert_update(body.substr(1), yjs::Encoding::v2, yjs::Encoding::v1);
    if (!state) return base::fail(ErrorCode::storage_corrupt);
    return state;
}

bool TextPast::is_done() const {
    return std::all_of(found_.begin(), found_.end(), [](const Wanted& w) { return w.is_found; });
}

const TextPast::Wanted& TextPast::wanted() const {
    return *std::find_if(found_.begin(), found_.end(), [](const Wanted& w) { return !w.is_found; });
}

port::StoreRequest TextPast::next_request() const {
    const TextMoment& moment = wanted().moment;
    const uint64_t at = moment.at.value_or(0);
    switch (step_) {
        case Step::version:
            return port::FindTextVersionRequest{channel_, text_, moment.version, at};
        case Step::snapshot:
            return port::StateRequest{channel_, at};
        case Step::entries:
            break;
    }
    return port::ReadRequest{channel_, seq_, at, Lookback::kPageEntries, Lookback::kPageBytes};
}

base::Status TextPast::take(const port::StoreReply& reply) {
    if (const auto* found = std::get_if<port::TextVersionFound>(&reply)) {
        Wanted& now = wanted();
        if (!found->exists) {
            if (!now.moment.version.empty()) return base::fail(ErrorCode::not_found);
            step_ = Step::snapshot;
            return {};
        }
        TANDEM_TRY(now.state.update, unpack_text_state(found->version.body));
        now.state.seq = found->version.seq;
        now.state.changed_ms = found->version.changed_ms;
        now.is_found = true;
        return {};
    }
    if (const auto* state = std::get_if<port::StateFound>(&reply)) return begin(*state);
    return feed(std::get<port::EntriesRead>(reply).entries);
}

base::Status TextPast::begin(const port::StateFound& found) {
    if (!found.exists) return base::fail(ErrorCode::state_gone, found.oldest_seq);
    texts_ = Texts();
    if (!found.body.empty()) TANDEM_CHECK(load_texts_in_snapshot(found.body, texts_));
    seq_ = found.seq;
    step_ = Step::entries;
    if (seq_ >= *wanted().moment.at) finish_log();
    return {};
}

base::Status TextPast::feed(const std::vector<port::StoredEntry>& entries) {
    if (entries.empty()) return base::fail(ErrorCode::state_gone, seq_);
    const uint64_t goal = *wanted().moment.at;
    for (const port::StoredEntry& entry : entries) {
        if (seq_ == goal) break;
        if (entry.seq != seq_ + 1) return base::fail(ErrorCode::storage_corrupt, entry.seq);
        TANDEM_TRY(const auto write, text_write_in(entry.body));
        if (write != nullptr && write->name == text_)
            texts_.at(text_).commit(*write, entry.seq, entry.wall_ms);
        seq_ = entry.seq;
    }
    if (seq_ == goal) finish_log();
    return {};
}

void TextPast::finish_log() {
    Wanted& now = wanted();
    now.state.update = kNothing;
    if (Text* text = texts_.find(text_)) {
        now.state = {text->seq(), text->changed_ms(), std::string(text->document().state())};
    }
    now.is_found = true;
    texts_ = Texts();
    step_ = Step::version;
}

}  // namespace tandem::hub
