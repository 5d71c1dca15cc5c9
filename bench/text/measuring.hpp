#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "base/value.hpp"

/// What the programs that measure texts have in common. Whatever fails ends the program.
namespace tandem::bench_text {

[[noreturn]] inline void die(const std::string& why) {
    std::fprintf(stderr, "text bench: %s\n", why.c_str());
    std::exit(1);
}

template <class Status>
void must(const Status& status) {
    if (!status.ok()) die("a change was refused");
}

/// Milliseconds.
inline double ms_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    return took.count();
}

inline base::Value read_json_array(const char* file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    auto json = base::parse_json(text.str(), base::kLooseValueLimits);
    if (!json || !json->is_array()) die(std::string(file) + " cannot be read");
    return *std::move(json);
}

inline void write_file(const std::string& name, const std::string& bytes) {
    std::ofstream out(name, std::ios::binary);
    out << bytes;
    if (!out.flush()) die("cannot write " + name);
}

}  // namespace tandem::bench_text
