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

std::optional<tandem::Value> value_of(const char* json, tandem_error* error) {
    auto parsed = tandem::base::parse_json(json);
    if (parsed) return tandem::sdk::from_base(*parsed);
    report(tandem::sdk::to_error(parsed.error()), error);
    return std::nullopt;
}

}  // namespace

extern "C" {

uint32_t tandem_abi_version(void) noexcept { return TANDEM_ABI_VERSION; }

tandem_client* tandem_client_open(const char* url, const char* outbox,
                                  tandem_error* error) noexcept {
    tandem::ClientOptions options;
    options.url = url;
    if (outbox != nullptr) options.outbox = outbox;
    options.name = "tandem-c";
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

uint32_t tandem_pending(tandem_client* client, const char* channel) noexcept {
    return channel_of(*client, channel).status().pending;
}

tandem_subscription* tandem_subscribe(tandem_client* client, const char* channel,
                                      tandem_on_change callback, void* user) noexcept {
    return new tandem_subscription{
        channel_of(*client, channel).on_change([callback, user](const tandem::Change& change) {
            callback(user, change.seq, change.path.c_str());
        })};
}

void tandem_unsubscribe(tandem_subscription* subscription) noexcept { delete subscription; }

int tandem_client_fd(tandem_client* client) noexcept { return client->client.fd(); }
void tandem_client_poll(tandem_client* client) noexcept { client->client.poll(); }
void tandem_client_run(tandem_client* client) noexcept { client->client.run(); }
void tandem_client_stop(tandem_client* client) noexcept { client->client.stop(); }

void tandem_free(void* text) noexcept { std::free(text); }

}  // extern "C"
