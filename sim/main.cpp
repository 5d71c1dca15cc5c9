// The command line of the simulator; see README.md.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "sim/planted.hpp"
#include "sim/runner.hpp"
#include "sim/world.hpp"

namespace {

/// A line that is written over and over is for people, not for logs.
bool shows_progress() { return ::isatty(STDERR_FILENO) == 1; }

using namespace tandem::sim;

struct Arguments {
    uint64_t seeds = 100;
    uint64_t from = 1;
    std::string json;
    std::string planted = "all";
    bool is_verbose = false;
    bool has_trace = false;
    uint64_t trace = 0;
    /// Above 0: seed after seed for so long, whatever `seeds` says.
    double hours = 0;
};

int usage() {
    std::fputs(
        "usage: tandem_sim [--seeds N] [--from S] [--json FILE] [--planted NAME|all|none]\n"
        "                  [--verbose] [--trace SEED]\n"
        "       tandem_sim --hours H [--from S] [--json FILE]\n"
        "\n"
        "  --seeds N    so many histories, from seed S on (100), and those that once failed\n"
        "  --hours H    as many as fit into H hours, such as 0.5 or 12; no planted bugs\n"
        "  --planted    which planted bugs must be found in these seeds (all)\n"
        "  --trace      prints one history\n",
        stderr);
    return 2;
}

bool parse(int count, char** words, Arguments& out) {
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--verbose") {
            out.is_verbose = true;
            continue;
        }
        if (i + 1 >= count) return false;
        const std::string value = words[++i];
        if (word == "--json") {
            out.json = value;
        } else if (word == "--planted") {
            out.planted = value;
        } else if (word == "--hours") {
            char* end = nullptr;
            out.hours = std::strtod(value.c_str(), &end);
            if (value.empty() || *end != '\0' || !(out.hours > 0) || out.hours > 10'000)
                return false;
        } else {
            char* end = nullptr;
            const uint64_t number = std::strtoull(value.c_str(), &end, 10);
            if (value.empty() || *end != '\0') return false;
            if (word == "--seeds") {
                out.seeds = number;
            } else if (word == "--from") {
                out.from = number;
            } else if (word == "--trace") {
                out.has_trace = true;
                out.trace = number;
            } else {
                return false;
            }
        }
    }
    return true;
}

Result run_seed(uint64_t seed, const Planted& planted, bool prints) {
    Options options;
    options.seed = seed;
    options.planted = planted;
    options.prints = prints;
    World world(options);
    return world.run();
}

Outcome outcome_of(uint64_t seed, const Result& result) {
    Outcome outcome;
    outcome.seed = seed;
    outcome.events = result.events;
    outcome.virtual_ms = result.virtual_ms;
    outcome.crashes = result.crashes;
    if (!result.violation.empty()) {
        outcome.is_failure = true;
        outcome.text = result.violation + ": " + result.detail;
    }
    return outcome;
}

// Each line: a seed and what it once showed.
std::vector<uint64_t> regressions() {
    std::vector<uint64_t> seeds;
    std::ifstream file(TANDEM_SIM_REGRESSIONS);
    std::string line;
    while (std::getline(file, line)) {
        uint64_t seed = 0;
        if (std::istringstream(line) >> seed) seeds.push_back(seed);
    }
    return seeds;
}

struct Totals {
    uint64_t passed = 0;
    uint64_t failed = 0;
    uint64_t events = 0;
    uint64_t virtual_ms = 0;
    uint64_t crashes = 0;
    uint64_t violations = 0;
};

void run_clean(const Arguments& arguments, std::vector<uint64_t> seeds, Totals& totals) {
    for (uint64_t i = 0; i < arguments.seeds; ++i)
        seeds.push_back(arguments.from + i);
    const auto job = [&](size_t index) {
        const uint64_t seed = seeds[index];
        const Result result = run_seed(seed, {}, false);
        Outcome outcome = outcome_of(seed, result);
        // Of each hundred, one runs twice and must leave the same trace.
        if (!outcome.is_failure && (index % 100 == 0)) {
            if (run_seed(seed, {}, false).trace != result.trace) {
                outcome.is_failure = true;
                outcome.text = "a seed gives one history: two runs left different traces";
            }
        }
        return outcome;
    };
    run_jobs(seeds.size(), job, [&](size_t index, const Outcome& outcome) {
        const uint64_t seed = seeds[index];
        totals.events += outcome.events;
        totals.virtual_ms += outcome.virtual_ms;
        totals.crashes += outcome.crashes;
        if (outcome.is_failure) {
            ++totals.failed;
            ++totals.violations;
            std::printf("FAILED seed %llu: %s\n  rerun: ./dev sim --planted none --trace %llu\n",
                        static_cast<unsigned long long>(seed), outcome.text.c_str(),
                        static_cast<unsigned long long>(seed));
            std::fflush(stdout);
        } else {
            ++totals.passed;
            if (arguments.is_verbose)
                std::printf("passed seed %llu: %llu events, %llu crashes\n",
                            static_cast<unsigned long long>(seed),
                            static_cast<unsigned long long>(outcome.events),
                            static_cast<unsigned long long>(outcome.crashes));
        }
        const uint64_t done = totals.passed + totals.failed;
        if (shows_progress() && (done % 10 == 0 || done == seeds.size()))
            std::fprintf(stderr, "\r%llu of %zu seeds, %llu failed ",
                         static_cast<unsigned long long>(done), seeds.size(),
                         static_cast<unsigned long long>(totals.failed));
    });
    if (shows_progress()) std::fputc('\n', stderr);
}

// Histories without end, as far as the time allows; those that fail are told and the rest goes on.
// Returns how many there were.
uint64_t soak(const Arguments& arguments, Totals& totals) {
    using Clock = std::chrono::steady_clock;
    const auto hours_since = [](Clock::time_point then) {
        return std::chrono::duration<double, std::ratio<3600>>(Clock::now() - then).count();
    };
    constexpr uint64_t kBatch = 100;
    constexpr double kTellEveryHours = 0.1;
    const Clock::time_point began = Clock::now();
    Arguments batch = arguments;
    batch.seeds = kBatch;
    uint64_t done = 0;
    double told = 0;
    Arguments none = arguments;
    none.seeds = 0;
    run_clean(none, regressions(), totals);
    while (hours_since(began) < arguments.hours) {
        batch.from = arguments.from + done;
        run_clean(batch, {}, totals);
        done += kBatch;
        if (hours_since(began) - told < kTellEveryHours) continue;
        told = hours_since(began);
        std::printf("%.1f of %.1f hours: %llu seeds, %llu failed\n", told, arguments.hours,
                    static_cast<unsigned long long>(done),
                    static_cast<unsigned long long>(totals.failed));
        std::fflush(stdout);
    }
    return done;
}

size_t run_planted(const Arguments& arguments, const std::vector<Planted>& bugs, Totals& totals) {
    size_t found = 0;
    const auto job = [&](size_t index) {
        Outcome outcome;
        for (uint64_t i = 0; i < arguments.seeds; ++i) {
            outcome =
                outcome_of(arguments.from + i, run_seed(arguments.from + i, bugs[index], false));
            if (outcome.is_failure) return outcome;
        }
        return outcome;
    };
    run_jobs(bugs.size(), job, [&](size_t index, const Outcome& outcome) {
        const std::string name(bugs[index].name);
        if (outcome.is_failure) {
            ++found;
            ++totals.passed;
            if (arguments.is_verbose || bugs.size() == 1)
                std::printf("found %s with seed %llu: %s\n", name.c_str(),
                            static_cast<unsigned long long>(outcome.seed), outcome.text.c_str());
        } else {
            ++totals.failed;
            std::printf("NOT FOUND: the planted bug %s, in %llu seeds\n", name.c_str(),
                        static_cast<unsigned long long>(arguments.seeds));
        }
        std::fflush(stdout);
        if (shows_progress())
            std::fprintf(stderr, "\rplanted: %zu of %zu found ", found, bugs.size());
    });
    if (shows_progress()) std::fputc('\n', stderr);
    return found;
}

}  // namespace

int main(int count, char** words) {
    Arguments arguments;
    if (!parse(count, words, arguments)) return usage();
    std::vector<Planted> bugs;
    if (arguments.planted == "all") {
        bugs = planted_bugs();
    } else if (arguments.planted != "none") {
        const auto bug = find_planted(arguments.planted);
        if (!bug) {
            std::fputs("no such bug; there are:", stderr);
            for (const Planted& known : planted_bugs())
                std::fprintf(stderr, " %s", std::string(known.name).c_str());
            std::fputc('\n', stderr);
            return 2;
        }
        bugs = {*bug};
    }
    if (arguments.has_trace) {
        const Result result =
            run_seed(arguments.trace, bugs.size() == 1 ? bugs.front() : Planted(), true);
        std::printf("%llu events, trace %016llx%s%s\n",
                    static_cast<unsigned long long>(result.events),
                    static_cast<unsigned long long>(result.trace),
                    result.violation.empty() ? "" : ", VIOLATION ",
                    (result.violation + ": " + result.detail).c_str());
        return result.violation.empty() ? 0 : 1;
    }
    Totals totals;
    if (arguments.hours > 0) {
        arguments.seeds = soak(arguments, totals);
        bugs.clear();
    } else if (arguments.planted == "all" || arguments.planted == "none") {
        run_clean(arguments, regressions(), totals);
    }
    const size_t found = run_planted(arguments, bugs, totals);
    const double hours = static_cast<double>(totals.virtual_ms) / 3'600'000;
    if (!arguments.json.empty()) {
        nlohmann::ordered_json report = {{"seeds", arguments.seeds},
                                         {"from", arguments.from},
                                         {"events", totals.events},
                                         {"crashes", totals.crashes},
                                         {"simulated_hours", hours},
                                         {"violations", totals.violations},
                                         {"planted", {{"found", found}, {"of", bugs.size()}}},
                                         {"passed", totals.passed},
                                         {"failed", totals.failed},
                                         {"skipped", 0}};
        std::ofstream(arguments.json) << report.dump(2) << '\n';
    }
    std::printf(
        "%llu events and %llu crashes in %.1f simulated hours, %llu violations; %zu of %zu "
        "planted bugs found\n",
        static_cast<unsigned long long>(totals.events),
        static_cast<unsigned long long>(totals.crashes), hours,
        static_cast<unsigned long long>(totals.violations), found, bugs.size());
    std::printf("%llu passed, %llu failed, 0 skipped\n",
                static_cast<unsigned long long>(totals.passed),
                static_cast<unsigned long long>(totals.failed));
    return totals.failed == 0 ? 0 : 1;
}
