#include "server/text_command.hpp"

#include <cstdio>
#include <optional>
#include <string_view>

#include "base/errors.hpp"
#include "base/value.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"
#include "yjs/updates.hpp"

namespace tandem::server {

namespace {

yjs::Encoding encoding_named(const std::string& name) {
    return name == "v2" ? yjs::Encoding::v2 : yjs::Encoding::v1;
}

// A device may never end.
std::optional<std::string> read_input(const std::string& name, uint64_t bytes_max) {
    const auto complain = [](const std::string& what) {
        std::fprintf(stderr, "tandem: %s\n", what.c_str());
        return std::nullopt;
    };
    const bool is_standard = name == "-";
    std::FILE* file = is_standard ? stdin : std::fopen(name.c_str(), "rb");
    if (file == nullptr) return complain("cannot read " + name);
    std::string bytes;
    char block[65536];
    for (size_t count;
         bytes.size() <= bytes_max && (count = std::fread(block, 1, sizeof(block), file)) > 0;)
        bytes.append(block, count);
    // A folder can be opened, and not read.
    const bool has_failed = std::ferror(file) != 0;
    if (!is_standard) std::fclose(file);
    if (has_failed) return complain("cannot read " + name);
    if (bytes.size() > bytes_max)
        return complain((is_standard ? "the standard input" : name) + " is larger than " +
                        std::to_string(bytes_max) +
                        " bytes, which is more than a text may be; --max-bytes takes more");
    return bytes;
}

std::optional<std::vector<std::string>> read_all(const TextCommand& command) {
    std::vector<std::string> contents;
    for (const std::string& name : command.files) {
        std::optional<std::string> bytes = read_input(name, command.file_bytes_max);
        if (!bytes) return std::nullopt;
        contents.push_back(*std::move(bytes));
    }
    return contents;
}

int refuse(const std::string& file, const std::string& encoding, base::Error error) {
    std::fprintf(stderr, "tandem: %s is not a Yjs update of encoding %s: %s (%s)\n", file.c_str(),
                 encoding.c_str(), std::string(base::error_message(error.code)).c_str(),
                 std::string(base::error_name(error.code)).c_str());
    if (encoding == "v1") std::fputs("tandem: if it is of encoding v2, say --from v2\n", stderr);
    return 1;
}

int write(std::string_view bytes) {
    const bool is_whole = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
                          std::fflush(stdout) == 0;
    if (!is_whole) std::fputs("tandem: cannot write the result\n", stderr);
    return is_whole ? 0 : 1;
}

// The result, in the encoding that was asked for.
int write_as(const TextCommand& command, const std::string& update) {
    if (command.to.empty() || command.to == command.from) return write(update);
    auto converted =
        yjs::convert_update(update, encoding_named(command.from), encoding_named(command.to));
    if (!converted) return refuse("the result", command.from, converted.error());
    return write(*converted);
}

// Of one file the update that it holds, written anew; of several what they hold together.
base::Result<std::string> merge(const std::vector<std::string>& contents, yjs::Encoding encoding) {
    if (contents.size() == 1) return yjs::convert_update(contents[0], encoding, encoding);
    const std::vector<std::string_view> views(contents.begin(), contents.end());
    return yjs::merge_updates(views, encoding);
}

// The first file that does not decode, and why; functions of several files do not tell which it
// was.
int refuse_one_of(const TextCommand& command, const std::vector<std::string>& contents) {
    for (size_t i = 0; i < contents.size(); ++i) {
        auto decoded = yjs::convert_update(contents[i], encoding_named(command.from),
                                           encoding_named(command.from));
        if (!decoded) return refuse(command.files[i], command.from, decoded.error());
    }
    return 1;
}

std::optional<yjs::TypeKind> kind_named(std::string_view name) {
    if (name == "array") return yjs::TypeKind::array;
    if (name == "map") return yjs::TypeKind::map;
    if (name == "text") return yjs::TypeKind::text;
    if (name == "xml") return yjs::TypeKind::xml_fragment;
    return std::nullopt;
}

}  // namespace

int run_text_merge(const TextCommand& command) {
    const auto contents = read_all(command);
    if (!contents) return 1;
    auto merged = merge(*contents, encoding_named(command.from));
    if (!merged) return refuse_one_of(command, *contents);
    return write_as(command, *merged);
}

int run_text_diff(const TextCommand& command) {
    const auto contents = read_all(command);
    const auto since = read_input(command.since, command.file_bytes_max);
    if (!contents || !since) return 1;
    const yjs::Encoding encoding = encoding_named(command.from);
    // An update is longer than a state vector and does not decode as one, and the reverse.
    auto vector = yjs::state_vector_of_update(*since, encoding);
    if (!vector || !yjs::convert_update(*since, encoding, encoding)) {
        vector = yjs::decode_state_vector(*since);
        if (!vector || yjs::encode_state_vector(*vector).size() != since->size()) {
            std::fprintf(stderr, "tandem: %s is neither a state vector nor an update\n",
                         command.since.c_str());
            return 1;
        }
    }
    auto beyond = yjs::diff_update((*contents)[0], *vector, encoding);
    if (!beyond) return refuse(command.files[0], command.from, beyond.error());
    return write_as(command, *beyond);
}

int run_text_state_vector(const TextCommand& command) {
    const auto contents = read_all(command);
    if (!contents) return 1;
    const yjs::Encoding encoding = encoding_named(command.from);
    auto merged = merge(*contents, encoding);
    if (!merged) return refuse_one_of(command, *contents);
    auto vector = yjs::state_vector_of_update(*merged, encoding);
    if (!vector) return refuse(command.files[0], command.from, vector.error());
    return write(yjs::encode_state_vector(*vector));
}

int run_text_convert(const TextCommand& command) {
    const auto contents = read_all(command);
    if (!contents) return 1;
    const std::string to = !command.to.empty() ? command.to : command.from == "v1" ? "v2" : "v1";
    auto converted =
        yjs::convert_update((*contents)[0], encoding_named(command.from), encoding_named(to));
    if (!converted) return refuse(command.files[0], command.from, converted.error());
    return write(*converted);
}

int run_text_json(const TextCommand& command) {
    const auto contents = read_all(command);
    if (!contents) return 1;
    yjs::Document document;
    for (size_t i = 0; i < contents->size(); ++i) {
        if (auto applied = document.apply((*contents)[i], encoding_named(command.from)); !applied)
            return refuse(command.files[i], command.from, applied.error());
    }
    for (const std::string& root : command.roots) {
        const size_t colon = root.rfind(':');
        const auto kind =
            colon == std::string::npos ? std::nullopt : kind_named(root.substr(colon + 1));
        if (!kind) {
            std::fprintf(stderr, "tandem: --root %s: give NAME:KIND with text, array, map or xml\n",
                         root.c_str());
            return 2;
        }
        document.root(root.substr(0, colon), *kind);
    }
    const yjs::Store& store = document.store();
    std::string json = "{";
    for (yjs::BranchIndex root : store.roots()) {
        if (json.size() > 1) json += ',';
        base::append_json_string(json, store.names().at(store.branch(root).name));
        json += ':';
        const yjs::TypeKind kind = yjs::shown_kind(store, root);
        yjs::append_json(store, root, json,
                         kind == yjs::TypeKind::unknown ? yjs::TypeKind::map : kind);
    }
    json += "}\n";
    if (document.has_pending())
        std::fputs("tandem: a part depends on updates that are not among the files\n", stderr);
    return write(json);
}

}  // namespace tandem::server
