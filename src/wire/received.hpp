#pragma once

#include <type_traits>

#include "wire/frames.hpp"

/// What the decoders of both codecs share for the frames of a client.
namespace tandem::wire {

/// What an answer needs so that the client knows which of its frames was refused.
inline ErrorFrame context_of(const ClientFrame& frame) {
    ErrorFrame context;
    std::visit(
        [&](const auto& f) {
            if constexpr (requires { f.channel; }) context.channel = f.channel;
            if constexpr (std::is_same_v<std::decay_t<decltype(f)>, Push>) {
                context.actor = f.actor;
                context.counter = f.counter;
                context.ref = f.ref;
            }
            if constexpr (std::is_same_v<std::decay_t<decltype(f)>, TextSend>) context.ref = f.ref;
        },
        frame);
    return context;
}

/// Moves the frames on until the first that was refused.
inline base::Result<void> take_all(std::vector<ReceivedFrame>& received,
                                   std::vector<ClientFrame>& out) {
    for (ReceivedFrame& one : received) {
        if (const auto* refused = std::get_if<RefusedFrame>(&one)) return refused->error;
        out.push_back(std::move(std::get<ClientFrame>(one)));
    }
    return {};
}

}  // namespace tandem::wire
