#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/model_server.hpp"
#include "client/session.hpp"

namespace tandem::client::testing {

inline constexpr const char* kChannel = "board:1";

inline record::Path path(std::string_view text) {
    auto parsed = record::parse_path(text);
    TANDEM_ASSERT(parsed.ok());
    return *parsed;
}

inline record::Selection select(std::initializer_list<const char*> texts) {
    std::vector<record::SelectedPart> parts;
    for (const char* text : texts) {
        auto part = record::parse_selected(text);
        TANDEM_ASSERT(part.ok());
        parts.push_back(*part);
    }
    auto selection = record::Selection::make(parts);
    TANDEM_ASSERT(selection.ok());
    return *selection;
}

/// A session with a disk that loses what was not confirmed, on a wire to a ModelServer. Nothing
/// moves unless a test moves it.
class TestClient {
  public:
    explicit TestClient(ModelServer& server, Persistence persistence = Persistence::confirmed,
                        PlantedBug planted = PlantedBug::none)
        : server_(&server), persistence_(persistence), planted_(planted) {
        boot();
    }

    Session* operator->() { return session_.get(); }
    Session& session() { return *session_; }

    /// Keeps its views, and follows a part of the channel.
    TestClient(ModelServer& server, record::Selection wanted, PlantedBug planted = PlantedBug::none)
        : server_(&server),
          persistence_(Persistence::confirmed),
          planted_(planted),
          keeps_views_(true),
          wanted_(std::move(wanted)) {
        boot();
    }

    /// The program ends at once, and starts again from what is on the disk.
    void crash() {
        cut();
        boot();
    }
    void crash(record::Selection wanted) {
        wanted_ = std::move(wanted);
        crash();
    }
    /// Writes the records up to `count`; the rest stays in the session.
    void save(size_t count = SIZE_MAX) {
        for (; count > 0; --count) {
            auto record = session_->poll_store();
            if (!record) return;
            auto key = std::pair{record->channel,
                                 record->kind == StoreRecord::Kind::state ? 0 : record->push};
            uint64_t ticket = record->ticket;
            if (record->kind == StoreRecord::Kind::remove_push)
                disk.erase(key);
            else
                disk[key] = *std::move(record);
            session_->confirm_persisted(now, ticket);
        }
    }
    void dial() {
        if (is_connected()) return;
        connection_ = server_->connect();
        session_->handle_open(now);
    }
    void cut() {
        if (!is_connected()) return;
        server_->disconnect(*connection_);
        connection_.reset();
        session_->handle_close(now);
    }
    bool is_connected() const { return connection_.has_value(); }
    void send() {
        while (auto message = session_->poll_transmit(now))
            if (is_connected()) server_->receive(*connection_, *message);
    }
    /// Takes one message of the server; false when there is none.
    bool take() {
        if (!is_connected() || server_->queue(*connection_).empty()) return false;
        std::string message = std::move(server_->queue(*connection_).front());
        server_->queue(*connection_).pop_front();
        session_->handle_bytes(now, message);
        collect();
        return true;
    }
    /// Moves everything until nothing is left to move.
    void pump() {
        for (int round = 0; round < 1000; ++round) {
            save();
            send();
            if (!take()) return;
        }
        TANDEM_ASSERT(!"no end of messages");
    }
    void wait(uint64_t ms) {
        now.mono_ms += ms;
        now.wall_ms += ms;
        session_->handle_timeout(now);
        collect();
    }
    void collect() {
        while (auto event = session_->poll_event()) {
            if (event->kind == EventKind::want_close && is_connected()) {
                server_->disconnect(*connection_);
                connection_.reset();
            }
            events.push_back(*std::move(event));
        }
    }
    size_t count(EventKind kind) {
        collect();
        size_t n = 0;
        for (const Event& event : events)
            n += event.kind == kind ? 1 : 0;
        return n;
    }
    const Event& last(EventKind kind) {
        collect();
        for (auto event = events.rbegin(); event != events.rend(); ++event)
            if (event->kind == kind) return *event;
        TANDEM_UNREACHABLE();
    }

    base::Result<PushId> inc(std::string_view where, int64_t n) {
        return session_->push(now, kChannel, session_->edit(kChannel).inc(path(where), n).take());
    }
    base::Result<PushId> set(std::string_view where, std::string_view value) {
        return session_->push(now, kChannel,
                              session_->edit(kChannel).set(path(where), base::Value(value)).take());
    }
    base::Result<PushId> counter_set(std::string_view where, int64_t value) {
        return session_->push(now, kChannel,
                              session_->edit(kChannel).counter_set(path(where), value).take());
    }
    int64_t counter(std::string_view where) {
        return session_->view(kChannel).counter(path(where)).value;
    }
    std::string shown() { return base::to_json(session_->view(kChannel).shown({})); }

    Now now{1000, 1'000'000};
    std::vector<Event> events;
    std::map<std::pair<std::string, PushId>, StoreRecord> disk;

  private:
    void boot() {
        Options options;
        // Each start draws other numbers, and every run the same.
        auto state = std::make_shared<uint64_t>(seed_ += 0x9e3779b97f4a7c15);
        options.entropy = [state] {
            *state += 0x9e3779b97f4a7c15;
            uint64_t z = (*state ^ (*state >> 30)) * 0xbf58476d1ce4e5b9;
            return z ^ (z >> 27);
        };
        options.persistence = persistence_;
        options.keeps_views = keeps_views_;
        options.faults.planted = planted_;
        session_ = std::make_unique<Session>(std::move(options));
        for (const auto& [key, record] : disk)
            TANDEM_ASSERT(session_->restore(record).ok());
        session_->start(now);
        session_->subscribe(now, kChannel, wanted_);
        collect();
    }

    ModelServer* server_;
    Persistence persistence_;
    PlantedBug planted_;
    bool keeps_views_ = false;
    record::Selection wanted_;
    uint64_t seed_ = 1;
    std::unique_ptr<Session> session_;
    std::optional<size_t> connection_;
};

}  // namespace tandem::client::testing
