#include "yjs/update_reader.hpp"

namespace tandem::yjs {

namespace {
constexpr uint8_t kHasOrigin = 0x80;
constexpr uint8_t kHasRightOrigin = 0x40;
constexpr uint8_t kHasKey = 0x20;
constexpr uint8_t kKindBits = 0x1f;
}  // namespace

base::Status FieldReaderV2::open(std::string_view update) {
    rest = Input(update);
    // A flag for later versions of the encoding.
    rest.var_uint();
    key_clock_.open(rest.var_bytes());
    client_.open(rest.var_bytes());
    left_clock_.open(rest.var_bytes());
    right_clock_.open(rest.var_bytes());
    info_.open(rest.var_bytes());
    Input strings(rest.var_bytes());
    parent_info_.open(rest.var_bytes());
    type_ref_.open(rest.var_bytes());
    len_.open(rest.var_bytes());
    strings_ = strings.var_bytes();
    lengths_.open(strings.rest());
    size_t units = utf16_length(strings_);
    if (!rest.ok() || !strings.ok() || units == kNotUtf8)
        return base::fail(base::ErrorCode::malformed);
    strings_are_ascii_ = units == strings_.size();
    return {};
}

std::string_view FieldReaderV2::string(size_t& units) {
    units = static_cast<size_t>(lengths_.read());
    if (strings_are_ascii_) {
        if (units > strings_.size()) {
            rest.fail();
            return {};
        }
        std::string_view text = strings_.substr(0, units);
        strings_.remove_prefix(units);
        return text;
    }
    if (units == 0) return {};
    // JavaScript cuts a pair in two and writes each half as U+FFFD.
    size_t wanted = units;
    std::string repaired;
    if (in_pair_) {
        repaired = kReplacement;
        strings_.remove_prefix(4);
        in_pair_ = false;
        --wanted;
    }
    Utf16Cut cut = utf16_cut(strings_, wanted);
    std::string_view text = strings_.substr(0, cut.offset);
    bool is_short =
        !cut.splits_pair && cut.offset == strings_.size() && utf16_length(text) < wanted;
    if (is_short) {
        rest.fail();
        return {};
    }
    strings_.remove_prefix(cut.offset);
    if (repaired.empty() && !cut.splits_pair) return text;
    repaired += text;
    if (cut.splits_pair) {
        repaired += kReplacement;
        in_pair_ = true;
    }
    return repaired_.emplace_front(std::move(repaired));
}

std::string_view FieldReaderV2::key() {
    uint32_t index = key_clock_.read();
    if (index < keys_.size()) return keys_[index];
    size_t units = 0;
    keys_.push_back(string(units));
    return keys_.back();
}

template <class Fields>
base::Status StructReader<Fields>::open(std::string_view update) {
    structs_max_ = structs_max(update.size());
    TANDEM_CHECK(in_.open(update));
    clients_left_ = in_.rest.var_uint();
    next();
    return status();
}

template <class Fields>
base::Status StructReader<Fields>::status() const {
    if (is_too_large_) return base::fail(base::ErrorCode::too_large, structs_max_);
    if (!in_.ok()) return base::fail(base::ErrorCode::malformed);
    return {};
}

template <class Fields>
const RawStruct* StructReader<Fields>::next() {
    has_current_ = false;
    while (structs_left_ == 0) {
        if (clients_left_ == 0 || !in_.ok()) return nullptr;
        --clients_left_;
        structs_left_ = in_.rest.var_uint();
        client_ = in_.client();
        clock_ = in_.rest.var_uint();
        if (client_ > (uint64_t{1} << 53) - 1) in_.rest.fail();
    }
    if (structs_ == structs_max_) {
        is_too_large_ = true;
        return nullptr;
    }
    ++structs_;
    --structs_left_;
    read_struct();
    // Nothing that Yjs writes takes no clock, and what takes none could never be addressed.
    if (current_.content.len == 0) in_.rest.fail();
    clock_ += current_.content.len;
    if (clock_ > UINT32_MAX) in_.rest.fail();
    if (!in_.ok()) return nullptr;
    has_current_ = true;
    return &current_;
}

template <class Fields>
void StructReader<Fields>::read_struct() {
    uint8_t info = in_.info();
    auto kind = static_cast<Kind>(info & kKindBits);
    // What the flags say is not there keeps its old value: this runs once for each struct.
    current_.has_origin = false;
    current_.has_right_origin = false;
    current_.has_key = false;
    current_.parent = RawStruct::Parent::inherited;
    current_.content.name = {};
    current_.content.body = {};
    current_.id = {client_, static_cast<uint32_t>(clock_)};
    if (kind == Kind::gc || kind == Kind::skip) {
        current_.content.kind = kind;
        current_.content.len = kind == Kind::gc ? in_.len() : in_.rest.var_uint32();
        return;
    }
    if ((info & kHasOrigin) != 0) {
        current_.has_origin = true;
        current_.origin = in_.left_id();
    }
    if ((info & kHasRightOrigin) != 0) {
        current_.has_right_origin = true;
        current_.right_origin = in_.right_id();
    }
    if ((info & (kHasOrigin | kHasRightOrigin)) == 0) {
        if (in_.parent_is_root()) {
            size_t units = 0;
            current_.parent = RawStruct::Parent::root;
            current_.parent_name = in_.string(units);
        } else {
            current_.parent = RawStruct::Parent::item;
            current_.parent_id = in_.left_id();
        }
        if ((info & kHasKey) != 0) {
            size_t units = 0;
            current_.has_key = true;
            current_.key = in_.string(units);
        }
    }
    // With an origin the bit of the key may be set too; the key itself is then the neighbour's.
    read_content(kind);
}

template <class Fields>
std::string_view StructReader<Fields>::canonical(uint64_t count) {
    const char* from = in_.rest.position();
    scratch_.clear();
    for (uint64_t i = 0; i < count && in_.ok(); ++i)
        copy_any(in_.rest, scratch_);
    if (!in_.ok()) return {};
    std::string_view as_read(from, static_cast<size_t>(in_.rest.position() - from));
    return as_read == scratch_.view() ? as_read : keep(scratch_);
}

template <class Fields>
void StructReader<Fields>::read_content(Kind kind) {
    Content& content = current_.content;
    content.kind = kind;
    content.len = 1;
    switch (kind) {
        case Kind::deleted:
            content.len = in_.len();
            return;
        case Kind::json: {
            content.len = in_.len();
            scratch_.clear();
            for (uint32_t i = 0; i < content.len && in_.ok(); ++i) {
                size_t units = 0;
                std::string_view text = in_.string(units);
                if (text == "undefined") {
                    scratch_.bytes(kAnyUndefined);
                } else if (!append_any_of_json(text, scratch_)) {
                    in_.rest.fail();
                }
            }
            content.body = keep(scratch_);
            return;
        }
        case Kind::binary:
            content.body = in_.rest.var_bytes();
            return;
        case Kind::string: {
            size_t units = 0;
            content.body = in_.string(units);
            if (units > UINT32_MAX) in_.rest.fail();
            content.len = static_cast<uint32_t>(units);
            return;
        }
        case Kind::embed:
            scratch_.clear();
            if (in_.json(scratch_)) content.body = keep(scratch_);
            return;
        case Kind::format:
            content.name = in_.key();
            scratch_.clear();
            if (in_.json(scratch_)) content.body = keep(scratch_);
            return;
        case Kind::type: {
            uint8_t ref = in_.type_ref();
            if (ref > static_cast<uint8_t>(TypeKind::xml_text)) {
                in_.rest.fail();
                return;
            }
            content.type = static_cast<TypeKind>(ref);
            if (has_name(content.type)) content.name = in_.key();
            return;
        }
        case Kind::any:
            content.len = in_.len();
            content.body = canonical(content.len);
            return;
        case Kind::doc: {
            size_t units = 0;
            content.name = in_.string(units);
            content.body = canonical(1);
            // Yjs refuses the whole update: it cannot make a document of these.
            if (content.body == kAnyNull || content.body == kAnyUndefined) in_.rest.fail();
            return;
        }
        case Kind::gc:
        case Kind::skip:
            break;
    }
    in_.rest.fail();
}

template class StructReader<FieldReaderV1>;
template class StructReader<FieldReaderV2>;

}  // namespace tandem::yjs
