#include "yjs/update_writer.hpp"

namespace tandem::yjs {

void FieldWriterV2::finish(Buffer& out) {
    // A flag for later versions of the encoding.
    out.var_uint(0);
    out.var_bytes(key_clock_.finish());
    out.var_bytes(client_.finish());
    out.var_bytes(left_clock_.finish());
    out.var_bytes(right_clock_.finish());
    out.var_bytes(info_.finish());
    strings_.finish(out);
    out.var_bytes(parent_info_.finish());
    out.var_bytes(type_ref_.finish());
    out.var_bytes(len_.finish());
    out.bytes(rest.view());
}

void FieldWriterV2::clear() {
    key_clock_.clear();
    client_.clear();
    left_clock_.clear();
    right_clock_.clear();
    info_.clear();
    strings_.clear();
    parent_info_.clear();
    type_ref_.clear();
    len_.clear();
    rest.clear();
    next_key_ = 0;
    delete_end_ = 0;
}

Content content_from(const Content& content, uint32_t offset, std::string& repaired) {
    if (offset == 0) return content;
    Content part = content;
    part.len -= offset;
    switch (content.kind) {
        case Kind::string: {
            Utf16Cut cut = content.body.size() == content.len ? Utf16Cut{offset, false}
                                                              : utf16_cut(content.body, offset);
            if (!cut.splits_pair) {
                part.body.remove_prefix(cut.offset);
                return part;
            }
            repaired = kReplacement;
            repaired += content.body.substr(cut.offset + 4);
            part.body = repaired;
            return part;
        }
        case Kind::any:
        case Kind::json: {
            Input values(content.body);
            for (uint32_t i = 0; i < offset; ++i)
                skip_any(values);
            part.body = values.rest();
            return part;
        }
        case Kind::gc:
        case Kind::deleted:
        case Kind::skip:
        case Kind::binary:
        case Kind::embed:
        case Kind::format:
        case Kind::type:
        case Kind::doc:
            return part;
    }
    TANDEM_UNREACHABLE();
}

template <class Fields>
void write_content(Fields& out, const Content& content) {
    switch (content.kind) {
        case Kind::gc:
        case Kind::deleted:
            out.len(content.len);
            return;
        case Kind::skip:
            out.rest.var_uint(content.len);
            return;
        case Kind::json: {
            out.len(content.len);
            Input values(content.body);
            std::string text;
            while (!values.at_end()) {
                const char* from = values.position();
                skip_any(values);
                std::string_view value(from, static_cast<size_t>(values.position() - from));
                text.clear();
                if (value == kAnyUndefined) {
                    text = "undefined";
                } else {
                    append_json_of_any(value, text);
                }
                out.string(text);
            }
            return;
        }
        case Kind::binary:
            out.rest.var_bytes(content.body);
            return;
        case Kind::string:
            out.string(content.body, content.len);
            return;
        case Kind::embed:
            out.json(content.body);
            return;
        case Kind::format:
            out.key(content.name);
            out.json(content.body);
            return;
        case Kind::type:
            out.type_ref(content.type);
            if (has_name(content.type)) out.key(content.name);
            return;
        case Kind::any:
            out.len(content.len);
            out.rest.bytes(content.body);
            return;
        case Kind::doc:
            out.string(content.name);
            out.rest.bytes(content.body);
            return;
    }
}

template <class Fields>
void write_struct(Fields& out, const RawStruct& item, uint32_t offset) {
    std::string repaired;
    Content content = content_from(item.content, offset, repaired);
    if (content.kind == Kind::gc || content.kind == Kind::skip) {
        out.info(static_cast<uint8_t>(content.kind));
        write_content(out, content);
        return;
    }
    bool has_origin = item.has_origin || offset > 0;
    out.info(info_byte(content.kind, has_origin, item.has_right_origin, item.has_key));
    if (has_origin) {
        out.left_id(offset > 0 ? Id{item.id.client, item.id.clock + offset - 1} : item.origin);
    }
    if (item.has_right_origin) out.right_id(item.right_origin);
    if (!has_origin && !item.has_right_origin) {
        bool is_root = item.parent == RawStruct::Parent::root;
        out.parent_is_root(is_root);
        if (is_root) {
            out.string(item.parent_name);
        } else {
            out.left_id(item.parent_id);
        }
        if (item.has_key) out.string(item.key);
    }
    write_content(out, content);
}

template void write_content(FieldWriterV1&, const Content&);
template void write_content(FieldWriterV2&, const Content&);
template void write_struct(FieldWriterV1&, const RawStruct&, uint32_t);
template void write_struct(FieldWriterV2&, const RawStruct&, uint32_t);

}  // namespace tandem::yjs
