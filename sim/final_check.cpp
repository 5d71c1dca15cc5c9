// When all is quiet: everybody shows the same, it is what an independent reading of the log gives,
// and every write is accounted for.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "oracle/oracle.hpp"
#include "sim/device.hpp"
#include "sim/historian.hpp"
#include "sim/other_clients.hpp"
#include "sim/part.hpp"
#include "sim/part_reader.hpp"
#include "sim/text_editors.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

namespace {

using nlohmann::json;
using oracle::normal;

json parse(const std::string& text) { return normal(json::parse(text)); }

}  // namespace

bool World::load_all() {
    size_t left = shadow.all().size();
    for (auto& [name, channel] : shadow.all())
        server.request(hub::GetRecord{name, ""}, [&left](const hub::Reply&) { --left; });
    run_until(scheduler.now_ms() + 3'000, scheduler.events() + 50'000);
    if (left != 0 && !is_violated()) violate("the server answers", "a read was not answered");
    return !is_violated();
}

void World::check_quiet() {
    if (!server.is_up()) return violate("the server is up after healing", "it is not");
    if (const std::string unknown = unknown_member(); !unknown.empty())
        return violate("everybody knows who is there", unknown);
    if (!load_all()) return;
    std::map<std::string, std::string> hashes;
    for (auto& [name, log] : shadow.all()) {
        const hub::Channel* channel = server.hub()->find_channel(name);
        if (channel == nullptr || channel->state() != hub::Channel::State::ready)
            return violate("a channel loads", name);
        if (channel->head() != log.head())
            return violate("the hub is at the log's head",
                           name + " #" + std::to_string(channel->head()));
        const record::Document& document = channel->document();
        hashes[name] = document.hash();
        check_oracle(name, document);
        check_rebuilt(name, document);
        check_stored_log(name);
        check_devices(name, document);
        if (is_violated()) return;
    }
    check_ledger();
    if (text_editors && !is_violated()) text_editors->judge();
    if (!is_violated()) check_past();
    if (is_violated()) return;
    server.crash(10);
    run_until(scheduler.now_ms() + 1'000, scheduler.events() + 50'000);
    if (is_violated() || !load_all()) return;
    for (auto& [name, hash] : hashes) {
        const hub::Channel* channel = server.hub()->find_channel(name);
        if (channel == nullptr || channel->state() != hub::Channel::State::ready)
            return violate("a channel loads", name + " after the last crash");
        if (channel->document().hash() != hash)
            return violate("a reload gives the same hash", name);
    }
    check_past();
}

// Every version, and some states of the retention.
void World::check_past() {
    if (text_editors) text_editors->ask_for_all();
    Historian reader(*this, options.seed);
    for (const auto& [name, log] : shadow.all())
        reader.read_all(name);
    run_until(scheduler.now_ms() + 3'000, scheduler.events() + 50'000);
    if (reader.answered() != reader.asked() && !is_violated())
        violate("the server answers", "a look back was not answered");
}

void World::check_oracle(const std::string& name, const record::Document& document) {
    const oracle::Oracle oracle = shadow.truth.at(name, shadow.at(name).head());
    const json shown = as_json(document.shown({}));
    const json wanted = normal(oracle.shown());
    if (shown != wanted)
        return violate("the server equals the oracle", name + ": " + difference(wanted, shown));
    const Rows ours = rows_of(document.journal(record::Document::Rows::open));
    const Rows theirs = rows_of(oracle.open_journal());
    if (const std::string found = difference(theirs, ours); !found.empty())
        violate("the journal equals the oracle's", name + ": " + found);
}

// Snapshots, trimming and crashes leave what the whole log alone gives.
void World::check_rebuilt(const std::string& name, const record::Document& document) {
    const record::Document rebuilt = shadow.truth.document_at(name, shadow.at(name).head());
    if (rebuilt.hash() != document.hash()) violate("the hash equals that of the whole log", name);
}

void World::check_stored_log(const std::string& name) {
    const ShadowChannel& log = shadow.at(name);
    auto loaded = server.read_store(port::LoadRequest{name});
    if (!loaded) return violate("the store reads back", name);
    shadow.compare(name, std::get<port::Loaded>(*loaded));
    const uint64_t oldest = std::get<port::Loaded>(*loaded).oldest_seq;
    if (oldest == 0 || log.entries.empty()) return;
    const uint64_t count = log.head() - oldest + 1;
    auto read = server.read_store(port::ReadRequest{name, oldest - 1, log.head(),
                                                    static_cast<uint32_t>(count), base::kMiB * 64});
    if (!read) return violate("the store reads back", name);
    const auto& entries = std::get<port::EntriesRead>(*read).entries;
    if (entries.size() != count)
        return violate("the stored log has no gap", name + ": " + std::to_string(entries.size()) +
                                                        " of " + std::to_string(count));
    for (const port::StoredEntry& entry : entries) {
        const port::StoredEntry* known = log.find(entry.seq);
        if (known == nullptr || known->body != entry.body || known->digest != entry.digest)
            return violate("what is logged stays", name + " #" + std::to_string(entry.seq));
    }
}

std::string World::unknown_member() {
    for (const std::string& name : profile.channels) {
        const hub::Channel* channel = server.hub()->find_channel(name);
        if (channel == nullptr) continue;
        const auto& members = channel->presence.members();
        for (const auto& device : devices) {
            const auto& known = device->session().members(name);
            const std::string who = name + " client " + std::to_string(device->index());
            if (known.size() != members.size())
                return who + " knows " + std::to_string(known.size()) + " of " +
                       std::to_string(members.size());
            for (const auto& [id, entry] : members) {
                const auto found = known.find(id);
                if (found == known.end() || !(found->second.state == entry.state))
                    return who + ": " + id;
            }
        }
    }
    return {};
}

void World::check_devices(const std::string& name, const record::Document& document) {
    if (std::find(profile.channels.begin(), profile.channels.end(), name) == profile.channels.end())
        return;
    const ShadowChannel& log = shadow.at(name);
    const json wanted = as_json(document.shown({}));
    const auto rows = rows_of(document.journal(record::Document::Rows::open));
    for (const auto& device : devices) {
        client::Session& session = device->session();
        const std::string who = name + " client " + std::to_string(device->index());
        if (!session.pending(name).empty())
            return violate("nothing is pending when all is quiet",
                           who + ": " + std::to_string(session.pending(name).size()));
        const client::Replica::Cursor cursor = session.cursor(name);
        if (cursor.seq != log.head() || cursor.epoch != log.epoch())
            return violate("everybody is at the head", who + " #" + std::to_string(cursor.seq) +
                                                           " of " + std::to_string(log.head()));
        const port::StoredEntry* last = log.find(cursor.seq);
        if (last != nullptr && last->check != cursor.check)
            return violate("a cursor carries its entry's check", who);
        const Part part(document, session.selection(name));
        const json own_wanted = device->is_partial ? as_json(part.shown()) : wanted;
        const json shown = as_json(session.view(name).shown({}));
        if (shown != own_wanted)
            return violate("everybody shows the same", who + ": " + difference(own_wanted, shown));
        const auto theirs = rows_of(session.view(name).conflicts());
        const auto own_rows = device->is_partial ? rows_of(part.conflicts()) : rows;
        if (const std::string found = difference(own_rows, theirs); !found.empty())
            return violate("everybody knows the open conflicts", who + ": " + found);
        for (const record::Path& list : part.windowed())
            if (session.total(name, list) != document.items(list).size())
                return violate("everybody counts the same", who + ": " + record::to_text(list));
    }
    if (part_reader) {
        const std::string wrong = part_reader->judge(name);
        if (!wrong.empty())
            return violate("a part over JSON is that of the record", name + " " + wrong);
    }
    for (const auto& client : json_clients) {
        const std::string* value = client->value_of(name);
        if (value == nullptr) return violate("a JSON client gets its snapshot", name);
        if (parse(*value) != wanted)
            return violate("everybody shows the same",
                           name + " in JSON: " + difference(wanted, parse(*value)));
    }
}

void World::check_ledger() {
    size_t index = 0;
    for (const Issue& issue : ledger.all()) {
        const std::string who = issue.channel + " push " + std::to_string(issue.push) +
                                " of client " + std::to_string(issue.device) + " (issue " +
                                std::to_string(index++) + ") is in the log " +
                                std::to_string(issue.in_log) + " times";
        if (issue.is_shared) continue;
        if (issue.in_log > 1) return violate("no write is doubled", who);
        const bool is_there = issue.in_log == 1;
        switch (issue.fate) {
            case Issue::Fate::open:
                if (!is_there && (!issue.was_cut || issue.is_held))
                    return violate("no write is lost", who);
                break;
            case Issue::Fate::refused:
                if (is_there) return violate("a refused write is not logged", who);
                break;
            case Issue::Fate::lost:
                if (is_there) return violate("only what is stored is sent", who);
                break;
            case Issue::Fate::unknown:
                break;
        }
    }
}

}  // namespace tandem::sim
