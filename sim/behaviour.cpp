// What applications do: every kind of op, on few paths so that they conflict, and now and then
// something that the server must refuse.

#include <string>
#include <utility>

#include "sim/device.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

namespace {

using record::Kind;
using record::Path;
using record::Segment;

Segment key(std::string name) { return {Segment::Kind::key, std::move(name)}; }
Segment item(std::string id) { return {Segment::Kind::item, std::move(id)}; }
Path below(Path path, Segment segment) {
    path.push_back(std::move(segment));
    return path;
}

std::string any_item(Dice& dice, const record::View& view, const Path& list) {
    const auto items = view.items(list);
    return items.empty() ? std::string() : items[dice.below(items.size())].id;
}

client::Place any_place(Dice& dice, const record::View& view, const Path& list) {
    const std::string neighbour = any_item(dice, view, list);
    switch (dice.below(4)) {
        case 0:
            return client::Place::first();
        case 1:
            return client::Place::last();
        case 2:
            return client::Place::before(neighbour);
        default:
            return client::Place::after(neighbour);
    }
}

}  // namespace

// A word more, less or changed, in what is shown now.
base::Value Device::any_text(const base::Value& shown) {
    std::string text = shown.is_string() ? shown.as_string() : "the red car stops here";
    const std::string word = "w" + std::to_string(dice_.below(6));
    const size_t space = text.find(' ', dice_.below(text.size() + 1));
    if (text.size() > 200) return base::Value(text.substr(100));
    if (space == std::string::npos) return base::Value(text + ' ' + word);
    switch (dice_.below(3)) {
        case 0:
            return base::Value(text.insert(space, " " + word));
        case 1:
            return base::Value(text.replace(0, space, word));
        default:
            return base::Value(text.substr(space + 1));
    }
}

// Fields whose crossing values a resolver brings together.
void Device::write_resolved(const std::string& channel, client::Edit& edit,
                            const std::string& card) {
    const record::View& view = session_->view(channel);
    switch (dice_.below(8)) {
        case 0:
            edit.set({key("mark")}, base::Value::integer(static_cast<int64_t>(dice_.below(999))));
            break;
        case 1:
            edit.set({key("low")}, base::Value("l" + std::to_string(dice_.below(99))));
            break;
        case 2:
            edit.set({key("level")}, base::Value(0.1 * static_cast<double>(dice_.below(99))));
            break;
        case 3: {
            base::Array labels;
            for (uint64_t count = dice_.below(4); count > 0; --count)
                labels.push_back(any_value(1));
            edit.set({key("labels")}, base::Value(std::move(labels)));
            break;
        }
        case 4:
            edit.set({key("plan")}, base::Value("p" + std::to_string(dice_.below(9))));
            break;
        case 5:
            if (!card.empty()) {
                const Path note = {key("cards"), item(card), key("note")};
                edit.set(note, any_text(view.shown(note)));
                break;
            }
            [[fallthrough]];
        default:
            edit.set({key("note")}, any_text(view.shown({key("note")})));
            break;
    }
}

base::Value Device::any_value(uint64_t depth) {
    switch (dice_.below(depth == 0 ? 6 : 9)) {
        case 0:
            return base::Value();
        case 1:
            return base::Value(one_in(dice_, 2));
        case 2:
            return base::Value::integer(static_cast<int64_t>(dice_.below(5)));
        case 3:
            return base::Value(0.5 * static_cast<double>(dice_.below(9)));
        case 4:
            return base::Value("s" + std::to_string(dice_.below(6)));
        case 5:
            return base::Value("u" + std::to_string(dice_.next() % 100'000));
        case 6: {
            base::Array array;
            const uint64_t count = dice_.below(3);
            for (uint64_t i = 0; i < count; ++i)
                array.push_back(any_value(depth - 1));
            return base::Value(std::move(array));
        }
        default: {
            base::Value object((base::Object()));
            const uint64_t count = dice_.below(3);
            for (uint64_t i = 0; i < count; ++i)
                object.put(std::string(1, static_cast<char>('x' + dice_.below(3))),
                           any_value(depth - 1));
            return object;
        }
    }
}

// Few paths, so that devices meet; deep enough that one deletes what another edits.
Path Device::any_path(const std::string& channel) {
    Path path = {key(std::string(1, static_cast<char>('a' + dice_.below(4))))};
    const uint64_t depth = dice_.below(4);
    for (uint64_t i = 0; i < depth; ++i) {
        const std::string id = any_item(dice_, session_->view(channel), path);
        if (!id.empty() && !one_in(dice_, 4))
            path.push_back(item(id));
        else
            path.push_back(key(std::string(1, static_cast<char>('x' + dice_.below(3)))));
    }
    return path;
}

void Device::write_open(const std::string& channel, client::Edit& edit) {
    const record::View& view = session_->view(channel);
    Path path = any_path(channel);
    switch (dice_.below(12)) {
        case 0:
        case 1:
        case 2:
            edit.set(std::move(path), any_value(2));
            break;
        case 3:
            edit.remove_node(std::move(path));
            break;
        case 4: {
            base::Value object((base::Object()));
            if (!one_in(dice_, 3)) object.put("x", any_value(1));
            if (one_in(dice_, 2)) object.put("y", any_value(2));
            edit.assign(std::move(path), std::move(object));
            break;
        }
        case 5:
            edit.inc(std::move(path), static_cast<int64_t>(dice_.below(9)) - 4);
            break;
        case 6:
            edit.counter_set(std::move(path), static_cast<int64_t>(dice_.below(100)));
            break;
        case 7:
            edit.add(std::move(path), base::Value("e" + std::to_string(dice_.below(8))));
            break;
        case 8:
            edit.remove(std::move(path), base::Value("e" + std::to_string(dice_.below(8))));
            break;
        case 9:
        case 10: {
            base::Value object;
            if (!one_in(dice_, 3)) {
                object = base::Value((base::Object()));
                object.put("x", any_value(2));
            }
            edit.insert(path, any_place(dice_, view, path), std::move(object));
            break;
        }
        default: {
            const std::string id = any_item(dice_, view, path);
            if (id.empty())
                edit.insert(path, client::Place::last(), base::Value());
            else if (one_in(dice_, 2))
                edit.move(below(path, item(id)), any_place(dice_, view, path));
            else
                edit.remove_node(below(path, item(id)));
            break;
        }
    }
}

void Device::write_board(const std::string& channel, client::Edit& edit, bool is_invalid) {
    const record::View& view = session_->view(channel);
    const Path cards = {key("cards")};
    if (is_invalid) {
        switch (dice_.below(3)) {
            case 0:
                edit.set({key("title")}, base::Value::integer(7));
                break;
            case 1:
                edit.set({key("count")}, base::Value("no number"));
                break;
            default:
                edit.add({key("price")}, base::Value("a"));
                break;
        }
        return;
    }
    const std::string card = any_item(dice_, view, cards);
    switch (dice_.below(20)) {
        case 14:
        case 15:
        case 16:
        case 17:
        case 18:
            write_resolved(channel, edit, card);
            break;
        case 0:
            edit.set({key("title")}, base::Value("t" + std::to_string(dice_.below(1'000))));
            break;
        case 1:
            edit.set({key("price")}, base::Value(0.25 * static_cast<double>(dice_.below(99))));
            break;
        case 2:
            edit.inc({key("count")}, static_cast<int64_t>(dice_.below(20)) - 5);
            break;
        case 3:
            edit.counter_set({key("count")}, static_cast<int64_t>(dice_.below(50)));
            break;
        case 4:
            edit.add({key("tags")}, base::Value("e" + std::to_string(dice_.below(12))));
            break;
        case 5:
            edit.remove({key("tags")}, base::Value("e" + std::to_string(dice_.below(12))));
            break;
        case 6:
            edit.set({key("meta")}, any_value(3));
            break;
        case 7:
        case 8: {
            base::Value object((base::Object()));
            object.put("text", base::Value("c" + std::to_string(dice_.below(1'000))));
            if (one_in(dice_, 2)) object.put("done", base::Value(false));
            edit.insert(cards, any_place(dice_, view, cards), std::move(object));
            break;
        }
        case 9:
            if (!card.empty()) edit.remove_node(below(cards, item(card)));
            break;
        case 10:
            if (!card.empty()) edit.move(below(cards, item(card)), any_place(dice_, view, cards));
            break;
        case 11:
            if (!card.empty())
                edit.set(below(below(cards, item(card)), key("text")),
                         base::Value("c" + std::to_string(dice_.below(1'000))));
            break;
        case 12:
            if (!card.empty()) edit.inc(below(below(cards, item(card)), key("votes")), 1);
            break;
        default:
            edit.remove_node({key(one_in(dice_, 2) ? "title" : "cards")});
            break;
    }
}

void Device::note_issue(const std::string& channel, uint64_t push, int64_t own) {
    Issue issue;
    issue.device = index_;
    issue.channel = channel;
    issue.push = push;
    issue.own = own;
    issue.is_shared = is_forked;
    issues_[{channel, push}] = world_.ledger.add(std::move(issue));
    world_.note("push", index_, push, channel);
    check_bases(channel);
}

void Device::push(const std::string& channel, std::vector<record::Op> ops,
                  client::PushOptions options, int64_t own) {
    if (ops.empty()) return;
    auto pushed = session_->push(now(), channel, std::move(ops), std::move(options));
    if (!pushed) {
        world_.note("push refused here", index_, static_cast<uint64_t>(pushed.error().code),
                    channel);
        return;
    }
    note_issue(channel, *pushed, own);
}

void Device::act_once(const std::string& channel) {
    if (is_partial && one_in(dice_, 12)) return follow_other(channel);
    const bool is_open = channel.starts_with("open");
    client::PushOptions options;
    client::Edit edit = session_->edit(channel);
    const uint64_t roll = dice_.below(100);
    if (roll < 18) {
        const auto n = static_cast<int64_t>(between(dice_, 1, 1'000));
        options.has_history = false;
        edit.inc({key("own"), key("d" + std::to_string(index_))}, n);
        push(channel, edit.take(), std::move(options), n);
    } else if (roll < 70) {
        const uint64_t count = one_in(dice_, 5) ? between(dice_, 2, 6) : 1;
        for (uint64_t i = 0; i < count; ++i) {
            if (is_open)
                write_open(channel, edit);
            else
                write_board(channel, edit, false);
        }
        if (!edit.ops().empty() && one_in(dice_, 8))
            options.if_unchanged.push_back(record::to_text(edit.ops().front().path));
        options.has_history = !one_in(dice_, 5);
        push(channel, edit.take(), std::move(options), 0);
    } else if (roll < 74) {
        if (is_open) return;
        if (one_in(dice_, 3)) write_board(channel, edit, false);
        write_board(channel, edit, true);
        if (channel.starts_with("tight") && one_in(dice_, 3))
            edit.set({key("nowhere")}, base::Value(true));
        push(channel, edit.take(), std::move(options), 0);
    } else if (roll < 79) {
        if (const uint64_t id = session_->undo(now(), channel); id != 0) note_issue(channel, id, 0);
    } else if (roll < 81) {
        if (const uint64_t id = session_->redo(now(), channel); id != 0) note_issue(channel, id, 0);
    } else if (roll < 88) {
        session_->set_presence(now(), channel, any_value(1));
    } else if (roll < 90) {
        session_->leave_presence(now(), channel);
    } else if (roll < 95) {
        session_->send_signal(now(), channel, "ping", any_value(1));
    } else if (roll < 97) {
        wanted_.erase(channel);
        cursors_.erase(channel);
        session_->unsubscribe(now(), channel);
    } else {
        wanted_.insert(channel);
        follow(channel);
    }
}

void Device::act() {
    const uint64_t delay = 1 + dice_.below(2 * world_.profile.act_every_ms);
    world_.scheduler.after(delay, [this] {
        if (world_.is_healing) {
            is_acting_ = false;
            return;
        }
        if (is_up() && world_.scheduler.now_ms() >= absent_until_) {
            const std::string& channel = any_of(dice_, world_.profile.channels);
            const uint64_t count = one_in(dice_, 30) ? between(dice_, 5, 25) : 1;
            for (uint64_t i = 0; i < count; ++i)
                act_once(channel);
            pump();
        }
        act();
    });
}

}  // namespace tandem::sim
