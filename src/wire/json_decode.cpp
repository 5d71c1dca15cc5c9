#include <charconv>

#include "base/base64.hpp"
#include "base/window.hpp"
#include "wire/frames.hpp"
#include "wire/limits.hpp"
#include "wire/received.hpp"

namespace tandem::wire {
namespace {

using base::ErrorCode;
using base::Value;

/// Of one op only the value counts; what else it has is bounded by the message.
base::Result<void> check_op(const Value& op, std::string_view& where) {
    where = "ops";
    if (!op.is_object()) return base::check_value(op);
    for (const base::Member& member : op.as_object()) {
        const bool is_value = member.key == "value";
        where = is_value ? "ops.value" : "ops";
        if (base::is_reserved_key(member.key)) return base::fail(ErrorCode::reserved_key);
        TANDEM_CHECK(base::check_value(
            member.value, {base::kValueDepthMax, is_value ? base::kKeysPerOpMax : SIZE_MAX}));
    }
    return {};
}

/// Reads the members of one frame, of which nothing is checked yet. The first error is kept
/// together with the member's name, and the other members are read all the same; one that is absent
/// or in error leaves the target as it is.
class ObjectReader {
  public:
    ObjectReader(std::string_view frame, const Value& object) : frame_(frame), object_(&object) {
        if (!object.is_object()) fail("", ErrorCode::wrong_type);
    }

    const base::Result<void>& status() const { return status_; }
    const std::string& where() const { return where_; }

    void fail(std::string_view name, ErrorCode code) {
        if (!status_) return;
        status_ = code;
        where_ = frame_;
        if (!name.empty()) where_.append(".").append(name);
    }
    const Value* find(std::string_view name) const { return object_->find(name); }

    void text(std::string_view name, std::string& out, size_t bytes_max) {
        const Value* v = find(name);
        if (v == nullptr) return;
        if (!v->is_string()) return fail(name, ErrorCode::wrong_type);
        if (v->as_string().size() > bytes_max) return fail(name, ErrorCode::too_large);
        if (!base::is_utf8(v->as_string())) return fail(name, ErrorCode::malformed);
        out = v->as_string();
    }
    void channel(std::string& out) {
        text("channel", out, base::kChannelNameBytesMax);
        if (out.empty()) fail("channel", ErrorCode::bad_channel);
    }
    template <class T>
    void number(std::string_view name, T& out, uint64_t max = base::kIntegerMax) {
        if (const Value* v = find(name)) number_of(name, *v, out, max);
    }
    template <class T>
    void number_of(std::string_view name, const Value& v, T& out, uint64_t max) {
        if (!v.is_number()) return fail(name, ErrorCode::wrong_type);
        if (!v.is_integer() || v.as_integer() < 0) return fail(name, ErrorCode::out_of_range);
        auto number = static_cast<uint64_t>(v.as_integer());
        if (number > max) return fail(name, ErrorCode::out_of_range);
        out = static_cast<T>(number);
    }
    void flag(std::string_view name, bool& out) {
        const Value* v = find(name);
        if (v == nullptr) return;
        if (!v->is_bool()) return fail(name, ErrorCode::wrong_type);
        out = v->as_bool();
    }
    void bytes(std::string_view name, std::string& out) {
        const Value* v = find(name);
        if (v == nullptr) return;
        if (!v->is_string()) return fail(name, ErrorCode::wrong_type);
        auto read = base::from_base64(v->as_string());
        if (!read) return fail(name, read.error().code);
        out = *std::move(read);
    }
    void texts(std::string_view name, std::vector<std::string>& out) {
        const Value* v = find(name);
        if (v == nullptr) return;
        if (!v->is_array()) return fail(name, ErrorCode::wrong_type);
        if (v->as_array().size() > kPathsPerFrameMax) return fail(name, ErrorCode::too_large);
        for (const Value& item : v->as_array()) {
            if (!item.is_string()) return fail(name, ErrorCode::wrong_type);
            if (item.as_string().size() > kPathTextBytesMax)
                return fail(name, ErrorCode::too_large);
            if (!base::is_utf8(item.as_string())) return fail(name, ErrorCode::malformed);
            out.push_back(item.as_string());
        }
    }
    /// Texts, or objects with a path and perhaps a window.
    void selections(std::string_view name, std::vector<Selection>& out) {
        const Value* v = find(name);
        if (v == nullptr || v->is_null()) return;
        if (!v->is_array()) return fail(name, ErrorCode::wrong_type);
        if (v->as_array().size() > kPathsPerFrameMax) return fail(name, ErrorCode::too_large);
        for (const Value& item : v->as_array())
            selection(name, item, out.emplace_back());
    }
    void value(std::string_view name, Value& out) {
        const Value* v = find(name);
        if (v == nullptr) return;
        if (auto status = base::check_value(*v); !status) return fail(name, status.error().code);
        out = *v;
    }
    /// Each op counts by itself.
    void ops(Value& out) {
        const Value* v = find("ops");
        if (v == nullptr || v->is_null()) return;
        if (!v->is_array()) return fail("ops", ErrorCode::wrong_type);
        if (v->as_array().size() > base::kOpsPerPushMax) return fail("ops", ErrorCode::too_large);
        for (const Value& op : v->as_array()) {
            std::string_view where;
            if (auto status = check_op(op, where); !status) return fail(where, status.error().code);
        }
        out = *v;
    }
    /// A seq, or an object with the epoch as a decimal string.
    void after(Subscribe& f) {
        const Value* v = find("after");
        if (v == nullptr || v->is_null()) return;
        f.has_after = true;
        if (v->is_number()) return number_of("after", *v, f.after, base::kIntegerMax);
        if (!v->is_object()) return fail("after", ErrorCode::wrong_type);
        if (const Value* seq = v->find("seq"))
            number_of("after.seq", *seq, f.after, base::kIntegerMax);
        if (const Value* check = v->find("check"))
            number_of("after.check", *check, f.check, UINT32_MAX);
        const Value* epoch = v->find("epoch");
        if (epoch == nullptr) return;
        if (!epoch->is_string()) return fail("after.epoch", ErrorCode::wrong_type);
        const std::string& digits = epoch->as_string();
        const char* end = digits.data() + digits.size();
        auto read = std::from_chars(digits.data(), end, f.after_epoch);
        if (read.ec != std::errc{} || read.ptr != end) fail("after.epoch", ErrorCode::out_of_range);
    }

  private:
    void selection(std::string_view name, const Value& item, Selection& out) {
        const Value* path = item.is_string() ? &item : item.find("path");
        if (path == nullptr || !path->is_string()) return fail(name, ErrorCode::wrong_type);
        if (path->as_string().size() > kPathTextBytesMax) return fail(name, ErrorCode::too_large);
        if (!base::is_utf8(path->as_string())) return fail(name, ErrorCode::malformed);
        out.path = path->as_string();
        if (item.is_string()) {
            const auto window = base::split_window(path->as_string());
            if (!window) return;
            out = {std::string(window->path), window->from, window->to};
        } else {
            const Value* window = item.find("window");
            if (window == nullptr || window->is_null()) return;
            if (!window->is_array() || window->as_array().size() != 2)
                return fail(name, ErrorCode::wrong_type);
            number_of(name, window->as_array()[0], out.from, base::kIntegerMax);
            number_of(name, window->as_array()[1], out.to, base::kIntegerMax);
        }
        // Zero stands for no window.
        if (out.to <= out.from) fail(name, ErrorCode::bad_select);
    }

    std::string_view frame_;
    const Value* object_;
    base::Result<void> status_;
    std::string where_;
};

void read(ObjectReader& r, Hello& f) {
    r.number("version", f.version, UINT32_MAX);
    r.text("client", f.client, kNameBytesMax);
    r.flag("want_actor", f.want_actor);
    r.text("token", f.token, kTokenBytesMax);
    r.number("time_ms", f.time_ms);
}
void read(ObjectReader& r, Subscribe& f) {
    r.channel(f.channel);
    r.after(f);
    r.number("actor", f.actor, base::kActorMax);
    r.number("known_counter", f.known_counter);
    r.selections("select", f.select);
    r.selections("held", f.held);
    r.number("select_version", f.select_version);
}
void read(ObjectReader& r, Unsubscribe& f) { r.channel(f.channel); }
void read(ObjectReader& r, Push& f) {
    r.channel(f.channel);
    r.number("actor", f.actor, base::kActorMax);
    r.number("counter", f.counter);
    r.number("stamp_ms", f.stamp_ms);
    r.number("stamp_logical", f.stamp_logical, UINT32_MAX);
    r.ops(f.ops_json);
    r.value("base", f.base_json);
    if (!f.base_json.is_null() && !f.base_json.is_number() && !f.base_json.is_object())
        r.fail("base", ErrorCode::wrong_type);
    r.flag("skip", f.skip);
    if (f.ops_json.is_null() && !f.skip) r.fail("ops", ErrorCode::malformed);
    r.texts("if_unchanged", f.if_unchanged);
    r.number("ref", f.ref);
}
void read(ObjectReader& r, PresenceSet& f) {
    r.channel(f.channel);
    r.value("state", f.state);
    r.flag("leave", f.leave);
}
void read(ObjectReader& r, SignalSend& f) {
    r.channel(f.channel);
    r.text("name", f.name, kNameBytesMax);
    r.value("value", f.value);
}
void read(ObjectReader& r, Ping& f) { r.number("time_ms", f.time_ms); }
void read(ObjectReader& r, TextSend& f) {
    r.channel(f.channel);
    r.text("name", f.name, kNameBytesMax);
    r.bytes("message", f.message);
    r.flag("more", f.more);
    r.number("ref", f.ref);
    r.flag("leave", f.leave);
}

template <class Frame>
void take(std::string_view name, const Value& body, std::vector<ReceivedFrame>& out) {
    ObjectReader reader(name, body);
    Frame frame;
    read(reader, frame);
    ClientFrame taken(std::move(frame));
    if (reader.status())
        out.emplace_back(std::move(taken));
    else
        out.emplace_back(RefusedFrame{reader.status().error(), reader.where(), context_of(taken)});
}

void decode_one(const Value& object, std::vector<ReceivedFrame>& out) {
    const auto refuse = [&](ErrorCode code) {
        out.emplace_back(RefusedFrame{base::fail(code), {}, {}});
    };
    if (!object.is_object()) return refuse(ErrorCode::wrong_type);
    if (object.as_object().size() != 1) return refuse(ErrorCode::malformed);
    const auto& [name, body] = object.as_object().front();
    if (name == "hello") return take<Hello>(name, body, out);
    if (name == "subscribe") return take<Subscribe>(name, body, out);
    if (name == "unsubscribe") return take<Unsubscribe>(name, body, out);
    if (name == "push") return take<Push>(name, body, out);
    if (name == "presence") return take<PresenceSet>(name, body, out);
    if (name == "signal") return take<SignalSend>(name, body, out);
    if (name == "ping") return take<Ping>(name, body, out);
    if (name == "text") return take<TextSend>(name, body, out);
}

}  // namespace

base::Result<void> decode_json(std::string_view message, std::vector<ReceivedFrame>& out) {
    if (message.size() > base::kMessageBytesCeiling)
        return base::fail(ErrorCode::too_large, base::kMessageBytesCeiling);
    TANDEM_TRY(Value json, base::parse_json_unchecked(message));
    if (!json.is_array()) {
        decode_one(json, out);
        return {};
    }
    if (json.as_array().size() > kFramesPerMessageMax)
        return base::fail(ErrorCode::too_large, kFramesPerMessageMax);
    for (const Value& one : json.as_array())
        decode_one(one, out);
    return {};
}

base::Result<void> decode_json(std::string_view message, std::vector<ClientFrame>& out) {
    std::vector<ReceivedFrame> received;
    auto status = decode_json(message, received);
    TANDEM_CHECK(take_all(received, out));
    return status;
}

}  // namespace tandem::wire
