#include <charconv>

#include "base/base64.hpp"
#include "base/window.hpp"
#include "wire/frames.hpp"

namespace tandem::wire {
namespace {

/// Writes one object, member by member. `text`, `number` and `flag` leave out what is empty, zero
/// or false; a reader takes an absent member for that.
class ObjectWriter {
  public:
    explicit ObjectWriter(std::string& out) : out_(&out) { out_->push_back('{'); }
    ObjectWriter(const ObjectWriter&) = delete;
    ObjectWriter& operator=(const ObjectWriter&) = delete;
    ~ObjectWriter() { out_->push_back('}'); }

    std::string& key(std::string_view name) {
        if (!is_first_) out_->push_back(',');
        is_first_ = false;
        out_->push_back('"');
        out_->append(name);
        out_->append("\":");
        return *out_;
    }
    void always_text(std::string_view name, std::string_view v) {
        base::append_json_string(key(name), v);
    }
    void text(std::string_view name, std::string_view v) {
        if (!v.empty()) always_text(name, v);
    }
    void always_number(std::string_view name, uint64_t v) { append(key(name), v); }
    void number(std::string_view name, uint64_t v) {
        if (v != 0) always_number(name, v);
    }
    void flag(std::string_view name, bool v) {
        if (v) key(name).append("true");
    }
    /// 64 bits do not fit into a JSON number that every language reads exactly.
    void epoch(std::string_view name, uint64_t v) {
        if (v == 0) return;
        key(name).push_back('"');
        append(*out_, v);
        out_->push_back('"');
    }
    void bytes(std::string_view name, std::string_view v) {
        if (!v.empty()) key(name).append(1, '"').append(base::to_base64(v)).push_back('"');
    }
    void texts(std::string_view name, const std::vector<std::string>& list) {
        if (list.empty()) return;
        key(name).push_back('[');
        for (size_t i = 0; i < list.size(); ++i) {
            if (i > 0) out_->push_back(',');
            base::append_json_string(*out_, list[i]);
        }
        out_->push_back(']');
    }
    /// Each as a text where that reads back as the same.
    void selections(std::string_view name, const std::vector<Selection>& list) {
        key(name).push_back('[');
        for (size_t i = 0; i < list.size(); ++i) {
            if (i > 0) out_->push_back(',');
            const Selection& one = list[i];
            if (one.to == 0 && !base::split_window(one.path)) {
                base::append_json_string(*out_, one.path);
                continue;
            }
            ObjectWriter object(*out_);
            object.always_text("path", one.path);
            if (one.to == 0) continue;
            std::string& window = object.key("window");
            window.push_back('[');
            append(window, one.from);
            window.push_back(',');
            append(window, one.to);
            window.push_back(']');
        }
        out_->push_back(']');
    }
    void value(std::string_view name, const base::Value& v) { base::append_json(key(name), v); }
    /// JSON text that the caller made, taken as it is; `empty` stands for no text.
    void raw(std::string_view name, std::string_view json, std::string_view empty) {
        key(name).append(json.empty() ? empty : json);
    }

  private:
    static void append(std::string& out, uint64_t v) {
        char digits[20];
        out.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
    }

    std::string* out_;
    bool is_first_ = true;
};

void write(ObjectWriter& w, const Hello& f) {
    w.always_number("version", f.version);
    w.text("client", f.client);
    w.flag("want_actor", f.want_actor);
    w.number("time_ms", f.time_ms);
    w.text("token", f.token);
}
void write(ObjectWriter& w, const Subscribe& f) {
    w.always_text("channel", f.channel);
    if (f.has_after) {
        ObjectWriter after(w.key("after"));
        after.epoch("epoch", f.after_epoch);
        after.always_number("seq", f.after);
        after.number("check", f.check);
    }
    w.number("actor", f.actor);
    w.number("known_counter", f.known_counter);
    if (!f.select.empty()) w.selections("select", f.select);
    if (!f.held.empty()) w.selections("held", f.held);
    w.number("select_version", f.select_version);
}
void write(ObjectWriter& w, const Unsubscribe& f) { w.always_text("channel", f.channel); }
void write(ObjectWriter& w, const Push& f) {
    w.always_text("channel", f.channel);
    w.number("actor", f.actor);
    w.number("counter", f.counter);
    w.number("stamp_ms", f.stamp_ms);
    w.number("stamp_logical", f.stamp_logical);
    if (!f.ops_json.is_null()) w.value("ops", f.ops_json);
    if (!f.base_json.is_null()) w.value("base", f.base_json);
    w.flag("skip", f.skip);
    w.texts("if_unchanged", f.if_unchanged);
    w.number("ref", f.ref);
}
void write(ObjectWriter& w, const PresenceSet& f) {
    w.always_text("channel", f.channel);
    w.value("state", f.state);
    w.flag("leave", f.leave);
}
void write(ObjectWriter& w, const SignalSend& f) {
    w.always_text("channel", f.channel);
    w.always_text("name", f.name);
    w.value("value", f.value);
}
void write(ObjectWriter& w, const Ping& f) { w.number("time_ms", f.time_ms); }
void write(ObjectWriter& w, const TextSend& f) {
    w.always_text("channel", f.channel);
    w.text("name", f.name);
    w.bytes("message", f.message);
    w.flag("more", f.more);
    w.number("ref", f.ref);
    w.flag("leave", f.leave);
}

void write(ObjectWriter& w, const Welcome& f) {
    w.always_number("version", f.version);
    w.always_text("connection", f.connection);
    w.number("actor", f.actor);
    w.always_number("time_ms", f.time_ms);
    w.number("heartbeat_ms", f.heartbeat_ms);
    w.number("message_bytes_max", f.message_bytes_max);
    w.text("server", f.server);
}
void write(ObjectWriter& w, const Subscribed& f) {
    w.always_text("channel", f.channel);
    w.epoch("epoch", f.epoch);
    w.always_number("head", f.head);
    w.always_number("acked_counter", f.acked_counter);
    w.number("select_version", f.select_version);
}
void write(ObjectWriter& w, const Delivery& f) {
    w.always_text("channel", f.channel);
    switch (f.kind) {
        case DeliveryKind::live:
            w.always_number("from", f.from);
            w.always_number("to", f.to);
            w.raw("items", f.items, "[]");
            break;
        case DeliveryKind::diff:
            w.always_number("from", f.from);
            w.always_number("to", f.to);
            w.epoch("epoch", f.epoch);
            break;
        case DeliveryKind::snapshot:
            w.epoch("epoch", f.epoch);
            w.always_number("seq", f.to);
            w.key("reset").append(f.reset ? "true" : "false");
            w.raw("value", f.value, "{}");
            break;
    }
    w.raw("changes", f.changes, "[]");
    if (f.kind != DeliveryKind::live) w.always_number("acked_counter", f.acked_counter);
    w.number("check", f.check);
    w.flag("more", f.more);
    w.flag("installs", f.installs);
}
void write(ObjectWriter& w, const Ack& f) {
    w.always_text("channel", f.channel);
    w.number("actor", f.actor);
    w.number("counter", f.counter);
    w.always_number("seq", f.seq);
    w.flag("duplicate", f.duplicate);
    w.number("stamp_ms", f.stamp_ms);
    w.number("stamp_logical", f.stamp_logical);
    w.number("ref", f.ref);
    w.epoch("epoch", f.epoch);
    w.texts("ids", f.ids);
}
void write(ObjectWriter& w, const ErrorFrame& f) {
    w.always_text("code", f.code);
    w.always_text("message", f.message);
    w.always_text("hint", f.hint);
    w.text("docs", f.docs);
    w.text("channel", f.channel);
    w.number("actor", f.actor);
    w.number("counter", f.counter);
    w.number("retry_after_ms", f.retry_after_ms);
    w.number("ref", f.ref);
    w.flag("temporary", f.temporary);
    w.number("number", f.number);
    w.number("acked_counter", f.acked_counter);
}
void write(ObjectWriter& w, const Members& f) {
    w.always_text("channel", f.channel);
    w.flag("full", f.full);
    std::string& out = w.key("joined");
    out.push_back('[');
    for (size_t i = 0; i < f.joined.size(); ++i) {
        if (i > 0) out.push_back(',');
        ObjectWriter member(out);
        member.always_text("id", f.joined[i].id);
        member.text("user", f.joined[i].user);
        member.value("state", f.joined[i].state);
        if (!f.joined[i].info.is_null()) member.value("info", f.joined[i].info);
    }
    out.push_back(']');
    w.texts("left", f.left);
    w.text("self", f.self);
}
void write(ObjectWriter& w, const SignalReceived& f) {
    w.always_text("channel", f.channel);
    w.text("from", f.from);
    w.always_text("name", f.name);
    w.value("value", f.value);
}
void write(ObjectWriter& w, const Pong& f) {
    w.number("time_ms", f.time_ms);
    w.always_number("server_ms", f.server_ms);
}
void write(ObjectWriter& w, const Bye& f) {
    w.always_text("code", f.code);
    w.text("message", f.message);
    w.number("reconnect_after_ms", f.reconnect_after_ms);
}

void write(ObjectWriter& w, const TextReceived& f) {
    w.always_text("channel", f.channel);
    w.always_text("name", f.name);
    w.bytes("message", f.message);
    w.number("ref", f.ref);
    w.number("seq", f.seq);
    w.text("code", f.code);
    w.text("reason", f.reason);
    w.flag("temporary", f.temporary);
    w.number("retry_after_ms", f.retry_after_ms);
    w.flag("closed", f.closed);
}

std::string_view name_of(const Hello&) { return "hello"; }
std::string_view name_of(const Subscribe&) { return "subscribe"; }
std::string_view name_of(const Unsubscribe&) { return "unsubscribe"; }
std::string_view name_of(const Push&) { return "push"; }
std::string_view name_of(const PresenceSet&) { return "presence"; }
std::string_view name_of(const SignalSend&) { return "signal"; }
std::string_view name_of(const Ping&) { return "ping"; }
std::string_view name_of(const TextSend&) { return "text"; }
std::string_view name_of(const Welcome&) { return "welcome"; }
std::string_view name_of(const Subscribed&) { return "subscribed"; }
std::string_view name_of(const Delivery& f) {
    switch (f.kind) {
        case DeliveryKind::live:
            return "entries";
        case DeliveryKind::diff:
            return "diff";
        case DeliveryKind::snapshot:
            return "snapshot";
    }
    return "entries";
}
std::string_view name_of(const Ack&) { return "ack"; }
std::string_view name_of(const ErrorFrame&) { return "error"; }
std::string_view name_of(const Members&) { return "members"; }
std::string_view name_of(const SignalReceived&) { return "signal"; }
std::string_view name_of(const Pong&) { return "pong"; }
std::string_view name_of(const Bye&) { return "bye"; }
std::string_view name_of(const TextReceived&) { return "text"; }

template <class Variant>
void encode_json_frame(std::string& out, const Variant& frame) {
    std::visit(
        [&](const auto& part) {
            ObjectWriter outer(out);
            ObjectWriter inner(outer.key(name_of(part)));
            write(inner, part);
        },
        frame);
}

}  // namespace

void encode_json(std::string& out, const ClientFrame& frame) { encode_json_frame(out, frame); }
void encode_json(std::string& out, const ServerFrame& frame) { encode_json_frame(out, frame); }

}  // namespace tandem::wire
