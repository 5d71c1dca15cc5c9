#include "server/top_command.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "net/unique_fd.hpp"
#include "server/channel_api.hpp"
#include "server/clocks.hpp"
#include "server/credentials.hpp"
#include "server/remote.hpp"
#include "server/top_report.hpp"
#include "server/top_screen.hpp"

namespace tandem::server {

namespace {

constexpr uint64_t kAnswerTimeoutMs = 5'000;
constexpr size_t kHottestShown = 20;

void write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno != EINTR) return;
        text.remove_prefix(static_cast<size_t>(std::max<ssize_t>(written, 0)));
    }
}

// A screen of its own, without the cursor and without what is typed.
class Terminal {
  public:
    Terminal() {
        has_input_ = tcgetattr(STDIN_FILENO, &before_) == 0;
        if (has_input_) {
            termios raw = before_;
            raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
            // Stopped in the middle it would leave the terminal as it is now.
            raw.c_cc[VSUSP] = _POSIX_VDISABLE;
            raw.c_cc[VMIN] = 0;
            raw.c_cc[VTIME] = 0;
            tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
        }
        write_all("\x1b[?1049h\x1b[?25l\x1b[2J");
    }
    ~Terminal() {
        write_all("\x1b[?25h\x1b[?1049l");
        if (has_input_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    [[nodiscard]] bool has_input() const { return has_input_; }
    static ScreenSize size() {
        winsize now{};
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) != 0 || now.ws_col == 0 || now.ws_row == 0)
            return {};
        return {now.ws_col, now.ws_row};
    }
    static void draw(const std::vector<std::string>& lines) {
        std::string out = "\x1b[H";
        for (size_t i = 0; i < lines.size(); ++i) {
            out += lines[i] + "\x1b[K";
            if (i + 1 < lines.size()) out += "\r\n";
        }
        write_all(out + "\x1b[J");
    }

  private:
    termios before_{};
    bool has_input_ = false;
};

// What ends the program or changes its screen, as a descriptor.
net::UniqueFd signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH})
        sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return net::UniqueFd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

class Top {
  public:
    explicit Top(const TopCommand& command) : command_(command) {
        screen_.server = command.url;
        screen_.every_s = command.every_s;
    }

    int run() {
        // The first answer is judged as that of any verb: it says what is wrong with the address or
        // the token. Later the server may be gone for a while.
        std::string text;
        if (const int code = get_bytes(command_.url, "/metrics", text); code != 0) return code;
        if (!take(text))
            return complain(command_.url + " does not answer /metrics as a Tandem server does",
                            "Is this the address of a Tandem server, of this version?");
        list_channels();
        const net::UniqueFd ends = signals();
        const bool is_terminal = isatty(STDOUT_FILENO) == 1 && !command_.is_json &&
                                 !command_.is_once && std::getenv("TERM") != std::string("dumb");
        if (!is_terminal) return run_plain(ends.get());
        const Terminal terminal;
        screen_.style = std::getenv("NO_COLOR") == nullptr ? Style::terminal : Style::plain;
        draw();
        while (wait(ends.get(), terminal.has_input() ? STDIN_FILENO : -1)) {
            refresh();
            draw();
        }
        return 0;
    }

  private:
    int run_plain(int ends) {
        screen_.size = {std::max<size_t>(Terminal::size().columns, 80), SIZE_MAX};
        while (wait(ends, -1)) {
            refresh();
            if (command_.is_json)
                print_line(base::to_json(json()));
            else
                for (const std::string& line : screen_lines(screen_, interval_, channels_, trends_))
                    print_line(line);
            if (command_.is_once) return screen_.problem.empty() ? 0 : 1;
            if (!command_.is_json) print_line("");
        }
        return 0;
    }

    base::Value json() {
        if (screen_.problem.empty()) return report_json(interval_, channels_);
        base::Value out(base::Object{});
        out.put("time_ms", base::Value(static_cast<double>(wall_ms())));
        out.put("problem", base::Value(screen_.problem));
        return out;
    }

    // Until the next report is due; false: the program is to end.
    bool wait(int ends, int keys) {
        const uint64_t due_ms = taken_ms_ + static_cast<uint64_t>(command_.every_s * 1000);
        while (true) {
            const uint64_t now_ms = mono_ms();
            if (now_ms >= due_ms) return true;
            std::array<pollfd, 2> watched = {pollfd{ends, POLLIN, 0}, pollfd{keys, POLLIN, 0}};
            (void)::poll(watched.data(), watched.size(), static_cast<int>(due_ms - now_ms));
            signalfd_siginfo signal{};
            while (::read(ends, &signal, sizeof signal) == sizeof signal) {
                if (signal.ssi_signo != SIGWINCH) return false;
                if (keys >= 0) draw();
            }
            if (watched[1].revents == 0) continue;
            char key = 0;
            const ssize_t got = ::read(keys, &key, 1);
            // A terminal that is gone is readable for ever.
            if ((got <= 0 && (watched[1].revents & POLLHUP) != 0) || key == 'q') return false;
            if (key == ' ') return true;
        }
    }

    void refresh() {
        screen_.problem.clear();
        net::HttpClientRequest request;
        request.target = "/metrics";
        std::string text;
        if (fetch(request, text) && !take(text)) screen_.problem = "The answer is not metrics.";
        if (screen_.problem.empty()) list_channels();
        // Whatever happened, the next try is an interval away.
        taken_ms_ = mono_ms();
    }

    bool fetch(net::HttpClientRequest& request, std::string& body) {
        const auto url = server_of(command_.url);
        if (!url) return fail("The address cannot be used: ", url.error());
        authorize(request.headers);
        request.tls = url->tls;
        request.timeout_ms = kAnswerTimeoutMs;
        auto response = net::http_fetch(url->address, request);
        if (!response) return fail("No answer, trying again: ", response.error());
        if (response->status != 200) {
            screen_.problem = "The server answers with HTTP " + std::to_string(response->status) +
                              ", trying again.";
            return false;
        }
        body = std::move(response->body);
        return true;
    }

    bool fail(std::string what, base::Error error) {
        screen_.problem = std::move(what) + std::string(base::error_message(error.code));
        return false;
    }

    bool take(const std::string& text) {
        auto scrape = read_scrape(text);
        if (!scrape) return false;
        const uint64_t now_ms = mono_ms();
        const double wall_s = static_cast<double>(wall_ms()) / 1000;
        const double seconds = static_cast<double>(now_ms - scraped_ms_) / 1000;
        if (scraped_ms_ == 0) {
            interval_ = interval_of(*scrape, *scrape, 0, wall_s);
        } else {
            interval_ = interval_of(interval_.now, *scrape, seconds, wall_s);
            trends_.add(interval_);
        }
        scraped_ms_ = now_ms;
        taken_ms_ = now_ms;
        return true;
    }

    // A server with more has them listed as far as one answer goes. It may refuse this token.
    void list_channels() {
        net::HttpClientRequest request;
        request.target = "/api/v1/channels?limit=1000";
        std::string body;
        const bool is_told = fetch(request, body);
        screen_.problem.clear();
        channels_ = {};
        const auto json = base::parse_json(body, base::kLooseValueLimits);
        const base::Value* rows = is_told && json ? json->find("channels") : nullptr;
        if (rows == nullptr || !rows->is_array()) return;
        std::vector<ChannelSeen> now;
        for (const base::Value& row : rows->as_array())
            now.push_back(
                {text_of(row, "name"), number_of(row, "head"), number_of(row, "subscribers"), 0});
        const base::Value* more = json->find("more");
        channels_.is_told = true;
        channels_.is_all = more == nullptr || !more->is_bool() || !more->as_bool();
        const uint64_t now_ms = mono_ms();
        if (listed_ms_ != 0)
            channels_.rows =
                hottest(seen_, now, static_cast<double>(now_ms - listed_ms_) / 1000, kHottestShown);
        listed_ms_ = now_ms;
        seen_ = std::move(now);
    }

    void draw() {
        screen_.size = Terminal::size();
        Terminal::draw(screen_lines(screen_, interval_, channels_, trends_));
    }

    const TopCommand& command_;
    Screen screen_;
    Interval interval_;
    Trends trends_;
    ChannelList channels_;
    std::vector<ChannelSeen> seen_;
    uint64_t scraped_ms_ = 0;
    uint64_t listed_ms_ = 0;
    uint64_t taken_ms_ = 0;
};

}  // namespace

int run_top(const TopCommand& command) { return Top(command).run(); }

}  // namespace tandem::server
