#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace tandem::outbound {

/// Which addresses a request may go to.
enum class Reach : uint8_t { public_only, anywhere };

struct PostRequest {
    std::string url;                   ///< http or https
    std::vector<std::string> headers;  ///< "Name: value"
    std::string body;
    uint64_t connect_timeout_ms = 5'000;
    uint64_t timeout_ms = 15'000;  ///< for all of it
    Reach reach = Reach::public_only;
    std::string ca_file;  ///< certificates to trust instead of the system's; empty: those
};

struct PostResult {
    enum class End : uint8_t {
        answered,     ///< with `status`
        refused,      ///< the address is not public; nothing was sent
        unreachable,  ///< no connection, no name, no trust, or no whole answer in time
    };
    uint64_t id = 0;
    End end = End::unreachable;
    uint32_t status = 0;
    std::string retry_after;  ///< the header, as it came
    std::string reason;       ///< for people, where there was no answer
};

/// Sends HTTP requests to addresses that somebody configured, all on the caller's thread. The
/// address is checked that is connected to, so that no name can lead elsewhere after a check;
/// redirects are not followed, proxies of the environment are not used, certificates are verified.
class HttpPoster {
  public:
    /// Before the process has other threads.
    [[nodiscard]] static base::Result<std::unique_ptr<HttpPoster>> create();
    ~HttpPoster();
    HttpPoster(const HttpPoster&) = delete;
    HttpPoster& operator=(const HttpPoster&) = delete;

    /// `id` is not used by another that is under way.
    void post(uint64_t id, PostRequest request);
    /// Waits for the first of: something to be done, `wake`, the time. Appends what has ended.
    void wait(uint64_t timeout_ms, std::vector<PostResult>& out);
    /// From any thread; the next or present `wait` returns.
    void wake();
    [[nodiscard]] size_t under_way() const;

  private:
    struct Impl;
    explicit HttpPoster(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::outbound
