// Texts by the C++ SDK, as the tests run it: sdk_text_behaviour URL CHANNEL WHAT. What is wrong is
// told by its line, and the exit code is 1.

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

#include "tandem/text.hpp"

namespace {

using namespace std::chrono_literals;
using tandem::Object;
using tandem::Value;

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            std::printf("line %d: %s does not hold\n", __LINE__, #condition); \
            return 1;                                                         \
        }                                                                     \
    } while (false)

tandem::Client open(const char* url) {
    auto client = tandem::Client::open({.url = url, .own_thread = true});
    if (!client) std::exit(3);
    return std::move(*client);
}

template <class Holds>
bool until(const Holds& holds) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

// Edits of two are in both, with deltas, errors and the other among the editors.
int two(const char* url, const char* name) {
    tandem::Client adas = open(url);
    tandem::Client graces = open(url);
    tandem::Channel a = adas.channel(name);
    tandem::Channel g = graces.channel(name);
    tandem::Text ada = tandem::Text::open(a);
    tandem::Text grace = tandem::Text::open(g);
    std::mutex mutex;
    std::string heard;
    const auto changes = grace.on_change([&](const tandem::TextChange& change) {
        const std::lock_guard lock(mutex);
        heard += change.root + (change.own ? " own " : " ") + change.delta.to_json() + '\n';
    });
    CHECK(ada.wait_ready(10s) && grace.wait_ready(10s));
    CHECK(!ada.text().operator bool());
    ada.set_author({"Ada", "#30bced"});
    CHECK(ada.insert(0, "hello", {}, "t"));
    CHECK(ada.append(" world", Object{{"bold", true}}, "t"));
    CHECK(ada.format(0, 5, Object{{"em", true}}, "t"));
    CHECK(until([&] {
        const auto text = grace.text("t");
        return text && *text == "hello world";
    }));
    CHECK(until([&] { return grace.delta("t")->to_json() == ada.delta("t")->to_json(); }));
    CHECK(grace.erase(0, 6, "t"));
    CHECK(grace.edit(Value::Array{Object{{"set", Object{{"key", "k"}, {"value", 1}}}}}, "m"));
    CHECK(until([&] { return ada.json().to_json() == R"({"m":{"k":1},"t":"world"})"; }));
    CHECK(ada.wait_saved(10s) && grace.wait_saved(10s));
    CHECK(until([&] { return grace.others().size() == 1; }));
    CHECK(grace.others()[0].find("user")->to_json() == R"({"color":"#30bced","name":"Ada"})");
    ada.leave();
    CHECK(until([&] { return grace.others().empty(); }));
    // All or nothing.
    const auto failed =
        ada.edit(Value::Array{Object{{"append", "x"}},
                              Object{{"delete", Object{{"index", 9}, {"length", 1}}}}},
                 "t");
    CHECK(!failed && failed.error().code() == "out_of_range");
    CHECK(*ada.text("t") == "world");
    CHECK(ada.erase(0, 99, "t").error().code() == "out_of_range");
    CHECK(ada.text("none").operator bool() && ada.xml("m").error().code() == "wrong_type");
    const std::lock_guard lock(mutex);
    CHECK(heard.find("t [{\"insert\":\"hello\"}]") == 0);
    CHECK(heard.find("t own [{\"delete\":6}") != std::string::npos);
    return 0;
}

// Types while the server comes and goes; prints the text at the end.
int type_along(const char* url, const char* name) {
    tandem::Client client = open(url);
    tandem::Channel channel = client.channel(name);
    tandem::Text text = tandem::Text::open(channel);
    CHECK(text.wait_ready(10s));
    for (int i = 0; i < 300; ++i) {
        CHECK(text.append(std::to_string(i) + ' ', {}, "t"));
        std::this_thread::sleep_for(5ms);
    }
    CHECK(text.wait_saved(30s));
    std::fputs(text.text("t")->c_str(), stderr);
    return 0;
}

// What the waits of a text end with, by a token that the environment has.
int refused(const char* url, const char* name) {
    const char* token = std::getenv("TANDEM_TOKEN");
    tandem::ClientOptions options{.url = url};
    if (token != nullptr && *token != '\0') options.token = [token] { return std::string(token); };
    auto client = tandem::Client::open(std::move(options));
    CHECK(client);
    tandem::Channel channel = client->channel(name);
    tandem::Text text = tandem::Text::open(channel);
    const auto ready = text.wait_ready(15s);
    CHECK(ready || (!ready.error().message().empty() && !ready.error().hint().empty()));
    CHECK(text.append("x", {}, "t"));
    const auto saved = text.wait_saved(15s);
    std::fprintf(stderr, "%s %s\n", ready ? "ready" : ready.error().code().c_str(),
                 saved ? "saved" : saved.error().code().c_str());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const std::string what = argv[3];
    if (what == "two") return two(argv[1], argv[2]);
    if (what == "type") return type_along(argv[1], argv[2]);
    if (what == "refused") return refused(argv[1], argv[2]);
    return 2;
}
