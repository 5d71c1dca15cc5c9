#include "sim/historian.hpp"

#include <algorithm>
#include <utility>

#include "oracle/client_view.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

using base::ErrorCode;
using nlohmann::json;
using oracle::normal;

Meant meant_by(World& world, const std::string& channel, uint64_t seq) {
    Meant out;
    const port::StoredEntry* entry = world.shadow.at(channel).find(seq);
    if (entry == nullptr) return out;
    out.entry = Truth::entry_of(*entry);
    const json& ops = out.entry.at("ops");
    if (ops.empty()) return out;
    out.base = ops[0].value("base", uint64_t{0});
    if (out.base < world.shadow.at(channel).start || out.base >= seq) return out;
    for (const json& op : ops)
        if (op.value("base", uint64_t{0}) != out.base) return out;
    out.is_found = true;
    out.before = world.shadow.truth.at(channel, out.base);
    out.after = out.before;
    json moved = out.entry;
    moved["seq"] = out.base + 1;
    out.after.apply(moved);
    return out;
}

void Historian::act() {
    world_.scheduler.after(1 + dice_.below(6 * world_.profile.act_every_ms), [this] {
        if (world_.is_healing || world_.is_violated()) return;
        act_once(any_of(dice_, world_.profile.channels));
        act();
    });
}

void Historian::act_once(const std::string& channel) {
    if (std::exchange(busy_process_, world_.server.process()) != world_.server.process())
        busy_.clear();
    const uint64_t head = log(channel).head();
    switch (dice_.below(12)) {
        case 0:
        case 1:
            return read_state(channel);
        case 2:
            return read_version(channel);
        case 3:
            return save_version(channel);
        case 4:
            return one_in(dice_, 3) ? delete_version(channel) : list_versions(channel);
        case 5:
        case 6: {
            const uint64_t from = any_seq(channel);
            return read_changes(channel, from, from + dice_.below(head + 3 - from));
        }
        case 7:
            return read_entries(channel);
        case 8:
        case 9:
            return restore(channel);
        default:
            return read_conflicts(channel);
    }
}

bool Historian::is_state_gone(const hub::Reply& reply, const Then& then, uint64_t at) {
    if (reply.error.code != ErrorCode::state_gone) return false;
    // What is left of the log begins at its floor at the latest.
    if (at >= log(then.channel).floor)
        violate("the past is there as far as the retention", then, "#" + std::to_string(at));
    else if (reply.error.detail <= at)
        violate("an answer says where the past begins", then,
                "#" + std::to_string(at) + " is not below " + std::to_string(reply.error.detail));
    return true;
}

void Historian::read_state(const std::string& channel) {
    hub::GetRecord get;
    get.channel = channel;
    get.at = one_in(dice_, 12) ? log(channel).head() + dice_.below(3) : any_seq(channel);
    if (one_in(dice_, 8)) get.at = std::nullopt;
    if (one_in(dice_, 3)) get.path = channel.starts_with("open") ? "a" : "cards";
    if (one_in(dice_, 20)) get.path = "a//";
    if (one_in(dice_, 3)) get.form = hub::GetRecord::Form::changes;
    ask(channel, get,
        [this, get](const hub::Reply& reply, const Then& then) { judge_state(reply, then, get); });
}

void Historian::judge_state(const hub::Reply& reply, const Then& then,
                            const hub::GetRecord& asked) {
    const uint64_t at = asked.at.value_or(reply.is_error ? then.head : reply.seq);
    const bool is_path = asked.path.find("//") == std::string::npos;
    if (reply.is_error) {
        if (is_state_gone(reply, then, at)) return;
        const bool holds =
            (reply.error.code == ErrorCode::bad_path && !is_path) ||
            (reply.error.code == ErrorCode::out_of_range && at > then.head) ||
            (reply.error.code == ErrorCode::not_found && !asked.path.empty() &&
             (!asked.at ||
              world_.shadow.truth.at(then.channel, at).shown(asked.path).is_discarded()));
        if (!holds) violate_refusal(reply, then, "state at " + std::to_string(at));
        return;
    }
    if (reply.seq != at || at > log(then.channel).head() || at < log(then.channel).start)
        return violate("a state is of the seq that was asked for", then,
                       std::to_string(at) + ", came " + std::to_string(reply.seq));
    const oracle::Oracle truth = world_.shadow.truth.at(then.channel, at);
    check_record(reply, then, asked, asked.path.empty() ? truth.shown() : truth.shown(asked.path),
                 &truth);
}

// `state` is null for a version whose seq may be older than all that is known.
void Historian::check_record(const hub::Reply& reply, const Then& then, const hub::GetRecord& asked,
                             const json& wanted, const oracle::Oracle* state) {
    const json body = json::parse(reply.json);
    const std::string what = "#" + std::to_string(reply.seq) + " " + asked.path;
    if (asked.form == hub::GetRecord::Form::value) {
        const std::string found = difference(normal(wanted), normal(body.at("value")));
        if (!found.empty())
            return violate("the past shows what was shown then", then, what + found);
    } else if (state != nullptr && asked.path.empty()) {
        oracle::ClientView view;
        for (const json& change : body.at("changes"))
            view.apply_change(change);
        std::string found = difference(normal(wanted), normal(view.shown()));
        if (found.empty())
            found = difference(rows_of(state->open_journal()), rows_of(view.conflicts()));
        if (!found.empty())
            return violate("changes from nothing make the state", then, what + found);
    }
    if (state != nullptr && one_in(dice_, 4) &&
        world_.shadow.truth.document_at(then.channel, reply.seq).hash() != body.at("hash"))
        violate("the hash of a state is that of its log", then, what);
}

void Historian::read_version(const std::string& channel) {
    hub::GetRecord get;
    get.channel = channel;
    get.version = any_name();
    if (busy_.contains(channel)) return;
    const NamedStates known = log(channel).versions;
    ask(channel, get, [this, get, known](const hub::Reply& reply, const Then& then) {
        const auto found = known.find(get.version);
        if (busy_.contains(then.channel)) return;
        if (reply.is_error) {
            if (reply.error.code != ErrorCode::not_found)
                violate_refusal(reply, then, "version " + get.version);
            else if (found != known.end() && found->second.doubt == NamedState::Doubt::none &&
                     log(then.channel).versions.contains(get.version))
                violate("a named version stays", then, get.version + " to be read");
            return;
        }
        if (found == known.end())
            return violate("a version was named by somebody", then, get.version);
        if (reply.seq != found->second.seq)
            return violate("a named version stays as it is", then, get.version);
        check_record(reply, then, get, found->second.shown, nullptr);
    });
}

void Historian::save_version(const std::string& channel) {
    if (!busy_.insert(channel).second) return;
    hub::SaveVersion save;
    save.channel = channel;
    save.name = one_in(dice_, 15) ? std::string(dice_.below(2) * 300, 'n') : any_name();
    if (one_in(dice_, 2)) save.at = any_seq(channel);
    ask(channel, save, [this, save](const hub::Reply& reply, const Then& then) {
        busy_.erase(then.channel);
        const NamedStates& known = log(then.channel).versions;
        const auto found = known.find(save.name);
        if (!reply.is_error) {
            const auto seq = json::parse(reply.json).at("seq").get<uint64_t>();
            if (found == known.end() || found->second.seq != seq ||
                found->second.doubt != NamedState::Doubt::none || (save.at && *save.at != seq))
                violate("an acknowledged version is on disk", then, save.name);
            return;
        }
        if (is_state_gone(reply, then, save.at.value_or(then.head))) return;
        const ErrorCode code = reply.error.code;
        const bool is_name = !save.name.empty() && save.name.size() <= base::kKeyBytesMax;
        const bool holds = (code == ErrorCode::invalid_argument && !is_name) ||
                           (code == ErrorCode::version_exists && found != known.end()) ||
                           (code == ErrorCode::too_many_versions &&
                            known.size() >= world_.profile.config.retention.versions) ||
                           // There was no such channel when that was asked.
                           (code == ErrorCode::not_found && then.head == log(then.channel).start);
        if (!holds) violate_refusal(reply, then, "saving " + save.name);
    });
}

void Historian::delete_version(const std::string& channel) {
    if (!busy_.insert(channel).second) return;
    const std::string name = any_name();
    const bool was_there = log(channel).versions.contains(name);
    ask(channel, hub::DeleteVersion{channel, name},
        [this, name, was_there](const hub::Reply& reply, const Then& then) {
            busy_.erase(then.channel);
            if (log(then.channel).versions.contains(name) && !reply.is_error)
                return violate("a deleted version is gone", then, name);
            if (reply.is_error && (reply.error.code != ErrorCode::not_found || was_there))
                violate_refusal(reply, then, "deleting " + name);
        });
}

void Historian::list_versions(const std::string& channel) {
    if (busy_.contains(channel)) return;
    const NamedStates before = log(channel).versions;
    const auto judge = [this, before](const hub::Reply& reply, const Then& then) {
        if (reply.is_error) return violate_refusal(reply, then, "versions");
        const NamedStates& known = log(then.channel).versions;
        if (busy_.contains(then.channel)) return;
        std::map<std::string, uint64_t> listed;
        const json body = json::parse(reply.json);
        for (const json& row : body.at("versions"))
            listed[row.at("name")] = row.at("seq");
        for (const auto& [name, state] : known)
            if (state.doubt == NamedState::Doubt::none && before.contains(name) &&
                !listed.contains(name))
                return violate("a named version stays", then, name + " in the list");
        for (const auto& [name, seq] : listed)
            if (const auto found = known.find(name);
                found == known.end() || found->second.seq != seq)
                return violate("a version was named by somebody", then, name);
    };
    ask(channel, hub::ListVersions{channel}, judge);
}

void Historian::read_changes(const std::string& channel, uint64_t from, uint64_t to) {
    hub::ReadChanges read;
    read.channel = channel;
    read.from = from;
    if (!one_in(dice_, 4)) read.to = to;
    read.limit = one_in(dice_, 2) ? 1 + static_cast<uint32_t>(dice_.below(6)) : 1'000;
    ask(channel, read, [this, read](const hub::Reply& reply, const Then& then) {
        judge_changes(reply, then, read.from, read.to.value_or(then.head), read.limit);
    });
}

void Historian::judge_changes(const hub::Reply& reply, const Then& then, uint64_t from, uint64_t to,
                              uint64_t limit) {
    if (reply.is_error) {
        if (is_state_gone(reply, then, from)) return;
        if (reply.error.code != ErrorCode::out_of_range || (from <= to && to <= then.head))
            violate_refusal(reply, then,
                            "changes " + std::to_string(from) + " to " + std::to_string(to));
        return;
    }
    const json body = json::parse(reply.json);
    const auto reached = body.at("to").get<uint64_t>();
    const bool has_next = !body.at("next").is_null();
    const std::string span =
        "changes above #" + std::to_string(from) + " to #" + std::to_string(reached);
    if (reached < from || reached > log(then.channel).head() ||
        (has_next && body.at("next") != reached) || (!has_next && reached < to))
        return violate("changes reach as far as they say", then, span);
    if (has_next && body.at("changes").size() < limit)
        return violate("a page of changes is full", then, span);
    oracle::Oracle state = world_.shadow.truth.at(then.channel, from);
    const json& rows = body.at("changes");
    size_t next = 0;
    for (uint64_t seq = from + 1; seq <= reached; ++seq) {
        const size_t begin = next;
        while (next < rows.size() && rows[next].at("seq") == seq)
            ++next;
        const oracle::Oracle before = state;
        const port::StoredEntry& entry = *log(then.channel).find(seq);
        state.apply(Truth::entry_of(entry));
        std::set<std::string> told;
        for (size_t i = begin; i < next; ++i) {
            const json& row = rows[i];
            const std::string path = row.at("path");
            const auto parsed = oracle::parse_path(path);
            told.insert(parsed->empty() ? std::string() : parsed->front().name);
            const auto is_so = [&](const char* member, const oracle::Oracle& at) {
                const json shown = path.empty() ? at.shown() : at.shown(path);
                if (!row.contains(member)) return shown.is_discarded();
                return normal(row.at(member)) == normal(shown);
            };
            if (row.at("op") == "move" && !row.contains("before") && !row.contains("after"))
                continue;
            if (!is_so("before", before) || !is_so("after", state) || row.at("by") != entry.actor)
                return violate("a row tells who changed what", then, row.dump());
        }
        const json was = normal(before.shown());
        const json is = normal(state.shown());
        if (!was.is_object() || !is.is_object() || told.contains("")) continue;
        std::set<std::string> keys;
        for (const json* object : {&was, &is})
            for (const auto& [key, value] : object->items())
                keys.insert(key);
        for (const std::string& key : keys)
            if (was.value(key, json()) != is.value(key, json()) && !told.contains(key))
                return violate("no change is left out", then,
                               span + ": " + key + " in #" + std::to_string(seq));
    }
    if (next != rows.size()) return violate("rows are in the order of the log", then, span);
    if (has_next && one_in(dice_, 2)) read_changes(then.channel, reached, to);
}

void Historian::read_entries(const std::string& channel) {
    hub::ReadEntries read;
    read.channel = channel;
    read.after = any_seq(channel);
    read.limit = 1 + static_cast<uint32_t>(dice_.below(30));
    ask(channel, read, [this, read](const hub::Reply& reply, const Then& then) {
        if (reply.is_error) return violate_refusal(reply, then, "entries");
        const json body = json::parse(reply.json);
        const json& entries = body.at("entries");
        uint64_t expected = std::max(read.after, body.value("oldest", uint64_t{0}) - 1);
        if (entries.size() > read.limit)
            return violate("a page of the log has its limit", then, std::to_string(entries.size()));
        for (const json& entry : entries) {
            const auto seq = entry.at("seq").get<uint64_t>();
            // The log may be trimmed while its page is on its way.
            if (seq != expected + 1 && expected >= read.after && &entry != &entries.front())
                return violate("a page of the log has no gap", then, std::to_string(seq));
            expected = seq;
            const port::StoredEntry* known = log(then.channel).find(seq);
            if (known == nullptr || entry.at("actor") != known->actor ||
                entry.at("ops").size() != Truth::entry_of(*known).at("ops").size())
                return violate("a page shows the log", then, std::to_string(seq));
        }
        if (entries.empty() && read.after >= log(then.channel).floor && read.after < then.head)
            violate("a page of the log is not empty", then, std::to_string(read.after));
    });
}

void Historian::restore(const std::string& channel) {
    hub::RestoreRecord back;
    back.channel = channel;
    const uint64_t head = log(channel).head();
    json wanted;
    const NamedStates& versions = log(channel).versions;
    if (!versions.empty() && one_in(dice_, 3)) {
        const auto at =
            std::next(versions.begin(), static_cast<ptrdiff_t>(dice_.below(versions.size())));
        back.version = at->first;
        wanted = at->second.shown;
    } else {
        // Mostly what is a few steps back, or little would ever grow.
        back.at = one_in(dice_, 4) ? any_seq(channel) : head - std::min(head, dice_.below(6));
        if (*back.at < log(channel).start) return;
        wanted = normal(world_.shadow.truth.at(channel, *back.at).shown());
    }
    // All of a record is all of the counters too that are its devices' own.
    if (!is_bold_ || one_in(dice_, 2)) {
        back.path = channel.starts_with("open")
                        ? std::string(1, static_cast<char>('a' + dice_.below(4)))
                    : one_in(dice_, 2) ? "cards"
                                       : "title";
        wanted = wanted.contains(back.path) ? wanted.at(back.path) : json();
    }
    if (one_in(dice_, 30)) {
        back.at = std::nullopt;
        back.version.clear();
    }
    if (one_in(dice_, 4)) {
        back.has_match = true;
        back.match = {log(channel).epoch(), head - std::min(head, dice_.below(5))};
    }
    if (back.path.empty()) world_.rewritten.insert(channel);
    world_.note("restore record", back.at.value_or(0), back.match.seq, back.path);
    ask(channel, back, [this, back, wanted](const hub::Reply& reply, const Then& then) {
        judge_restore(reply, then, back, wanted);
    });
}

void Historian::judge_restore(const hub::Reply& reply, const Then& then,
                              const hub::RestoreRecord& asked, const json& wanted) {
    Truth& truth = world_.shadow.truth;
    const auto shown = [&](const oracle::Oracle& state) { return shown_at(state, asked.path); };
    const std::string what =
        "of " + (asked.at ? "#" + std::to_string(*asked.at) : asked.version) + " " + asked.path;
    if (reply.is_error) {
        const ErrorCode code = reply.error.code;
        if (is_state_gone(reply, then, asked.at.value_or(UINT64_MAX))) return;
        const auto has_changed = [&] {
            const ShadowChannel& now = log(then.channel);
            if (asked.match.seq < now.start) return true;
            for (uint64_t seq = asked.match.seq + 1; seq <= now.head(); ++seq)
                if (!Truth::entry_of(*now.find(seq)).at("ops").empty()) return true;
            return false;
        };
        const bool holds =
            (code == ErrorCode::invalid_argument && !asked.at && asked.version.empty()) ||
            (code == ErrorCode::not_found && !asked.version.empty()) ||
            (code == ErrorCode::precondition_failed && asked.has_match && has_changed());
        if (!holds) violate_refusal(reply, then, "restore " + what);
        return;
    }
    const json body = json::parse(reply.json);
    const auto seq = body.at("seq").get<uint64_t>();
    if (body.value("unchanged", false)) {
        const std::string found = difference(wanted, shown(truth.at(then.channel, seq)));
        if (!found.empty()) violate("a restore changes what differs", then, what + found);
        return;
    }
    const Meant meant = meant_by(world_, then.channel, seq);
    if (!meant.is_found) return violate("an acknowledged restore is in the log", then, what);
    if (meant.base > log(then.channel).head_before(seq))
        return violate("a restore has seen what its author saw", then,
                       what + " on #" + std::to_string(meant.base));
    const std::string found = difference(wanted, shown(meant.after));
    if (!found.empty())
        return violate("a restore brings back what was shown", then,
                       what + " by #" + std::to_string(seq) + ": " + found);
    if (asked.has_match &&
        shown(truth.at(then.channel, asked.match.seq)) != shown(truth.at(then.channel, seq - 1)))
        return violate("a condition that is not met refuses", then, what);
    // What others wrote meanwhile stays beside it.
    const oracle::Oracle before = truth.at(then.channel, seq - 1);
    const oracle::Oracle after = truth.at(then.channel, seq);
    for (uint64_t other = meant.base + 1; other < seq; ++other) {
        const json entry = Truth::entry_of(*log(then.channel).find(other));
        for (const json& op : entry.at("ops")) {
            if (op.at("op") != "set") continue;
            const auto count = [&](const oracle::Oracle& state) {
                size_t n = 0;
                for (const json& sibling : state.siblings(op.at("path")))
                    if (sibling.at("seq") > meant.base && sibling.at("seq") < seq) ++n;
                return n;
            };
            if (count(after) < count(before) && after.siblings(op.at("path")).size() < 8)
                return violate("a restore keeps what it has not seen", then, op.dump());
        }
    }
}

void Historian::read_conflicts(const std::string& channel) {
    hub::ReadConflicts read{channel, one_in(dice_, 3), one_in(dice_, 3) ? any_seq(channel) : 0};
    ask(channel, read, [this, read](const hub::Reply& reply, const Then& then) {
        if (reply.is_error) return violate_refusal(reply, then, "conflicts");
        const oracle::Oracle truth = world_.shadow.truth.at(then.channel, reply.seq);
        json wanted = json::array();
        for (json& row : read.is_all ? truth.journal() : truth.open_journal()) {
            const uint64_t newest =
                std::max(row.at("seq").get<uint64_t>(), row.at("closed_seq").get<uint64_t>());
            if (newest > read.after) wanted.push_back(std::move(row));
        }
        const json rows = json::parse(reply.json).at("conflicts");
        const std::string found = difference(rows_of(wanted), rows_of(rows));
        if (!found.empty())
            return violate("the conflicts are those of the log", then,
                           "#" + std::to_string(reply.seq) + " " + found);
        for (const json& row : rows) {
            const json shown = truth.shown(row.at("path").get<std::string>());
            if (!shown.is_discarded() && normal(row.at("shown")) != normal(shown))
                return violate("a conflict tells what is shown", then, row.dump());
        }
        if (!rows.empty() && !world_.is_healing && one_in(dice_, 2))
            decide(then, rows[dice_.below(rows.size())]);
    });
}

void Historian::decide(const Then& then, const json& row) {
    hub::DecideConflict request;
    request.channel = then.channel;
    request.path = row.at("path");
    request.dot = {row.at("dot")[0].get<uint64_t>(), row.at("dot")[1].get<uint64_t>()};
    for (const record::Reason reason :
         {record::Reason::value, record::Reason::position, record::Reason::type,
          record::Reason::generation, record::Reason::folded})
        if (record::name_of(reason) == row.at("reason").get<std::string>()) request.reason = reason;
    request.decision = one_in(dice_, 2) ? record::Decision::restore : record::Decision::keep;
    if (one_in(dice_, 12)) request.dot.counter += 1'000;
    world_.note("decide", request.dot.actor, request.dot.counter, request.path);
    ask(then.channel, request, [this, row, request](const hub::Reply& reply, const Then& asked) {
        if (reply.is_error && request.dot.counter != row.at("dot")[1]) return;
        judge_decision(reply, asked, row, request.decision);
    });
}

void Historian::judge_decision(const hub::Reply& reply, const Then& then, const json& row,
                               record::Decision decision) {
    const std::string path = row.at("path");
    if (reply.is_error) {
        // It may have been decided, or forgotten, since it was read; what is not shown cannot be
        // kept, and some rows cannot be decided at once.
        const bool holds =
            reply.error.code == ErrorCode::not_found || reply.error.code == ErrorCode::wrong_type;
        if (!holds) violate_refusal(reply, then, "deciding " + row.dump());
        return;
    }
    const auto seq = json::parse(reply.json).at("seq").get<uint64_t>();
    const Meant meant = meant_by(world_, then.channel, seq);
    if (!meant.is_found) return violate("an acknowledged decision is in the log", then, row.dump());
    if (meant.base > log(then.channel).head_before(seq))
        return violate("a decision has seen what its author saw", then, row.dump());
    for (const json& left : meant.after.open_journal())
        if (left.at("path") == row.at("path") && left.at("reason") == row.at("reason") &&
            left.at("dot") == row.at("dot"))
            return violate("a decision closes its row", then, row.dump());
    if (decision == record::Decision::keep &&
        normal(meant.before.shown(path)) != normal(meant.after.shown(path)))
        return violate("keeping what is shown shows it still", then, row.dump());
    if (decision == record::Decision::restore && row.at("reason") == "value" &&
        normal(meant.after.shown(path)) != normal(row.at("value")) &&
        !oracle::parse_path(path)->back().is_item)
        return violate("a value that is brought back is shown", then,
                       row.dump() + " but " + meant.after.shown(path).dump());
}

void Historian::read_all(const std::string& channel) {
    const auto count = [this](hub::GetRecord get, const json& wanted) {
        ++asked_;
        const bool is_sent = world_.server.request(get, [this, get,
                                                         wanted](const hub::Reply& reply) {
            ++answered_;
            const Then then{get.channel, 0, 0};
            if (reply.is_error)
                return violate("the past can be read when all is quiet", then,
                               get.version + " " + std::string(base::error_name(reply.error.code)));
            check_record(reply, then, get, wanted, nullptr);
        });
        if (!is_sent) --asked_;
    };
    for (const auto& [name, state] : log(channel).versions) {
        hub::GetRecord get;
        get.channel = channel;
        get.version = name;
        count(get, state.shown);
    }
    const uint64_t floor = log(channel).floor;
    for (int i = 0; i < 3 && log(channel).head() > floor; ++i) {
        hub::GetRecord get;
        get.channel = channel;
        get.at = floor + dice_.below(log(channel).head() + 1 - floor);
        count(get, world_.shadow.truth.at(channel, *get.at).shown());
    }
}

}  // namespace tandem::sim
