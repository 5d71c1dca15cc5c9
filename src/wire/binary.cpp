#include <limits>

#include "base/bytes.hpp"
#include "wire/received.hpp"
#include "wire/schema.hpp"

namespace tandem::wire {
namespace {

using base::ErrorCode;
using base::fail;
using base::varint_size;

enum class WireType : uint32_t { varint = 0, fixed64 = 1, sized = 2, fixed32 = 5 };

constexpr uint32_t kBatchFrameField = 1;

uint64_t tag_of(uint32_t number, WireType type) {
    return (uint64_t{number} << 3) | static_cast<uint32_t>(type);
}
size_t tag_size(uint32_t number) { return varint_size(tag_of(number, WireType::varint)); }
size_t sized_size(size_t bytes) { return varint_size(bytes) + bytes; }

/// A live frame covers one entry unless it says otherwise.
bool has_default_from(const Delivery& f) {
    return f.kind == DeliveryKind::live ? f.to != 0 && f.from == f.to - 1 : f.from == 0;
}

/// Adds up the bytes of a message, so that a length can be written before its content.
class Sizer {
  public:
    size_t bytes_total() const { return total_; }

    void u64(uint32_t n, uint64_t v) {
        if (v != 0) total_ += tag_size(n) + varint_size(v);
    }
    void u32(uint32_t n, uint32_t v) { u64(n, v); }
    void always_u32(uint32_t n, uint32_t v) { total_ += tag_size(n) + varint_size(v); }
    void actor(uint32_t n, uint64_t v) { u64(n, v); }
    void slot(uint32_t n, uint32_t v) { u64(n, v); }
    void boolean(uint32_t n, bool v) { u64(n, v ? 1 : 0); }
    void kind(uint32_t n, DeliveryKind v) { u64(n, static_cast<uint64_t>(v)); }
    void fixed32(uint32_t n, uint32_t v) {
        if (v != 0) total_ += tag_size(n) + 4;
    }
    void fixed64(uint32_t n, uint64_t v) {
        if (v != 0) total_ += tag_size(n) + 8;
    }
    void bytes(uint32_t n, const std::string& v) {
        if (!v.empty()) total_ += tag_size(n) + sized_size(v.size());
    }
    void text(uint32_t n, const std::string& v, size_t) { bytes(n, v); }
    void texts(uint32_t n, const std::vector<std::string>& list, size_t, size_t) {
        for (const auto& v : list)
            total_ += tag_size(n) + sized_size(v.size());
    }
    void value(uint32_t n, const base::Value& v) {
        if (!v.is_null()) total_ += tag_size(n) + sized_size(base::canonical_bytes(v).size());
    }
    template <class Part>
    void messages(uint32_t n, const std::vector<Part>& list, size_t) {
        for (const auto& part : list) {
            Sizer inner;
            schema::fields(inner, part);
            total_ += tag_size(n) + sized_size(inner.total_);
        }
    }
    void range_from(uint32_t n, const Delivery& f) {
        if (!has_default_from(f)) total_ += tag_size(n) + varint_size(f.from);
    }

  private:
    size_t total_ = 0;
};

template <class Part>
size_t size_of(const Part& part) {
    Sizer sizer;
    schema::fields(sizer, part);
    return sizer.bytes_total();
}

/// Appends the fields that differ from their defaults, in the order of their numbers.
class Encoder {
  public:
    explicit Encoder(std::string& out) : writer_(out) {}

    void tag(uint32_t n, WireType type) { writer_.varint(tag_of(n, type)); }
    void varint(uint32_t n, uint64_t v) {
        tag(n, WireType::varint);
        writer_.varint(v);
    }
    void sized(uint32_t n, std::string_view v) {
        tag(n, WireType::sized);
        writer_.sized(v);
    }

    void u64(uint32_t n, uint64_t v) {
        if (v != 0) varint(n, v);
    }
    void u32(uint32_t n, uint32_t v) { u64(n, v); }
    void always_u32(uint32_t n, uint32_t v) { varint(n, v); }
    void actor(uint32_t n, uint64_t v) { u64(n, v); }
    void slot(uint32_t n, uint32_t v) { u64(n, v); }
    void boolean(uint32_t n, bool v) { u64(n, v ? 1 : 0); }
    void kind(uint32_t n, DeliveryKind v) { u64(n, static_cast<uint64_t>(v)); }
    void fixed32(uint32_t n, uint32_t v) {
        if (v == 0) return;
        tag(n, WireType::fixed32);
        writer_.fixed32(v);
    }
    void fixed64(uint32_t n, uint64_t v) {
        if (v == 0) return;
        tag(n, WireType::fixed64);
        writer_.fixed64(v);
    }
    void bytes(uint32_t n, const std::string& v) {
        if (!v.empty()) sized(n, v);
    }
    void text(uint32_t n, const std::string& v, size_t) { bytes(n, v); }
    void texts(uint32_t n, const std::vector<std::string>& list, size_t, size_t) {
        for (const auto& v : list)
            sized(n, v);
    }
    void value(uint32_t n, const base::Value& v) {
        if (!v.is_null()) sized(n, base::canonical_bytes(v));
    }
    template <class Part>
    void message(uint32_t n, const Part& part) {
        tag(n, WireType::sized);
        writer_.varint(size_of(part));
        schema::fields(*this, part);
    }
    template <class Part>
    void messages(uint32_t n, const std::vector<Part>& list, size_t) {
        for (const auto& part : list)
            message(n, part);
    }
    void range_from(uint32_t n, const Delivery& f) {
        if (!has_default_from(f)) varint(n, f.from);
    }

  private:
    base::Writer writer_;
};

struct Tag {
    uint32_t number = 0;
    WireType type = WireType::varint;
};

base::Result<Tag> read_tag(base::Reader& reader) {
    TANDEM_TRY(uint32_t raw, reader.varint32());
    Tag tag{raw >> 3, static_cast<WireType>(raw & 7)};
    bool is_known_type = tag.type == WireType::varint || tag.type == WireType::fixed64 ||
                         tag.type == WireType::sized || tag.type == WireType::fixed32;
    if (tag.number == 0 || !is_known_type) return fail(ErrorCode::malformed, reader.offset());
    return tag;
}

base::Result<void> skip(base::Reader& reader, WireType type) {
    switch (type) {
        case WireType::varint:
            TANDEM_CHECK(reader.varint());
            return {};
        case WireType::fixed64:
            return reader.skip(8);
        case WireType::fixed32:
            return reader.skip(4);
        case WireType::sized:
            TANDEM_CHECK(reader.sized(base::kMessageBytesCeiling));
            return {};
    }
    return fail(ErrorCode::malformed);
}

template <class Part>
base::Result<void> decode_part(std::string_view bytes, Part& part);

/// Reads one field into the member that has its number. The members are walked for every field;
/// they are few, and the compiler turns the comparisons into a jump.
class Decoder {
  public:
    Decoder(base::Reader& reader, Tag tag) : reader_(&reader), tag_(tag) {}

    bool is_taken() const { return is_taken_; }
    bool has_from() const { return has_from_; }
    const base::Result<void>& status() const { return status_; }

    void u64(uint32_t n, uint64_t& v) { number(n, v, std::numeric_limits<uint64_t>::max()); }
    void u32(uint32_t n, uint32_t& v) { number(n, v, std::numeric_limits<uint32_t>::max()); }
    void always_u32(uint32_t n, uint32_t& v) { u32(n, v); }
    void actor(uint32_t n, uint64_t& v) { number(n, v, base::kActorMax); }
    void slot(uint32_t n, uint32_t& v) { number(n, v, kSlotMax); }
    void boolean(uint32_t n, bool& v) {
        uint64_t read = v ? 1 : 0;
        number(n, read, 1);
        v = read != 0;
    }
    void kind(uint32_t n, DeliveryKind& v) {
        auto read = static_cast<uint64_t>(v);
        number(n, read, static_cast<uint64_t>(DeliveryKind::snapshot));
        v = static_cast<DeliveryKind>(read);
    }
    void fixed32(uint32_t n, uint32_t& v) {
        if (takes(n, WireType::fixed32)) keep(reader_->fixed32(), v);
    }
    void fixed64(uint32_t n, uint64_t& v) {
        if (takes(n, WireType::fixed64)) keep(reader_->fixed64(), v);
    }
    void bytes(uint32_t n, std::string& v) {
        if (takes(n, WireType::sized)) keep(reader_->sized(base::kMessageBytesCeiling), v);
    }
    void text(uint32_t n, std::string& v, size_t bytes_max) {
        if (!takes(n, WireType::sized)) return;
        keep(reader_->sized(bytes_max), v);
        if (!status_ || base::is_utf8(v)) return;
        status_ = fail(ErrorCode::malformed, reader_->offset());
        v.clear();
    }
    void texts(uint32_t n, std::vector<std::string>& list, size_t bytes_max, size_t count_max) {
        if (tag_.number != n) return;
        if (!has_room(list.size(), count_max)) return;
        text(n, list.emplace_back(), bytes_max);
    }
    void value(uint32_t n, base::Value& v) {
        std::string_view raw;
        if (!takes(n, WireType::sized)) return;
        keep(reader_->sized(base::kMessageBytesCeiling), raw);
        if (status_) keep(base::decode_value(raw), v);
    }
    template <class Part>
    void messages(uint32_t n, std::vector<Part>& list, size_t count_max) {
        std::string_view raw;
        if (!takes(n, WireType::sized) || !has_room(list.size(), count_max)) return;
        keep(reader_->sized(base::kMessageBytesCeiling), raw);
        if (status_) status_ = decode_part(raw, list.emplace_back());
    }
    void range_from(uint32_t n, Delivery& f) {
        has_from_ = tag_.number == n;
        u64(n, f.from);
    }

  private:
    bool takes(uint32_t n, WireType type) {
        if (tag_.number != n) return false;
        is_taken_ = true;
        if (tag_.type != type) status_ = fail(ErrorCode::malformed, reader_->offset());
        return status_.ok();
    }
    bool has_room(size_t count, size_t count_max) {
        if (count < count_max) return true;
        is_taken_ = true;
        status_ = fail(ErrorCode::too_large, count_max);
        return false;
    }
    template <class T>
    void number(uint32_t n, T& v, uint64_t max) {
        if (!takes(n, WireType::varint)) return;
        auto read = reader_->varint_max(max);
        if (read)
            v = static_cast<T>(*read);
        else
            status_ = read.error();
    }
    template <class Read, class T>
    void keep(base::Result<Read> read, T& v) {
        if (read)
            v = T(*std::move(read));
        else
            status_ = read.error();
    }

    base::Reader* reader_;
    Tag tag_;
    bool is_taken_ = false;
    bool has_from_ = false;
    base::Result<void> status_;
};

/// After the first error the fields that can be told apart are read all the same: they say which
/// frame it is that is refused.
template <class Part>
base::Result<void> decode_part(std::string_view bytes, Part& part) {
    base::Reader reader(bytes);
    base::Result<void> status;
    bool has_from = false;
    while (!reader.at_end()) {
        auto read = read_tag(reader);
        if (!read) return status ? base::Result<void>(read.error()) : status;
        const Tag tag = *read;
        const base::Reader at_field = reader;
        Decoder decoder(reader, tag);
        schema::fields(decoder, part);
        if (!decoder.status()) {
            if (status) status = decoder.status();
            reader = at_field;
            if (!skip(reader, tag.type)) return status;
            continue;
        }
        if (!decoder.is_taken() && !status) {
            if (!skip(reader, tag.type)) return status;
            continue;
        }
        if (!decoder.is_taken()) TANDEM_CHECK(skip(reader, tag.type));
        has_from = has_from || decoder.has_from();
    }
    if constexpr (std::is_same_v<Part, Delivery>) {
        if (part.kind == DeliveryKind::live && !has_from && part.to > 0) part.from = part.to - 1;
    }
    return status;
}

template <class Variant, size_t I = 0>
base::Result<bool> decode_alternative(uint32_t number, std::string_view bytes, Variant& frame) {
    if constexpr (I == std::variant_size_v<Variant>) {
        return false;
    } else {
        using Part = std::variant_alternative_t<I, Variant>;
        if (number != schema::kFrameNumber<Part>)
            return decode_alternative<Variant, I + 1>(number, bytes, frame);
        TANDEM_CHECK(decode_part(bytes, frame.template emplace<I>()));
        return true;
    }
}

/// False when it is none that this version knows.
template <class Variant>
base::Result<bool> decode_frame(std::string_view bytes, Variant& frame) {
    base::Reader reader(bytes);
    bool is_known = false;
    while (!reader.at_end()) {
        TANDEM_TRY(Tag tag, read_tag(reader));
        if (tag.type != WireType::sized) {
            TANDEM_CHECK(skip(reader, tag.type));
            continue;
        }
        TANDEM_TRY(auto body, reader.sized(base::kMessageBytesCeiling));
        TANDEM_TRY(bool is_one, decode_alternative(tag.number, body, frame));
        is_known = is_known || is_one;
    }
    return is_known;
}

base::Result<void> take_frame(std::string_view body, std::vector<ServerFrame>& out) {
    ServerFrame frame;
    TANDEM_TRY(bool is_known, decode_frame(body, frame));
    if (is_known) out.push_back(std::move(frame));
    return {};
}

base::Result<void> take_frame(std::string_view body, std::vector<ReceivedFrame>& out) {
    ClientFrame frame;
    auto is_known = decode_frame(body, frame);
    if (!is_known)
        out.emplace_back(RefusedFrame{is_known.error(), {}, context_of(frame)});
    else if (*is_known)
        out.emplace_back(std::move(frame));
    return {};
}

template <class Taken>
base::Result<void> decode_message(std::string_view message, std::vector<Taken>& out) {
    if (message.size() > base::kMessageBytesCeiling)
        return fail(ErrorCode::too_large, base::kMessageBytesCeiling);
    base::Reader reader(message);
    size_t count = 0;
    while (!reader.at_end()) {
        TANDEM_TRY(Tag tag, read_tag(reader));
        if (tag.number != kBatchFrameField || tag.type != WireType::sized) {
            TANDEM_CHECK(skip(reader, tag.type));
            continue;
        }
        if (++count > kFramesPerMessageMax) return fail(ErrorCode::too_large, kFramesPerMessageMax);
        TANDEM_TRY(auto body, reader.sized(base::kMessageBytesCeiling));
        TANDEM_CHECK(take_frame(body, out));
    }
    return {};
}

template <class Variant>
void encode_binary_frame(std::string& out, const Variant& frame) {
    std::visit(
        [&](const auto& part) {
            constexpr uint32_t kNumber = schema::kFrameNumber<std::decay_t<decltype(part)>>;
            Encoder encoder(out);
            base::Writer writer(out);
            encoder.tag(kBatchFrameField, WireType::sized);
            writer.varint(tag_size(kNumber) + sized_size(size_of(part)));
            encoder.message(kNumber, part);
        },
        frame);
}

}  // namespace

void encode_binary(std::string& out, const ClientFrame& frame) { encode_binary_frame(out, frame); }
void encode_binary(std::string& out, const ServerFrame& frame) { encode_binary_frame(out, frame); }

base::Result<void> decode_binary(std::string_view message, std::vector<ReceivedFrame>& out) {
    return decode_message(message, out);
}
base::Result<void> decode_binary(std::string_view message, std::vector<ClientFrame>& out) {
    std::vector<ReceivedFrame> received;
    auto status = decode_message(message, received);
    TANDEM_CHECK(take_all(received, out));
    return status;
}
base::Result<void> decode_binary(std::string_view message, std::vector<ServerFrame>& out) {
    return decode_message(message, out);
}

}  // namespace tandem::wire
