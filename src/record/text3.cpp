#include "record/text3.hpp"

#include <algorithm>
#include <cstdint>

namespace tandem::record {

namespace {

using Tokens = std::vector<std::string_view>;

constexpr size_t kTableCellsMax = 65'536;

/// Tokens [begin, end) of the base become `text`.
struct Edit {
    size_t begin = 0;
    size_t end = 0;
    std::string text;

    bool is_insertion() const { return begin == end; }
};

/// Tokens [begin, end) of the base, where replacements overlap.
struct Region {
    size_t begin = 0;
    size_t end = 0;
};

enum class CharClass : uint8_t { space, word, single };

struct Character {
    CharClass kind = CharClass::single;
    size_t bytes = 1;
};

// The text is valid UTF-8. From U+2E80 on, scripts write no spaces between words.
Character character_at(std::string_view text, size_t at) {
    auto lead = static_cast<unsigned char>(text[at]);
    if (lead == ' ' || lead == '\t' || lead == '\n' || lead == '\r') return {CharClass::space, 1};
    if (lead < 0x80) {
        bool is_word = (lead >= '0' && lead <= '9') || (lead >= 'A' && lead <= 'Z') ||
                       (lead >= 'a' && lead <= 'z') || lead == '_';
        return {is_word ? CharClass::word : CharClass::single, 1};
    }
    size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    bytes = std::min(bytes, text.size() - at);
    // E2 BA 80 is U+2E80.
    bool is_late = text.substr(at, bytes) >= std::string_view("\xe2\xba\x80", 3);
    return {is_late ? CharClass::single : CharClass::word, bytes};
}

Tokens tokens_of(std::string_view text) {
    Tokens out;
    size_t begin = 0;
    while (begin < text.size()) {
        Character first = character_at(text, begin);
        size_t end = begin + first.bytes;
        while (first.kind != CharClass::single && end < text.size()) {
            Character next = character_at(text, end);
            if (next.kind != first.kind) break;
            end += next.bytes;
        }
        out.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    return out;
}

// Lengths of longest common subsequences of suffixes, row by row.
class Table {
  public:
    Table(const Tokens& base, const Tokens& text, size_t skip, size_t rows, size_t columns)
        : width_(columns + 1), cells_((rows + 1) * (columns + 1), 0) {
        for (size_t i = rows; i-- > 0;) {
            for (size_t j = columns; j-- > 0;) {
                bool is_match = base[skip + i] == text[skip + j];
                at(i, j) = is_match ? static_cast<uint16_t>(at(i + 1, j + 1) + 1)
                                    : std::max(at(i + 1, j), at(i, j + 1));
            }
        }
    }
    uint16_t& at(size_t row, size_t column) { return cells_[row * width_ + column]; }

  private:
    size_t width_;
    std::vector<uint16_t> cells_;
};

std::vector<Edit> edits_of(const Tokens& base, const Tokens& text) {
    size_t skip = 0;
    while (skip < base.size() && skip < text.size() && base[skip] == text[skip])
        ++skip;
    size_t rows = base.size() - skip;
    size_t columns = text.size() - skip;
    while (rows > 0 && columns > 0 && base[skip + rows - 1] == text[skip + columns - 1]) {
        --rows;
        --columns;
    }
    std::vector<Edit> edits;
    if (rows == 0 && columns == 0) return edits;
    if (rows == 0 || columns == 0 || rows > kTableCellsMax / columns) {
        Edit whole{skip, skip + rows, {}};
        for (size_t j = 0; j < columns; ++j)
            whole.text += text[skip + j];
        edits.push_back(std::move(whole));
        return edits;
    }
    Table table(base, text, skip, rows, columns);
    size_t i = 0;
    size_t j = 0;
    bool is_open = false;
    while (i < rows || j < columns) {
        if (i < rows && j < columns && base[skip + i] == text[skip + j]) {
            ++i;
            ++j;
            is_open = false;
            continue;
        }
        if (!is_open) edits.push_back({skip + i, skip + i, {}});
        is_open = true;
        bool removes = j == columns || (i < rows && table.at(i + 1, j) >= table.at(i, j + 1));
        if (removes) {
            edits.back().end = skip + ++i;
        } else {
            edits.back().text += text[skip + j++];
        }
    }
    return edits;
}

std::vector<Region> regions_of(const std::vector<std::vector<Edit>>& all) {
    std::vector<Region> ranges;
    for (const auto& edits : all) {
        for (const Edit& edit : edits) {
            if (!edit.is_insertion()) ranges.push_back({edit.begin, edit.end});
        }
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const Region& a, const Region& b) { return a.begin < b.begin; });
    std::vector<Region> out;
    for (const Region& range : ranges) {
        if (!out.empty() && range.begin < out.back().end) {
            out.back().end = std::max(out.back().end, range.end);
        } else {
            out.push_back(range);
        }
    }
    return out;
}

bool is_inside(const Edit& edit, const Region& region) {
    if (edit.is_insertion()) return region.begin < edit.begin && edit.begin < region.end;
    return region.begin <= edit.begin && edit.end <= region.end;
}

class Merger {
  public:
    Merger(std::string_view base, const std::vector<Text3Version>& versions)
        : base_(tokens_of(base)), versions_(versions) {
        for (const Text3Version& version : versions)
            edits_.push_back(edits_of(base_, tokens_of(version.text)));
        regions_ = regions_of(edits_);
        out_.lost.resize(versions.size());
    }

    Text3Merge run() {
        auto region = regions_.begin();
        for (size_t at = 0; at <= base_.size();) {
            insert_at(at);
            if (region != regions_.end() && region->begin == at) {
                replace(*region);
                at = region->end;
                ++region;
                continue;
            }
            if (at < base_.size()) out_.text += base_[at];
            ++at;
        }
        return std::move(out_);
    }

  private:
    // Whoever says the same at the same place says it once. No region has `at` inside.
    void insert_at(size_t at) {
        std::vector<std::string_view> said;
        for (const auto& edits : edits_) {
            for (const Edit& edit : edits) {
                if (!edit.is_insertion() || edit.begin != at) continue;
                if (std::find(said.begin(), said.end(), edit.text) != said.end()) continue;
                said.push_back(edit.text);
                out_.text += edit.text;
            }
        }
    }

    void replace(const Region& region) {
        struct Reading {
            size_t version;
            std::string text;
        };
        std::vector<Reading> readings;
        for (size_t i = 0; i < versions_.size(); ++i) {
            std::string text;
            size_t at = region.begin;
            bool is_changed = false;
            for (const Edit& edit : edits_[i]) {
                if (!is_inside(edit, region)) continue;
                is_changed = true;
                append_base(text, at, edit.begin);
                text += edit.text;
                at = edit.end;
            }
            if (!is_changed) continue;
            append_base(text, at, region.end);
            readings.push_back({i, std::move(text)});
        }
        auto best = std::max_element(
            readings.begin(), readings.end(), [this](const Reading& a, const Reading& b) {
                return versions_[a.version].rank < versions_[b.version].rank;
            });
        for (const Reading& reading : readings) {
            if (reading.text != best->text) out_.lost[reading.version] = true;
        }
        out_.text += best->text;
    }

    void append_base(std::string& text, size_t begin, size_t end) const {
        for (size_t i = begin; i < end; ++i)
            text += base_[i];
    }

    Tokens base_;
    const std::vector<Text3Version>& versions_;
    std::vector<std::vector<Edit>> edits_;
    std::vector<Region> regions_;
    Text3Merge out_;
};

}  // namespace

Text3Merge merge_texts(std::string_view base, const std::vector<Text3Version>& versions) {
    return Merger(base, versions).run();
}

}  // namespace tandem::record
