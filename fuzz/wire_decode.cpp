#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/frames.hpp"

namespace {

/// Whatever a decoder accepts has one canonical form, which it accepts too.
template <class Frame>
void check(std::string_view input) {
    std::vector<Frame> frames;
    if (!tandem::wire::decode_binary(input, frames)) return;
    std::string once;
    for (const auto& frame : frames)
        tandem::wire::encode_binary(once, frame);
    // Defaults that a lenient peer left out are written out, so the result may exceed the limit.
    if (once.size() > input.size() * 2) return;
    std::vector<Frame> again;
    if (!tandem::wire::decode_binary(once, again)) std::abort();
    std::string twice;
    for (const auto& frame : again)
        tandem::wire::encode_binary(twice, frame);
    if (once != twice) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    check<tandem::wire::ClientFrame>(input);
    check<tandem::wire::ServerFrame>(input);
    std::vector<tandem::wire::ClientFrame> frames;
    std::string where;
    if (tandem::wire::decode_json(input, frames, where)) {
        std::string json;
        for (const auto& frame : frames)
            tandem::wire::encode_json(json, frame);
    }
    return 0;
}
