#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "base/value.hpp"
#include "clock/stamp.hpp"
#include "record/change.hpp"
#include "record/view.hpp"

// What decodes as changes encodes to bytes that decode to the same, and a view takes it twice as
// well as once.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    auto changes = record::decode_changes(bytes, nullptr);
    if (!changes.ok()) return 0;
    std::string encoded;
    record::encode_changes(encoded, *changes, nullptr);
    auto again = record::decode_changes(encoded, nullptr);
    TANDEM_ASSERT(again.ok() && again->size() == changes->size());
    std::string twice;
    record::encode_changes(twice, *again, nullptr);
    TANDEM_ASSERT(twice == encoded);

    record::View view;
    for (const record::Change& change : *changes) {
        view.apply(change);
        base::Value shown = view.shown({});
        view.apply(change);
        TANDEM_ASSERT(view.shown({}) == shown);
        std::string text;
        record::append_change_json(text, change);
        (void)base::parse_json(text, base::kLooseValueLimits);
    }
    record::View other;
    for (const record::Change& change : *again)
        other.apply(change);
    TANDEM_ASSERT(other.shown({}) == view.shown({}));
    return 0;
}
