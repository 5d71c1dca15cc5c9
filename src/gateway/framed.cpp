#include "gateway/framed.hpp"

#include <memory>

namespace tandem::gateway {

net::SharedBytes framed(const hub::Frame& frame, net::WsDataKind kind) {
    if (frame.framed == nullptr)
        frame.framed =
            std::make_shared<const net::SharedBytes>(net::make_shared_frame(kind, frame.payload));
    return *static_cast<const net::SharedBytes*>(frame.framed.get());
}

}  // namespace tandem::gateway
