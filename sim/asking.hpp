#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hub/requests.hpp"
#include "sim/profile.hpp"

namespace tandem::sim {

class World;
struct ShadowChannel;

/// A program that asks the hub, as the HTTP API does, and judges what it is told.
class Asking {
  public:
    Asking(World& world, uint64_t dice) : world_(world), dice_(dice) {}
    virtual ~Asking() = default;

  protected:
    /// What was known of the channel when the question was put.
    struct Then {
        std::string channel;
        uint64_t cuts = 0;
        uint64_t head = 0;
    };
    using Judge = std::function<void(const hub::Reply&, const Then&)>;
    /// The answer is judged unless the server's process ended meanwhile, the log was cut, or the
    /// server says that it cannot answer now.
    void ask(const std::string& channel, hub::Request request, Judge judge);

    ShadowChannel& log(const std::string& channel);
    void violate(std::string_view invariant, const Then& then, const std::string& detail);
    /// An error that none of the reasons allows.
    void violate_refusal(const hub::Reply& reply, const Then& then, const std::string& what);
    /// A seq whose state there is, or was.
    uint64_t any_seq(const std::string& channel);

    World& world_;
    Dice dice_;
};

}  // namespace tandem::sim
