#include "hooks/plan.hpp"

#include <algorithm>

namespace tandem::hooks {

uint64_t newest_epoch(const port::HookFeed& feed) {
    return feed.epochs.empty() ? 0 : feed.epochs.back().epoch;
}

Step next_step(const port::HookFeed& feed) {
    Step step;
    if (feed.epochs.empty()) return step;
    step.from = feed.at.value_or(port::HookPosition{feed.epochs.front().epoch, 0});
    step.to = step.from;
    const uint64_t seq = step.from.seq;
    if (seq > feed.head) {
        // A cursor of another store.
        step.kind = Step::Kind::reset;
        step.to = {newest_epoch(feed), feed.head};
        return step;
    }
    // The history that what follows the cursor belongs to, and where that history ends.
    uint64_t epoch = feed.epochs.front().epoch;
    uint64_t end = feed.head;
    for (const port::EpochFork& fork : feed.epochs) {
        if (fork.fork_seq <= seq)
            epoch = fork.epoch;
        else {
            end = std::min(end, fork.fork_seq);
            break;
        }
    }
    if (step.from.epoch != epoch) {
        step.kind = Step::Kind::reset;
        step.to = {epoch, seq};
        return step;
    }
    if (seq == feed.head) return step;
    if (feed.oldest_seq == 0 || feed.oldest_seq > seq + 1) {
        step.kind = Step::Kind::gap;
        const uint64_t lost = feed.oldest_seq == 0 ? feed.head : feed.oldest_seq - 1;
        step.to.seq = std::min(lost, end);
        const bool is_gone = !feed.exists || step.to.seq <= feed.begin_seq;
        step.cause = is_gone ? Step::Cause::deleted : Step::Cause::trimmed;
        return step;
    }
    for (const port::StoredEntry& entry : feed.entries) {
        if (entry.seq != seq + step.count + 1 || entry.seq > end) break;
        step.count++;
    }
    step.kind = step.count > 0 ? Step::Kind::entries : Step::Kind::broken;
    step.to.seq = seq + step.count;
    return step;
}

}  // namespace tandem::hooks
