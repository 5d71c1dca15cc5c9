#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "record/hash_compare.hpp"

// Two replicas that answer anything at all: a comparison ends, asks for prefixes only, and tells
// each difference once.

namespace {

using namespace tandem;

record::Digest digest_of(base::Reader& in) {
    record::Digest out{};
    // Few digests, so that some are equal.
    out[0] = static_cast<uint8_t>(in.u8().ok() ? 0 : 1);
    if (const auto byte = in.u8()) out[1] = *byte;
    return out;
}

record::Subtree subtree_of(base::Reader& in) {
    record::Subtree out;
    const auto kind = in.u8();
    if (!kind) return out;
    out.is_inner = *kind % 3 == 0;
    if (out.is_inner)
        for (record::Digest& part : out.parts)
            part = digest_of(in);
    else
        for (int count = *kind % 17; count > 0; --count)
            out.leaves.push_back({digest_of(in), digest_of(in)});
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    base::Reader in(std::string_view(reinterpret_cast<const char*>(data), size));
    record::HashComparison comparison(8);
    for (int round = 0; round < 64 && !comparison.is_done(); ++round) {
        const auto wanted = comparison.wanted();
        TANDEM_ASSERT(!wanted.empty() && wanted.size() <= 8);
        std::vector<record::Subtree> left;
        std::vector<record::Subtree> right;
        for (const record::KeyPrefix& prefix : wanted) {
            TANDEM_ASSERT(record::is_key_prefix(prefix));
            left.push_back(subtree_of(in));
            right.push_back(subtree_of(in));
        }
        TANDEM_ASSERT(comparison.handle(left, right));
        left.emplace_back();
        if (!comparison.is_done()) {
            record::HashComparison copy = comparison;
            TANDEM_ASSERT(copy.wanted().size() == left.size() || !copy.handle(left, right));
        }
    }
    const auto again =
        record::digest_from_hex(std::string_view(reinterpret_cast<const char*>(data), size));
    if (again) TANDEM_ASSERT(record::to_hex(*again).size() == 32);
    return 0;
}
