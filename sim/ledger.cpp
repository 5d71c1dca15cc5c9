#include "sim/ledger.hpp"

#include <utility>

#include "hub/channel.hpp"

namespace tandem::sim {

size_t Ledger::add(Issue issue) {
    issues_.push_back(std::move(issue));
    return issues_.size() - 1;
}

std::string Ledger::note_sent(size_t device, const wire::Push& frame, size_t issue) {
    const uint64_t digest = hub::digest_of(frame.ops);
    const auto [at, is_new] = contents_.try_emplace(
        {device, frame.channel, frame.actor, frame.counter}, std::pair(digest, frame.skip));
    auto& [known_digest, known_skip] = at->second;
    if (!is_new && !frame.skip && (known_skip || known_digest != digest))
        return "push " + std::to_string(frame.actor) + "." + std::to_string(frame.counter) +
               " of " + frame.channel + " was sent with two contents";
    if (frame.skip) known_skip = true;
    auto [sent, is_first] = sent_.try_emplace({frame.channel, frame.actor, frame.counter, digest});
    if (!is_first) return {};
    sent->second.issue = issue;
    if (auto ops = record::decode_ops(frame.ops, record::Form::pushed))
        sent->second.ops = *std::move(ops);
    return {};
}

size_t Ledger::issue_of(const std::string& channel, const port::StoredEntry& entry) const {
    if (entry.counter == 0) return kNone;
    const auto numbered = sent_.find({channel, entry.actor, entry.counter, entry.digest});
    if (numbered != sent_.end()) return numbered->second.issue;
    const auto other = unnumbered_.find({channel, entry.digest});
    return other == unnumbered_.end() ? kNone : other->second;
}

const std::vector<record::Op>* Ledger::ops_of(const std::string& channel,
                                              const port::StoredEntry& entry) const {
    const auto found = sent_.find({channel, entry.actor, entry.counter, entry.digest});
    return found == sent_.end() ? nullptr : &found->second.ops;
}

void Ledger::note_logged(const std::string& channel, const port::StoredEntry& entry) {
    const size_t index = issue_of(channel, entry);
    if (index == kNone) return;
    Issue& issue = issues_[index];
    issue.in_log++;
    own_[{channel, issue.device}] += issue.own;
}

void Ledger::note_cut(const std::string& channel, const port::StoredEntry& entry) {
    const size_t index = issue_of(channel, entry);
    if (index == kNone) return;
    Issue& issue = issues_[index];
    issue.in_log--;
    issue.was_cut = true;
    own_[{channel, issue.device}] -= issue.own;
}

int64_t Ledger::own_in_log(const std::string& channel, size_t device) const {
    const auto found = own_.find({channel, device});
    return found == own_.end() ? 0 : found->second;
}

}  // namespace tandem::sim
