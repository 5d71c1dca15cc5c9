#include "server/auth_service.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/sha256.hpp"
#include "base/value.hpp"

namespace tandem::server {

using base::ErrorCode;
using base::Value;

namespace {

constexpr size_t kActorRowBytes = 16;

base::Error io_error() { return base::fail(ErrorCode::io_failed, static_cast<uint64_t>(errno)); }

base::Result<net::UniqueFd> open_log(const std::string& path) {
    net::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (file.get() < 0) return io_error();
    return file;
}

uint64_t print_of(std::string_view text) {
    const base::Sha256Digest digest = base::sha256(text);
    uint64_t out = 0;
    for (size_t i = 0; i < sizeof out; ++i)
        out = out << 8 | digest[i];
    return out;
}

void put_u64(char* out, uint64_t value) {
    for (int i = 0; i < 8; ++i)
        out[i] = static_cast<char>(value >> (8 * i) & 0xFF);
}

uint64_t get_u64(const char* in) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; --i)
        value = value << 8 | static_cast<uint8_t>(in[i]);
    return value;
}

std::string revocation_json(std::string_view name, const std::string& what, uint64_t at_ms) {
    Value line(base::Object{});
    line.put(name, Value(what));
    line.put("at_ms", Value(static_cast<double>(at_ms)));
    return base::to_json(line);
}

}  // namespace

AuthService::AuthService(AuthKeys keys, bool is_required) : is_required_(is_required) {
    replace_keys(std::move(keys));
}

base::Result<std::unique_ptr<AuthService>> AuthService::open(const std::string& folder,
                                                             AuthKeys keys, bool is_required) {
    std::unique_ptr<AuthService> service(new AuthService(std::move(keys), is_required));
    TANDEM_CHECK(service->read_revocations(folder + "/revocations.jsonl"));
    TANDEM_CHECK(service->read_actors(folder + "/actors.bin"));
    return service;
}

base::Status AuthService::read_revocations(const std::string& path) {
    TANDEM_TRY(revocations_file_, open_log(path));
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        // A line that was cut off by a crash was never answered.
        const bool is_cut = in.eof();
        const auto json = base::parse_json(line);
        const Value* at = json.ok() ? json->find("at_ms") : nullptr;
        if (at == nullptr || !at->is_integer()) {
            if (!is_cut) return ErrorCode::storage_corrupt;
            if (::ftruncate(revocations_file_.get(),
                            static_cast<off_t>(::lseek(revocations_file_.get(), 0, SEEK_END)) -
                                static_cast<off_t>(line.size())) != 0)
                return io_error();
            break;
        }
        const auto at_ms = static_cast<uint64_t>(at->as_integer());
        if (const Value* id = json->find("jti"); id != nullptr && id->is_string())
            revoked_ids_[id->as_string()] = at_ms;
        if (const Value* subject = json->find("sub"); subject != nullptr && subject->is_string())
            revoked_subjects_[subject->as_string()] = at_ms;
    }
    return {};
}

base::Status AuthService::read_actors(const std::string& path) {
    TANDEM_TRY(actors_file_, open_log(path));
    std::ifstream in(path, std::ios::binary);
    std::array<char, kActorRowBytes> row{};
    size_t rows = 0;
    while (in.read(row.data(), row.size())) {
        owners_.emplace(get_u64(row.data()), get_u64(row.data() + 8));
        ++rows;
    }
    // The rest of a row that a crash has cut off.
    if (::ftruncate(actors_file_.get(), static_cast<off_t>(rows * kActorRowBytes)) != 0)
        return io_error();
    return {};
}

std::shared_ptr<const AuthKeys> AuthService::keys() const {
    const std::lock_guard lock(mutex_);
    return keys_;
}

void AuthService::replace_keys(AuthKeys keys) {
    std::unordered_set<uint64_t> prints;
    for (const auth::Issuer& issuer : keys.trust.issuers)
        for (const auth::Key& key : issuer.keys)
            prints.insert(key.print);
    for (const ApiKey& key : keys.api_keys)
        prints.insert(key.grant->key_print);
    auto shared = std::make_shared<const AuthKeys>(std::move(keys));
    const std::lock_guard lock(mutex_);
    keys_ = std::move(shared);
    prints_ = std::move(prints);
}

base::Result<auth::GrantPtr> AuthService::check(std::string_view token, uint64_t now_ms) const {
    TANDEM_TRY(auth::Grant grant, auth::check_token(token, keys()->trust, signatures_, now_ms));
    if (is_revoked(grant)) return ErrorCode::token_revoked;
    return auth::GrantPtr(std::make_shared<const auth::Grant>(std::move(grant)));
}

base::Result<auth::GrantPtr> AuthService::check_api_key(std::string_view key) const {
    const base::Sha256Digest digest = base::sha256(key);
    const auto bytes = [](const base::Sha256Digest& d) {
        return std::string_view(reinterpret_cast<const char*>(d.data()), d.size());
    };
    const auto known = keys();
    auth::GrantPtr found;
    for (const ApiKey& one : known->api_keys)
        if (crypto::equals_secret(bytes(one.digest), bytes(digest))) found = one.grant;
    if (found == nullptr) return ErrorCode::token_invalid;
    if (is_revoked(*found)) return ErrorCode::token_revoked;
    return found;
}

bool AuthService::is_revoked(const auth::Grant& grant) const {
    const std::lock_guard lock(mutex_);
    if (!prints_.contains(grant.key_print)) return true;
    if (!grant.id.empty() && revoked_ids_.contains(grant.id)) return true;
    const auto subject = revoked_subjects_.find(grant.subject);
    // Tokens say only in which second they were made.
    return subject != revoked_subjects_.end() && grant.issued_ms <= subject->second;
}

bool AuthService::claim_actor(std::string_view subject, uint64_t actor) {
    const uint64_t owner = print_of(subject);
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = owners_.emplace(actor, owner);
    if (!is_new) return found->second == owner;
    std::array<char, kActorRowBytes> row{};
    put_u64(row.data(), actor);
    put_u64(row.data() + 8, owner);
    if (::write(actors_file_.get(), row.data(), row.size()) == static_cast<ssize_t>(row.size()))
        return true;
    // What is not written would be anybody's after a restart; half a row would shift the others.
    owners_.erase(found);
    [[maybe_unused]] const int cut =
        ::ftruncate(actors_file_.get(), static_cast<off_t>(owners_.size() * kActorRowBytes));
    return false;
}

base::Status AuthService::revoke(const std::string& id, const std::string& subject,
                                 uint64_t now_ms) {
    const std::string line = (id.empty() ? revocation_json("sub", subject, now_ms)
                                         : revocation_json("jti", id, now_ms)) +
                             '\n';
    const std::lock_guard lock(mutex_);
    // In force at once, also when the disk fails: then it is said that it will not last.
    if (id.empty())
        revoked_subjects_[subject] = now_ms;
    else
        revoked_ids_[id] = now_ms;
    const off_t before = ::lseek(revocations_file_.get(), 0, SEEK_END);
    if (::write(revocations_file_.get(), line.data(), line.size()) ==
            static_cast<ssize_t>(line.size()) &&
        ::fsync(revocations_file_.get()) == 0)
        return {};
    const base::Error error = io_error();
    // The next line would begin in the middle of this one, and neither could be read.
    [[maybe_unused]] const int cut = ::ftruncate(revocations_file_.get(), before);
    return error;
}

std::string AuthService::revocations() const {
    const std::lock_guard lock(mutex_);
    std::string out = "{\"revocations\":[";
    for (const auto& [id, at_ms] : revoked_ids_)
        out += (out.back() == '[' ? "" : ",") + revocation_json("jti", id, at_ms);
    for (const auto& [subject, at_ms] : revoked_subjects_)
        out += (out.back() == '[' ? "" : ",") + revocation_json("sub", subject, at_ms);
    return out + "]}";
}

}  // namespace tandem::server
