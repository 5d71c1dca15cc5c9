// The library of Yjs documents as a program of somebody else uses it: from where it was installed,
// in C++ and by its C interface. It prints the same text from both.

#include <cstdio>
#include <string>

#include "tandem/yjs.h"
#include "yjs/document.hpp"
#include "yjs/json_edits.hpp"
#include "yjs/reading.hpp"
#include "yjs/undo_manager.hpp"

using namespace tandem;

int main() {
    yjs::Document document(yjs::DocumentOptions{1, true, false});
    const yjs::BranchIndex text = document.root("main", yjs::TypeKind::text);
    document.begin();
    const base::Status typed = document.insert_text(text, 0, "hello");
    document.commit();
    if (!typed.ok()) return 1;
    const std::string update = document.encode();

    const tandem_yjs_options options = {sizeof(options), 2, 0, 0};
    tandem_yjs_doc* copy = tandem_yjs_doc_new(&options);
    if (tandem_yjs_apply(copy, {update.data(), update.size()}, TANDEM_YJS_V1, 0) != 0) return 1;
    tandem_yjs_bytes json;
    const tandem_yjs_type same = tandem_yjs_root(copy, {"main", 4}, TANDEM_YJS_TEXT);
    if (tandem_yjs_json(copy, same, &json) != 0) return 1;
    std::printf("%s %s\n", yjs::text_of(document.store(), text).c_str(), json.data);
    tandem_yjs_free(json);
    tandem_yjs_doc_free(copy);
    return 0;
}
