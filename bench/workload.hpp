#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "report.hpp"

namespace tandem::bench {

/// One cell of a record: a field of a card.
inline constexpr size_t kFields = 8;
inline constexpr const char* kFieldNames[kFields] = {"status", "assignee", "due",      "title",
                                                     "note",   "votes",    "comments", "tags"};
inline constexpr size_t kVotes = 5;
inline constexpr size_t kComments = 6;
inline constexpr size_t kTags = 7;
inline bool is_register(size_t field) { return field < kVotes; }

struct Cell {
    size_t record = 0;
    size_t card = 0;
    size_t field = 0;
    friend auto operator<=>(const Cell&, const Cell&) = default;
};

enum class Action : uint8_t { set, inc, comment, add, offline, online };

struct WorkloadEvent {
    uint64_t at_ms = 0;
    size_t device = 0;
    Action action = Action::set;
    Cell cell;
};

struct Device {
    size_t user = 0;
    size_t record = 0;
    uint64_t phase_ms = 0;
};

/// bench/workload.json.
struct Workload {
    uint64_t period_ms = 0;
    uint64_t poll_ms = 0;
    size_t records = 0;
    size_t cards = 0;
    std::vector<Device> devices;
    std::vector<WorkloadEvent> events;
};
Workload read_workload(const std::string& file);

/// The text of a card that nobody edits; it makes a record as large as it is.
std::string description_of(size_t record, size_t card);
inline constexpr size_t kDescriptionBytes = 1600;

/// What edit number `id` writes: "e17 " and words. The token is the first word.
std::string text_of(size_t id);
std::optional<size_t> id_in(std::string_view text);

/// What was written, who has seen it and what has become of it; the same rules for every system.
class Ledger {
  public:
    struct Edit {
        Cell cell;
        size_t device = 0;
        std::optional<size_t> parent;  ///< the value that its author saw in the cell
        uint64_t written_ns = 0;
        uint64_t acked_ns = 0;
        bool is_online = false;  ///< the author, when writing
    };

    explicit Ledger(const Workload& workload);

    size_t write(const WorkloadEvent& event, std::optional<size_t> parent, bool is_online);
    void ack(size_t id);
    /// True when the device had not seen it before, was online all the time since it was written,
    /// belongs to somebody who waits for it, and its author was online: then its latency counts.
    bool see(size_t id, size_t device);
    void set_online(size_t device, bool is_online);
    bool is_online(size_t device) const { return online_since_[device] != 0; }
    const Edit& edit(size_t id) const { return edits_[id]; }
    size_t count() const { return edits_.size(); }

    void put_latency(double ms) { latencies_ms_.push_back(ms); }
    void put_event_bytes(double bytes) { event_bytes_.push_back(bytes); }

    /// The end: the texts that are shown, what each counter shows, and what the journal has.
    struct End {
        std::set<size_t> shown;
        std::set<size_t> in_journal;
        std::vector<std::pair<Cell, int64_t>> counters;
    };
    /// An acknowledged edit is invisible when it is not shown and nobody who had it before their
    /// eyes has replaced it; it is lost when the journal does not have it either.
    void put_end(Report& report, const End& end) const;

  private:
    std::vector<Edit> edits_;
    std::vector<std::vector<bool>> seen_;
    std::vector<uint64_t> online_since_;
    std::vector<size_t> record_of_;
    std::vector<double> latencies_ms_;
    std::vector<double> event_bytes_;
};

}  // namespace tandem::bench
