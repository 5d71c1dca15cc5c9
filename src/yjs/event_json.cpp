#include "base/value.hpp"
#include "yjs/any.hpp"
#include "yjs/events.hpp"

namespace tandem::yjs {

namespace {

using base::append_json_string;

const char* shown_kind(TypeKind kind) {
    switch (kind) {
        case TypeKind::array:
            return "array";
        case TypeKind::map:
            return "map";
        case TypeKind::text:
            return "text";
        case TypeKind::xml_element:
            return "xml_element";
        case TypeKind::xml_fragment:
            return "xml_fragment";
        case TypeKind::xml_hook:
            return "xml_hook";
        case TypeKind::xml_text:
            return "xml_text";
        case TypeKind::unknown:
            return "unknown";
    }
    return "unknown";
}

class EventWriter {
  public:
    explicit EventWriter(std::string& out) : out_(out) {}

    void path(const std::vector<PathStep>& path) {
        list(path, [&](const PathStep& step) {
            if (step.is_key) {
                append_json_string(out_, step.key);
            } else {
                out_ += std::to_string(step.position);
            }
        });
    }

    void keys(const std::vector<KeyChange>& keys) {
        out_ += '{';
        const char* separator = "";
        for (const KeyChange& change : keys) {
            out_ += separator;
            separator = ",";
            append_json_string(out_, change.key);
            switch (change.action) {
                case KeyChange::Action::add:
                    out_ += ":{\"action\":\"add\"";
                    break;
                case KeyChange::Action::update:
                    out_ += ":{\"action\":\"update\"";
                    break;
                case KeyChange::Action::remove:
                    out_ += ":{\"action\":\"delete\"";
                    break;
            }
            const EventValue& old = change.old_value;
            if (old.kind != Kind::deleted && old.body != kAnyUndefined) {
                out_ += ",\"oldValue\":";
                value(old);
            }
            out_ += '}';
        }
        out_ += '}';
    }

    void delta(const std::vector<DeltaOp>& delta, bool is_text) {
        list(delta, [&](const DeltaOp& op) {
            switch (op.action) {
                case DeltaOp::Action::retain:
                    out_ += "{\"retain\":" + std::to_string(op.len);
                    break;
                case DeltaOp::Action::remove:
                    out_ += "{\"delete\":" + std::to_string(op.len);
                    break;
                case DeltaOp::Action::insert:
                    out_ += "{\"insert\":";
                    if (!is_text) {
                        list(op.values, [&](const EventValue& one) { value(one); });
                    } else if (op.values.empty()) {
                        append_json_string(out_, op.text);
                    } else {
                        value(op.values[0]);
                    }
                    break;
            }
            attributes(op.attributes);
            out_ += '}';
        });
    }

    void ranges(const std::vector<EventRange>& ranges) {
        list(ranges, [&](const EventRange& range) {
            out_ += '[' + std::to_string(range.id.client) + ',' + std::to_string(range.id.clock) +
                    ',' + std::to_string(range.len) + ']';
        });
    }

  private:
    template <class Items, class Write>
    void list(const Items& items, Write&& write) {
        out_ += '[';
        const char* separator = "";
        for (const auto& item : items) {
            out_ += separator;
            separator = ",";
            write(item);
        }
        out_ += ']';
    }

    void attributes(const Attributes& attributes) {
        if (attributes.empty()) return;
        out_ += ",\"attributes\":{";
        const char* separator = "";
        for (const Attribute& attribute : attributes) {
            out_ += separator;
            separator = ",";
            append_json_string(out_, attribute.name);
            out_ += ':';
            append_json_of_any(attribute.value, out_);
        }
        out_ += '}';
    }

    void value(const EventValue& value) {
        switch (value.kind) {
            case Kind::any:
            case Kind::json:
            case Kind::embed:
                append_json_of_any(value.body, out_);
                return;
            case Kind::string:
                append_json_string(out_, value.body);
                return;
            case Kind::binary:
                list(value.body,
                     [&](char byte) { out_ += std::to_string(static_cast<unsigned char>(byte)); });
                return;
            case Kind::type:
                out_ += "{\"type\":\"";
                out_ += shown_kind(value.type);
                out_ += "\"}";
                return;
            case Kind::doc:
                out_ += "{\"guid\":";
                append_json_string(out_, value.name);
                out_ += '}';
                return;
            case Kind::gc:
            case Kind::deleted:
            case Kind::format:
            case Kind::skip:
                out_ += "null";
                return;
        }
    }

    std::string& out_;
};

}  // namespace

void append_path_json(const std::vector<PathStep>& path, std::string& out) {
    EventWriter(out).path(path);
}

void append_keys_json(const std::vector<KeyChange>& keys, std::string& out) {
    EventWriter(out).keys(keys);
}

void append_delta_json(const std::vector<DeltaOp>& delta, bool is_text, std::string& out) {
    EventWriter(out).delta(delta, is_text);
}

void append_event_json(const Event& event, const std::vector<PathStep>& path, std::string& out) {
    EventWriter writer(out);
    out += "{\"path\":";
    writer.path(path);
    out += ",\"keys\":";
    writer.keys(event.keys);
    out += ",\"delta\":";
    writer.delta(event.delta, event.is_text);
    out += ",\"added\":";
    writer.ranges(event.added);
    out += ",\"deleted\":";
    writer.ranges(event.removed);
    out += '}';
}

}  // namespace tandem::yjs
