#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "base/value.hpp"
#include "clock/stamp.hpp"
#include "record/document.hpp"

// A snapshot is refused, or it gives a document that can be read, written to and saved again.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    auto loaded = record::Document::load(bytes);
    if (!loaded.ok()) return 0;
    (void)loaded->shown({});
    (void)loaded->hash();
    (void)loaded->changes(0);
    (void)loaded->changes(loaded->floor());
    std::string saved;
    loaded->save(saved);
    auto again = record::Document::load(saved);
    TANDEM_ASSERT(again.ok());
    std::string twice;
    again->save(twice);
    TANDEM_ASSERT(twice == saved);
    TANDEM_ASSERT(again->hash() == loaded->hash());
    if (loaded->seq() == UINT64_MAX) return 0;
    record::Entry entry;
    entry.seq = loaded->seq() + 1;
    entry.actor = 1;
    entry.counter = 1;
    record::Op op;
    op.kind = record::OpKind::remove_node;
    op.seen_seq = loaded->seq();
    entry.ops = {op};
    loaded->apply(entry);
    entry.ops.clear();
    entry.floor = entry.seq;
    entry.seq += entry.seq == UINT64_MAX ? 0 : 1;
    if (entry.seq > loaded->seq()) loaded->apply(entry);
    return 0;
}
