#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "yjs/any.hpp"
#include "yjs/document.hpp"

/// What the tests of documents have in common.
namespace tandem::yjs::testing_parts {

inline std::string any_of(std::string_view json) {
    Buffer out;
    EXPECT_TRUE(append_any_of_json(json, out).ok());
    return out.str();
}

/// A new shared type; the name is that of an XML element.
inline Content type_of(TypeKind kind, std::string_view name = {}) {
    Content content;
    content.kind = Kind::type;
    content.type = kind;
    content.name = name;
    content.len = 1;
    return content;
}

/// A document of client 1 with the text `t`.
class TextTest : public testing::Test {
  protected:
    explicit TextTest(bool collects) : document_(DocumentOptions{1, collects, false}) {
        text_ = document_.root("t", TypeKind::text);
    }
    template <class Edit>
    void change(Edit&& edit) {
        document_.begin();
        EXPECT_TRUE(edit().ok());
        document_.commit();
    }
    void type(uint32_t position, std::string_view text) {
        change([&] { return document_.insert_text(text_, position, text); });
    }
    void erase(uint32_t position, uint32_t len) {
        change([&] { return document_.delete_text(text_, position, len); });
    }

    Document document_;
    BranchIndex text_ = 0;
};

}  // namespace tandem::yjs::testing_parts
