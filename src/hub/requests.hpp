#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "auth/grant.hpp"
#include "base/result.hpp"
#include "base/value.hpp"
#include "hub/types.hpp"
#include "record/decide.hpp"
#include "record/op.hpp"
#include "yjs/structs.hpp"

namespace tandem::hub {

/// What the HTTP API and the command line ask of the hub.
struct GetRecord {
    std::string channel;
    std::string path;
    /// Of the past, when one of them is given: the seq, or the name of a version.
    std::optional<uint64_t> at = std::nullopt;
    std::string version = {};
    /// What is shown, or the absolute changes that make it from nothing.
    enum class Form : uint8_t { value, changes };
    Form form = Form::value;
};
/// Ops in JSON form. With `match` the write is made on that base, and is refused with
/// `precondition_failed` when a path that it writes has changed since.
struct WriteRecord {
    std::string channel;
    base::Value ops;
    base::Value base;  ///< of ops that have none of their own: seq or {epoch, seq}; null: the head
    bool has_match = false;
    record::Cursor match;
    std::string idempotency_key;
    auth::GrantPtr by = nullptr;
};
/// A whole state, as JSON text: the ops are what differs from the state at `base`, and have that
/// base; without one, from the head.
struct ReplaceRecord {
    std::string channel;
    std::string body;
    bool has_base = false;
    record::Cursor base;
    bool is_conditional = false;  ///< refused when a path that it writes has changed since the base
    std::string idempotency_key;
    auth::GrantPtr by = nullptr;
};
/// Subtrees and fields of a record's tree of hashes (docs/protocol.md, section 6):
/// `{"nodes": [prefix…], "fields": [key…]}`.
struct ReadHashes {
    std::string channel;
    std::string body;
};
inline constexpr size_t kHashNodesPerRequestMax = 1024;
inline constexpr size_t kHashFieldsPerRequestMax = 1024;
struct ListChannels {
    std::string prefix;
    std::string after;
    uint32_t limit = 100;
};
struct DeleteChannel {
    std::string channel;
};
struct ReadEntries {
    std::string channel;
    uint64_t after = 0;
    uint32_t limit = 100;
};
struct ReadConflicts {
    std::string channel;
    bool is_all = false;  ///< closed ones too
    uint64_t after = 0;   ///< rows that opened or closed above this seq
};
/// Rows of the conflict journal as they are now, of those that opened or closed above `after`, in
/// the order of when they last did. The answer's seq is the one through which it has them; rows of
/// one seq stay together.
struct ReadJournal {
    std::string channel;
    uint64_t after = 0;
    uint32_t limit = 100;
};
struct ReadPresence {
    std::string channel;
};
struct ListConnections {};
/// Who changed what above `from`, up to `to` or the head.
struct ReadChanges {
    std::string channel;
    uint64_t from = 0;
    std::optional<uint64_t> to = std::nullopt;
    uint32_t limit = 1000;  ///< rows; those of one entry stay together
};
/// Gives the state at `at`, or at the head, a name under which it stays.
struct SaveVersion {
    std::string channel;
    std::string name;
    std::optional<uint64_t> at = std::nullopt;
};
struct ListVersions {
    std::string channel;
};
struct DeleteVersion {
    std::string channel;
    std::string name;
};
/// Writes what `path` showed then, as one who has seen the head.
struct RestoreRecord {
    std::string channel;
    std::string path;
    std::optional<uint64_t> at = std::nullopt;
    std::string version = {};
    bool has_match = false;  ///< as of WriteRecord
    record::Cursor match = {};
    auth::GrantPtr by = nullptr;
};
/// Decides a row of the conflict journal, as one who has seen the head.
struct DecideConflict {
    std::string channel;
    std::string path;
    record::Dot dot;
    std::optional<record::Reason> reason = std::nullopt;  ///< when several rows have that dot
    record::Decision decision = record::Decision::keep;
    auth::GrantPtr by = nullptr;
};

/// A moment in the life of a text: a seq or the name of a version; neither: now.
struct TextMoment {
    std::optional<uint64_t> at = std::nullopt;
    std::string version = {};
};
/// The texts of a channel.
struct ListTexts {
    std::string channel;
};
/// What a text shows.
struct ReadText {
    std::string channel;
    std::string name;
    enum class Form : uint8_t { json, text, xml, delta, update };
    Form form = Form::json;
    std::optional<std::string> root;              ///< nothing: the only one; of json: all
    yjs::TypeKind kind = yjs::TypeKind::unknown;  ///< where the content does not tell
    TextMoment moment;
};
/// Bytes of an author's name, and of his colour.
inline constexpr size_t kTextAuthorBytesMax = 255;
/// An update, or edits that the server makes one of (text_edits.hpp), in one entry.
struct EditText {
    std::string channel;
    std::string name;
    std::string update;  ///< of the first encoding; empty: there are edits
    base::Value edits;
    std::optional<std::string> root;  ///< nothing: the only one
    /// Who is shown among the editors for a while; empty: nobody.
    std::string author;
    std::string color;
    bool is_leaving = false;  ///< not after this
    std::string idempotency_key;
    /// Refused with `precondition_failed` when the text has changed since.
    std::optional<record::Cursor> if_unchanged = std::nullopt;
    auth::GrantPtr by = nullptr;
};

struct ListTextVersions {
    std::string channel;
    std::string text;
};
/// Gives the text as of `at`, or as it is, a name under which it stays.
struct SaveTextVersion {
    std::string channel;
    std::string text;
    std::string name;
    std::optional<uint64_t> at = std::nullopt;
};
/// The named one, or the one without a name of that seq.
struct DeleteTextVersion {
    std::string channel;
    std::string text;
    std::string name;
    std::optional<uint64_t> at = std::nullopt;
};
/// What came of a text between two moments.
struct ReadTextChanges {
    std::string channel;
    std::string text;
    TextMoment from = {};
    TextMoment to = {};
};
/// An edit that makes the text show what it showed then. As it was before it is kept as a version.
struct RestoreText {
    std::string channel;
    std::string text;
    TextMoment moment = {};
    std::string idempotency_key = {};
    std::optional<record::Cursor> if_unchanged = std::nullopt;  ///< as of EditText
};

using Request =
    std::variant<GetRecord, WriteRecord, ListChannels, DeleteChannel, ReadEntries, ReadConflicts,
                 ReadPresence, ListConnections, ReplaceRecord, ReadHashes, ReadChanges, SaveVersion,
                 ListVersions, DeleteVersion, RestoreRecord, DecideConflict, ReadJournal, ListTexts,
                 ReadText, EditText, ListTextVersions, SaveTextVersion, DeleteTextVersion,
                 ReadTextChanges, RestoreText>;

/// What the bytes of an answer are.
enum class ReplyContent : uint8_t { json, text, bytes };

/// A connection as ListConnections shows it. What a guest adds to the row of its home are its
/// channels and sums.
struct ConnectionRow {
    ConnectionId id = 0;
    bool is_guest = false;
    Codec codec = Codec::binary;
    std::string remote;
    std::string client;
    uint64_t opened_ms = 0;
    std::vector<std::string> channels;  ///< in byte order
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t pending_bytes = 0;
};
/// A channel as ListChannels shows it.
struct ChannelRow {
    std::string name;
    uint64_t head = 0;
    uint64_t floor = 0;
    uint64_t bytes = 0;
    uint64_t changed_ms = 0;
    uint64_t members = 0;
    uint64_t subscribers = 0;
};

/// The answer to the request of that id: JSON text or what `content` says, or an error.
struct Reply {
    uint64_t id = 0;
    bool is_error = false;
    base::Error error;
    std::string channel;
    std::string json;
    ReplyContent content = ReplyContent::json;  ///< of `json`
    uint64_t epoch = 0;                         ///< of answers about a record: its version
    uint64_t seq = 0;
    uint64_t floor = 0;                ///< of ReadJournal: closed rows at or below it are forgotten
    std::vector<ChannelRow> channels;  ///< of ListChannels, for those who put lists together
    bool has_more = false;
};

}  // namespace tandem::hub
