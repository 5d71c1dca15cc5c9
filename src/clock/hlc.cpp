#include "clock/hlc.hpp"

namespace tandem::clock {

Stamp Hlc::tick(uint64_t now_ms) {
    Stamp next = now_ms > ms_ ? Stamp{now_ms, 0, actor_} : just_above(last(), actor_);
    ms_ = next.ms;
    logical_ = next.logical;
    return next;
}

void Hlc::receive(const Stamp& remote) {
    if (remote.ms > ms_ || (remote.ms == ms_ && remote.logical > logical_)) {
        ms_ = remote.ms;
        logical_ = remote.logical;
    }
}

}  // namespace tandem::clock
