#include "sim/text_editor.hpp"

#include <utility>

#include "sim/text_truth.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

namespace {

std::unique_ptr<yjs::Document> new_document(Dice& dice) {
    yjs::DocumentOptions options;
    // Editors draw 32 bits; 53 are allowed.
    options.client = 100 + dice.below(one_in(dice, 4) ? uint64_t{1} << 52 : UINT32_MAX);
    return std::make_unique<yjs::Document>(options);
}

}  // namespace

Room Room::of(const std::string& text) {
    const size_t slash = text.find('/');
    return {text.substr(0, slash), text.substr(slash + 1)};
}

TextEditor::TextEditor(World& world, size_t index, Room room, uint64_t dice)
    : world_(world),
      index_(index),
      room_(std::move(room)),
      dice_(dice),
      document_(new_document(dice_)) {}

void TextEditor::start() {
    dial();
    act();
}

void TextEditor::heal() {
    is_away_ = false;
    // What was lost of its messages, or refused, goes up again with the next connection.
    hang_up();
    dial();
}

void TextEditor::dial() {
    if (connection_ != 0 || is_away_) return;
    connection_ = world_.network.dial(*this, hub::Codec::yjs, room_.text(), true);
}

void TextEditor::hang_up() {
    if (connection_ == 0) return;
    world_.network.hang_up(std::exchange(connection_, 0));
    is_open_ = is_synced_ = false;
}

void TextEditor::handle_open(uint64_t connection) {
    if (connection != connection_) return;
    is_open_ = true;
    send(yjs::SyncStep::step1, yjs::encode_state_vector(document_->state_vector()));
}

void TextEditor::handle_close(uint64_t connection) {
    if (connection != connection_) return;
    connection_ = 0;
    is_open_ = is_synced_ = false;
    world_.scheduler.after(between(dice_, 50, 500), [this] { dial(); });
}

void TextEditor::send(yjs::SyncStep step, std::string_view body) {
    world_.network.send(connection_, yjs::sync_message(step, body));
}

void TextEditor::handle_message(uint64_t connection, std::string_view message) {
    if (connection != connection_) return;
    const auto read = yjs::read_message(message);
    if (!read) return world_.violate("the server's messages decode", room_.text());
    if (read->kind == yjs::MessageKind::auth) {
        // Refused: what it was stays in the document and is offered again.
        hang_up();
        world_.scheduler.after(between(dice_, 50, 500), [this] { dial(); });
        return;
    }
    if (read->kind != yjs::MessageKind::sync) return;
    if (read->step == yjs::SyncStep::step1) {
        const auto vector = yjs::decode_state_vector(read->body);
        if (!vector) return world_.violate("the server's messages decode", room_.text());
        return send(yjs::SyncStep::step2, document_->encode(*vector));
    }
    if (!document_->apply(read->body).ok())
        return world_.violate("the server's updates apply", room_.text());
    if (document_->has_pending())
        return world_.violate("an editor has what it is sent depends on",
                              room_.text() + " editor " + std::to_string(index_));
    if (read->step == yjs::SyncStep::step2) is_synced_ = true;
}

void TextEditor::act() {
    world_.scheduler.after(1 + dice_.below(4 * world_.profile.act_every_ms), [this] {
        if (world_.is_healing || world_.is_violated()) return;
        switch (dice_.below(24)) {
            case 0:
                go_offline();
                break;
            case 1:
                reload();
                break;
            case 2:
                world_.network.cut(connection_, Network::Notice::soon, Network::Notice::late);
                break;
            case 3:
            case 4:
                world_.network.stall(connection_, between(dice_, 500, 6'000));
                break;
            default:
                edit();
                break;
        }
        act();
    });
}

void TextEditor::go_offline() {
    if (is_away_) return;
    is_away_ = true;
    hang_up();
    world_.scheduler.after(between(dice_, 200, 6'000), [this] {
        is_away_ = false;
        dial();
    });
}

void TextEditor::reload() {
    hang_up();
    const std::string kept = document_->encode();
    document_ = new_document(dice_);
    if (!document_->apply(kept).ok()) world_.violate("a document loads again", room_.text());
    dial();
}

void TextEditor::edit_text() {
    const yjs::BranchIndex text = document_->root(kTextRoot, yjs::TypeKind::text);
    const uint32_t length = document_->store().branch(text).length;
    const auto at = static_cast<uint32_t>(dice_.below(length + 1));
    if (at < length && one_in(dice_, 4)) {
        const auto count = static_cast<uint32_t>(1 + dice_.below(std::min(length - at, 6U)));
        if (!document_->delete_text(text, at, count).ok())
            world_.violate("an editor may delete", room_.text());
        return;
    }
    std::string word = " e" + std::to_string(index_) + '.' + std::to_string(++edits_);
    if (one_in(dice_, 5)) word += "ü";
    // Something pasted, of which not many stay in the server's memory for those who are behind.
    if (one_in(dice_, 5)) word += std::string(between(dice_, 200, 4'000), '=');
    if (!document_->insert_text(text, one_in(dice_, 3) ? length : at, word).ok())
        world_.violate("an editor may insert", room_.text());
}

void TextEditor::edit() {
    yjs::Buffer any;
    yjs::append_any_string("v" + std::to_string(index_) + '.' + std::to_string(++edits_), any);
    document_->begin();
    const uint64_t kind = dice_.below(10);
    if (kind < 7) {
        edit_text();
    } else if (kind < 9) {
        document_->set_value(document_->root(kMapRoot, yjs::TypeKind::map),
                             "k" + std::to_string(dice_.below(4)), any.view());
    } else {
        const yjs::BranchIndex list = document_->root(kListRoot, yjs::TypeKind::array);
        const uint32_t length = document_->store().branch(list).length;
        if (!document_
                 ->insert_values(list, static_cast<uint32_t>(dice_.below(length + 1)), any.view())
                 .ok())
            world_.violate("an editor may insert", room_.text());
    }
    document_->commit();
    yjs::Buffer update;
    if (!document_->write_last_update(update)) return;
    // A provider sends while it has a socket, synced or not.
    if (is_open_) send(yjs::SyncStep::update, update.view());
}

std::string TextEditor::judge() const {
    if (!is_open_ || !is_synced_) return "is not synced";
    return {};
}

}  // namespace tandem::sim
