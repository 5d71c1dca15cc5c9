#include "sim/asking.hpp"

#include <utility>

#include "sim/world.hpp"

namespace tandem::sim {

namespace {

// What the store or a shutdown may bring about at any time.
bool is_passing(base::ErrorCode code) {
    return static_cast<uint32_t>(code) >= 100 && code != base::ErrorCode::internal &&
           code != base::ErrorCode::storage_corrupt;
}

}  // namespace

ShadowChannel& Asking::log(const std::string& channel) { return world_.shadow.at(channel); }

void Asking::ask(const std::string& channel, hub::Request request, Judge judge) {
    const ShadowChannel& now = log(channel);
    Then then{channel, now.cuts, now.head()};
    const uint64_t process = world_.server.process();
    world_.server.request(std::move(request), [this, then = std::move(then), process,
                                               judge = std::move(judge)](const hub::Reply& reply) {
        if (world_.is_violated() || world_.server.process() != process ||
            log(then.channel).cuts != then.cuts)
            return;
        if (reply.is_error && is_passing(reply.error.code)) return;
        judge(reply, then);
    });
}

void Asking::violate(std::string_view invariant, const Then& then, const std::string& detail) {
    world_.violate(invariant, then.channel + ": " + detail);
}

void Asking::violate_refusal(const hub::Reply& reply, const Then& then, const std::string& what) {
    violate("a request is refused for a reason that holds", then,
            what + ": " + std::string(base::error_name(reply.error.code)) + " " +
                std::to_string(reply.error.detail));
}

uint64_t Asking::any_seq(const std::string& channel) {
    const ShadowChannel& now = log(channel);
    const uint64_t low = one_in(dice_, 4) ? 0 : now.floor;
    return low + dice_.below(now.head() + 1 - low);
}

}  // namespace tandem::sim
