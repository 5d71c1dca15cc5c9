#pragma once

#include <functional>

#include "gateway/hub_host.hpp"
#include "gateway/shard_member.hpp"

namespace tandem::gateway {

/// Carries a request out where it belongs: on the owner of its channel, or on all shards. Called
/// back on this shard.
void ask_shards(ShardMember& here, hub::Request request, HubHost::OnReply on_reply);

/// The sums over all shards.
void gather_stats(ShardMember& here, std::function<void(const hub::Stats&)> done);

}  // namespace tandem::gateway
