// An agent that types along: whoever writes "/words" in a text gets the number of its words in that
// place, from an author whom every editor shows among the others, with a cursor.
//
//   agent URL CHANNEL [ROOT]      such as: agent http://127.0.0.1:8080 text:my-room codemirror

#include <cstdio>
#include <sstream>
#include <string>

#include "tandem/text.hpp"

namespace {

constexpr std::string_view kCommand = "/words";

int fail(const tandem::Error& error) {
    std::fprintf(stderr, "%s (%s)\n%s\n", error.message().c_str(), error.code().c_str(),
                 error.hint().c_str());
    return 1;
}

// Positions in a text are in UTF-16 units.
uint32_t utf16_length(std::string_view utf8) {
    uint32_t units = 0;
    for (const char byte : utf8) {
        const auto bits = static_cast<unsigned char>(byte);
        if ((bits & 0xC0) != 0x80) units += bits >= 0xF0 ? 2 : 1;
    }
    return units;
}

size_t count_words(const std::string& text) {
    std::istringstream in(text);
    std::string word;
    size_t count = 0;
    while (in >> word)
        count += word == kCommand ? 0 : 1;
    return count;
}

void answer(tandem::Text& text, const std::string& root) {
    const auto shown = text.text(root);
    if (!shown) return;
    const size_t at = shown->find(kCommand);
    if (at == std::string::npos) return;
    const auto index = static_cast<int64_t>(utf16_length(shown->substr(0, at)));
    const auto length = static_cast<int64_t>(kCommand.size());
    // Both in one edit, so that nobody sees the half of it.
    const auto done = text.edit(
        tandem::Value::Array{
            tandem::Object{{"delete", tandem::Object{{"index", index}, {"length", length}}}},
            tandem::Object{
                {"insert",
                 tandem::Object{{"index", index}, {"text", std::to_string(count_words(*shown))}}}}},
        root);
    if (!done) fail(done.error());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: agent URL CHANNEL [ROOT]\n", stderr);
        return 2;
    }
    const std::string root = argc > 3 ? argv[3] : "";
    auto client = tandem::Client::open({.url = argv[1], .name = "agent"});
    if (!client) return fail(client.error());
    tandem::Channel channel = client->channel(argv[2]);
    tandem::Text text = tandem::Text::open(channel);
    text.set_author({"Counter", "#30bced"});
    const auto refused = text.on_refused([](const tandem::Error& error) { fail(error); });
    const auto changes = text.on_change([&](const tandem::TextChange& change) {
        if (!change.own) answer(text, root);
    });
    if (auto ready = text.wait_ready(std::chrono::seconds(10)); !ready) return fail(ready.error());
    std::puts("ready");
    std::fflush(stdout);
    answer(text, root);
    client->run();
}
