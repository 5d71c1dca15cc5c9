#pragma once

#include <string>
#include <string_view>

#include "workload.hpp"

namespace tandem::bench {

/// A whole record as the polling systems carry it: JSON text in which every cell has a fixed place,
/// padded with spaces, so that the baseline spends no time on parsing.
class PollingObject {
  public:
    static std::string initial(const Workload& workload, size_t record);
    static size_t offset(const Cell& cell);
    static size_t width(size_t field);

    /// The cell without padding.
    static std::string_view read(std::string_view body, const Cell& cell);
    static void write(std::string& body, const Cell& cell, std::string_view text);
    /// The whole write of edit `id`, on whatever `body` shows.
    static void apply(std::string& body, const Cell& cell, size_t id);
    static int64_t counter(std::string_view body, const Cell& cell);
    /// Calls `found(id)` for every edit that the cell shows.
    template <class Found>
    static void each_id(std::string_view body, const Cell& cell, Found found) {
        if (cell.field == kVotes) return;
        std::string_view text = read(body, cell);
        if (is_register(cell.field)) {
            if (const auto id = id_in(text)) found(*id);
            return;
        }
        while (!text.empty()) {
            if (const auto id = id_in(text.substr(0, text.find(' ')))) found(*id);
            const size_t space = text.find(' ');
            text = space == std::string_view::npos ? "" : text.substr(space + 1);
        }
    }
};

}  // namespace tandem::bench
