#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/value.hpp"
#include "net/http_client.hpp"
#include "net/url.hpp"

namespace tandem::server {

/// Prints `tandem: what` and a hint to stderr; returns exit code 1.
int complain(std::string_view what, std::string_view hint);
/// Says that a server did not answer, or that its address is none (exit code 2).
int complain_of(const std::string& server, base::Error error);
/// Prints the error that a response or frame carries.
int complain_of(const base::Value& error);

/// A bare host:port is good enough for people, and is asked in plain text.
[[nodiscard]] base::Result<net::Url> server_of(const std::string& text);

/// The JSON of a server's answer, or, with everything said to stderr, the exit code of what went
/// wrong; 0: `out` is set.
int call(const std::string& server, net::HttpClientRequest request, base::Value& out);

/// The same for an answer that is no JSON.
int get_bytes(const std::string& server, const std::string& target, std::string& out);

/// `/api/v1/channels/CH/what`.
std::string channel_target(const std::string& channel, std::string_view what);

/// Gives a state a name and says so; `what` is the state of what. The exit code.
int send_version(const std::string& url, const std::string& target, const std::string& name,
                 std::optional<uint64_t> at, std::string_view what, bool is_json);
/// The state that a restore goes back to: of a seq, or a named one; of a record maybe of a part.
struct Restored {
    std::optional<uint64_t> at;
    std::string version;
    std::string path;
};
/// Asks for a restore and prints what became of it. The exit code.
int send_restore(const std::string& url, const std::string& target, const Restored& state,
                 bool is_json);

/// The JSON of a file, with everything that is wrong said to stderr; 0: `out` is set.
int read_json_file(const std::string& file, base::Value& out);

}  // namespace tandem::server
