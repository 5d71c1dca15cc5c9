// What a trace of edits costs the documents of src/yjs:
// tandem_text_bench TRACE.json FOLDER
// TRACE.json is [[position, deleted, inserted]...], positions in UTF-16 units. Prints one JSON
// object: times in milliseconds, memory in bytes. What is compared with Yjs goes into FOLDER.

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/value.hpp"
#include "text/measuring.hpp"
#include "yjs/document.hpp"

namespace {

using tandem::base::Value;
using tandem::bench_text::ms_of;
using tandem::bench_text::must;
using tandem::bench_text::write_file;
using tandem::yjs::Buffer;
using tandem::yjs::Document;
using tandem::yjs::DocumentOptions;
using tandem::yjs::Encoding;
using tandem::yjs::TypeKind;

constexpr size_t kSmallUpdates = 18'335;
constexpr int kRepeats = 20;
constexpr size_t kSmallDocuments = 1'000;
constexpr size_t kSmallEdits = 32;
// As large as the random ids of editors.
constexpr uint64_t kAuthor = 2'345'678'901;

struct Patch {
    uint32_t position;
    uint32_t deleted;
    std::string inserted;
};

uint64_t heap_bytes() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

std::vector<Patch> read_trace(const char* file) {
    const Value json = tandem::bench_text::read_json_array(file);
    std::vector<Patch> patches;
    for (const Value& patch : json.as_array())
        patches.push_back({static_cast<uint32_t>(patch.as_array()[0].as_integer()),
                           static_cast<uint32_t>(patch.as_array()[1].as_integer()),
                           patch.as_array()[2].as_string()});
    return patches;
}

Document new_document(uint64_t client) {
    DocumentOptions options;
    options.client = client;
    return Document(options);
}

std::string edit(Document& document, const Patch& patch, Buffer& buffer) {
    const auto text = document.root("text", TypeKind::text);
    document.begin();
    if (patch.deleted > 0) must(document.delete_text(text, patch.position, patch.deleted));
    if (!patch.inserted.empty()) must(document.insert_text(text, patch.position, patch.inserted));
    document.commit();
    buffer.clear();
    if (!document.write_last_update(buffer)) return {};
    return std::string(buffer.view());
}

std::string small_update() {
    Document document = new_document(kAuthor);
    Buffer buffer;
    for (size_t i = 0; i < kSmallEdits; ++i)
        edit(document,
             {static_cast<uint32_t>(i * 16), 0, std::string(32, static_cast<char>('a' + i % 26))},
             buffer);
    return document.encode();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) tandem::bench_text::die("usage: tandem_text_bench TRACE.json FOLDER");
    const std::vector<Patch> patches = read_trace(argv[1]);
    const std::string folder = argv[2];
    Value report(tandem::base::Object{});
    const auto put = [&](const char* key, double value) { report.put(key, Value(value)); };

    Document author = new_document(kAuthor);
    std::vector<std::string> updates;
    updates.reserve(patches.size());
    put("edits_ms", ms_of([&] {
            Buffer buffer;
            for (const Patch& patch : patches)
                updates.push_back(edit(author, patch, buffer));
        }));
    const std::string v1 = author.encode();
    const std::string v2 = author.encode({}, Encoding::v2);

    Document remote = new_document(2);
    put("remote_ms", ms_of([&] {
            for (const std::string& update : updates)
                if (!update.empty()) must(remote.apply(update));
        }));
    if (remote.encode() != v1) tandem::bench_text::die("the remote document differs");

    const auto repeat = [&](const std::string& key, const std::function<void()>& work) {
        std::vector<double> times;
        for (int i = 0; i < kRepeats; ++i)
            times.push_back(ms_of(work));
        report.put(key + "_ms", Value(times[0]));
        std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
        report.put(key + "_warm_ms", Value(times[kRepeats / 2]));
    };
    const auto columns = author.to_columnar();
    must(columns);
    put("snapshot_bytes", static_cast<double>(columns->size()));
    repeat("snapshot_load", [&] {
        Document document = new_document(3);
        must(document.load_columnar(*columns));
    });
    {
        Document document = new_document(3);
        must(document.load_columnar(*columns));
        if (document.encode() != v1)
            tandem::bench_text::die("the document that was at rest differs");
    }
    repeat("snapshot_encode", [&] { must(author.to_columnar()); });
    repeat("load_v1", [&] {
        Document document = new_document(3);
        must(document.apply(v1));
    });
    repeat("load_v2", [&] {
        Document document = new_document(3);
        must(document.apply(v2, Encoding::v2));
    });
    {
        const uint64_t before = heap_bytes();
        Document document = new_document(3);
        must(document.apply(v1));
        put("memory_bytes", static_cast<double>(heap_bytes() - before));
        repeat("encode_v1", [&] {
            if (document.encode().size() != v1.size())
                tandem::bench_text::die("the encoding differs");
        });
        repeat("encode_v2", [&] {
            if (document.encode({}, Encoding::v2).size() != v2.size())
                tandem::bench_text::die("the encoding differs");
        });
    }

    // Compaction of a log of small updates, as the server does it.
    std::string merged;
    const size_t small = std::min(kSmallUpdates, updates.size());
    put("merge_ms", ms_of([&] {
            Document document = new_document(3);
            for (size_t i = 0; i < small; ++i)
                if (!updates[i].empty()) must(document.apply(updates[i]));
            merged = document.encode();
        }));
    std::vector<std::string_view> views(updates.begin(),
                                        updates.begin() + static_cast<ptrdiff_t>(small));
    std::erase(views, std::string_view());
    put("merge_updates_ms", ms_of([&] { must(tandem::yjs::merge_updates(views)); }));

    const std::string kilobyte = small_update();
    std::deque<Document> documents;
    const uint64_t before = heap_bytes();
    for (size_t i = 0; i < kSmallDocuments; ++i) {
        DocumentOptions options;
        options.client = 3;
        must(documents.emplace_back(options).apply(kilobyte));
    }
    put("small_memory_bytes",
        static_cast<double>(heap_bytes() - before) / static_cast<double>(kSmallDocuments));

    std::string all;
    for (const std::string& update : updates)
        all += update;
    write_file(folder + "/updates", all);
    write_file(folder + "/v1", v1);
    write_file(folder + "/v2", v2);
    write_file(folder + "/merged", merged);
    write_file(folder + "/kilobyte", kilobyte);
    put("v1_bytes", static_cast<double>(v1.size()));
    put("v2_bytes", static_cast<double>(v2.size()));
    std::printf("%s\n", tandem::base::to_json(report).c_str());
    return 0;
}
