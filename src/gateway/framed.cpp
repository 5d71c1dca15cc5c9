#include "gateway/framed.hpp"

#include <memory>
#include <string>

#include "base/base64.hpp"

namespace tandem::gateway {

namespace {

// What one frame is sent as, each made on first use. A frame has one kind.
struct Forms {
    mutable net::SharedBytes plain;
    mutable net::SharedBytes deflated;  // The plain one where compression does not make it smaller.
    mutable net::SharedBytes event;
};

net::SharedBytes make_event(net::WsDataKind kind, std::string_view payload) {
    // JSON has no line ends of its own.
    const std::string data =
        kind == net::WsDataKind::kText ? std::string(payload) : base::to_base64(payload);
    return net::SharedBytes::joined("data: ", data + "\n\n");
}

}  // namespace

FrameForm form_for(hub::Codec codec, const net::WsConnection& socket) {
    return {data_kind(codec), socket.takes_deflated() ? socket.deflate_bytes_min() : SIZE_MAX,
            FrameForm::Carrier::websocket};
}

net::SharedBytes framed(const hub::Frame& frame, FrameForm form, LoopMeters& meters) {
    if (frame.framed == nullptr) frame.framed = std::make_shared<const Forms>();
    const auto& forms = *static_cast<const Forms*>(frame.framed.get());
    if (form.carrier == FrameForm::Carrier::events) {
        if (forms.event.empty()) forms.event = make_event(form.kind, frame.payload);
        return forms.event;
    }
    if (frame.payload.size() >= form.deflate_bytes_min) {
        if (forms.deflated.empty())
            forms.deflated = net::make_shared_deflated_frame(form.kind, frame.payload);
        if (!forms.deflated.empty()) {
            // Headers differ by a few bytes and are left out.
            if (forms.deflated.size() < frame.payload.size())
                meters.note_deflated(frame.payload.size() - forms.deflated.size());
            return forms.deflated;
        }
    }
    if (forms.plain.empty()) forms.plain = net::make_shared_frame(form.kind, frame.payload);
    if (frame.payload.size() >= form.deflate_bytes_min) forms.deflated = forms.plain;
    return forms.plain;
}

}  // namespace tandem::gateway
