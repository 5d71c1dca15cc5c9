#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/asking.hpp"
#include "sim/text_editor.hpp"
#include "sim/text_truth.hpp"

namespace tandem::sim {

/// Those who edit texts: pages with documents, and an agent that has none and asks. What any of
/// them has seen of another must be on the disk, and nothing that one of them wrote may be missing
/// in the end.
class TextEditors final : public Asking {
  public:
    TextEditors(World& world, uint64_t dice);
    void start();
    void heal();
    /// What leaves the server for a provider.
    void check_sent(const std::string& room, std::string_view message);
    /// When all is quiet: everybody has what the log has.
    void judge();
    /// What the server would answer to somebody new; to be judged a little later.
    void ask_for_all();

  private:
    /// An edit of the agent's that is asked for until it is answered.
    struct Wish {
        Room room;
        std::string word;
        std::string key;
        uint64_t cuts = 0;
        bool is_done = true;
    };
    void act();
    void append();
    void send();
    void read(const Room& room, hub::ReadText::Form form);

    std::vector<Room> rooms_;
    std::vector<std::unique_ptr<TextEditor>> editors_;
    TextTruth truth_;
    Wish wish_;
    uint64_t words_ = 0;
};

}  // namespace tandem::sim
