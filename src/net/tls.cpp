#include "net/tls.hpp"

#include <gnutls/gnutls.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/ip_address.hpp"

namespace tandem::net {

using base::ErrorCode;

namespace {

// AES-128 first: all are beyond what can be broken, and it costs least.
constexpr const char* kPriorities =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:+CHACHA20-POLY1305:"
    "+AES-256-GCM:-MAC-ALL:+AEAD:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:%SERVER_PRECEDENCE";
constexpr size_t kRecordBytesMax = 16 * 1024;
constexpr size_t kHandshakeBytesMax = 64 * 1024;
// Records without content, or with alerts that are only warnings, that are passed over at a time.
constexpr int kEmptyRecordsMax = 32;

}  // namespace

struct TlsPriorities {
    TlsPriorities() {
        const char* at = nullptr;
        (void)gnutls_priority_init(&value, kPriorities, &at);
    }
    ~TlsPriorities() { gnutls_priority_deinit(value); }
    TlsPriorities(const TlsPriorities&) = delete;
    TlsPriorities& operator=(const TlsPriorities&) = delete;
    gnutls_priority_t value = nullptr;
};

struct TlsCredentials {
    TlsCredentials() { (void)gnutls_certificate_allocate_credentials(&value); }
    ~TlsCredentials() { gnutls_certificate_free_credentials(value); }
    TlsCredentials(const TlsCredentials&) = delete;
    TlsCredentials& operator=(const TlsCredentials&) = delete;
    gnutls_certificate_credentials_t value = nullptr;
};

namespace {

base::Result<std::shared_ptr<TlsCredentials>> load(const TlsFiles& files, std::string& problem) {
    auto credentials = std::make_shared<TlsCredentials>();
    const int error = gnutls_certificate_set_x509_key_file(
        credentials->value, files.certificate.c_str(), files.key.c_str(), GNUTLS_X509_FMT_PEM);
    if (error >= 0) return credentials;
    problem = "the certificate " + files.certificate + " cannot be used with the key " + files.key +
              ": " + gnutls_strerror(error);
    return base::fail(ErrorCode::config_invalid, static_cast<uint64_t>(-error));
}

}  // namespace

struct TlsServer::Parts {
    Parts() { (void)gnutls_session_ticket_key_generate(&ticket_key); }
    ~Parts() {
        gnutls_memset(ticket_key.data, 0, ticket_key.size);
        gnutls_free(ticket_key.data);
    }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    TlsPriorities priorities;
    gnutls_datum_t ticket_key{};
    std::mutex mutex;
    std::shared_ptr<TlsCredentials> credentials;
};

struct TlsClient::Parts {
    TlsPriorities priorities;
    TlsCredentials credentials;
};

struct TlsStream::Session {
    explicit Session(unsigned flags) {
        (void)gnutls_init(&value, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    }
    ~Session() {
        release_handshake();
        gnutls_deinit(value);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void release_handshake() {
        if (auto* count = std::exchange(handshakes, nullptr)) --*count;
        // Only a handshake looks at these.
        server_credentials.reset();
        client_parts.reset();
    }

    gnutls_session_t value = nullptr;
    std::atomic<size_t>* handshakes = nullptr;  ///< counted there while it is one
    std::shared_ptr<TlsCredentials> server_credentials;
    std::shared_ptr<TlsClient::Parts> client_parts;
    std::string host;
    bool is_server = false;
};

TlsServer::TlsServer(Options options) : options_(options), parts_(std::make_unique<Parts>()) {}
TlsServer::~TlsServer() = default;

base::Result<std::unique_ptr<TlsServer>> TlsServer::create(const TlsFiles& files, Options options,
                                                           std::string& problem) {
    std::unique_ptr<TlsServer> server(new TlsServer(options));
    TANDEM_CHECK(server->replace(files, problem));
    return server;
}

base::Status TlsServer::replace(const TlsFiles& files, std::string& problem) {
    TANDEM_TRY(std::shared_ptr<TlsCredentials> credentials, load(files, problem));
    const std::lock_guard lock(parts_->mutex);
    parts_->credentials.swap(credentials);
    return {};
}

std::unique_ptr<TlsStream> TlsServer::accept() {
    if (handshakes_.fetch_add(1) >= options_.handshakes_max) {
        --handshakes_;
        return nullptr;
    }
    auto session = std::make_unique<TlsStream::Session>(GNUTLS_SERVER);
    session->is_server = true;
    session->handshakes = &handshakes_;
    {
        const std::lock_guard lock(parts_->mutex);
        session->server_credentials = parts_->credentials;
    }
    (void)gnutls_priority_set(session->value, parts_->priorities.value);
    (void)gnutls_credentials_set(session->value, GNUTLS_CRD_CERTIFICATE,
                                 session->server_credentials->value);
    (void)gnutls_session_ticket_enable_server(session->value, &parts_->ticket_key);
    return std::make_unique<TlsStream>(std::move(session));
}

TlsClient::TlsClient() : parts_(std::make_shared<Parts>()) {}
TlsClient::~TlsClient() = default;

base::Result<std::shared_ptr<const TlsClient>> TlsClient::create(const std::string& ca_file) {
    std::shared_ptr<TlsClient> client(new TlsClient);
    const auto credentials = client->parts_->credentials.value;
    const int found = ca_file.empty() ? gnutls_certificate_set_x509_system_trust(credentials)
                                      : gnutls_certificate_set_x509_trust_file(
                                            credentials, ca_file.c_str(), GNUTLS_X509_FMT_PEM);
    // A system without authorities trusts nobody, which is for the handshake to say.
    if (!ca_file.empty() && found <= 0) return base::fail(ErrorCode::config_invalid);
    return std::shared_ptr<const TlsClient>(std::move(client));
}

std::unique_ptr<TlsStream> TlsClient::connect(const std::string& host) const {
    auto session = std::make_unique<TlsStream::Session>(GNUTLS_CLIENT);
    session->client_parts = parts_;
    session->host = host;
    (void)gnutls_priority_set(session->value, parts_->priorities.value);
    (void)gnutls_credentials_set(session->value, GNUTLS_CRD_CERTIFICATE, parts_->credentials.value);
    if (!parse_ip(host))
        (void)gnutls_server_name_set(session->value, GNUTLS_NAME_DNS, host.data(), host.size());
    gnutls_session_set_verify_cert(session->value, session->host.c_str(), 0);
    return std::make_unique<TlsStream>(std::move(session));
}

std::string tls_failure_text(uint64_t detail) {
    const char* text = detail == 0 ? nullptr : gnutls_strerror(-static_cast<int>(detail));
    return text != nullptr ? text : "the handshake failed";
}

TlsStream::TlsStream(std::unique_ptr<Session> session) : session_(std::move(session)) {
    const gnutls_session_t raw = session_->value;
    static constexpr char kHttp[] = "http/1.1";
    gnutls_datum_t protocol{};
    // GnuTLS copies it, and wants it writable all the same.
    std::string name = kHttp;
    protocol.data = reinterpret_cast<unsigned char*>(name.data());
    protocol.size = static_cast<unsigned>(name.size());
    (void)gnutls_alpn_set_protocols(raw, &protocol, 1, 0);
    gnutls_handshake_set_max_packet_length(raw, kHandshakeBytesMax);
    gnutls_handshake_set_timeout(raw, 0);
    gnutls_transport_set_ptr(raw, this);
    gnutls_transport_set_push_function(raw, &TlsStream::push);
    gnutls_transport_set_pull_function(raw, &TlsStream::pull);
    gnutls_transport_set_pull_timeout_function(raw, &TlsStream::poll);
}

TlsStream::~TlsStream() = default;

bool TlsStream::is_server() const { return session_->is_server; }

ptrdiff_t TlsStream::push(void* self, const void* data, size_t size) {
    static_cast<TlsStream*>(self)->out_.append({static_cast<const char*>(data), size});
    return static_cast<ptrdiff_t>(size);
}

ptrdiff_t TlsStream::pull(void* self, void* data, size_t size) {
    TlsStream& stream = *static_cast<TlsStream*>(self);
    size_t taken = 0;
    if (!stream.kept_.empty()) {
        taken = std::min(size, stream.kept_.size() - stream.kept_used_);
        std::memcpy(data, stream.kept_.data() + stream.kept_used_, taken);
        stream.kept_used_ += taken;
        if (stream.kept_used_ == stream.kept_.size()) {
            std::string().swap(stream.kept_);
            stream.kept_used_ = 0;
        }
    } else if (!stream.input_.empty()) {
        taken = std::min(size, stream.input_.size());
        std::memcpy(data, stream.input_.data(), taken);
        stream.input_.remove_prefix(taken);
    } else {
        gnutls_transport_set_errno(stream.session_->value, EAGAIN);
        return -1;
    }
    stream.has_begun_ = true;
    return static_cast<ptrdiff_t>(taken);
}

int TlsStream::poll(void* self, unsigned /*timeout_ms*/) {
    return static_cast<TlsStream*>(self)->has_input() ? 1 : 0;
}

void TlsStream::fail(int error) {
    failure_ = static_cast<uint64_t>(-error);
    (void)gnutls_alert_send_appropriate(session_->value, error);
    state_ = State::failed;
    session_->release_handshake();
}

void TlsStream::shake() {
    if (state_ != State::handshaking) return;
    for (int i = 0; i < kEmptyRecordsMax; ++i) {
        const int result = gnutls_handshake(session_->value);
        if (result == GNUTLS_E_SUCCESS) {
            state_ = State::open;
            session_->release_handshake();
            return;
        }
        if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED) return;
        if (gnutls_error_is_fatal(result) != 0) return fail(result);
    }
    fail(GNUTLS_E_UNEXPECTED_PACKET);
}

size_t TlsStream::read(std::span<char> to) {
    for (int i = 0; state_ == State::open && i < kEmptyRecordsMax; ++i) {
        const ptrdiff_t got = gnutls_record_recv(session_->value, to.data(), to.size());
        if (got > 0) return static_cast<size_t>(got);
        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED) {
            // Handshake messages after the handshake (tickets, new keys) end so as well.
            if (!has_input()) return 0;
            continue;
        }
        if (got == 0 || got == GNUTLS_E_PREMATURE_TERMINATION) {
            state_ = State::ended;
            return 0;
        }
        // The one way to ask for new parameters in TLS 1.2; in 1.3 there is none.
        if (got == GNUTLS_E_REHANDSHAKE || gnutls_error_is_fatal(static_cast<int>(got)) != 0) {
            fail(got == GNUTLS_E_REHANDSHAKE ? GNUTLS_E_UNEXPECTED_PACKET : static_cast<int>(got));
            return 0;
        }
    }
    if (state_ == State::open) fail(GNUTLS_E_UNEXPECTED_PACKET);
    return 0;
}

void TlsStream::keep() {
    kept_.append(input_);
    input_ = {};
}

size_t TlsStream::write(std::string_view plain) {
    const ptrdiff_t sent =
        gnutls_record_send(session_->value, plain.data(), std::min(plain.size(), kRecordBytesMax));
    if (sent > 0) return static_cast<size_t>(sent);
    // The queue always takes what is pushed, so this is no matter of room.
    fail(sent == 0 ? GNUTLS_E_INTERNAL_ERROR : static_cast<int>(sent));
    return 0;
}

void TlsStream::say_goodbye() {
    if (state_ != State::open && state_ != State::ended) return;
    if (!std::exchange(has_said_goodbye_, true)) (void)gnutls_bye(session_->value, GNUTLS_SHUT_WR);
}

}  // namespace tandem::net
