#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"
#include "yjs/relative_position.hpp"
#include "yjs/undo_manager.hpp"
#include "yjs/updates.hpp"

// Any bytes are refused and change nothing, or give a document that two replicas agree on. The
// first byte chooses the encoding, the second where the input is cut into two updates.

namespace {

using namespace tandem;

yjs::DocumentOptions options_of(uint64_t client, bool cleans, bool indexes) {
    yjs::DocumentOptions options;
    if (indexes) options.scans_max = 0;
    options.client = client;
    options.cleans_formats = cleans;
    return options;
}

void check_stateless(std::string_view update, yjs::Encoding encoding) {
    auto vector = yjs::state_vector_of_update(update, encoding);
    (void)yjs::span_of_update(update, encoding);
    (void)yjs::is_empty_update(update, encoding);
    (void)yjs::decode_state_vector(update);
    if (auto position = yjs::decode_relative_position(update)) {
        auto again = yjs::decode_relative_position(yjs::encode_relative_position(*position));
        TANDEM_ASSERT(again.ok() && *again == *position);
    }
    (void)yjs::relative_position_of_json(update);
    if (auto snapshot = yjs::decode_snapshot(update, encoding)) {
        auto again = yjs::decode_snapshot(yjs::encode_snapshot(*snapshot, encoding), encoding);
        TANDEM_ASSERT(again.ok() && *again == *snapshot);
        (void)yjs::snapshot_contains(*snapshot, update, encoding);
    }
    const auto other = encoding == yjs::Encoding::v1 ? yjs::Encoding::v2 : yjs::Encoding::v1;
    auto converted = yjs::convert_update(update, encoding, other);
    if (!converted) return;
    TANDEM_ASSERT(vector.ok());
    auto back = yjs::convert_update(*converted, other, encoding);
    TANDEM_ASSERT(back.ok());
    TANDEM_ASSERT(yjs::diff_update(*converted, *vector, other).ok());
    const std::string_view twice[] = {*back, *back};
    TANDEM_ASSERT(yjs::merge_updates(twice, encoding).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const auto encoding = (data[0] & 1) != 0 ? yjs::Encoding::v2 : yjs::Encoding::v1;
    std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const size_t cut = std::min<size_t>(data[1], bytes.size());
    const std::string_view parts[] = {bytes.substr(0, cut), bytes.substr(cut)};

    yjs::Document document(options_of(1, (data[0] & 2) != 0, (data[0] & 16) != 0));
    yjs::BranchIndex text = document.root("t", yjs::TypeKind::text);
    // What undo keeps and copies is what peers wrote, too.
    std::optional<yjs::UndoManager> undo;
    if ((data[0] & 4) != 0) {
        yjs::UndoOptions options;
        options.now_ms = [] { return uint64_t{1}; };
        options.capture_timeout_ms = 0;
        options.takes_whole_document = (data[0] & 8) != 0;
        undo.emplace(document, std::vector<yjs::BranchIndex>{text}, options);
    }
    document.observe(text);
    document.observe_deep(text);
    document.begin();
    (void)document.insert_text(text, 0,
                               "ab\xF0\x9F\x98\x80"
                               "cd");
    document.commit();
    const auto moment = yjs::decode_snapshot(parts[0], encoding);
    for (std::string_view part : parts) {
        check_stateless(part, encoding);
        const std::string before = document.encode();
        if (!document.apply(part, encoding)) {
            TANDEM_ASSERT(document.encode() == before);
            continue;
        }
        while (document.commit_clean_up()) {
        }
    }
    if (undo) {
        for (int round = 0; round < 3; ++round) {
            (void)undo->undo();
            (void)undo->undo();
            (void)undo->redo();
        }
    }
    for (const yjs::Subdocument& one : std::vector(document.subdocuments()))
        (void)document.load_subdocument(one.item);
    document.begin();
    (void)document.insert_text(text, document.store().branch(text).length, "end");
    (void)document.delete_text(text, 0, 1);
    document.commit();

    yjs::Document replica(options_of(2, false, true));
    TANDEM_ASSERT(replica.apply(document.encode({}, yjs::Encoding::v2), yjs::Encoding::v2).ok());
    // What waits may find what it waits for in the other order of a whole state.
    if (!document.has_pending()) TANDEM_ASSERT(replica.state_vector() == document.state_vector());
    // Where origins contradict each other, which no client writes, the order of two replicas may
    // differ, as it does with Yjs; they must still be readable and agree on what there is.
    std::string shown;
    yjs::append_json(replica.store(), replica.root("t", yjs::TypeKind::text), shown);
    yjs::append_json(document.store(), text, shown);
    yjs::append_delta(document.store(), text, shown);
    const yjs::Snapshot present = yjs::snapshot_of(document.store());
    yjs::append_delta_between(document.store(), text, moment.ok() ? &*moment : nullptr, &present,
                              shown);
    return 0;
}
