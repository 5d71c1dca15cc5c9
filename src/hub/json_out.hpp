#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/requests.hpp"
#include "hub/text.hpp"
#include "port/store.hpp"
#include "record/document.hpp"

namespace tandem::hub {

/// JSON texts of the HTTP API and of the JSON codec; each appends one object.
void append_entry_json(std::string& out, const record::Entry& entry);
/// Adds to an entry's JSON which text it wrote to, and how long the update is.
void append_text_json(std::string& entry, const TextWrite& text);
void append_entry_json(std::string& out, const port::StoredEntry& entry);
/// With the ops only that concern what is selected.
void append_entry_json(std::string& out, record::Entry entry, const record::Selection& select);
void append_entry_json(std::string& out, const port::StoredEntry& entry,
                       const record::Selection& select);
void append_row_json(std::string& out, const record::Row& row, const record::Document& document);
void append_stamp_json(std::string& out, const clock::Stamp& stamp);

/// The whole answers to ListChannels and ListConnections.
enum class Rest : uint8_t { none, more };
std::string channels_json(const std::vector<ChannelRow>& rows, Rest rest);
std::string connections_json(const std::vector<ConnectionRow>& rows);

}  // namespace tandem::hub
