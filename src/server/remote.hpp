#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"
#include "net/http_types.hpp"
#include "server/channel_api.hpp"

namespace tandem::server {

// What the verbs that talk to a running server show. Results go to stdout, everything else to
// stderr; exit codes are 0 done, 1 refused or not reachable, 2 wrong arguments.

/// The answer's JSON, or the exit code of what went wrong, which has been said.
[[nodiscard]] int get_json(const std::string& url, const std::string& target, base::Value& out);
[[nodiscard]] int send_json(const std::string& url, net::HttpMethod method,
                            const std::string& target, std::string body, base::Value& out);

/// A line of stdout, at once.
void print_line(std::string_view line);

/// Members of answers; 0 or empty when they are missing.
[[nodiscard]] uint64_t number_of(const base::Value& value, std::string_view name);
[[nodiscard]] std::string text_of(const base::Value& value, std::string_view name);
/// JSON of a member, cut to `width` columns; empty when it is missing.
[[nodiscard]] std::string brief_of(const base::Value& value, std::string_view name, size_t width);
/// Local date and time of milliseconds since 1970.
[[nodiscard]] std::string time_text(uint64_t ms);

/// Rows for people, in columns as wide as they need.
class Table {
  public:
    explicit Table(std::vector<std::string> head) : rows_{std::move(head)} {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    void print() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

/// One line of stderr that tells how far long work is; only on a terminal, and ten times a second
/// at most.
class Progress {
  public:
    Progress();
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void show(const std::string& text);
    void clear();

  private:
    bool is_terminal_;
    bool is_shown_ = false;
    uint64_t next_ms_ = 0;
};

}  // namespace tandem::server
