#include "yjs/json_edits.hpp"

#include <gtest/gtest.h>

#include <string>

#include "yjs/edit_faults.hpp"
#include "yjs/reading.hpp"

// Edits of programs that have no document, as JSON.
namespace tandem::yjs {
namespace {

using base::ErrorCode;

base::Value json(std::string_view text) {
    const auto value = base::parse_json(text, base::kLooseValueLimits);
    EXPECT_TRUE(value.ok()) << text;
    return value ? *value : base::Value();
}

/// A document, and edits to one root of it.
class Edits : public testing::Test {
  protected:
    base::Result<EditedPlace> edit(std::string_view text, const RootName& root = "r") {
        const base::Value edits = json(text);
        const TypeKind kind = kind_for_edits(edits);
        auto at = find_root(document, root, kind);
        if (!at) return at.error();
        const TypeKind shown = shown_kind(document.store(), *at);
        const std::string name(document.store().names().at(document.store().branch(*at).name));
        document.root(name, shown == TypeKind::unknown ? kind : shown);
        document.begin();
        auto done = apply_edits(document, *at, edits);
        document.commit();
        return done;
    }
    base::Error error(std::string_view text) {
        const auto done = edit(text);
        EXPECT_FALSE(done.ok()) << text;
        return done ? base::Error() : done.error();
    }
    std::string shown() {
        std::string out;
        append_json(document.store(), document.root("r"), out);
        return out;
    }
    std::string delta() {
        std::string out;
        append_delta(document.store(), document.root("r"), out);
        return out;
    }

    Document document{DocumentOptions{1, true, false}};
};

TEST_F(Edits, OfTexts) {
    ASSERT_TRUE(
        edit(R"([{"append":"hello"},{"append":{"text":"!","attributes":{"b":true}}}])").ok());
    ASSERT_TRUE(edit(R"([{"insert":{"index":0,"text":"> "}},{"delete":{"index":2,"length":1}},
                         {"format":{"index":2,"length":2,"attributes":{"em":{}}}}])")
                    .ok());
    EXPECT_EQ(delta(), R"([{"insert":"> "},{"insert":"el","attributes":{"em":{}}},{"insert":"lo"},)"
                       R"({"insert":"!","attributes":{"b":true}}])");
    const auto place =
        edit(R"([{"delta":[{"retain":2},{"insert":"x"},{"delete":3},{"insert":{"image":"a"}},
                           {"retain":1,"attributes":{"b":null}}]}])");
    ASSERT_TRUE(place.ok());
    EXPECT_EQ(place->position, 5u);
    EXPECT_EQ(delta(), R"([{"insert":"> x"},{"insert":{"image":"a"}},{"insert":"o"},)"
                       R"({"insert":"!","attributes":{"b":true}}])");
    ASSERT_TRUE(edit(R"([{"delta":{"delta":[{"insert":"0"}]}}])").ok());
    EXPECT_EQ(shown(), R"("0> xo!")");
}

TEST_F(Edits, OfTextsCountUtf16Units) {
    ASSERT_TRUE(edit(R"([{"append":"ä👋z"}])").ok());
    EXPECT_EQ(edit(R"([{"insert":{"index":3,"text":"👋"}}])")->position, 5u);
    EXPECT_EQ(shown(), R"("ä👋👋z")");
    EXPECT_EQ(error(R"([{"delete":{"index":6,"length":1}}])"),
              base::fail(ErrorCode::out_of_range, 6));
}

TEST_F(Edits, OfMapsAndListsAtAnyPath) {
    ASSERT_TRUE(edit(R"([{"set":{"key":"cards","shared":[{"note":"a","n":[1]},5]}},
                         {"set":{"key":"title","value":{"x":[1,null]}}},
                         {"set":{"key":"text","shared":"hey"}},
                         {"append":{"path":["text"],"text":"!"}},
                         {"insert":{"path":["cards"],"index":1,"values":[true,{"k":1}]}},
                         {"insert":{"path":["cards"],"index":0,"shared":["t",["u"],{}]}},
                         {"set":{"path":["cards",3],"key":"done","value":null}},
                         {"insert":{"path":["cards",3,"n"],"index":1,"values":[2]}}])")
                    .ok());
    EXPECT_EQ(shown(),
              R"({"cards":["t",["u"],{},{"n":[1,2],"note":"a","done":null},true,{"k":1},5],)"
              R"("title":{"x":[1,null]},"text":"hey!"})");
    // A string by itself becomes a text, one within a value stays one.
    ASSERT_TRUE(edit(R"([{"append":{"path":["cards",0],"text":"+"}}])").ok());
    EXPECT_EQ(error(R"([{"append":{"path":["cards",3,"note"],"text":"+"}}])"),
              base::fail(ErrorCode::not_found, 1));
    ASSERT_TRUE(
        edit(R"([{"delete":{"path":["cards"],"index":1,"length":6}},{"remove":{"key":"title"}},
                         {"remove":{"key":"none"}}])")
            .ok());
    EXPECT_EQ(shown(), R"({"cards":["t+"],"text":"hey!"})");
}

TEST_F(Edits, OfXml) {
    ASSERT_TRUE(edit(R"([{"insert":{"index":0,"xml":["",{"name":"p","attributes":{"a":"1"},
                          "children":["Hi",{"name":"img"}]}]}},
                         {"append":{"path":[1,0],"text":" you"}},
                         {"format":{"path":[1,0],"index":0,"length":2,"attributes":{"em":{}}}},
                         {"set":{"path":[1],"key":"z","value":"2"}},{"remove":{"path":[1],"key":"a"}}])")
                    .ok());
    std::string xml;
    append_xml(document.store(), document.root("r"), xml);
    EXPECT_EQ(xml, R"(<p z="2"><em>Hi</em> you<img></img></p>)");
    EXPECT_EQ(error(R"([{"insert":{"index":0,"values":[1]}}])").code, ErrorCode::wrong_type);
    EXPECT_EQ(error(R"([{"insert":{"index":3,"xml":["x"]}}])"),
              base::fail(ErrorCode::out_of_range, 2));
}

TEST_F(Edits, ToAnotherKindOfTypeOrToNoneAreRefused) {
    ASSERT_TRUE(edit(R"([{"set":{"key":"l","shared":[1]}}])").ok());
    for (const char* wrong :
         {R"([{"append":"x"}])", R"([{"insert":{"index":0,"values":[1]}}])", R"([{"delta":[]}])",
          R"([{"set":{"path":["l"],"key":"a","value":1}}])",
          R"([{"remove":{"path":["l"],"key":"a"}}])", R"([{"append":{"path":["l"],"text":"a"}}])",
          R"([{"insert":{"path":["l"],"index":0,"xml":["a"]}}])"})
        EXPECT_EQ(error(wrong), base::fail(ErrorCode::wrong_type, 1)) << wrong;
    for (const char* wrong :
         {R"([{"remove":{"path":["l",0],"key":"a"}}])",
          R"([{"remove":{"path":["l",7],"key":"a"}}])", R"([{"remove":{"path":[0],"key":"a"}}])",
          R"([{"remove":{"path":["l","l"],"key":"a"}}])"})
        EXPECT_EQ(error(wrong), base::fail(ErrorCode::not_found, 1)) << wrong;
    EXPECT_EQ(error(R"([{"insert":{"path":["l"],"index":2,"values":[]}}])"),
              base::fail(ErrorCode::out_of_range, 1));
}

TEST_F(Edits, WithAFaultOfFormDoNothing) {
    ASSERT_TRUE(edit(R"([{"append":"a"}])").ok());
    EXPECT_EQ(error(R"([{"append":"b"},{"append":5}])"),
              base::fail(ErrorCode::invalid_argument, 2));
    EXPECT_EQ(error(R"({"append":"b"})"), base::fail(ErrorCode::invalid_argument, 0));
    EXPECT_EQ(shown(), R"("a")");
}

TEST(RootNames, AnEmptyOneIsAName) {
    Document document;
    EXPECT_EQ(find_root(document, std::nullopt, TypeKind::text).error().code, ErrorCode::not_found);
    EXPECT_EQ(find_root(document, "", TypeKind::unknown).error().code, ErrorCode::not_found);
    const auto unnamed = find_root(document, "", TypeKind::text);
    ASSERT_TRUE(unnamed.ok());
    EXPECT_EQ(*find_root(document, std::nullopt, TypeKind::text), *unnamed);
    const auto named = find_root(document, "t", TypeKind::text);
    ASSERT_TRUE(named.ok());
    EXPECT_NE(*named, *unnamed);
    EXPECT_EQ(*find_root(document, "", TypeKind::unknown), *unnamed);
    EXPECT_EQ(find_root(document, std::nullopt, TypeKind::text).error().code, ErrorCode::not_found)
        << "it is one of two";
}

TEST(RootKinds, AreWhatTheFirstEditWouldNeed) {
    EXPECT_EQ(kind_for_edits(json(R"([{"append":"a"}])")), TypeKind::text);
    EXPECT_EQ(kind_for_edits(json(R"([{"insert":{"index":0,"text":"a"}}])")), TypeKind::text);
    EXPECT_EQ(kind_for_edits(json(R"([{"insert":{"index":0,"values":[]}}])")), TypeKind::array);
    EXPECT_EQ(kind_for_edits(json(R"([{"insert":{"index":0,"shared":[]}}])")), TypeKind::array);
    EXPECT_EQ(kind_for_edits(json(R"([{"insert":{"index":0,"xml":[]}}])")), TypeKind::xml_fragment);
    EXPECT_EQ(
        kind_for_edits(json(R"([{"append":{"path":["a"],"text":"x"}},{"remove":{"key":"a"}}])")),
        TypeKind::map);
    EXPECT_EQ(kind_for_edits(json("5")), TypeKind::text);
}

TEST(EditFaults, NameTheMemberThatIsMissingOrWrong) {
    const auto what = [](std::string_view edit) {
        const auto fault = fault_of_edits(json("[{\"append\":\"\"}," + std::string(edit) + "]"));
        EXPECT_TRUE(fault && fault->edit == 2) << edit;
        return fault ? fault->what : "";
    };
    const auto has = [&](std::string_view edit, std::string_view words) {
        const std::string told = what(edit);
        EXPECT_NE(told.find(words), std::string::npos) << edit << ": " << told;
    };
    has("5", "no object");
    has("{}", "empty");
    has(R"({"append":"a","delete":{}})", "several members");
    has(R"({"prepend":"a"})", "no edit `prepend`");
    has(R"({"append":5})", "no object");
    has(R"({"append":{"attributes":{}}})", "needs `text`");
    has(R"({"append":{"text":"a","color":1}})", "takes no `color`");
    has(R"({"insert":{"index":0}})", "one of `text`, `values`, `shared` or `xml`");
    has(R"({"insert":{"index":0,"text":"a","values":[]}})", "not two");
    has(R"({"insert":{"text":"a"}})", "needs `index`");
    has(R"({"insert":{"index":-1,"text":"a"}})",
        "`index` of insert of text must be a whole number");
    has(R"({"insert":{"index":1.5,"text":"a"}})", "`index`");
    has(R"({"insert":{"index":4294967296,"text":"a"}})", "`index`");
    has(R"({"insert":{"index":0,"values":[],"attributes":{}}})", "takes no `attributes`");
    has(R"({"insert":{"index":0,"values":{}}})", "`values` of insert of values must be an array");
    has(R"({"insert":{"index":0,"shared":[{},5]}})", "plain values are inserted with `values`");
    has(R"({"insert":{"index":0,"xml":[5]}})", "no string and no object");
    has(R"({"insert":{"index":0,"xml":[{"name":""}]}})", "empty `name`");
    has(R"({"insert":{"index":0,"xml":[{"name":"p","children":[{}]}]}})", "needs `name`");
    has(R"({"insert":{"index":0,"xml":[{"name":"p","children":{}}]}})", "`children`");
    has(R"({"delete":{"index":0}})", "needs `length`");
    has(R"({"delete":{"index":0,"length":"1"}})", "`length` of delete");
    has(R"({"format":{"index":0,"length":1}})", "needs `attributes`");
    has(R"({"format":{"index":0,"length":1,"attributes":[]}})",
        "`attributes` of format must be an object");
    has(R"({"delta":5})", "no object");
    has(R"({"delta":{"path":[]}})", "needs `delta`");
    has(R"({"delta":[5]})", "a step of delta is no object");
    has(R"({"delta":[{}]})", "one of `insert`, `delete` or `retain`");
    has(R"({"delta":[{"delete":1,"attributes":{}}]})", "takes no `attributes`");
    has(R"({"delta":[{"retain":-1}]})", "`retain`");
    has(R"({"set":{"key":"a"}})", "one of `value` or `shared`");
    has(R"({"set":{"value":1}})", "needs `key`");
    has(R"({"set":{"key":5,"value":1}})", "`key` of set must be a string");
    has(R"({"set":{"key":"a","shared":5}})",
        "`shared` of set must be an object, an array or a string");
    has(R"({"remove":{"path":"a","key":"b"}})", "`path` of remove");
    has(R"({"remove":{"path":[-1],"key":"b"}})", "`path` of remove");
    const std::string deep = std::string(64, '[') + std::string(64, ']');
    EXPECT_EQ(fault_of_edits(json(R"([{"set":{"key":"a","shared":)" + deep + "}}]")), std::nullopt);
    has(R"({"set":{"key":"a","shared":[)" + deep + "]}}", "deeper than 64");
    EXPECT_EQ(fault_of_edits(json("5"))->edit, 0u);
    EXPECT_EQ(fault_of_edits(json("[]")), std::nullopt);
}

}  // namespace
}  // namespace tandem::yjs
