// Replays a recorded editing session: text_trace < SESSION, which is {"patches": [[position,
// deleted, inserted]…], "end": "…"} with positions in UTF-16 units. Exit code 1, with what differs,
// unless author, follower and late comer all end with that text.

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "base/value.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"

namespace {

using tandem::base::Value;
using tandem::yjs::Buffer;
using tandem::yjs::Document;
using tandem::yjs::DocumentOptions;
using tandem::yjs::Encoding;
using tandem::yjs::TypeKind;

int differs(const char* what) {
    std::fprintf(stderr, "text_trace: %s\n", what);
    return 1;
}

DocumentOptions as(uint64_t client) {
    DocumentOptions options;
    options.client = client;
    return options;
}

}  // namespace

int main() {
    const std::string input(std::istreambuf_iterator<char>(std::cin), {});
    const auto session = tandem::base::parse_json(input, tandem::base::kLooseValueLimits);
    if (!session || session->find("patches") == nullptr || session->find("end") == nullptr)
        return differs("the session cannot be read");
    const std::string& end = session->find("end")->as_string();

    Document author(as(2'345'678'901));
    Document follower(as(2));
    const auto text = author.root("t", TypeKind::text);
    Buffer update;
    for (const Value& patch : session->find("patches")->as_array()) {
        const auto position = static_cast<uint32_t>(patch.as_array()[0].as_integer());
        const auto deleted = static_cast<uint32_t>(patch.as_array()[1].as_integer());
        const std::string& inserted = patch.as_array()[2].as_string();
        author.begin();
        if (deleted > 0 && !author.delete_text(text, position, deleted).ok())
            return differs("a deletion was refused");
        if (!inserted.empty() && !author.insert_text(text, position, inserted).ok())
            return differs("an insertion was refused");
        author.commit();
        update.clear();
        if (author.write_last_update(update) && !follower.apply(update.view()).ok())
            return differs("an update was refused");
    }
    Document late(as(3));
    if (!late.apply(author.encode({}, Encoding::v2), Encoding::v2).ok())
        return differs("the whole document was refused");
    for (Document* document : {&author, &follower, &late}) {
        if (text_of(document->store(), document->root("t", TypeKind::text)) != end)
            return differs("the text is another than the recorded one");
        if (document->encode() != author.encode()) return differs("the documents differ");
    }
    return 0;
}
