#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "record/document.hpp"
#include "record/selection.hpp"

// Texts of a selection, one a line: refused, or a selection in normal form, whose parts make the
// same one again, and by which a record can be read.

namespace {

using namespace tandem;

record::Document sample() {
    record::Document document;
    record::Entry entry;
    entry.seq = entry.actor = entry.counter = 1;
    for (const char* text : {"a", "b/c", "b/d", "cards/@x/text", "cards/@y/text", "cards/@z"}) {
        record::Op op;
        op.kind = record::OpKind::set;
        op.path = *record::parse_path(text);
        op.value = base::Value(text);
        entry.ops.push_back(std::move(op));
    }
    document.apply(entry);
    return document;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<record::SelectedPart> parts;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        const auto part = record::parse_selected(text.substr(0, end));
        if (!part) return 0;
        parts.push_back(*part);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    const auto selection = record::Selection::make(parts);
    if (!selection) return 0;
    const auto again = record::Selection::make(selection->parts());
    TANDEM_ASSERT(again.ok());
    TANDEM_ASSERT(again->key() == selection->key());
    const record::Document document = sample();
    (void)document.shown_part(*selection);
    (void)document.changes(0, *selection);
    for (const record::SelectedPart& part : selection->parts())
        TANDEM_ASSERT(selection->concerns(part.path));
    return 0;
}
