#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "yjs/branch.hpp"
#include "yjs/formats.hpp"
#include "yjs/structs.hpp"

/// What a transaction did to the shared types that are observed, as Yjs' events tell it. Events
/// are recorded when the transaction is committed, and own what they show: contents that are given
/// up at that moment can still be read here.
namespace tandem::yjs {

/// A value that stood, or stands, in a shared type.
struct EventValue {
    /// `deleted` where it is not known any more.
    Kind kind = Kind::deleted;
    TypeKind type = TypeKind::unknown;
    /// The shared type; 0 for other values. One that was deleted must not be looked up any more.
    BranchIndex branch = 0;
    /// A string's UTF-8, one canonical `any` value, or the bytes of binary.
    std::string body;
    /// The guid of a sub-document.
    std::string name;
};

/// One step of a delta: go over, insert, or delete so many visible units or elements.
struct DeltaOp {
    enum class Action : uint8_t { retain, insert, remove };
    Action action = Action::retain;
    /// Of `retain` and `remove`.
    uint32_t len = 0;
    /// What a text got, in UTF-8; empty if it got a value.
    std::string text;
    /// What a list got, or the one embed or shared type that a text got.
    std::vector<EventValue> values;
    /// Of a text: formats that were set, null for those that were ended.
    Attributes attributes;
};

struct KeyChange {
    enum class Action : uint8_t { add, update, remove };
    std::string key;
    Action action = Action::add;
    /// Of `update` and `remove`.
    EventValue old_value;
};

struct EventRange {
    Id id;
    uint32_t len = 0;
};

/// The changes of one shared type.
struct Event {
    BranchIndex target = 0;
    bool is_text = false;
    /// Whether its list changed, and which keys of its map did, also if they are now as before.
    bool has_list_change = false;
    std::vector<std::string> changed_keys;
    std::vector<KeyChange> keys;
    std::vector<DeltaOp> delta;
    /// What came and went, in the order of the list; as in Yjs always empty for texts.
    std::vector<EventRange> added;
    std::vector<EventRange> removed;
};

/// One step from a shared type to one within it: a key of a map, or a position of a list.
struct PathStep {
    bool is_key = false;
    std::string key;
    uint32_t position = 0;
};

/// What one observer is told after a transaction.
struct Notice {
    struct Seen {
        /// Number of the event within the transaction's.
        size_t event = 0;
        /// From the observed type to the event's target.
        std::vector<PathStep> path;
    };

    BranchIndex observed = 0;
    bool is_deep = false;
    /// One for a plain observer; for a deep one all below it, those next to it first.
    std::vector<Seen> seen;
};

struct Events {
    std::vector<Event> events;
    /// In the order in which Yjs calls its observers.
    std::vector<Notice> notices;
};

/// {"path","keys","delta","added","deleted"} of an event, as JSON.stringify would show what Yjs
/// reports; shared types as {"type": their kind}, ranges as [client, clock, length].
void append_event_json(const Event& event, const std::vector<PathStep>& path, std::string& out);
/// One of these parts alone.
void append_path_json(const std::vector<PathStep>& path, std::string& out);
void append_keys_json(const std::vector<KeyChange>& keys, std::string& out);
void append_delta_json(const std::vector<DeltaOp>& delta, bool is_text, std::string& out);

}  // namespace tandem::yjs
