#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <utility>

#include "base/result.hpp"
#include "base/token_bucket.hpp"
#include "net/ip_address.hpp"

namespace tandem::net {

/// Counts what each address does, for all event loops of a server. An IPv6 address stands for its
/// /64, which is what one customer gets at least. Any thread may call.
class AddressLimits {
  public:
    enum class Loopback : uint8_t { spared, counted };

    struct Options {
        size_t connections_max = 100;
        base::Rate connections{20, 20};  ///< new ones
        base::Rate requests{200, 400};   ///< of HTTP; each handshake of a WebSocket is one
        /// Rows of the table. The ones that have been idle for longest give way to new ones; where
        /// all have connections, others are refused.
        size_t addresses_max = 131'072;
        Loopback loopback = Loopback::spared;
    };

  private:
    struct Row;
    using Rows = std::list<Row>;

  public:
    explicit AddressLimits(Options options) : options_(options) {}
    AddressLimits(const AddressLimits&) = delete;
    AddressLimits& operator=(const AddressLimits&) = delete;

    /// One connection, counted until this goes. Must not outlive the limits.
    class Lease {
      public:
        Lease() = default;
        Lease(Lease&& other) noexcept
            : limits_(std::exchange(other.limits_, nullptr)), row_(other.row_) {}
        Lease& operator=(Lease&& other) noexcept {
            std::swap(limits_, other.limits_);
            std::swap(row_, other.row_);
            return *this;
        }
        ~Lease() {
            if (limits_ != nullptr) limits_->release(row_);
        }

      private:
        friend class AddressLimits;
        Lease(AddressLimits& limits, Rows::iterator row) : limits_(&limits), row_(row) {}
        AddressLimits* limits_ = nullptr;
        Rows::iterator row_;
    };

    /// Errors: too_many_connections with the limit, rate_limited with the milliseconds to wait,
    /// overloaded when the table is full.
    [[nodiscard]] base::Result<Lease> connect(const IpAddress& address, uint64_t now_ms);
    /// Errors: rate_limited with the milliseconds to wait, overloaded.
    [[nodiscard]] base::Status request(const IpAddress& address, uint64_t now_ms);
    /// Whether limits of connections hold for `address` as well.
    [[nodiscard]] bool counts(const IpAddress& address) const {
        return options_.loopback == Loopback::counted || !address.is_loopback();
    }
    /// Rows of the table now.
    [[nodiscard]] size_t addresses() const;

  private:
    struct Row {
        IpAddress key;
        size_t connections = 0;
        base::TokenBucket new_connections;
        base::TokenBucket requests;
    };

    base::Result<Rows::iterator> row_of(const IpAddress& address);
    void release(Rows::iterator row);

    const Options options_;
    mutable std::mutex mutex_;
    std::map<IpAddress, Rows::iterator> index_;  ///< ordered: no addresses make it slow
    Rows busy_;                                  ///< those with connections
    Rows idle_;                                  ///< the others, the one idle for longest first
};

}  // namespace tandem::net
