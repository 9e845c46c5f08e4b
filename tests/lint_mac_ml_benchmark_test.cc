// The nine errors in the data of mac-ml-benchmark (M5, M4 Pro): each is caught, and gone once it is
// corrected. Its figures and claims are re-typed in tests/data/mac_ml_benchmark_*.json.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/lint_cases.h"

namespace wattline::roofline::lint_mac_ml_benchmark_test {
namespace {

using Json = nlohmann::ordered_json;

Json Load(const std::string& file) {
  std::ifstream in(WATTLINE_SOURCE_DIR "/tests/data/" + file);
  return Json::parse(std::string(std::istreambuf_iterator<char>(in), {}));
}

struct Suite {
  Json m5 = Load("mac_ml_benchmark_m5.json");
  Json m4_pro = Load("mac_ml_benchmark_m4_pro.json");

  std::vector<Finding> Findings() const {
    std::vector<Results> files;
    for (const auto& [json, path] : {std::pair{&m5, "m5.json"}, std::pair{&m4_pro, "m4.json"}}) {
      ReadResult read = ParseResults(json->dump(), path);
      EXPECT_TRUE(read.results) << read.error;
      if (read.results) files.push_back(std::move(*read.results));
    }
    const LintResult result = Lint({files, nullptr, {}, {}, Vendors()});
    EXPECT_EQ(result.error, "");
    return result.findings;
  }
  // Of this rule in this file, where `place` is part of its place.
  int Count(const std::string& rule, const std::string& file, const std::string& place) const {
    const std::vector<Finding> all = Findings();
    return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const Finding& one) {
      return one.rule == rule && one.file == file && one.where.find(place) != std::string::npos;
    }));
  }
};

// The claim of this kind about this chip; an empty one for the file's own.
Json& ClaimIn(Json& file, const std::string& what, const std::string& chip = {}) {
  for (Json& claim : file["context"]["claims"]) {
    if (claim["what"] == what && claim.value("chip", "") == chip) return claim;
  }
  throw std::runtime_error("no claim of " + what);
}

template <typename Chosen>
void DropRows(Json& file, Chosen chosen) {
  Json kept = Json::array();
  for (const Json& row : file["benchmarks"]) {
    if (!chosen(row)) kept.push_back(row);
  }
  file["benchmarks"] = kept;
}

bool NameHolds(const Json& row, const std::string& part) {
  return row["name"].get<std::string>().find(part) != std::string::npos;
}

void CorrectRead(Suite& suite) {
  ClaimIn(suite.m5, "read")["value"] = 114.1;
  ClaimIn(suite.m5, "ridge")["value"] = 121.3;
}
// Writes of 46 to 114 GB/s that no one can use.
void DropSwings(Suite& suite) {
  DropRows(suite.m5, [](const Json& row) { return NameHolds(row, "ceiling/write/"); });
}
void CorrectInference(Suite& suite) { ClaimIn(suite.m4_pro, "decode")["what"] = "prefill"; }
void CorrectSpeedup(Suite& suite) { ClaimIn(suite.m4_pro, "speedup")["value"] = 1.5; }
void CorrectSpec(Suite& suite) {
  ClaimIn(suite.m5, "spec_bandwidth")["value"] = 153;
  ClaimIn(suite.m5, "gpu_cores")["value"] = 10;
}
void CorrectSparse(Suite& suite) {
  ClaimIn(suite.m5, "peak", "H100")["value"] = 989;
  ClaimIn(suite.m5, "ridge", "H100")["value"] = 295;
  ClaimIn(suite.m5, "peak", "B200")["value"] = 2250;
  ClaimIn(suite.m5, "ridge", "B200")["value"] = 281;
}
void DropConstantFlop(Suite& suite) {
  DropRows(suite.m5, [](const Json& row) {
    return NameHolds(row, "layer:mistral-7b/tokens:") && NameHolds(row, "/mlx");
  });
}
void CorrectPeak(Suite& suite) {
  ClaimIn(suite.m5, "peak")["value"] = 14.15;
  Json& ridge = ClaimIn(suite.m5, "ridge");
  ridge["value"] = ridge["value"].get<double>() * 14.15 / 13.84;
}
void CorrectMean(Suite& suite) {
  for (Json& row : suite.m4_pro["benchmarks"]) {
    const bool is_mean = row.value("aggregate_name", "") == "mean";
    if (is_mean && NameHolds(row, "prefill:disaggregated")) row["real_time"] = 2603;
  }
}
void CorrectSizes(Suite& suite) {
  for (Json* file : {&suite.m5, &suite.m4_pro}) {
    for (Json& row : (*file)["benchmarks"]) {
      if (row.contains("size_GB")) row["size_GB"] = row["size_GB"].get<double>() * 1.073741824;
    }
  }
}
void DropZeros(Suite& suite) {
  for (Json* file : {&suite.m5, &suite.m4_pro}) {
    for (Json& row : (*file)["benchmarks"]) {
      if (row.contains("GB/s") && row["GB/s"] == 0) row.erase("GB/s");
    }
  }
}

TEST(MacMlBenchmarkTest, Error1TheM5ReadFigureIsTheCopy) {
  Suite suite;
  EXPECT_EQ(suite.Count("copy-as-read", "m5.json", "read 118.4 GB/s"), 1);
  EXPECT_EQ(suite.Count("copy-as-read", "m5.json", "ridge 116.9 FLOP/byte"), 1);
  EXPECT_EQ(suite.Count("copy-as-read", "m4.json", ""), 0);  // it uses reads
  EXPECT_EQ(suite.Count("rate-swings", "m5.json", "ceiling/write/"), 1);
  CorrectRead(suite);
  DropSwings(suite);
  EXPECT_EQ(suite.Count("copy-as-read", "m5.json", ""), 0);
  EXPECT_EQ(suite.Count("rate-swings", "m5.json", ""), 0);
}

TEST(MacMlBenchmarkTest, Error2TheM4ProInferenceRateIsAPrefill) {
  Suite suite;
  EXPECT_EQ(suite.Count("prefill-as-decode", "m4.json", "decode 368 tok/s"), 1);
  // Without the row of that prefill, the bandwidth still says that it cannot be decode.
  Suite without;
  DropRows(without.m4_pro, [](const Json& row) { return NameHolds(row, "prefill:512"); });
  EXPECT_EQ(without.Count("decode-above-bandwidth", "m4.json", "decode 368 tok/s"), 1);
  CorrectInference(suite);
  EXPECT_EQ(suite.Count("prefill-as-decode", "m4.json", ""), 0);
  EXPECT_EQ(suite.Count("decode-above-bandwidth", "m4.json", ""), 0);
}

TEST(MacMlBenchmarkTest, Error3TheSpeedUpIsTheBandwidths) {
  Suite suite;
  const std::vector<Finding> all = suite.Findings();
  const auto found = std::find_if(
      all.begin(), all.end(), [](const Finding& one) { return one.rule == "speedup-not-of-rows"; });
  ASSERT_NE(found, all.end());
  EXPECT_NE(found->what.find("run 1.5 times as fast"), std::string::npos) << found->what;
  EXPECT_NE(found->what.find("bandwidths"), std::string::npos) << found->what;
  CorrectSpeedup(suite);
  EXPECT_EQ(suite.Count("speedup-not-of-rows", "m4.json", ""), 0);
}

TEST(MacMlBenchmarkTest, Error4TheVendorsFiguresAreOthers) {
  Suite suite;
  EXPECT_EQ(suite.Count("spec-differs", "m5.json", "spec_bandwidth 200 GB/s"), 1);
  EXPECT_EQ(suite.Count("spec-differs", "m5.json", "gpu_cores 12"), 1);
  CorrectSpec(suite);
  EXPECT_EQ(suite.Count("spec-differs", "m5.json", ""), 0);
}

TEST(MacMlBenchmarkTest, Error5TheDatacenterPeaksAreSparse) {
  Suite suite;
  EXPECT_EQ(suite.Count("sparse-peak", "m5.json", "peak 1979"), 1);
  EXPECT_EQ(suite.Count("sparse-peak", "m5.json", "ridge 591"), 1);
  EXPECT_EQ(suite.Count("sparse-peak", "m5.json", "peak 4500"), 1);
  EXPECT_EQ(suite.Count("sparse-peak", "m5.json", "ridge 563"), 1);
  CorrectSparse(suite);
  EXPECT_EQ(suite.Count("sparse-peak", "m5.json", ""), 0);
}

TEST(MacMlBenchmarkTest, Error6AttentionHasOneCountForAllLengths) {
  Suite suite;
  EXPECT_EQ(suite.Count("flop-held-constant", "m5.json", "layer:mistral-7b/tokens:256/mlx"), 1);
  EXPECT_EQ(suite.Count("above-claimed-peak", "m5.json", "layer:mistral-7b/tokens:256/mlx"), 1);
  DropConstantFlop(suite);
  EXPECT_EQ(suite.Count("flop-held-constant", "m5.json", ""), 0);
  EXPECT_EQ(suite.Count("above-claimed-peak", "m5.json", "/mlx"), 0);
}

TEST(MacMlBenchmarkTest, Error7ARowIsAboveThePeakOfOneSweep) {
  Suite suite;
  EXPECT_EQ(suite.Count("above-claimed-peak", "m5.json", "layer:mistral-7b/gpu"), 1);
  CorrectPeak(suite);
  EXPECT_EQ(suite.Count("above-claimed-peak", "m5.json", "layer:mistral-7b/gpu"), 0);
}

TEST(MacMlBenchmarkTest, Error8AColdFirstRunIsInTheMean) {
  Suite suite;
  EXPECT_EQ(suite.Count("cold-first-run", "m4.json", "prefill:disaggregated"), 1);
  CorrectMean(suite);
  EXPECT_EQ(suite.Count("cold-first-run", "m4.json", ""), 0);
}

TEST(MacMlBenchmarkTest, Error9SizesAreInGib) {
  Suite suite;
  for (const char* file : {"m5.json", "m4.json"}) EXPECT_EQ(suite.Count("gib-as-gb", file, ""), 1);
  CorrectSizes(suite);
  for (const char* file : {"m5.json", "m4.json"}) EXPECT_EQ(suite.Count("gib-as-gb", file, ""), 0);
}

TEST(MacMlBenchmarkTest, ZerosStandForBandwidthThatWasNotMeasured) {
  Suite suite;
  for (const char* file : {"m5.json", "m4.json"}) {
    EXPECT_EQ(suite.Count("zero-for-absent", file, "attention/causal"), 1);
  }
  DropZeros(suite);
  for (const char* file : {"m5.json", "m4.json"}) {
    EXPECT_EQ(suite.Count("zero-for-absent", file, ""), 0);
  }
}

TEST(MacMlBenchmarkTest, OnceAllIsCorrectedNothingIsFound) {
  Suite suite;
  EXPECT_EQ(suite.Findings().size(), 19u);
  for (const auto correct :
       {CorrectRead, DropSwings, CorrectInference, CorrectSpeedup, CorrectSpec, CorrectSparse,
        DropConstantFlop, CorrectPeak, CorrectMean, CorrectSizes, DropZeros}) {
    correct(suite);
  }
  EXPECT_EQ(RulesOf(suite.Findings()), "");
}

TEST(LintTest, AFileOfBenchHasNoFindings) {
  const ReadResult read =
      ReadResults(WATTLINE_SOURCE_DIR "/tests/data/decode_emerald_rapids_vm.json");
  ASSERT_TRUE(read.results) << read.error;
  EXPECT_EQ(RulesOf(LintOf(*read.results)), "");
}

}  // namespace
}  // namespace wattline::roofline::lint_mac_ml_benchmark_test
