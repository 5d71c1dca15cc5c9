// Export of channels as JSON lines (transfer_format.hpp). One that was interrupted is continued; a
// finished one is left alone.

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/base64.hpp"
#include "server/channel_api.hpp"
#include "server/client_commands.hpp"
#include "server/remote.hpp"
#include "server/transfer_format.hpp"

namespace tandem::server {

using base::Value;

std::string counted(uint64_t count, std::string_view what) {
    return std::to_string(count) + ' ' + std::string(what) + (count == 1 ? "" : "s");
}

namespace {

// What is in a file that an earlier export may have left.
struct Earlier {
    enum class Kind : uint8_t { none, interrupted, finished, other };
    Kind kind = Kind::none;
    std::string server;
    std::string prefix;
    std::string last;  ///< the last channel that was written whole
    uint64_t count = 0;
    std::streamoff whole_bytes = 0;  ///< what comes after is part of a line
};

Earlier look_at(const std::string& path) {
    Earlier found;
    std::ifstream in(path, std::ios::binary);
    std::string line;
    while (in && std::getline(in, line)) {
        // A line without its end was cut off.
        if (in.eof()) break;
        const auto json = base::parse_json(line, base::kLooseValueLimits);
        if (found.kind == Earlier::Kind::none) {
            if (!json || text_of(*json, "format") != kExportFormat) {
                found.kind = Earlier::Kind::other;
                return found;
            }
            found.kind = Earlier::Kind::interrupted;
            found.server = text_of(*json, "server");
            found.prefix = text_of(*json, "prefix");
        } else if (!json) {
            found.kind = Earlier::Kind::other;
            return found;
        } else if (json->find("end") != nullptr) {
            found.kind = Earlier::Kind::finished;
            return found;
        } else {
            found.last = text_of(*json, "channel");
            ++found.count;
        }
        found.whole_bytes = in.tellg();
    }
    // Less than a head may be the begin of one; anything else is somebody's file.
    const std::string head = "{\"format\":\"" + std::string(kExportFormat) + '"';
    if (found.kind == Earlier::Kind::none && !head.starts_with(line) && !line.starts_with(head))
        found.kind = Earlier::Kind::other;
    return found;
}

// Says why a file is not written to; 0: it can be, from where `earlier` ends.
int judge(const ClientCommand& command, const std::string& server, const Earlier& earlier) {
    const std::string name = "'" + command.file + "'";
    switch (earlier.kind) {
        case Earlier::Kind::none:
            return 0;
        case Earlier::Kind::other:
            return complain(name + " exists and is no export that can be continued",
                            "Choose another file, or write over this one with --overwrite.");
        case Earlier::Kind::finished:
            return complain(name + " is a finished export",
                            "Choose another file, or write over this one with --overwrite.");
        case Earlier::Kind::interrupted:
            break;
    }
    if (earlier.server == server && earlier.prefix == command.prefix) return 0;
    return complain(name + " is an interrupted export of " + earlier.server +
                        (earlier.prefix.empty() ? "" : " with --prefix " + earlier.prefix),
                    "Continue it with these, choose another file, or write over this one with "
                    "--overwrite.");
}

std::string head_line(const std::string& server, const std::string& prefix) {
    Value head(base::Object{});
    head.put("format", Value(std::string(kExportFormat)));
    head.put("server", Value(server));
    head.put("prefix", Value(prefix));
    return base::to_json(head);
}

class Exporter {
  public:
    Exporter(const ClientCommand& command, std::ostream& out, Earlier earlier)
        : command_(command), out_(out), after_(std::move(earlier.last)), count_(earlier.count) {}

    int run() {
        bool has_more = true;
        while (has_more) {
            Value page;
            const std::string target =
                "/api/v1/channels?limit=100&prefix=" + net::percent_encode(command_.prefix) +
                "&after=" + net::percent_encode(after_);
            if (const int code = get_json(command_.url, target, page); code != 0) return code;
            const Value* channels = page.find("channels");
            if (channels == nullptr || !channels->is_array())
                return complain("the answer is no list of channels", "Is this a Tandem server?");
            for (const Value& row : channels->as_array()) {
                after_ = text_of(row, "name");
                if (const int code = write_channel(); code != 0) return code;
            }
            const Value* more = page.find("more");
            has_more = more != nullptr && more->is_bool() && more->as_bool();
        }
        return write("{\"end\":true,\"channels\":" + std::to_string(count_) + "}");
    }

    int tell() {
        progress_.clear();
        std::fprintf(stderr, "%s exported\n", counted(count_, "channel").c_str());
        return 0;
    }

    int write(const std::string& line) {
        out_ << line << '\n' << std::flush;
        if (out_) return 0;
        return complain("cannot write " + command_.file,
                        "Is the disk full? The export goes on when it is started again.");
    }

  private:
    int write_channel() {
        Value record;
        if (const int code =
                get_json(command_.url, channel_target(after_, "record") + "?form=changes", record);
            code != 0)
            return code;
        Value line(base::Object{});
        line.put("channel", Value(after_));
        for (const char* member : {"epoch", "seq", "hash", "changes"})
            if (const Value* value = record.find(member); value != nullptr)
                line.put(member, *value);
        if (const int code = add_texts(line); code != 0) return code;
        if (const int code = write(base::to_json(line)); code != 0) return code;
        progress_.show(counted(++count_, "channel") + ", " + after_);
        return 0;
    }

    // Each text whole, as an update.
    int add_texts(Value& line) {
        Value listed;
        if (const int code = get_json(command_.url, channel_target(after_, "texts"), listed);
            code != 0)
            return code;
        const Value* texts = listed.find("texts");
        if (texts == nullptr || !texts->is_array() || texts->as_array().empty()) return 0;
        base::Array whole;
        for (const Value& text : texts->as_array()) {
            const std::string name = text_of(text, "name");
            std::string update;
            if (const int code = get_bytes(
                    command_.url,
                    channel_target(after_, "text") + "?as=update&name=" + net::percent_encode(name),
                    update);
                code != 0)
                return code;
            Value one(base::Object{});
            one.put("name", Value(name));
            one.put("update", Value(base::to_base64(update)));
            whole.push_back(std::move(one));
        }
        line.put("texts", Value(std::move(whole)));
        return 0;
    }

    const ClientCommand& command_;
    std::ostream& out_;
    std::string after_;
    uint64_t count_;
    Progress progress_;
};

}  // namespace

int run_export(const ClientCommand& command) {
    const auto url = server_of(command.url);
    if (!url) return complain_of(command.url, url.error());
    net::SocketAddress address = url->address;
    if (address.host == "localhost") address.host = "127.0.0.1";
    const std::string server = net::to_text(address);
    std::error_code failure;
    const auto status = std::filesystem::status(command.file, failure);
    // A pipe or a device cannot hold an earlier one.
    const bool is_stdout = command.file == "-";
    const bool is_file = !is_stdout && (!std::filesystem::exists(status) ||
                                        std::filesystem::is_regular_file(status));
    Earlier earlier;
    if (is_file && !command.is_overwrite) earlier = look_at(command.file);
    if (const int code = judge(command, server, earlier); code != 0) return code;
    // What is written over stays until the new one is whole.
    const bool is_replaced =
        is_file && command.is_overwrite && std::filesystem::exists(command.file, failure);
    const std::string path = command.file + (is_replaced ? ".partial" : "");
    const bool is_continued = earlier.kind == Earlier::Kind::interrupted;
    std::ofstream file;
    if (!is_stdout) {
        const auto mode = is_continued ? std::ios::app : std::ios::trunc;
        if (!is_continued || truncate(path.c_str(), earlier.whole_bytes) == 0)
            file.open(path, std::ios::binary | mode);
        if (!file.is_open())
            return complain("cannot write " + path, "Check the path and its permissions.");
    }
    Exporter exporter(command, is_stdout ? std::cout : file, std::move(earlier));
    if (!is_continued)
        if (const int code = exporter.write(head_line(server, command.prefix)); code != 0)
            return code;
    if (const int code = exporter.run(); code != 0) return code;
    file.close();
    std::error_code stayed;
    if (is_replaced) std::filesystem::rename(path, command.file, stayed);
    if (stayed) return complain("cannot write " + command.file, "The export is in " + path + ".");
    return exporter.tell();
}

}  // namespace tandem::server
