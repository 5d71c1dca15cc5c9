// Import of what `tandem export` wrote. A channel is written when it is empty or holds a part of
// what the import itself would write; what somebody wrote since stays, unless --overwrite says
// otherwise.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <utility>

#include "base/base64.hpp"
#include "base/limits.hpp"
#include "server/channel_api.hpp"
#include "server/client_commands.hpp"
#include "server/import_ops.hpp"
#include "server/remote.hpp"
#include "server/transfer_format.hpp"

namespace tandem::server {

using base::Value;

namespace {

// Well below what a server takes in one message.
constexpr size_t kPushBytes = 32 * base::kKiB;
constexpr size_t kPushOps = 500;
// Channels that were left as they are and are named one by one.
constexpr uint64_t kNamedMax = 20;

// Collects ops and writes them in pieces, all of them made on one state.
class Writer {
  public:
    Writer(const ClientCommand& command, std::string channel, uint64_t base)
        : command_(command), channel_(std::move(channel)), base_(base) {}

    int add(const Value& op) {
        std::string json = base::to_json(op);
        if (count_ > 0 && (count_ == kPushOps || ops_.size() + json.size() > kPushBytes))
            if (const int code = flush(); code != 0) return code;
        ops_ += (count_++ > 0 ? "," : "") + json;
        return 0;
    }
    int flush() {
        if (count_ == 0) return 0;
        Value answer;
        const std::string body = "{\"base\":" + std::to_string(base_) + ",\"ops\":[" + ops_ + "]}";
        ops_.clear();
        count_ = 0;
        return send_json(command_.url, net::HttpMethod::kPatch, channel_target(channel_, "record"),
                         body, answer);
    }

  private:
    const ClientCommand& command_;
    std::string channel_;
    uint64_t base_;
    std::string ops_;
    size_t count_ = 0;
};

// What the log of a channel says about who made it.
struct Log {
    uint64_t start = 0;  ///< the seq before the first entry
    uint64_t head = 0;
    bool is_of_import = true;  ///< nothing but ops of the plan
    std::vector<Value> ops;
};

int read_log(const ClientCommand& command, const std::string& channel, const ImportPlan& plan,
             Log& log) {
    uint64_t after = 0;
    while (true) {
        Value page;
        const std::string target =
            channel_target(channel, "entries") + "?limit=1000&after=" + std::to_string(after);
        if (const int code = get_json(command.url, target, page); code != 0) return code;
        if (after == 0) {
            log.head = number_of(page, "head");
            const uint64_t oldest = number_of(page, "oldest");
            log.start = oldest == 0 ? log.head : oldest - 1;
        }
        const Value* entries = page.find("entries");
        if (entries == nullptr || !entries->is_array() || entries->as_array().empty()) return 0;
        for (const Value& entry : entries->as_array()) {
            after = number_of(entry, "seq");
            const Value* ops = entry.find("ops");
            // One that raises the floor says that earlier ones may be gone.
            if (entry.find("floor") != nullptr || ops == nullptr || !ops->is_array()) {
                log.is_of_import = false;
                return 0;
            }
            for (const Value& op : ops->as_array()) {
                if (!plan.has(op)) {
                    log.is_of_import = false;
                    return 0;
                }
                log.ops.push_back(op);
            }
        }
        if (after >= log.head) return 0;
    }
}

class Importer {
  public:
    explicit Importer(const ClientCommand& command) : command_(command) {}

    int run(std::istream& in) {
        std::string text;
        uint64_t number = 0;
        bool has_head = false;
        bool is_ended = false;
        while (std::getline(in, text)) {
            const auto line = base::parse_json(text, base::kLooseValueLimits);
            const bool is_head = line && line->find("format") != nullptr;
            if (++number == 1 && !is_head)
                return fail("this is no export of Tandem", "Make one with `tandem export`.");
            if (!line)
                return fail("line " + std::to_string(number) + " is not JSON",
                            "Was the export interrupted? Start it again with the same file; it "
                            "goes on.");
            if (is_head) {
                const std::string format = text_of(*line, "format");
                if (format != kExportFormat && format != kFormerExportFormat)
                    return fail("an export of the unknown format '" + format + "'",
                                "Use the version of the program that wrote it, or a later one.");
                has_head = true;
                // The former format has no last line.
                is_ended = format == kFormerExportFormat;
                continue;
            }
            if (line->find("end") != nullptr) {
                is_ended = true;
                continue;
            }
            if (const int code = channel(*line, number); code != 0) {
                progress_.clear();
                std::fprintf(stderr,
                             "        Stopped at %s. Start the import again to go on; channels "
                             "that are done are left as they are.\n",
                             text_of(*line, "channel").c_str());
                return code;
            }
            progress_.show(counted(written_ + present_ + kept_, "channel") + ", " +
                           text_of(*line, "channel"));
        }
        if (!has_head)
            return fail("the file is empty, and no export of Tandem",
                        "Make one with `tandem export`.");
        return finish(is_ended);
    }

  private:
    int fail(const std::string& what, const std::string& hint) {
        progress_.clear();
        return complain(what, hint);
    }

    int finish(bool is_ended) {
        progress_.clear();
        if (kept_ > kNamedMax)
            std::fprintf(stderr, "tandem: and %s more\n",
                         counted(kept_ - kNamedMax, "channel").c_str());
        std::string sum = counted(written_, "channel") + " imported";
        if (present_ > 0) sum += ", " + std::to_string(present_) + " already there";
        if (kept_ > 0) sum += ", " + std::to_string(kept_) + " left as they were";
        std::fprintf(stderr, "%s\n", sum.c_str());
        if (left_out_ > 0)
            std::fprintf(
                stderr,
                "%s of places, kinds or counters left out; the values that were shown are all "
                "there\n",
                counted(left_out_, "conflict").c_str());
        if (!is_ended)
            return complain("the file has no last line: the export was interrupted",
                            "Start `tandem export` again with the same file; it goes on.");
        return kept_ > 0 ? 1 : 0;
    }

    void tell(const std::string& channel, const char* outcome, const std::string& why = {}) {
        if (!command_.is_json) return;
        Value row(base::Object{});
        row.put("channel", Value(channel));
        row.put("outcome", Value(outcome));
        if (!why.empty()) row.put("why", Value(why));
        print_line(base::to_json(row));
    }

    int channel(const Value& line, uint64_t number) {
        const std::string name = text_of(line, "channel");
        const Value* changes = line.find("changes");
        if (name.empty() || changes == nullptr || !changes->is_array())
            return complain("line " + std::to_string(number) + " is no channel of an export",
                            "Was the file changed?");
        ImportPlan plan = ImportPlan::of(changes->as_array());
        Log log;
        if (const int code = read_log(command_, name, plan, log); code != 0) return code;
        if (!log.is_of_import) return meet(name, line);
        plan.drop_written(log.ops);
        if (plan.steps.empty()) return only_texts(name, line, log.head);
        left_out_ += plan.left_out;
        // All of it is made on the state before the import, also what an earlier one has begun.
        if (const int code = write(name, plan, log.start); code != 0) return code;
        bool has_written = false;
        if (const int code = write_texts(name, line, 0, has_written); code != 0) return code;
        ++written_;
        tell(name, "imported");
        return 0;
    }

    int write(const std::string& name, const ImportPlan& plan, uint64_t base) {
        Writer writer(command_, name, base);
        for (const ImportStep& step : plan.steps) {
            if (const int code = writer.add(step.op); code != 0) return code;
            // One entry has seen what it wrote before.
            if (step.is_alone)
                if (const int code = writer.flush(); code != 0) return code;
        }
        return writer.flush();
    }

    // The record is there; the texts may not be.
    int only_texts(const std::string& name, const Value& line, uint64_t head) {
        bool has_written = false;
        if (const int code = write_texts(name, line, head, has_written); code != 0) return code;
        ++(has_written ? written_ : present_);
        tell(name, has_written ? "imported" : "present");
        return 0;
    }

    // They merge with whatever is there; what is known already is not written again.
    int write_texts(const std::string& name, const Value& line, uint64_t head, bool& has_written) {
        const Value* texts = line.find("texts");
        if (texts == nullptr || !texts->is_array()) return 0;
        for (const Value& text : texts->as_array()) {
            auto update = base::from_base64(text_of(text, "update"));
            if (!update)
                return complain("a text of " + name + " is not base64", "Was the file changed?");
            net::HttpClientRequest request;
            request.method = net::HttpMethod::kPost;
            request.target = channel_target(name, "text") +
                             "?name=" + net::percent_encode(text_of(text, "name"));
            request.headers.set("Content-Type", "application/octet-stream");
            request.body = *std::move(update);
            Value answer;
            if (const int code = call(command_.url, request, answer); code != 0) return code;
            has_written |= number_of(answer, "seq") > head;
        }
        return 0;
    }

    // Others have written to the channel.
    int meet(const std::string& name, const Value& line) {
        const base::Array& wanted = line.find("changes")->as_array();
        Value now;
        if (const int code =
                get_json(command_.url, channel_target(name, "record") + "?form=changes", now);
            code != 0)
            return code;
        const Value* changes = now.find("changes");
        if (changes == nullptr || !changes->is_array())
            return complain("the answer is no record", "Is this a Tandem server?");
        if (shows_same(changes->as_array(), wanted))
            return only_texts(name, line, number_of(now, "seq"));
        const uint64_t head = number_of(now, "seq");
        if (!command_.is_overwrite) {
            const std::string why =
                "it has edits that this file does not know, up to " + std::to_string(head);
            if (kept_++ < kNamedMax) {
                progress_.clear();
                complain(name + " is left as it is: " + why,
                         kept_ == 1 ? "--overwrite writes what the file has over them." : "");
            }
            tell(name, "kept", why);
            return 0;
        }
        Writer writer(command_, name, head);
        for (const Value& op : overwrite_ops(changes->as_array(), wanted))
            if (const int code = writer.add(op); code != 0) return code;
        if (const int code = writer.flush(); code != 0) return code;
        bool has_written = false;
        if (const int code = write_texts(name, line, 0, has_written); code != 0) return code;
        ++written_;
        tell(name, "overwritten");
        return 0;
    }

    const ClientCommand& command_;
    Progress progress_;
    uint64_t written_ = 0;
    uint64_t present_ = 0;
    uint64_t kept_ = 0;
    uint64_t left_out_ = 0;
};

}  // namespace

int run_import(const ClientCommand& command) {
    std::ifstream file;
    if (command.file != "-") {
        file.open(command.file, std::ios::binary);
        if (!file)
            return complain("cannot read " + command.file, "Check the path and its permissions.");
    }
    return Importer(command).run(command.file == "-" ? std::cin : file);
}

}  // namespace tandem::server
