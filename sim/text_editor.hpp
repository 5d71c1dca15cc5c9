#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sim/network.hpp"
#include "sim/profile.hpp"
#include "yjs/document.hpp"
#include "yjs/sync_messages.hpp"

namespace tandem::sim {

/// A text of a channel, as a provider's connection names it: "CHANNEL/NAME".
struct Room {
    std::string channel;
    std::string name;

    std::string text() const { return channel + '/' + name; }
    static Room of(const std::string& text);
};

/// A page with a stock provider of Yjs and a database of its own: it edits with or without a
/// connection and keeps its document whatever happens to it. What it says and does is what
/// y-websocket does.
class TextEditor final : public Endpoint {
  public:
    TextEditor(World& world, size_t index, Room room, uint64_t dice);
    void start();
    void heal();

    const Room& room() const { return room_; }
    yjs::Document& document() { return *document_; }
    /// What is wrong when all is quiet; empty: nothing.
    std::string judge() const;

    void handle_open(uint64_t connection) override;
    void handle_close(uint64_t connection) override;
    void handle_message(uint64_t connection, std::string_view message) override;

  private:
    void dial();
    void act();
    void edit();
    void edit_text();
    void go_offline();
    /// The page is loaded anew: the document comes from the device, its client is another.
    void reload();
    void send(yjs::SyncStep step, std::string_view body);
    void hang_up();

    World& world_;
    const size_t index_;
    const Room room_;
    Dice dice_;
    std::unique_ptr<yjs::Document> document_;
    uint64_t connection_ = 0;
    bool is_open_ = false;
    bool is_synced_ = false;
    bool is_away_ = false;
    uint64_t edits_ = 0;
};

}  // namespace tandem::sim
