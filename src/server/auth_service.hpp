#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "auth/gate.hpp"
#include "crypto/signatures.hpp"
#include "net/unique_fd.hpp"
#include "server/auth_keys.hpp"

namespace tandem::server {

/// The gate of a server: its keys, what was revoked, and whose actors are whose. What must outlive
/// the process is in two files of the data folder that only grow: `revocations.jsonl`, synced
/// before a revocation is answered, and `actors.bin`, written as actors are issued.
class AuthService final : public auth::Gate {
  public:
    /// Errors: io_failed, storage_corrupt (a file that is not ours).
    [[nodiscard]] static base::Result<std::unique_ptr<AuthService>> open(const std::string& folder,
                                                                         AuthKeys keys,
                                                                         bool is_required);

    [[nodiscard]] bool is_required() const override { return is_required_; }
    [[nodiscard]] base::Result<auth::GrantPtr> check(std::string_view token,
                                                     uint64_t now_ms) const override;
    [[nodiscard]] base::Result<auth::GrantPtr> check_api_key(std::string_view key) const override;
    [[nodiscard]] bool is_revoked(const auth::Grant& grant) const override;
    [[nodiscard]] bool claim_actor(std::string_view subject, uint64_t actor) override;

    /// The keys from now on. The caller has all connections looked at again.
    void replace_keys(AuthKeys keys);
    /// By `jti`, or by `sub` all tokens made until `now_ms`; one of the two is empty. Durable when
    /// it returns. The caller has all connections looked at again.
    [[nodiscard]] base::Status revoke(const std::string& id, const std::string& subject,
                                      uint64_t now_ms);
    /// `{"revocations":[…]}`.
    [[nodiscard]] std::string revocations() const;

  private:
    AuthService(AuthKeys keys, bool is_required);
    [[nodiscard]] std::shared_ptr<const AuthKeys> keys() const;
    [[nodiscard]] base::Status read_revocations(const std::string& path);
    [[nodiscard]] base::Status read_actors(const std::string& path);

    const bool is_required_;
    crypto::GnutlsSignatures signatures_;
    mutable std::mutex mutex_;  ///< for all below
    std::shared_ptr<const AuthKeys> keys_;
    std::unordered_set<uint64_t> prints_;                         ///< of the keys
    std::unordered_map<std::string, uint64_t> revoked_ids_;       ///< and when
    std::unordered_map<std::string, uint64_t> revoked_subjects_;  ///< tokens made until then
    std::unordered_map<uint64_t, uint64_t> owners_;  ///< of actors, by a digest of the subject
    net::UniqueFd revocations_file_;
    net::UniqueFd actors_file_;
};

}  // namespace tandem::server
