#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/session.hpp"
#include "sim/ledger.hpp"
#include "sim/network.hpp"
#include "sim/profile.hpp"

namespace tandem::sim {

/// What a device has stored of its outbox. Writes are kept in order; a crash loses the last of
/// those that were not yet durable.
class OutboxDisk {
  public:
    using Key = std::pair<std::string, uint64_t>;  ///< channel and push; 0: the state

    void write(client::StoreRecord record) { waiting_.push_back(std::move(record)); }
    /// Makes the writes up to a ticket durable and tells which pushes are.
    void sync(uint64_t ticket, std::vector<Key>& stored);
    void crash(Dice& dice, std::vector<Key>& stored);
    const std::map<Key, client::StoreRecord>& records() const { return records_; }
    bool holds(const std::string& channel, uint64_t push) const {
        return records_.contains({channel, push});
    }

  private:
    void apply(const client::StoreRecord& record, std::vector<Key>& stored);

    std::map<Key, client::StoreRecord> records_;
    std::vector<client::StoreRecord> waiting_;
};

/// A device: the product's session, its application and its storage.
class Device final : public Endpoint {
  public:
    Device(World& world, size_t index);
    /// Starts from a copy of another's outbox.
    Device(World& world, size_t index, const Device& original);

    void start();
    void crash(uint64_t down_ms);
    bool is_up() const { return session_ != nullptr; }
    /// Dials go nowhere until then.
    void isolate(uint64_t for_ms);
    /// Does nothing and is not there until then.
    void leave(uint64_t for_ms);
    void jump_clock(int64_t by_ms) { wall_offset_ms_ += by_ms; }
    void heal();
    void subscribe_all();

    size_t index() const { return index_; }
    uint64_t connection() const { return connection_; }
    client::Session& session() { return *session_; }
    client::Now now() const;
    /// A cut push that this device still means to send.
    bool holds(const Issue& issue) const;
    bool is_wanted(const std::string& channel) const { return wanted_.contains(channel); }
    bool is_forked = false;
    /// Follows parts of the records, and others now and then.
    bool is_partial = false;
    uint64_t applied = 0;  ///< cursor moves seen

    void handle_open(uint64_t connection) override;
    void handle_close(uint64_t connection) override;
    void handle_message(uint64_t connection, std::string_view message) override;

  private:
    // behaviour.cpp
    void act();
    void act_once(const std::string& channel);
    void write_open(const std::string& channel, client::Edit& edit);
    void write_board(const std::string& channel, client::Edit& edit, bool is_invalid);
    void write_resolved(const std::string& channel, client::Edit& edit, const std::string& card);
    base::Value any_value(uint64_t depth);
    base::Value any_text(const base::Value& shown);
    record::Path any_path(const std::string& channel);
    void push(const std::string& channel, std::vector<record::Op> ops, client::PushOptions options,
              int64_t own);
    void note_issue(const std::string& channel, uint64_t push, int64_t own);
    void follow(const std::string& channel);
    void follow_other(const std::string& channel);
    void check_bases(const std::string& channel);

    void create_session();
    void pump();
    void send(std::string message);
    void handle_event(client::Event& event);
    void note_stored(const std::vector<OutboxDisk::Key>& keys);
    void schedule_sync();
    void arm_timer();
    void check_channels();

    World& world_;
    size_t index_;
    Dice dice_;
    Dice entropy_;
    client::Persistence persistence_ = client::Persistence::confirmed;
    std::unique_ptr<client::Session> session_;
    OutboxDisk disk_;
    uint64_t process_ = 0;
    uint64_t connection_ = 0;
    bool is_acting_ = false;
    bool is_pumping_ = false;
    bool is_sync_due_ = false;
    uint64_t last_ticket_ = 0;
    uint64_t timer_ms_ = UINT64_MAX;
    uint64_t isolated_until_ = 0;
    uint64_t absent_until_ = 0;
    int64_t wall_offset_ms_ = 1'700'000'000'000;
    std::set<std::string> wanted_;
    bool keeps_views_ = false;
    std::map<OutboxDisk::Key, size_t> issues_;
    std::map<std::string, client::Replica::Cursor> cursors_;
};

}  // namespace tandem::sim
