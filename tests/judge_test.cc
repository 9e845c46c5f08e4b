// Where rows stand under their machine's roofs: arithmetic, level, bound, share, joules.
#include "roofline/judge.h"

#include <gtest/gtest.h>

#include <cmath>

#include "roofline/arithmetic.h"
#include "roofline/context_fit.h"
#include "roofline/merged_rows.h"
#include "roofline/stand.h"
#include "tests/lint_cases.h"

namespace wattline::roofline::judge_test {
namespace {

Interval Exactly(double value) { return {value, value, value}; }

Roof MakeRoof(RoofKey key, double peak, double byte_per_s) {
  Roof roof;
  roof.key = std::move(key);
  roof.peak_flop_per_s = Exactly(peak);
  roof.byte_per_s = Exactly(byte_per_s);
  roof.ridge_flop_per_byte = Exactly(peak / byte_per_s);
  return roof;
}

// f32 400 and bf16 800 GFLOP/s, int8 1.6 TOP/s over 40 GB/s of memory; L2 of 2 MiB with 200 GB/s.
MachineFit MakeMachine() {
  MachineFit machine;
  machine.roofs = {MakeRoof({"f32", "cpu", 2, "DRAM"}, 400e9, 40e9),
                   MakeRoof({"bf16", "cpu", 2, "DRAM"}, 800e9, 40e9),
                   MakeRoof({"int8", "cpu", 2, "DRAM"}, 1600e9, 40e9),
                   MakeRoof({"f32", "cpu", 2, "L2"}, 400e9, 200e9)};
  machine.levels = {{"cpu", 2, "L1", 8.0 * 1024, 48.0 * 1024, 600e9, ""},
                    {"cpu", 2, "L2", 64.0 * 1024, 2048.0 * 1024, 200e9, ""},
                    {"cpu", 2, "DRAM", 3e6, 1e9, 40e9, ""}};
  return machine;
}

Machine MakeTold() {
  Machine told;
  told.chip = "chip";
  told.threads = 2;
  told.backends["cpu"] = "wattline's own kernels, avx512 with AVX512F";
  told.ceilings = {{"f32", 400e9}, {"bf16", 800e9}, {"int8", 1600e9}, {"read", 40e9}};
  return told;
}

Row MakeRow(const std::string& name, std::map<std::string, double> counters, double time_s = 1) {
  return LintRow(name, std::move(counters), time_s);
}

Judged JudgeOne(const Row& row, const MachineFit& machine = MakeMachine()) {
  Results results;
  results.machine = MakeTold();
  results.rows = {row};
  return Judge(results, machine).at(0);
}

TEST(JudgeTest, BoundIsTheSideThatIsLowerByAQuarter) {
  // The ridge of f32 is 400 / 40 = 10 FLOP per byte.
  const auto bound_at = [](double flop_per_byte) {
    return JudgeOne(MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 0.1}, {"GB/s", 100 / flop_per_byte}}))
        .bound;
  };
  EXPECT_EQ(bound_at(7.9), "DRAM");
  EXPECT_EQ(bound_at(8.1), "mixed, DRAM");
  EXPECT_EQ(bound_at(12.4), "mixed, DRAM");
  EXPECT_EQ(bound_at(12.6), "compute");
}

TEST(JudgeTest, ShareIsOfTheFittedLawAndNotOfTheStraightRoof) {
  MachineFit machine = MakeMachine();
  machine.roofs[0].sharpness = Interval{2, 2, 2};
  // At the ridge the law with p = 2 gives 400 / sqrt(2) GFLOP/s.
  const Judged judged =
      JudgeOne(MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 0.2}, {"GB/s", 20}}), machine);
  EXPECT_DOUBLE_EQ(*judged.flop_per_byte, 10);
  EXPECT_NEAR(*judged.attainable_flop_per_s, 400e9 / std::sqrt(2), 1);
  EXPECT_NEAR(*judged.share, 200 / (400 / std::sqrt(2)), 1e-9);
  EXPECT_EQ(judged.bound, "mixed, DRAM");
}

TEST(JudgeTest, BytesWithoutOperationsAreHeldAgainstTheirLevel) {
  const Judged memory =
      JudgeOne(MakeRow("ceiling/read/f32/kb:524288/threads:2/cpu", {{"GB/s", 30}}));
  EXPECT_EQ(memory.bound, "DRAM");
  EXPECT_DOUBLE_EQ(*memory.share, 0.75);
  EXPECT_FALSE(memory.flop_per_s || memory.attainable_flop_per_s || memory.flop_per_byte);
  const Judged second = JudgeOne(MakeRow("ceiling/read/f32/kb:512/threads:2/cpu", {{"GB/s", 150}}));
  EXPECT_EQ(second.bound, "L2");
  EXPECT_DOUBLE_EQ(*second.share, 0.75);
  EXPECT_EQ(second.roof->level, "L2");
}

TEST(JudgeTest, AFootprintInACacheOfUnknownSpeedIsUnderNoLevel) {
  MachineFit machine = MakeMachine();
  machine.levels.clear();
  machine.roofs.resize(3);  // those of DRAM
  const auto read_of = [&](const char* kib) {
    return JudgeOne(
        MakeRow(std::string("ceiling/read/f32/kb:") + kib + "/threads:2/cpu", {{"GB/s", 30}}),
        machine);
  };
  EXPECT_FALSE(read_of("32").share);
  EXPECT_EQ(read_of("32").remark,
            "nothing tells which level holds 32 KiB: no sweep of its levels was measured");
  EXPECT_FALSE(read_of("262143").share);
  EXPECT_DOUBLE_EQ(*read_of("262144").share, 0.75);  // 256 MiB: no cache is so large
}

TEST(JudgeTest, WritesHaveNoRoofOfTheirOwn) {
  const Judged judged =
      JudgeOne(MakeRow("ceiling/copy/f32/kb:524288/threads:2/cpu", {{"GB/s", 55}}));
  EXPECT_EQ(judged.bound, "DRAM");
  EXPECT_FALSE(judged.share || judged.roof);
  EXPECT_EQ(judged.remark, "the level's bandwidth is of reads");
}

TEST(JudgeTest, MoreThanMemoryGivesIsExplainedWhereACacheMayHelp) {
  const Judged judged =
      JudgeOne(MakeRow("dequant/4096x4096/q4_0/to:f32/cpu", {{"TFLOPS", 0.02}, {"GB/s", 80}}));
  EXPECT_DOUBLE_EQ(*judged.share, 2);
  EXPECT_EQ(judged.remark, "some of its bytes stay in a cache");
}

TEST(JudgeTest, OperationsWithoutBytesAreHeldAgainstThePeak) {
  const Judged judged = JudgeOne(MakeRow("ceiling/peak/bf16/threads:2/cpu", {{"TFLOPS", 0.6}}));
  EXPECT_EQ(judged.bound, "compute");
  EXPECT_DOUBLE_EQ(*judged.share, 0.75);
  EXPECT_EQ(judged.roof->format, "bf16");
}

TEST(JudgeTest, ALevelWithoutARoofHasTheFormatsPeakAndItsOwnReadRate) {
  const Judged judged =
      JudgeOne(MakeRow("ceiling/intensity/bf16/kb:512/flop_per_byte:1/threads:2/cpu",
                       {{"TFLOPS", 0.1}, {"GB/s", 100}}));
  EXPECT_EQ(judged.roof->level, "L2");
  EXPECT_EQ(judged.roof->format, "bf16");
  EXPECT_DOUBLE_EQ(*judged.attainable_flop_per_s, 200e9);
}

TEST(JudgeTest, WhatHasNoRoofIsSaidAndNotInvented) {
  const Judged judged =
      JudgeOne(MakeRow("gemm/1x1x1/f16/pytorch_mps", {{"TFLOPS", 1}, {"GB/s", 1}}));
  EXPECT_FALSE(judged.share || judged.roof || judged.attainable_flop_per_s);
  EXPECT_EQ(judged.bound, "");
  EXPECT_NE(judged.remark.find("no roof of format f16"), std::string::npos) << judged.remark;
  const Judged one_thread = JudgeOne(MakeRow("ceiling/peak/f32/threads:1/cpu", {{"TFLOPS", 0.2}}));
  EXPECT_FALSE(one_thread.share);
  Row failed = MakeRow("gemm/1x1x1/f32/cpu", {});
  failed.error = "too little memory";
  EXPECT_EQ(JudgeOne(failed).remark, "too little memory");
  EXPECT_FALSE(JudgeOne(MakeRow("BM_Foreign/8", {{"TFLOPS", 1}})).share);
}

TEST(JudgeTest, ANameWithAnImpossibleNumberIsNoTrouble) {
  for (const char* name :
       {"ceiling/peak/f32/threads:1e300/cpu", "ceiling/peak/f32/threads:nan/cpu",
        "ceiling/read/f32/kb:-1/threads:2/cpu", "ceiling/read/f32/kb:inf/threads:2/cpu",
        "gemm/x/f32/cpu", "decode/m/q4_0/ctx:/cpu"}) {
    const Judged judged = JudgeOne(MakeRow(name, {{"TFLOPS", 0.1}, {"GB/s", 1}}));
    EXPECT_TRUE(!judged.share || std::isfinite(*judged.share)) << name;
  }
}

TEST(JudgeTest, LibrariesOnTheCpuAreUnderTheCpusRoofs) {
  const Judged judged =
      JudgeOne(MakeRow("gemm/512x512x512/bf16/onednn", {{"TFLOPS", 0.6}, {"GB/s", 6}}));
  EXPECT_EQ(judged.roof->backend, "cpu");
  EXPECT_DOUBLE_EQ(*judged.share, 0.75);
}

// E = W flop_j + Q byte_j + T constant_w with W = 100 GFLOP, Q = 10 GB: at the roof (400 GFLOP/s)
// T = 0.25 s, so E = 100e9 * 10e-12 + 10e9 * 100e-12 + 0.25 * 20 = 1 + 1 + 5 = 7 J.
TEST(JudgeTest, JoulesAreHeldAgainstThoseOfTheSameWorkAtTheRoof) {
  MachineFit machine = MakeMachine();
  EnergyFit energy;
  energy.key = {"f32", "cpu", 2, "DRAM"};
  energy.coefficients =
      EnergyCoefficients{Exactly(10e-12), Exactly(100e-12), Exactly(20), {}, 0, 1};
  machine.energies = {energy};
  const Judged judged = JudgeOne(
      MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 0.2}, {"GB/s", 20}, {"joules", 14}}, 0.5), machine);
  EXPECT_NEAR(*judged.flop_per_joule, 100e9 / 14, 1);
  EXPECT_NEAR(*judged.attainable_flop_per_joule, 100e9 / 7, 10);
  EXPECT_NEAR(*judged.joule_share, 0.5, 1e-9);
  // 30 GB in 1 s: 3 J and 20 W over 0.75 s are 18 J at best.
  const Judged read = JudgeOne(
      MakeRow("ceiling/read/f32/kb:524288/threads:2/cpu", {{"GB/s", 30}, {"joules", 36}}), machine);
  EXPECT_NEAR(*read.joule_share, 0.5, 1e-9);
  EXPECT_FALSE(JudgeOne(MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 0.2}, {"GB/s", 20}}), machine)
                   .flop_per_joule);
}

TEST(JudgeTest, RepetitionsAreOneRowAndTimesAreSharedOut) {
  Results results;
  results.machine = MakeTold();
  for (const double tflops : {0.1, 0.3, 0.2}) {
    results.rows.push_back(
        MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", tflops}, {"GB/s", 1}}, 1 / tflops));
  }
  results.rows.push_back(MakeRow("gemm/2x2x2/f32/cpu", {{"TFLOPS", 0.1}, {"GB/s", 1}}, 15));
  results.rows.push_back(MakeRow("ceiling/levels/f32/threads:2/cpu", {{"L1_GB/s", 1}}, 100));
  results.rows.push_back(MakeRow("probe/cost", {}, 100));
  const std::vector<Judged> judged = Judge(results, MakeMachine());
  ASSERT_EQ(judged.size(), 2u);
  EXPECT_DOUBLE_EQ(*judged[0].flop_per_s, 0.2e12);
  EXPECT_DOUBLE_EQ(judged[0].time_s, 5);
  EXPECT_DOUBLE_EQ(judged[0].time_share, 0.25);
}

TEST(MergeRepetitionsTest, AggregatesStandInWhereRunsAreMissing) {
  Row mean = MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 9}}, 9);
  mean.aggregate = "mean";
  Row median = MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 4}}, 4);
  median.aggregate = "median";
  Row deviation = MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 0}}, 0);
  deviation.aggregate = "stddev";
  const std::vector<Row> merged = MergeRepetitions(std::vector{mean, median, deviation});
  ASSERT_EQ(merged.size(), 1u);
  EXPECT_EQ(merged[0].time_s, 4);
  EXPECT_TRUE(MergeRepetitions(std::vector{deviation}).empty());
  const Row run = MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 5}, {"unsteady", 0}}, 5);
  Row failed = run;
  failed.error = "no memory";
  Row unsteady = MakeRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 7}, {"unsteady", 1}}, 7);
  const std::vector<Row> runs = MergeRepetitions(std::vector{mean, failed, run, run, unsteady});
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].time_s, 5);
  EXPECT_EQ(runs[0].error, "");
  EXPECT_EQ(runs[0].Counter("unsteady"), 1);
  EXPECT_EQ(MergeRepetitions(std::vector{failed})[0].error, "no memory");
}

std::vector<std::string> Formats(const std::string& name, std::map<std::string, double> counters) {
  return ArithmeticOf(MakeRow(name, std::move(counters)), MakeTold());
}

TEST(ArithmeticTest, ThePeakBehindMfuDecides) {
  using Of = std::vector<std::string>;
  EXPECT_EQ(Formats("gemm/512x8192x2048/q4_0/cpu", {{"TFLOPS", 0.2}, {"MFU", 0.5}}), Of{"f32"});
  EXPECT_EQ(Formats("gemm/512x8192x2048/q4_0/cpu", {{"TFLOPS", 0.4}, {"MFU", 0.5}}), Of{"bf16"});
  EXPECT_EQ(Formats("gemm/512x8192x2048/q4_0/cpu", {{"TFLOPS", 0.4}, {"MFU", 0.251}}), Of{"int8"});
  // Near none of them within 1 %: the table.
  EXPECT_EQ(Formats("gemm/512x8192x2048/q4_0/cpu", {{"TFLOPS", 0.2}, {"MFU", 0.6}}), Of{"int8"});
}

TEST(ArithmeticTest, TheTableFollowsTheFixtures) {
  using Of = std::vector<std::string>;
  EXPECT_EQ(Formats("gemm/512x512x512/int8/onednn", {}), Of{"int8"});
  EXPECT_EQ(Formats("gemm/512x512x512/q8_0/cpu", {}), Of{"int8"});
  EXPECT_EQ(Formats("gemm/512x512x512/q8_0/cpu_avx2", {}), Of{"int8"});
  EXPECT_EQ(Formats("gemm/512x512x512/q8_0/cpu_avx512", {}), Of{"int8"});
  EXPECT_EQ(Formats("gemm/512x512x512/q8_0/cpu_amx", {}), Of{"bf16"});
  EXPECT_EQ(Formats("gemm/512x512x512/bf16/weights:cold/cpu_avx512", {}), Of{"bf16"});
  EXPECT_EQ(Formats("gemm/512x512x512/bf16/weights:cold/cpu_avx2", {}), Of{"f32"});
  EXPECT_EQ(Formats("gemm/1x4096x4096/q4_0/weights:cold/cpu", {}), Of{"int8"});
  EXPECT_EQ(Formats("gemm/1x4096x4096/bf16/weights:cold/cpu", {}), Of{"f32"});
  EXPECT_EQ(Formats("decode/m/q4_k_m/ctx:512/cpu", {}), Of{"int8"});
  EXPECT_EQ(Formats("decode/m/q4_k_m/ctx:512/batch:8/cpu", {}), Of{"int8"});
  EXPECT_EQ(Formats("decode/m/q4_0/prefill:512/cpu", {}), Of{"int8"});
  EXPECT_EQ(Formats("block/m/f16/tokens:1/ctx:512/cpu", {}), Of{"f32"});
  EXPECT_EQ(Formats("block/m/f32/tokens:512/pass:forward_backward/cpu_avx512", {}), Of{"f32"});
  EXPECT_EQ(Formats("block/m/bf16/tokens:512/pass:forward/cpu", {}), Of{"bf16"});
  EXPECT_EQ(Formats("attention/causal/f16/tokens:512/cpu", {}), Of{"f32"});
  EXPECT_EQ(Formats("dequant/4096x4096/q4_0/to:f32/cpu", {}), Of{"f32"});
  EXPECT_EQ(Formats("gemm/512x512x512/f16/cublaslt", {}), (Of{"f16", "bf16"}));
  EXPECT_EQ(Formats("gemm/512x512x512/f16/mlx_gpu", {}), Of{"f16"});
  EXPECT_TRUE(Formats("BM_Foreign/8", {}).empty());
}

TEST(StandTest, OnlyBytesThatComeFromMemoryAreSaidToStream) {
  const auto streams = [](const std::string& name) {
    return StandOf(MakeRow(name, {{"GB/s", 1}}), MakeTold(), MakeMachine()).streams;
  };
  EXPECT_TRUE(streams("decode/m/q4_0/ctx:512/cpu"));
  EXPECT_TRUE(streams("gemm/1x4096x4096/q4_0/weights:cold/cpu"));
  EXPECT_TRUE(streams("attention/single_query/f16/ctx:512/cpu"));
  EXPECT_TRUE(streams("block/m/bf16/tokens:1/ctx:512/cpu"));
  EXPECT_FALSE(streams("decode/m/q4_0/prefill:512/cpu"));
  EXPECT_FALSE(streams("dequant/4096x4096/q4_0/to:f32/cpu"));
  EXPECT_FALSE(streams("gemm/512x512x512/f32/cpu"));
}

TEST(StandTest, AFootprintIsUnderTheLevelThatHoldsIt) {
  const auto level_of = [](const char* kib) {
    return StandOf(
               MakeRow(std::string("ceiling/read/f32/kb:") + kib + "/threads:2/cpu", {{"GB/s", 1}}),
               MakeTold(), MakeMachine())
        .level;
  };
  EXPECT_EQ(level_of("48"), "L1");
  EXPECT_EQ(level_of("49"), "L2");
  EXPECT_EQ(level_of("4096"), "DRAM");
}

// Without a sweep, the roofs that a fit placed by the told sizes of caches are found by them.
TEST(StandTest, ToldCachesPlaceAFootprintWhereNoSweepDoes) {
  MachineFit machine = MakeMachine();
  machine.levels.clear();
  Machine told = MakeTold();
  told.caches = {{1, 48.0 * 1024}, {2, 2048.0 * 1024}, {3, 64.0 * 1024 * 1024}};
  const auto stand = [&](const std::string& name) {
    return StandOf(MakeRow(name, {{"GB/s", 1}}), told, machine);
  };
  EXPECT_EQ(stand("ceiling/read/f32/kb:512/threads:2/cpu").level, "L2");
  EXPECT_EQ(stand("ceiling/read/f32/kb:512/threads:2/cpu").byte_per_s->value, 200e9);
  EXPECT_EQ(stand("ceiling/read/f32/kb:16384/threads:2/cpu").level, "L3");
  EXPECT_FALSE(stand("ceiling/read/f32/kb:16384/threads:2/cpu").byte_per_s);
  EXPECT_EQ(stand("ceiling/read/f32/kb:524288/threads:2/cpu").level, "DRAM");
}

TEST(ContextFitTest, ItsCeilingsAreStraightRoofsOfTheCpu) {
  Results results;
  results.machine = MakeTold();
  const MachineFit machine = ContextFit(results);
  ASSERT_EQ(machine.roofs.size(), 3u);
  const Roof* roof = FindRoof(machine, {"bf16", "cpu", 2, "DRAM"});
  ASSERT_NE(roof, nullptr);
  EXPECT_FALSE(roof->sharpness);
  EXPECT_DOUBLE_EQ(Attainable(*roof, 1), 40e9);
  EXPECT_DOUBLE_EQ(roof->ridge_flop_per_byte.value, 20);
  results.machine.ceilings.erase("read");
  EXPECT_TRUE(ContextFit(results).roofs.empty());
}

TEST(FindMachineTest, TheSlugDecidesWhereBothHaveOne) {
  Fit fit;
  fit.machines.resize(2);
  fit.machines[0].chip = "Intel(R) Xeon(R) Processor";
  fit.machines[0].chip_slug = "intel-xeon-a";
  fit.machines[1].chip = "Intel(R) Xeon(R) Processor";
  fit.machines[1].chip_slug = "intel-xeon-b";
  Machine told;
  told.chip = "Intel(R) Xeon(R) Processor";
  told.chip_slug = "intel-xeon-b";
  EXPECT_EQ(FindMachine(fit, told), &fit.machines[1]);
  told.chip_slug = "intel-xeon-c";
  EXPECT_EQ(FindMachine(fit, told), nullptr);
}

}  // namespace
}  // namespace wattline::roofline::judge_test
