// The lint finds joules that an idle machine would pass, and zeros that stand for "not measured".
#include <gtest/gtest.h>

#include "tests/lint_cases.h"

namespace wattline::roofline::lint_energy_test {
namespace {

constexpr const char* kRow = "gemm/512x512x512/f32/cpu";

// 20 W of idle power for 2 s are 40 J; 5 % are left for its drift.
TEST(LintIdleTest, JoulesBelowIdlePowerTimesTime) {
  const auto found = [](std::map<std::string, double> counters) {
    return RulesOf(LintOf(LintResults({LintRow(kRow, std::move(counters), 2)})));
  };
  const std::string finding = std::string("under-idle-power ") + kRow;
  EXPECT_EQ(found({{"joules", 37}, {"idle_watts", 20}}), finding);
  EXPECT_EQ(found({{"joules", 38.5}, {"idle_watts", 20}}), "");
  // Its bounds: the row's own, or with those of the idle power.
  EXPECT_EQ(found({{"joules", 34}, {"joules_err", 5}, {"idle_watts", 20}}), "");
  EXPECT_EQ(found({{"joules", 34}, {"joules_err", 1}, {"idle_watts", 20}}), finding);
  EXPECT_EQ(found({{"joules", 34}, {"joules_err", 1}, {"net_joules_err", 5}, {"idle_watts", 20}}),
            "");
  EXPECT_EQ(found({{"joules", 34}}), "");
}

TEST(LintIdleTest, TheFilesIdlePowerServesRowsWithoutTheirOwn) {
  Results results = LintResults({LintRow(kRow, {{"joules", 30}}, 2)});
  results.machine.idle_watts = 20;
  EXPECT_EQ(RulesOf(LintOf(results)), std::string("under-idle-power ") + kRow);
}

TEST(LintZeroTest, AbsentIsNotZero) {
  const auto zero = [](const std::string& counter) {
    return RulesOf(LintOf(LintResults({LintRow(kRow, {{counter, 0}}, 2)})));
  };
  for (const char* counter :
       {"joules", "watts", "tok/s", "GB/s", "TFLOPS", "J/token", "J:cpu", "J:dram", "J:gpu",
        "cpu_energy", "total_avg_power", "bandwidth_gbs"}) {
    EXPECT_EQ(zero(counter), std::string("zero-for-absent ") + kRow) << counter;
  }
  for (const char* counter :
       {"steal", "unsteady", "joules_err", "net_joules", "check_max_error", "peak_GB", "drift"}) {
    EXPECT_EQ(zero(counter), "") << counter;
  }
}

// A GPU that has nothing to do may read 0 J where there is a meter that reads it.
TEST(LintZeroTest, AnIdleUnitMayHaveNoJoules) {
  Results results = LintResults({LintRow(kRow, {{"J:ane", 0}, {"J:gpu", 0}, {"J:cpu", 3}}, 2)});
  EXPECT_EQ(RulesOf(LintOf(results)), std::string("zero-for-absent ") + kRow);
  results.machine.meters = {{"ioreport", "counter", "chip", {"cpu", "gpu", "ane"}}};
  EXPECT_EQ(RulesOf(LintOf(results)), "");
  results.rows[0].counters["J:cpu"] = 0;
  EXPECT_EQ(RulesOf(LintOf(results)), std::string("zero-for-absent ") + kRow);
}

TEST(LintZeroTest, SpreadsOfRepetitionsMayBeZero) {
  Row deviation = LintRow(kRow, {{"TFLOPS", 0}}, 0);
  deviation.aggregate = "stddev";
  EXPECT_EQ(RulesOf(LintOf(LintResults({deviation}))), "");
  Row failed = LintRow(kRow, {{"TFLOPS", 0}}, 0);
  failed.error = "no memory";
  EXPECT_EQ(RulesOf(LintOf(LintResults({failed}))), "");
}

TEST(LintZeroTest, ACeilingOfZero) {
  Results results = LintResults({});
  results.machine.ceilings["read"] = 0;
  EXPECT_EQ(RulesOf(LintOf(results)), "zero-for-absent context.ceilings");
}

// TokenPowerBench's vLLM result: CPU, DRAM and total energy are 0.0 where they could not be read.
TEST(LintZeroTest, TokenPowerBench) {
  const ReadResult read = ReadResults(WATTLINE_SOURCE_DIR "/tests/data/token_power_bench.json");
  ASSERT_TRUE(read.results) << read.error;
  const std::vector<Finding> findings = LintOf(*read.results);
  ASSERT_EQ(RulesOf(findings), "zero-for-absent decode/llama-3.1-8b/batch:512/vllm");
  EXPECT_EQ(findings[0].what, "J/token, J:cpu, J:dram, joules: 0");
  Results corrected = *read.results;
  for (const char* counter : {"J/token", "J:cpu", "J:dram", "joules"}) {
    corrected.rows[0].counters.erase(counter);
  }
  EXPECT_EQ(RulesOf(LintOf(corrected)), "");
}

}  // namespace
}  // namespace wattline::roofline::lint_energy_test
