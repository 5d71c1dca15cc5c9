// Replays histories that Yjs itself has lived through and compares after every step what our
// documents write and show with what Yjs wrote and showed. Reads JSON lines from standard input
// (see generate.mjs, which writes them); prints one line of JSON at the end.
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/base64.hpp"
#include "base/value.hpp"
#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"
#include "yjs/relative_position.hpp"
#include "yjs/snapshot.hpp"
#include "yjs/undo_manager.hpp"

namespace {

using tandem::base::Value;
using namespace tandem::yjs;

std::string from_base64(const std::string& text) {
    auto bytes = tandem::base::from_base64(text);
    return bytes ? *std::move(bytes) : std::string();
}

std::string hex(std::string_view bytes) {
    std::string out;
    char two[3];
    for (char byte : bytes) {
        std::snprintf(two, sizeof(two), "%02x", static_cast<unsigned char>(byte));
        out += two;
    }
    return out;
}

std::string bytes_of(const Value& step, const char* key) {
    const Value* found = step.find(key);
    return found == nullptr ? std::string() : from_base64(found->as_string());
}

uint32_t number_of(const Value& step, const char* key) {
    return static_cast<uint32_t>(step.find(key)->as_number());
}

TypeKind kind_named(const std::string& name) {
    if (name == "array") return TypeKind::array;
    if (name == "map") return TypeKind::map;
    if (name == "text") return TypeKind::text;
    if (name == "xml_element") return TypeKind::xml_element;
    if (name == "xml_text") return TypeKind::xml_text;
    return TypeKind::xml_fragment;
}

class History {
  public:
    explicit History(const Value& head) {
        collects_ = head.find("gc")->as_bool();
        for (const Value& root : head.find("roots")->as_array())
            roots_.emplace_back(root.as_array()[0].as_string(),
                                kind_named(root.as_array()[1].as_string()));
        for (const Value& user : head.find("users")->as_array()) {
            DocumentOptions options;
            options.client = static_cast<uint64_t>(user.as_number());
            options.collects = collects_;
            options.cleans_formats = true;
            // Of every second user all concurrent insertions are found by the index.
            if (documents_.size() % 2 == 1) options.scans_max = 0;
            documents_.push_back(std::make_unique<Document>(options));
            for (const auto& [name, kind] : roots_)
                documents_.back()->root(name, kind);
        }
    }

    // Empty when all is equal.
    std::string take(const Value& step) {
        user_ = number_of(step, "u");
        Document& document = *documents_[user_];
        const std::string op = step.find("op")->as_string();
        if (op == "observe") {
            const BranchIndex branch = at(document, step);
            const bool is_deep = step.find("deep")->as_bool();
            if (branch == 0) return "what is to be observed is not there";
            if (is_deep) {
                document.observe_deep(branch);
            } else {
                document.observe(branch);
            }
            observers_[{user_, branch, is_deep}] = number_of(step, "o");
            return "";
        }
        if (op == "check") return check(document, step);
        if (op == "apply") {
            Encoding encoding = number_of(step, "v") == 2 ? Encoding::v2 : Encoding::v1;
            auto applied = document.apply(bytes_of(step, "b"), encoding, number_of(step, "g"));
            if (!applied) return "an update of Yjs is refused";
            return compare_update(document, step);
        }
        if (op == "manage") {
            manage(document, step);
            return "";
        }
        if (const Value* now = step.find("now")) now_ms_ = static_cast<uint64_t>(now->as_integer());
        if (op == "undo") {
            const bool has_transaction = undo(*managers_[user_], step.find("how")->as_string());
            return has_transaction ? compare_update(document, step) : compare_stacks(step);
        }
        if (op == "subdocument") {
            const Subdocument& one = document.subdocuments()[number_of(step, "i")];
            const bool is_load = step.find("how")->as_string() == "load";
            if (is_load && one.is_loaded) return "";
            const Handle item = one.item;
            const auto done =
                is_load ? document.load_subdocument(item) : document.destroy_subdocument(item);
            return done.ok() ? compare_update(document, step) : "a sub-document is not there";
        }
        if (op == "point") return compare_position(document, step);
        if (op == "fourteen") return compare_fourteen(step);
        if (op == "snapshot") return compare_snapshot(document, step);
        document.begin(number_of(step, "g"));
        bool ok = op == "batch";
        if (ok) {
            for (const Value& one : step.find("ops")->as_array())
                ok = edit(document, one) && ok;
        } else {
            ok = edit(document, step);
        }
        document.commit();
        if (!ok) return "a local change is refused";
        return compare_update(document, step);
    }

  private:
    std::string compare_update(Document& document, const Value& step) {
        Buffer v1;
        Buffer v2;
        document.write_last_update(v1, Encoding::v1);
        document.write_last_update(v2, Encoding::v2);
        std::string expected1 = bytes_of(step, "x");
        std::string expected2 = bytes_of(step, "y");
        if (v1.view() != expected1)
            return "update v1\n  ours " + hex(v1.view()) + "\n  Yjs  " + hex(expected1);
        if (v2.view() != expected2)
            return "update v2\n  ours " + hex(v2.view()) + "\n  Yjs  " + hex(expected2);
        // Clean-ups of formats are transactions of their own.
        const Value* told = step.find("e");
        size_t events = 0;
        std::string found = compare_events(document, told, events);
        if (!found.empty()) return found;
        take_stack_events();
        const Value* cleaned = step.find("c");
        size_t clean_ups = 0;
        for (; document.commit_clean_up(); ++clean_ups) {
            v1.clear();
            document.write_last_update(v1, Encoding::v1);
            std::string expected;
            if (cleaned != nullptr && clean_ups < cleaned->as_array().size())
                expected = from_base64(cleaned->as_array()[clean_ups].as_string());
            if (v1.view() != expected)
                return "clean-up\n  ours " + hex(v1.view()) + "\n  Yjs  " + hex(expected);
            found = compare_events(document, told, events);
            if (!found.empty()) return found;
            take_stack_events();
        }
        found = compare_stacks(step);
        if (!found.empty()) return found;
        found = compare_subdocuments(document, step);
        if (!found.empty()) return found;
        if (cleaned != nullptr && clean_ups != cleaned->as_array().size())
            return "there are fewer clean-ups than Yjs has";
        if (told != nullptr && events != told->as_array().size())
            return "an event is missing: " + told->as_array()[events].as_string();
        return "";
    }

    std::string compare_position(Document& document, const Value& step) {
        const RelativePosition position =
            relative_position(document.store(), at(document, step), number_of(step, "i"),
                              step.find("assoc")->as_integer());
        const std::string bytes = encode_relative_position(position);
        const std::string json = relative_position_json(position);
        if (bytes != bytes_of(step, "b")) return "relative position";
        if (json != step.find("json")->as_string())
            return "relative position as JSON\n  ours " + json;
        auto read = decode_relative_position(bytes);
        if (!read || encode_relative_position(*read) != bytes)
            return "relative position read again";
        auto parsed = relative_position_of_json(json);
        return parsed && *parsed == position ? "" : "relative position read from JSON";
    }

    // A state that Yjs 14 read and wrote on, and what Yjs 13.6 makes of that.
    std::string compare_fourteen(const Value& step) {
        DocumentOptions options;
        options.collects = collects_;
        options.cleans_formats = true;
        Document document(options);
        for (const auto& [name, kind] : roots_)
            document.root(name, kind);
        auto clean_up = [&] {
            while (document.commit_clean_up()) {
            }
        };
        if (!document.apply(bytes_of(step, "b"))) return "the state is refused";
        clean_up();
        if (document.encode() != bytes_of(step, "s1")) {
            return "state v1 of Yjs 14\n  ours " + hex(document.encode()) + "\n  Yjs  " +
                   hex(bytes_of(step, "s1"));
        }
        if (document.encode({}, Encoding::v2) != bytes_of(step, "s2")) return "state v2 of Yjs 14";
        if (encode_state_vector(document.state_vector()) != bytes_of(step, "sv"))
            return "state vector of Yjs 14";
        for (const Value& update : step.find("updates")->as_array()) {
            if (!document.apply(from_base64(update.as_string())))
                return "an update of Yjs 14 is refused";
            clean_up();
        }
        const std::string theirs = bytes_of(step, "then");
        if (document.encode() == theirs) return "";
        return "state after updates of Yjs 14\n  ours " + hex(document.encode()) + "\n  Yjs  " +
               hex(theirs);
    }

    std::string compare_snapshot(Document& document, const Value& step) {
        const Snapshot snapshot = snapshot_of(document.store());
        if (encode_snapshot(snapshot) != bytes_of(step, "b")) return "snapshot";
        if (encode_snapshot(snapshot, Encoding::v2) != bytes_of(step, "b2")) return "snapshot v2";
        auto read = decode_snapshot(bytes_of(step, "b2"), Encoding::v2);
        if (!read || *read != snapshot) return "snapshot read again";
        if (const Value* update = step.find("update")) {
            auto has = snapshot_contains(snapshot, from_base64(update->as_string()));
            if (!has || *has != step.find("has")->as_bool()) return "snapshotContainsUpdate";
        }
        auto decoded = [](const Value& bytes) -> std::optional<Snapshot> {
            if (bytes.as_string().empty()) return std::nullopt;
            return *decode_snapshot(from_base64(bytes.as_string()));
        };
        for (const Value& one : step.find("deltas")->as_array()) {
            const auto now = decoded(one.as_array()[0]);
            const auto before = decoded(one.as_array()[1]);
            std::string ours;
            append_delta_between(document.store(), document.root("t", TypeKind::text),
                                 now ? &*now : nullptr, before ? &*before : nullptr, ours);
            if (ours != one.as_array()[2].as_string())
                return "delta between snapshots\n  ours " + ours + "\n  Yjs  " +
                       one.as_array()[2].as_string();
        }
        for (const Value& one : step.find("pasts")->as_array()) {
            auto state = document.state_at(*decoded(one.as_array()[0]));
            if (!state) return "the state of a snapshot is refused";
            DocumentOptions options;
            options.collects = one.as_array()[1].as_bool();
            Document past(options);
            if (!past.apply(*state)) return "the state of a snapshot is malformed";
            const std::string theirs = from_base64(one.as_array()[2].as_string());
            if (past.encode() != theirs)
                return "document of a snapshot\n  ours " + hex(past.encode()) + "\n  Yjs  " +
                       hex(theirs);
        }
        return "";
    }

    std::string compare_places(Document& document, const Value& places) {
        for (const Value& place : places.as_array()) {
            const auto position =
                decode_relative_position(from_base64(place.as_array()[0].as_string()));
            const auto found = absolute_position(
                document, *position,
                place.as_array()[1].as_bool() ? Redone::followed : Redone::ignored);
            std::string ours;
            if (found) {
                const Store& store = document.store();
                const Branch& branch = store.branch(found->list);
                if (branch.item == 0) {
                    ours = store.names().at(branch.name);
                } else {
                    const Id id = store.id_of(store.item(branch.item));
                    ours = std::to_string(id.client) + ':' + std::to_string(id.clock);
                }
                ours += ' ' + std::to_string(found->index);
            }
            if (ours != place.as_array()[2].as_string())
                return "place of " + hex(encode_relative_position(*position)) + "\n  ours " + ours +
                       "\n  Yjs  " + place.as_array()[2].as_string();
        }
        return "";
    }

    void manage(Document& document, const Value& step) {
        std::vector<BranchIndex> scope;
        for (const Value& root : step.find("scope")->as_array())
            scope.push_back(document.root(root.as_array()[0].as_string()));
        UndoOptions options;
        options.capture_timeout_ms = number_of(step, "timeout");
        options.now_ms = [this] { return now_ms_; };
        options.ignores_remote_map_changes = step.find("ignore")->as_bool();
        options.takes_whole_document = step.find("whole")->as_bool();
        if (step.find("picky")->as_bool())
            options.captures = [](const Transaction& done) { return done.deleted.empty(); };
        if (step.find("sparing")->as_bool())
            options.deletes = [](const Store&, const Item& item) { return item.clock % 3 != 0; };
        options.tracked_origins.clear();
        for (const Value& origin : step.find("origins")->as_array())
            options.tracked_origins.push_back(static_cast<uint64_t>(origin.as_integer()));
        managers_[user_] = std::make_unique<UndoManager>(document, scope, options);
    }

    // False if there was no transaction.
    bool undo(UndoManager& manager, const std::string& how) {
        popped_.reset();
        const bool has_any = manager.can_undo() || manager.can_redo();
        if (how == "undo") {
            popped_ = manager.undo();
        } else if (how == "redo") {
            popped_ = manager.redo();
        } else if (how == "clear") {
            manager.clear();
        } else {
            manager.stop_capturing();
        }
        return how == "undo" || how == "redo" || (how == "clear" && has_any);
    }

    std::string compare_subdocuments(Document& document, const Value& step) {
        std::string ours;
        auto add = [&](const std::vector<Subdocument>& list, char end) {
            for (const Subdocument& one : list)
                ours += (&one == &list[0] ? "" : ",") + one.guid;
            ours += end;
        };
        for (const SubdocumentEvent& event : document.subdocument_events()) {
            add(event.added, ' ');
            add(event.removed, ' ');
            add(event.loaded, ';');
        }
        std::string theirs;
        if (const Value* told = step.find("s")) {
            for (const Value& one : told->as_array())
                theirs += one.as_string() + ';';
        }
        if (ours == theirs) return "";
        return "sub-documents\n  ours " + ours + "\n  Yjs  " + theirs;
    }

    std::string compare_stacks(const Value& step) {
        take_stack_events();
        const Value* stacks = step.find("z");
        if (stacks == nullptr) return "";
        UndoManager& manager = *managers_[user_];
        const std::string ours = stack_log_ + popped_log_ +
                                 std::to_string(manager.undo_stack().size()) + ' ' +
                                 std::to_string(manager.redo_stack().size());
        stack_log_.clear();
        popped_log_.clear();
        if (ours == stacks->as_string()) return "";
        return "undo stacks\n  ours " + ours + "\n  Yjs  " + stacks->as_string();
    }

    void take_stack_events() {
        auto found = managers_.find(user_);
        if (found == managers_.end()) return;
        UndoManager& manager = *found->second;
        for (const auto& [what, is_redo] : manager.take_events()) {
            const std::string name = is_redo ? "redo" : "undo";
            switch (what) {
                case UndoManager::Event::What::added:
                    (is_redo ? manager.redo_stack() : manager.undo_stack()).back().meta["n"] =
                        std::to_string(added_[user_]++);
                    stack_log_ += "added " + name;
                    break;
                case UndoManager::Event::What::updated:
                    stack_log_ += "updated " + name;
                    break;
                case UndoManager::Event::What::popped:
                    // Yjs says so once the clean-ups that it brought about are committed.
                    popped_log_ = "popped " + name + ' ' + popped_->meta["n"] + ", ";
                    continue;
                case UndoManager::Event::What::cleared_undo:
                case UndoManager::Event::What::cleared_redo:
                    stack_log_ += "cleared " + name;
                    break;
            }
            stack_log_ += ", ";
        }
    }

    // Compares the last transaction's events with those that Yjs told from number `next` on.
    std::string compare_events(const Document& document, const Value* told, size_t& next) {
        const Events& events = document.events();
        for (const Notice& notice : events.notices) {
            std::string ours =
                std::to_string(observers_[{user_, notice.observed, notice.is_deep}]) + " [";
            for (const Notice::Seen& seen : notice.seen) {
                if (&seen != &notice.seen[0]) ours += ',';
                append_event_json(events.events[seen.event], seen.path, ours);
            }
            ours += ']';
            const bool has_one = told != nullptr && next < told->as_array().size();
            const std::string theirs = has_one ? told->as_array()[next].as_string() : "(none)";
            if (ours != theirs) return "event\n  ours " + ours + "\n  Yjs  " + theirs;
            ++next;
        }
        return "";
    }

    BranchIndex at(Document& document, const Value& step) {
        BranchIndex branch = 0;
        const auto& path = step.find("p")->as_array();
        branch = document.root(path[0].as_string(), kind_named(path[1].as_string()));
        for (size_t i = 2; i < path.size() && branch != 0; ++i) {
            branch = path[i].is_number() ? child_at(document.store(), branch,
                                                    static_cast<uint32_t>(path[i].as_number()))
                                         : child_of(document.store(), branch, path[i].as_string());
        }
        return branch;
    }

    Document::Attributes attributes_of(const Value& step) {
        Document::Attributes attributes;
        for (const Value& pair : step.find("a")->as_array())
            attributes.push_back(
                {pair.as_array()[0].as_string(), from_base64(pair.as_array()[1].as_string())});
        return attributes;
    }

    Content content_of(const Value& step) {
        Content content;
        content.len = 1;
        const std::string& kind = step.find("k")->as_string();
        if (kind == "binary") {
            content.kind = Kind::binary;
            body_ = bytes_of(step, "b");
            content.body = body_;
        } else {
            content.kind = Kind::type;
            content.type = kind_named(kind);
            if (const Value* name = step.find("n")) name_ = name->as_string();
            if (has_name(content.type)) content.name = name_;
        }
        return content;
    }

    bool edit(Document& document, const Value& step) {
        BranchIndex branch = at(document, step);
        if (branch == 0) return false;
        const std::string& op = step.find("op")->as_string();
        if (op == "insert_text")
            return document.insert_text(branch, number_of(step, "i"), step.find("t")->as_string())
                .ok();
        if (op == "insert_formatted")
            return document
                .insert_text(branch, number_of(step, "i"), step.find("t")->as_string(),
                             attributes_of(step))
                .ok();
        if (op == "embed")
            return document
                .insert_embed(branch, number_of(step, "i"), bytes_of(step, "b"),
                              attributes_of(step))
                .ok();
        if (op == "format")
            return document
                .format_text(branch, number_of(step, "i"), number_of(step, "n"),
                             attributes_of(step))
                .ok();
        if (op == "delete_text")
            return document.delete_text(branch, number_of(step, "i"), number_of(step, "n")).ok();
        if (op == "insert_values")
            return document.insert_values(branch, number_of(step, "i"), bytes_of(step, "b")).ok();
        if (op == "push_values") return document.push_values(branch, bytes_of(step, "b")).ok();
        const Value* kind = step.find("k");
        if (kind != nullptr && kind->as_string() == "doc") {
            SubdocumentOptions options;
            options.guid = step.find("n")->as_string();
            options.is_loaded = step.find("loaded")->as_bool();
            options.collects = step.find("gc")->as_bool();
            options.loads_itself = step.find("auto")->as_bool();
            options.meta = bytes_of(step, "meta");
            if (op == "insert_content")
                return document.insert_subdocument(branch, number_of(step, "i"), options).ok();
            document.set_subdocument(branch, step.find("key")->as_string(), options);
            return true;
        }
        if (op == "insert_content")
            return document.insert_content(branch, number_of(step, "i"), content_of(step)).ok();
        if (op == "delete_values")
            return document.delete_values(branch, number_of(step, "i"), number_of(step, "n")).ok();
        if (op == "set_value") {
            document.set_value(branch, step.find("key")->as_string(), bytes_of(step, "b"));
            return true;
        }
        if (op == "set_content") {
            document.set_content(branch, step.find("key")->as_string(), content_of(step));
            return true;
        }
        if (op == "delete_key") {
            document.delete_key(branch, step.find("key")->as_string());
            return true;
        }
        return false;
    }

    // What is loaded from the columns is what is loaded from the update.
    std::string compare_at_rest(const Document& document, const std::string& v1) {
        auto columns = document.to_columnar();
        if (!columns) return "the columns cannot be written";
        DocumentOptions options;
        options.client = 1;
        options.collects = collects_;
        Document loaded(options);
        Document applied(options);
        if (!loaded.load_columnar(*columns)) return "the columns cannot be read";
        if (!applied.apply(v1)) return "the state cannot be read";
        if (loaded.encode() != applied.encode()) return "the state differs after it was at rest";
        if (loaded.encode({}, Encoding::v2) != applied.encode({}, Encoding::v2))
            return "the state v2 differs after it was at rest";
        for (const auto& [name, kind] : roots_) {
            std::string json;
            std::string expected;
            append_json(loaded.store(), loaded.root(name, kind), json, kind);
            append_json(applied.store(), applied.root(name, kind), expected, kind);
            if (json != expected) return "the JSON differs after it was at rest: " + json;
        }
        return "";
    }

    std::string check(Document& document, const Value& step) {
        auto differs = [&](const char* what, std::string_view ours, std::string_view theirs,
                           bool is_binary) -> std::string {
            if (ours == theirs) return "";
            return std::string(what) + "\n  ours " + (is_binary ? hex(ours) : std::string(ours)) +
                   "\n  Yjs  " + (is_binary ? hex(theirs) : std::string(theirs));
        };
        std::string found;
        for (const Value& shown : step.find("shown")->as_array()) {
            const std::string& name = shown.as_array()[0].as_string();
            TypeKind kind = kind_named(shown.as_array()[1].as_string());
            std::string json;
            append_json(document.store(), document.root(name, kind), json, kind);
            found = differs("JSON", json, shown.as_array()[2].as_string(), false);
            if (!found.empty()) return found;
            if (shown.as_array().size() > 3) {
                std::string delta;
                append_delta(document.store(), document.root(name, kind), delta);
                found = differs("delta", delta, shown.as_array()[3].as_string(), false);
                if (!found.empty()) return found;
            }
        }
        std::string v1 = document.encode({}, Encoding::v1);
        found = differs("state v1", v1, bytes_of(step, "s1"), true);
        if (!found.empty()) return found;
        found = differs("state v2", document.encode({}, Encoding::v2), bytes_of(step, "s2"), true);
        if (!found.empty()) return found;
        found = differs("state vector", encode_state_vector(document.state_vector()),
                        bytes_of(step, "sv"), true);
        if (!found.empty()) return found;
        found = compare_at_rest(document, v1);
        if (!found.empty()) return found;
        if (const Value* since = step.find("since")) {
            auto vector = decode_state_vector(from_base64(since->as_string()));
            found = differs("difference", document.encode(*vector), bytes_of(step, "d1"), true);
            if (!found.empty()) return found;
            auto diffed = diff_update(v1, *vector);
            found = differs("diffUpdate", *diffed, bytes_of(step, "du"), true);
            if (!found.empty()) return found;
        }
        found = compare_places(document, *step.find("places"));
        if (!found.empty()) return found;
        if (const Value* parts = step.find("parts")) {
            std::vector<std::string> updates;
            for (const Value& part : parts->as_array())
                updates.push_back(from_base64(part.as_string()));
            std::vector<std::string_view> views(updates.begin(), updates.end());
            auto merged = merge_updates(views);
            if (!merged) return "mergeUpdates is refused";
            found = differs("mergeUpdates", *merged, bytes_of(step, "m1"), true);
            if (!found.empty()) return found;
            auto converted = convert_update(*merged, Encoding::v1, Encoding::v2);
            found = differs("convert to v2", *converted, bytes_of(step, "m2"), true);
            if (!found.empty()) return found;
            auto back = convert_update(*converted, Encoding::v2, Encoding::v1);
            found = differs("convert to v1", *back, bytes_of(step, "m3"), true);
            if (!found.empty()) return found;
            auto vector = state_vector_of_update(*merged);
            found = differs("encodeStateVectorFromUpdate", encode_state_vector(*vector),
                            bytes_of(step, "msv"), true);
        }
        return found;
    }

    std::vector<std::unique_ptr<Document>> documents_;
    bool collects_ = true;
    std::vector<std::pair<std::string, TypeKind>> roots_;
    uint32_t user_ = 0;
    uint64_t now_ms_ = 0;
    std::map<uint32_t, std::unique_ptr<UndoManager>> managers_;
    std::map<uint32_t, uint32_t> added_;
    std::optional<UndoManager::StackItem> popped_;
    std::string stack_log_;
    std::string popped_log_;
    // The numbers of observers by user, type and whether they are deep.
    std::map<std::tuple<uint32_t, BranchIndex, bool>, uint32_t> observers_;
    std::string body_;
    std::string name_;
};

}  // namespace

int main() {
    std::string line;
    uint64_t histories = 0;
    uint64_t steps = 0;
    uint64_t failed = 0;
    while (std::getline(std::cin, line)) {
        auto parsed = tandem::base::parse_json(line, tandem::base::kLooseValueLimits);
        if (!parsed) {
            std::fprintf(stderr, "replay: line %llu is no JSON\n",
                         static_cast<unsigned long long>(histories + 1));
            return 2;
        }
        ++histories;
        History history(*parsed);
        uint64_t at = 0;
        for (const Value& step : parsed->find("steps")->as_array()) {
            std::string difference = history.take(step);
            ++steps;
            ++at;
            if (difference.empty()) continue;
            ++failed;
            std::fprintf(stderr, "seed %.0f, step %llu (%s of user %u) differs: %s\n",
                         parsed->find("seed")->as_number(), static_cast<unsigned long long>(at),
                         step.find("op")->as_string().c_str(), number_of(step, "u"),
                         difference.c_str());
            break;
        }
        if (failed >= 10) break;
    }
    std::printf("{\"histories\":%llu,\"steps\":%llu,\"failed\":%llu}\n",
                static_cast<unsigned long long>(histories), static_cast<unsigned long long>(steps),
                static_cast<unsigned long long>(failed));
    return failed == 0 ? 0 : 1;
}
