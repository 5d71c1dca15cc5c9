#include "server/memory_budget.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>

namespace tandem::server {

using hub::Pressure;

namespace {

constexpr uint64_t kCriticalPercent = 90;
constexpr uint64_t kCriticalEndPercent = 85;
constexpr uint64_t kHighEndPercent = 70;

uint64_t number_in(const std::string& path) {
    std::ifstream in(path);
    std::string text;
    uint64_t number = 0;
    if (!(in >> text)) return UINT64_MAX;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc() ? number : UINT64_MAX;  // "max"
}

}  // namespace

Pressure MemoryBudget::take(uint64_t used_bytes) {
    const auto is_above = [&](uint64_t percent) { return used_bytes >= bytes_ / 100 * percent; };
    if (is_above(kCriticalPercent))
        pressure_ = Pressure::critical;
    else if (pressure_ == Pressure::critical && is_above(kCriticalEndPercent))
        return pressure_;
    else if (used_bytes >= high_mark())
        pressure_ = Pressure::high;
    else if (pressure_ != Pressure::none && is_above(kHighEndPercent))
        pressure_ = Pressure::high;
    else
        pressure_ = Pressure::none;
    return pressure_;
}

uint64_t MemoryBudget::excess(uint64_t used_bytes) const {
    return used_bytes - std::min(used_bytes, high_mark());
}

uint64_t memory_of_group(const std::string& root, const std::string& group) {
    uint64_t least = UINT64_MAX;
    for (std::string at = group;; at.resize(at.rfind('/'))) {
        while (at.ends_with('/'))
            at.pop_back();
        least = std::min({least, number_in(root + at + "/memory.max"),
                          number_in(root + at + "/memory.high"),
                          number_in(root + at + "/memory.limit_in_bytes")});
        if (at.find('/') == std::string::npos) return least;
    }
}

uint64_t memory_of_machine() {
    uint64_t least = static_cast<uint64_t>(std::max(sysconf(_SC_PHYS_PAGES), 0L)) *
                     static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    std::ifstream in("/proc/self/cgroup");
    for (std::string line; std::getline(in, line);) {
        const size_t first = line.find(':');
        const size_t second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        // The second form is that of version 1.
        if (controllers.empty())
            least = std::min(least, memory_of_group("/sys/fs/cgroup", group));
        else if (("," + controllers + ",").find(",memory,") != std::string::npos)
            least = std::min(least, memory_of_group("/sys/fs/cgroup/memory", group));
    }
    return least;
}

uint64_t default_memory_budget() { return memory_of_machine() / 4 * 3; }

uint64_t unshared_bytes() {
    std::ifstream in("/proc/self/statm");
    uint64_t size = 0;
    uint64_t resident = 0;
    uint64_t of_files = 0;
    in >> size >> resident >> of_files;
    return (resident - std::min(resident, of_files)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t allocated_bytes() {
#ifdef __SANITIZE_ADDRESS__
    return UINT64_MAX;  // It has an allocator of its own.
#else
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#endif
}

}  // namespace tandem::server
