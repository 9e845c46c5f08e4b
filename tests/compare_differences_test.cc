// What of the contexts differs, and which ratios come with a warning.
#include "roofline/compare_differences.h"

#include <gtest/gtest.h>

#include "tests/compare_files.h"

namespace wattline::roofline::compare_differences_test {
namespace {

using Texts = std::vector<std::string>;

Results Parsed(const std::string& path, const std::string& context, const std::string& rows) {
  const ReadResult read = ParseResults(
      "{\"context\":{\"schema_version\":1," + context + "},\"benchmarks\":[" + rows + "]}", path);
  EXPECT_TRUE(read.results) << read.error;
  return read.results.value_or(Results{});
}

std::string RowText(const std::string& name, const std::string& counters) {
  return R"({"name":")" + name + R"(","real_time":1,"time_unit":"s",)" + counters + "}";
}

std::string Meter(const char* name, const char* kind, const char* domains, const char* more = "") {
  return std::string(R"("meters":[{"name":")") + name + R"(","kind":")" + kind +
         R"(","domains":[)" + domains + "]" + more + "}]";
}
constexpr const char* kPackage =
    R"({"name":"cpu","scope":"package 0","covers":["cpu"],"in_total":true},
       {"name":"cores","scope":"cores of package 0","covers":["cpu"],"in_total":false})";
constexpr const char* kSoc =
    R"({"name":"cpu","scope":"CPU","covers":["cpu"],"in_total":true},
       {"name":"gpu","scope":"GPU","covers":["gpu"],"in_total":true})";

const std::string kJoules = RowText("gemm/8x8x8/f32/cpu", R"("TFLOPS":2,"joules":3)");

Texts ValuesOf(const Comparison& comparison, const std::string& what) {
  for (const ContextDifference& difference : comparison.differences) {
    if (difference.what == what) return difference.values;
  }
  return {};
}

Comparison CompareAll(const std::vector<Results>& files, const CompareOptions& options = {}) {
  const CompareResult result = Compare(files, options);
  EXPECT_TRUE(result.comparison) << result.error;
  return result.comparison.value_or(Comparison{});
}

TEST(DifferencesTest, OfEveryFactThatDiffersAndNoOther) {
  const Comparison all = CompareAll(
      {Parsed("a.json",
              R"("chip":"M1","os":"macOS 15","kernel":"24","compiler":"Clang 16","threads":8,
                 "compiler_flags":"-O3","commit":"12ab","power_source":"battery",
                 "virtual_machine":false,"hottest_celsius":40,
                 "backends":{"cpu":"NEON","openblas":"OpenBLAS 0.3"})",
              kJoules),
       Parsed("b.json",
              R"("chip":"Xeon","os":"Debian 12","kernel":"6.1","compiler":"GNU 12","threads":2,
                 "compiler_flags":"-O3","commit":"12ab","power_source":"mains",
                 "virtual_machine":true,"clock_governor":"powersave","hottest_celsius":71,
                 "backends":{"cpu":"AVX-512","openblas":"OpenBLAS 0.4"})",
              kJoules)});
  Texts whats;
  for (const ContextDifference& difference : all.differences) whats.push_back(difference.what);
  // The governor is told by one alone; no row runs on openblas.
  EXPECT_EQ(whats, (Texts{"OS", "kernel", "virtual machine", "compiler", "threads", "power source",
                          "library cpu", "hottest sensor at the start"}));
  EXPECT_EQ(ValuesOf(all, "compiler"), (Texts{"Clang 16", "GNU 12"}));
  EXPECT_EQ(ValuesOf(all, "virtual machine"), (Texts{"no", "yes"}));
  EXPECT_EQ(ValuesOf(all, "library cpu"), (Texts{"NEON", "AVX-512"}));
  EXPECT_EQ(ValuesOf(all, "hottest sensor at the start"), (Texts{"40 C", "71 C"}));
}

TEST(DifferencesTest, FieldsOfAWrongTypeAreNotTold) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  for (Results* file : {&a, &b}) AddRun(*file, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 1}});
  a.context =
      R"({"kernel":5,"meters":[3,{"domains":[7,{"in_total":true,"covers":[1]}]}],"model":1})";
  b.context = R"([1,2])";
  EXPECT_EQ(ValuesOf(CompareAll({a, b}), "kernel"), Texts{});
  b.context = "{";
  CompareAll({a, b});
}

TEST(DifferencesTest, FilesMergedIntoOneColumnMustBeAlike) {
  const Comparison all = CompareAll(
      {Parsed("a.json", R"("chip":"M1","threads":4)", kJoules),
       Parsed("b.json", R"("chip":"M1","threads":8)", RowText("gemm/1/f32/cpu", R"("TFLOPS":1)")),
       Parsed("c.json", R"("chip":"M2","threads":4)", kJoules)});
  EXPECT_EQ(ValuesOf(all, "threads"), (Texts{"4 | 8", "4"}));
  EXPECT_TRUE(AnyHas(all.warnings, "the files of 'M1' differ in threads"));
}

TEST(EnergyWarnings, JoulesOfOtherScopeKindOrModelledOnes) {
  const Results rapl =
      Parsed("a.json", "\"chip\":\"Xeon\"," + Meter("rapl", "counter", kPackage), kJoules);
  const Results modelled = Parsed(
      "b.json", "\"chip\":\"M1\"," + Meter("ioreport", "modelled", kSoc, R"(,"note":"estimates")"),
      kJoules);
  const Comparison all = CompareAll({rapl, modelled});
  EXPECT_TRUE(AnyHas(all.warnings, "joules are of different scope: cpu: 'Xeon'; cpu gpu: 'M1'"));
  EXPECT_TRUE(AnyHas(all.warnings,
                     "joules are of different kinds of meters: counter: 'Xeon'; modelled: 'M1'"));
  EXPECT_TRUE(AnyHas(all.warnings, "joules of 'M1' are modelled (ioreport, estimates)"));
  EXPECT_EQ(
      ValuesOf(all, "meters of joules"),
      (Texts{"rapl (counter): package 0 [cpu]", "ioreport (modelled): CPU [cpu], GPU [gpu]"}));
}

TEST(EnergyWarnings, NoneWhereMetersAreAlikeOrNoJoulesAreCompared) {
  const std::string rapl = Meter("rapl", "counter", kPackage);
  const Comparison alike = CompareAll({Parsed("a.json", "\"chip\":\"Xeon\"," + rapl, kJoules),
                                       Parsed("b.json", "\"chip\":\"Ryzen\"," + rapl, kJoules)});
  EXPECT_TRUE(alike.warnings.empty());
  // A modelled meter on one chip before and after a change.
  const std::string modelled = "\"chip\":\"M1\"," + Meter("ioreport", "modelled", kSoc);
  EXPECT_TRUE(CompareAll({Parsed("a.json", modelled, kJoules), Parsed("b.json", modelled, kJoules)})
                  .warnings.empty());
  const std::string speed = RowText("gemm/8x8x8/f32/cpu", R"("TFLOPS":2)");
  const Comparison without = CompareAll(
      {Parsed("a.json", "\"chip\":\"Xeon\"," + rapl, speed), Parsed("b.json", modelled, kJoules)});
  EXPECT_TRUE(without.warnings.empty());
}

TEST(EnergyWarnings, JoulesOfAnUntoldMeter) {
  const Comparison all = CompareAll(
      {Parsed("a.json", R"("chip":"M1")", kJoules), Parsed("b.json", R"("chip":"M2")", kJoules)});
  EXPECT_TRUE(AnyHas(all.warnings,
                     "the files of 'M1', 'M2' do not tell what their joules are measured with"));
}

TEST(Warnings, OtherProgramsAndOtherWeights) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  AddRun(a, "decode/m/q4_0/ctx:0/cpu", {{"tok/s", 1}, {"weights_GB", 0.695}});
  AddRun(b, "decode/m/q4_0/ctx:0/cpu", {{"tok/s", 1}, {"weights_GB", 0.71}});
  b.tool = "llama-bench";
  const Comparison all = CompareAll({a, b});
  EXPECT_TRUE(AnyHas(all.warnings,
                     "different programs, so that ratios are not of the chips alone: "
                     "bench: 'M1'; llama-bench: 'M2'"));
  EXPECT_TRUE(AnyHas(all.warnings,
                     "weights of 1 row differ by more than 1 % (decode/m/q4_0/ctx:0/cpu: 0.695 to "
                     "0.71 GB)"));
}

TEST(Warnings, RowsOfUnknownModelsAreAlikeInNameOnly) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  for (Results* file : {&a, &b}) AddRun(*file, "decode/unknown/q4_0/ctx:64/mlx", {{"tok/s", 1}});
  EXPECT_TRUE(AnyHas(CompareAll({a, b}).warnings, "1 row is of a model or format that the files"));
  b.rows[0].name = "decode/unknown/q4_0/ctx:65/mlx";
  b.rows[0].address = ParseAddress(b.rows[0].name);
  EXPECT_TRUE(CompareAll({a, b}).warnings.empty());
}

TEST(DifferencesTest, ChipsAreToldWhereLabelsDoNot) {
  Results a = FileOf("a.json", "M1"), b = FileOf("b.json", "M2");
  EXPECT_TRUE(CompareAll({a, b}).differences.empty());
  CompareOptions options;
  options.by = By::kFile;
  EXPECT_EQ(ValuesOf(CompareAll({a, b}, options), "chip"), (Texts{"M1", "M2"}));
}

// Twice the round trip: neighbours or a re-placed virtual machine, and no property of the code.
TEST(Warnings, AMachineThatStoodInAnotherState) {
  Results a = FileOf("a.json", "Xeon"), b = FileOf("b.json", "Xeon");
  a.machine.threads = b.machine.threads = 2;
  AddRun(a, "gemm/1/f32/cpu", {{"TFLOPS", 1}, {"round_trip_ns", 257}, {"ground_GB/s", 36}});
  AddRun(b, "gemm/1/f32/cpu", {{"TFLOPS", 1}, {"round_trip_ns", 560}, {"ground_GB/s", 30}});
  const Comparison all = CompareAll({a, b});
  ASSERT_EQ(all.warnings.size(), 1u);
  EXPECT_EQ(all.warnings[0],
            "Xeon with 2 threads stood in different states: round_trip_ns is 257 in a.json and 560 "
            "in b.json; their rows differ by that too");
  b.machine.threads = 4;  // of other threads nothing is known
  EXPECT_TRUE(CompareAll({a, b}).warnings.empty());
}

}  // namespace
}  // namespace wattline::roofline::compare_differences_test
