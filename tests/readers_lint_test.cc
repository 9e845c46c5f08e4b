// What other programs' files get wrong is kept by the readers, so that the lint catches it.
#include <gtest/gtest.h>

#include "tests/lint_cases.h"
#include "tests/read_foreign.h"

namespace wattline::roofline::readers_lint_test {
namespace {

// Rules that fire on a file, each with the row or claim.
std::vector<std::string> Fired(const std::vector<Results>& files) {
  std::vector<std::string> fired;
  for (const Finding& finding : LintOf(files)) {
    fired.push_back(finding.rule + ": " + finding.where + ": " + finding.what);
  }
  return fired;
}

bool Has(const std::vector<std::string>& fired, const std::string& rule, const std::string& part) {
  for (const std::string& one : fired) {
    if (one.rfind(rule + ": ", 0) == 0 && one.find(part) != std::string::npos) return true;
  }
  for (const std::string& one : fired) ADD_FAILURE() << one;
  return false;
}

TEST(LintOfForeignFiles, FindsZerosThatWereNotMeasured) {
  EXPECT_TRUE(Has(Fired({ReadForeign("vllm_models--Llama-3.2-3B_1_5_20250603_052030.json")}),
                  "zero-for-absent", "J:cpu, J:dram"));
  EXPECT_TRUE(
      Has(Fired({ReadForeign("M5/pytorch_mps_benchmarks.json")}), "zero-for-absent", "GB/s"));
}

TEST(LintOfForeignFiles, FindsGibCalledGb) {
  EXPECT_TRUE(Has(Fired({ReadForeign("M5/memory_benchmarks.json")}), "gib-as-gb", "size_GB"));
}

TEST(LintOfForeignFiles, FindsOperationsHeldConstant) {
  EXPECT_TRUE(Has(Fired({ReadForeign("M5/layer_benchmark_float16.json")}), "flop-held-constant",
                  "layer:mistral-7b-mha"));
}

TEST(LintOfForeignFiles, FindsTheColdRunInAMean) {
  EXPECT_TRUE(Has(Fired({ReadForeign("prefill_results.json")}), "cold-first-run", "prefill:871"));
}

TEST(LintOfForeignFiles, FindsTheBandwidthThatIsNotTheVendors) {
  EXPECT_TRUE(Has(Fired({ReadForeign("M5/mfu_utilization.json")}), "spec-differs", "200"));
}

TEST(LintOfForeignFiles, FindsNothingInASoundFile) {
  EXPECT_TRUE(Fired({ReadForeign("llama_bench_cpu.json")}).empty());
}

}  // namespace
}  // namespace wattline::roofline::readers_lint_test
