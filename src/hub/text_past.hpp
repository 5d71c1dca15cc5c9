#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "hub/requests.hpp"
#include "hub/text.hpp"
#include "port/store.hpp"

namespace tandem::hub {

/// How the state of a text, an update of the first encoding, is kept in a version.
[[nodiscard]] std::string pack_text_state(std::string_view state);
/// Errors: `storage_corrupt`.
[[nodiscard]] base::Result<std::string> unpack_text_state(std::string_view body);

/// Finds a text as it was at some moments: as a version that was kept, or else from the log.
class TextPast {
  public:
    struct State {
        uint64_t seq = 0;  ///< the entry that made it so; 0: it was not there
        uint64_t changed_ms = 0;
        std::string update;
    };

    TextPast(std::string channel, std::string text)
        : channel_(std::move(channel)), text_(std::move(text)) {}

    void add(State state) { found_.push_back({true, {}, std::move(state)}); }
    void add(TextMoment moment) { found_.push_back({false, std::move(moment), {}}); }
    /// In the order in which they were added, once `is_done`.
    [[nodiscard]] const State& state(size_t i) const { return found_[i].state; }
    [[nodiscard]] bool is_done() const;

    [[nodiscard]] port::StoreRequest next_request() const;
    /// Errors: `not_found`, `state_gone`, `storage_corrupt`.
    [[nodiscard]] base::Status take(const port::StoreReply& reply);

  private:
    struct Wanted {
        bool is_found = false;
        TextMoment moment;
        State state;
    };
    enum class Step : uint8_t { version, snapshot, entries };

    [[nodiscard]] const Wanted& wanted() const;
    Wanted& wanted() { return const_cast<Wanted&>(std::as_const(*this).wanted()); }
    [[nodiscard]] base::Status begin(const port::StateFound& found);
    [[nodiscard]] base::Status feed(const std::vector<port::StoredEntry>& entries);
    void finish_log();

    std::string channel_;
    std::string text_;
    std::vector<Wanted> found_;
    Step step_ = Step::version;
    Texts texts_;  ///< as of `seq_`
    uint64_t seq_ = 0;
};

}  // namespace tandem::hub
