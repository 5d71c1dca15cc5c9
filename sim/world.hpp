#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/ledger.hpp"
#include "sim/network.hpp"
#include "sim/planted.hpp"
#include "sim/profile.hpp"
#include "sim/scheduler.hpp"
#include "sim/server.hpp"
#include "sim/shadow.hpp"
#include "sim/trace.hpp"

namespace tandem::sim {

class Device;
class JsonClient;
class HttpClient;
class PartReader;
class Historian;
class HookFollower;
class WholeWriter;
class TextEditors;
class Vandal;

struct Options {
    uint64_t seed = 1;
    Planted planted;
    bool prints = false;
};

struct Result {
    std::string violation;  ///< empty: none
    std::string detail;
    uint64_t events = 0;
    uint64_t virtual_ms = 0;
    uint64_t crashes = 0;
    uint64_t pushes = 0;
    uint64_t trace = 0;
};

/// One seed's run: a server, its clients, the network between them, and those who harm them.
class World {
  public:
    explicit World(const Options& options);
    ~World();

    Result run();

    /// The first violation ends the run.
    void violate(std::string_view invariant, std::string detail);
    bool is_violated() const { return !violation_.empty(); }
    void note(std::string_view what, uint64_t a, uint64_t b, std::string_view detail) {
        trace_.note(scheduler.now_ms(), what, a, b, detail);
    }
    bool prints() const { return trace_.prints(); }
    void print(std::string_view text) const { trace_.print(text); }
    /// The log of a channel is about to lose what is above a seq, by an explicit act.
    void note_cut(const std::string& channel, uint64_t above);
    void check_ack(const wire::Ack& ack);

    const Options options;
    Dice dice;
    Profile profile;
    Scheduler scheduler;
    Ledger ledger;
    ShadowLogs shadow;
    Network network;
    Server server;
    std::vector<std::unique_ptr<Device>> devices;
    std::vector<std::unique_ptr<JsonClient>> json_clients;
    std::vector<std::unique_ptr<HttpClient>> http_clients;
    std::unique_ptr<PartReader> part_reader;  ///< null when nobody follows parts
    std::unique_ptr<Historian> historian;
    std::unique_ptr<WholeWriter> whole_writer;
    std::unique_ptr<Vandal> vandal;
    std::unique_ptr<HookFollower> hook_follower;
    std::unique_ptr<TextEditors> text_editors;  ///< null when there are no texts
    /// Channels in which a state as a whole was written over what devices alone write.
    std::set<std::string> rewritten;
    uint64_t crashes = 0;
    uint64_t alarms = 0;
    bool is_healing = false;

  private:
    bool run_until(uint64_t time_ms, uint64_t events_max);
    void harm();
    void harm_device(Device& device);
    void harm_server();
    void fork_device();
    void watch();
    void heal();
    void check_progress();
    // In final_check.cpp
    void check_quiet();
    /// A member of a channel whom a device does not know; empty when all know all.
    std::string unknown_member();
    void check_oracle(const std::string& name, const record::Document& document);
    void check_rebuilt(const std::string& name, const record::Document& document);
    void check_stored_log(const std::string& name);
    void check_devices(const std::string& name, const record::Document& document);
    void check_ledger();
    void check_past();
    bool load_all();

    Trace trace_;
    std::string violation_;
    std::string detail_;
    std::map<std::string, uint64_t> ghosts_;  ///< members without a connection, since when
};

}  // namespace tandem::sim
