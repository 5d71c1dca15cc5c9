#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "base/value.hpp"
#include "clock/stamp.hpp"
#include "record/document.hpp"
#include "record/op.hpp"
#include "record/view.hpp"

// What decodes as ops encodes to bytes that decode to the same, in both forms and in JSON, and can
// be applied.

namespace {

using namespace tandem;

void check(std::string_view bytes, record::Form form) {
    auto ops = record::decode_ops(bytes, form);
    if (!ops.ok()) return;
    std::string encoded;
    record::encode_ops(encoded, *ops, form);
    auto again = record::decode_ops(encoded, form);
    TANDEM_ASSERT(again.ok());
    std::string twice;
    record::encode_ops(twice, *again, form);
    TANDEM_ASSERT(twice == encoded);

    record::Document document;
    record::View view;
    record::Entry entry;
    entry.actor = 1;
    for (const record::Op& op : *ops) {
        std::string text;
        record::append_op_json(text, op, form);
        auto json = base::parse_json(text, base::kLooseValueLimits);
        TANDEM_ASSERT(json.ok());
        view.apply_plain(op, record::Dot{1, 1});
        ++entry.seq;
        ++entry.counter;
        entry.actor = 1 + entry.seq % 3;
        entry.ops = {op};
        document.apply(entry);
    }
    (void)view.shown({});
    record::View confirmed;
    for (const record::Change& change : document.changes(0))
        confirmed.apply(change);
    TANDEM_ASSERT(confirmed.shown({}) == document.shown({}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check(bytes, record::Form::pushed);
    check(bytes, record::Form::logged);
    return 0;
}
