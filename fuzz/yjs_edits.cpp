#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "base/value.hpp"
#include "yjs/document.hpp"
#include "yjs/edit_faults.hpp"
#include "yjs/json_edits.hpp"
#include "yjs/reading.hpp"

// Edits as JSON, one array in each line, to one document: a fault of form is found before anything
// is done, and whatever is done gives a document that others read as the same.

namespace {

using namespace tandem;

constexpr size_t kBytesMax = 16 * 1024;

std::string shown(const yjs::Document& document, yjs::BranchIndex root) {
    std::string out;
    yjs::append_json(document.store(), root, out);
    return out;
}

void edit(yjs::Document& document, const base::Value& edits) {
    const yjs::TypeKind wanted = yjs::kind_for_edits(edits);
    const auto root = yjs::find_root(document, "r", wanted);
    TANDEM_ASSERT(root.ok());
    const yjs::TypeKind kind = document.store().branch(*root).kind;
    const std::string before = shown(document, *root);
    const auto fault = yjs::fault_of_edits(edits);
    document.begin();
    const auto applied = yjs::apply_edits(document, *root, edits);
    document.commit();
    TANDEM_ASSERT(document.store().branch(*root).kind == kind);
    if (!fault) return;
    TANDEM_ASSERT(!applied.ok() && applied.error().code == base::ErrorCode::invalid_argument);
    TANDEM_ASSERT(applied.error().detail == fault->edit && !fault->what.empty());
    TANDEM_ASSERT(shown(document, *root) == before);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > kBytesMax) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    yjs::DocumentOptions options;
    options.client = 1;
    yjs::Document document(options);
    while (!rest.empty()) {
        const size_t end = std::min(rest.find('\n'), rest.size());
        const auto edits = base::parse_json(rest.substr(0, end), base::kLooseValueLimits);
        if (edits) edit(document, *edits);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    yjs::Document copy;
    TANDEM_ASSERT(copy.apply(document.encode()).ok() && !copy.has_pending());
    for (const yjs::BranchIndex root : document.store().roots()) {
        const auto name = document.store().names().at(document.store().branch(root).name);
        const yjs::BranchIndex copied = copy.root(name, document.store().branch(root).kind);
        TANDEM_ASSERT(shown(copy, copied) == shown(document, root));
    }
    return 0;
}
