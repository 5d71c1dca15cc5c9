#include <algorithm>
#include <map>

#include "oracle/oracle.hpp"

// text3 of docs/merge.md, section 2.1, by the gaps and tokens of the base.
namespace tandem::oracle {

namespace {

using Words = std::vector<std::string>;

// The code points of a text, and for each whether it is a space (0), part of a word (1), or alone.
Words words_of(const std::string& text) {
    Words out;
    int before = 2;
    for (size_t i = 0; i < text.size();) {
        size_t length = 1;
        while (i + length < text.size() && (static_cast<unsigned char>(text[i + length]) >> 6) == 2)
            ++length;
        const std::string point = text.substr(i, length);
        i += length;
        int kind = 2;
        if (point.find_first_of(" \t\r\n") == 0) {
            kind = 0;
        } else if (length == 1) {
            const char c = point[0];
            const bool digit = '0' <= c && c <= '9';
            const bool letter = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
            kind = digit || letter || c == '_' ? 1 : 2;
        } else {
            // Bytes of UTF-8 sort as code points do.
            kind = point < "\u2e80" ? 1 : 2;
        }
        if (kind == 2 || kind != before) out.emplace_back();
        out.back() += point;
        before = kind;
    }
    return out;
}

// Of one text against the base: the base's words that it keeps, and what it says before each word
// (and at the end).
struct Reading {
    std::vector<bool> keeps;
    Words before;
};

Reading read_against(const Words& base, const Words& text) {
    Reading out{std::vector<bool>(base.size(), true), Words(base.size() + 1)};
    size_t from = 0;
    size_t base_to = base.size();
    size_t text_to = text.size();
    while (from < base_to && from < text_to && base[from] == text[from])
        ++from;
    while (base_to > from && text_to > from && base[base_to - 1] == text[text_to - 1]) {
        --base_to;
        --text_to;
    }
    const size_t n = base_to - from;
    const size_t m = text_to - from;
    if (n * m > 65536) {
        std::fill_n(out.keeps.begin() + static_cast<int64_t>(from), n, false);
        for (size_t j = from; j < text_to; ++j)
            out.before[from] += text[j];
        return out;
    }
    std::map<std::pair<size_t, size_t>, size_t> common;  // of what follows i and j; absent: 0
    const auto at = [&](size_t i, size_t j) {
        const auto found = common.find({i, j});
        return found == common.end() ? size_t{0} : found->second;
    };
    for (size_t i = base_to; i-- > from;) {
        for (size_t j = text_to; j-- > from;) {
            common[{i, j}] =
                base[i] == text[j] ? 1 + at(i + 1, j + 1) : std::max(at(i + 1, j), at(i, j + 1));
        }
    }
    size_t i = from;
    size_t j = from;
    size_t gap = from;  // where the run of differences began
    while (i < base_to || j < text_to) {
        if (i < base_to && j < text_to && base[i] == text[j]) {
            ++i;
            ++j;
            gap = i;
        } else if (j == text_to || (i < base_to && at(i + 1, j) >= at(i, j + 1))) {
            out.keeps[i++] = false;
        } else {
            out.before[gap] += text[j++];
        }
    }
    return out;
}

}  // namespace

std::pair<std::string, std::set<size_t>> merge_texts(const std::string& base_text,
                                                     const std::vector<std::string>& texts,
                                                     const std::vector<size_t>& order) {
    const Words base = words_of(base_text);
    std::vector<Reading> readings;
    for (const std::string& text : texts)
        readings.push_back(read_against(base, words_of(text)));
    // A word is tied to the next one where some text drops both in one go.
    std::vector<bool> tied(base.size() + 1, false);
    std::vector<bool> dropped(base.size() + 1, false);
    for (const Reading& reading : readings) {
        for (size_t i = 0; i < base.size(); ++i) {
            if (reading.keeps[i]) continue;
            dropped[i] = true;
            const bool goes_on = i + 1 < base.size() && !reading.keeps[i + 1];
            // What is said before a kept word alone begins a run; inside a run nothing is.
            if (goes_on) tied[i] = true;
        }
    }
    std::string out;
    std::set<size_t> lost;
    for (size_t i = 0; i <= base.size();) {
        // Insertions: what is said before a word that its author keeps.
        std::set<std::string> said;
        for (const Reading& reading : readings) {
            const bool is_insertion = i == base.size() || reading.keeps[i];
            if (!is_insertion || reading.before[i].empty()) continue;
            if (said.insert(reading.before[i]).second) out += reading.before[i];
        }
        if (i == base.size()) break;
        if (!dropped[i]) {
            out += base[i++];
            continue;
        }
        size_t end = i + 1;
        while (tied[end - 1])
            ++end;
        std::string taken;
        bool has_taken = false;
        std::map<size_t, std::string> said_here;
        for (const size_t version : order) {
            const Reading& reading = readings[version];
            std::string text;
            bool differs = false;
            for (size_t k = i; k < end; ++k) {
                const bool counts = k > i || !reading.keeps[k];
                if (counts && !reading.before[k].empty()) {
                    text += reading.before[k];
                    differs = true;
                }
                if (reading.keeps[k]) {
                    text += base[k];
                } else {
                    differs = true;
                }
            }
            if (!differs) continue;
            if (!has_taken) taken = text;
            has_taken = true;
            said_here[version] = text;
        }
        for (const auto& [version, text] : said_here) {
            if (text != taken) lost.insert(version);
        }
        out += taken;
        i = end;
    }
    return {out, lost};
}

}  // namespace tandem::oracle
