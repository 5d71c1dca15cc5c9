#include "polling_object.hpp"

#include <array>
#include <charconv>

#include "link.hpp"

namespace tandem::bench {
namespace {

constexpr size_t kRegisterWidth = 32;
constexpr size_t kCounterWidth = 8;
constexpr size_t kTokensWidth = 80;

/// Where each field begins in a card, and how long a card is.
struct Layout {
    std::array<size_t, kFields> at{};
    size_t card_bytes = 0;
    Layout() {
        size_t offset = std::string_view("{\"description\":\"\"").size() + kDescriptionBytes;
        for (size_t field = 0; field < kFields; ++field) {
            offset +=
                std::string_view(",\"\":\"").size() + std::string_view(kFieldNames[field]).size();
            at[field] = offset;
            offset += PollingObject::width(field) + 1;
        }
        card_bytes = offset + std::string_view("},").size();
    }
};

const Layout& layout() {
    static const Layout instance;
    return instance;
}

}  // namespace

size_t PollingObject::width(size_t field) {
    if (is_register(field)) return kRegisterWidth;
    return field == kVotes ? kCounterWidth : kTokensWidth;
}

size_t PollingObject::offset(const Cell& cell) {
    return 1 + cell.card * layout().card_bytes + layout().at[cell.field];
}

std::string PollingObject::initial(const Workload& workload, size_t record) {
    std::string out = "[";
    for (size_t card = 0; card < workload.cards; ++card) {
        out += "{\"description\":\"" + description_of(record, card) + "\"";
        for (size_t field = 0; field < kFields; ++field) {
            out += std::string(",\"") + kFieldNames[field] + "\":\"";
            std::string text = is_register(field) ? "as it was at the beginning" : "";
            text.resize(width(field), ' ');
            out += text + "\"";
        }
        out += card + 1 < workload.cards ? "}," : "}]";
    }
    return out;
}

std::string_view PollingObject::read(std::string_view body, const Cell& cell) {
    const std::string_view padded = body.substr(offset(cell), width(cell.field));
    return padded.substr(0, padded.find_last_not_of(' ') + 1);
}

void PollingObject::write(std::string& body, const Cell& cell, std::string_view text) {
    const size_t room = width(cell.field);
    if (text.size() > room) die("a cell of the polling baseline is full");
    body.replace(offset(cell), room, std::string(text) + std::string(room - text.size(), ' '));
}

int64_t PollingObject::counter(std::string_view body, const Cell& cell) {
    const std::string_view text = read(body, cell);
    int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

void PollingObject::apply(std::string& body, const Cell& cell, size_t id) {
    if (is_register(cell.field)) return write(body, cell, text_of(id));
    if (cell.field == kVotes) return write(body, cell, std::to_string(counter(body, cell) + 1));
    std::string tokens(read(body, cell));
    if (!tokens.empty()) tokens += ' ';
    write(body, cell, tokens + "e" + std::to_string(id));
}

}  // namespace tandem::bench
