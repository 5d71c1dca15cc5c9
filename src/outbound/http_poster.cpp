#include "outbound/http_poster.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include "outbound/address.hpp"

namespace tandem::outbound {

namespace {

// What a receiver says is of no interest but for its status.
constexpr size_t kAnswerBytesMax = 64 * 1024;
constexpr long kIdleConnectionsMax = 64;

bool is_public_address(const sockaddr* address) {
    if (address->sa_family == AF_INET) {
        sockaddr_in four{};
        std::memcpy(&four, address, sizeof four);
        Ipv4 bytes{};
        std::memcpy(bytes.data(), &four.sin_addr, bytes.size());
        return is_public(bytes);
    }
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 six{};
        std::memcpy(&six, address, sizeof six);
        Ipv6 bytes{};
        std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
        return is_public(bytes);
    }
    return false;
}

bool is_public_text(const char* text) {
    Ipv4 four{};
    if (inet_pton(AF_INET, text, four.data()) == 1) return is_public(four);
    Ipv6 six{};
    return inet_pton(AF_INET6, text, six.data()) == 1 && is_public(six);
}

struct Transfer {
    uint64_t id = 0;
    PostRequest request;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    size_t answer_bytes = 0;
    bool is_too_long = false;
    bool is_refused = false;
    char message[CURL_ERROR_SIZE] = {};

    Transfer() = default;
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() {
        curl_easy_cleanup(easy);
        curl_slist_free_all(headers);
    }
};

// Called with the address that is about to be connected to.
curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.request.reach == Reach::public_only && !is_public_address(&address->addr)) {
        transfer.is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Called before the request is sent, also on a connection that another request had opened.
int before_request(void* self, char* remote, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.request.reach == Reach::anywhere || is_public_text(remote))
        return CURL_PREREQFUNC_OK;
    transfer.is_refused = true;
    return CURL_PREREQFUNC_ABORT;
}

size_t take_answer(char*, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.answer_bytes += size * count;
    transfer.is_too_long = transfer.answer_bytes > kAnswerBytesMax;
    return transfer.is_too_long ? 0 : size * count;
}

PostResult result_of(Transfer& transfer, CURLcode code) {
    PostResult result;
    result.id = transfer.id;
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (transfer.is_refused) {
        result.end = PostResult::End::refused;
        result.reason = "its address is not public, and allow_private is false";
    } else if (code == CURLE_OK || (transfer.is_too_long && status != 0)) {
        result.end = PostResult::End::answered;
        result.status = static_cast<uint32_t>(status);
        curl_header* header = nullptr;
        if (curl_easy_header(transfer.easy, "Retry-After", 0, CURLH_HEADER, -1, &header) ==
            CURLHE_OK)
            result.retry_after = header->value;
    } else {
        result.reason = transfer.message[0] != '\0' ? transfer.message : curl_easy_strerror(code);
    }
    return result;
}

}  // namespace

struct HttpPoster::Impl {
    CURLM* multi = nullptr;
    std::map<CURL*, std::unique_ptr<Transfer>> transfers;
    std::vector<PostResult> failed;  ///< that did not even begin

    ~Impl() {
        for (const auto& [easy, transfer] : transfers)
            curl_multi_remove_handle(multi, easy);
        transfers.clear();
        curl_multi_cleanup(multi);
    }
};

HttpPoster::HttpPoster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpPoster::~HttpPoster() = default;

base::Result<std::unique_ptr<HttpPoster>> HttpPoster::create() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return base::ErrorCode::unavailable;
    auto impl = std::make_unique<Impl>();
    impl->multi = curl_multi_init();
    if (impl->multi == nullptr) return base::ErrorCode::unavailable;
    curl_multi_setopt(impl->multi, CURLMOPT_MAXCONNECTS, kIdleConnectionsMax);
    return std::unique_ptr<HttpPoster>(new HttpPoster(std::move(impl)));
}

void HttpPoster::post(uint64_t id, PostRequest request) {
    auto transfer = std::make_unique<Transfer>();
    transfer->id = id;
    transfer->request = std::move(request);
    const PostRequest& wanted = transfer->request;
    CURL* easy = transfer->easy = curl_easy_init();
    bool is_set = easy != nullptr;
    const auto set = [&](CURLoption option, auto value) {
        is_set = is_set && curl_easy_setopt(easy, option, value) == CURLE_OK;
    };
    const auto timeout = [](uint64_t ms) {
        return static_cast<long>(std::min<uint64_t>(ms, INT_MAX));
    };
    for (const std::string& header : wanted.headers) {
        curl_slist* longer = curl_slist_append(transfer->headers, header.c_str());
        is_set = is_set && longer != nullptr;
        if (longer != nullptr) transfer->headers = longer;
    }
    set(CURLOPT_ERRORBUFFER, transfer->message);
    set(CURLOPT_URL, wanted.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, timeout(wanted.connect_timeout_ms));
    set(CURLOPT_TIMEOUT_MS, timeout(wanted.timeout_ms));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!wanted.ca_file.empty()) set(CURLOPT_CAINFO, wanted.ca_file.c_str());
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(wanted.body.size()));
    set(CURLOPT_POSTFIELDS, wanted.body.c_str());
    set(CURLOPT_HTTPHEADER, transfer->headers);
    set(CURLOPT_WRITEFUNCTION, &take_answer);
    set(CURLOPT_WRITEDATA, transfer.get());
    set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    set(CURLOPT_OPENSOCKETDATA, transfer.get());
    set(CURLOPT_PREREQFUNCTION, &before_request);
    set(CURLOPT_PREREQDATA, transfer.get());
    if (!is_set || curl_multi_add_handle(impl_->multi, easy) != CURLM_OK) {
        PostResult result;
        result.id = id;
        result.reason = "the request could not be made; check the address and ca_file";
        impl_->failed.push_back(std::move(result));
        return;
    }
    impl_->transfers[easy] = std::move(transfer);
}

void HttpPoster::wait(uint64_t timeout_ms, std::vector<PostResult>& out) {
    int running = 0;
    curl_multi_perform(impl_->multi, &running);
    const auto collect = [&] {
        bool has_any = !impl_->failed.empty();
        std::move(impl_->failed.begin(), impl_->failed.end(), std::back_inserter(out));
        impl_->failed.clear();
        int left = 0;
        while (CURLMsg* message = curl_multi_info_read(impl_->multi, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            const auto found = impl_->transfers.find(message->easy_handle);
            const CURLcode code = message->data.result;
            out.push_back(result_of(*found->second, code));
            curl_multi_remove_handle(impl_->multi, found->first);
            impl_->transfers.erase(found);
            has_any = true;
        }
        return has_any;
    };
    if (collect()) return;
    const int patience = static_cast<int>(std::min<uint64_t>(timeout_ms, 60'000));
    curl_multi_poll(impl_->multi, nullptr, 0, patience, nullptr);
    curl_multi_perform(impl_->multi, &running);
    collect();
}

void HttpPoster::wake() { curl_multi_wakeup(impl_->multi); }

size_t HttpPoster::under_way() const { return impl_->transfers.size(); }

}  // namespace tandem::outbound
