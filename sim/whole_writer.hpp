#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "record/hash_compare.hpp"
#include "sim/asking.hpp"
#include "sim/truth.hpp"

namespace tandem::sim {

/// A program that knows whole objects only: reads one, changes something, and writes it back, on
/// the state that it read, under a condition, or on the head. And a replica without a common
/// history that finds out by hashes where it differs.
class WholeWriter final : public Asking {
  public:
    WholeWriter(World& world, uint64_t dice) : Asking(world, dice) { is_bold_ = one_in(dice_, 3); }
    void start() { act(); }

  private:
    /// A state as it was read.
    struct Read {
        record::Cursor cursor;
        nlohmann::json state;
    };
    /// What a write changes, in the smallest parts that it may touch.
    struct Intent {
        std::set<std::string> keys;
        std::set<std::pair<std::string, std::string>> items;  ///< of lists, by key and id
        std::set<std::string> orders;                         ///< lists whose items moved
        size_t edits = 0;
    };
    struct Put {
        hub::ReplaceRecord request;
        nlohmann::json state;
        nlohmann::json before;
        size_t issue = 0;
        uint64_t tries = 0;
    };
    /// One exchange of hashes with the server.
    struct Exchange {
        std::string channel;
        uint64_t seq = 0;  ///< of the server's record; 0: not known yet
        record::Document replica;
        record::HashComparison comparison{16};
    };

    void act();
    void read(const std::string& channel);
    void edit(nlohmann::json& state, const std::string& channel);
    void edit_board(nlohmann::json& state);
    void edit_open(nlohmann::json& state);
    void write(const std::string& channel);
    void send(Put put);
    void judge(const hub::Reply& reply, const Then& then, const Put& put);
    void judge_refusal(const hub::Reply& reply, const Then& then, const Put& put);
    void check_extent(const Then& then, const Put& put, const nlohmann::json& entry);

    void begin_exchange(const std::string& channel);
    void continue_exchange(std::shared_ptr<Exchange> exchange);
    void finish_exchange(const std::shared_ptr<Exchange>& exchange);
    void read_garbage(const std::string& channel);

    std::map<std::string, std::vector<Read>> seen_;
    uint64_t writes_ = 0;
    uint64_t ids_ = 0;
    bool is_bold_ = false;  ///< writes what it once read over what is there now
};

}  // namespace tandem::sim
