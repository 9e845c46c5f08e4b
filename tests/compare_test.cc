// Files side by side: what is one row, what is one column, what is missing, means over rows.
#include "roofline/compare.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/compare_files.h"

namespace wattline::roofline::compare_test {
namespace {

using Texts = std::vector<std::string>;

Comparison CompareAll(const std::vector<Results>& files, const CompareOptions& options = {}) {
  const CompareResult result = Compare(files, options);
  EXPECT_TRUE(result.comparison) << result.error;
  return result.comparison.value_or(Comparison{});
}

Texts KeysOf(const Comparison& comparison) {
  Texts keys;
  for (const CompareRow& row : comparison.rows) keys.push_back(row.key);
  return keys;
}

TEST(CompareColumns, FilesOfOneChipAreMergedAndTheirRowsAreRepetitions) {
  Results a = FileOf("r/a.json", "M1"), b = FileOf("r/b.json", "M1"), c = FileOf("r/c.json", "M2");
  for (Results* file : {&a, &b, &c}) AddRun(*file, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 2}});
  b.rows[0].counters["TFLOPS"] = 4;
  const Comparison all = CompareAll({a, b, c});
  EXPECT_EQ(LabelsOf(all), (Texts{"M1", "M2"}));
  EXPECT_EQ(all.columns[0].files, (Texts{"a.json", "b.json"}));
  ASSERT_EQ(all.rows.size(), 1u);
  EXPECT_EQ(all.rows[0].cells[0]->samples, (std::vector<double>{2, 4}));
  EXPECT_EQ(all.rows[0].cells[0]->estimate.median, 3);
  EXPECT_FALSE(all.rows[0].verdicts[0]);
  ASSERT_TRUE(all.rows[0].verdicts[1]);
  EXPECT_NEAR(all.rows[0].verdicts[1]->ratio.median, 2.0 / 3, 1e-12);
}

TEST(CompareColumns, FilesOfASingleChipAreColumns) {
  Results a = FileOf("r/a.json", "M1"), b = FileOf("r/b.json", "M1");
  for (Results* file : {&a, &b}) AddRun(*file, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 2}});
  EXPECT_EQ(LabelsOf(CompareAll({a, b})), (Texts{"a.json", "b.json"}));
  // The same file twice as well: it is its own equal.
  EXPECT_EQ(LabelsOf(CompareAll({a, a})), (Texts{"a.json", "a.json #2"}));
}

TEST(CompareColumns, ABaselineFileIsTakenOutOfItsChipsColumn) {
  Results a = FileOf("r/a.json", "M1"), b = FileOf("r/b.json", "M1"), c = FileOf("r/c.json", "M2");
  for (Results* file : {&a, &b, &c}) AddRun(*file, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 2}});
  CompareOptions options;
  options.baseline = "r/b.json";
  const Comparison split = CompareAll({a, b, c}, options);
  EXPECT_EQ(LabelsOf(split), (Texts{"a.json", "b.json", "c.json"}));
  EXPECT_EQ(split.baseline, 1u);
  // A file that is alone in its column leaves the others as they are.
  options.baseline = "c.json";
  const Comparison merged = CompareAll({a, b, c}, options);
  EXPECT_EQ(LabelsOf(merged), (Texts{"M1", "M2"}));
  EXPECT_EQ(merged.baseline, 1u);
  options.baseline = "M2";
  EXPECT_EQ(CompareAll({a, b, c}, options).baseline, 1u);
  options.baseline = "M3";
  EXPECT_EQ(Compare(std::vector{a, b, c}, options).error,
            "the baseline 'M3' is no column and no file of them; the columns are 'M1', 'M2'");
}

TEST(CompareColumns, AcrossBackendsTheCpuOfOneStandsBesideTheGpuOfAnother) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "Xeon");
  AddRun(a, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 1}});
  AddRun(a, "gemm/8x8x8/f32/mlx", {{"TFLOPS", 4}});
  AddRun(b, "gemm/8x8x8/f32/cuda", {{"TFLOPS", 8}});
  CompareOptions options;
  options.across = "backend";
  const Comparison all = CompareAll({a, b}, options);
  EXPECT_EQ(LabelsOf(all), (Texts{"M1 cpu", "M1 mlx", "Xeon cuda"}));
  ASSERT_EQ(KeysOf(all), (Texts{"gemm/8x8x8/f32"}));
  EXPECT_EQ(all.rows[0].verdicts[2]->ratio.median, 8);
  // A filter leaves one of each.
  options.filter = "cpu|cuda";
  EXPECT_EQ(LabelsOf(CompareAll({a, b}, options)), (Texts{"M1 cpu", "Xeon cuda"}));
  options.filter = "-mlx";
  options.baseline = "b.json";
  EXPECT_EQ(CompareAll({a, b}, options).baseline, 1u);
  options.filter = "";
  options.baseline = "a.json";
  EXPECT_EQ(Compare(std::vector{a, b}, options).error,
            "the baseline 'a.json' is in 2 columns; the columns are 'M1 cpu', 'M1 mlx', "
            "'Xeon cuda'");
}

TEST(CompareColumns, ByBackendFormatIsaAndCase) {
  Results a = FileOf("a.json", "Xeon");
  for (const char* name : {"gemm/8x8x8/f32/threads:2/cpu", "gemm/8x8x8/f32/threads:2/cpu_avx2",
                           "gemm/8x8x8/bf16/threads:1/cpu", "gemm/8x8x8/f32/threads:2/openblas"}) {
    AddRun(a, name, {{"TFLOPS", 1}});
  }
  CompareOptions options;
  options.by = By::kBackend;
  EXPECT_EQ(LabelsOf(CompareAll({a}, options)), (Texts{"cpu", "cpu_avx2", "openblas"}));
  options.by = By::kFormat;
  const Comparison formats = CompareAll({a}, options);
  EXPECT_EQ(LabelsOf(formats), (Texts{"f32", "bf16"}));
  EXPECT_EQ(formats.rows[0].key, "gemm/8x8x8/threads:2/cpu");
  EXPECT_TRUE(AnyHas(formats.warnings, "different formats"));
  options.by = By::kIsa;
  const Comparison isas = CompareAll({a}, options);
  EXPECT_EQ(LabelsOf(isas), (Texts{"best", "avx2"}));
  EXPECT_EQ(isas.rows[0].key, "gemm/8x8x8/f32/threads:2/cpu");
  EXPECT_TRUE(AnyHas(isas.warnings, "1 rows have no isa in their name and are left out"));
  options.by = By::kChip;
  options.across = "threads,format";
  const Comparison threads = CompareAll({a}, options);
  EXPECT_EQ(LabelsOf(threads), (Texts{"f32 threads:2", "bf16 threads:1"}));
  EXPECT_EQ(threads.rows[0].key, "gemm/8x8x8/cpu");
  options.across = "wings";
  EXPECT_EQ(Compare(std::vector{a}, options).error,
            "no row has wings to compare across; there are backend, format, isa, threads");
}

TEST(CompareColumns, LabelsThatAreAlikeTellWhatDiffers) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M1"), c = FileOf("x/a.json", "M2");
  b.tool = "llama-bench";
  EXPECT_EQ(LabelsOf(CompareAll({a, b, c})), (Texts{"M1 (bench)", "M1 (llama-bench)", "M2"}));
  b.tool = "published";
  b.published = true;
  EXPECT_EQ(LabelsOf(CompareAll({a, b})), (Texts{"M1 (bench)", "M1 (published)"}));
  CompareOptions options;
  options.by = By::kFile;
  EXPECT_EQ(LabelsOf(CompareAll({a, c}, options)), (Texts{"a.json (M1)", "a.json (M2)"}));
  Results d = FileOf("y/a.json", "M1");
  a.machine.commit = "12ab";
  d.machine.commit = "34cd";
  EXPECT_EQ(LabelsOf(CompareAll({a, d})), (Texts{"a.json (12ab)", "a.json (34cd)"}));
}

TEST(CompareColumns, OneCpuBesideDifferentGpusIsNotOneColumn) {
  Results a = FileOf("a.json", "Xeon"), b = FileOf("b.json", "Xeon");
  a.machine.gpus = {{"NVIDIA H100", {}, {}}};
  b.machine.gpus = {{"NVIDIA H200", {}, {}}};
  AddRun(a, "gemm/8x8x8/f32/cuda", {{"TFLOPS", 1}});
  AddRun(b, "gemm/8x8x8/f32/cuda", {{"TFLOPS", 2}});
  const Comparison all = CompareAll({a, b});
  EXPECT_EQ(LabelsOf(all), (Texts{"Xeon (NVIDIA H100)", "Xeon (NVIDIA H200)"}));
  EXPECT_EQ(all.rows[0].verdicts[1]->ratio.median, 2);
  EXPECT_EQ(all.differences[0].what, "GPU");
}

TEST(CompareColumns, FilesWithoutAChipStandAlone) {
  Results a = FileOf("a.json", ""), b = FileOf("b.json", "");
  EXPECT_EQ(LabelsOf(CompareAll({a, b})), (Texts{"a.json", "b.json"}));
}

TEST(CompareColumns, TheSameContentCountsOnceInAColumn) {
  Results a = FileOf("a.json", "M1"), c = FileOf("c.json", "M2");
  for (Results* file : {&a, &c}) AddRun(*file, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 2}});
  Results copy = a;
  copy.path = "copy.json";
  const Comparison all = CompareAll({a, copy, c});
  EXPECT_EQ(all.rows[0].cells[0]->samples.size(), 1u);
  EXPECT_TRUE(AnyHas(all.warnings, "copy.json has the same content as a.json"));
}

TEST(CompareRows, ForeignNamesMatchAsAWholeAndShowTimeAndWhatIsRanked) {
  Results a = FileOf("a.json", ""), b = FileOf("b.json", "");
  AddRun(a, "BM_x/64", {{"items_per_second", 5}, {"temperature", 40}}, 2e-3);
  AddRun(b, "BM_x/64", {{"items_per_second", 9}, {"temperature", 50}}, 1e-3);
  AddRun(b, "BM_x/65", {}, 1e-3);
  const Comparison all = CompareAll({a, b});
  ASSERT_EQ(all.rows.size(), 3u);
  EXPECT_EQ(all.rows[0].metric.counter, "time_s");
  EXPECT_EQ(all.rows[1].metric.counter, "items_per_second");
  EXPECT_EQ(all.rows[0].verdicts[1]->ratio.median, 0.5);
  EXPECT_EQ(all.rows[0].verdicts[1]->verdict, Verdict::kBetter);
  EXPECT_STREQ(Name(all.rows[0].verdicts[1]->verdict, all.rows[0].metric), "faster");
}

TEST(CompareRows, HarnessPartsOfNamesDoNotCount) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  AddRun(a, "gemm/8x8x8/f32/cpu/min_time:0.500", {{"TFLOPS", 1}});
  AddRun(b, "gemm/8x8x8/f32/cpu/repeats:3", {{"TFLOPS", 2}});
  EXPECT_EQ(KeysOf(CompareAll({a, b})), (Texts{"gemm/8x8x8/f32/cpu"}));
}

TEST(CompareRows, AnyCounterByNameAndOnlyRankedOnesJudged) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  AddRun(a, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 1}, {"watts", 10}, {"clock_GHz", 3}});
  AddRun(b, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 2}, {"watts", 20}, {"clock_GHz", 4}});
  CompareOptions options;
  options.counters = {"watts", "TFLOPS"};
  const Comparison all = CompareAll({a, b}, options);
  ASSERT_EQ(all.rows.size(), 2u);
  EXPECT_FALSE(all.rows[0].metric.ranked);
  EXPECT_FALSE(all.rows[0].verdicts[1]);
  EXPECT_EQ(all.rows[0].cells[1]->estimate.median, 20);
  EXPECT_TRUE(all.rows[1].verdicts[1]);
  options.counters = {"tok/s"};
  EXPECT_EQ(Compare(std::vector{a, b}, options).error,
            "no row has the counter 'tok/s'; there are TFLOPS, clock_GHz, watts");
}

TEST(CompareRows, ARankedZeroIsNoMeasurement) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  AddRun(a, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 1}, {"joules", 0}});
  AddRun(b, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 2}, {"joules", 3}});
  const CompareRow row = *FindRow(CompareAll({a, b}), "gemm/8x8x8/f32/cpu", "joules");
  EXPECT_FALSE(row.cells[0]);
  EXPECT_FALSE(row.verdicts[1]);
}

TEST(CompareRows, NegativeAndNonFiniteValuesGetNoVerdict) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  AddRun(a, "gemm/8x8x8/f32/cpu", {{"net_joules", -1}, {"TFLOPS", NAN}});
  AddRun(b, "gemm/8x8x8/f32/cpu", {{"net_joules", 2}, {"TFLOPS", INFINITY}});
  CompareOptions options;
  options.counters = {"net_joules"};
  const Comparison all = CompareAll({a, b}, options);
  EXPECT_EQ(all.rows[0].cells[0]->estimate.median, -1);
  EXPECT_FALSE(all.rows[0].verdicts[1]);
  EXPECT_TRUE(CompareAll({a, b}).rows.empty());
}

TEST(CompareRows, AggregatesCountOnlyWhereAFileHasNoRuns) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  for (const auto& [kind, value] :
       {std::pair{"mean", 5.0}, std::pair{"median", 4.0}, std::pair{"stddev", 1.0}}) {
    AddRun(a, "gemm/8x8x8/f32/cpu", {{"TFLOPS", value}}).aggregate = kind;
    AddRun(b, "gemm/8x8x8/f32/cpu", {{"TFLOPS", value}}).aggregate = kind;
  }
  AddRuns(b, "gemm/8x8x8/f32/cpu", "TFLOPS", {7, 8});
  const Comparison all = CompareAll({a, b});
  EXPECT_EQ(all.rows[0].cells[0]->samples, std::vector<double>{4});
  EXPECT_EQ(all.rows[0].cells[0]->remark, "median as its file tells");
  EXPECT_EQ(all.rows[0].cells[1]->samples, (std::vector<double>{7, 8}));
}

TEST(CompareRows, MissingAndFailedRowsAreListedWithTheReason) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  AddRun(a, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 1}});
  AddRun(a, "gemm/9x9x9/f32/cpu", {{"TFLOPS", 1}});
  AddRun(b, "gemm/9x9x9/f32/cpu", {}).error = "out of memory";
  AddRun(b, "gemm/7x7x7/f32/cpu", {{"TFLOPS", 1}});
  AddRun(b, "gemm/7x7x7/f32/cpu", {}).error = "lost";
  const Comparison all = CompareAll({a, b});
  ASSERT_EQ(all.missing.size(), 3u);
  EXPECT_EQ(all.missing[0].column, "M2");
  EXPECT_EQ(all.missing[0].key, "gemm/8x8x8/f32/cpu");
  EXPECT_EQ(all.missing[0].why, "not in its files");
  EXPECT_EQ(all.missing[1].why, "out of memory");
  EXPECT_EQ(all.missing[2].column, "M1");
  EXPECT_EQ(FindRow(all, "gemm/7x7x7/f32/cpu", "TFLOPS")->cells[1]->remark,
            "1 of 2 runs failed: lost");
}

TEST(CompareRows, PublishedAndUnsteadyCellsSaySo) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  AddRun(a, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 1}, {"unsteady", 1}, {"joules", 2}}).label =
      "unsteady; energy within 5 % only";
  b.published = true;
  b.tool = "published";
  AddRun(b, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 2}}).source = "a paper";
  const Comparison all = CompareAll({a, b});
  const CompareRow& row = *FindRow(all, "gemm/8x8x8/f32/cpu", "TFLOPS");
  EXPECT_EQ(row.cells[0]->remark, "unsteady");
  EXPECT_TRUE(row.cells[0]->unsteady);
  EXPECT_EQ(row.cells[1]->remark, "published: a paper");
  EXPECT_EQ(FindRow(all, "gemm/8x8x8/f32/cpu", "joules")->cells[0]->remark,
            "unsteady; energy within 5 % only");
  EXPECT_TRUE(all.columns[1].published);
  EXPECT_TRUE(AnyHas(all.warnings, "'M2' are published figures of others"));
}

TEST(CompareFilter, IsARegularExpressionAndItsFaultsAreSaid) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  AddRun(a, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 1}});
  AddRun(b, "dequant/8x8/q4_0/cpu", {{"GB/s", 1}});
  AddRun(b, std::string(3'000'000, 'x'), {}, 1);
  CompareOptions options;
  options.filter = "x*y";
  EXPECT_TRUE(CompareAll({a, b}, options).rows.empty());
  options.filter = "gemm.*f32";
  const Comparison all = CompareAll({a, b}, options);
  EXPECT_EQ(KeysOf(all), (Texts{"gemm/8x8x8/f32/cpu"}));
  EXPECT_TRUE(AnyHas(all.warnings, "the filter takes no row of b.json"));
  options.filter = "gemm(";
  EXPECT_NE(Compare(std::vector{a, b}, options).error.find("'gemm(' is no regular expression"),
            std::string::npos);
  EXPECT_EQ(Compare({}, {}).error, "there is no file to compare");
}

// 2, 8 and 1 over 1, 1 and 1: the cube root of 16. One row only one side has, twice.
TEST(CompareSummary, IsTheGeometricMeanOverCommonRowsOnly) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  const std::vector<double> of_b = {2, 8, 1};
  for (size_t i = 0; i < of_b.size(); ++i) {
    const std::string name = "gemm/" + std::to_string(i) + "x8x8/f32/cpu";
    AddRun(a, name, {{"TFLOPS", 1}});
    AddRun(b, name, {{"TFLOPS", of_b[i]}});
  }
  AddRun(a, "gemm/a/f32/cpu", {{"TFLOPS", 100}});
  AddRun(b, "gemm/b/f32/cpu", {{"TFLOPS", 100}});
  AddRun(b, "gemm/c/f32/cpu", {}).error = "failed";
  const Comparison all = CompareAll({a, b});
  ASSERT_EQ(all.summaries.size(), 1u);
  const CompareSummary& summary = all.summaries[0];
  EXPECT_NEAR(summary.ratio, std::cbrt(16), 1e-12);
  EXPECT_EQ(summary.fixture, "gemm");
  EXPECT_EQ(summary.column, "M2");
  EXPECT_EQ(summary.rows, 3u);
  EXPECT_EQ(summary.missing, 2u);
  EXPECT_NEAR(*summary.low, 1, 1e-9);
  EXPECT_NEAR(*summary.high, 8, 1e-9);
}

TEST(CompareSummary, KeepsPrefillAndDecodeApartAndAddsUpFixtures) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  const auto add = [&](const char* name, const char* counter, double ratio) {
    AddRun(a, name, {{counter, 1}});
    AddRun(b, name, {{counter, ratio}});
  };
  add("decode/m/q4_0/prefill:512/cpu", "tok/s", 10);
  add("decode/m/q4_0/ctx:512/cpu", "tok/s", 1.5);
  add("gemm/8x8x8/f32/cpu", "TFLOPS", 4);
  add("attention/causal/f16/cpu", "TFLOPS", 9);
  const Comparison all = CompareAll({a, b});
  ASSERT_EQ(all.summaries.size(), 5u);
  EXPECT_EQ(all.summaries[0].part, "prefill");
  EXPECT_NEAR(all.summaries[0].ratio, 10, 1e-12);
  EXPECT_EQ(all.summaries[1].part, "ctx");
  EXPECT_NEAR(all.summaries[1].ratio, 1.5, 1e-12);
  EXPECT_EQ(all.summaries[4].fixture, "");
  EXPECT_EQ(all.summaries[4].metric.counter, "TFLOPS");
  EXPECT_NEAR(all.summaries[4].ratio, 6, 1e-12);
  EXPECT_EQ(all.summaries[4].rows, 2u);
}

TEST(CompareRegressions, AreRowsThatGotWorseByMoreThanTheShare) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M1");
  const auto add = [&](const char* name, const char* counter, double ratio) {
    AddRun(a, name, {{counter, 1}});
    AddRun(b, name, {{counter, ratio}});
  };
  add("gemm/1/f32/cpu", "TFLOPS", 0.7);
  add("gemm/2/f32/cpu", "TFLOPS", 0.8);
  add("gemm/3/f32/cpu", "TFLOPS", 1.5);
  add("gemm/4/f32/cpu", "joules", 1.3);
  add("gemm/5/f32/cpu", "joules", 0.5);
  add("gemm/6/f32/cpu", "TFLOPS", 0.95);  // one run each: unclear
  const Comparison all = CompareAll({a, b});
  const auto keys = [&all](double share) {
    Texts found;
    for (const CompareRow* row : Regressions(all, share)) found.push_back(row->key);
    return found;
  };
  EXPECT_EQ(keys(0.05), (Texts{"gemm/1/f32/cpu", "gemm/2/f32/cpu", "gemm/4/f32/cpu"}));
  EXPECT_EQ(keys(0.25), (Texts{"gemm/1/f32/cpu", "gemm/4/f32/cpu"}));
  EXPECT_TRUE(keys(0.5).empty());
}

TEST(CompareOneColumn, SaysWhatWouldMakeASecond) {
  Results a = FileOf("a.json", "M1");
  AddRun(a, "gemm/1/f32/cpu", {{"TFLOPS", 1}});
  const Comparison all = CompareAll({a});
  EXPECT_FALSE(all.rows[0].verdicts[0]);
  EXPECT_TRUE(AnyHas(all.warnings, "one column only, 'M1'"));
}

TEST(CompareRealFile, AgainstItselfEveryRowIsThereAndNothingIsForced) {
  const ReadResult read =
      ReadResults(WATTLINE_SOURCE_DIR "/tests/data/decode_emerald_rapids_vm.json");
  ASSERT_TRUE(read.results) << read.error;
  const Comparison all = CompareAll({*read.results, *read.results});
  // 12 rows with tok/s, 3 with TTFT_ms, 9 with MBU; no joules.
  EXPECT_EQ(all.rows.size(), 24u);
  EXPECT_TRUE(all.missing.empty());
  EXPECT_TRUE(all.differences.empty());
  EXPECT_TRUE(all.warnings.empty());
  for (const CompareRow& row : all.rows) {
    EXPECT_EQ(row.verdicts[1]->verdict, Verdict::kUnclear);
    EXPECT_EQ(row.verdicts[1]->ratio.median, 1);
    EXPECT_EQ(row.verdicts[1]->why, "1 run each: differences below 10 % are not judged");
  }
}

}  // namespace
}  // namespace wattline::roofline::compare_test
