#include <algorithm>

#include "yjs/c_abi_parts.hpp"

// The C interface: undo.

namespace {

using namespace tandem::yjs;
using namespace tandem::yjs::abi;

using StackItem = UndoManager::StackItem;

StackItem* item_of(tandem_yjs_undo* undo, int which) {
    if (which == TANDEM_YJS_POPPED) return undo->popped ? &*undo->popped : nullptr;
    if (which != TANDEM_YJS_UNDO && which != TANDEM_YJS_REDO) return nullptr;
    auto& stack =
        which == TANDEM_YJS_UNDO ? undo->manager.undo_stack() : undo->manager.redo_stack();
    return stack.empty() ? nullptr : &stack.back();
}

std::string_view name_of(UndoManager::Event::What what) {
    switch (what) {
        case UndoManager::Event::What::added:
            return "added";
        case UndoManager::Event::What::updated:
            return "updated";
        case UndoManager::Event::What::popped:
            return "popped";
        case UndoManager::Event::What::cleared_undo:
            return "cleared-undo";
        case UndoManager::Event::What::cleared_redo:
            return "cleared-redo";
    }
    return {};
}

}  // namespace

extern "C" {

tandem_yjs_undo* tandem_yjs_undo_new(tandem_yjs_doc* doc,
                                     const tandem_yjs_undo_options* options) noexcept {
    const tandem_yjs_undo_options given = given_options(options);
    if (given.now_ms == nullptr) return nullptr;
    UndoOptions chosen;
    chosen.capture_timeout_ms = given.capture_timeout_ms;
    chosen.now_ms = [now_ms = given.now_ms, user = given.user] { return now_ms(user); };
    if (given.origin_count > 0)
        chosen.tracked_origins.assign(given.origins, given.origins + given.origin_count);
    for (size_t i = 0; i < given.scope_count; ++i) {
        if (!check_use(doc, given.scope[i], Use::any).ok()) return nullptr;
    }
    return new tandem_yjs_undo{
        UndoManager(doc->document,
                    std::vector<BranchIndex>(given.scope, given.scope + given.scope_count),
                    std::move(chosen)),
        std::nullopt};
}

void tandem_yjs_undo_free(tandem_yjs_undo* undo) noexcept { delete undo; }

int tandem_yjs_undo_undo(tandem_yjs_undo* undo) noexcept {
    undo->popped = undo->manager.undo();
    return undo->popped ? 1 : 0;
}

int tandem_yjs_undo_redo(tandem_yjs_undo* undo) noexcept {
    undo->popped = undo->manager.redo();
    return undo->popped ? 1 : 0;
}

int tandem_yjs_undo_can_undo(const tandem_yjs_undo* undo) noexcept {
    return undo->manager.can_undo() ? 1 : 0;
}

int tandem_yjs_undo_can_redo(const tandem_yjs_undo* undo) noexcept {
    return undo->manager.can_redo() ? 1 : 0;
}

void tandem_yjs_undo_stop_capturing(tandem_yjs_undo* undo) noexcept {
    undo->manager.stop_capturing();
}

void tandem_yjs_undo_clear(tandem_yjs_undo* undo) noexcept { undo->manager.clear(); }

int tandem_yjs_undo_set_meta(tandem_yjs_undo* undo, int which, tandem_yjs_view key,
                             tandem_yjs_view value) noexcept {
    StackItem* item = item_of(undo, which);
    if (item == nullptr) return number_of(ErrorCode::not_found);
    item->meta.insert_or_assign(std::string(text_of_view(key)), std::string(text_of_view(value)));
    return 0;
}

int tandem_yjs_undo_meta(tandem_yjs_undo* undo, int which, tandem_yjs_view key,
                         tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const StackItem* item = item_of(undo, which);
    if (item == nullptr) return number_of(ErrorCode::not_found);
    const auto found = item->meta.find(std::string(text_of_view(key)));
    return found == item->meta.end() ? number_of(ErrorCode::not_found) : give(found->second, out);
}

int tandem_yjs_undo_events(tandem_yjs_undo* undo, tandem_yjs_bytes* out) noexcept {
    std::string json = "[";
    for (const UndoManager::Event& event : undo->manager.take_events()) {
        if (json.size() > 1) json += ',';
        json += "{\"what\":\"" + std::string(name_of(event.what)) +
                (event.is_redo ? "\",\"redo\":true}" : "\",\"redo\":false}");
    }
    return give(json + ']', out);
}

}  // extern "C"
