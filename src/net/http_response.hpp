#pragma once

#include <string>
#include <string_view>

#include "net/http_types.hpp"

namespace tandem::net {

[[nodiscard]] std::string_view reason_phrase(int status);

enum class HttpBodyKind : uint8_t {
    kWhole,       // Content-Length and the body.
    kHeadOnly,    // Content-Length of the body, but not the body: the answer to HEAD.
    kChunked,     // The head of a stream; the body is sent chunk by chunk.
    kUntilClose,  // The same for HTTP/1.0: the body ends with the connection.
};

struct HttpWireOptions {
    HttpBodyKind body_kind = HttpBodyKind::kWhole;
    bool is_keep_alive = true;
    std::string_view date;  // IMF-fixdate, left out when empty.
};

// Appends the response as it goes on the wire. Fields whose name is no token or whose value
// holds a line end are left out: they could only come from an attempt to split the response.
void append_response(std::string& out, const HttpResponse& response, HttpWireOptions options);

// One chunk of a chunked body; nothing for empty data, which would end the body.
void append_chunk(std::string& out, std::string_view data);
// What stands before and behind the data of a chunk, which is not empty.
[[nodiscard]] std::string chunk_head(size_t bytes);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

[[nodiscard]] HttpResponse make_response(int status, std::string_view content_type,
                                         std::string_view body);
// A plain text answer that names the status.
[[nodiscard]] HttpResponse make_status_response(int status);

}  // namespace tandem::net
