#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/value.hpp"
#include "client/types.hpp"
#include "wire/frames.hpp"
#include "yjs/document.hpp"
#include "yjs/json_edits.hpp"
#include "yjs/sync_messages.hpp"

namespace tandem::client {

struct TextEvent {
    enum class Kind : uint8_t {
        changed = 0,  ///< root, change, is_own
        synced = 1,   ///< it has what the server had
        saved = 2,    ///< all of it is on the server's disk
        refused = 3,  ///< code, reason: an update stays here only
        closed = 4,   ///< the channel was deleted; nothing is sent any more
    };
    Kind kind = Kind::changed;
    std::string root;
    /// {"path","keys","delta","added","deleted"}, as Yjs tells it (yjs::append_event_json).
    std::string change;
    bool is_own = false;
    std::string code;
    std::string reason;
};

/// A text of a channel as a document of its own, kept the same as the server's over tandem.v1
/// (docs/protocol.md, section 8.2): edits are applied here at once, and what the server lacks is
/// sent whenever there is a connection. No socket, clock or randomness.
///
/// After each call the embedder takes what poll_transmit and poll_event give.
class TextReplica {
  public:
    /// `entropy` gives 64 random bits.
    TextReplica(std::string channel, std::string name, std::function<uint64_t()> entropy);

    const yjs::Document& document() const { return document_; }
    bool is_synced() const { return is_synced_; }
    bool is_saved() const { return is_saved_; }
    bool is_closed() const { return is_closed_; }
    /// Why the server does not follow it, or what of it is refused for good: the newest such event
    /// on this connection, until it is saved. Null: there is none.
    const TextEvent* refusal() const { return refusal_ ? &*refusal_ : nullptr; }
    /// What others say of themselves, JSON by client.
    const std::map<uint64_t, std::string>& others() const { return others_; }

    /// Edits as of yjs::apply_edits, all of them or none. Errors: as
    /// there; `too_large` for more than a text may hold.
    [[nodiscard]] base::Status edit(Now now, const yjs::RootName& root, const base::Value& edits);
    /// The root of that name, or the only one; of one that nothing is known of `kind` is taken.
    [[nodiscard]] base::Result<yjs::BranchIndex> root(const yjs::RootName& name,
                                                      yjs::TypeKind kind);
    /// The members of the own awareness state beside the cursor, such as {"user":{"name":…}}; null:
    /// none is shown.
    void set_state(Now now, base::Value state);

    void handle_link(Now now, Link link);
    void handle_frame(Now now, const wire::TextReceived& frame);
    void handle_timeout(Now now);
    /// On the mono clock.
    std::optional<uint64_t> next_timeout() const;

    /// For `Session::send_text`.
    std::optional<wire::TextSend> poll_transmit();
    std::optional<TextEvent> poll_event();

  private:
    void open(Now now);
    void send(std::string message, uint64_t ref = 0);
    void write(yjs::SyncStep step, std::string_view update);
    void answer(std::string_view vector);
    void take_update(std::string_view update);
    void take_awareness(std::string_view body);
    void say_state(Now now);
    void set_saved(bool is_saved);
    void tell(TextEvent::Kind kind);
    /// Observes the roots whose kinds show by now; what they show is told as new.
    void know_roots(bool is_own);
    void tell_changes(bool is_own);
    void take_new_id();
    void take_refusal(Now now, const wire::TextReceived& frame);

    std::string channel_;
    std::string name_;
    std::function<uint64_t()> entropy_;
    yjs::Document document_;
    std::set<yjs::BranchIndex> observed_;
    bool is_online_ = false;
    bool is_synced_ = false;
    bool is_saved_ = false;
    bool is_closed_ = false;
    bool was_asked_ = false;    ///< on this connection; what comes before, the answer has
    bool has_refused_ = false;  ///< something of the document is with nobody else
    std::optional<TextEvent> refusal_;
    uint64_t last_ref_ = 0;
    std::set<uint64_t> under_way_;
    base::Value state_;
    std::string cursor_;  ///< JSON of the place of the last edit
    uint32_t state_clock_ = 0;
    std::map<uint64_t, std::string> others_;
    std::map<uint64_t, uint32_t> others_clocks_;
    std::optional<uint64_t> say_again_at_ms_;
    std::optional<uint64_t> ask_again_at_ms_;
    std::deque<wire::TextSend> out_;
    std::deque<TextEvent> events_;
};

}  // namespace tandem::client
