// The intensity sweep as a user of bench sees it, with the joules of a simulated machine.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>

#include "benchmarks/results.h"
#include "roofline/gates.h"
#include "tests/live_tree.h"
#include "tests/run_program.h"

namespace wattline::benchmarks::bench_intensity_test {
namespace {

namespace fs = std::filesystem;

constexpr double kPackage_w = 50;
constexpr double kDram_w = 8;
const std::map<std::string, double> kRows = {
    {"ceiling/intensity/f32/kb:32/flop_per_byte:0.0625/threads:1/cpu", 0.0625},
    {"ceiling/intensity/bf16/kb:512/flop_per_byte:4/threads:1/cpu", 4},
    {"ceiling/intensity/int8/kb:32/flop_per_byte:1024/threads:1/cpu", 1024}};
constexpr const char* kLevels = "ceiling/levels/f32/per_octave:2/threads:1/cpu";

// One run serves all tests: it measures the machine's ceilings first, which takes most of the time.
class BenchIntensityTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::path(testing::TempDir()) / fmt::format("wattline_intensity.{}", getpid());
    fs::create_directories(folder_);
    std::string names = kLevels;
    for (const auto& [name, intensity] : kRows) names += "|" + name;
    LiveTree tree("intensity");
    tree.Zone("intel-rapl:0", "package-0", {kPackage_w});
    tree.Zone("intel-rapl:0:0", "dram", {kDram_w});
    tree.Start();
    const std::string bench =
        fmt::format("{} --threads=1 --meter_root={} --benchmark_filter='^({})$' ", WATTLINE_BENCH,
                    tree.root().string(), names);
    first_ = RunProgram(bench + "--benchmark_out=" + File(), Errors());
    document_ = LoadResults(File()).document;
    again_ = RunProgram(bench + "--resume=" + File(), Errors());
    resumed_ = LoadResults(File()).document;
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }

  static std::string File() { return (folder_ / "r.json").string(); }
  static std::string Errors() { return (folder_ / "err").string(); }
  static Json RowOf(const std::string& name) {
    for (const Json& row : document_["benchmarks"]) {
      if (row["name"] == name) return row;
    }
    ADD_FAILURE() << "no row " << name << "\n" << first_.err;
    return Json::object();
  }

  static inline fs::path folder_;
  static inline ProgramRun first_, again_;
  static inline Json document_, resumed_;
};

TEST_F(BenchIntensityTest, EveryPointHasItsIntensityItsRatesAndItsGates) {
  EXPECT_EQ(first_.code, 0) << first_.err;
  for (const auto& [name, intensity] : kRows) {
    const Json row = RowOf(name);
    ASSERT_TRUE(row.contains("TFLOPS") && row.contains("GB/s")) << row;
    EXPECT_NEAR(row["AI"].get<double>(), intensity, 1e-9 * intensity) << name;
    EXPECT_NEAR(row["TFLOPS"].get<double>() * 1e3, row["GB/s"].get<double>() * intensity,
                1e-6 * row["GB/s"].get<double>() * intensity);
    std::map<std::string, double> gates;
    for (const char* gate : {"doubling", "spread", "drift"}) {
      ASSERT_TRUE(row.contains(gate)) << name << " lacks " << gate;
      gates[gate] = row[gate].get<double>();
    }
    // The label names the kernel, and the gate where one failed.
    const std::string label = row["label"];
    const std::string failed = roofline::FailedGate(gates);
    EXPECT_EQ(label.find("; not used: " + failed) != std::string::npos, !failed.empty()) << label;
    EXPECT_NE(label.find(" x"), std::string::npos) << label;
  }
}

TEST_F(BenchIntensityTest, EveryPointHasTheJoulesOfItsWindow) {
  for (const auto& [name, intensity] : kRows) {
    const Json row = RowOf(name);
    for (const char* key : {"joules", "joules_err", "watts", "J:cpu", "J:dram"}) {
      ASSERT_TRUE(row.contains(key)) << name << " lacks " << key;
    }
    EXPECT_NEAR(row["watts"].get<double>(), kPackage_w + kDram_w, 0.1 * (kPackage_w + kDram_w));
    EXPECT_GT(row["joules"].get<double>(), 0);
    const double share = row["J:dram"].get<double>() / row["joules"].get<double>();
    EXPECT_NEAR(share, kDram_w / (kPackage_w + kDram_w), 0.02) << name;
  }
}

TEST_F(BenchIntensityTest, ARowsOwnLeastTimeIsNoPartOfItsName) {
  EXPECT_EQ(document_["benchmarks"].size(), kRows.size() + 1);
  for (const auto& [name, intensity] : kRows) EXPECT_EQ(RowOf(name)["run_name"], name);
}

TEST_F(BenchIntensityTest, AResumedRunKeepsEveryPoint) {
  EXPECT_EQ(again_.code, 0) << again_.err;
  EXPECT_EQ(resumed_["benchmarks"], document_["benchmarks"]);
}

TEST_F(BenchIntensityTest, LevelsCarryTheSweepThatTheyWereFoundIn) {
  const Json row = RowOf(kLevels);
  std::map<int64_t, double> sweep;
  for (const auto& [key, value] : row.items()) {
    if (key.rfind("GB/s@byte:", 0) == 0) sweep[std::stoll(key.substr(10))] = value;
  }
  // 8 KiB, then two for each doubling; 512 MiB where an eighth of the memory allows it.
  ASSERT_GE(sweep.size(), 9u);
  EXPECT_TRUE(sweep.contains(8192));
  EXPECT_TRUE(sweep.contains(11585));
  EXPECT_TRUE(sweep.contains(16384));
  const int64_t least = sweep.begin()->first;
  const auto points = static_cast<double>(sweep.size() - 1);
  EXPECT_EQ(least, 8192);
  EXPECT_NEAR(static_cast<double>(sweep.rbegin()->first), 8192 * std::exp2(points / 2), 1);
  for (const auto& [footprint_byte, rate] : sweep) EXPECT_GT(rate, 0.1) << footprint_byte;
}

int Rows(const std::string& arguments) {
  const std::string err = (fs::path(testing::TempDir()) / "wattline_intensity.err").string();
  const ProgramRun run =
      RunProgram(fmt::format("{} --benchmark_list_tests {}", WATTLINE_BENCH, arguments), err);
  return static_cast<int>(std::count(run.out.begin(), run.out.end(), '\n'));
}

TEST(IntensityListTest, TheDefaultIsAllThreadsAndOneFootprintInsideEachLevel) {
  const std::string filter = "--threads=2 --benchmark_filter=ceiling/intensity/";
  EXPECT_EQ(Rows(filter + "f32/kb:32/"), 15);
  EXPECT_EQ(Rows(filter + "f32/kb:64/flop_per_byte:1/"), 1);  // named
  EXPECT_EQ(Rows(filter + ".*/kb:32/flop_per_byte:0.0625/threads:2/"), 3);
  EXPECT_EQ(Rows(filter + "f32/kb:32/flop_per_byte:1024/threads:1/"), 1);
  EXPECT_EQ(Rows(filter + "f32/kb:32/ --sweep=full"), 30);
}

}  // namespace
}  // namespace wattline::benchmarks::bench_intensity_test
