#pragma once

#include <cstdint>

#include "clock/stamp.hpp"

namespace tandem::clock {

// A hybrid logical clock after Kulkarni et al., "Logical Physical Clocks" (2014). It follows the
// wall clock that is passed in, never runs backwards, and stays above every stamp it has received.
class Hlc {
  public:
    explicit Hlc(uint64_t actor) : actor_(actor) {}
    // Continues above `last`, for example the highest stamp of a stored outbox.
    Hlc(uint64_t actor, const Stamp& last) : actor_(actor), ms_(last.ms), logical_(last.logical) {}

    // A stamp for a write at `now_ms`: above all earlier ones and above all received ones.
    Stamp tick(uint64_t now_ms);

    // Takes note of another writer's stamp. Stamps that a server has stored never lead its clock,
    // so a replica that only hears from servers cannot be pulled into the future.
    void receive(const Stamp& remote);

    // The last stamp given or received.
    Stamp last() const { return {ms_, logical_, actor_}; }

  private:
    uint64_t actor_;
    uint64_t ms_ = 0;
    uint32_t logical_ = 0;
};

}  // namespace tandem::clock
