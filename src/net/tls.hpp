#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/send_queue.hpp"

// TLS 1.3, and 1.2 with forward secrecy and authenticated encryption only, by GnuTLS. There is no
// renegotiation.
namespace tandem::net {

class TlsStream;

/// PEM files.
struct TlsFiles {
    std::string certificate;  ///< the server's own first, then those that lead to the authority
    std::string key;
};

/// The server's side: its certificate, which may be replaced at any time, and the key of session
/// tickets. Any thread may call.
class TlsServer {
  public:
    struct Options {
        /// Handshakes under way at a time, each of which costs memory and soon a signature.
        size_t handshakes_max = 1'000;
    };

    /// On an error, config_invalid, `problem` is a sentence about the files for people.
    [[nodiscard]] static base::Result<std::unique_ptr<TlsServer>> create(const TlsFiles& files,
                                                                         Options options,
                                                                         std::string& problem);
    ~TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    /// For connections from now on. On an error all stays as it was.
    [[nodiscard]] base::Status replace(const TlsFiles& files, std::string& problem);
    /// Null when too many handshakes are under way. Must not outlive the server.
    [[nodiscard]] std::unique_ptr<TlsStream> accept();
    [[nodiscard]] size_t handshakes() const { return handshakes_.load(); }

  private:
    friend class TlsStream;
    struct Parts;

    explicit TlsServer(Options options);

    const Options options_;
    std::unique_ptr<Parts> parts_;
    std::atomic<size_t> handshakes_ = 0;
};

/// The client's side: whom it trusts. Any thread may call.
class TlsClient {
  public:
    /// Trusts the authorities of the PEM file `ca_file`, or of the system where that is empty.
    /// Errors: config_invalid.
    [[nodiscard]] static base::Result<std::shared_ptr<const TlsClient>> create(
        const std::string& ca_file);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    /// To a server whose certificate must be for `host`, a name or an address.
    [[nodiscard]] std::unique_ptr<TlsStream> connect(const std::string& host) const;

  private:
    friend class TlsStream;
    struct Parts;

    TlsClient();

    std::shared_ptr<Parts> parts_;
};

/// The sentence of a number that tls_failed carries.
[[nodiscard]] std::string tls_failure_text(uint64_t detail);

/// One connection, without its socket: bytes of the network go in by `feed` and come out in
/// `out()`.
class TlsStream {
  public:
    struct Session;

    enum class State : uint8_t {
        handshaking,
        open,
        ended,   ///< the peer has said that it is done
        failed,  ///< what the peer is told of that is in `out()`
    };

    explicit TlsStream(std::unique_ptr<Session> session);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool is_open() const { return state_ == State::open; }
    [[nodiscard]] bool is_server() const;
    /// A client begins by this, a server goes on by it after `feed`.
    void shake();
    /// What was received; borrowed until `keep`.
    void feed(std::string_view received) { input_ = received; }
    /// The next decrypted bytes; 0 when there are none now, or no more at all.
    [[nodiscard]] size_t read(std::span<char> to);
    /// Copies what has not been used of the input.
    void keep();
    [[nodiscard]] bool has_input() const { return !input_.empty() || !kept_.empty(); }
    /// Whether anything was fed before.
    [[nodiscard]] bool has_begun() const { return has_begun_; }

    /// Encrypts up to one record of `plain`; returns how much of it. Only while open.
    [[nodiscard]] size_t write(std::string_view plain);
    /// Says that nothing more will come. Once.
    void say_goodbye();

    /// What is to be sent.
    [[nodiscard]] SendQueue& out() { return out_; }
    [[nodiscard]] const SendQueue& out() const { return out_; }
    /// Why it failed: GnuTLS's number, positive.
    [[nodiscard]] uint64_t failure() const { return failure_; }

  private:
    static ptrdiff_t push(void* self, const void* data, size_t size);
    static ptrdiff_t pull(void* self, void* data, size_t size);
    static int poll(void* self, unsigned timeout_ms);
    void fail(int error);

    std::unique_ptr<Session> session_;
    SendQueue out_;
    std::string kept_;
    size_t kept_used_ = 0;
    std::string_view input_;
    uint64_t failure_ = 0;
    State state_ = State::handshaking;
    bool has_begun_ = false;
    bool has_said_goodbye_ = false;
};

}  // namespace tandem::net
