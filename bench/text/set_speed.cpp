// What the sets of operations of text_sets.py cost the documents of src/yjs:
// tandem_text_sets SETS.json FOLDER
// Prints one JSON object: of each set the times in milliseconds. What is compared with Yjs, all
// updates and then the state of everyone who got them, goes into FOLDER/NAME.

#include <algorithm>
#include <cstdio>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/value.hpp"
#include "text/measuring.hpp"
#include "yjs/any.hpp"
#include "yjs/document.hpp"

namespace {

using tandem::base::Value;
using tandem::bench_text::ms_of;
using tandem::bench_text::must;
using tandem::bench_text::write_file;
using tandem::yjs::Buffer;
using tandem::yjs::Document;
using tandem::yjs::DocumentOptions;
using tandem::yjs::TypeKind;

constexpr uint64_t kFirstClient = 2'345'678'901;
constexpr int kRuns = 5;
constexpr int kRepeats = 20;

double median(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

struct Op {
    enum class What { insert_text, delete_text, insert_values, set };

    What what;
    uint32_t user;
    uint32_t position = 0;
    uint32_t count = 0;
    std::string key;
    /// The text, or the values as the format has them.
    std::string body;
};

struct Set {
    std::string name;
    uint32_t users;
    /// Whether everyone has every update at once, or when all is written.
    bool is_live;
    std::vector<Op> ops;
};

Op read_op(const tandem::base::Array& fields) {
    const std::string& what = fields[1].as_string();
    Op op{Op::What::set, static_cast<uint32_t>(fields[0].as_integer()), 0, 0, {}, {}};
    if (what == "set") {
        op.key = fields[2].as_string();
        Buffer any;
        must(tandem::yjs::append_any_of_json(to_json(fields[3]), any));
        op.body = any.view();
        return op;
    }
    op.position = static_cast<uint32_t>(fields[2].as_integer());
    if (what == "insert_text") {
        op.what = Op::What::insert_text;
        op.body = fields[3].as_string();
    } else if (what == "delete_text") {
        op.what = Op::What::delete_text;
        op.count = static_cast<uint32_t>(fields[3].as_integer());
    } else {
        op.what = Op::What::insert_values;
        Buffer any;
        for (const Value& value : fields[3].as_array())
            must(tandem::yjs::append_any_of_json(to_json(value), any));
        op.body = any.view();
    }
    return op;
}

std::vector<Set> read_sets(const char* file) {
    const Value json = tandem::bench_text::read_json_array(file);
    std::vector<Set> sets;
    for (const Value& one : json.as_array()) {
        Set set{one.find("name")->as_string(),
                static_cast<uint32_t>(one.find("users")->as_integer()),
                one.find("live")->as_bool(),
                {}};
        for (const Value& op : one.find("ops")->as_array())
            set.ops.push_back(read_op(op.as_array()));
        sets.push_back(std::move(set));
    }
    return sets;
}

void edit(Document& document, const Op& op) {
    document.begin();
    switch (op.what) {
        case Op::What::insert_text:
            must(document.insert_text(document.root("text", TypeKind::text), op.position, op.body));
            break;
        case Op::What::delete_text:
            must(
                document.delete_text(document.root("text", TypeKind::text), op.position, op.count));
            break;
        case Op::What::insert_values:
            must(document.insert_values(document.root("array", TypeKind::array), op.position,
                                        op.body));
            break;
        case Op::What::set:
            document.set_value(document.root("map", TypeKind::map), op.key, op.body);
            break;
    }
    document.commit();
}

/// Those who get what the others write: with two users both, with more the first.
uint32_t readers_of(const Set& set) { return set.users == 2 ? 2 : 1; }

void live(const Set& set, std::deque<Document>& documents, std::vector<std::string>& updates) {
    Buffer buffer;
    for (const Op& op : set.ops) {
        edit(documents[op.user], op);
        buffer.clear();
        documents[op.user].write_last_update(buffer);
        updates.emplace_back(buffer.view());
        if (set.is_live) must(documents[1 - op.user].apply(updates.back()));
    }
    if (set.is_live) return;
    for (uint32_t reader = 0; reader < readers_of(set); ++reader) {
        for (size_t i = 0; i < updates.size(); ++i)
            if (set.ops[i].user != reader) must(documents[reader].apply(updates[i]));
    }
}

Value measure(const Set& set, const std::string& folder) {
    std::vector<double> times;
    std::string state;
    std::string compared;
    for (int run = 0; run < kRuns; ++run) {
        std::deque<Document> documents;
        for (uint32_t user = 0; user < set.users; ++user) {
            DocumentOptions options;
            options.client = kFirstClient + user;
            documents.emplace_back(options);
        }
        std::vector<std::string> updates;
        updates.reserve(set.ops.size());
        times.push_back(ms_of([&] { live(set, documents, updates); }));
        if (run > 0) continue;
        for (const std::string& update : updates)
            compared += update;
        for (uint32_t reader = 0; reader < readers_of(set); ++reader)
            compared += documents[reader].encode();
        state = documents[0].encode();
    }
    write_file(folder + "/" + set.name, compared);

    DocumentOptions options;
    options.client = 3;
    std::vector<double> loads;
    std::vector<double> encodes;
    for (int i = 0; i < kRepeats; ++i) {
        Document loaded(options);
        loads.push_back(ms_of([&] { must(loaded.apply(state)); }));
        encodes.push_back(ms_of([&] {
            if (loaded.encode().size() != state.size())
                tandem::bench_text::die("the encoding differs");
        }));
    }
    Value report(tandem::base::Object{});
    report.put("time_ms", Value(median(times)));
    report.put("load_ms", Value(median(loads)));
    report.put("encode_ms", Value(median(encodes)));
    report.put("bytes", Value(static_cast<double>(state.size())));
    return report;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) tandem::bench_text::die("usage: tandem_text_sets SETS.json FOLDER");
    Value report(tandem::base::Object{});
    for (const Set& set : read_sets(argv[1]))
        report.put(set.name, measure(set, argv[2]));
    std::printf("%s\n", tandem::base::to_json(report).c_str());
    return 0;
}
