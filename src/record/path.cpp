#include "record/path.hpp"

#include "base/limits.hpp"
#include "base/value.hpp"

namespace tandem::record {

namespace {

using base::ErrorCode;

constexpr size_t kSegmentsBelowMax = base::kPathKeysMax + base::kValueDepthMax;

void append_escaped(std::string& out, std::string_view name) {
    for (char c : name) {
        if (c == '~') {
            out.append("~0");
        } else if (c == '/') {
            out.append("~1");
        } else {
            out.push_back(c);
        }
    }
}

base::Result<Segment> parse_segment(std::string_view text) {
    Segment segment;
    if (text.starts_with('@')) {
        segment.kind = Segment::Kind::item;
        text.remove_prefix(1);
    } else if (text.starts_with("~2")) {
        segment.name.push_back('@');
        text.remove_prefix(2);
    }
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '~') {
            segment.name.push_back(text[i]);
            continue;
        }
        ++i;
        if (i == text.size() || (text[i] != '0' && text[i] != '1')) return ErrorCode::bad_path;
        segment.name.push_back(text[i] == '0' ? '~' : '/');
    }
    return segment;
}

}  // namespace

bool is_valid(const Path& path) {
    if (path.size() > base::kPathKeysMax) return false;
    for (size_t i = 0; i < path.size(); ++i) {
        if (!base::is_key(path[i].name)) return false;
        if (i > 0 && path[i - 1].is_item() && !path[i].is_item() && path[i].name == "id") {
            return false;
        }
    }
    return true;
}

base::Result<Path> parse_path(std::string_view text) {
    TANDEM_TRY(Path path, parse_path_below(text));
    if (!is_valid(path)) return ErrorCode::bad_path;
    return path;
}

base::Result<Path> parse_path_below(std::string_view text) {
    Path path;
    if (text.starts_with('/')) text.remove_prefix(1);
    if (text.empty()) return path;
    while (true) {
        size_t end = text.find('/');
        TANDEM_TRY(Segment segment, parse_segment(text.substr(0, end)));
        if (path.size() == kSegmentsBelowMax || !base::is_key(segment.name)) {
            return ErrorCode::bad_path;
        }
        path.push_back(std::move(segment));
        if (end == std::string_view::npos) return path;
        text.remove_prefix(end + 1);
    }
}

void append_path(std::string& out, const Path& path) {
    bool is_first = true;
    for (const Segment& segment : path) {
        if (!is_first) out.push_back('/');
        is_first = false;
        std::string_view name = segment.name;
        if (segment.is_item()) {
            out.push_back('@');
        } else if (name.starts_with('@')) {
            out.append("~2");
            name.remove_prefix(1);
        }
        append_escaped(out, name);
    }
}

std::string to_text(const Path& path) {
    std::string out;
    append_path(out, path);
    return out;
}

bool covers(const Path& prefix, const Path& path) {
    if (prefix.size() > path.size()) return false;
    for (size_t i = 0; i < prefix.size(); ++i) {
        if (prefix[i] != path[i]) return false;
    }
    return true;
}

void encode_path(std::string& out, const Path& path) {
    base::Writer writer(out);
    for (const Segment& segment : path) {
        writer.varint((static_cast<uint64_t>(segment.name.size()) << 1) |
                      (segment.is_item() ? 1u : 0u));
        writer.bytes(segment.name);
    }
}

base::Result<Path> decode_path(std::string_view bytes) {
    TANDEM_TRY(Path path, decode_path_below(bytes));
    if (!is_valid(path)) return ErrorCode::bad_path;
    return path;
}

base::Result<Path> decode_path_below(std::string_view bytes) {
    Path path;
    base::Reader reader(bytes);
    while (!reader.at_end()) {
        TANDEM_TRY(uint64_t head, reader.varint_max((uint64_t{base::kKeyBytesMax} << 1) | 1));
        TANDEM_TRY(std::string_view name, reader.bytes(static_cast<size_t>(head >> 1)));
        if (path.size() == kSegmentsBelowMax || !base::is_key(name)) return ErrorCode::bad_path;
        path.push_back(
            {(head & 1) != 0 ? Segment::Kind::item : Segment::Kind::key, std::string(name)});
    }
    return path;
}

}  // namespace tandem::record
