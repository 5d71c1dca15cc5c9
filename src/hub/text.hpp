#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "auth/grant.hpp"
#include "base/result.hpp"
#include "hub/hot_texts.hpp"
#include "hub/schema.hpp"
#include "hub/text_awareness.hpp"
#include "hub/text_edits.hpp"
#include "hub/types.hpp"
#include "yjs/resting_document.hpp"

namespace tandem::hub {

class Channel;
struct Connection;
class Text;

/// The text of who names none.
inline constexpr std::string_view kMainText = "main";

/// What a provider of Yjs sends: a message of y-protocols about one text of a channel.
struct TextMessage {
    std::string channel;
    std::string name;
    std::string message;
    /// What the provider calls the document, before each of its messages; empty where it has one.
    std::string label = {};
    uint64_t ref = 0;  ///< names it in the answer; 0: none is wanted
};

/// A message of y-protocols that comes in pieces, in frames that follow each other.
struct TextPieces {
    std::string channel;
    std::string name;
    std::string bytes;
    bool is_too_large = false;  ///< what comes of it is dropped

    bool is_empty() const { return channel.empty(); }
};

/// An update of a text on its way into the log.
struct TextWrite {
    std::string name;
    std::string update;  ///< of the first encoding
    yjs::UpdateReach reach;
    TextReaderId origin = 0;
    bool is_answer =
        false;  ///< to a state vector, so that asking again brings nothing new by itself
    std::unique_ptr<TextEdit> edit;  ///< not null: the update is made of it when its turn comes
    std::optional<record::Cursor> if_unchanged;  ///< refused when the text has changed since
};

/// One who edits by requests. The others see it for a while after each.
struct TextAuthor {
    uint64_t client = 0;
    TextReaderId id = 0;  ///< in awareness
    uint32_t clock = 0;
    uint64_t until_ms = 0;  ///< monotonic; 0: it is not shown
};

/// One who follows one text over a connection. What it lacks is decided when it has room.
struct TextReader {
    TextReaderId id = 0;
    Connection* connection = nullptr;
    Channel* channel = nullptr;
    Text* text = nullptr;
    bool is_following = false;
    uint64_t cursor = 0;                     ///< it has the text as of this seq
    std::optional<yjs::StateVector> vector;  ///< it waits for what it lacks beyond this
    bool is_to_be_asked = false;             ///< for what the server lacks
    bool has_more_later = false;  ///< what it has depends on something that has not come yet
    uint64_t awareness_version = 0;
    bool has_claimed = false;
    std::set<uint64_t> claims;  ///< clients that it speaks for

    std::string label;  ///< of a TextMessage
    TextAccess access = TextAccess::write;
    auth::GrantPtr grant;  ///< its own, of Hocuspocus; null: the connection's
    auth::Capabilities rights = auth::kAllCapabilities;
    // Of Hocuspocus, whose provider counts what it has sent and not been told to be stored, from 1
    // at each of its questions, for the answer to ours.
    uint32_t round = 0;             ///< its questions so far
    bool is_answer_counted = true;  ///< of this round
    uint32_t owed = 0;              ///< counted, not stored; the next answer to ours has it all
    uint32_t acks_due = 0;
    uint32_t refusals_due = 0;
    bool knows_close = false;  ///< it can be told that its document is closed
};

/// A Yjs document of a channel as of its last commit, what those who follow it are sent, and what
/// they say of themselves.
class Text {
  public:
    explicit Text(std::string name) : name_(std::move(name)) {}
    ~Text() {
        if (hot != nullptr) hot->forget(*this);
    }
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;

    const std::string& name() const { return name_; }
    yjs::RestingDocument& document() { return document_; }
    const yjs::RestingDocument& document() const { return document_; }
    void load(yjs::RestingDocument document, uint64_t seq) {
        document_ = std::move(document);
        seq_ = seq;
    }
    /// Wall clock of the entry that last changed it; 0: not known.
    uint64_t changed_ms() const { return changed_ms_; }
    /// The newest state that was kept as a version by itself, and when.
    struct Kept {
        uint64_t seq = 0;
        uint64_t wall_ms = 0;
    };
    const Kept& kept() const { return kept_; }
    void note_kept(Kept kept) { kept_ = kept; }
    void load_times(uint64_t changed_ms, Kept kept) {
        changed_ms_ = changed_ms;
        kept_ = kept;
    }
    /// The entry that last changed it; 0: none.
    uint64_t seq() const { return seq_; }
    /// The one that did so before that.
    uint64_t previous_seq() const { return previous_seq_; }

    /// What an update would do to the text as it will be when all that is under way is on disk.
    yjs::KnownClocks::Verdict judge(const yjs::UpdateReach& reach) const {
        return (assigned_ ? *assigned_ : document_.known()).judge(reach);
    }
    /// How many clients will have edited it with an update that says something.
    size_t clients_with(const yjs::UpdateReach& reach) const {
        return (assigned_ ? *assigned_ : document_.known()).clients_with(reach);
    }
    void note_assigned(const yjs::UpdateReach& reach);
    void note_failed();
    /// The entry is on disk.
    void commit(const TextWrite& write, uint64_t seq, uint64_t wall_ms);

    struct Live {
        uint64_t before = 0;  ///< the seq of the text that it leads on from
        uint64_t seq = 0;
        TextReaderId origin = 0;
        FramePtr frame;
    };
    const std::deque<Live>& live() const { return live_; }
    void add_live(Live live, size_t bytes_max);
    void forget_live() {
        live_.clear();
        live_bytes_ = 0;
    }
    /// The whole text as a message, shared by those who are behind at the same time.
    FramePtr whole_frame();
    /// The frame behind that label; shared by those who get it one after the other.
    FramePtr labelled(const FramePtr& frame, const std::string& label);
    /// The message in a frame of tandem.v1; shared in the same way.
    FramePtr in_frame(const FramePtr& message, Codec codec, const std::string& channel);

    bool is_used() const { return !readers.empty() || has_under_way(); }
    bool has_under_way() const { return under_way_ > 0; }

    TextAwareness awareness;
    std::vector<TextReader*> readers;
    HotTexts* hot = nullptr;  ///< who keeps its document; null if it is not kept
    /// By name; the empty one is of all who give none.
    std::map<std::string, TextAuthor, std::less<>> authors;

  private:
    std::string name_;
    yjs::RestingDocument document_;
    uint64_t seq_ = 0;
    uint64_t previous_seq_ = 0;
    uint64_t changed_ms_ = 0;
    Kept kept_;
    std::optional<yjs::KnownClocks> assigned_;  ///< unless nothing is under way
    size_t under_way_ = 0;
    std::deque<Live> live_;
    size_t live_bytes_ = 0;
    std::weak_ptr<const Frame> whole_;
    uint64_t whole_seq_ = 0;
    struct Labelled {
        std::weak_ptr<const Frame> source;
        std::string label;
        std::weak_ptr<const Frame> frame;
    };
    Labelled labelled_;  ///< the last one
    struct InFrame {
        std::weak_ptr<const Frame> source;
        std::weak_ptr<const Frame> frame;
    };
    std::array<InFrame, kCodecCount> in_frames_;  ///< the last one of each codec
};

/// The texts of a channel by their names.
class Texts {
  public:
    using Map = std::map<std::string, std::unique_ptr<Text>, std::less<>>;

    Text* find(std::string_view name) const {
        const auto found = all_.find(name);
        return found == all_.end() ? nullptr : found->second.get();
    }
    Text& at(const std::string& name) {
        auto& text = all_[name];
        if (text == nullptr) text = std::make_unique<Text>(name);
        return *text;
    }
    const Map& all() const { return all_; }
    bool is_used() const;
    /// Forgets those that nobody follows and that nothing was ever written to.
    void drop_unused();

    /// For a channel's snapshot. Makes each text's state compact, in columns.
    std::string save();
    /// The first form had no times. Errors: `storage_corrupt`.
    enum class Form : uint8_t { without_times, with_times };
    [[nodiscard]] base::Status load(std::string_view bytes, Form form);

  private:
    Map all_;
};

/// The text of an entry as it is stored beside the record's ops.
void append_text_write(std::string& body, const TextWrite& write);
/// Null when the entry is not about a text. Errors: `storage_corrupt`.
[[nodiscard]] base::Result<std::unique_ptr<TextWrite>> text_write_in(std::string_view body);

}  // namespace tandem::hub
