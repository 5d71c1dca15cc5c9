#include "hooks/hook.hpp"

#include <algorithm>

namespace tandem::hooks {

std::string_view name_of(Stream stream) {
    switch (stream) {
        case Stream::changes:
            return "changes";
        case Stream::conflicts:
            return "conflicts";
        case Stream::presence:
            return "presence";
    }
    return {};
}

bool matches(std::string_view pattern, std::string_view text) {
    size_t p = 0;
    size_t t = 0;
    size_t star = std::string_view::npos;
    size_t resumed = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resumed = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resumed;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

bool HookPolicy::wants(Stream stream) const {
    return std::find(streams.begin(), streams.end(), stream) != streams.end();
}

bool HookPolicy::covers(std::string_view channel) const {
    return std::any_of(channels.begin(), channels.end(),
                       [&](const std::string& pattern) { return matches(pattern, channel); });
}

// A line for each stream with its patterns, which hold no blanks.
std::string HookPolicy::scope() const {
    std::string out;
    for (const Stream stream : streams) {
        out += name_of(stream);
        for (const std::string& pattern : channels)
            out += ' ' + pattern;
        out += '\n';
    }
    return out;
}

bool scope_covers(std::string_view scope, Stream stream, std::string_view channel) {
    while (!scope.empty()) {
        std::string_view line = scope.substr(0, scope.find('\n'));
        scope.remove_prefix(std::min(scope.size(), line.size() + 1));
        bool is_first = true;
        bool is_wanted = false;
        while (!line.empty()) {
            const std::string_view word = line.substr(0, line.find(' '));
            line.remove_prefix(std::min(line.size(), word.size() + 1));
            if (is_first)
                is_wanted = word == name_of(stream);
            else if (is_wanted && matches(word, channel))
                return true;
            is_first = false;
        }
    }
    return false;
}

}  // namespace tandem::hooks
