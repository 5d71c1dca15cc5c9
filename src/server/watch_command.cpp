// `tandem watch`: every change of a channel as it comes, read with the C++ SDK.

#include <cstdio>
#include <utility>

#include "base/value.hpp"
#include "server/channel_api.hpp"
#include "server/client_commands.hpp"
#include "server/credentials.hpp"
#include "server/remote.hpp"
#include "tandem/log.hpp"

namespace tandem::server {

namespace {

void note(const std::string& text) { std::fprintf(stderr, "tandem: %s\n", text.c_str()); }

std::string quoted(const std::string& text) {
    std::string out;
    base::append_json_string(out, text);
    return out;
}

// Prints what the log tells, one line a change, and stops its reader when that is enough.
class Printer final : public LogFollower {
  public:
    explicit Printer(const ClientCommand& command) : command_(command) {}

    /// Until there is nothing more to print. The exit code.
    int print(LogReader& reader) {
        reader_ = &reader;
        reader.run();
        return exit_code_;
    }

  private:
    void on_entry(const LogEntry& entry) override {
        has_news_ = true;
        const std::string seq = std::to_string(entry.seq);
        for (const LogOp& op : entry.ops)
            emit(seq, entry.by, op.op, op.path, op.shown ? *op.shown : op.value);
    }

    // At the start what is there; later, or after `--after`, what came between the cursor and it
    // cannot be had any more.
    void on_state(const LogState& state) override {
        const bool is_first = !std::exchange(has_news_, true);
        const std::string seq = std::to_string(state.seq);
        if (!state.after) {
            if (!command_.is_json) print_line(state.value.to_json());
            return;
        }
        const std::string after = std::to_string(*state.after);
        if (is_first && state.seq < *state.after)
            return end(complain("the channel has no seq " + after + "; its newest is " + seq,
                                "Give --after a seq up to that, or leave it out to see what "
                                "comes."));
        if (state.seq > *state.after)
            note("what was written after " + after + ", up to " + seq +
                 ", is too old to be told one by one; going on with the state of then (the "
                 "command `tandem history` shows what the log still has)");
        else
            note("the history was replaced (restored or deleted); going on with its state at " +
                 seq);
        emit(seq, {}, "reset", {}, state.value);
    }

    void on_difference(const LogDifference& difference) override {
        has_news_ = true;
        const std::string to = std::to_string(difference.to);
        if (difference.to > difference.from + 1)
            note("what was written after " + std::to_string(difference.from) + ", up to " + to +
                 ", comes as the difference that it made, not write by write");
        for (const LogOp& change : difference.changes)
            emit(to, {}, change.op, change.path, change.value);
    }

    void on_signal(const Signal& signal) override {
        if (is_full()) return;
        if (command_.is_json) {
            print_line("{\"actor\":null,\"from\":" + quoted(signal.from) +
                       ",\"name\":" + quoted(signal.name) +
                       ",\"op\":\"signal\",\"path\":\"\",\"seq\":null,\"value\":" +
                       signal.value.to_json() + "}");
        } else {
            print_line("signal " + signal.name + " " + signal.value.to_json());
        }
        count_line();
    }

    void on_refused(const Error& error) override {
        exit_code_ = complain(error.code() + ": " + error.message(), error.hint());
    }

    void on_lost(std::optional<uint64_t> after) override {
        was_connected_ = true;
        note("the connection is lost; coming back for what follows " +
             std::to_string(after.value_or(0)));
    }

    void on_unreachable(const Error& error) override {
        if (was_connected_) return;
        end(complain_of(command_.url, base::fail(error.code() == "tls_failed"
                                                     ? base::ErrorCode::tls_failed
                                                     : base::ErrorCode::connection_closed)));
    }

    // The sum of both forms is what a person or a script wants to see.
    void emit(const std::string& seq, const tandem::Value& actor, const std::string& op,
              const std::string& path, const tandem::Value& value) {
        if (is_full()) return;
        if (command_.is_json) {
            print_line("{\"seq\":" + seq + ",\"actor\":" + actor.to_json() +
                       ",\"op\":" + quoted(op) + ",\"path\":" + quoted(path) +
                       ",\"value\":" + value.to_json() + "}");
        } else {
            print_line(seq + "  " + op + " " + path + " " + value.to_json());
        }
        count_line();
    }

    bool is_full() const { return command_.count != 0 && lines_ >= command_.count; }
    void count_line() {
        if (++lines_ == command_.count) end(0);
    }
    void end(int code) {
        exit_code_ = code;
        reader_->stop();
    }

    const ClientCommand& command_;
    LogReader* reader_ = nullptr;
    uint64_t lines_ = 0;
    int exit_code_ = 0;
    bool was_connected_ = false;
    bool has_news_ = false;  ///< something of the channel has come since the start
};

}  // namespace

int run_watch(const ClientCommand& command) {
    if (const auto url = server_of(command.url); !url) return complain_of(command.url, url.error());
    const bool has_scheme = command.url.find("://") != std::string::npos;
    LogReaderOptions options;
    options.ca_file = ca_file_in_use();
    if (!token_in_use().empty()) options.token = token_in_use;
    options.url = has_scheme ? command.url : "http://" + command.url;
    options.channel = command.channel;
    if (command.has_after) options.after = command.after;
    Printer printer(command);
    auto reader = LogReader::open(std::move(options), printer);
    if (!reader) return complain(reader.error().message(), reader.error().hint());
    return printer.print(*reader);
}

}  // namespace tandem::server
