#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/network.hpp"
#include "sim/profile.hpp"

namespace tandem::sim {

/// Sends what must be refused, for each reason there is, in either codec. Each refusal must name
/// its reason, and what is refused must not be acknowledged.
class Vandal final : public Endpoint {
  public:
    Vandal(World& world, uint64_t dice) : world_(world), dice_(dice) {}
    void start();

    void handle_open(uint64_t connection) override;
    void handle_close(uint64_t connection) override;
    void handle_message(uint64_t connection, std::string_view message) override;

  private:
    struct Crime {
        std::string message;
        std::vector<std::string> codes;  ///< any of them is right; none: it is no crime
    };
    void dial();
    void act();
    Crime any_json(const std::string& channel);
    Crime any_binary(const std::string& channel);

    World& world_;
    Dice dice_;
    hub::Codec codec_ = hub::Codec::json;
    uint64_t connection_ = 0;
    bool is_open_ = false;
    Crime last_;
    bool is_waiting_ = false;
    uint64_t sent_at_ms_ = 0;
};

}  // namespace tandem::sim
