#include <sys/resource.h>

#include <charconv>
#include <csignal>
#include <cstdio>

#include "link.hpp"
#include "report.hpp"

namespace tandem::bench {

Arguments::Arguments(int argc, char** argv) {
    if (argc < 2) die("usage: tandem_bench_driver MEASUREMENT [--name value]...");
    command_ = argv[1];
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        if (name.substr(0, 2) != "--") die("not an option: " + name);
        values_[name.substr(2)] = argv[i + 1];
    }
}

std::string Arguments::text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) die("--" + name + " is missing");
    return found->second;
}

uint64_t Arguments::number(const std::string& name, uint64_t otherwise) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    uint64_t number = 0;
    const char* end = found->second.data() + found->second.size();
    if (std::from_chars(found->second.data(), end, number).ptr != end) die("no number: --" + name);
    return number;
}

void Report::put(std::string_view key, const std::vector<double>& samples) {
    base::Array array;
    for (const double sample : samples)
        array.emplace_back(sample);
    object_.put(key, base::Value(std::move(array)));
}

}  // namespace tandem::bench

int main(int argc, char** argv) {
    using namespace tandem::bench;
    std::signal(SIGPIPE, SIG_IGN);
    const std::map<std::string, Report (*)(const Arguments&)> measurements{
        {"fdatasync", measure_fdatasync},
        {"bare-send", measure_bare_send},
        {"latency", measure_latency},
        {"wire", measure_wire},
        {"recovery", measure_recovery},
        {"push", measure_push},
        {"fanout", measure_fanout},
        {"bare-fanout", measure_bare_fanout},
        {"echo", measure_echo},
        {"storm", measure_storm},
        {"idle", measure_idle},
        {"cold", measure_cold},
        {"stall", measure_stall},
        {"herd", measure_herd},
        {"herd-writer", measure_herd_writer},
        {"tandem", measure_tandem_workload},
        {"polling", measure_polling_workload},
    };
    const Arguments arguments(argc, argv);
    const auto found = measurements.find(arguments.command());
    if (found == measurements.end()) die("unknown measurement: " + arguments.command());
    Report report = found->second(arguments);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    report.put("driver_cpu_s",
               static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    std::string out;
    tandem::base::append_json(out, report.take());
    std::printf("%s\n", out.c_str());
    return 0;
}
