#pragma once

#include <memory>
#include <string>
#include <vector>

#include "oracle/terms.hpp"

namespace tandem::oracle {

/// Whatever a scenario can be played to: the oracle's log, or the product's. All values are in the
/// JSON forms that tests/scenarios/README.md describes; actors are numbers already, epochs texts.
class ScenarioSubject {
  public:
    virtual ~ScenarioSubject() = default;
    /// The answer to a push, of which a scenario looks only at the members that it names.
    virtual json push(const json& push, int64_t now_ms) = 0;
    virtual void move_floor(int64_t floor) = 0;
    virtual void restore(int64_t seq, const std::string& epoch) = 0;
    /// False when `restore` is beyond this subject; scenarios that need it are then skipped.
    virtual bool can_restore() const { return true; }
    virtual json shown() const = 0;
    /// The register's siblings, the winner first: at least {value, dot}.
    virtual json siblings(const std::string& path) const = 0;
    /// All rows, open and closed, in any order: at least {path, reason, dot, closed_seq}.
    virtual json journal() const = 0;
};

/// The first epoch of every scenario.
inline constexpr const char* kFirstEpoch = "e1";

std::unique_ptr<ScenarioSubject> make_oracle_subject();

struct ScenarioResult {
    bool skipped = false;
    std::vector<std::string> failures;
};
ScenarioResult play(const json& scenario, ScenarioSubject& subject);

/// Paths of the *.json files of a folder, sorted.
std::vector<std::string> json_files(const std::string& folder);
json read_json(const std::string& file);

}  // namespace tandem::oracle
