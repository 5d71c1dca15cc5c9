#include "net/address_limits.hpp"

namespace tandem::net {

using base::ErrorCode;

namespace {

constexpr unsigned kV6CustomerBits = 64;

}  // namespace

base::Result<AddressLimits::Rows::iterator> AddressLimits::row_of(const IpAddress& address) {
    const IpAddress key = address.is_v4() ? address : address.prefix(kV6CustomerBits);
    const auto found = index_.find(key);
    if (found != index_.end()) {
        const auto row = found->second;
        if (row->connections == 0) idle_.splice(idle_.end(), idle_, row);
        return row;
    }
    if (index_.size() >= options_.addresses_max) {
        if (idle_.empty()) return base::fail(ErrorCode::overloaded);
        index_.erase(idle_.front().key);
        idle_.pop_front();
    }
    idle_.emplace_back().key = key;
    const auto row = std::prev(idle_.end());
    index_.emplace(key, row);
    return row;
}

base::Result<AddressLimits::Lease> AddressLimits::connect(const IpAddress& address,
                                                          uint64_t now_ms) {
    if (!counts(address)) return Lease();
    const std::lock_guard lock(mutex_);
    TANDEM_TRY(const auto row, row_of(address));
    if (row->connections >= options_.connections_max)
        return base::fail(ErrorCode::too_many_connections, options_.connections_max);
    if (!row->new_connections.take(options_.connections, now_ms))
        return base::fail(ErrorCode::rate_limited,
                          row->new_connections.wait_ms(options_.connections, 1));
    if (row->connections++ == 0) busy_.splice(busy_.end(), idle_, row);
    return Lease(*this, row);
}

base::Status AddressLimits::request(const IpAddress& address, uint64_t now_ms) {
    if (!counts(address) || !options_.requests.is_limited()) return {};
    const std::lock_guard lock(mutex_);
    TANDEM_TRY(const auto row, row_of(address));
    if (row->requests.take(options_.requests, now_ms)) return {};
    return base::fail(ErrorCode::rate_limited, row->requests.wait_ms(options_.requests, 1));
}

void AddressLimits::release(Rows::iterator row) {
    const std::lock_guard lock(mutex_);
    if (--row->connections == 0) idle_.splice(idle_.end(), busy_, row);
}

size_t AddressLimits::addresses() const {
    const std::lock_guard lock(mutex_);
    return index_.size();
}

}  // namespace tandem::net
