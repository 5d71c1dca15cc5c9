#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
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

/// A client's message is read frame by frame or as a whole, and both readings agree.
template <class Decode>
void check_received(std::string_view input, Decode decode) {
    std::vector<tandem::wire::ReceivedFrame> each;
    std::vector<tandem::wire::ClientFrame> all;
    const bool readable = static_cast<bool>(decode(input, each));
    const bool accepted = static_cast<bool>(decode(input, all));
    std::size_t refused = 0;
    for (const auto& frame : each) {
        if (std::holds_alternative<tandem::wire::RefusedFrame>(frame)) ++refused;
    }
    if (accepted != (readable && refused == 0)) std::abort();
    if (accepted && all.size() != each.size()) std::abort();
    std::string json;
    for (const auto& frame : all)
        tandem::wire::encode_json(json, frame);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    check<tandem::wire::ClientFrame>(input);
    check<tandem::wire::ServerFrame>(input);
    const auto binary = [](auto message, auto& out) {
        return tandem::wire::decode_binary(message, out);
    };
    const auto json = [](auto message, auto& out) {
        return tandem::wire::decode_json(message, out);
    };
    check_received(input, binary);
    check_received(input, json);
    return 0;
}
