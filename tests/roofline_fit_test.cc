// The program `roofline fit`: files in, FIT.json and tables out, and what it says of bad input.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "roofline/fit_json.h"
#include "tests/folder_test.h"
#include "tests/made_results.h"
#include "tests/run_program.h"

namespace wattline::roofline_fit_test {
namespace {

using roofline::Interval;

class RooflineFitTest : public FolderTest {
 protected:
  ProgramRun Run(const std::string& arguments) const {
    return RunProgram(std::string(WATTLINE_ROOFLINE) + " fit " + arguments, Path("err"));
  }
};

bool Says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Each level swept with joules, a point that failed a gate, and one that ran at another clock.
MadeResults Whole(uint32_t seed) {
  MadeResults made(seed);
  made.AddLevels();
  for (const MadeLevel& level : kMadeLevels) made.AddSweep("f32", level, true);
  made.RowOf(MadeResults::IntensityName("f32", 524288, 0.25))["drift"] = 0.2;
  auto& slow = made.RowOf(MadeResults::IntensityName("f32", 524288, 128));
  slow["clock_GHz"] = 2.5;
  slow["watts"] = 80.0;
  made.AddPeak("int8", 1.8e12);
  made.AddStream("read", 524288, 3.3e10);
  return made;
}

TEST_F(RooflineFitTest, WritesAFitThatHoldsTheKnownMachine) {
  const std::string results = Write("made.json", Whole(4).Text());
  const ProgramRun run = Run(results + " -o " + Path("fit.json"));
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.err, "");
  const roofline::ReadFitResult read = roofline::ReadFit(Path("fit.json"));
  ASSERT_TRUE(read.fit) << read.error;
  EXPECT_EQ(roofline::FitJson(*read.fit), Read("fit.json"));
  ASSERT_EQ(read.fit->machines.size(), 1u);
  const roofline::MachineFit& machine = read.fit->machines[0];
  const roofline::RoofKey memory{"f32", "cpu", 2, "DRAM"};
  const KnownMachine truth = MadeMachine(kMadeLevels[2]);
  const auto holds = [](const Interval& interval, double value) {
    return interval.low <= value && value <= interval.high;
  };
  const roofline::Roof* roof = FindRoof(machine, memory);
  ASSERT_TRUE(roof);
  EXPECT_TRUE(holds(roof->peak_flop_per_s, truth.peak_flop_per_s));
  EXPECT_TRUE(holds(roof->byte_per_s, truth.byte_per_s));
  EXPECT_TRUE(holds(*roof->sharpness, truth.sharpness));
  const roofline::EnergyFit* energy = FindEnergy(machine, memory);
  ASSERT_TRUE(energy);
  ASSERT_TRUE(energy->coefficients) << energy->refused;
  EXPECT_TRUE(holds(energy->coefficients->flop_j, truth.flop_j));
  EXPECT_TRUE(holds(energy->coefficients->byte_j, truth.byte_j));
  EXPECT_TRUE(holds(energy->coefficients->constant_w, truth.constant_w));
  EXPECT_EQ(energy->dropped.size(), 2u);
  // int8 was never swept.
  const roofline::Roof* straight = FindRoof(machine, {"int8", "cpu", 2, "DRAM"});
  ASSERT_TRUE(straight);
  EXPECT_FALSE(straight->sharpness);
}

TEST_F(RooflineFitTest, PrintsWhatItFoundAndWhatItDidNotUse) {
  const std::string results = Write("made.json", Whole(4).Text());
  const ProgramRun table = Run(results);
  ASSERT_EQ(table.code, 0) << table.err;
  for (const char* part :
       {"P GFLOP/s", "Made Chip", "DRAM", "corner sags", "pJ/FLOP", "trusted", "Not used, and why",
        "drift 20 % is above 5 %", "its clock, 2500 MHz, is 17 % off the sweep's 3000 MHz"}) {
    EXPECT_TRUE(Says(table.out, part)) << part << "\n" << table.out;
  }
  EXPECT_FALSE(std::filesystem::exists(Path("fit.json")));

  const ProgramRun markdown = Run(results + " --output=md");
  EXPECT_TRUE(Says(markdown.out, "| Made Chip | f32 | DRAM | cpu | 2 |")) << markdown.out;

  const ProgramRun csv = Run(results + " --output=csv");
  std::istringstream lines(csv.out);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(
      line.rfind("chip,format,level,backend,threads,peak_gflop_per_s,peak_gflop_per_s_low,", 0), 0u)
      << line;
  int rows = 0;
  while (std::getline(lines, line)) ++rows;
  EXPECT_EQ(rows, 6);  // f32 and int8, three levels

  const nlohmann::json json = nlohmann::json::parse(Run(results + " --output=json").out);
  EXPECT_EQ(json["roofs"].size(), 6u);
  EXPECT_EQ(json["levels"].size(), 3u);
  EXPECT_EQ(json["energies"].size(), 3u);
  EXPECT_GE(json["not_used"].size(), 2u);
  EXPECT_FALSE(json["roofs"].back().contains("sharpness"));  // absent is absent
}

TEST_F(RooflineFitTest, TheSameSeedGivesTheSameBytes) {
  const std::string results = Write("made.json", Whole(4).Text());
  for (const auto& [out, seed] : {std::pair{"a", 5}, std::pair{"b", 5}, std::pair{"c", 6}}) {
    const ProgramRun run =
        Run(fmt::format("{} -o {} --seed={} --resamples=150", results, Path(out), seed));
    ASSERT_EQ(run.code, 0) << run.err;
  }
  EXPECT_EQ(Read("a"), Read("b"));
  EXPECT_NE(Read("a"), Read("c"));
}

TEST_F(RooflineFitTest, TheFitGoesToStandardOutputAlone) {
  const std::string results = Write("made.json", Whole(4).Text());
  const ProgramRun run = Run(results + " -o - --resamples=100");
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(roofline::ParseFit(run.out, "-").fit);
}

// The public sweeps as results files: capped, refused or trusted as they are.
TEST_F(RooflineFitTest, PublicSweepsAreFittedOrRefused) {
  std::string files;
  for (const char* chip : {"h200", "l40", "mi300x"}) {
    MadeResults made(1, chip);
    for (const auto& point : PublishedSweep(chip)) {
      made.Add(fmt::format("ceiling/intensity/f32/kb:8388608/flop_per_byte:{}/threads:1/cuda",
                           point.flop_per_byte),
               MadeResults::PointCounters(point, true));
    }
    files += Write(std::string(chip) + ".json", made.Text()) + " ";
  }
  const ProgramRun run = Run(files + " -o " + Path("fit.json"));
  ASSERT_EQ(run.code, 0) << run.err;
  const roofline::ReadFitResult read = roofline::ReadFit(Path("fit.json"));
  ASSERT_TRUE(read.fit) << read.error;
  ASSERT_EQ(read.fit->machines.size(), 3u);
  const auto energy = [&](size_t i) { return read.fit->machines[i].energies.at(0); };
  EXPECT_NEAR(energy(0).coefficients->byte_j.value, 124.1e-12, 6e-12);
  EXPECT_EQ(energy(0).caution, "");
  EXPECT_NEAR(energy(1).coefficients->byte_j.value, 144.0e-12, 7e-12);
  EXPECT_TRUE(Says(energy(1).caution, "power cap"));
  EXPECT_FALSE(energy(2).coefficients);
  EXPECT_TRUE(Says(energy(2).refused, "728 to 751 W"));
  EXPECT_TRUE(Says(run.out, "with caution"));
  EXPECT_TRUE(Says(run.out, "refused"));
}

TEST_F(RooflineFitTest, BadInputGetsOneSentence) {
  const std::string decode =
      std::string(WATTLINE_SOURCE_DIR) + "/tests/data/decode_emerald_rapids_vm.json";
  const std::string whole = Whole(4).Text();
  MadeResults failed;
  failed.AddPeak("f32", 1);
  failed.RowOf("")["error_occurred"] = true;
  failed.RowOf("")["error_message"] = "there is no such kernel for this CPU";
  struct Bad {
    std::string arguments;
    int code;
    const char* says;
  };
  const std::string good = Write("good.json", whole);
  for (const Bad& bad :
       {Bad{decode, 2, "has no rows of ceiling; run ./bench --benchmark_filter=ceiling"},
        Bad{Write("cut.json", whole.substr(0, whole.size() / 2)), 2, "it is truncated"},
        Bad{Write("list.json", "[1]"), 2, "is no results file"},
        Bad{Write("fit.json", "{\"wattline_fit\": 1, \"machines\": []}"), 2, "is no results file"},
        Bad{Path("missing.json"), 2, "cannot be read"},
        Bad{Write("failed.json", failed.Text()), 1, "there is no such kernel for this CPU"},
        Bad{good + " -o " + good, 2, "would write over the results"},
        Bad{good + " -o /dev/full/x/fit.json", 1, "/dev/full"},
        Bad{good + " --resamples=5", 2, "--resamples"}, Bad{good + " --output=pdf", 2, "--output"},
        Bad{"", 2, "results is required"}}) {
    const ProgramRun run = Run(bad.arguments);
    EXPECT_EQ(run.code, bad.code) << bad.arguments << "\n" << run.err;
    EXPECT_TRUE(Says(run.err, bad.says)) << bad.says << "\n" << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_EQ(run.out, "") << bad.arguments;
  }
  EXPECT_EQ(Read("good.json"), whole);
}

TEST_F(RooflineFitTest, DecodeRowsOfAnotherFileOfTheChipAreTakenAlong) {
  const std::string decode =
      std::string(WATTLINE_SOURCE_DIR) + "/tests/data/decode_emerald_rapids_vm.json";
  MadeResults made = Whole(4);
  made.json()["context"]["chip_slug"] = "intel-xeon-processor-f6m207";
  const ProgramRun run = Run(Write("ceiling.json", made.Text()) + " " + decode + " -o " +
                             Path("fit.json") + " --resamples=100");
  ASSERT_EQ(run.code, 0) << run.err;
  const roofline::ReadFitResult read = roofline::ReadFit(Path("fit.json"));
  ASSERT_TRUE(read.fit) << read.error;
  ASSERT_EQ(read.fit->machines.size(), 1u);
  EXPECT_EQ(read.fit->machines[0].model_rows.size(), 12u);
}

}  // namespace
}  // namespace wattline::roofline_fit_test
