// A shared board in the terminal. One loop of poll() waits for the keyboard and for the client.

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "tandem/tandem.hpp"

namespace {

// Keys come one by one, and are not shown, until its scope or the program ends.
struct RawTerminal {
    RawTerminal() {
        tcgetattr(STDIN_FILENO, &before_);
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        std::fputs("\x1b[?1049h\x1b[?25l", stdout);
        for (const int ending : {SIGTERM, SIGHUP, SIGINT, SIGQUIT})
            std::signal(ending, [](int) { restore(), _exit(1); });
    }
    ~RawTerminal() { restore(); }
    static void restore() {  // Only what a signal's handler may call.
        if (write(STDOUT_FILENO, "\x1b[?25h\x1b[?1049l", 14) > 0)
            tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
    static inline termios before_;
};

// What others wrote must not steer this terminal.
std::string text_of(const tandem::Value& value) {
    std::string text = value.as_string() != nullptr ? *value.as_string() : "";
    std::erase_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    for (size_t at = 0; (at = text.find('\xc2', at)) != text.npos;)
        static_cast<unsigned char>(text[at + 1]) < 0xa0 ? void(text.erase(at, 2)) : void(++at);
    return text;
}

class Board {
  public:
    Board(tandem::Channel channel, const std::string& name)
        : channel_(std::move(channel)), cards_(channel_.list("cards")) {
        channel_.presence().set({{"name", name}});
        refusals_ = channel_.on_refused(
            [this](const tandem::Error& why) { refusal_ = why.message() + " " + why.hint(); });
    }

    void draw() {
        items_ = cards_.items();
        at_ = std::clamp(at_, 0, std::max(0, last()));
        const auto [online, synced, pending] = channel_.status();
        std::string out = "\x1b[H\x1b[2J" + text_of(channel_.field("title").value());
        out += synced ? "  saved" : std::string(online ? "  saving" : "  offline");
        if (!synced) out += ", " + std::to_string(pending) + " waiting";
        for (const tandem::Member& member : channel_.presence().others())
            if (const auto* name = member.state.find("name")) out += "  with " + text_of(*name);
        out += "\r\n\r\n";
        winsize size{};
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        const int rows = std::max<int>(size.ws_row, 12) - 7, first = std::max(0, at_ - rows + 1);
        for (int i = first; i <= std::min(first + rows - 1, last()); ++i) {
            out += (i == at_ ? "> [" : "  [") + std::string(is_done(i) ? "x] " : " ] ");
            out += text_of(field(i, "text").value()) + "\r\n";
        }
        for (const tandem::Conflict& conflict : channel_.conflicts())
            out += "edited by more than one: " + conflict.path + "\r\n";
        out += refusal_ + "\r\n";
        const char* help = "j k choose  space check  J K move  a add  d delete  u undo  q quit";
        out += (typed_ ? "new card: " + *typed_ + "_" : help);
        std::fputs(out.c_str(), stdout);
        std::fflush(stdout);
    }

    // False when it was the last key.
    bool press(char key) {
        if (typed_) {
            type(key);
        } else if (key == 'q' || key == '\x03') {
            return false;
        } else if (key == 'a') {
            typed_ = "";
        } else if (key == 'u') {
            channel_.history().undo();
        } else if (key == 'j' || key == 'k') {
            at_ = std::clamp(at_ + (key == 'j' ? 1 : -1), 0, std::max(0, last()));
        } else if (last() >= 0 && key == ' ') {
            field(at_, "done").set(!is_done(at_));
        } else if (last() >= 0 && key == 'd') {
            cards_.remove(item(at_));
        } else if ((key == 'J' && at_ < last()) || (key == 'K' && at_ > 0)) {
            const tandem::ItemId card = item(at_), other = item(at_ += key == 'J' ? 1 : -1);
            using tandem::Place;
            cards_.move(card, key == 'J' ? Place::after(other) : Place::before(other));
        }
        return true;
    }

  private:
    int last() const { return static_cast<int>(items_.size()) - 1; }
    const tandem::ItemId& item(int i) const { return items_[static_cast<size_t>(i)]; }
    tandem::Field field(int i, const char* name) { return cards_.field(item(i), name); }
    bool is_done(int i) { return field(i, "done").value() == true; }
    void type(char key) {
        if (key == '\r' || key == '\n') {
            if (!typed_->empty()) cards_.insert({{"text", *typed_}, {"done", false}});
            typed_.reset();
        } else if (key != '\x7f') {
            *typed_ += key;
        } else {
            while (!typed_->empty() && (typed_->back() & 0xC0) == 0x80)
                typed_->pop_back();
            if (!typed_->empty()) typed_->pop_back();
        }
    }

    tandem::Channel channel_;
    tandem::List cards_;
    std::vector<tandem::ItemId> items_;
    int at_ = 0;
    std::optional<std::string> typed_;  // of a new card
    std::string refusal_;
    tandem::Subscription refusals_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return std::fprintf(stderr, "usage: terminal URL BOARD [OUTBOX]\n"), 2;
    auto client = tandem::Client::open({.url = argv[1], .outbox = argc > 3 ? argv[3] : ""});
    const tandem::Error& why = client.error();
    if (!client) return std::fputs((why.message() + " " + why.hint() + "\n").c_str(), stderr), 1;
    const char* user = std::getenv("USER");
    Board board(client->channel("board:" + std::string(argv[2])), user ? user : "someone");
    RawTerminal terminal;
    pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {client->fd(), POLLIN, 0}};
    for (char key = 0; true; client->poll()) {
        board.draw();
        if (::poll(ready, 2, -1) < 0 || ready[0].revents == 0) continue;
        if (read(STDIN_FILENO, &key, 1) != 1 || !board.press(key)) return 0;
    }
}
