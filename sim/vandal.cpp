#include "sim/vandal.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "record/op.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

using nlohmann::json;

namespace {

/// After that long the answer is taken for lost.
constexpr uint64_t kPatienceMs = 5'000;

json push_of(const std::string& channel, json op) {
    return {{"push", {{"channel", channel}, {"ref", 1}, {"ops", json::array({std::move(op)})}}}};
}

json set_of(const char* path, json value) {
    return {{"op", "set"}, {"path", path}, {"value", std::move(value)}};
}

}  // namespace

void Vandal::start() {
    dial();
    act();
}

void Vandal::dial() {
    if (connection_ != 0) return;
    codec_ = one_in(dice_, 2) ? hub::Codec::json : hub::Codec::binary;
    connection_ = world_.network.dial(*this, codec_, "vandal", true);
}

void Vandal::handle_open(uint64_t connection) {
    if (connection == connection_) is_open_ = true;
}

void Vandal::handle_close(uint64_t connection) {
    if (connection != connection_) return;
    connection_ = 0;
    is_open_ = is_waiting_ = false;
    if (!world_.is_healing) world_.scheduler.after(between(dice_, 50, 900), [this] { dial(); });
}

void Vandal::act() {
    world_.scheduler.after(1 + dice_.below(8 * world_.profile.act_every_ms), [this] {
        if (world_.is_violated()) return;
        if (world_.is_healing) {
            if (connection_ != 0) world_.network.hang_up(connection_);
            connection_ = 0;
            return;
        }
        if (is_waiting_ && world_.scheduler.now_ms() > sent_at_ms_ + kPatienceMs) {
            // Maybe it is lost; another connection knows nothing of it.
            world_.network.hang_up(connection_);
            handle_close(connection_);
        }
        if (is_open_ && !is_waiting_) {
            const std::string& channel = any_of(dice_, world_.profile.channels);
            last_ = codec_ == hub::Codec::json ? any_json(channel) : any_binary(channel);
            is_waiting_ = !last_.codes.empty();
            sent_at_ms_ = world_.scheduler.now_ms();
            world_.network.send(connection_, last_.message);
        }
        act();
    });
}

Vandal::Crime Vandal::any_json(const std::string& channel) {
    const std::string strict = channel.starts_with("open") ? "" : channel;
    const auto crime = [](const json& frame, std::vector<std::string> codes) {
        return Crime{frame.dump(), std::move(codes)};
    };
    json many = push_of(channel, set_of("a", 1));
    switch (dice_.below(26)) {
        case 0:
            return crime({{"hello", {{"version", 9}}}}, {"unsupported_version"});
        case 1:
            return crime({{"subscribe", {{"channel", "nowhere"}}}}, {"bad_channel"});
        case 2:
            return crime({{"subscribe", {{"channel", "ghost:1"}}}}, {"unknown_namespace"});
        case 3:
            return crime({{"subscribe", {{"channel", channel}, {"select", {"cards[3:1]"}}}}},
                         {"bad_select"});
        case 4:
            return crime({{"subscribe", {{"channel", channel}, {"select", {"cards[0:5000]"}}}}},
                         {"bad_select"});
        case 5:
            return crime({{"subscribe", {{"channel", channel}, {"held", {"a//b"}}}}},
                         {"bad_select"});
        case 6:
            return crime(push_of("ghost:1", set_of("a", 1)), {"unknown_namespace"});
        case 7:
            return crime({{"push", {{"channel", channel}, {"ref", 1}}}}, {"malformed"});
        case 8:
            return crime(push_of(channel, set_of("a//b", 1)), {"bad_path"});
        case 9:
            many["push"]["counter"] = uint64_t{1} << 60;
            return crime(many, {"out_of_range"});
        case 10:
            many["push"]["counter"] = 1;
            many["push"]["actor"] = 5;
            return crime(many, {"actor_unknown"});
        case 11:
            many["push"]["if_unchanged"] = {"a//"};
            return crime(many, {"bad_path"});
        case 12:
            many["push"]["base"] = uint64_t{1} << 40;
            return crime(many, {"base_in_future", "wrong_type", "bad_path"});
        case 13:
            return crime(push_of(channel, {{"op", "explode"}, {"path", "a"}}),
                         {"unknown_operation"});
        case 14:
            for (int i = 0; i < 1'001; ++i)
                many["push"]["ops"].push_back(set_of("a", i));
            return crime(many, {"too_large"});
        case 15:
            if (strict.empty()) break;
            return crime(push_of(channel, set_of("title", 3)), {"wrong_type"});
        case 16:
            if (strict.empty()) break;
            return crime(push_of(channel, {{"op", "inc"}, {"path", "title"}, {"value", 1}}),
                         {"wrong_type"});
        case 17:
            return crime({{"presence", {{"channel", channel}, {"state", "x"}}}},
                         {"not_subscribed"});
        case 18:
            return crime({{"signal", {{"channel", channel}, {"name", "x"}, {"value", 1}}}},
                         {"not_subscribed"});
        case 19:
            return crime(push_of(channel, {{"op", "inc"}, {"path", "b"}, {"value", "x"}}),
                         {"wrong_type"});
        case 20:
            return crime(push_of(channel, set_of("__proto__", 1)), {"reserved_key", "bad_path"});
        case 21: {
            json op = set_of(strict.empty() ? "a" : "title", "x");
            op["decides"] = true;
            return crime(push_of(channel, op), {"invalid_argument", "unknown_operation"});
        }
        case 22:
            return {one_in(dice_, 2) ? "{" : "[[]]", {"malformed", "truncated", "wrong_type"}};
        case 23:
            return crime(push_of(channel, {{"op", "insert"},
                                           {"path", strict.empty() ? "c/@n" : "cards/@n"},
                                           {"at", {{"after", "nobody"}}}}),
                         {"not_found", "wrong_type", "invalid_argument", "bad_path"});
        default:
            break;
    }
    return crime({{"ping", {{"time_ms", 1}}}}, {});
}

Vandal::Crime Vandal::any_binary(const std::string& channel) {
    Crime crime;
    const auto encode = [&](const wire::ClientFrame& frame, std::vector<std::string> codes) {
        wire::encode_binary(crime.message, frame);
        crime.codes = std::move(codes);
    };
    wire::Push push;
    push.channel = channel;
    push.ref = 1;
    record::Op op;
    op.kind = record::OpKind::set;
    op.path = {{record::Segment::Kind::key, "a"}};
    record::encode_ops(push.ops, {op}, record::Form::pushed);
    switch (dice_.below(10)) {
        case 0:
            encode(push, {"actor_unknown"});
            break;
        case 1:
            push.counter = 1;
            encode(push, {"actor_unknown"});
            break;
        case 2:
            push.counter = 1;
            push.actor = 99;
            encode(push, {"actor_unknown"});
            break;
        case 3:
            push.counter = uint64_t{1} << 55;
            encode(push, {"out_of_range", "malformed"});
            break;
        case 4:
            push.counter = 1;
            push.actor = uint64_t{1} << 40;
            push.ops = "\x0a\x03\x08\x63";
            encode(push, {"truncated", "malformed", "unknown_operation"});
            break;
        case 5: {
            wire::Subscribe subscribe;
            subscribe.channel = channel;
            subscribe.select.push_back({"\x01", 0, 0});
            encode(subscribe, {"bad_select"});
            break;
        }
        case 6: {
            wire::SignalSend signal;
            signal.channel = channel;
            signal.name = "x";
            encode(signal, {"not_subscribed"});
            break;
        }
        case 7: {
            wire::Hello hello;
            hello.version = 7;
            encode(hello, {"unsupported_version"});
            break;
        }
        case 8: {
            crime.message = one_in(dice_, 2) ? "\x0a\x20" : "\x07";
            crime.codes = {"truncated", "malformed", "noncanonical"};
            break;
        }
        default: {
            wire::PresenceSet presence;
            presence.channel = channel;
            encode(presence, {"not_subscribed"});
            break;
        }
    }
    return crime;
}

void Vandal::handle_message(uint64_t connection, std::string_view message) {
    if (connection != connection_) return;
    const auto judge = [&](const std::string& code, uint32_t number) {
        is_waiting_ = false;
        if (number >= 100 && number != static_cast<uint32_t>(base::ErrorCode::unsupported_version))
            return;
        if (std::ranges::find(last_.codes, code) == last_.codes.end())
            world_.violate("a refusal names its reason", code + " for " + last_.message);
    };
    const auto forgive = [&] {
        world_.violate("what makes no sense is not acknowledged", last_.message);
    };
    if (codec_ == hub::Codec::json) {
        json frames = json::parse(message);
        if (!frames.is_array()) frames = json::array({frames});
        for (const json& frame : frames) {
            if (frame.contains("error"))
                judge(frame["error"].at("code"), frame["error"].at("number"));
            else if (frame.contains("ack"))
                forgive();
        }
        return;
    }
    std::vector<wire::ServerFrame> frames;
    if (!wire::decode_binary(message, frames)) return;
    for (const wire::ServerFrame& frame : frames) {
        if (const auto* error = std::get_if<wire::ErrorFrame>(&frame))
            judge(error->code, error->number);
        else if (std::holds_alternative<wire::Ack>(frame))
            forgive();
    }
}

}  // namespace tandem::sim
