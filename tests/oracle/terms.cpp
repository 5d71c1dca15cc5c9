#include "oracle/terms.hpp"

#include <cmath>
#include <cstring>

namespace tandem::oracle {

bool is_utf8(std::string_view text) {
    size_t i = 0;
    while (i < text.size()) {
        const auto lead = static_cast<unsigned char>(text[i]);
        size_t more = 0;
        uint32_t code = 0;
        if (lead < 0x80) {
            code = lead;
        } else if (lead >= 0xc2 && lead <= 0xdf) {
            more = 1;
            code = lead & 0x1fu;
        } else if (lead >= 0xe0 && lead <= 0xef) {
            more = 2;
            code = lead & 0x0fu;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            more = 3;
            code = lead & 0x07u;
        } else {
            return false;
        }
        if (text.size() - i <= more) return false;
        for (size_t k = 1; k <= more; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0u) != 0x80u) return false;
            code = (code << 6) | (next & 0x3fu);
        }
        if (more == 2 && code < 0x800) return false;
        if (more == 3 && (code < 0x10000 || code > 0x10ffff)) return false;
        if (code >= 0xd800 && code <= 0xdfff) return false;
        i += more + 1;
    }
    return true;
}

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > 255 || !is_utf8(text)) return false;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) return false;
    }
    return text != "__proto__" && text != "constructor" && text != "prototype";
}

namespace {

std::optional<Segment> parse_segment(std::string_view text) {
    Segment segment;
    if (!text.empty() && text[0] == '@') {
        segment.is_item = true;
        text.remove_prefix(1);
    }
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '~') {
            segment.name += text[i];
            continue;
        }
        if (i + 1 == text.size()) return std::nullopt;
        const char code = text[++i];
        if (code == '0') {
            segment.name += '~';
        } else if (code == '1') {
            segment.name += '/';
        } else if (code == '2' && i == 1 && !segment.is_item) {
            segment.name += '@';
        } else {
            return std::nullopt;
        }
    }
    if (!is_name(segment.name)) return std::nullopt;
    return segment;
}

}  // namespace

std::optional<Path> parse_path(std::string_view text) {
    if (!text.empty() && text[0] == '/') text.remove_prefix(1);
    Path path;
    if (text.empty()) return path;
    for (;;) {
        const size_t slash = text.find('/');
        const auto segment = parse_segment(text.substr(0, slash));
        if (!segment) return std::nullopt;
        if (!path.empty() && path.back().is_item && !segment->is_item && segment->name == "id") {
            return std::nullopt;
        }
        path.push_back(*segment);
        if (slash == std::string_view::npos) break;
        text.remove_prefix(slash + 1);
    }
    if (path.size() > 32) return std::nullopt;
    return path;
}

std::string path_text(const Path& path) {
    std::string text;
    for (size_t i = 0; i < path.size(); ++i) {
        if (i > 0) text += '/';
        if (path[i].is_item) text += '@';
        for (size_t k = 0; k < path[i].name.size(); ++k) {
            const char c = path[i].name[k];
            if (c == '~') {
                text += "~0";
            } else if (c == '/') {
                text += "~1";
            } else if (c == '@' && k == 0 && !path[i].is_item) {
                text += "~2";
            } else {
                text += c;
            }
        }
    }
    return text;
}

bool is_above(const Path& upper, const Path& path) {
    if (upper.size() >= path.size()) return false;
    for (size_t i = 0; i < upper.size(); ++i) {
        if (upper[i] != path[i]) return false;
    }
    return true;
}

std::optional<int64_t> integer_of(const json& value) {
    if (!value.is_number()) return std::nullopt;
    const double number = value.get<double>();
    if (number != std::floor(number) || std::fabs(number) > static_cast<double>(kIntegerMax)) {
        return std::nullopt;
    }
    return static_cast<int64_t>(number);
}

int64_t clamped(__int128 value) {
    if (value > kIntegerMax) return kIntegerMax;
    if (value < -kIntegerMax) return -kIntegerMax;
    return static_cast<int64_t>(value);
}

json normal(const json& value) {
    if (value.is_number()) {
        if (const auto whole = integer_of(value)) return json(*whole);
        return json(value.get<double>());
    }
    if (value.is_array() || value.is_object()) {
        json copy = value;
        for (auto& part : copy)
            part = normal(part);
        return copy;
    }
    return value;
}

namespace {

void put_varint(std::string& out, uint64_t value) {
    while (value >= 0x80) {
        out += static_cast<char>(static_cast<unsigned char>(value | 0x80));
        value >>= 7;
    }
    out += static_cast<char>(static_cast<unsigned char>(value));
}

void put_field(std::string& out, char tag, const std::string& bytes) {
    out += tag;
    put_varint(out, bytes.size());
    out += bytes;
}

}  // namespace

std::string canonical_bytes(const json& value) {
    std::string out;
    if (value.is_boolean()) {
        out = {'\x08', value.get<bool>() ? '\x01' : '\x00'};
    } else if (const auto whole = integer_of(value)) {
        out += '\x10';
        const auto twice = static_cast<uint64_t>(*whole) << 1;
        put_varint(out, *whole < 0 ? ~twice : twice);
    } else if (value.is_number()) {
        const double number = value.get<double>();
        uint64_t bits = 0;
        std::memcpy(&bits, &number, sizeof bits);
        out += '\x19';
        for (int i = 0; i < 8; ++i)
            out += static_cast<char>((bits >> (8 * i)) & 0xff);
    } else if (value.is_string()) {
        put_field(out, '\x22', value.get<std::string>());
    } else if (value.is_array()) {
        std::string body;
        for (const auto& part : value)
            put_field(body, '\x0a', canonical_bytes(part));
        put_field(out, '\x2a', body);
    } else if (value.is_object()) {
        std::string body;
        for (const auto& [key, part] : value.items()) {
            std::string member;
            put_field(member, '\x0a', key);
            put_field(member, '\x12', canonical_bytes(part));
            put_field(body, '\x0a', member);
        }
        put_field(out, '\x32', body);
    }
    return out;
}

bool is_writing(const std::string& op) { return op != "delete" && op != "remove" && op != "move"; }

namespace {

bool members_make_sense(const json& object, size_t depth, bool is_item) {
    for (const auto& [key, value] : object.items()) {
        if (!is_name(key) || (is_item && key == "id") || depth + 1 > 32) return false;
        if (value.is_object() && !members_make_sense(value, depth + 1, false)) return false;
    }
    return true;
}

}  // namespace

bool makes_sense(const json& op) {
    const auto path = parse_path(op.at("path").get<std::string>());
    if (!path) return false;
    const std::string kind = op.at("op");
    const json value = op.contains("value") ? op["value"] : json();
    const bool at_item = !path->empty() && path->back().is_item;
    if (kind == "set" || kind == "delete") return true;
    if (kind == "assign") {
        return value.is_object() && members_make_sense(value, path->size(), at_item);
    }
    if (kind == "inc") return integer_of(value).has_value();
    if (kind == "counter_set") {
        return integer_of(value).has_value() && integer_of(op.value("seen", json(0))).has_value();
    }
    if (kind == "add" || kind == "remove") {
        return value.is_string() || value.is_number() || value.is_boolean();
    }
    if (kind == "insert") {
        return at_item && (value.is_null() ||
                           (value.is_object() && members_make_sense(value, path->size(), true)));
    }
    return kind == "move" && at_item;
}

}  // namespace tandem::oracle
