#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "hub/channel.hpp"
#include "hub/requests.hpp"
#include "hub/text_past.hpp"
#include "port/store.hpp"
#include "record/document.hpp"

namespace tandem::hub {

/// A request about the past of one channel on its way: the state that the store has nearest below,
/// brought forward by the entries that follow it, a page of them at a time.
class Lookback {
  public:
    /// Entries and bytes of one page, the most that is replayed in one turn.
    static constexpr uint32_t kPageEntries = 256;
    static constexpr uint64_t kPageBytes = 256 * 1024;

    /// Rows of changes are gathered above `rows_from`, up to `rows_max` of them.
    struct Goal {
        uint64_t seq = 0;
        uint64_t rows_from = UINT64_MAX;
        size_t rows_max = 0;
    };

    Lookback(uint64_t request_id, std::string channel, Request request, Goal goal)
        : request_id_(request_id),
          channel_(std::move(channel)),
          request_(std::move(request)),
          goal_(goal) {}

    [[nodiscard]] uint64_t request_id() const { return request_id_; }
    [[nodiscard]] const std::string& channel() const { return channel_; }
    [[nodiscard]] const Request& request() const { return request_; }
    [[nodiscard]] const record::Document& document() const { return document_; }

    /// Of a whole state that needs the past: the push, and the epoch when it came.
    void hold(PendingPush push, uint64_t epoch) {
        push_ = std::make_unique<PendingPush>(std::move(push));
        epoch_ = epoch;
    }
    [[nodiscard]] std::unique_ptr<PendingPush> take_push() { return std::move(push_); }
    [[nodiscard]] uint64_t epoch() const { return epoch_; }
    [[nodiscard]] record::Document take_document() { return std::move(document_); }

    /// Of a request about a text: what it asks the store instead.
    void look_for(std::unique_ptr<TextPast> text) { text_ = std::move(text); }
    [[nodiscard]] TextPast* text() const { return text_.get(); }

    /// The seq at which the look begins.
    [[nodiscard]] uint64_t start_seq() const {
        return goal_.rows_from != UINT64_MAX ? goal_.rows_from : goal_.seq;
    }
    [[nodiscard]] base::Status begin(const port::StateFound& state);
    [[nodiscard]] base::Status begin(const port::StoredVersion& version);
    [[nodiscard]] bool is_done() const { return is_full_ || document_.seq() >= goal_.seq; }
    /// What the store is asked next: the state to begin with, or a page.
    [[nodiscard]] port::StoreRequest next_request() const;
    /// Starts over where the entries are not there any more: the log was trimmed meanwhile, and a
    /// newer state is kept.
    [[nodiscard]] base::Status feed(const std::vector<port::StoredEntry>& entries);

    /// The rows as JSON objects with commas between them.
    [[nodiscard]] const std::string& rows() const { return rows_; }
    /// Where the rows go on when there are more than were wanted; else 0.
    [[nodiscard]] uint64_t next_from() const { return is_full_ ? document_.seq() : 0; }

  private:
    void apply_with_rows(const record::Entry& entry);
    void add_row(const record::Entry& entry, std::string_view op, const record::Path& path,
                 const base::Value* before, const base::Value* after);

    uint64_t request_id_;
    std::string channel_;
    Request request_;
    Goal goal_;
    std::unique_ptr<PendingPush> push_;
    std::unique_ptr<TextPast> text_;
    uint64_t epoch_ = 0;
    bool has_begun_ = false;
    bool has_started_over_ = false;
    uint64_t begun_at_ = 0;
    record::Document document_;
    std::string rows_;
    size_t row_count_ = 0;
    bool is_full_ = false;
};

}  // namespace tandem::hub
