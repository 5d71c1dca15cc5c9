#include "gateway/shard_requests.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "hub/json_out.hpp"

namespace tandem::gateway {

namespace {

// Reads a T on every shard, on its thread, and hands all of them over here.
template <class T>
void gather(ShardMember& here, std::function<T(HubHost&, uint32_t)> read,
            std::function<void(std::vector<T>&)> done) {
    struct State {
        std::vector<T> parts;
        size_t missing;
        std::function<void(std::vector<T>&)> done;
    };
    const uint32_t count = here.count();
    auto state = std::make_shared<State>(State{std::vector<T>(count), count, std::move(done)});
    for (uint32_t shard = 0; shard < count; ++shard) {
        // The state travels there and back, so that it is this thread that lets it go.
        here.run_on(shard, [state, read, shard, home = here.index()](HubHost& there) mutable {
            auto part = std::make_shared<T>(read(there, shard));
            there.member()->run_on(home, [state = std::move(state), part, shard](HubHost&) {
                state->parts[shard] = std::move(*part);
                if (--state->missing == 0) state->done(state->parts);
            });
        });
    }
}

void list_connections(ShardMember& here, HubHost::OnReply on_reply) {
    using Rows = std::vector<hub::ConnectionRow>;
    gather<Rows>(
        here, [](HubHost& there, uint32_t) { return there.connection_rows(); },
        [on_reply](std::vector<Rows>& parts) {
            Rows merged;
            for (Rows& part : parts)
                std::copy_if(part.begin(), part.end(), std::back_inserter(merged),
                             [](const hub::ConnectionRow& row) { return !row.is_guest; });
            const auto by_id = [](const hub::ConnectionRow& a, const hub::ConnectionRow& b) {
                return a.id < b.id;
            };
            std::sort(merged.begin(), merged.end(), by_id);
            for (Rows& part : parts)
                for (hub::ConnectionRow& row : part) {
                    if (!row.is_guest) continue;
                    // It may have gone since, or come.
                    const auto to = std::lower_bound(merged.begin(), merged.end(), row, by_id);
                    if (to == merged.end() || to->id != row.id) continue;
                    to->channels.insert(to->channels.end(), row.channels.begin(),
                                        row.channels.end());
                    to->bytes_out += row.bytes_out;
                    to->pending_bytes += row.pending_bytes;
                }
            for (hub::ConnectionRow& row : merged)
                std::sort(row.channels.begin(), row.channels.end());
            hub::Reply reply;
            reply.json = hub::connections_json(merged);
            on_reply(reply);
        });
}

void list_channels(ShardMember& here, hub::ListChannels request, HubHost::OnReply on_reply) {
    using Rows = std::vector<hub::ChannelRow>;
    const auto on_listed = [&here, on_reply](hub::Reply& listed) {
        if (listed.is_error) return on_reply(listed);
        auto split = std::make_shared<std::vector<Rows>>(here.count());
        for (hub::ChannelRow& row : listed.channels)
            (*split)[here.owner_of(row.name)].push_back(std::move(row));
        const bool has_more = listed.has_more;
        gather<Rows>(
            here,
            [split = std::shared_ptr<const std::vector<Rows>>(split)](HubHost& there,
                                                                      uint32_t shard) {
                Rows rows = (*split)[shard];
                for (hub::ChannelRow& row : rows)
                    there.refresh(row);
                return rows;
            },
            [on_reply, has_more](std::vector<Rows>& parts) {
                Rows merged;
                for (Rows& part : parts)
                    std::move(part.begin(), part.end(), std::back_inserter(merged));
                std::sort(merged.begin(), merged.end(),
                          [](const hub::ChannelRow& a, const hub::ChannelRow& b) {
                              return a.name < b.name;
                          });
                hub::Reply reply;
                reply.json =
                    hub::channels_json(merged, has_more ? hub::Rest::more : hub::Rest::none);
                on_reply(reply);
            });
    };
    here.run_on(here.index(), [&](HubHost& host) { host.request_here(request, on_listed); });
}

std::string_view channel_of(const hub::Request& request) {
    return std::visit(
        [](const auto& r) -> std::string_view {
            if constexpr (requires { r.channel; })
                return r.channel;
            else
                return {};
        },
        request);
}

}  // namespace

void ask_shards(ShardMember& here, hub::Request request, HubHost::OnReply on_reply) {
    if (std::holds_alternative<hub::ListConnections>(request))
        return list_connections(here, std::move(on_reply));
    if (auto* list = std::get_if<hub::ListChannels>(&request))
        return list_channels(here, std::move(*list), std::move(on_reply));
    const uint32_t owner = here.owner_of(channel_of(request));
    // Both are moved through, once: a task runs once.
    here.run_on(owner, [request = std::move(request), on_reply = std::move(on_reply),
                        home = here.index()](HubHost& there) mutable {
        if (there.member()->index() == home)
            return there.request_here(std::move(request), std::move(on_reply));
        there.request_here(std::move(request), [&there, home, on_reply = std::move(on_reply)](
                                                   hub::Reply& reply) mutable {
            there.member()->run_on(home, [on_reply = std::move(on_reply),
                                          reply = std::make_shared<hub::Reply>(std::move(reply))](
                                             HubHost&) { on_reply(*reply); });
        });
    });
}

void gather_stats(ShardMember& here, std::function<void(const hub::Stats&)> done) {
    gather<hub::Stats>(
        here, [](HubHost& there, uint32_t) { return there.stats(); },
        [done = std::move(done)](std::vector<hub::Stats>& parts) {
            hub::Stats sum;
            for (const hub::Stats& part : parts)
                hub::add(sum, part);
            done(sum);
        });
}

}  // namespace tandem::gateway
