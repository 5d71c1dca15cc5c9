#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "sdk/values.hpp"
#include "tandem/tandem.h"
#include "tandem/tandem.hpp"

struct tandem_client {
    tandem::Client client;
};

struct tandem_subscription {
    tandem::Subscription subscription;
};

namespace {

template <size_t kSize>
void copy(char (&out)[kSize], const std::string& text) {
    size_t length = std::min(text.size(), kSize - 1);
    // Not within a character.
    while (length > 0 && length < text.size() &&
           (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
        --length;
    std::memcpy(out, text.data(), length);
    out[length] = '\0';
}

int report(const tandem::Error& failure, tandem_error* error) {
    if (error != nullptr) {
        copy(error->code, failure.code());
        copy(error->message, failure.message());
        copy(error->hint, failure.hint());
    }
    return failure.code().empty() ? 0 : -1;
}

int done(tandem_error* error) { return report({}, error); }

char* copy_of(const std::string& text) {
    char* out = static_cast<char*>(std::malloc(text.size() + 1));
    if (out != nullptr) std::memcpy(out, text.c_str(), text.size() + 1);
    return out;
}

tandem::Channel channel_of(tandem_client& client, const char* name) {
    return client.client.channel(name);
}

int finish(tandem::Write write, int64_t timeout_ms, tandem_error* error) {
    // A wait of no time still tells what was wrong at once.
    const auto decided = write.wait(std::chrono::milliseconds(std::max<int64_t>(timeout_ms, 0)));
    const bool is_undecided = !decided && (decided.error().code() == "timed_out" ||
                                           decided.error().code() == "would_block");
    if (decided || (timeout_ms <= 0 && is_undecided)) return done(error);
    return report(decided.error(), error);
}

std::optional<tandem::Value> value_of(const char* json, tandem_error* error,
                                      tandem::base::ValueLimits limits = {}) {
    auto parsed = tandem::base::parse_json(json, limits);
    if (parsed) return tandem::sdk::from_base(*parsed);
    report(tandem::sdk::to_error(parsed.error()), error);
    return std::nullopt;
}

std::vector<std::string> texts_of(const char* const* texts, size_t count) {
    return std::vector<std::string>(texts, texts + count);
}

std::optional<tandem::Conflict> conflict_at(tandem_client& client, const char* channel,
                                            const char* path, tandem_error* error) {
    for (tandem::Conflict& conflict : channel_of(client, channel).conflicts())
        if (conflict.path == path) return std::move(conflict);
    report(tandem::sdk::to_error(tandem::base::fail(tandem::base::ErrorCode::not_found)), error);
    return std::nullopt;
}

tandem_subscription* subscribed(tandem::Subscription subscription) {
    return new tandem_subscription{std::move(subscription)};
}

}  // namespace

extern "C" {

uint32_t tandem_abi_version(void) noexcept { return TANDEM_ABI_VERSION; }

tandem_client* tandem_client_open(const char* url, const char* outbox,
                                  tandem_error* error) noexcept {
    const tandem_options options{sizeof options, url, outbox, nullptr, 0};
    return tandem_client_open_with(&options, error);
}

tandem_client* tandem_client_open_with(const tandem_options* given, tandem_error* error) noexcept {
    // Members that a program of an older header does not know are zero.
    tandem_options known{};
    std::memcpy(&known, given, std::min(given->size, sizeof known));
    tandem::ClientOptions options;
    if (known.url != nullptr) options.url = known.url;
    if (known.outbox != nullptr) options.outbox = known.outbox;
    options.name = known.name != nullptr ? known.name : "tandem-c";
    options.own_thread = known.own_thread != 0;
    auto client = tandem::Client::open(std::move(options));
    if (!client) {
        report(client.error(), error);
        return nullptr;
    }
    done(error);
    return new tandem_client{std::move(*client)};
}

void tandem_client_close(tandem_client* client) noexcept { delete client; }

int tandem_channel_wait_ready(tandem_client* client, const char* channel, int64_t timeout_ms,
                              tandem_error* error) noexcept {
    auto ready = channel_of(*client, channel).wait_ready(std::chrono::milliseconds(timeout_ms));
    return ready ? done(error) : report(ready.error(), error);
}

char* tandem_get(tandem_client* client, const char* channel, const char* path) noexcept {
    return copy_of(channel_of(*client, channel).field(path).value().to_json());
}

int tandem_set(tandem_client* client, const char* channel, const char* path, const char* json,
               int64_t timeout_ms, tandem_error* error) noexcept {
    const auto value = value_of(json, error);
    if (!value) return -1;
    return finish(channel_of(*client, channel).field(path).set(*value), timeout_ms, error);
}

int tandem_remove(tandem_client* client, const char* channel, const char* path, int64_t timeout_ms,
                  tandem_error* error) noexcept {
    return finish(channel_of(*client, channel).field(path).remove(), timeout_ms, error);
}

int tandem_increment(tandem_client* client, const char* channel, const char* path, int64_t n,
                     int64_t timeout_ms, tandem_error* error) noexcept {
    return finish(channel_of(*client, channel).counter(path).add(n), timeout_ms, error);
}

int tandem_set_add(tandem_client* client, const char* channel, const char* path, const char* json,
                   int64_t timeout_ms, tandem_error* error) noexcept {
    const auto value = value_of(json, error);
    if (!value) return -1;
    return finish(channel_of(*client, channel).set(path).add(*value), timeout_ms, error);
}

int tandem_set_remove(tandem_client* client, const char* channel, const char* path,
                      const char* json, int64_t timeout_ms, tandem_error* error) noexcept {
    const auto value = value_of(json, error);
    if (!value) return -1;
    return finish(channel_of(*client, channel).set(path).remove(*value), timeout_ms, error);
}

char* tandem_list_insert(tandem_client* client, const char* channel, const char* path,
                         const char* json, tandem_error* error) noexcept {
    const auto value = value_of(json, error);
    if (!value) return nullptr;
    tandem::Write write;
    const tandem::ItemId item =
        channel_of(*client, channel).list(path).insert(*value, tandem::Place::last(), &write);
    if (finish(std::move(write), 0, error) != 0) return nullptr;
    return copy_of(item.id);
}

int tandem_channel_select(tandem_client* client, const char* channel, const char* const* parts,
                          size_t count, tandem_error* error) noexcept {
    const auto wanted = texts_of(parts, count);
    // One that is not followed yet never asks for more.
    const auto selected = client->client.channel(channel, {.select = wanted}).select(wanted);
    return selected ? done(error) : report(selected.error(), error);
}

int tandem_channel_load(tandem_client* client, const char* channel, const char* const* parts,
                        size_t count, tandem_error* error) noexcept {
    const auto loaded = channel_of(*client, channel).load(texts_of(parts, count));
    return loaded ? done(error) : report(loaded.error(), error);
}

int tandem_list_move(tandem_client* client, const char* channel, const char* path, const char* item,
                     const char* before, int64_t timeout_ms, tandem_error* error) noexcept {
    const auto place = before == nullptr ? tandem::Place::last() : tandem::Place::before({before});
    return finish(channel_of(*client, channel).list(path).move({item}, place), timeout_ms, error);
}

char* tandem_read(tandem_client* client, const char* channel) noexcept {
    return copy_of(channel_of(*client, channel).read().to_json());
}

int tandem_assign(tandem_client* client, const char* channel, const char* json, int64_t timeout_ms,
                  tandem_error* error) noexcept {
    // A record may be larger than one value.
    const auto value = value_of(json, error, tandem::base::kLooseValueLimits);
    if (!value) return -1;
    return finish(channel_of(*client, channel).assign(*value), timeout_ms, error);
}

int tandem_undo(tandem_client* client, const char* channel) noexcept {
    return channel_of(*client, channel).history().undo() ? 1 : 0;
}

int tandem_redo(tandem_client* client, const char* channel) noexcept {
    return channel_of(*client, channel).history().redo() ? 1 : 0;
}

char* tandem_at(tandem_client* client, const char* channel, uint64_t seq, const char* path,
                int64_t timeout_ms, tandem_error* error) noexcept {
    const std::chrono::milliseconds timeout(timeout_ms);
    const auto then = channel_of(*client, channel).past(timeout).at(seq);
    if (!then) {
        report(then.error(), error);
        return nullptr;
    }
    done(error);
    return copy_of(then->value(path).to_json());
}

char* tandem_conflicts(tandem_client* client, const char* channel) noexcept {
    tandem::Value::Array out;
    for (const tandem::Conflict& conflict : channel_of(*client, channel).conflicts())
        out.push_back({{"path", conflict.path},
                       {"shown", conflict.shown},
                       {"losers", tandem::Value::Array(conflict.losers)}});
    return copy_of(tandem::Value(std::move(out)).to_json());
}

int tandem_conflict_restore(tandem_client* client, const char* channel, const char* path,
                            size_t loser, int64_t timeout_ms, tandem_error* error) noexcept {
    const auto conflict = conflict_at(*client, channel, path, error);
    if (!conflict) return -1;
    if (loser >= conflict->losers.size())
        return report(
            tandem::sdk::to_error(tandem::base::fail(tandem::base::ErrorCode::out_of_range)),
            error);
    return finish(conflict->restore(loser), timeout_ms, error);
}

int tandem_conflict_resolve(tandem_client* client, const char* channel, const char* path,
                            const char* json, int64_t timeout_ms, tandem_error* error) noexcept {
    const auto value = value_of(json, error);
    if (!value) return -1;
    const auto conflict = conflict_at(*client, channel, path, error);
    if (!conflict) return -1;
    return finish(conflict->resolve(*value), timeout_ms, error);
}

int tandem_presence_set(tandem_client* client, const char* channel, const char* json,
                        tandem_error* error) noexcept {
    const auto value = value_of(json, error);
    if (!value) return -1;
    channel_of(*client, channel).presence().set(*value);
    return done(error);
}

void tandem_presence_leave(tandem_client* client, const char* channel) noexcept {
    channel_of(*client, channel).presence().leave();
}

char* tandem_presence_others(tandem_client* client, const char* channel) noexcept {
    tandem::Value::Array out;
    for (const tandem::Member& member : channel_of(*client, channel).presence().others())
        out.push_back({{"id", member.id}, {"user", member.user}, {"state", member.state}});
    return copy_of(tandem::Value(std::move(out)).to_json());
}

int tandem_signal(tandem_client* client, const char* channel, const char* name, const char* json,
                  tandem_error* error) noexcept {
    const auto value = value_of(json, error);
    if (!value) return -1;
    channel_of(*client, channel).signal(name, *value);
    return done(error);
}

int tandem_is_synced(tandem_client* client, const char* channel) noexcept {
    return channel_of(*client, channel).status().synced ? 1 : 0;
}

uint32_t tandem_pending(tandem_client* client, const char* channel) noexcept {
    return channel_of(*client, channel).status().pending;
}

tandem_subscription* tandem_subscribe(tandem_client* client, const char* channel,
                                      tandem_on_change callback, void* user) noexcept {
    return subscribed(
        channel_of(*client, channel).on_change([callback, user](const tandem::Change& change) {
            callback(user, change.seq, change.path.c_str());
        }));
}

tandem_subscription* tandem_subscribe_members(tandem_client* client, const char* channel,
                                              tandem_on_members callback, void* user) noexcept {
    return subscribed(
        channel_of(*client, channel).on_members([callback, user] { callback(user); }));
}

tandem_subscription* tandem_subscribe_signals(tandem_client* client, const char* channel,
                                              tandem_on_signal callback, void* user) noexcept {
    return subscribed(
        channel_of(*client, channel).on_signal([callback, user](const tandem::Signal& signal) {
            callback(user, signal.from.c_str(), signal.name.c_str(),
                     signal.value.to_json().c_str());
        }));
}

tandem_subscription* tandem_subscribe_conflicts(tandem_client* client, const char* channel,
                                                tandem_on_conflict callback, void* user) noexcept {
    return subscribed(
        channel_of(*client, channel).on_conflict([callback, user](tandem::Conflict& conflict) {
            callback(user, conflict.path.c_str());
        }));
}

void tandem_unsubscribe(tandem_subscription* subscription) noexcept { delete subscription; }

int tandem_client_fd(tandem_client* client) noexcept { return client->client.fd(); }
void tandem_client_poll(tandem_client* client) noexcept { client->client.poll(); }
void tandem_client_run(tandem_client* client) noexcept { client->client.run(); }
void tandem_client_stop(tandem_client* client) noexcept { client->client.stop(); }

void tandem_free(void* text) noexcept { std::free(text); }

}  // extern "C"
