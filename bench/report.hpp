#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tandem::bench {

/// `--name value` pairs after the name of the measurement.
class Arguments {
  public:
    Arguments(int argc, char** argv);
    const std::string& command() const { return command_; }
    std::string text(const std::string& name) const;
    uint64_t number(const std::string& name, uint64_t otherwise) const;

  private:
    std::string command_;
    std::map<std::string, std::string> values_;
};

/// What one run of the driver prints, as one JSON object. Statistics are not made here: samples go
/// out as they are.
class Report {
  public:
    void put(std::string_view key, double number) { object_.put(key, base::Value(number)); }
    void put(std::string_view key, uint64_t number) { put(key, static_cast<double>(number)); }
    void put(std::string_view key, const std::vector<double>& samples);
    void put(std::string_view key, base::Value value) { object_.put(key, std::move(value)); }
    base::Value take() { return std::move(object_); }

  private:
    base::Value object_{base::Object{}};
};

Report measure_fdatasync(const Arguments& arguments);
Report measure_bare_send(const Arguments& arguments);
Report measure_latency(const Arguments& arguments);
Report measure_wire(const Arguments& arguments);
Report measure_recovery(const Arguments& arguments);
Report measure_herd(const Arguments& arguments);
Report measure_herd_writer(const Arguments& arguments);
Report measure_stall(const Arguments& arguments);
Report measure_fanout(const Arguments& arguments);
Report measure_echo(const Arguments& arguments);
Report measure_storm(const Arguments& arguments);
Report measure_bare_fanout(const Arguments& arguments);
Report measure_cold(const Arguments& arguments);
Report measure_idle(const Arguments& arguments);
Report measure_push(const Arguments& arguments);
Report measure_tandem_workload(const Arguments& arguments);
Report measure_polling_workload(const Arguments& arguments);

}  // namespace tandem::bench
