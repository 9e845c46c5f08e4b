// bench with energy, as a user sees it, on simulated machines whose counters move while it runs.
// The runs that time rows measure the machine's ceilings first, which takes most of their time: a
// few runs, all at once, serve every test.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/results.h"
#include "tests/live_tree.h"
#include "tests/run_program.h"

namespace wattline::benchmarks::bench_energy_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPackage = "intel-rapl:0";
constexpr const char* kCore = "intel-rapl:0:0";
constexpr const char* kDram = "intel-rapl:0:1";

// Rows that take milliseconds, in the order in which they run.
const std::vector<std::string> kRows = {
    "gemm/512x512x512/f32/cpu", "dequant/4096x4096/q8_0/to:f32/data:cold/cpu",
    "dequant/4096x4096/q8_0/to:bf16/data:cold/cpu", "dequant/4096x4096/q4_0/to:f32/data:cold/cpu"};

std::string Filter(const std::vector<std::string>& rows) {
  return fmt::format("--benchmark_filter='^({})$'", fmt::join(rows, "|"));
}

const fs::path& Folder() {
  static const fs::path folder =
      fs::path(testing::TempDir()) / fmt::format("wattline_bench_energy.{}", getpid());
  return folder;
}

ProgramRun Bench(const std::string& name, const std::string& arguments) {
  return RunProgram(fmt::format("{} --threads=1 {}", WATTLINE_BENCH, arguments),
                    (Folder() / (name + ".err")).string());
}

std::string Text(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string LastLine(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

// Package and DRAM are to be summed, the cores are a part of the package.
constexpr double kPackage_w = 50;
constexpr double kDram_w = 8;
constexpr double kCore_w = 30;
void AddRapl(LiveTree& tree) {
  tree.Zone(kPackage, "package-0", {kPackage_w});
  tree.Zone(kCore, "core", {kCore_w});
  tree.Zone(kDram, "dram", {kDram_w});
}

// Beside them a GPU whose counter ticks ten times a second, too seldom to be waited for.
constexpr double kGpu_w = 42;
constexpr double kTotal_w = kPackage_w + kDram_w + kGpu_w;
void AddMachine(LiveTree& tree) {
  AddRapl(tree);
  tree.Write("sys/class/hwmon/hwmon0/name", "xe");
  tree.Counter("sys/class/hwmon/hwmon0/energy1_input", {kGpu_w}, 0.1);
}

// A run of the program on a tree.
struct Session {
  explicit Session(const std::string& of) : name(of), tree(of) {}

  void Start(const std::string& arguments) {
    tree.Start();
    run = std::async(std::launch::async, [this, arguments] {
      return Bench(name, fmt::format("--meter_root={} --benchmark_out={} {}", tree.root().string(),
                                     Results(), arguments));
    });
  }
  std::string Results() const { return (Folder() / (name + ".json")).string(); }
  std::string Trace() const { return (Folder() / (name + ".csv")).string(); }
  bool Running() const {
    return run.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
  }
  size_t RowsSoFar() const {
    const LoadedResults loaded = LoadResults(Results());
    return loaded.error.empty() ? loaded.document["benchmarks"].size() : 0;
  }
  // Calls `meanwhile` until so many rows are done.
  template <typename Do>
  void Until(size_t rows, Do meanwhile) const {
    while (Running() && RowsSoFar() < rows) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      meanwhile();
    }
  }
  void Finish() {
    outcome = run.get();
    document = LoadResults(Results()).document;
  }
  Json RowOf(const std::string& row_name) const {
    for (const Json& row : document["benchmarks"]) {
      if (row["name"] == row_name) return row;
    }
    ADD_FAILURE() << name << " lacks " << row_name << "\n" << outcome.err;
    return Json::object();
  }

  std::string name;
  LiveTree tree;
  std::future<ProgramRun> run;
  ProgramRun outcome;
  Json document = {{"context", Json::object()}, {"benchmarks", Json::array()}};
};

class BenchEnergyTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    fs::create_directories(Folder());
    faults_ = std::make_unique<Session>("faults");
    AddMachine(faults_->tree);
    faults_->Start(fmt::format("--benchmark_min_time=0.3 --energy_trace={} {}", faults_->Trace(),
                               Filter(kRows)));

    exact_ = std::make_unique<Session>("exact");
    // It goes on from 0 every 8 s.
    exact_->tree.Zone(kPackage, "package-0", {250}, 1e-3, 0, 2'000'000'000);
    exact_->tree.Write("sys/class/hwmon/hwmon0/name", "amdgpu");
    exact_->tree.Sensor("sys/class/hwmon/hwmon0/power1_average", kSensed, 0.02);
    exact_->Start(fmt::format(
        "--benchmark_min_time=0.2 --energy_error=0.000001 --output=csv --energy_trace={} {}",
        exact_->Trace(), Filter({kRows[2]})));

    faults_->Until(1, [] {});
    // Less apart than any row's loop is long.
    faults_->Until(2, [next = LiveTree::Clock::now()]() mutable {
      if (LiveTree::Clock::now() < next) return;
      faults_->tree.SetBack(LiveTree::EnergyFile(kPackage));
      next = LiveTree::Clock::now() + std::chrono::milliseconds(100);
    });
    faults_->Until(3, [] {});
    faults_->tree.Remove(LiveTree::EnergyFile(kDram));
    faults_->Finish();
    exact_->Finish();
  }
  static void TearDownTestSuite() {
    faults_.reset();
    exact_.reset();
    fs::remove_all(Folder());
  }

  static constexpr LivePower kSensed{40, 4, 0.3};
  // Rows of which one is whole, one has its counter set back, one is whole again, and one lacks a
  // counter's file.
  static std::unique_ptr<Session> faults_;
  // A bound that no window reaches, so that it becomes as long as any; a counter that wraps beside
  // sampled power.
  static std::unique_ptr<Session> exact_;
};
std::unique_ptr<Session> BenchEnergyTest::faults_;
std::unique_ptr<Session> BenchEnergyTest::exact_;

double Number(const Json& row, const char* key) {
  if (row.contains(key) && row[key].is_number()) return row[key].get<double>();
  ADD_FAILURE() << row.value("name", "") << " has no " << key << ": " << row.dump();
  return NAN;
}

// The row's own time per iteration: Google Benchmark's lacks the iterations that were added.
double Time_s(const Json& row) { return Number(row, "EDP") / Number(row, "joules"); }

// What the tree may have hidden from the row: values that were written late, at two edges.
double Late_s(Session& session, const Json& row) {
  return 2 * session.tree.MostLate_s() / Number(row, "iterations");
}

void ExpectWatts(Session& session, const Json& row, double mean_w, double swing_j = 0) {
  const double late_j = mean_w * Late_s(session, row) + swing_j / Number(row, "iterations");
  EXPECT_NEAR(Number(row, "joules"), mean_w * Time_s(row), Number(row, "joules_err") + late_j)
      << row.dump(1) << "\nlate by " << session.tree.MostLate_s() << " s";
  EXPECT_GT(Number(row, "joules_err"), 0);
  EXPECT_NEAR(Number(row, "watts"), Number(row, "joules") / Time_s(row),
              1e-6 * Number(row, "watts"));
}

void ExpectNoEnergy(const Json& row) {
  for (const auto& [key, value] : row.items()) {
    EXPECT_TRUE(key.find("joules") == std::string::npos && key.find("watts") == std::string::npos &&
                key != "EDP" && key != "J:cpu")
        << row.dump(1);
    EXPECT_FALSE(value.is_null()) << key;
  }
}

TEST_F(BenchEnergyTest, JoulesAreThoseOfTheMachine) {
  EXPECT_EQ(faults_->outcome.code, 0) << faults_->outcome.err;
  const Json row = faults_->RowOf(kRows[0]);
  ExpectWatts(*faults_, row, kTotal_w);
  EXPECT_LE(Number(row, "joules_err"), 0.02 * Number(row, "joules"));
}

TEST_F(BenchEnergyTest, DomainsOfTheTotalAddUpAndPartsAreShownBesides) {
  const Json row = faults_->RowOf(kRows[0]);
  const double joules = Number(row, "joules");
  EXPECT_NEAR(Number(row, "J:cpu") + Number(row, "J:dram") + Number(row, "J:gpu"), joules,
              1e-9 * joules);
  const double bound_j = Number(row, "joules_err") + (kPackage_w + kDram_w) * Late_s(*faults_, row);
  EXPECT_NEAR(Number(row, "J:core"), kCore_w * Time_s(row), bound_j);
  EXPECT_NEAR(Number(row, "J:dram"), kDram_w * Time_s(row), bound_j);
}

TEST_F(BenchEnergyTest, ConstantPowerIsIdleAndPeakAtOnceAndNothingIsLeftNet) {
  const Json row = faults_->RowOf(kRows[0]);
  const double watts = kTotal_w;
  // Stretches of 10 ms and more.
  EXPECT_NEAR(Number(row, "peak_watts"), watts,
              watts * (0.2 + 2 * faults_->tree.MostLate_s() / 0.01));
  // At least 0.2 s.
  EXPECT_NEAR(Number(row, "idle_watts"), watts,
              watts * (0.05 + 2 * faults_->tree.MostLate_s() / 0.2));
  EXPECT_LT(
      std::abs(Number(row, "net_joules")),
      Number(row, "net_joules_err") +
          watts * (Late_s(*faults_, row) + Time_s(row) * 2 * faults_->tree.MostLate_s() / 0.2));
}

TEST_F(BenchEnergyTest, TheContextSaysHowTheMeterBehaved) {
  const Json meters = faults_->document["context"]["meters"];
  ASSERT_EQ(meters.size(), 2u);
  EXPECT_EQ(meters[1]["name"], "hwmon");
  EXPECT_NEAR(Number(meters[1], "tick_s"), 0.1, 0.05);
  const Json& rapl = meters[0];
  EXPECT_EQ(rapl["name"], "rapl");
  EXPECT_EQ(rapl["kind"], "counter");
  EXPECT_NEAR(Number(rapl, "tick_s"), 1e-3, 0.5e-3 + faults_->tree.MostLate_s());
  EXPECT_GT(Number(rapl, "longest_tick_s"), 0);
  EXPECT_GT(Number(rapl, "read_cost_s"), 0);
  EXPECT_NEAR(Number(rapl, "lsb_j"), 61.035e-6, 1e-8);
  ASSERT_EQ(rapl["domains"].size(), 3u);
  EXPECT_EQ(rapl["domains"][0],
            Json::parse(R"({"name":"cpu","scope":"1 package","covers":["cpu"],"in_total":true})"));
  EXPECT_EQ(rapl["domains"][2]["name"], "core");
  EXPECT_EQ(rapl["domains"][2]["in_total"], false);
}

TEST_F(BenchEnergyTest, ACounterThatIsSetBackCostsItsRowTheJoulesAndNoOther) {
  const Json during = faults_->RowOf(kRows[1]);
  ExpectNoEnergy(during);
  EXPECT_NE(during.value("label", "").find("energy not measured: a counter was lost"),
            std::string::npos)
      << during.dump(1);
  EXPECT_GT(Number(during, "GB/s"), 0);
  ExpectWatts(*faults_, faults_->RowOf(kRows[2]), kTotal_w);
}

TEST_F(BenchEnergyTest, AFileThatVanishesLeavesItsRowWithoutJoules) {
  const Json row = faults_->RowOf(kRows[3]);
  for (const char* key : {"joules", "joules_err", "watts", "peak_watts", "net_joules", "J:dram"}) {
    EXPECT_FALSE(row.contains(key)) << row.dump(1);
  }
  EXPECT_NE(row.value("label", "").find("energy not measured"), std::string::npos);
  EXPECT_GT(Number(row, "GB/s"), 0);
}

TEST_F(BenchEnergyTest, TheTableHasItsColumnsAndTheLastLineNamesTheMeter) {
  const std::string& table = faults_->outcome.out;
  EXPECT_NE(table.find("  joules    watts\n"), std::string::npos) << table;
  EXPECT_EQ(table.find("nan"), std::string::npos);
  EXPECT_EQ(LastLine(faults_->outcome.err)
                .rfind("energy: rapl: counter, cpu (1 package), dram (memory of 1 package), core "
                       "(cores of 1 package), tick ",
                       0),
            0u)
      << faults_->outcome.err;
}

TEST_F(BenchEnergyTest, ASlowCounterIsBoundedByAddedIterations) {
  const Json row = faults_->RowOf(kRows[0]);
  // Three of its ticks, whose ends are not known better than to 4 ms, are no bound of 2 %.
  EXPECT_LE(Number(row, "joules_err"), 0.02 * Number(row, "joules"));
  EXPECT_NEAR(Number(row, "J:gpu"), kGpu_w * Time_s(row),
              Number(row, "joules_err") + kGpu_w * Late_s(*faults_, row));
  EXPECT_EQ(row.value("label", "").find("energy"), std::string::npos) << row.dump(1);
}

struct Traced {
  double seconds = 0;
  double joules = 0;
};
// Time and energy of a domain by phase, of a trace whose lines all have seven cells.
std::map<std::string, Traced> PhasesOf(const std::string& file, const std::string& domain) {
  std::istringstream lines(Text(file));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "time_s,span_s,meter,domain,watts,phase,row");
  std::map<std::string, Traced> phases;
  while (std::getline(lines, line)) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
    if (line.back() == ',') cells.emplace_back();
    EXPECT_EQ(cells.size(), 7u) << line;
    if (cells.size() != 7 || cells[3] != domain) continue;
    Traced& phase = phases[cells[5]];
    phase.seconds += std::stod(cells[1]);
    phase.joules += std::stod(cells[1]) * std::stod(cells[4]);
  }
  return phases;
}

TEST_F(BenchEnergyTest, TheTraceHoldsThePowerOfEveryPhase) {
  const auto phases = PhasesOf(faults_->Trace(), "core");
  for (const char* phase : {"idle", "gemm", "dequant", "between"}) {
    ASSERT_TRUE(phases.contains(phase)) << phase;
    const Traced& traced = phases.at(phase);
    EXPECT_NEAR(traced.joules, kCore_w * traced.seconds,
                kCore_w * (0.1 * traced.seconds + 10 * faults_->tree.MostLate_s()))
        << phase;
  }
  // Three rows, each as long as its loop at least.
  EXPECT_GT(phases.at("dequant").seconds, 3 * 0.2);
}

TEST_F(BenchEnergyTest, ABoundThatCannotBeReachedIsSaidAndEndsAtTheCap) {
  EXPECT_EQ(exact_->outcome.code, 0) << exact_->outcome.err;
  const Json row = exact_->RowOf(kRows[2]);
  EXPECT_NE(row.value("label", "").find("energy within "), std::string::npos) << row.dump(1);
  EXPECT_NE(row.value("label", "").find(" % only"), std::string::npos);
  const auto phases = PhasesOf(exact_->Trace(), "cpu");
  ASSERT_TRUE(phases.contains("dequant"));
  // 10 s and the calls before, each of which lasts as long as a busy machine makes it: 20 s were
  // seen beside a compiler. What has no cap goes on until the bound is met, here never.
  EXPECT_LT(phases.at("dequant").seconds, 60);
  EXPECT_GT(phases.at("dequant").seconds, 9);
}

TEST_F(BenchEnergyTest, ACounterThatWrapsAndASensorOfPowerHoldTheirBound) {
  const Json row = exact_->RowOf(kRows[2]);
  const Json& meters = exact_->document["context"]["meters"];
  ASSERT_EQ(meters.size(), 2u);
  EXPECT_EQ(meters[1]["name"], "hwmon");
  EXPECT_EQ(meters[1]["kind"], "sampled");
  // The window lasts 10 s, Google Benchmark's own iterations are only some of them.
  const double share = Time_s(row) / 10;
  const double late_s = 2 * exact_->tree.MostLate_s();
  EXPECT_NEAR(Number(row, "joules"), (250 + kSensed.mean_w) * Time_s(row),
              Number(row, "joules_err") +
                  share * (late_s * (250 + kSensed.mean_w) + kSensed.MostSwing_j()));
  EXPECT_NEAR(Number(row, "J:cpu"), 250 * Time_s(row),
              Number(row, "joules_err") + share * late_s * 250);
  EXPECT_LT(Number(row, "joules_err"), 0.01 * Number(row, "joules"));
}

TEST_F(BenchEnergyTest, CsvHasTheColumnsOfEnergy) {
  const std::string& text = exact_->outcome.out;
  const std::string head = text.substr(0, text.find('\n'));
  for (const char* column :
       {",joules,", ",joules_err,", ",watts,", ",peak_watts,", ",idle_watts,", ",J:cpu"}) {
    EXPECT_NE((head + ",").find(column), std::string::npos) << column << " in " << head;
  }
}

// Runs whose rows are all done: choosing meters and reporting is what remains.

// The whole rows of the first run, as a file of their own; `energy` false: as if measured without.
std::string DoneFile(const std::string& name, Json document, bool energy) {
  Json rows = Json::array();
  for (Json row : document["benchmarks"]) {
    if (row["name"] != kRows[0] && row["name"] != kRows[2]) continue;
    if (!energy) {
      for (const char* key :
           {"joules", "joules_err", "watts", "peak_watts", "idle_watts", "EDP", "net_joules",
            "net_joules_err", "J:cpu", "J:dram", "J:core", "J:gpu"}) {
        row.erase(key);
      }
    }
    rows.push_back(row);
  }
  document["benchmarks"] = rows;
  if (!energy) document["context"]["meters"] = Json::array();
  const std::string file = (Folder() / (name + ".json")).string();
  ReplaceFile(file, JsonText(document));
  return file;
}

ProgramRun Resume(const std::string& name, const std::string& file, const std::string& arguments) {
  return Bench(name,
               fmt::format("--resume={} {} {}", file, Filter({kRows[0], kRows[2]}), arguments));
}

TEST_F(BenchEnergyTest, AResumedFileKeepsItsJoules) {
  const std::string file = DoneFile("resumed", faults_->document, true);
  const Json before = LoadResults(file).document["benchmarks"];
  LiveTree tree("resumed");
  AddMachine(tree);
  tree.Start();
  for (const char* output : {"table", "md", "html"}) {
    const ProgramRun run = Resume(
        "resumed", file, fmt::format("--meter_root={} --output={}", tree.root().string(), output));
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_NE(run.out.find("joules"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("watts"), std::string::npos) << run.out;
  }
  EXPECT_EQ(LoadResults(file).document["benchmarks"], before);
}

TEST_F(BenchEnergyTest, JoulesOfOneMeterAreNotContinuedByAnother) {
  const std::string file = DoneFile("other", faults_->document, true);
  const ProgramRun run = Resume("other", file, "--meter_root=/nonexistent");
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.err.find(
                "its joules are those of rapl (cpu, dram) and hwmon (gpu), this run has no meter"),
            std::string::npos)
      << run.err;
}

TEST_F(BenchEnergyTest, WithoutAnyMeterOneLineSaysSoAndNoColumnIsShown) {
  const std::string file = DoneFile("none", faults_->document, false);
  const ProgramRun none = Resume("none", file, "--meter_root=/nonexistent");
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_EQ(none.out.find("joules"), std::string::npos) << none.out;
  EXPECT_EQ(LastLine(none.err),
            "energy: no meter works here, so no joules; bench --list-meters tells what each one "
            "needs");
  const ProgramRun off = Resume("off", file, "--energy=off");
  EXPECT_EQ(off.code, 0) << off.err;
  EXPECT_EQ(off.out.find("joules"), std::string::npos) << off.out;
  EXPECT_EQ(LastLine(off.err), "energy: off");
}

TEST_F(BenchEnergyTest, ACounterThatIsThereButUnreadableIsToldInTheLastLine) {
  LiveTree tree("refused");
  AddRapl(tree);
  tree.Refuse(LiveTree::EnergyFile(kPackage));
  tree.Start();
  const std::string file = DoneFile("refused", faults_->document, false);
  const std::string root = "--meter_root=" + tree.root().string();
  const ProgramRun run = Resume("refused", file, root);
  EXPECT_EQ(run.code, 0) << run.err;
  const std::string unreadable =
      (tree.root() / LiveTree::EnergyFile(kPackage)).string() + ": Is a directory";
  EXPECT_NE(LastLine(run.err).find("rapl: " + unreadable), std::string::npos) << run.err;

  const ProgramRun named = Resume("refused", file, root + " --energy=rapl");
  EXPECT_EQ(named.code, 1);
  EXPECT_EQ(named.err, "bench: --energy: rapl cannot be used: " + unreadable + "\n");
}

TEST_F(BenchEnergyTest, AMeterThatIsAskedForMustWork) {
  LiveTree tree("asked");
  AddRapl(tree);
  tree.Start();
  const std::string root = " --meter_root=" + tree.root().string();
  const std::string results = (Folder() / "asked.json").string();
  const struct {
    std::string arguments;
    int code;
    std::string says;
  } cases[] = {
      {"--energy=nosuch" + root, 2, "unknown meter 'nosuch'; known: auto, off, rapl, "},
      {"--energy=rapl --meter_root=/nonexistent", 1,
       "rapl cannot be used: /nonexistent/sys/class/powercap is absent"},
      {"--energy=nvml,rapl" + root, 1, "nvml cannot be used: "},
      {"--energy_trace=/nonexistent/trace.csv" + root, 1,
       "cannot write the energy trace to /nonexistent/trace.csv: No such file or directory"},
      {"--energy_trace=trace.csv --meter_root=/nonexistent", 1, "no meter works here"},
      {"--energy_trace=trace.csv --energy=off" + root, 1, "energy: off"},
  };
  for (const auto& [arguments, code, says] : cases) {
    const ProgramRun run =
        Bench("asked", fmt::format("{} {} --benchmark_out={}", arguments, Filter(kRows), results));
    EXPECT_EQ(run.code, code) << arguments;
    EXPECT_NE(run.err.find(says), std::string::npos) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_FALSE(fs::exists(results)) << arguments;
  }
}

TEST_F(BenchEnergyTest, ListedMetersShowTheirReadings) {
  LiveTree tree("listed");
  AddRapl(tree);
  tree.Start();
  const ProgramRun run = Bench("listed", "--list-meters --meter_root=" + tree.root().string());
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.out.find("\n  rapl: counter, cpu (1 package), dram (memory of 1 package), core"),
            std::string::npos)
      << run.out;
  EXPECT_EQ(run.out.rfind("rapl: energy counters", 0), 0u);
  size_t readings = 0;
  std::istringstream lines(run.out);
  for (std::string line; std::getline(lines, line);) {
    double at_s = 0;
    double cpu_j = 0;
    double dram_j = 0;
    double core_j = 0;
    if (std::sscanf(line.c_str(), " %lf s cpu %lf J dram %lf J core %lf J", &at_s, &cpu_j, &dram_j,
                    &core_j) != 4) {
      continue;
    }
    ++readings;
    const double late_s = 0.003 + 2 * tree.MostLate_s();
    EXPECT_NEAR(cpu_j, kPackage_w * at_s, kPackage_w * late_s) << line;
    EXPECT_NEAR(dram_j, kDram_w * at_s, kDram_w * late_s) << line;
    EXPECT_NEAR(core_j, kCore_w * at_s, kCore_w * late_s) << line;
  }
  EXPECT_EQ(readings, 10u) << run.out;
}

}  // namespace
}  // namespace wattline::benchmarks::bench_energy_test
