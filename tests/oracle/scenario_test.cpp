#include "oracle/scenario.hpp"

#include <filesystem>

#include <gtest/gtest.h>

namespace tandem::oracle {
namespace {

class Scenario : public testing::Test {
  public:
    explicit Scenario(std::string file) : file_(std::move(file)) {}
    void TestBody() override {
        const auto subject = make_oracle_subject();
        const json scenario = read_json(file_);
        ASSERT_TRUE(scenario.contains("title") && scenario.contains("why"));
        const ScenarioResult result = play(scenario, *subject);
        EXPECT_FALSE(result.skipped);
        for (const std::string& failure : result.failures)
            ADD_FAILURE() << failure;
    }

  private:
    std::string file_;
};

TEST(Scenarios, AreAllThere) { EXPECT_GE(json_files(TANDEM_SCENARIOS).size(), 30u); }

TEST(Scenarios, PlayerSeesAWrongExpectation) {
    const json scenario = json::parse(R"({
        "clients": {"ann": {"actor": 1}},
        "arrivals": [{"from": "ann", "counter": 1, "base": 0, "answer": {"seq": 2},
                      "ops": [{"op": "set", "path": "a", "value": 1}]}],
        "expect": {"shown": {"a": 2}, "siblings": {"a": []},
                   "journal": [{"path": "a", "reason": "value", "dot": ["ann", 1],
                                "state": "open"}]}})");
    EXPECT_EQ(play(scenario, *make_oracle_subject()).failures.size(), 4u);
}

// One test per file, so that a failing scenario is named by the report.
const bool kRegistered = [] {
    for (const std::string& file : json_files(TANDEM_SCENARIOS)) {
        const std::string name = std::filesystem::path(file).stem().string();
        testing::RegisterTest("Scenario", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                              [file]() -> Scenario* { return new Scenario(file); });
    }
    return true;
}();

}  // namespace
}  // namespace tandem::oracle
