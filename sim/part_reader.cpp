#include "sim/part_reader.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "hub/channel.hpp"
#include "sim/part.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

namespace {

using nlohmann::json;

/// Its own counter is nobody's.
constexpr size_t kNoDevice = 99;

json to_json(const record::Selection& selection) {
    json parts = json::array();
    for (const record::SelectedPart& part : selection.parts())
        parts.push_back(record::to_text(part));
    return parts;
}

}  // namespace

PartReader::PartReader(World& world) : world_(world), dice_(world.dice.next()) {}

void PartReader::start() {
    for (const std::string& channel : world_.profile.channels)
        followed_[channel].asked = any_selection(dice_, channel, kNoDevice);
    dial();
    act();
}

void PartReader::heal() {
    if (connection_ != 0 && !world_.network.is_open(connection_)) {
        world_.network.hang_up(connection_);
        handle_close(connection_);
    }
    dial();
    if (!is_open_) return;
    for (const std::string& channel : world_.profile.channels)
        subscribe(channel);
}

void PartReader::dial() {
    if (connection_ != 0) return;
    connection_ = world_.network.dial(*this, hub::Codec::json, "parts", true);
}

void PartReader::subscribe(const std::string& channel) {
    Followed& followed = followed_[channel];
    json frame = {{"channel", channel}, {"select_version", ++followed.version}, {"after", 0}};
    if (!followed.asked.is_whole()) frame["select"] = to_json(followed.asked);
    followed.is_other = followed.has_view && !(followed.asked == followed.in_force);
    if (followed.has_view)
        frame["after"] = {
            {"seq", followed.seq}, {"epoch", followed.epoch}, {"check", followed.check}};
    if (followed.is_other)
        frame["held"] = followed.in_force.is_whole() ? json::array({json{{"path", ""}}})
                                                     : to_json(followed.in_force);
    followed.is_answered = false;
    followed.is_in_pieces = false;
    world_.network.send(connection_, json{{"subscribe", frame}}.dump());
}

void PartReader::forget(const std::string& channel) {
    Followed& followed = followed_[channel];
    followed.has_view = false;
    followed.seq = 0;
    followed.view.clear();
    followed.is_answered = false;
    world_.scheduler.after(1 + dice_.below(50), [this, channel] {
        if (is_open_ && !followed_[channel].has_view) subscribe(channel);
    });
}

void PartReader::handle_open(uint64_t connection) {
    if (connection != connection_) return;
    is_open_ = true;
    for (const std::string& channel : world_.profile.channels)
        subscribe(channel);
}

void PartReader::handle_close(uint64_t connection) {
    if (connection != connection_) return;
    connection_ = 0;
    is_open_ = false;
    for (auto& [channel, followed] : followed_)
        followed.is_answered = false;
    world_.scheduler.after(between(dice_, 50, 500), [this] { dial(); });
}

void PartReader::handle_message(uint64_t connection, std::string_view message) {
    if (connection != connection_) return;
    json frames = json::parse(message, nullptr, false);
    if (frames.is_discarded())
        return world_.violate("the server's frames decode", std::string(message));
    if (!frames.is_array()) frames = json::array({frames});
    for (const json& frame : frames)
        handle_frame(frame.begin().key(), frame.begin().value());
}

template <class Json>
void PartReader::handle_frame(const std::string& name, const Json& body) {
    const bool is_delivery = name == "entries" || name == "diff" || name == "snapshot";
    if (name != "subscribed" && !is_delivery) return;
    const std::string channel = body.at("channel");
    Followed& followed = followed_[channel];
    if (name == "subscribed") {
        if (body.value("select_version", uint64_t{0}) != followed.version) return;
        followed.is_answered = true;
        followed.epoch = body.at("epoch");
        if (!followed.is_other) followed.in_force = followed.asked;
    } else if (!followed.is_answered) {
        // Of the selection before.
    } else if (name == "snapshot") {
        const hub::Channel* live =
            world_.server.is_up() ? world_.server.hub()->find_channel(channel) : nullptr;
        if (live != nullptr && live->state() == hub::Channel::State::ready &&
            live->head() == body.at("seq").template get<uint64_t>()) {
            const Part part(live->document(), followed.asked);
            if (json::parse(base::to_json(part.shown())) != body.at("value"))
                world_.violate("a snapshot is of what was selected", body.dump());
        }
        // A value does not say of what types it is.
        forget(channel);
    } else {
        take_changes(channel, name, body);
    }
}

template <class Json>
void PartReader::take_changes(const std::string& channel, const std::string& name,
                              const Json& body) {
    Followed& followed = followed_[channel];
    const auto to = body.at("to").template get<uint64_t>();
    const auto from = body.value("from", uint64_t{0});
    if (name == "diff" || !followed.is_in_pieces) followed.pieces_from = from;
    followed.is_in_pieces = body.value("more", false);
    if (followed.is_in_pieces) return;
    const bool installs = body.value("installs", false);
    if (followed.has_view && to <= followed.seq && !installs) return;
    if (followed.pieces_from > followed.seq) return subscribe(channel);
    for (const json& each : body.at("changes")) {
        auto value = base::parse_json(each.dump(), base::kLooseValueLimits);
        auto change = value ? record::change_from_json(*value) : value.error();
        if (!change) return world_.violate("the server's changes decode", each.dump());
        followed.view.apply(*change);
    }
    followed.seq = to;
    followed.check = body.value("check", uint64_t{0});
    followed.has_view = true;
    if (installs) followed.in_force = followed.asked;
    if (!one_in(dice_, 4)) return;
    const std::string wrong = difference(channel, followed);
    if (!wrong.empty())
        world_.violate("a part over JSON is that of the record",
                       channel + " at #" + std::to_string(followed.seq) + " " + wrong);
}

// Nothing can be said unless the server is at the same place.
std::string PartReader::difference(const std::string& channel, const Followed& followed) const {
    if (!world_.server.is_up()) return {};
    const hub::Channel* live = world_.server.hub()->find_channel(channel);
    if (live == nullptr || live->state() != hub::Channel::State::ready ||
        live->head() != followed.seq || std::to_string(live->epoch()) != followed.epoch)
        return {};
    return Part(live->document(), followed.in_force).difference(followed.view);
}

std::string PartReader::judge(const std::string& channel) const {
    const Followed& followed = followed_.at(channel);
    if (!is_open_ || !followed.is_answered) return "is not followed";
    if (!(followed.in_force == followed.asked)) return "is not selected as asked";
    if (followed.seq != world_.shadow.at(channel).head())
        return "is at #" + std::to_string(followed.seq);
    return difference(channel, followed);
}

void PartReader::act() {
    world_.scheduler.after(1 + dice_.below(8 * world_.profile.act_every_ms), [this] {
        if (world_.is_healing) return;
        const std::string& channel = any_of(dice_, world_.profile.channels);
        Followed& followed = followed_[channel];
        // One change at a time: the server is told what the view has at its beginning.
        if (is_open_ && followed.is_answered && followed.in_force == followed.asked) {
            if (one_in(dice_, 5))
                world_.network.send(connection_,
                                    json{{"unsubscribe", {{"channel", channel}}}}.dump());
            if (!one_in(dice_, 4)) followed.asked = any_selection(dice_, channel, kNoDevice);
            subscribe(channel);
        }
        act();
    });
}

}  // namespace tandem::sim
