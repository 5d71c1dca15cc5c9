#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "hub/requests.hpp"
#include "sim/ledger.hpp"
#include "sim/network.hpp"
#include "sim/profile.hpp"

namespace tandem::sim {

/// A person with a terminal: speaks tandem.v1.json, follows the log entry by entry, and pushes
/// without numbers of its own (so that a push whose answer is lost stays unknown) or with them.
class JsonClient final : public Endpoint {
  public:
    JsonClient(World& world, size_t index);
    void start();
    void heal();
    /// Asks for a snapshot of a channel; `value_of` has it when it came.
    void ask_value(const std::string& channel);
    const std::string* value_of(const std::string& channel) const;

    void handle_open(uint64_t connection) override;
    void handle_close(uint64_t connection) override;
    void handle_message(uint64_t connection, std::string_view message) override;

  private:
    struct Followed {
        uint64_t seq = 0;
        std::string epoch;
        bool is_known = false;
    };
    void dial();
    void act();
    void subscribe(const std::string& channel);

    World& world_;
    size_t index_;
    Dice dice_;
    uint64_t connection_ = 0;
    bool is_open_ = false;
    std::map<std::string, Followed> followed_;
    std::map<std::string, std::string> values_;
    std::map<uint64_t, size_t> waiting_;            ///< by ref
    std::map<std::string, uint64_t> next_counter_;  ///< of this connection's own actor
    uint64_t next_ref_ = 1;
};

/// A backend: writes and reads through the hub's requests, with conditions and Idempotency-Keys,
/// and repeats a keyed write until it knows the outcome.
class HttpClient {
  public:
    HttpClient(World& world, size_t index);
    void start() { act(); }
    /// One plain write to each channel, so that everyone hears of the head.
    void touch(const std::string& channel);

  private:
    struct Write {
        hub::WriteRecord request;
        size_t issue = 0;
    };
    void act();
    void write(const std::string& channel);
    void send(Write write);
    void read(const std::string& channel);

    World& world_;
    size_t index_;
    Dice dice_;
    uint64_t writes_ = 0;
    std::map<std::string, record::Cursor> seen_;
};

}  // namespace tandem::sim
