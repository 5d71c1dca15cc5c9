#include "net/http_parser.hpp"

#include <llhttp.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace tandem::net {

namespace {

// Empty lines before a request line are tolerated up to here: some clients send one after a body.
constexpr size_t kLeadingBlankBytesMax = 4;

std::optional<HttpMethod> known_method(std::string_view name) {
    for (const HttpMethod method :
         {HttpMethod::kGet, HttpMethod::kHead, HttpMethod::kPost, HttpMethod::kPut,
          HttpMethod::kPatch, HttpMethod::kDelete, HttpMethod::kOptions}) {
        if (method_name(method) == name) return method;
    }
    return std::nullopt;
}

}  // namespace

struct HttpParser::Machine {
    explicit Machine(HttpParserLimits given) : limits(given) {}

    HttpParserLimits limits;
    HttpParserState state = HttpParserState::kHead;
    int error_status = 0;
    bool is_continue_expected = false;
    bool has_headers_complete = false;
    bool is_message_complete = false;
    size_t blank_bytes = 0;
    std::string head;
    std::string field;
    std::string value;
    HttpRequest request;
    llhttp_t parser{};

    void fail(int status) {
        // The first reason stands: what follows from it is noise.
        if (state == HttpParserState::kFailed) return;
        state = HttpParserState::kFailed;
        error_status = status;
    }

    size_t feed(std::string_view data);
    size_t feed_head(std::string_view data);
    size_t feed_body(std::string_view data);
    // Raw checks of a byte of the head; false when the request was refused.
    bool accept_head_byte(char c);
    void parse_head();
    bool check_request_line();
    bool check_headers();
    bool run(std::string_view data, size_t& used);

    static const llhttp_settings_t& settings();
    static Machine& self(llhttp_t* parser) { return *static_cast<Machine*>(parser->data); }
};

const llhttp_settings_t& HttpParser::Machine::settings() {
    static const llhttp_settings_t instance = [] {
        llhttp_settings_t s;
        llhttp_settings_init(&s);
        s.on_header_field = [](llhttp_t* p, const char* at, size_t size) -> int {
            Machine& m = self(p);
            if (m.has_headers_complete) {
                m.fail(400);  // A trailer.
                return -1;
            }
            m.field.append(at, size);
            return 0;
        };
        s.on_header_value = [](llhttp_t* p, const char* at, size_t size) -> int {
            self(p).value.append(at, size);
            return 0;
        };
        s.on_header_value_complete = [](llhttp_t* p) -> int {
            Machine& m = self(p);
            if (!is_token(m.field)) {
                m.fail(400);  // llhttp lets an empty name pass.
                return -1;
            }
            if (m.request.headers.all().size() >= kHttpHeaderCountMax) {
                m.fail(431);
                return -1;
            }
            for (char& c : m.field) {
                if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
            }
            m.request.headers.add(m.field, trim_blanks(m.value));
            m.field.clear();
            m.value.clear();
            return 0;
        };
        s.on_url = [](llhttp_t* p, const char* at, size_t size) -> int {
            self(p).request.target.append(at, size);
            return 0;
        };
        s.on_headers_complete = [](llhttp_t* p) -> int {
            self(p).has_headers_complete = true;
            return 0;
        };
        s.on_body = [](llhttp_t* p, const char* at, size_t size) -> int {
            Machine& m = self(p);
            if (size > m.limits.body_bytes_max ||
                m.request.body.size() > m.limits.body_bytes_max - size) {
                m.fail(413);
                return -1;
            }
            m.request.body.append(at, size);
            return 0;
        };
        s.on_message_complete = [](llhttp_t* p) -> int {
            self(p).is_message_complete = true;
            return HPE_PAUSED;
        };
        return s;
    }();
    return instance;
}

bool HttpParser::Machine::run(std::string_view data, size_t& used) {
    const llhttp_errno_t result = llhttp_execute(&parser, data.data(), data.size());
    used = data.size();
    if (result == HPE_OK) return true;
    if (state == HttpParserState::kFailed) return false;
    if (is_message_complete && (result == HPE_PAUSED || result == HPE_PAUSED_UPGRADE)) {
        used = static_cast<size_t>(llhttp_get_error_pos(&parser) - data.data());
        return true;
    }
    if (result == HPE_PAUSED_UPGRADE && has_headers_complete) {
        // CONNECT, which no method check lets through; kept for safety.
        fail(501);
        return false;
    }
    fail(result == HPE_INVALID_VERSION ? 505 : 400);
    return false;
}

bool HttpParser::Machine::accept_head_byte(char c) {
    const char last = head.empty() ? '\0' : head.back();
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n' ? last != '\r' : last == '\r') {
        fail(400);  // A line end that is not CR LF.
        return false;
    }
    if ((byte < 0x20 && c != '\r' && c != '\n' && c != '\t') || byte == 0x7F) {
        fail(400);
        return false;
    }
    if (last == '\n' && (c == ' ' || c == '\t')) {
        fail(400);  // A folded line, or a blank before the request line.
        return false;
    }
    if (head.size() >= limits.head_bytes_max) {
        fail(head.find('\n') == std::string::npos ? 414 : 431);
        return false;
    }
    head.push_back(c);
    return true;
}

size_t HttpParser::Machine::feed_head(std::string_view data) {
    size_t i = 0;
    while (i < data.size()) {
        const char c = data[i++];
        if (head.empty() && (c == '\r' || c == '\n')) {
            if (++blank_bytes > kLeadingBlankBytesMax) {
                fail(400);
                return i;
            }
            continue;
        }
        if (!accept_head_byte(c)) return i;
        const size_t n = head.size();
        if (c == '\n' && n >= 4 && head[n - 3] == '\n') {
            parse_head();
            return i;
        }
    }
    return i;
}

bool HttpParser::Machine::check_request_line() {
    const std::string_view line = std::string_view(head).substr(0, head.find('\r'));
    const size_t first = line.find(' ');
    const size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last || first == 0 ||
        line.find('\t') != std::string_view::npos) {
        fail(400);
        return false;
    }
    const std::string_view name = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (!is_token(name) || target.empty() || target.find(' ') != std::string_view::npos) {
        fail(400);
        return false;
    }
    if (version.substr(0, 5) != "HTTP/") {
        fail(400);
        return false;
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
        fail(505);
        return false;
    }
    const auto method = known_method(name);
    if (!method) {
        fail(501);
        return false;
    }
    request.method = *method;
    if (target == "*" && *method == HttpMethod::kOptions) {
        request.path = "*";
        return true;
    }
    if (target.front() != '/' || target.find('#') != std::string_view::npos) {
        fail(400);
        return false;
    }
    const size_t mark = target.find('?');
    auto path = percent_decode(target.substr(0, mark));
    if (!path) {
        fail(400);
        return false;
    }
    request.path = std::move(*path);
    if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
    return true;
}

bool HttpParser::Machine::check_headers() {
    const HttpHeaders& headers = request.headers;
    const bool is_http_1_0 = parser.http_minor == 0;
    const size_t hosts = headers.count("host");
    if (hosts > 1 || (hosts == 0 && !is_http_1_0) ||
        headers.get("host").find_first_of(" \t,/?#@") != std::string_view::npos) {
        fail(400);
        return false;
    }
    const size_t codings = headers.count("transfer-encoding");
    const size_t lengths = headers.count("content-length");
    if (codings != 0) {
        if (is_http_1_0 || lengths != 0 || codings > 1) {
            fail(400);
            return false;
        }
        if (!equals_ignoring_case(headers.get("transfer-encoding"), "chunked")) {
            fail(501);
            return false;
        }
    }
    if (lengths > 1) {
        fail(400);
        return false;
    }
    if (lengths == 1) {
        const std::string_view text = headers.get("content-length");
        uint64_t length = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
        if (error == std::errc::result_out_of_range) {
            fail(413);
            return false;
        }
        if (error != std::errc{} || end != text.data() + text.size()) {
            fail(400);
            return false;
        }
        if (length > limits.body_bytes_max) {
            fail(413);
            return false;
        }
    }
    if (headers.contains("expect")) {
        if (headers.count("expect") != 1 ||
            !equals_ignoring_case(headers.get("expect"), "100-continue")) {
            fail(417);
            return false;
        }
        is_continue_expected = !is_http_1_0 && !is_message_complete;
    }
    return true;
}

void HttpParser::Machine::parse_head() {
    if (!check_request_line()) return;
    llhttp_init(&parser, HTTP_REQUEST, &settings());
    parser.data = this;
    size_t used = 0;
    if (!run(head, used)) return;
    if (used != head.size() || !has_headers_complete || !check_headers()) {
        fail(400);
        return;
    }
    request.minor_version = parser.http_minor;
    request.is_keep_alive = llhttp_should_keep_alive(&parser) != 0;
    std::string().swap(head);
    state = is_message_complete ? HttpParserState::kComplete : HttpParserState::kBody;
}

size_t HttpParser::Machine::feed_body(std::string_view data) {
    size_t used = 0;
    if (run(data, used) && is_message_complete) state = HttpParserState::kComplete;
    return used;
}

size_t HttpParser::Machine::feed(std::string_view data) {
    size_t used = 0;
    while (used < data.size()) {
        if (state == HttpParserState::kHead) {
            used += feed_head(data.substr(used));
        } else if (state == HttpParserState::kBody) {
            used += feed_body(data.substr(used));
        } else {
            break;
        }
    }
    return used;
}

HttpParser::HttpParser(HttpParserLimits limits) : machine_(std::make_unique<Machine>(limits)) {}
HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

size_t HttpParser::feed(std::string_view data) { return machine_->feed(data); }

HttpParserState HttpParser::state() const { return machine_->state; }

int HttpParser::error_status() const { return machine_->error_status; }

bool HttpParser::is_idle() const {
    return machine_->state == HttpParserState::kHead && machine_->head.empty();
}

bool HttpParser::take_continue_expected() {
    return std::exchange(machine_->is_continue_expected, false);
}

HttpRequest HttpParser::take_request() {
    HttpRequest request = std::move(machine_->request);
    *machine_ = Machine(machine_->limits);
    return request;
}

}  // namespace tandem::net
