// Who may do what: tokens of connections, their end, and what their rights are on a channel.

#include <algorithm>
#include <utility>

#include "hub/hub.hpp"

namespace tandem::hub {

using auth::Capability;
using base::ErrorCode;

namespace {

// A clock that is set changes when a token ends, so nobody waits for it longer than this.
constexpr uint64_t kWaitMaxMs = 60'000;

bool has_expired(const auth::GrantPtr& grant, Now now) {
    return grant != nullptr && grant->expires_ms <= now.wall_ms;
}

}  // namespace

auth::Capabilities Hub::rights_of(const auth::GrantPtr& grant, std::string_view channel) const {
    if (grant != nullptr) return grant->rights.on(channel);
    return needs_token() ? auth::Capabilities{0} : auth::kAllCapabilities;
}

bool Hub::needs_token() const { return config_.gate != nullptr && config_.gate->is_required(); }

base::Error Hub::lack_of(const auth::GrantPtr& grant) {
    return base::fail(grant == nullptr ? ErrorCode::unauthenticated : ErrorCode::forbidden);
}

bool Hub::owns_actor(const Connection& connection, uint64_t actor) const {
    if (connection.grant == nullptr || config_.gate == nullptr) return true;
    return config_.gate->claim_actor(connection.grant->subject, actor);
}

// Most connections push with one actor, which is looked up once.
bool Hub::may_push_as(Connection& connection, uint64_t actor) const {
    if (connection.owned_actor == actor) return true;
    if (!owns_actor(connection, actor)) return false;
    connection.owned_actor = actor;
    return true;
}

void Hub::arm_deadline(const Connection& connection, uint64_t in_ms) {
    deadlines_.emplace(now_.mono_ms + std::min(in_ms, kWaitMaxMs), connection.id);
}

void Hub::arm_expiry(const Connection& connection, const auth::GrantPtr& grant) {
    if (grant == nullptr || grant->expires_ms == UINT64_MAX) return;
    arm_deadline(connection, grant->expires_ms - std::min(grant->expires_ms, now_.wall_ms));
}

void Hub::admit(Connection& connection, const auth::GrantPtr& grant) {
    if (grant != nullptr) {
        connection.grant = grant;
        connection.subject = grant->subject;
        if (!connection.is_guest) arm_expiry(connection, grant);
    } else if (needs_token() && !connection.is_guest) {
        arm_deadline(connection, config_.limits.auth_timeout_ms);
    }
}

base::Status Hub::take_token(Now now, Connection& connection, std::string_view token) {
    if (config_.gate == nullptr) return {};
    if (token.empty()) {
        if (connection.grant == nullptr && needs_token()) return ErrorCode::unauthenticated;
        return {};
    }
    TANDEM_TRY(const auth::GrantPtr grant, config_.gate->check(token, now.wall_ms));
    // A connection is one subject's for as long as it lasts: its actor is, and its presence.
    if (connection.grant != nullptr && connection.grant->subject != grant->subject)
        return ErrorCode::token_invalid;
    replace_grant(now, connection, grant);
    return {};
}

void Hub::replace_grant(Now now, Connection& connection, const auth::GrantPtr& grant) {
    admit(connection, grant);
    bool has_lost = false;
    for (auto& [name, subscription] : connection.subscriptions) {
        subscription.rights = rights_of(grant, name);
        has_lost |= !auth::has(subscription.rights, Capability::read);
    }
    for (auto& [key, reader] : connection.texts) {
        if (reader.grant != nullptr) continue;
        set_rights(reader, rights_of(grant, std::get<0>(key)));
        has_lost |= !auth::has(reader.rights, Capability::read);
    }
    // It comes back and is told of each channel what it may still do.
    if (has_lost && !connection.is_guest)
        refuse_connection(now, connection, base::fail(ErrorCode::forbidden));
}

void Hub::set_grant(Now now, ConnectionId id, const auth::GrantPtr& grant) {
    now_ = now;
    const auto found = connections_.find(id);
    if (found != connections_.end()) replace_grant(now, *found->second, grant);
}

auth::GrantPtr Hub::grant_of(ConnectionId id) const {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : found->second->grant;
}

void Hub::set_rights(TextReader& reader, auth::Capabilities rights) {
    reader.rights = rights;
    reader.access =
        auth::has(rights, Capability::write) ? reader.channel->ns().text_access : TextAccess::read;
}

void Hub::note_bytes_in(Connection& connection, size_t bytes) {
    connection.bytes_in += bytes;
    stats_.bytes_in += bytes;
    if (connection.grant == nullptr && !is_of_providers(connection.codec) && needs_token() &&
        !connection.is_guest && connection.bytes_in > config_.limits.auth_bytes_max)
        refuse_connection(now_, connection, base::fail(ErrorCode::unauthenticated));
}

// Nothing is delivered from here on but why.
void Hub::refuse_connection(Now now, Connection& connection, base::Error error) {
    if (connection.refusal || connection.is_closing) return;
    for (auto& [name, subscription] : connection.subscriptions)
        drop_subscription(now, subscription, Farewell::clean);
    connection.subscriptions.clear();
    for (auto& [name, reader] : connection.texts) {
        if (is_of_providers(connection.codec)) refuse_text(reader, error);
        drop_text_reader(now, reader);
    }
    connection.texts.clear();
    send_error(connection, error, {});
    connection.refusal = error.code;
    stats_.refusals++;
    closing_.push_back(connection.id);
}

std::optional<ErrorCode> Hub::refusal_of(ConnectionId id) const {
    const auto found = connections_.find(id);
    return found == connections_.end() ? std::nullopt : found->second->refusal;
}

void Hub::note_elsewhere(ConnectionId id) {
    const auto found = connections_.find(id);
    if (found != connections_.end()) found->second->has_text_elsewhere = true;
}

// Readers of Hocuspocus have tokens of their own.
void Hub::drop_readers(Now now, Connection& connection, ErrorCode code,
                       bool (*is_over)(const Hub&, const auth::GrantPtr&)) {
    for (auto it = connection.texts.begin(); it != connection.texts.end();) {
        TextReader& reader = it->second;
        if (reader.grant == nullptr || !is_over(*this, reader.grant)) {
            ++it;
            continue;
        }
        refuse_text(reader, base::fail(code));
        drop_text_reader(now, reader);
        it = connection.texts.erase(it);
    }
}

void Hub::check_deadline(Now now, Connection& connection) {
    if (has_expired(connection.grant, now) && !connection.is_guest)
        return refuse_connection(now, connection, base::fail(ErrorCode::token_expired));
    drop_readers(
        now, connection, ErrorCode::token_expired,
        [](const Hub& hub, const auth::GrantPtr& grant) { return has_expired(grant, hub.now_); });
    bool has_grant = connection.grant != nullptr || connection.has_text_elsewhere;
    for (const auto& [key, reader] : connection.texts)
        has_grant |= reader.grant != nullptr;
    if (!has_grant && needs_token() && !connection.is_guest)
        return refuse_connection(now, connection, base::fail(ErrorCode::unauthenticated));
    if (!connection.is_guest) arm_expiry(connection, connection.grant);
    for (const auto& [key, reader] : connection.texts)
        arm_expiry(connection, reader.grant);
}

void Hub::handle_deadlines(Now now) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now.mono_ms) {
        const ConnectionId id = deadlines_.begin()->second;
        deadlines_.erase(deadlines_.begin());
        const auto found = connections_.find(id);
        if (found != connections_.end()) check_deadline(now, *found->second);
    }
}

void Hub::recheck_grants(Now now) {
    now_ = now;
    if (config_.gate == nullptr) return;
    for (auto& [id, connection] : connections_) {
        drop_readers(now, *connection, ErrorCode::token_revoked,
                     [](const Hub& hub, const auth::GrantPtr& grant) {
                         return hub.config_.gate->is_revoked(*grant);
                     });
        if (connection->grant != nullptr && !connection->is_guest &&
            config_.gate->is_revoked(*connection->grant))
            refuse_connection(now, *connection, base::fail(ErrorCode::token_revoked));
    }
}

}  // namespace tandem::hub
