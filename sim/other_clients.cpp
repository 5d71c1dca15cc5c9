#include "sim/other_clients.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "hub/channel.hpp"
#include "sim/truth.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

namespace {

using nlohmann::json;

// Actors of devices are issued ids; 0 to 99 stand for the others in the ledger.
constexpr size_t kOtherDevices = 1'000;

json any_ops(Dice& dice, const std::string& channel, const std::string& mark) {
    json ops = json::array();
    if (channel.starts_with("open")) {
        ops.push_back({{"op", "set"}, {"path", "a/x"}, {"value", mark}});
        if (one_in(dice, 3)) ops.push_back({{"op", "inc"}, {"path", "b"}, {"value", 2}});
        if (one_in(dice, 4)) ops.push_back({{"op", "insert"}, {"path", "c"}, {"at", "first"}});
        if (one_in(dice, 6)) ops.push_back({{"op", "delete"}, {"path", "d"}});
        if (one_in(dice, 5))
            ops.push_back({{"op", "set"}, {"path", "b/y"}, {"value", {{"x", 1}, {"y", mark}}}});
    } else {
        ops.push_back({{"op", "set"}, {"path", "title"}, {"value", mark}});
        if (one_in(dice, 3)) ops.push_back({{"op", "set"}, {"path", "count"}, {"value", 30}});
        if (one_in(dice, 4))
            ops.push_back({{"op", "set"}, {"path", "tags"}, {"value", {"e1", "e2"}}});
        if (one_in(dice, 4))
            ops.push_back({{"op", "insert"}, {"path", "cards"}, {"value", {{"text", mark}}}});
        if (one_in(dice, 12)) ops.push_back({{"op", "set"}, {"path", "title"}, {"value", 3}});
    }
    return ops;
}

size_t add_issue(World& world, size_t client, const std::string& channel) {
    Issue issue;
    issue.device = kOtherDevices + client;
    issue.channel = channel;
    issue.is_stored = true;
    return world.ledger.add(std::move(issue));
}

}  // namespace

JsonClient::JsonClient(World& world, size_t index)
    : world_(world), index_(index), dice_(world.dice.next()) {}

void JsonClient::start() {
    dial();
    act();
}

void JsonClient::heal() {
    // It has no timeouts by which to find out that nobody is there.
    if (connection_ != 0 && !world_.network.is_open(connection_)) {
        world_.network.hang_up(connection_);
        handle_close(connection_);
    }
    dial();
}

void JsonClient::dial() {
    if (connection_ != 0) return;
    connection_ = world_.network.dial(*this, hub::Codec::json, "json", true);
}

void JsonClient::subscribe(const std::string& channel) {
    json frame = {{"channel", channel}};
    const Followed& followed = followed_[channel];
    if (followed.is_known) {
        frame["after"] = {{"seq", followed.seq}, {"epoch", followed.epoch}};
    } else if (one_in(dice_, 2)) {
        frame["after"] = 0;
    }
    world_.network.send(connection_, json{{"subscribe", frame}}.dump());
}

void JsonClient::handle_open(uint64_t connection) {
    if (connection != connection_) return;
    is_open_ = true;
    next_counter_.clear();
    for (const std::string& channel : world_.profile.channels)
        subscribe(channel);
}

void JsonClient::handle_close(uint64_t connection) {
    if (connection != connection_) return;
    connection_ = 0;
    is_open_ = false;
    for (const auto& [ref, issue] : waiting_)
        world_.ledger.at(issue).fate = Issue::Fate::unknown;
    waiting_.clear();
    world_.scheduler.after(between(dice_, 50, 500), [this] { dial(); });
}

void JsonClient::handle_message(uint64_t connection, std::string_view message) {
    if (connection != connection_) return;
    json frames = json::parse(message, nullptr, false);
    if (frames.is_discarded())
        return world_.violate("the server's frames decode", std::string(message));
    if (!frames.is_array()) frames = json::array({frames});
    for (const json& frame : frames) {
        const std::string name = frame.begin().key();
        const json& body = frame.begin().value();
        if (name == "ack" || name == "error") {
            const auto found = waiting_.find(body.value("ref", uint64_t{0}));
            if (found == waiting_.end()) continue;
            Issue& issue = world_.ledger.at(found->second);
            if (name == "ack") {
                issue.was_acked = true;
                if (issue.in_log == 0 && !issue.was_cut)
                    world_.violate("acknowledged is logged", body.dump());
            } else {
                issue.fate =
                    body.value("temporary", false) ? Issue::Fate::unknown : Issue::Fate::refused;
            }
            waiting_.erase(found);
        } else if (name == "subscribed") {
            followed_[body.at("channel")].epoch = body.at("epoch");
        } else if (name == "snapshot") {
            Followed& followed = followed_[body.at("channel")];
            followed.seq = body.value("seq", uint64_t{0});
            followed.is_known = true;
            values_[body.at("channel")] = body.at("value").dump();
        } else if (name == "entries" || name == "diff") {
            const std::string channel = body.at("channel");
            Followed& followed = followed_[channel];
            const auto to = body.at("to").get<uint64_t>();
            const auto from = body.value("from", uint64_t{0});
            if (to > world_.shadow.at(channel).head())
                return world_.violate("only what is durable is delivered", body.dump());
            if (followed.is_known && from > followed.seq)
                return world_.violate("a subscriber gets a contiguous log",
                                      channel + " from #" + std::to_string(from) + " after #" +
                                          std::to_string(followed.seq));
            if (name == "entries") {
                uint64_t expected = from;
                for (const json& item : body.at("items"))
                    if (item.at("seq").get<uint64_t>() != ++expected)
                        return world_.violate("a subscriber gets a contiguous log", body.dump());
                if (expected != to)
                    return world_.violate("a subscriber gets a contiguous log", body.dump());
            }
            followed.seq = std::max(followed.seq, to);
            followed.is_known = true;
        }
    }
}

void JsonClient::ask_value(const std::string& channel) {
    values_.erase(channel);
    if (!is_open_) return;
    world_.network.send(connection_, json{{"subscribe", {{"channel", channel}}}}.dump());
}

const std::string* JsonClient::value_of(const std::string& channel) const {
    const auto found = values_.find(channel);
    return found == values_.end() ? nullptr : &found->second;
}

void JsonClient::act() {
    world_.scheduler.after(1 + dice_.below(6 * world_.profile.act_every_ms), [this] {
        if (world_.is_healing) return;
        if (is_open_) {
            const std::string& channel = any_of(dice_, world_.profile.channels);
            const uint64_t roll = dice_.below(10);
            if (roll < 6) {
                const uint64_t ref = next_ref_++;
                const json ops = any_ops(dice_, channel,
                                         "j" + std::to_string(index_) + "." + std::to_string(ref));
                json push = {{"channel", channel}, {"ops", ops}, {"ref", ref}};
                const Followed& followed = followed_[channel];
                if (one_in(dice_, 3) && followed.is_known)
                    push["base"] = {{"seq", followed.seq}, {"epoch", followed.epoch}};
                const size_t issue = add_issue(world_, index_, channel);
                world_.ledger.note_sent(channel, hub::digest_of(base::to_json(to_value(ops))),
                                        issue);
                waiting_[ref] = issue;
                world_.network.send(connection_, json{{"push", push}}.dump());
            } else if (roll == 6) {
                world_.network.send(
                    connection_,
                    json::array({{{"ping", {{"time_ms", 5}}}},
                                 {{"presence", {{"channel", channel}, {"state", "typing"}}}}})
                        .dump());
            } else if (roll == 7) {
                world_.network.send(
                    connection_,
                    json{{"signal", {{"channel", channel}, {"name", "hi"}, {"value", 1}}}}.dump());
            } else if (roll == 8) {
                world_.network.send(connection_, one_in(dice_, 2) ? "{\"push\":3}" : "][");
            } else {
                world_.network.send(connection_,
                                    json{{"unsubscribe", {{"channel", channel}}}}.dump());
                followed_[channel].is_known = followed_[channel].is_known && one_in(dice_, 2);
                subscribe(channel);
            }
        }
        act();
    });
}

HttpClient::HttpClient(World& world, size_t index)
    : world_(world), index_(index), dice_(world.dice.next()) {}

void HttpClient::act() {
    world_.scheduler.after(1 + dice_.below(6 * world_.profile.act_every_ms), [this] {
        if (world_.is_healing) return;
        const std::string& channel = any_of(dice_, world_.profile.channels);
        switch (dice_.below(8)) {
            case 0:
            case 1:
            case 2:
                write(channel);
                break;
            case 3:
            case 4:
                read(channel);
                break;
            case 5:
                world_.server.request(hub::ReadEntries{channel, dice_.below(50), 20},
                                      [](const hub::Reply&) {});
                world_.server.request(hub::ReadConflicts{channel, one_in(dice_, 2)},
                                      [](const hub::Reply&) {});
                break;
            case 6:
                world_.server.request(hub::ListChannels{"", "", 10}, [](const hub::Reply&) {});
                world_.server.request(hub::ReadPresence{channel}, [](const hub::Reply&) {});
                break;
            default:
                if (!world_.profile.has_deletion || !one_in(dice_, 6)) break;
                world_.note("delete", index_, 0, channel);
                world_.server.request(hub::DeleteChannel{channel}, [](const hub::Reply&) {});
                break;
        }
        act();
    });
}

void HttpClient::read(const std::string& channel) {
    const char* path = one_in(dice_, 2) ? "" : channel.starts_with("open") ? "a" : "title";
    world_.server.request(hub::GetRecord{channel, path}, [this, channel](const hub::Reply& reply) {
        if (!reply.is_error) seen_[channel] = {reply.epoch, reply.seq};
    });
}

void HttpClient::write(const std::string& channel) {
    Write write;
    const std::string mark = "h" + std::to_string(index_) + "." + std::to_string(++writes_);
    write.request.channel = channel;
    write.request.ops = to_value(any_ops(dice_, channel, mark));
    if (one_in(dice_, 2)) write.request.idempotency_key = mark;
    const bool has_key = !write.request.idempotency_key.empty();
    if (const auto seen = seen_.find(channel); seen != seen_.end() && one_in(dice_, 2)) {
        write.request.has_match = true;
        write.request.match = seen->second;
    }
    write.issue = add_issue(world_, index_ + 100, channel);
    // Outcomes are kept for a day of the server's clock, which a jump can make short.
    world_.ledger.at(write.issue).is_shared = has_key && world_.profile.has_clock_jumps;
    world_.ledger.note_sent(channel, hub::digest_of(base::to_json(write.request.ops)), write.issue);
    send(std::move(write));
}

void HttpClient::touch(const std::string& channel) {
    Write write;
    const std::string mark = "touch" + std::to_string(++writes_);
    write.request.channel = channel;
    write.request.ops = to_value(any_ops(dice_, channel, mark));
    write.issue = add_issue(world_, index_ + 100, channel);
    world_.ledger.note_sent(channel, hub::digest_of(base::to_json(write.request.ops)), write.issue);
    send(std::move(write));
}

void HttpClient::send(Write write) {
    const bool has_key = !write.request.idempotency_key.empty();
    auto is_answered = std::make_shared<bool>(false);
    const auto again = [this, write, is_answered] {
        if (*is_answered) return;
        *is_answered = true;
        send(write);
    };
    const bool is_sent = world_.server.request(
        write.request, [this, write, is_answered, has_key, again](const hub::Reply& reply) {
            if (*is_answered) return;
            Issue& issue = world_.ledger.at(write.issue);
            if (!reply.is_error) {
                *is_answered = true;
                if (issue.fate == Issue::Fate::unknown) return;
                issue.was_acked = true;
                if (issue.in_log == 0 && !issue.was_cut)
                    world_.violate("acknowledged is logged", reply.json);
                return;
            }
            const auto code = static_cast<uint32_t>(reply.error.code);
            world_.note("http refused", code, write.issue, write.request.channel);
            const bool is_final = code < 100;
            if (is_final) {
                *is_answered = true;
                // With a lost answer before, the first try may have been written.
                if (issue.fate == Issue::Fate::open)
                    issue.fate = has_key ? Issue::Fate::unknown : Issue::Fate::refused;
                return;
            }
            if (has_key)
                world_.scheduler.after(between(dice_, 100, 400), again);
            else
                issue.fate = Issue::Fate::unknown;
        });
    if (has_key) {
        world_.scheduler.after(is_sent ? 1'500 : 300, again);
    } else {
        world_.scheduler.after(1'500, [this, write, is_answered] {
            Issue& issue = world_.ledger.at(write.issue);
            if (!*is_answered && !issue.was_acked && issue.fate == Issue::Fate::open)
                issue.fate = Issue::Fate::unknown;
        });
        if (!is_sent) world_.ledger.at(write.issue).fate = Issue::Fate::unknown;
    }
}

}  // namespace tandem::sim
