#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "store/memory/memory_store.hpp"
#include "store/sqlite/inline_store.hpp"
#include "store/sqlite/store_testing.hpp"

namespace tandem::store {
namespace {

std::string show(const port::StoredEntry& entry) {
    std::ostringstream out;
    out << entry.seq << '/' << entry.actor << '/' << entry.counter << '/' << entry.floor << '/'
        << entry.digest << '/' << entry.body << ' ';
    return out.str();
}

/// Everything of a reply that a caller can see.
struct Show {
    std::ostringstream& out;
    void operator()(const port::Loaded& reply) const {
        out << "loaded " << reply.exists << ' ' << reply.head << ' ' << reply.snapshot_seq << ' '
            << reply.snapshot << ' ' << reply.store_epoch << ' ' << reply.oldest_seq << ' ';
        for (const auto& entry : reply.entries)
            out << show(entry);
        for (const auto& fork : reply.epochs)
            out << fork.epoch << '@' << fork.fork_seq << ' ';
    }
    void operator()(const port::Appended&) const { out << "appended"; }
    void operator()(const port::SnapshotSaved& reply) const { out << "saved " << reply.oldest_seq; }
    void operator()(const port::StateFound& reply) const {
        out << "state " << reply.exists << ' ' << reply.seq << ' ' << reply.body << ' '
            << reply.oldest_seq;
    }
    void operator()(const port::VersionPut& reply) const {
        out << "put " << static_cast<int>(reply.outcome);
    }
    void operator()(const port::Versions& reply) const {
        out << "versions";
        for (const auto& version : reply.versions)
            out << ' ' << version.name << '@' << version.seq << '/' << version.bytes;
    }
    void operator()(const port::VersionFound& reply) const {
        out << "version " << reply.exists << ' ' << reply.version.seq << ' ' << reply.version.body;
    }
    void operator()(const port::VersionDeleted& reply) const {
        out << "version deleted " << reply.existed;
    }
    void show_text_version(const port::StoredTextVersion& version) const {
        out << ' ' << version.name << '#' << static_cast<int>(version.kind) << '@' << version.seq
            << '/' << version.changed_ms << '/' << version.bytes << version.body;
    }
    void operator()(const port::TextVersions& reply) const {
        out << "text versions";
        for (const auto& version : reply.versions)
            show_text_version(version);
    }
    void operator()(const port::TextVersionFound& reply) const {
        out << "text version " << reply.exists;
        show_text_version(reply.version);
    }
    void operator()(const port::EntriesRead& reply) const {
        out << "read " << reply.oldest_seq << ' ';
        for (const auto& entry : reply.entries)
            out << show(entry);
    }
    void operator()(const port::Found& reply) const {
        out << "found " << reply.exists << ' ' << show(reply.entry);
    }
    void operator()(const port::OutcomeFound& reply) const {
        out << "outcome " << reply.exists << ' ' << reply.outcome.key << ' ' << reply.outcome.digest
            << ' ' << reply.outcome.expires_ms;
    }
    void operator()(const port::Listed& reply) const {
        out << "listed " << reply.more << ' ';
        for (const auto& channel : reply.channels) {
            out << channel.name << '/' << channel.head << '/' << channel.floor << '/'
                << channel.bytes << '/' << channel.changed_ms << ' ';
        }
    }
    void operator()(const port::Hooks& reply) const {
        out << "hooks ";
        for (const auto& hook : reply.hooks)
            out << hook.name << '/' << hook.scope << '/' << hook.is_disabled << ' ';
    }
    void operator()(const port::HooksSaved&) const { out << "hooks saved"; }
    void show_position(const std::optional<port::HookPosition>& at) const {
        if (at) out << at->epoch << '@' << at->seq << ' ';
    }
    void operator()(const port::HookLag& reply) const {
        out << "lag " << reply.more << ' ' << reply.last << ' ';
        for (const auto& row : reply.rows) {
            out << row.channel << ' ';
            show_position(row.at);
            show_position(row.head);
        }
    }
    void operator()(const port::HookFeed& reply) const {
        out << "feed " << reply.exists << ' ' << reply.head << ' ' << reply.begin_seq << ' '
            << reply.oldest_seq << ' ';
        show_position(reply.at);
        for (const auto& fork : reply.epochs)
            out << fork.epoch << '@' << fork.fork_seq << ' ';
        for (const auto& entry : reply.entries)
            out << show(entry);
    }
    void operator()(const port::Deleted& reply) const { out << "deleted " << reply.existed; }
};

std::string show(const port::Completion& completion) {
    std::ostringstream out;
    out << completion.ticket << ' ';
    if (completion.reply.ok()) {
        std::visit(Show{out}, *completion.reply);
    } else {
        out << error_name(completion.reply.error().code);
    }
    return out.str();
}

const port::TextVersionLimits kTextVersionLimits{2, 4, 40, 2, 30, 60};

port::StoredTextVersion random_text_version(std::mt19937_64& random) {
    auto below = [&](uint64_t bound) { return random() % bound; };
    port::StoredTextVersion version;
    version.text = "t" + std::to_string(below(2));
    version.kind = static_cast<port::StoredTextVersion::Kind>(below(3));
    if (version.kind == port::StoredTextVersion::Kind::named)
        version.name = "v" + std::to_string(below(4));
    version.seq = below(9);
    version.changed_ms = below(50);
    version.created_ms = version.changed_ms + below(60);
    version.body = std::string(below(12), 'b');
    return version;
}

port::StoreRequest random_request(std::mt19937_64& random, std::map<std::string, uint64_t>& heads,
                                  uint64_t& epoch) {
    auto below = [&](uint64_t bound) { return random() % bound; };
    std::string channel = (below(2) == 0 ? "a:" : "b:") + std::to_string(below(3));
    uint64_t& head = heads[channel];
    switch (below(25)) {
        case 0:
            return port::LoadRequest{channel};
        case 1:
            return port::SnapshotRequest{channel,
                                         below(head + 2),
                                         "at " + std::to_string(head),
                                         below(head + 2),
                                         static_cast<uint32_t>(below(4)),
                                         below(3)};
        case 2:
            return port::ReadRequest{channel, below(head + 2), below(head + 3),
                                     static_cast<uint32_t>(below(4)), below(20)};
        case 3:
            return port::FindRequest{channel, 7, below(head + 2)};
        case 4:
            return port::FindOutcomeRequest{channel, std::to_string(below(4)), 0};
        case 5:
            return port::ListRequest{below(2) == 0 ? "" : channel, below(2) == 0 ? "a:" : "",
                                     static_cast<uint32_t>(below(4))};
        case 6:
            return port::DeleteRequest{channel};
        case 7:
            return port::StateRequest{channel, below(head + 2)};
        case 8:
            return port::PutVersionRequest{
                channel, {std::to_string(below(5)), below(head + 2), 5, 0, "whole"}, 3};
        case 9:
            return port::VersionsRequest{channel};
        case 10:
            return port::FindVersionRequest{channel, std::to_string(below(5))};
        case 11:
            return port::DeleteVersionRequest{channel, std::to_string(below(5))};
        case 21:
            return port::TextVersionsRequest{channel, "t" + std::to_string(below(2))};
        case 22:
        case 23: {
            port::StoredTextVersion version = random_text_version(random);
            if (below(2) == 0)
                return port::FindTextVersionRequest{channel, version.text, version.name,
                                                    version.seq};
            if (below(3) == 0)
                return port::DeleteTextVersionRequest{channel, version.text, version.name,
                                                      version.seq};
            return port::PutTextVersionRequest{channel, std::move(version), kTextVersionLimits};
        }
        case 12:
            return port::HooksRequest{};
        case 13: {
            port::SaveHooksRequest save;
            save.hooks.push_back({std::to_string(below(2)), "scope", below(2) == 0});
            for (uint64_t i = below(3); i > 0; --i)
                save.cursors.push_back({std::to_string(below(2)),
                                        static_cast<uint32_t>(below(2)),
                                        channel,
                                        {below(epoch + 1), below(head + 2)}});
            if (below(2) == 0) save.existing = port::SaveHooksRequest::Existing::kept;
            return save;
        }
        case 14:
            return port::HookLagRequest{std::to_string(below(2)), static_cast<uint32_t>(below(2)),
                                        below(2) == 0 ? "" : channel,
                                        static_cast<uint32_t>(below(4))};
        case 15: {
            port::HookFeedRequest feed;
            feed.hook = std::to_string(below(2));
            feed.stream = static_cast<uint32_t>(below(2));
            feed.channel = channel;
            if (below(2) == 0) feed.from = port::HookPosition{below(epoch + 1), below(head + 2)};
            feed.limit = static_cast<uint32_t>(below(4));
            feed.bytes_max = below(40);
            return feed;
        }
        default:
            break;
    }
    port::ChannelAppend append;
    append.channel = channel;
    // Often with a new epoch, and at times with a wrong seq: both stores must refuse the same.
    if (below(3) == 0) append.new_epochs.push_back({++epoch, head});
    uint64_t first = head + (below(12) == 0 ? 2 : 1);
    uint64_t count = below(4);
    for (uint64_t i = 0; i < count; ++i) {
        append.entries.push_back(testing::entry(first + i, std::string(below(20), 'e')));
        if (below(5) == 0) append.entries.back().floor = below(first + i);
    }
    if (below(3) == 0) {
        append.outcomes.push_back({std::to_string(below(4)), random(), first, UINT64_MAX >> 2});
    }
    if (below(3) == 0) {
        append.text_versions.push_back(random_text_version(random));
        append.text_version_limits = kTextVersionLimits;
    }
    return port::AppendRequest{{std::move(append)}};
}

TEST(Model, TheSqliteStoreAnswersAsTheMemoryStore) {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE(seed);
        testing::TemporaryFolder folder;
        EngineOptions options;
        options.new_epoch = 42;
        auto engine = SqliteEngine::open(folder.file("tandem.db"), options);
        ASSERT_TRUE(engine.ok());
        InlineStore durable(std::move(*engine));
        MemoryStore memory(42);
        std::mt19937_64 random(seed);
        std::map<std::string, uint64_t> heads;
        uint64_t epoch = 0;
        port::Ticket ticket = 0;
        for (int round = 0; round < 20; ++round) {
            // Heads as of the last round: several appends to one channel conflict, which is wanted.
            for (uint64_t i = 1 + random() % 20; i > 0; --i) {
                port::StoreRequest request = random_request(random, heads, epoch);
                durable.submit(++ticket, request);
                memory.submit(ticket, std::move(request));
            }
            std::vector<port::Completion> expected;
            std::vector<port::Completion> actual;
            memory.poll(expected);
            durable.poll(actual);
            ASSERT_EQ(actual.size(), expected.size());
            for (size_t i = 0; i < actual.size(); ++i) {
                ASSERT_EQ(show(actual[i]), show(expected[i]));
            }
            for (auto& [name, head] : heads) {
                head = std::get<port::Loaded>(*memory.execute(port::LoadRequest{name})).head;
            }
        }
    }
}

}  // namespace
}  // namespace tandem::store
