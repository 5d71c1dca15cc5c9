#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tandem/tandem.hpp"

/// Texts of a channel: Yjs documents, which any editor with a Yjs binding edits as well. A text is
/// a copy in this program: edits show at once, also offline, and what the server lacks is sent when
/// there is a connection. It ends with the program, so wait for `wait_saved` before. The rules of
/// tandem.hpp hold for threads, loops and callbacks.
namespace tandem {

/// One type within a document that has changed.
struct TextChange {
    std::string root;
    Value path;   ///< from the root to it: keys of maps, positions in lists; an array
    Value delta;  ///< of a text or list: insert, delete and retain, as Quill has it; an array
    Value keys;   ///< of a map, or attributes: {"key": {"action", "oldValue"}}; an object
    bool own = false;
};

/// Who edits, as editors show it.
struct TextAuthor {
    std::string name;
    std::string color = {};  ///< such as #30bced
};

/// A shared type of the document, by the name that editors gave it (`doc.getText(name)`); nothing
/// means the only one that there is. An empty name is one, too: that of `doc.getText()`.
using TextRoot = std::optional<std::string_view>;

/// A handle. Positions are UTF-16 units in texts, and items in lists. Errors of edits:
/// `invalid_argument` (with what is wrong in which edit), `out_of_range`, `not_found` (no such root
/// or path), `wrong_type`; nothing was changed then.
class Text {
  public:
    /// Follows the text from now on, as `name` of the channel.
    static Text open(Channel& channel, std::string_view name = "main");

    /// Runs the client until it has what the server had. Errors: what the server refuses it with,
    /// at once, such as `forbidden`, `unauthenticated`, `unknown_namespace` and `too_many_texts`;
    /// `timed_out`; `would_block` in a callback.
    Result<Done> wait_ready(std::chrono::milliseconds timeout);
    /// Runs the client until all of it is on the server's disk. Errors: as above; `forbidden` also
    /// where it may only be read, `not_found` when the channel was deleted.
    Result<Done> wait_saved(std::chrono::milliseconds timeout);
    bool saved() const;

    /// Without formats.
    Result<std::string> text(TextRoot root = {}) const;
    /// As Quill's delta: an array.
    Result<Value> delta(TextRoot root = {}) const;
    Result<std::string> xml(TextRoot root = {}) const;
    /// Every root by its name.
    Value json() const;

    Result<Done> insert(uint32_t index, std::string_view text, Value attributes = {},
                        TextRoot root = {});
    Result<Done> append(std::string_view text, Value attributes = {}, TextRoot root = {});
    Result<Done> erase(uint32_t index, uint32_t length, TextRoot root = {});
    Result<Done> format(uint32_t index, uint32_t length, Value attributes, TextRoot root = {});
    Result<Done> apply_delta(Value delta, TextRoot root = {});
    /// Edits of every kind, maps, lists and XML too, as the HTTP API takes them (docs/texts.md):
    /// an array; all of them or none.
    Result<Done> edit(Value edits, TextRoot root = {});

    /// Editors show this program among them from now on, with a cursor where it last edited.
    void set_author(const TextAuthor& author);
    void leave();
    /// What others say of themselves, such as {"user": {"name", "color"}}.
    std::vector<Value> others() const;

    Subscription on_change(std::function<void(const TextChange&)> callback);
    /// An update that the server did not take stays in this copy; also `not_found` when the channel
    /// was deleted, after which nothing is sent any more.
    Subscription on_refused(std::function<void(const Error&)> callback);

  private:
    Text(sdk::Core& core, std::string channel, std::string name)
        : core_(&core), channel_(std::move(channel)), name_(std::move(name)) {}
    Result<Done> one(const char* kind, Value body, TextRoot root);
    sdk::Core* core_;
    std::string channel_;
    std::string name_;
};

}  // namespace tandem
