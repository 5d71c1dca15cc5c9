#include "gateway/post_batch.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "net/http_parser.hpp"

namespace tandem::gateway {

using base::ErrorCode;

namespace {

constexpr size_t kMessagesPerPost = 16;
// Field 1 of a Batch, with a length: a frame.
constexpr uint64_t kFrameTag = 1 << 3 | 2;

}  // namespace

size_t batch_bytes_max(hub::Codec codec, size_t message_bytes_max) {
    if (codec == hub::Codec::json) return message_bytes_max;
    return std::max(message_bytes_max,
                    std::min(kMessagesPerPost * message_bytes_max, net::kHttpBodyBytesMaxDefault));
}

base::Result<std::vector<std::string_view>> cut_batch(std::string_view body, hub::Codec codec,
                                                      size_t message_bytes_max) {
    if (body.empty()) return ErrorCode::malformed;
    if (const size_t most = batch_bytes_max(codec, message_bytes_max); body.size() > most)
        return base::fail(ErrorCode::too_large, most);
    if (body.size() <= message_bytes_max) return std::vector<std::string_view>{body};
    std::vector<std::string_view> messages;
    base::Reader reader(body);
    size_t begin = 0;
    size_t end = 0;
    while (!reader.at_end()) {
        TANDEM_TRY(const uint64_t tag, reader.varint());
        if (tag != kFrameTag) return ErrorCode::malformed;
        TANDEM_CHECK(reader.sized(message_bytes_max));
        if (reader.offset() - end > message_bytes_max)
            return base::fail(ErrorCode::too_large, message_bytes_max);
        if (reader.offset() - begin > message_bytes_max) {
            messages.push_back(body.substr(begin, end - begin));
            begin = end;
        }
        end = reader.offset();
    }
    messages.push_back(body.substr(begin));
    return messages;
}

}  // namespace tandem::gateway
