#pragma once

#include <set>
#include <string>

#include "sim/asking.hpp"
#include "sim/truth.hpp"

namespace tandem::sim {

/// A program that looks back: older states, who changed what, versions with a name, and bringing a
/// state back. Each answer must be what the log says.
class Historian final : public Asking {
  public:
    Historian(World& world, uint64_t dice) : Asking(world, dice) { is_bold_ = one_in(dice_, 3); }
    void start() { act(); }
    /// When all is quiet: every version, and some states of the retention.
    void read_all(const std::string& channel);
    /// Answers that `read_all` has got, of those it asked for.
    uint64_t answered() const { return answered_; }
    uint64_t asked() const { return asked_; }

  private:
    void act();
    void act_once(const std::string& channel);
    void read_state(const std::string& channel);
    void judge_state(const hub::Reply& reply, const Then& then, const hub::GetRecord& asked);
    void check_record(const hub::Reply& reply, const Then& then, const hub::GetRecord& asked,
                      const nlohmann::json& wanted, const oracle::Oracle* then_state);
    void read_version(const std::string& channel);
    void save_version(const std::string& channel);
    void delete_version(const std::string& channel);
    void list_versions(const std::string& channel);
    void read_changes(const std::string& channel, uint64_t from, uint64_t to);
    void judge_changes(const hub::Reply& reply, const Then& then, uint64_t from, uint64_t to,
                       uint64_t limit);
    void read_entries(const std::string& channel);
    void restore(const std::string& channel);
    void judge_restore(const hub::Reply& reply, const Then& then, const hub::RestoreRecord& asked,
                       const nlohmann::json& wanted);
    void read_conflicts(const std::string& channel);
    void decide(const Then& then, const nlohmann::json& row);
    void judge_decision(const hub::Reply& reply, const Then& then, const nlohmann::json& row,
                        record::Decision decision);

    std::string any_name() { return "v" + std::to_string(dice_.below(6)); }
    bool is_state_gone(const hub::Reply& reply, const Then& then, uint64_t at);

    std::set<std::string> busy_;  ///< channels with a change of a version under way
    uint64_t busy_process_ = 0;
    bool is_bold_ = false;  ///< brings back whole records
    uint64_t answered_ = 0;
    uint64_t asked_ = 0;
};

/// An entry that the server made of what its author had seen: its ops with their one base, put
/// right behind that base, must make the state that was meant.
struct Meant {
    bool is_found = false;
    uint64_t base = 0;
    oracle::Oracle before;  ///< at the base
    oracle::Oracle after;   ///< with the entry right behind it
    nlohmann::json entry;
};
Meant meant_by(World& world, const std::string& channel, uint64_t seq);

}  // namespace tandem::sim
