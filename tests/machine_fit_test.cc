// From results files of a known machine to its fit: levels, roofs, energies, model rows, and what
// is not used.
#include "roofline/machine_fit.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "roofline/fit_json.h"
#include "roofline/footprints.h"
#include "tests/made_results.h"

namespace wattline::roofline::machine_fit_test {
namespace {

Results Parsed(const MadeResults& made, const std::string& path = "folder/made.json") {
  ReadResult read = ParseResults(made.Text(), path);
  EXPECT_TRUE(read.results) << read.error;
  return read.results ? std::move(*read.results) : Results{};
}

MachineFit FitOf(const std::vector<Results>& files, FitOptions options = {.resamples = 300}) {
  const Fit fit = FitMachines(files, options);
  EXPECT_EQ(fit.machines.size(), 1u);
  return fit.machines.empty() ? MachineFit{} : fit.machines.front();
}

bool Holds(const Interval& interval, double truth) {
  return interval.low <= truth && truth <= interval.high;
}

// The remarks that hold all of these words.
size_t Remarks(const MachineFit& machine, std::initializer_list<const char*> parts) {
  return static_cast<size_t>(
      std::count_if(machine.remarks.begin(), machine.remarks.end(), [&](const std::string& remark) {
        return std::all_of(parts.begin(), parts.end(), [&](const char* part) {
          return remark.find(part) != std::string::npos;
        });
      }));
}
std::string All(const MachineFit& machine) {
  std::string text;
  for (const std::string& remark : machine.remarks) text += remark + "\n";
  return text;
}

MadeResults WholeMachine(uint32_t seed) {
  MadeResults made(seed);
  made.AddLevels();
  for (const MadeLevel& level : kMadeLevels) made.AddSweep("f32", level, true);
  return made;
}

TEST(FitMachinesTest, AKnownMachineComesOutWithinItsIntervals) {
  int held = 0, all = 0;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    const MachineFit machine = FitOf({Parsed(WholeMachine(seed))});
    ASSERT_EQ(machine.roofs.size(), 3u) << All(machine);
    for (const MadeLevel& level : kMadeLevels) {
      const KnownMachine truth = MadeMachine(level);
      const RoofKey key{"f32", "cpu", 2, level.name};
      const Roof* roof = FindRoof(machine, key);
      ASSERT_TRUE(roof) << level.name;
      EXPECT_EQ(roof->points.size(), 15u);
      ASSERT_TRUE(roof->sharpness) << All(machine);
      held += Holds(roof->peak_flop_per_s, truth.peak_flop_per_s);
      held += Holds(roof->byte_per_s, truth.byte_per_s);
      held += Holds(roof->ridge_flop_per_byte, truth.peak_flop_per_s / truth.byte_per_s);
      held += Holds(*roof->sharpness, truth.sharpness);
      all += 4;
    }
    const EnergyFit* energy = FindEnergy(machine, {"f32", "cpu", 2, "DRAM"});
    ASSERT_TRUE(energy);
    ASSERT_TRUE(energy->coefficients) << energy->refused;
    const KnownMachine truth = MadeMachine(kMadeLevels[2]);
    held += Holds(energy->coefficients->flop_j, truth.flop_j);
    held += Holds(energy->coefficients->byte_j, truth.byte_j);
    held += Holds(energy->coefficients->constant_w, truth.constant_w);
    all += 3;
  }
  EXPECT_GE(held, 0.92 * all) << "of " << all;
}

TEST(FitMachinesTest, SaysWhatTheMachineIs) {
  MadeResults made = WholeMachine(1);
  made.AddPeak("f32", 4.5e11);
  const MachineFit machine = FitOf({Parsed(made, "/home/somebody/made.json")});
  EXPECT_EQ(machine.chip, "Made Chip");
  EXPECT_EQ(machine.chip_slug, "made-chip");
  EXPECT_EQ(machine.memory_byte, 16e9);
  EXPECT_EQ(machine.meters, std::vector<std::string>{"rapl (package)"});
  EXPECT_EQ(machine.sources, std::vector<std::string>{"made.json"});
  EXPECT_EQ(FitJson({{machine}}).find("somebody"), std::string::npos);
  ASSERT_EQ(machine.levels.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(machine.levels[i].name, kMadeLevels[i].name);
    EXPECT_NEAR(*machine.levels[i].byte_per_s / kMadeLevels[i].byte_per_s, 1, 0.02);
  }
}

TEST(FitMachinesTest, APointThatFailsAGateIsKeptAndNotUsed) {
  MadeResults made = WholeMachine(3);
  const std::string name = MadeResults::IntensityName("f32", 524288, 4);
  made.RowOf(name)["drift"] = 0.081;
  made.RowOf(name)["TFLOPS"] = 9.0;
  const MachineFit machine = FitOf({Parsed(made)});
  const Roof* roof = FindRoof(machine, {"f32", "cpu", 2, "DRAM"});
  ASSERT_TRUE(roof);
  int marked = 0;
  for (const IntensityPoint& point : roof->points) marked += !point.not_used.empty();
  EXPECT_EQ(marked, 1);
  EXPECT_LT(roof->peak_flop_per_s.value, 5e11);
  EXPECT_EQ(Remarks(machine, {name.c_str(), "drift 8.1 % is above 5 %"}), 1u) << All(machine);
}

TEST(FitMachinesTest, ARunThatFailsAGateDoesNotSpoilItsRepetitions) {
  MadeResults made = WholeMachine(3);
  const std::string name = MadeResults::IntensityName("f32", 524288, 4);
  auto bad = made.RowOf(name);
  bad["TFLOPS"] = 9.0;
  bad["spread"] = 0.2;
  bad["repetition_index"] = 1;
  const MachineFit without = FitOf({Parsed(made)});
  made.json()["benchmarks"].push_back(bad);
  const MachineFit with = FitOf({Parsed(made)});
  EXPECT_EQ(FitJson({{with}}), FitJson({{without}}));
}

TEST(FitMachinesTest, RepetitionsAndFilesAreMergedByTheirMedian) {
  MadeResults one(1);
  MadeResults two(2);
  one.AddLevels();
  for (const MadeLevel& level : kMadeLevels) one.AddStream("read", level.kib, level.byte_per_s);
  one.AddPeak("f32", 4.4e11, 0);
  one.AddPeak("f32", 4.5e11, 1);
  two.AddPeak("f32", 4.6e11);
  const MachineFit machine = FitOf({Parsed(one), Parsed(two, "other.json")});
  ASSERT_EQ(machine.roofs.size(), 3u) << All(machine);
  const Interval& peak = machine.roofs[0].peak_flop_per_s;
  EXPECT_EQ(peak.value, 4.5e11);
  // Student's t of 2 degrees of freedom times the standard error of three logarithms.
  EXPECT_NEAR(std::log(peak.high / peak.value), 4.303 * 0.0222 / std::sqrt(3.0), 0.002);
  EXPECT_EQ(machine.sources.size(), 2u);
}

TEST(FitMachinesTest, WithoutASweepRowsGiveStraightRoofsAndNoInventedInterval) {
  MadeResults made;
  made.AddLevels();
  made.AddPeak("f32", 4.5e11);
  made.AddPeak("int8", 1.8e12);
  for (const MadeLevel& level : kMadeLevels) {
    made.AddStream("read", level.kib, level.byte_per_s);
    made.AddStream("copy", level.kib, 3 * level.byte_per_s);
    made.AddStream("triad", level.kib, 3 * level.byte_per_s);
  }
  const MachineFit machine = FitOf({Parsed(made)});
  ASSERT_EQ(machine.roofs.size(), 6u) << All(machine);
  for (const Roof& roof : machine.roofs) {
    EXPECT_FALSE(roof.sharpness);
    EXPECT_EQ(roof.peak_flop_per_s.low, roof.peak_flop_per_s.high);
    EXPECT_EQ(roof.byte_per_s.low, roof.byte_per_s.high);
  }
  const Roof* memory = FindRoof(machine, {"int8", "cpu", 2, "DRAM"});
  ASSERT_TRUE(memory);
  EXPECT_DOUBLE_EQ(memory->byte_per_s.value, 3.3e10);
  EXPECT_EQ(Remarks(machine, {"6 of 6 roofs have no interval", "--benchmark_repetitions"}), 1u)
      << All(machine);
  EXPECT_TRUE(machine.energies.empty());
}

TEST(FitMachinesTest, CopyAndTriadAreNeverTakenForReads) {
  MadeResults made;
  made.AddPeak("f32", 4.5e11);
  made.AddStream("copy", 524288, 6e10);
  made.AddStream("triad", 524288, 5e10);
  const MachineFit machine = FitOf({Parsed(made)});
  EXPECT_TRUE(machine.roofs.empty());
  EXPECT_EQ(Remarks(machine, {"no read bandwidth", "copy and triad are no reads"}), 1u)
      << All(machine);
}

TEST(FitMachinesTest, OfTwoFootprintsInALevelTheClearerCounts) {
  MadeResults made;
  made.AddLevels();
  MadeLevel edge = kMadeLevels[1];
  edge.kib = 1400;  // of 2048, and 512 is the middle
  made.AddSweep("f32", kMadeLevels[1], false);
  made.AddSweep("f32", edge, false);
  const MachineFit machine = FitOf({Parsed(made)});
  ASSERT_EQ(machine.roofs.size(), 1u) << All(machine);
  EXPECT_NE(machine.roofs[0].points[0].row.find("kb:512/"), std::string::npos);
  EXPECT_EQ(Remarks(machine, {"1.367 MiB are in L2 as 512 KiB are", "not used"}), 1u)
      << All(machine);
}

TEST(FitMachinesTest, WithoutFoundLevelsTheToldCachesName) {
  MadeResults made;
  for (const MadeLevel& level : kMadeLevels) made.AddSweep("bf16", level, false);
  const MachineFit machine = FitOf({Parsed(made)});
  ASSERT_EQ(machine.roofs.size(), 3u) << All(machine);
  EXPECT_EQ(machine.roofs[0].key.level, "L1");
  EXPECT_EQ(machine.roofs[2].key.level, "DRAM");
  EXPECT_EQ(Remarks(machine, {"by the sizes of the caches that the system tells"}), 3u)
      << All(machine);
}

TEST(FitMachinesTest, ASweepThatDoesNotBendFallsBackToRows) {
  MadeResults made;
  made.AddLevels();
  made.AddPeak("f32", 4.5e11);
  made.AddStream("read", 524288, 3.3e10);
  for (const auto& point : MadeSweep(MadeMachine(kMadeLevels[2]), {}, 1, -4, 2)) {
    made.Add(MadeResults::IntensityName("f32", 524288, point.flop_per_byte),
             MadeResults::PointCounters(point, false));
  }
  const MachineFit machine = FitOf({Parsed(made)});
  const Roof* roof = FindRoof(machine, {"f32", "cpu", 2, "DRAM"});
  ASSERT_TRUE(roof);
  EXPECT_FALSE(roof->sharpness);
  EXPECT_DOUBLE_EQ(roof->peak_flop_per_s.value, 4.5e11);
  EXPECT_EQ(roof->points.size(), 7u);
  EXPECT_EQ(Remarks(machine, {"the sweep in f32 from DRAM", "never reaches the peak"}), 1u)
      << All(machine);
}

TEST(FitMachinesTest, ASweepFarBelowTheMeasuredPeakGivesNoCorner) {
  MadeResults made;
  made.AddLevels();
  made.AddSweep("bf16", kMadeLevels[2], true);
  made.AddPeak("bf16", 4.7e11);  // 4 % above the sweep's
  const RoofKey key{"bf16", "cpu", 2, "DRAM"};
  const MachineFit near = FitOf({Parsed(made)});
  ASSERT_TRUE(FindRoof(near, key));
  EXPECT_TRUE(FindRoof(near, key)->sharpness);

  made.AddPeak("bf16", 9e11, 1);
  made.AddPeak("bf16", 9e11, 2);
  const MachineFit far = FitOf({Parsed(made)});
  const Roof* roof = FindRoof(far, key);
  ASSERT_TRUE(roof);
  EXPECT_FALSE(roof->sharpness);
  EXPECT_EQ(roof->peak_flop_per_s.value, 9e11);
  EXPECT_EQ(roof->points.size(), 15u);
  EXPECT_EQ(Remarks(far, {"the sweep in bf16 from DRAM", "far below the 0.9 of ceiling/peak"}), 1u)
      << All(far);
  ASSERT_TRUE(FindEnergy(far, key));
  EXPECT_TRUE(FindEnergy(far, key)->coefficients);  // its joules are what they are
}

TEST(FitMachinesTest, ADisturbedPeakRowPutsNoLevelBelowAnother) {
  MadeResults made;
  made.AddLevels();
  made.AddSweep("f32", kMadeLevels[1], false);  // from L2; the other levels have no sweep
  made.AddPeak("f32", 2e11);                    // the machine's P is 4.5e11
  const MachineFit machine = FitOf({Parsed(made)});
  const Roof* swept = FindRoof(machine, {"f32", "cpu", 2, "L2"});
  const Roof* straight = FindRoof(machine, {"f32", "cpu", 2, "DRAM"});
  ASSERT_TRUE(swept);
  ASSERT_TRUE(straight);
  EXPECT_EQ(straight->peak_flop_per_s.value, swept->peak_flop_per_s.value);
  EXPECT_EQ(Remarks(machine, {"ceiling/peak/f32", "reached 0.2 TFLOP/s", "the sweep from L2"}), 1u)
      << All(machine);

  made.AddPeak("f32", 4.6e11, 1);  // the same machine, and now its median is nearer
  made.AddPeak("f32", 4.6e11, 2);
  const MachineFit calm = FitOf({Parsed(made)});
  EXPECT_EQ(Remarks(calm, {"ceiling/peak/f32", "the P of levels without a sweep"}), 0u);
}

TEST(FitMachinesTest, ReadsAboveTheSweepAreTold) {
  MadeResults made;
  made.AddLevels();
  made.AddSweep("f32", kMadeLevels[2], false);
  made.AddPeak("f32", 4.5e11);
  made.AddStream("read", 524288, 4e10);
  const MachineFit machine = FitOf({Parsed(made)});
  EXPECT_EQ(Remarks(machine, {"reads of DRAM on cpu with 2 threads reach 40 GB/s", "above the B"}),
            1u)
      << All(machine);
}

TEST(FitMachinesTest, ACappedRegionIsDroppedFromTheEnergyFitOnly) {
  MadeResults made;
  made.AddLevels();
  const KnownMachine truth = MadeMachine(kMadeLevels[2]);  // 39 W at the peak, 44 at most
  std::vector<IntensityPoint> points = MadeSweep(truth, {0.005, 0.005, 0.003}, 7);
  std::vector<IntensityPoint> capped = points;
  CapPower(truth, 41, capped);
  for (const auto& point : capped) {
    made.Add(MadeResults::IntensityName("f32", 524288, point.flop_per_byte),
             MadeResults::PointCounters(point, true));
  }
  const MachineFit machine = FitOf({Parsed(made)});
  ASSERT_EQ(machine.energies.size(), 1u) << All(machine);
  const EnergyFit& energy = machine.energies[0];
  ASSERT_TRUE(energy.coefficients) << energy.refused;
  ASSERT_GE(energy.dropped.size(), 3u);
  EXPECT_NE(energy.dropped[0].find("power cap: 41 W"), std::string::npos) << energy.dropped[0];
  EXPECT_TRUE(Holds(energy.coefficients->flop_j, truth.flop_j));
  EXPECT_TRUE(Holds(energy.coefficients->byte_j, truth.byte_j));
  ASSERT_EQ(machine.roofs.size(), 1u);
  for (const IntensityPoint& point : machine.roofs[0].points) EXPECT_EQ(point.not_used, "");
}

TEST(FitMachinesTest, JoulesOfOtherMetersAreNotMixedIn) {
  MadeResults one(1);
  MadeResults two(2);
  one.AddLevels();
  one.AddSweep("f32", kMadeLevels[2], true);
  two.AddSweep("f32", kMadeLevels[2], true);
  two.json()["context"]["meters"][0]["name"] = "nvml";
  for (auto& row : two.json()["benchmarks"]) row["watts"] = 1000.0;
  const MachineFit machine = FitOf({Parsed(one), Parsed(two, "x/two.json")});
  ASSERT_EQ(machine.energies.size(), 1u);
  EXPECT_LT(*machine.energies[0].points[0].watts, 100);
  EXPECT_EQ(Remarks(machine, {"two.json: its joules are of nvml (package), not of rapl (package)"}),
            1u)
      << All(machine);
}

TEST(FitMachinesTest, RowsOfDecodeBecomeModelRows) {
  const ReadResult read =
      ReadResults(std::string(WATTLINE_SOURCE_DIR) + "/tests/data/decode_emerald_rapids_vm.json");
  ASSERT_TRUE(read.results) << read.error;
  const MachineFit machine = FitOf({*read.results});
  EXPECT_TRUE(machine.roofs.empty());
  ASSERT_EQ(machine.model_rows.size(), 12u);
  const ModelRow& prefill = machine.model_rows[0];
  EXPECT_EQ(prefill.row, "decode/llama-3.2-1b/bf16/prefill:512/cpu");
  EXPECT_TRUE(prefill.prefill);
  EXPECT_EQ(prefill.tokens_each, 512);
  EXPECT_EQ(prefill.threads, 2);
  const ModelRow& decode = machine.model_rows[2];
  EXPECT_FALSE(decode.prefill);
  EXPECT_EQ(decode.format, "bf16");
  EXPECT_NEAR(decode.byte_per_token, 31.92e9 / 12.82, 2e6);
  EXPECT_NEAR(decode.flop_per_token, 0.03264e12 / 12.82, 3e6);
  EXPECT_NEAR(*decode.weight_byte, 2.4717639680e9, 1);
  EXPECT_FALSE(decode.joules_per_token);
  EXPECT_TRUE(machine.model_rows[4].unsteady);
}

TEST(FitMachinesTest, FilesOfTwoChipsAreTwoMachines) {
  const std::vector<Results> files = {Parsed(WholeMachine(1)),
                                      Parsed(MadeResults(2, "Other Chip"), "other.json"),
                                      Parsed(MadeResults(3), "again.json")};
  const Fit fit = FitMachines(files, {.resamples = 100});
  ASSERT_EQ(fit.machines.size(), 2u);
  EXPECT_EQ(fit.machines[0].sources, (std::vector<std::string>{"made.json", "again.json"}));
  EXPECT_EQ(fit.machines[1].chip, "Other Chip");
}

TEST(FitMachinesTest, TheSameSeedGivesTheSameBytesAndTheyReadBackTheSame) {
  const std::vector<Results> files = {Parsed(WholeMachine(5))};
  const std::string text = FitJson(FitMachines(files, {.resamples = 200, .seed = 9}));
  EXPECT_EQ(text, FitJson(FitMachines(files, {.resamples = 200, .seed = 9})));
  EXPECT_NE(text, FitJson(FitMachines(files, {.resamples = 200, .seed = 10})));
  const ReadFitResult back = ParseFit(text, "fit.json");
  ASSERT_TRUE(back.fit) << back.error;
  EXPECT_EQ(FitJson(*back.fit), text);
}

TEST(PlaceFootprintTest, FoundLevelsComeBeforeToldCaches) {
  constexpr double kKiB = 1024;
  const std::vector<LevelFit> levels = {
      {"cpu", 2, "L1", 8 * kKiB, 45 * kKiB, 4e11, ""},
      {"cpu", 2, "L2", 64 * kKiB, 1448 * kKiB, 2e11, ""},
      {"cpu", 2, "DRAM", 1448 * kKiB, 524288 * kKiB, std::nullopt, "the bandwidth still falls"}};
  const std::vector<CacheNote> caches = {{1, 49152}, {2, 2097152}, {3, 272629760}};
  EXPECT_EQ(PlaceFootprint(32 * kKiB, 2, levels, caches).level, "L1");
  EXPECT_EQ(PlaceFootprint(4 * kKiB, 2, levels, caches).level, "L1");
  EXPECT_EQ(PlaceFootprint(512 * kKiB, 2, levels, caches).level, "L2");
  const Placed between = PlaceFootprint(50 * kKiB, 2, levels, caches);
  EXPECT_EQ(between.level, "L2");
  EXPECT_LT(between.clearness, 0);
  EXPECT_NE(between.remark.find("50 KiB lie between L1"), std::string::npos) << between.remark;
  // Unresolved: 16 MiB of each of 2 threads are in 260 MiB of cache, 512 MiB are not.
  EXPECT_EQ(PlaceFootprint(16384 * kKiB, 2, levels, caches).level, "L3");
  EXPECT_EQ(PlaceFootprint(524288 * kKiB, 2, levels, caches).level, "DRAM");
  // A device whose caches nobody tells.
  EXPECT_EQ(PlaceFootprint(524288 * kKiB, 1, {}, {}).level, "DRAM");
  EXPECT_EQ(PlaceFootprint(512 * kKiB, 1, {}, {}).level, "");
  EXPECT_NE(PlaceFootprint(512 * kKiB, 1, {}, {}).remark, "");
}

}  // namespace
}  // namespace wattline::roofline::machine_fit_test
