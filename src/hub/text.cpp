#include "hub/text.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "record/fields.hpp"
#include "wire/frames.hpp"
#include "yjs/hocuspocus.hpp"
#include "yjs/sync_messages.hpp"

namespace tandem::hub {

using base::ErrorCode;

namespace {

// Of an entry's body; 1 is an op of the record.
constexpr uint32_t kTextField = 2;
constexpr uint32_t kName = 1;
constexpr uint32_t kUpdate = 2;

}  // namespace

void Text::note_assigned(const yjs::UpdateReach& reach) {
    if (!assigned_) assigned_ = document_.known();
    assigned_->add(reach);
    under_way_++;
}

void Text::note_failed() {
    assigned_.reset();
    under_way_ = 0;
    // Nor was what would have been kept with it.
    kept_.seq = 0;
}

void Text::commit(const TextWrite& write, uint64_t seq, uint64_t wall_ms) {
    document_.append(write.update, write.reach);
    changed_ms_ = wall_ms;
    if (kept_.wall_ms == 0) kept_.wall_ms = wall_ms;
    previous_seq_ = std::exchange(seq_, seq);
    if (under_way_ > 0 && --under_way_ == 0) assigned_.reset();
}

void Text::add_live(Live live, size_t bytes_max) {
    live_bytes_ += live.frame->payload.size();
    live_.push_back(std::move(live));
    while (live_bytes_ > bytes_max) {
        live_bytes_ -= live_.front().frame->payload.size();
        live_.pop_front();
    }
}

FramePtr Text::whole_frame() {
    FramePtr frame = whole_.lock();
    if (frame != nullptr && whole_seq_ == seq_) return frame;
    frame = make_frame(yjs::sync_message(yjs::SyncStep::update, document_.state()));
    whole_ = frame;
    whole_seq_ = seq_;
    return frame;
}

FramePtr Text::labelled(const FramePtr& frame, const std::string& label) {
    if (labelled_.label == label && labelled_.source.lock() == frame)
        if (FramePtr kept = labelled_.frame.lock()) return kept;
    FramePtr made = make_frame(yjs::hocuspocus_frame(label, frame->payload));
    labelled_ = {frame, label, made};
    return made;
}

FramePtr Text::in_frame(const FramePtr& message, Codec codec, const std::string& channel) {
    InFrame& last = in_frames_[static_cast<size_t>(codec)];
    if (last.source.lock() == message)
        if (FramePtr kept = last.frame.lock()) return kept;
    wire::TextReceived frame;
    frame.channel = channel;
    frame.name = name_;
    frame.message = message->payload;
    std::string payload;
    if (codec == Codec::binary)
        wire::encode_binary(payload, wire::ServerFrame(std::move(frame)));
    else
        wire::encode_json(payload, wire::ServerFrame(std::move(frame)));
    FramePtr made = make_frame(std::move(payload));
    last = {message, made};
    return made;
}

bool Texts::is_used() const {
    for (const auto& [name, text] : all_)
        if (text->is_used()) return true;
    return false;
}

void Texts::drop_unused() {
    std::erase_if(all_, [](const auto& item) {
        return !item.second->is_used() && item.second->document().is_empty();
    });
}

std::string Texts::save() {
    std::string out;
    base::Writer writer(out);
    for (const auto& [name, text] : all_) {
        if (text->document().is_empty()) continue;
        writer.sized(name);
        writer.varint(text->seq());
        writer.varint(text->changed_ms());
        writer.varint(text->kept().seq);
        writer.varint(text->kept().wall_ms);
        writer.sized(text->document().save());
    }
    return out;
}

base::Status Texts::load(std::string_view bytes, Form form) {
    base::Reader in(bytes);
    while (!in.at_end()) {
        TANDEM_TRY(const std::string_view name, in.sized(in.remaining()));
        TANDEM_TRY(const uint64_t seq, in.varint());
        uint64_t changed_ms = 0;
        Text::Kept kept;
        if (form == Form::with_times) {
            TANDEM_TRY(changed_ms, in.varint());
            TANDEM_TRY(kept.seq, in.varint());
            TANDEM_TRY(kept.wall_ms, in.varint());
        }
        TANDEM_TRY(const std::string_view state, in.sized(in.remaining()));
        auto document = yjs::RestingDocument::load(std::string(state));
        if (!document) return base::fail(ErrorCode::storage_corrupt, seq);
        Text& text = at(std::string(name));
        text.load(*std::move(document), seq);
        text.load_times(changed_ms, kept);
    }
    return {};
}

void append_text_write(std::string& body, const TextWrite& write) {
    std::string message;
    record::FieldWriter fields(message);
    fields.bytes(kName, write.name);
    fields.bytes(kUpdate, write.update);
    record::FieldWriter(body).bytes(kTextField, message);
}

base::Result<std::unique_ptr<TextWrite>> text_write_in(std::string_view body) {
    std::unique_ptr<TextWrite> write;
    base::Reader reader(body);
    while (!reader.at_end()) {
        TANDEM_TRY(const record::Field field, record::read_field(reader));
        if (field.number != kTextField) continue;
        if (!field.is_bytes() || write != nullptr) return base::fail(ErrorCode::storage_corrupt);
        write = std::make_unique<TextWrite>();
        base::Reader inner(field.bytes);
        while (!inner.at_end()) {
            TANDEM_TRY(const record::Field part, record::read_field(inner));
            if (part.number == kName) write->name = part.bytes;
            if (part.number == kUpdate) write->update = part.bytes;
        }
        auto reach = yjs::reach_of_update(write->update);
        if (!reach) return base::fail(ErrorCode::storage_corrupt);
        write->reach = *std::move(reach);
    }
    return write;
}

}  // namespace tandem::hub
