#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "oracle/oracle.hpp"
#include "port/store.hpp"
#include "record/document.hpp"

namespace tandem::sim {

class ShadowLogs;
struct ShadowChannel;

/// What a channel's record was at any seq: the log that is known to be on the disk, read by the
/// oracle.
class Truth {
  public:
    explicit Truth(ShadowLogs& logs) : logs_(logs) {}

    /// The oracle after the entries up to `seq`, which the log has.
    oracle::Oracle at(const std::string& channel, uint64_t seq);
    /// The product's own record, of the same entries alone.
    record::Document document_at(const std::string& channel, uint64_t seq);
    /// An entry as the oracle takes it.
    static nlohmann::json entry_of(const port::StoredEntry& stored);
    /// What is above is no longer in the log.
    void forget(const std::string& channel, uint64_t above);
    void forget_all(const std::string& channel) { kept_.erase(channel); }

  private:
    ShadowLogs& logs_;
    std::map<std::string, std::map<uint64_t, oracle::Oracle>> kept_;
};

/// Rows of a journal by (path, reason, dot), with their values.
using Rows = std::map<std::string, nlohmann::json>;
Rows rows_of(const std::vector<record::Row>& rows);
Rows rows_of(const nlohmann::json& rows);
/// What tells one from the other; empty when nothing does.
std::string difference(const Rows& a, const Rows& b);
std::string difference(const nlohmann::json& a, const nlohmann::json& b);

nlohmann::json as_json(const base::Value& value);
/// What a state shows at a path; null also where there is nothing.
nlohmann::json shown_at(const oracle::Oracle& state, const std::string& path);
base::Value to_value(const nlohmann::json& value);

}  // namespace tandem::sim
