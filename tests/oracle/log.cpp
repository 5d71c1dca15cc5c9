#include "oracle/log.hpp"

#include <algorithm>

namespace tandem::oracle {

Log::Log(std::string first_epoch) { epochs_.emplace_back(std::move(first_epoch), 0); }

int64_t Log::acked_counter(int64_t actor) const {
    const auto found = version_vector_.find(actor);
    return found == version_vector_.end() ? 0 : found->second;
}

int64_t Log::effective_base(const json& base) const {
    if (base.is_null()) return head();
    if (base.is_number()) return base.get<int64_t>();
    int64_t seq = base.at("seq").get<int64_t>();
    size_t at = 0;
    while (at < epochs_.size() && epochs_[at].first != base.at("epoch").get<std::string>())
        ++at;
    if (at == epochs_.size()) return 0;
    for (size_t later = at + 1; later < epochs_.size(); ++later) {
        seq = std::min(seq, epochs_[later].second);
    }
    return seq;
}

json Log::push(const json& push, int64_t now_ms) {
    const int64_t actor = push.at("actor").get<int64_t>();
    const int64_t acked = acked_counter(actor);
    const bool has_counter = push.value("counter", int64_t{0}) > 0;
    const int64_t counter = has_counter ? push["counter"].get<int64_t>() : acked + 1;
    const bool own = push.value("own", true);
    const json pushed = push.value("ops", json::array());

    if (counter <= acked) {
        const Outcome& outcome = outcomes_.at({actor, counter});
        if (push.value("skip", false)) {
            if (outcome.seq == 0) return {{"answer", "skipped"}};
            return {{"answer", "duplicate"}, {"seq", outcome.seq}};
        }
        if (outcome.seq == 0) return {{"answer", "refused"}, {"code", "skipped"}};
        if (outcome.ops != json::array({pushed, push.value("base", json())})) {
            return {{"answer", "refused"}, {"code", "actor_forked"}};
        }
        return {{"answer", "duplicate"}, {"seq", outcome.seq}};
    }
    if (counter > acked + 1) {
        return {{"answer", "refused"}, {"code", "counter_gap"}, {"expected", acked + 1}};
    }
    if (push.value("skip", false)) {
        version_vector_[actor] = counter;
        outcomes_[{actor, counter}] = {0, json()};
        return {{"answer", "skipped"}};
    }

    for (const json& op : pushed) {
        const int resolver = op.value("resolver", 0);
        if (op.value("decides", false) && resolver != 7 && resolver != 8) {
            return {{"answer", "refused"}, {"code", "invalid_argument"}};
        }
    }
    json ops = json::array();
    for (json op : pushed) {
        const json base = op.contains("base") ? op["base"] : push.value("base", json());
        const int64_t effective = effective_base(base);
        if (effective > head()) return {{"answer", "refused"}, {"code", "base_in_future"}};
        op["base"] = effective;
        ops.push_back(std::move(op));
    }
    const int64_t push_base = effective_base(push.value("base", json()));
    if (push_base > head()) return {{"answer", "refused"}, {"code", "base_in_future"}};
    for (const auto& path : push.value("if_unchanged", json::array())) {
        if (changed_by_others(path.get<std::string>(), push_base, actor, own)) {
            return {{"answer", "refused"}, {"code", "precondition_failed"}};
        }
    }

    for (const auto& op : ops) {
        if (!op.value("decides", false)) continue;
        for (const auto& s : oracle_.siblings(op["path"].get<std::string>())) {
            const bool is_own = own && s["dot"][0] == actor;
            if (s["seq"] > op["base"] && !is_own) {
                return {{"answer", "refused"}, {"code", "precondition_failed"}};
            }
        }
    }

    json stamp = push.value("stamp", json::array({now_ms, 0}));
    if (stamp[0].get<int64_t>() > now_ms) stamp[0] = now_ms;
    json entry = {{"seq", head() + 1}, {"actor", actor}, {"counter", counter},
                  {"stamp", stamp},    {"own", own},     {"ops", ops}};
    version_vector_[actor] = counter;
    outcomes_[{actor, counter}] = {head() + 1, json::array({pushed, push.value("base", json())})};
    oracle_.apply(entry);
    entries_.push_back(std::move(entry));
    return {{"answer", "ack"}, {"seq", head()}, {"counter", counter}, {"stamp", stamp}};
}

bool Log::changed_by_others(const std::string& path, int64_t base, int64_t actor, bool own) const {
    Oracle replay;
    for (const json& entry : entries_) {
        const json before = replay.shown(path);
        replay.apply(entry);
        const bool is_news = entry["seq"] > base && !(own && entry["actor"] == actor);
        // A discarded value never equals anything, itself included.
        const json after = replay.shown(path);
        if (is_news && (before.is_discarded() != after.is_discarded() ||
                        (!after.is_discarded() && before != after))) {
            return true;
        }
    }
    return false;
}

void Log::move_floor(int64_t floor) {
    json entry = {{"seq", head() + 1},    {"actor", 0},   {"counter", 0},
                  {"ops", json::array()}, {"own", false}, {"floor", floor}};
    oracle_.apply(entry);
    entries_.push_back(std::move(entry));
}

void Log::restore(int64_t seq, const std::string& epoch) {
    entries_.resize(static_cast<size_t>(std::min(seq, head())));
    epochs_.emplace_back(epoch, head());
    rebuild();
}

void Log::rebuild() {
    oracle_ = Oracle{};
    version_vector_.clear();
    for (const json& entry : entries_) {
        oracle_.apply(entry);
        const int64_t actor = entry["actor"].get<int64_t>();
        if (actor != 0) version_vector_[actor] = entry["counter"].get<int64_t>();
    }
    std::erase_if(outcomes_, [&](const auto& outcome) {
        const auto& [actor, counter] = outcome.first;
        return counter > acked_counter(actor);
    });
}

}  // namespace tandem::oracle
