#include "sim/text_editors.hpp"

#include <utility>

#include "sim/world.hpp"
#include "yjs/reading.hpp"

namespace tandem::sim {

TextEditors::TextEditors(World& world, uint64_t dice) : Asking(world, dice), truth_(world) {
    rooms_.push_back({any_of(dice_, world.profile.channels), "main"});
    if (one_in(dice_, 2)) rooms_.push_back({any_of(dice_, world.profile.channels), "notes"});
    for (const Room& room : rooms_) {
        for (uint64_t left = between(dice_, 2, 3); left > 0; --left)
            editors_.push_back(
                std::make_unique<TextEditor>(world, editors_.size(), room, dice_.next()));
    }
}

void TextEditors::start() {
    for (const auto& editor : editors_)
        editor->start();
    act();
}

void TextEditors::heal() {
    for (const auto& editor : editors_)
        editor->heal();
}

void TextEditors::act() {
    world_.scheduler.after(1 + dice_.below(10 * world_.profile.act_every_ms), [this] {
        if (world_.is_healing || world_.is_violated()) return;
        if (one_in(dice_, 3))
            read(any_of(dice_, rooms_), hub::ReadText::Form::text);
        else
            append();
        act();
    });
}

void TextEditors::append() {
    if (wish_.is_done) {
        const std::string number = std::to_string(++words_);
        wish_ = {any_of(dice_, rooms_), "<agent " + number + ">", "k" + number, 0, false};
        wish_.cuts = log(wish_.room.channel).cuts;
    }
    send();
}

// An answer that was lost is asked for again in the same words, and changes nothing then.
void TextEditors::send() {
    hub::EditText request;
    request.channel = wish_.room.channel;
    request.name = wish_.room.name;
    request.root = kTextRoot;
    request.idempotency_key = wish_.key;
    if (one_in(dice_, 2)) request.author = "Agent";
    base::Object edit;
    edit.push_back({"append", base::Value(wish_.word)});
    request.edits = base::Value(base::Array{base::Value(std::move(edit))});
    ask(wish_.room.channel, std::move(request),
        [this, wish = wish_](const hub::Reply& reply, const Then& then) {
            if (reply.is_error) return violate_refusal(reply, then, "an edit by request");
            if (wish_.key == wish.key) wish_.is_done = true;
            // Its key is forgotten with the entries that a restore or a deletion takes away.
            if (log(then.channel).cuts != wish.cuts) return;
            const uint64_t count = truth_.count_entries_with(then.channel, wish.word);
            // And with its age, which a clock that jumps makes of an instant.
            const bool is_repeated = count > 1 && !world_.profile.has_clock_jumps;
            if (count == 0 || is_repeated)
                violate("an edit that was answered is in the log once", then,
                        wish.word + " is there " + std::to_string(count) + " times");
        });
}

void TextEditors::read(const Room& room, hub::ReadText::Form form) {
    hub::ReadText request;
    request.channel = room.channel;
    request.name = room.name;
    request.form = form;
    request.root = form == hub::ReadText::Form::text ? kTextRoot : "";
    request.kind = yjs::TypeKind::text;
    ask(room.channel, std::move(request),
        [this, room, form](const hub::Reply& reply, const Then& then) {
            if (then.head != log(then.channel).head()) return;
            yjs::Document& wanted = truth_.document(room.channel, room.name);
            if (reply.is_error) {
                const bool has_root = !yjs::text_of(wanted.store(), wanted.root(kTextRoot)).empty();
                if (reply.error.code != base::ErrorCode::not_found || has_root)
                    violate_refusal(reply, then, "reading a text");
                return;
            }
            if (form == hub::ReadText::Form::text) {
                if (reply.json !=
                    yjs::text_of(wanted.store(), wanted.root(kTextRoot, yjs::TypeKind::text)))
                    violate("a text reads as the log has it", then, reply.json);
                return;
            }
            yjs::Document found;
            if (!found.apply(reply.json).ok())
                return violate("a text reads as an update", then, room.name);
            if (const std::string wrong = difference(state_of(wanted), state_of(found));
                !wrong.empty())
                violate("a text is what the log gives", then, room.name + ' ' + wrong);
        });
}

void TextEditors::ask_for_all() {
    for (const Room& room : rooms_)
        read(room, hub::ReadText::Form::update);
}

void TextEditors::check_sent(const std::string& room, std::string_view message) {
    const auto read = yjs::read_message(message);
    if (!read || read->kind != yjs::MessageKind::sync || read->step == yjs::SyncStep::step1) return;
    const auto reach = yjs::reach_of_update(read->body);
    if (!reach) return world_.violate("the server's updates decode", room);
    const Room of = Room::of(room);
    if (!truth_.has(of.channel, of.name, *reach))
        world_.violate("only what is durable is delivered", "the text " + room);
}

void TextEditors::judge() {
    for (size_t i = 0; i < editors_.size() && !world_.is_violated(); ++i) {
        TextEditor& editor = *editors_[i];
        const Room& room = editor.room();
        std::string wrong = editor.judge();
        if (wrong.empty())
            wrong = difference(state_of(truth_.document(room.channel, room.name)),
                               state_of(editor.document()));
        if (!wrong.empty())
            world_.violate("every editor has the whole text",
                           room.text() + " editor " + std::to_string(i) + ' ' + wrong);
    }
}

}  // namespace tandem::sim
