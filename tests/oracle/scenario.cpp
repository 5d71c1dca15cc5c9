#include "oracle/scenario.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "oracle/log.hpp"

namespace tandem::oracle {

namespace {

class OracleSubject final : public ScenarioSubject {
  public:
    json push(const json& push, int64_t now_ms) override { return log_.push(push, now_ms); }
    void move_floor(int64_t floor) override { log_.move_floor(floor); }
    void restore(int64_t seq, const std::string& epoch) override { log_.restore(seq, epoch); }
    json shown() const override { return log_.oracle().shown(); }
    json siblings(const std::string& path) const override { return log_.oracle().siblings(path); }
    json journal() const override { return log_.oracle().journal(); }

  private:
    Log log_{kFirstEpoch};
};

class Player {
  public:
    Player(const json& scenario, ScenarioSubject& subject)
        : scenario_(scenario), subject_(subject), now_(scenario.value("now", int64_t{1000000})) {}

    ScenarioResult run() {
        for (const auto& step : scenario_.at("arrivals")) {
            ++step_;
            if (step.contains("restore") && !subject_.can_restore()) {
                result_.skipped = true;
                return result_;
            }
            arrive(step);
        }
        step_ = 0;
        if (scenario_.contains("expect")) expect(scenario_["expect"]);
        return result_;
    }

  private:
    void arrive(const json& step) {
        if (step.contains("now")) now_ = step["now"].get<int64_t>();
        if (step.contains("restore")) {
            subject_.restore(step["restore"]["seq"].get<int64_t>(), step["restore"]["epoch"]);
        } else if (step.contains("floor")) {
            subject_.move_floor(step["floor"].get<int64_t>());
        } else if (step.contains("from")) {
            push(step);
        }
        if (step.contains("expect")) expect(step["expect"]);
    }

    void push(const json& step) {
        const json client = scenario_.at("clients").at(step["from"].get<std::string>());
        json push = {{"actor", client.at("actor")}, {"own", !client.value("server", false)}};
        for (const char* member : {"counter", "base", "ops", "if_unchanged", "skip"}) {
            if (step.contains(member)) push[member] = step[member];
        }
        if (push.contains("ops")) {
            for (auto& op : push["ops"]) {
                if (op.contains("generation")) op["generation"] = with_actor(op["generation"]);
            }
        }
        push["stamp"] = {step.value("clock", now_), step.value("logical", int64_t{0})};
        const json answer = subject_.push(push, now_);
        const json wanted = step.value("answer", json{{"answer", "ack"}});
        for (const auto& [member, value] : wanted.items()) {
            if (!answer.contains(member) || answer[member] != value) {
                fail("answer " + answer.dump() + ", expected " + wanted.dump());
                return;
            }
        }
    }

    // ["ann", 3] for [11, 3]; numbers stay.
    json with_actor(json dot) const {
        if (dot[0].is_string()) {
            dot[0] = scenario_.at("clients").at(dot[0].get<std::string>()).at("actor");
        }
        return dot;
    }

    void expect(const json& wanted) {
        if (wanted.contains("shown") && normal(subject_.shown()) != normal(wanted["shown"])) {
            fail("shown " + subject_.shown().dump() + ", expected " + wanted["shown"].dump());
        }
        const json all_siblings = wanted.value("siblings", json::object());
        for (const auto& [path, siblings] : all_siblings.items()) {
            json actual = json::array();
            json named = json::array();
            for (const auto& s : subject_.siblings(path)) {
                actual.push_back({{"value", s["value"]}, {"dot", s["dot"]}});
            }
            for (const auto& s : siblings) {
                named.push_back({{"value", s["value"]}, {"dot", with_actor(s["dot"])}});
            }
            if (normal(actual) != normal(named)) {
                fail("siblings of '" + path + "' " + actual.dump() + ", expected " + named.dump());
            }
        }
        if (wanted.contains("journal")) expect_journal(wanted["journal"]);
    }

    // Every row must be named, and every member that a named row gives must be right.
    void expect_journal(const json& wanted) {
        json rows = subject_.journal();
        for (const json& want : wanted) {
            const auto found = std::find_if(rows.begin(), rows.end(), [&](const json& row) {
                return row["path"] == want["path"] && row["reason"] == want["reason"] &&
                       row["dot"] == with_actor(want["dot"]);
            });
            if (found == rows.end()) {
                fail("no journal row " + want.dump() + " in " + rows.dump());
                continue;
            }
            for (const char* member : {"value", "loser_seq", "seq", "closed_seq"}) {
                if (want.contains(member) && normal((*found)[member]) != normal(want[member])) {
                    fail("journal row " + found->dump() + ", expected " + want.dump());
                }
            }
            const json decided_by =
                want.contains("decided_by") ? with_actor(want["decided_by"]) : json();
            if (found->value("decided_by", json()) != decided_by) {
                fail("journal row " + found->dump() + ", expected " + want.dump());
            }
            if ((found->at("closed_seq") == 0) != (want["state"] == "open")) {
                fail("journal row " + found->dump() + " should be " + want["state"].dump());
            }
            rows.erase(found);
        }
        for (const json& row : rows)
            fail("unexpected journal row " + row.dump());
    }

    void fail(const std::string& what) {
        result_.failures.push_back(
            (step_ == 0 ? std::string("at the end: ") : "arrival " + std::to_string(step_) + ": ") +
            what);
    }

    const json& scenario_;
    ScenarioSubject& subject_;
    int64_t now_;
    size_t step_ = 0;
    ScenarioResult result_;
};

}  // namespace

std::unique_ptr<ScenarioSubject> make_oracle_subject() { return std::make_unique<OracleSubject>(); }

ScenarioResult play(const json& scenario, ScenarioSubject& subject) {
    return Player(scenario, subject).run();
}

std::vector<std::string> json_files(const std::string& folder) {
    std::vector<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        if (file.path().extension() == ".json") files.push_back(file.path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
}

json read_json(const std::string& file) {
    std::ifstream in(file);
    return json::parse(in);
}

}  // namespace tandem::oracle
