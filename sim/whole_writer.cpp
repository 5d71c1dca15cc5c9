#include "sim/whole_writer.hpp"

#include <algorithm>
#include <utility>

#include "hub/channel.hpp"
#include "sim/historian.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

using base::ErrorCode;
using nlohmann::json;
using oracle::normal;

namespace {

constexpr size_t kReadsKept = 6;
constexpr size_t kWriter = 3'000;

bool is_item_array(const json& value) {
    return value.is_array() && !value.empty() &&
           std::ranges::all_of(value, [](const json& element) {
               return element.is_object() && element.contains("id") && element["id"].is_string();
           });
}

/// An empty list or set, and a map of nothing but those, are the same as nothing; sets have an
/// order of their own.
json without_empty(const json& value) {
    if (!value.is_object() && !value.is_array()) return value;
    if (value.is_array() && std::ranges::none_of(value, &json::is_structured)) {
        json sorted = value;
        std::sort(sorted.begin(), sorted.end());
        return sorted;
    }
    json out = value.is_object() ? json::object() : json::array();
    for (const auto& [key, member] : value.items()) {
        json inner = without_empty(member);
        if (value.is_array())
            out.push_back(std::move(inner));
        else if (!(inner.is_structured() && inner.empty()))
            out[key] = std::move(inner);
    }
    return out;
}

/// An array that can only be a value of its own: where a list is, it is taken for one whose items
/// have lost their ids.
bool has_plain_array(const json& value) {
    if (!value.is_structured()) return false;
    const bool is_plain = value.is_array() && !is_item_array(value) &&
                          std::ranges::any_of(value, &json::is_structured);
    return is_plain || std::ranges::any_of(value, has_plain_array);
}

std::map<std::string, json> by_id(const json& list) {
    std::map<std::string, json> out;
    for (const json& item : list)
        out[item.at("id")] = item;
    return out;
}

std::vector<std::string> common_order(const json& list, const std::map<std::string, json>& other) {
    std::vector<std::string> ids;
    for (const json& item : list)
        if (other.contains(item.at("id"))) ids.push_back(item.at("id"));
    return ids;
}

}  // namespace

void WholeWriter::act() {
    world_.scheduler.after(1 + dice_.below(6 * world_.profile.act_every_ms), [this] {
        if (world_.is_healing || world_.is_violated()) return;
        const std::string& channel = any_of(dice_, world_.profile.channels);
        const uint64_t roll = dice_.below(10);
        if (roll < 3)
            read(channel);
        else if (roll < 7)
            write(channel);
        else if (roll < 9)
            begin_exchange(channel);
        else
            read_garbage(channel);
        act();
    });
}

void WholeWriter::read(const std::string& channel) {
    hub::GetRecord get;
    get.channel = channel;
    if (one_in(dice_, 4)) get.at = any_seq(channel);
    ask(channel, get, [this](const hub::Reply& reply, const Then& then) {
        if (reply.is_error) {
            if (reply.error.code != ErrorCode::state_gone) violate_refusal(reply, then, "read");
            return;
        }
        std::vector<Read>& reads = seen_[then.channel];
        reads.push_back({{reply.epoch, reply.seq}, json::parse(reply.json).at("value")});
        if (reads.size() > kReadsKept) reads.erase(reads.begin());
    });
}

void WholeWriter::edit(json& state, const std::string& channel) {
    for (uint64_t count = dice_.below(4); count > 0; --count)
        channel.starts_with("open") ? edit_open(state) : edit_board(state);
}

void WholeWriter::edit_board(json& state) {
    const std::string mark = "w" + std::to_string(writes_) + "." + std::to_string(dice_.below(9));
    switch (dice_.below(10)) {
        case 0:
            state["title"] = mark;
            break;
        case 1:
            state["count"] = state.value("count", 0) + 1 + static_cast<int>(dice_.below(5));
            break;
        case 2: {
            json& tags = state["tags"];
            if (!tags.is_array()) tags = json::array();
            const std::string tag = "e" + std::to_string(dice_.below(8));
            const auto found = std::ranges::find(tags, json(tag));
            if (found == tags.end())
                tags.push_back(tag);
            else
                tags.erase(found);
            break;
        }
        case 3:
            state["meta"] = {{"by", mark}, {"deep", {{"n", dice_.below(3)}}}};
            break;
        case 4:
            state["price"] = dice_.below(50);
            break;
        case 5:
            state.erase(one_in(dice_, 2) ? "title" : "meta");
            break;
        default: {
            json& cards = state["cards"];
            if (!cards.is_array()) cards = json::array();
            const uint64_t at = cards.empty() ? 0 : dice_.below(cards.size());
            switch (cards.empty() ? 0 : dice_.below(4)) {
                case 0: {
                    const std::string id = "k" + std::to_string(++ids_);
                    const json card = {{"id", id}, {"text", mark}, {"votes", 1}};
                    cards.insert(cards.begin() + static_cast<ptrdiff_t>(at), card);
                    break;
                }
                case 1:
                    if (cards[at].contains("value"))
                        cards.erase(at);
                    else
                        cards[at]["text"] = mark;
                    break;
                case 2:
                    cards.erase(at);
                    break;
                default:
                    std::swap(cards[at], cards[dice_.below(cards.size())]);
                    break;
            }
            break;
        }
    }
}

// Without a schema any value may stand anywhere.
void WholeWriter::edit_open(json& state) {
    const std::string mark = "w" + std::to_string(writes_) + "." + std::to_string(dice_.below(9));
    const std::string key(1, static_cast<char>('a' + dice_.below(4)));
    json* at = &state[key];
    for (uint64_t depth = dice_.below(3); depth > 0; --depth) {
        if (at->is_object() && !at->empty()) {
            auto member = at->begin();
            std::advance(member, static_cast<ptrdiff_t>(dice_.below(at->size())));
            if (member.key() == "id") break;
            at = &member.value();
        } else if (is_item_array(*at)) {
            at = &(*at)[dice_.below(at->size())];
            // What is not a map is told around its value.
            if (!at->contains("value"))
                at = &(*at)["x"];
            else
                at = &(*at)["value"];
        }
    }
    if (at->is_object() && at->contains("id")) return;
    switch (dice_.below(7)) {
        case 0:
            *at = mark;
            break;
        case 1:
            *at = dice_.below(100);
            break;
        case 2:
            *at = {{"x", mark}};
            break;
        case 3:
            *at = json::array({{{"id", "k" + std::to_string(++ids_)}, {"x", 1}},
                               {{"id", "l" + std::to_string(ids_)}}});
            break;
        case 4:
            *at = json::array({"e1", mark});
            break;
        case 5:
            if (is_item_array(*at)) std::reverse(at->begin(), at->end());
            break;
        default:
            state.erase(key);
            break;
    }
    if (state.contains(key) && state[key].is_null()) state.erase(key);
}

void WholeWriter::write(const std::string& channel) {
    const std::vector<Read>& reads = seen_[channel];
    if (reads.empty()) return read(channel);
    const Read& from = one_in(dice_, 3) ? any_of(dice_, reads) : reads.back();
    Put put;
    ++writes_;
    put.before = put.state = from.state;
    edit(put.state, channel);
    put.request.channel = channel;
    // Spaces make each text another, so that its digest tells it from all others.
    put.request.body = put.state.dump() + std::string(writes_ % 4'000, ' ');
    put.request.has_base = !is_bold_ || !one_in(dice_, 4);
    if (!put.request.has_base) world_.rewritten.insert(channel);
    if (put.request.has_base) put.request.base = from.cursor;
    put.request.is_conditional = put.request.has_base && one_in(dice_, 3);
    if (one_in(dice_, 3)) put.request.idempotency_key = "p" + std::to_string(writes_);
    if (one_in(dice_, 25)) put.request.body = one_in(dice_, 2) ? "{\"a\":" : "[1]";
    Issue issue;
    issue.device = kWriter;
    issue.channel = channel;
    issue.push = writes_;
    issue.is_stored = true;
    issue.fate = Issue::Fate::unknown;
    issue.is_shared = world_.profile.has_clock_jumps && !put.request.idempotency_key.empty();
    put.issue = world_.ledger.add(std::move(issue));
    world_.ledger.note_sent(channel, hub::digest_of(put.request.body), put.issue);
    send(std::move(put));
}

void WholeWriter::send(Put put) {
    const bool has_key = !put.request.idempotency_key.empty();
    world_.note("put", put.request.base.seq, put.issue, put.request.channel);
    auto is_answered = std::make_shared<bool>(false);
    hub::ReplaceRecord request = put.request;
    const std::string channel = request.channel;
    ask(channel, std::move(request),
        [this, put, is_answered](const hub::Reply& reply, const Then& then) {
            *is_answered = true;
            judge(reply, then, put);
        });
    if (!has_key || put.tries >= 5) return;
    ++put.tries;
    world_.scheduler.after(between(dice_, 200, 1'500), [this, put, is_answered] {
        if (!world_.is_healing && (!*is_answered || one_in(dice_, 3))) send(put);
    });
}

void WholeWriter::judge_refusal(const hub::Reply& reply, const Then& then, const Put& put) {
    const ErrorCode code = reply.error.code;
    const bool is_json = !json::parse(put.request.body, nullptr, false).is_discarded();
    const bool is_object = put.request.body.front() == '{';
    const ShadowChannel& now = log(then.channel);
    const uint64_t base = now.effective(put.request.base.epoch, put.request.base.seq);
    const auto has_changed = [&] {
        for (uint64_t seq = std::max(base, now.start) + 1; seq <= now.head(); ++seq)
            if (!Truth::entry_of(*now.find(seq)).at("ops").empty()) return true;
        return false;
    };
    const bool is_base_gone =
        base < now.floor || now.is_lost(put.request.base.epoch, put.request.base.seq);
    const bool holds =
        (code == ErrorCode::malformed && !is_json) || (code == ErrorCode::truncated && !is_json) ||
        (code == ErrorCode::wrong_type && !is_object) ||
        // Written over what others have made a list since it was read.
        (code == ErrorCode::wrong_type && !put.request.has_base && has_plain_array(put.state)) ||
        (code == ErrorCode::precondition_failed && put.request.has_base &&
         (is_base_gone || (put.request.is_conditional && has_changed()))) ||
        // Of a log that was restored to less.
        (code == ErrorCode::base_in_future && base > then.head);
    if (!holds)
        violate_refusal(reply, then, "state on #" + std::to_string(base) + ": " + put.request.body);
}

void WholeWriter::judge(const hub::Reply& reply, const Then& then, const Put& put) {
    if (reply.is_error) return judge_refusal(reply, then, put);
    Issue& issue = world_.ledger.at(put.issue);
    const auto seq = json::parse(reply.json).at("seq").get<uint64_t>();
    const ShadowChannel& now = log(then.channel);
    const std::string what = "by #" + std::to_string(seq) + " of #" +
                             std::to_string(put.request.has_base ? put.request.base.seq : seq) +
                             ": ";
    const uint64_t base = now.effective(put.request.base.epoch, put.request.base.seq);
    const port::StoredEntry* entry = now.find(seq);
    const bool is_written = entry != nullptr && entry->actor < hub::kOutboxActorMin &&
                            entry->digest == hub::digest_of(put.request.body);
    // What a watermark shows is not what was written.
    const auto comparable = [](json state) {
        for (const char* key : {"mark", "low"})
            if (state.is_object()) state.erase(key);
        return without_empty(normal(state));
    };
    const json wanted = comparable(put.state);
    if (!is_written) {
        if (issue.in_log > 0) return violate("an acknowledgement names its entry", then, what);
        if (seq > now.head() || seq < now.start) return violate("a state is of a seq", then, what);
        const uint64_t seen = put.request.has_base ? base : seq;
        if (seen < now.start) return;
        const json shown = comparable(world_.shadow.truth.at(then.channel, seen).shown());
        const std::string found = difference(wanted, shown);
        if (!found.empty()) violate("a state that is not there is written", then, what + found);
        return;
    }
    issue.was_acked = true;
    issue.fate = Issue::Fate::open;
    if (put.request.has_base && now.is_lost(put.request.base.epoch, put.request.base.seq))
        return violate("a whole state is of a record that is there", then, what);
    const Meant meant = meant_by(world_, then.channel, seq);
    if (!meant.is_found) return violate("a whole state has one base", then, what);
    if (put.request.has_base ? meant.base != base : meant.base > now.head_before(seq))
        return violate("a whole state keeps the base of its author", then,
                       what + "on #" + std::to_string(meant.base));
    const std::string found = difference(wanted, comparable(meant.after.shown()));
    if (!found.empty()) return violate("a whole state means itself", then, what + found);
    if (put.request.has_base) check_extent(then, put, meant.entry);
}

// What its author did not change is not written, so that nobody's edit is undone.
void WholeWriter::check_extent(const Then& then, const Put& put, const json& entry) {
    Intent intent;
    const json before = normal(put.before);
    const json after = normal(put.state);
    std::set<std::string> keys;
    for (const json* object : {&before, &after})
        for (const auto& [key, value] : object->items())
            keys.insert(key);
    for (const std::string& key : keys) {
        if (before.contains(key) && after.contains(key) && before.at(key) == after.at(key))
            continue;
        const json was = before.value(key, json::array());
        const json is = after.value(key, json::array());
        intent.keys.insert(key);
        const bool is_list = (was == json::array() || is_item_array(was)) &&
                             (is == json::array() || is_item_array(is));
        if (!is_list) {
            intent.orders.insert(key);
            intent.items.insert({key, "*"});
            continue;
        }
        const auto items_before = by_id(was);
        const auto items_after = by_id(is);
        for (const auto& [id, item] : items_before)
            if (!items_after.contains(id) || items_after.at(id) != item)
                intent.items.insert({key, id});
        for (const auto& [id, item] : items_after)
            if (!items_before.contains(id)) intent.items.insert({key, id});
        if (common_order(was, items_after) != common_order(is, items_before))
            intent.orders.insert(key);
    }
    for (const json& op : entry.at("ops")) {
        const auto path = oracle::parse_path(op.at("path").get<std::string>());
        // Who wants nothing of what was there deletes all that it saw.
        if (path->empty() && op.at("op") == "delete" && after.empty()) continue;
        if (path->empty() || !intent.keys.contains(path->front().name))
            return violate("a whole state undoes nobody's edit", then,
                           op.dump() + " for " + after.dump() + " after " + before.dump());
        const std::string& key = path->front().name;
        if (path->size() < 2 || !(*path)[1].is_item || intent.items.contains({key, "*"})) continue;
        if (!intent.items.contains({key, (*path)[1].name}) &&
            !(op.at("op") == "move" && intent.orders.contains(key)))
            return violate("a whole state undoes nobody's edit", then, op.dump());
    }
}

void WholeWriter::begin_exchange(const std::string& channel) {
    auto exchange = std::make_shared<Exchange>();
    exchange->channel = channel;
    exchange->replica = world_.shadow.truth.document_at(channel, any_seq(channel));
    continue_exchange(std::move(exchange));
}

void WholeWriter::continue_exchange(std::shared_ptr<Exchange> exchange) {
    if (exchange->comparison.is_done()) return finish_exchange(exchange);
    const std::vector<record::KeyPrefix> wanted = exchange->comparison.wanted();
    const std::string channel = exchange->channel;
    ask(channel, hub::ReadHashes{channel, json{{"nodes", wanted}}.dump()},
        [this, exchange, wanted](const hub::Reply& reply, const Then& then) {
            if (reply.is_error) return violate_refusal(reply, then, "hashes");
            const json body = json::parse(reply.json);
            // A record that has gone on is compared anew, by who has the patience.
            if (exchange->seq != 0 && exchange->seq != reply.seq) return;
            exchange->seq = reply.seq;
            std::vector<record::Subtree> left;
            std::vector<record::Subtree> right;
            for (const json& node : body.at("nodes")) {
                record::Subtree subtree;
                subtree.is_inner = node.contains("parts");
                for (size_t i = 0; subtree.is_inner && i < 16; ++i)
                    if (!node["parts"][i].is_null())
                        subtree.parts[i] =
                            *record::digest_from_hex(node["parts"][i].get<std::string>());
                for (const json& leaf : node.value("leaves", json::array()))
                    subtree.leaves.push_back(
                        {*record::digest_from_hex(leaf[0].get<std::string>()),
                         *record::digest_from_hex(leaf[1].get<std::string>())});
                right.push_back(std::move(subtree));
                left.push_back(
                    exchange->replica.hashes_below(node.at("prefix").get<std::string>()));
            }
            if (!exchange->comparison.handle(left, right))
                return violate("an exchange of hashes answers what was asked", then, reply.json);
            continue_exchange(exchange);
        });
}

// All leaves of a record, with their contents.
namespace {
void gather(const record::Document& document, const std::string& prefix,
            std::map<record::Digest, record::Digest>& out) {
    const record::Subtree subtree = document.hashes_below(prefix);
    for (const record::LeafHash& leaf : subtree.leaves)
        out[leaf.key] = leaf.content;
    for (size_t digit = 0; subtree.is_inner && digit < 16; ++digit)
        if (subtree.parts[digit] != record::Digest{})
            gather(document, prefix + "0123456789abcdef"[digit], out);
}
}  // namespace

void WholeWriter::finish_exchange(const std::shared_ptr<Exchange>& exchange) {
    const Then then{exchange->channel, 0, 0};
    const record::Document truth =
        world_.shadow.truth.document_at(exchange->channel, exchange->seq);
    std::map<record::Digest, record::Digest> ours;
    std::map<record::Digest, record::Digest> theirs;
    gather(exchange->replica, "", ours);
    gather(truth, "", theirs);
    std::set<record::Digest> wanted;
    for (const auto& [key, content] : ours)
        if (!theirs.contains(key) || theirs.at(key) != content) wanted.insert(key);
    for (const auto& [key, content] : theirs)
        if (!ours.contains(key)) wanted.insert(key);
    std::set<record::Digest> found;
    for (const auto& difference : exchange->comparison.differences())
        found.insert(difference.key);
    if (found != wanted)
        return violate("an exchange of hashes finds what differs", then,
                       "#" + std::to_string(exchange->seq) + ": " + std::to_string(found.size()) +
                           " of " + std::to_string(wanted.size()));
    std::vector<std::string> keys;
    for (const record::Digest& key : found)
        if (keys.size() < 100) keys.push_back(record::to_hex(key));
    if (keys.empty()) return;
    const uint64_t seq = exchange->seq;
    ask(exchange->channel, hub::ReadHashes{exchange->channel, json{{"fields", keys}}.dump()},
        [this, seq](const hub::Reply& reply, const Then& asked) {
            if (reply.is_error) return violate_refusal(reply, asked, "fields");
            if (reply.seq != seq) return;
            const json body = json::parse(reply.json);
            const oracle::Oracle state = world_.shadow.truth.at(asked.channel, seq);
            for (const json& field : body.at("fields")) {
                if (!field.contains("value")) continue;
                const std::string path = field.at("path");
                // What another kind hides is not shown, and is told nevertheless.
                if (!path.empty() && state.shown(path).is_discarded()) continue;
                if (shown_at(state, path) != normal(field.at("value")))
                    return violate("a field is told as it is shown", asked, field.dump());
            }
            if (world_.shadow.truth.document_at(asked.channel, seq).hash() != body.at("hash"))
                violate("the hash of a state is that of its log", asked, std::to_string(seq));
        });
}

void WholeWriter::read_garbage(const std::string& channel) {
    static const std::vector<std::pair<std::string, ErrorCode>> wrong = {
        {"{", ErrorCode::truncated},
        {R"({"nodes":3})", ErrorCode::malformed},
        {R"({"fields":[3]})", ErrorCode::malformed},
        {R"({"nodes":["xyz"]})", ErrorCode::invalid_argument},
        {R"({"fields":["00"]})", ErrorCode::invalid_argument},
    };
    const auto& [body, code] = any_of(dice_, wrong);
    ask(channel, hub::ReadHashes{channel, body},
        [this, code = code](const hub::Reply& reply, const Then& then) {
            const bool is_json = code != ErrorCode::truncated;
            if (!reply.is_error || (is_json && reply.error.code != code))
                violate_refusal(reply, then, "hashes of garbage");
        });
}

}  // namespace tandem::sim
