// Texts of channels: Yjs documents beside the records.

#include <utility>

#include "sdk/core.hpp"
#include "sdk/values.hpp"
#include "tandem/text.hpp"
#include "yjs/edit_faults.hpp"
#include "yjs/reading.hpp"

namespace tandem::sdk {

namespace {

Error error_of(const client::TextEvent& event) {
    const auto code = base::error_from_name(event.code);
    return {event.code, event.reason, code ? std::string(base::error_hint(*code)) : std::string()};
}

Error closed_error() {
    return {"not_found", "The channel was deleted.",
            "Nothing is sent any more; the copy stays as it is."};
}

}  // namespace

std::string Core::text_key(std::string_view channel, std::string_view name) {
    // No name of a channel has a NUL.
    return std::string(channel) + '\0' + std::string(name);
}

client::TextReplica& Core::text(const std::string& channel, const std::string& name) {
    auto& text = texts_[text_key(channel, name)];
    if (text == nullptr) {
        text = std::make_unique<client::TextReplica>(channel, name, [this] { return entropy(); });
        text->handle_link(now(), session_.link());
    }
    return *text;
}

// True when something was done.
bool Core::pump_texts() {
    bool is_busy = false;
    while (auto frame = session_.poll_text()) {
        is_busy = true;
        const auto found = texts_.find(text_key(frame->channel, frame->name));
        if (found != texts_.end()) found->second->handle_frame(now(), *frame);
    }
    for (const auto& [key, text] : texts_) {
        text->handle_link(now(), session_.link());
        while (auto frame = text->poll_transmit()) {
            is_busy = true;
            session_.send_text(std::move(*frame));
        }
    }
    // A callback may open others.
    std::vector<std::pair<std::string, client::TextEvent>> events;
    for (const auto& [key, text] : texts_)
        while (auto event = text->poll_event())
            events.emplace_back(key, std::move(*event));
    for (auto& [key, event] : events) {
        is_busy = true;
        tell_text(key, event);
    }
    return is_busy;
}

void Core::tell_text(const std::string& key, client::TextEvent& event) {
    using Kind = client::TextEvent::Kind;
    switch (event.kind) {
        case Kind::changed: {
            if (!listeners_.has(key, Topic::text_change)) return;
            const auto told = base::parse_json(event.change, base::kLooseValueLimits);
            TextChange change;
            change.root = event.root;
            change.own = event.is_own;
            const auto part = [&](const char* name) {
                const base::Value* member = told ? told->find(name) : nullptr;
                return member != nullptr ? from_base(*member) : Value();
            };
            change.path = part("path");
            change.delta = part("delta");
            change.keys = part("keys");
            listeners_.tell(key, Topic::text_change, change);
            return;
        }
        case Kind::refused:
            listeners_.tell(key, Topic::text_refused, error_of(event));
            return;
        case Kind::closed:
            listeners_.tell(key, Topic::text_refused, closed_error());
            return;
        case Kind::synced:
        case Kind::saved:
            return;
    }
}

std::optional<Error> Core::refusal_of(const client::TextReplica& text) const {
    if (refused_connection_) return refused_connection_;
    if (text.is_closed()) return closed_error();
    const client::TextEvent* refusal = text.refusal();
    return refusal != nullptr ? std::optional(error_of(*refusal)) : std::nullopt;
}

Result<Done> Core::wait_text(const std::string& channel, const std::string& name,
                             bool (client::TextReplica::*is_done)() const,
                             std::chrono::milliseconds timeout) {
    if (!may_wait()) return to_error(base::fail(base::ErrorCode::would_block));
    std::optional<Error> refusal;
    const auto is_decided = [&] {
        const client::TextReplica& followed = text(channel, name);
        if ((followed.*is_done)()) return true;
        refusal = refusal_of(followed);
        return refusal.has_value();
    };
    if (!run_until(is_decided, timeout)) return to_error(base::fail(base::ErrorCode::timed_out));
    if (refusal) return *std::move(refusal);
    return Done{};
}

}  // namespace tandem::sdk

namespace tandem {

namespace {

using yjs::BranchIndex;
using yjs::TypeKind;

// Calls `show` with the document and the root, where it can be shown as `kind`.
template <class T, class Show>
Result<T> shown(client::TextReplica& text, const TextRoot& root, TypeKind kind, const Show& show) {
    const auto found = text.root(root, root ? kind : TypeKind::unknown);
    if (!found) return sdk::to_error(found.error());
    const yjs::Store& store = text.document().store();
    const TypeKind known = store.branch(*found).kind;
    if (known != kind && known != TypeKind::unknown)
        return sdk::to_error(base::fail(base::ErrorCode::wrong_type));
    return show(store, *found);
}

Value object_of(const char* key, Value value) {
    return Value(Value::Members{{key, std::move(value)}});
}

}  // namespace

Text Text::open(Channel& channel, std::string_view name) {
    Text text(*channel.core_, channel.name_, std::string(name));
    text.core_->call([&] {
        text.core_->text(text.channel_, text.name_);
        text.core_->pump();
    });
    return text;
}

Result<Done> Text::wait_ready(std::chrono::milliseconds timeout) {
    return core_->wait_text(channel_, name_, &client::TextReplica::is_synced, timeout);
}

Result<Done> Text::wait_saved(std::chrono::milliseconds timeout) {
    return core_->wait_text(channel_, name_, &client::TextReplica::is_saved, timeout);
}

bool Text::saved() const {
    return core_->call([&] { return core_->text(channel_, name_).is_saved(); });
}

Result<std::string> Text::text(TextRoot root) const {
    return core_->call([&] {
        return shown<std::string>(
            core_->text(channel_, name_), root, TypeKind::text,
            [](const yjs::Store& store, BranchIndex at) { return yjs::text_of(store, at); });
    });
}

Result<Value> Text::delta(TextRoot root) const {
    return core_->call([&] {
        return shown<Value>(core_->text(channel_, name_), root, TypeKind::text,
                            [](const yjs::Store& store, BranchIndex at) {
                                std::string json;
                                yjs::append_delta(store, at, json);
                                const auto value = base::parse_json(json, base::kLooseValueLimits);
                                return value ? sdk::from_base(*value) : Value();
                            });
    });
}

Result<std::string> Text::xml(TextRoot root) const {
    return core_->call([&] {
        return shown<std::string>(core_->text(channel_, name_), root, TypeKind::xml_fragment,
                                  [](const yjs::Store& store, BranchIndex at) {
                                      std::string xml;
                                      yjs::append_xml(store, at, xml);
                                      return xml;
                                  });
    });
}

Value Text::json() const {
    return core_->call([&] {
        const yjs::Store& store = core_->text(channel_, name_).document().store();
        std::string json = "{";
        for (const BranchIndex root : store.roots()) {
            if (json.size() > 1) json += ',';
            base::append_json_string(json, store.names().at(store.branch(root).name));
            json += ':';
            const TypeKind known = store.branch(root).kind;
            yjs::append_json(store, root, json,
                             known == TypeKind::unknown ? yjs::shown_kind(store, root) : known);
        }
        const auto value = base::parse_json(json + '}', base::kLooseValueLimits);
        return value ? sdk::from_base(*value) : Value();
    });
}

Result<Done> Text::edit(Value edits, TextRoot root) {
    return core_->call([&]() -> Result<Done> {
        const base::Value wanted = sdk::to_base(edits);
        if (const auto fault = yjs::fault_of_edits(wanted))
            return Error("invalid_argument",
                         "Edit " + std::to_string(fault->edit) + ": " + fault->what,
                         "docs/texts.md shows the edits.");
        auto done = core_->text(channel_, name_).edit(core_->now(), root, wanted);
        core_->pump();
        if (!done.ok()) return sdk::to_error(done.error());
        return Done{};
    });
}

Result<Done> Text::one(const char* kind, Value body, TextRoot root) {
    return edit(Value(Value::Array{object_of(kind, std::move(body))}), root);
}

Result<Done> Text::insert(uint32_t index, std::string_view text, Value attributes, TextRoot root) {
    Value::Members body{{"index", static_cast<int64_t>(index)}, {"text", text}};
    if (!attributes.is_null()) body.emplace_back("attributes", std::move(attributes));
    return one("insert", Value(std::move(body)), root);
}

Result<Done> Text::append(std::string_view text, Value attributes, TextRoot root) {
    Value::Members body{{"text", text}};
    if (!attributes.is_null()) body.emplace_back("attributes", std::move(attributes));
    return one("append", Value(std::move(body)), root);
}

Result<Done> Text::erase(uint32_t index, uint32_t length, TextRoot root) {
    return one("delete",
               Value(Value::Members{{"index", static_cast<int64_t>(index)},
                                    {"length", static_cast<int64_t>(length)}}),
               root);
}

Result<Done> Text::format(uint32_t index, uint32_t length, Value attributes, TextRoot root) {
    return one("format",
               Value(Value::Members{{"index", static_cast<int64_t>(index)},
                                    {"length", static_cast<int64_t>(length)},
                                    {"attributes", std::move(attributes)}}),
               root);
}

Result<Done> Text::apply_delta(Value delta, TextRoot root) {
    return one("delta", std::move(delta), root);
}

void Text::set_author(const TextAuthor& author) {
    Value::Members user{{"name", author.name}};
    if (!author.color.empty()) user.emplace_back("color", author.color);
    core_->call([&] {
        core_->text(channel_, name_)
            .set_state(core_->now(), sdk::to_base(object_of("user", Value(std::move(user)))));
        core_->pump();
    });
}

void Text::leave() {
    core_->call([&] {
        core_->text(channel_, name_).set_state(core_->now(), base::Value());
        core_->pump();
    });
}

std::vector<Value> Text::others() const {
    return core_->call([&] {
        std::vector<Value> out;
        for (const auto& [client, json] : core_->text(channel_, name_).others())
            if (const auto value = base::parse_json(json, base::kLooseValueLimits))
                out.push_back(sdk::from_base(*value));
        return out;
    });
}

Subscription Text::on_change(std::function<void(const TextChange&)> callback) {
    return core_->call([&] {
        return core_->listen(sdk::Core::text_key(channel_, name_), sdk::Topic::text_change,
                             [callback = std::move(callback)](const void* about) {
                                 callback(*static_cast<const TextChange*>(about));
                             });
    });
}

Subscription Text::on_refused(std::function<void(const Error&)> callback) {
    return core_->call([&] {
        return core_->listen(sdk::Core::text_key(channel_, name_), sdk::Topic::text_refused,
                             [callback = std::move(callback)](const void* about) {
                                 callback(*static_cast<const Error*>(about));
                             });
    });
}

}  // namespace tandem
