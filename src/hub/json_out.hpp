#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hub/channel.hpp"
#include "port/store.hpp"
#include "record/document.hpp"

namespace tandem::hub {

/// JSON texts of the HTTP API and of the JSON codec; each appends one object.
void append_entry_json(std::string& out, const record::Entry& entry);
void append_entry_json(std::string& out, const port::StoredEntry& entry);
void append_row_json(std::string& out, const record::Row& row, const record::Document& document);
void append_stamp_json(std::string& out, const clock::Stamp& stamp);

using ChannelMap = std::map<std::string, std::unique_ptr<Channel>, std::less<>>;
std::string channels_json(const port::Listed& listed, const ChannelMap& loaded);

}  // namespace tandem::hub
