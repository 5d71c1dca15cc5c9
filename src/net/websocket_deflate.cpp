#include "net/websocket_deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "base/assert.hpp"

namespace tandem::net {

namespace {

// Level 3 is where zlib stops being cheap: see the decision record for what each level gives.
constexpr int kLevel = 3;
constexpr int kMemoryLevel = 8;
// What a sync flush ends with. It is not sent (RFC 7692, section 7.2.1).
constexpr std::string_view kFlushTail{"\0\0\xFF\xFF", 4};
constexpr size_t kPieceBytes = 16 * 1024;
// The scratch of a compressor is given back above this size.
constexpr size_t kScratchBytesKept = 256 * 1024;

struct Param {
    std::string_view name;
    std::string value;
    bool has_value = false;
};

struct Offer {
    std::string_view name;
    std::vector<Param> params;
};

class OfferReader {
  public:
    explicit OfferReader(std::string_view text) : text_(text) {}

    // False when the text breaks the grammar.
    [[nodiscard]] bool read(std::vector<Offer>& out) {
        for (;;) {
            skip_blanks();
            // A list may have empty items (RFC 9110, section 5.6.1).
            if (at_ == text_.size()) return true;
            if (take(',')) continue;
            Offer offer;
            if (!read_offer(offer)) return false;
            out.push_back(std::move(offer));
            skip_blanks();
            if (at_ != text_.size() && !take(',')) return false;
        }
    }

  private:
    [[nodiscard]] bool read_offer(Offer& offer) {
        if (!read_token(offer.name)) return false;
        for (skip_blanks(); take(';'); skip_blanks()) {
            Param param;
            skip_blanks();
            if (!read_token(param.name)) return false;
            skip_blanks();
            if (take('=')) {
                skip_blanks();
                param.has_value = true;
                if (!read_value(param.value)) return false;
            }
            offer.params.push_back(std::move(param));
        }
        return true;
    }

    [[nodiscard]] bool read_value(std::string& value) {
        if (!take('"')) {
            std::string_view token;
            const bool is_read = read_token(token);
            value = token;
            return is_read;
        }
        while (at_ != text_.size() && text_[at_] != '"') {
            if (text_[at_] == '\\' && ++at_ == text_.size()) return false;
            value.push_back(text_[at_++]);
        }
        // What is in the quotes has to be a token.
        return take('"') && is_token(value);
    }

    [[nodiscard]] bool read_token(std::string_view& token) {
        const size_t begin = at_;
        while (at_ != text_.size() && is_token(text_.substr(at_, 1)))
            ++at_;
        token = text_.substr(begin, at_ - begin);
        return !token.empty();
    }

    [[nodiscard]] bool take(char c) {
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    void skip_blanks() {
        while (at_ != text_.size() && (text_[at_] == ' ' || text_[at_] == '\t'))
            ++at_;
    }

    std::string_view text_;
    size_t at_ = 0;
};

// 8 to 15 in decimal without leading zeros; 0 for anything else.
uint8_t window_bits_of(std::string_view value) {
    if (value.size() == 1 && value[0] >= '8' && value[0] <= '9')
        return static_cast<uint8_t>(value[0] - '0');
    if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5')
        return static_cast<uint8_t>(10 + value[1] - '0');
    return 0;
}

// Nothing is agreed where a parameter is unknown, stands twice or has no such value.
WsDeflateAnswer answer_to(const Offer& offer) {
    WsDeflateAnswer answer{kWsWindowBitsMax, false};
    std::vector<std::string_view> seen;
    for (const Param& param : offer.params) {
        if (std::find(seen.begin(), seen.end(), param.name) != seen.end()) return {};
        seen.push_back(param.name);
        const uint8_t bits = window_bits_of(param.value);
        if (param.name == "server_no_context_takeover" ||
            param.name == "client_no_context_takeover") {
            if (param.has_value) return {};
        } else if (param.name == "client_max_window_bits") {
            // Any window of the client's is read with the largest of ours.
            if (param.has_value && bits == 0) return {};
        } else if (param.name == "server_max_window_bits") {
            // zlib has no raw deflate with 8 bits: it would use 9, which the client cannot read.
            if (bits < 9) return {};
            answer = {bits, true};
        } else {
            return {};
        }
    }
    return answer;
}

}  // namespace

std::optional<WsDeflateAnswer> choose_deflate(const HttpHeaders& headers) {
    std::vector<Offer> offers;
    for (const auto& [name, value] : headers.all())
        if (equals_ignoring_case(name, "sec-websocket-extensions") &&
            !OfferReader(value).read(offers))
            return std::nullopt;
    for (const Offer& offer : offers) {
        if (offer.name != "permessage-deflate") continue;
        if (const WsDeflateAnswer answer = answer_to(offer); answer.is_agreed()) return answer;
    }
    return WsDeflateAnswer{};
}

std::string deflate_answer_value(const WsDeflateAnswer& answer) {
    std::string out = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    if (answer.names_window)
        out += "; server_max_window_bits=" + std::to_string(answer.window_bits);
    return out;
}

struct WsDeflater::Stream {
    z_stream z{};
    uint8_t window_bits = 0;  // 0: not made yet.
};

WsDeflater::WsDeflater() : stream_(std::make_unique<Stream>()) {}

WsDeflater::~WsDeflater() {
    if (stream_->window_bits != 0) deflateEnd(&stream_->z);
}

WsDeflater& WsDeflater::of_this_thread() {
    static thread_local WsDeflater deflater;
    return deflater;
}

std::optional<std::string_view> WsDeflater::deflate(std::string_view message, uint8_t window_bits) {
    // zlib counts in 32 bits.
    if (message.size() > std::numeric_limits<int32_t>::max()) return std::nullopt;
    z_stream& z = stream_->z;
    if (stream_->window_bits == window_bits) {
        deflateReset(&z);
    } else {
        if (stream_->window_bits != 0) deflateEnd(&z);
        stream_->window_bits = 0;
        z = {};
        if (deflateInit2(&z, kLevel, Z_DEFLATED, -static_cast<int>(window_bits), kMemoryLevel,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            return std::nullopt;
        stream_->window_bits = window_bits;
    }
    if (out_.capacity() > kScratchBytesKept) std::string().swap(out_);
    // Room for less than the message: what does not fit is sent as it is.
    out_.resize(message.size() + kFlushTail.size());
    z.next_in = reinterpret_cast<z_const Bytef*>(const_cast<char*>(message.data()));
    z.avail_in = static_cast<uInt>(message.size());
    z.next_out = reinterpret_cast<Bytef*>(out_.data());
    z.avail_out = static_cast<uInt>(out_.size());
    // A flush that has used up its room may have more to say.
    if (::deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_in != 0 || z.avail_out == 0)
        return std::nullopt;
    const std::string_view whole(out_.data(), out_.size() - z.avail_out);
    TANDEM_ASSERT(whole.ends_with(kFlushTail));
    const size_t size = whole.size() - kFlushTail.size();
    if (size >= message.size()) return std::nullopt;
    return whole.substr(0, size);
}

struct WsInflater::Stream {
    z_stream z{};
    bool has_ended = false;  // The last block said that it was the last.
    std::array<char, kPieceBytes> piece{};
};

WsInflater::WsInflater() : stream_(std::make_unique<Stream>()) {
    // The largest window reads what was made with any.
    TANDEM_ASSERT(inflateInit2(&stream_->z, -static_cast<int>(kWsWindowBitsMax)) == Z_OK);
}

WsInflater::~WsInflater() { inflateEnd(&stream_->z); }

WsInflater& WsInflater::of_this_thread() {
    static thread_local WsInflater inflater;
    return inflater;
}

WsInflateResult WsInflater::run(std::string_view piece, size_t bytes_max, Utf8Validator* utf8,
                                std::string& out) {
    z_stream& z = stream_->z;
    z.next_in = reinterpret_cast<z_const Bytef*>(const_cast<char*>(piece.data()));
    z.avail_in = static_cast<uInt>(piece.size());
    for (;;) {
        // After a block that says it is the last, another stream may follow (RFC 7692, 7.2.3.4).
        if (stream_->has_ended) {
            if (z.avail_in == 0) return WsInflateResult::kDone;
            inflateReset(&z);
            stream_->has_ended = false;
        }
        z.next_out = reinterpret_cast<Bytef*>(stream_->piece.data());
        z.avail_out = static_cast<uInt>(kPieceBytes);
        const int result = ::inflate(&z, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return WsInflateResult::kInvalidData;
        const size_t made = kPieceBytes - z.avail_out;
        if (made > bytes_max - out.size()) return WsInflateResult::kTooBig;
        if (utf8 != nullptr && !utf8->feed(stream_->piece.data(), made))
            return WsInflateResult::kInvalidText;
        out.append(stream_->piece.data(), made);
        if (result == Z_STREAM_END) {
            stream_->has_ended = true;
            continue;
        }
        if (z.avail_in == 0 && z.avail_out != 0) return WsInflateResult::kDone;
    }
}

WsInflateResult WsInflater::inflate(std::string_view payload, size_t bytes_max, Utf8Validator* utf8,
                                    std::string& out) {
    if (payload.size() > std::numeric_limits<int32_t>::max()) return WsInflateResult::kTooBig;
    // Not what the RFC has for an empty message, which is a byte of 0, but clear enough.
    if (payload.empty()) return WsInflateResult::kDone;
    inflateReset(&stream_->z);
    stream_->has_ended = false;
    if (const auto result = run(payload, bytes_max, utf8, out); result != WsInflateResult::kDone)
        return result;
    // Some end their last stream and leave it at that: what follows it is then the tail alone.
    if (!stream_->has_ended) {
        if (const auto result = run(kFlushTail, bytes_max, utf8, out);
            result != WsInflateResult::kDone)
            return result;
        // The tail must end a block that stands on a byte's boundary, or the message was cut.
        constexpr int kIsBetweenBlocks = 128;
        constexpr int kUnusedBits = 63;
        if ((stream_->z.data_type & kIsBetweenBlocks) == 0 ||
            (stream_->z.data_type & kUnusedBits) != 0)
            return WsInflateResult::kInvalidData;
    }
    if (utf8 != nullptr && !utf8->is_complete()) return WsInflateResult::kInvalidText;
    return WsInflateResult::kDone;
}

}  // namespace tandem::net
