#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "yjs/columnar.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"

// Any bytes are refused and leave the document empty, or give one that can be shown, edited,
// written and read again. The first byte says whether they are taken as they are or, as a checksum
// keeps nearly all of them out, as columns and contents, which are divided where the next three
// say.

namespace {

using namespace tandem;

yjs::DocumentOptions options_of(uint64_t client, bool collects) {
    yjs::DocumentOptions options;
    options.client = client;
    options.collects = collects;
    return options;
}

std::string shown(const yjs::Document& document) {
    std::string out;
    for (yjs::BranchIndex root : document.store().roots()) {
        for (const auto kind : {yjs::TypeKind::text, yjs::TypeKind::map, yjs::TypeKind::array,
                                yjs::TypeKind::xml_fragment})
            yjs::append_json(document.store(), root, out, kind);
        yjs::append_delta(document.store(), root, out);
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 4) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 4, size - 4);
    std::string bytes(rest);
    if ((data[0] & 1) != 0) {
        const size_t cut =
            data[1] | static_cast<size_t>(data[2]) << 8 | static_cast<size_t>(data[3]) << 16;
        bytes = yjs::columnar::pack(rest.substr(0, std::min(cut, rest.size())),
                                    rest.substr(std::min(cut, rest.size())));
    }
    yjs::Document document(options_of(1, (data[0] & 2) == 0));
    if (!document.load_columnar(bytes)) {
        TANDEM_ASSERT(document.encode() == std::string_view("\0\0", 2));
        return 0;
    }
    (void)shown(document);
    (void)document.to_columnar();
    yjs::Document replica(options_of(2, true));
    TANDEM_ASSERT(replica.apply(document.encode({}, yjs::Encoding::v2), yjs::Encoding::v2).ok());
    if (!document.has_pending()) TANDEM_ASSERT(replica.state_vector() == document.state_vector());

    // What was there is written next to, cut, formatted and deleted.
    document.set_client_id(3);
    for (const yjs::BranchIndex root : yjs::Few(document.store().roots())) {
        document.begin();
        const uint32_t length = document.store().branch(root).length;
        (void)document.insert_text(root, length / 2, "middle");
        (void)document.insert_text(root, length, "end", {{"bold", std::string(1, '\x78')}});
        (void)document.format_text(root, 0, length / 2, {{"bold", std::string(1, '\x7e')}});
        (void)document.delete_text(root, length / 3, length / 3);
        document.set_value(root, "key", std::string_view("\x7d\x01"));
        document.commit();
    }
    document.begin();
    (void)document.insert_text(document.root("another", yjs::TypeKind::text), 0, "text");
    document.commit();
    // Its own update brings nothing new.
    TANDEM_ASSERT(document.apply(document.encode()).ok());
    (void)shown(document);
    auto columns = document.to_columnar();
    if (!columns) return 0;
    yjs::Document again(options_of(4, true));
    TANDEM_ASSERT(again.load_columnar(*columns).ok());
    TANDEM_ASSERT(again.state_vector() == document.state_vector());
    return 0;
}
