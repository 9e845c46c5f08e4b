// The ground probe: what counts as unsteady, stolen time, plausible values on this machine.
#include "benchmarks/ground.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "benchmarks/ceiling_run.h"
#include "benchmarks/steal.h"

namespace wattline::benchmarks::ground_test {
namespace {

const Ground kSteady = {
    .read_byte_per_s = 50e9, .round_trip_s = 250e-9, .clock_hz = 3.6e9, .steal_fraction = 0.01};

TEST(UnsteadyTest, TheSameGroundIsSteady) { EXPECT_FALSE(Unsteady(kSteady, kSteady)); }

TEST(UnsteadyTest, BandwidthMayDifferByTenPercent) {
  Ground after = kSteady;
  after.read_byte_per_s = 54.9e9;
  EXPECT_FALSE(Unsteady(kSteady, after));
  after.read_byte_per_s = 55.1e9;
  EXPECT_TRUE(Unsteady(kSteady, after));
  EXPECT_TRUE(Unsteady(after, kSteady));
}

TEST(UnsteadyTest, SoMayTheClock) {
  Ground after = kSteady;
  after.clock_hz = 3.3e9;
  EXPECT_FALSE(Unsteady(kSteady, after));
  after.clock_hz = 3.2e9;
  EXPECT_TRUE(Unsteady(kSteady, after));
}

TEST(UnsteadyTest, RoundTripsMayDifferByHalf) {
  Ground after = kSteady;
  after.round_trip_s = 324e-9;
  EXPECT_FALSE(Unsteady(kSteady, after));
  after.round_trip_s = 400e-9;
  EXPECT_TRUE(Unsteady(kSteady, after));
}

TEST(UnsteadyTest, StolenTimeInTheRowCountsNotThatBeforeIt) {
  Ground stolen = kSteady;
  stolen.steal_fraction = 0.2;
  EXPECT_TRUE(Unsteady(kSteady, stolen));
  EXPECT_FALSE(Unsteady(stolen, kSteady));
}

TEST(UnsteadyTest, WhatIsAbsentIsNotCompared) {
  const Ground bare = {.read_byte_per_s = 50e9};
  EXPECT_FALSE(Unsteady(kSteady, bare));
  EXPECT_FALSE(Unsteady(bare, kSteady));
  EXPECT_FALSE(Unsteady(Ground{}, kSteady));
}

TEST(StealTest, TheEighthFieldIsStolenTime) {
  const auto path = std::filesystem::temp_directory_path() / "wattline_ground_test_stat";
  std::ofstream(path) << "cpu  100 0 50 800 20 0 5 25 7 7\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
  const std::optional<CpuTicks> ticks = ReadCpuTicks(path.string());
  std::filesystem::remove(path);
  ASSERT_TRUE(ticks);
  EXPECT_EQ(ticks->total, 1000u);  // guest time is part of user time
  EXPECT_EQ(ticks->stolen, 25u);
}

TEST(StealTest, AnotherFormOrNoFileIsAbsent) {
  const auto path = std::filesystem::temp_directory_path() / "wattline_ground_test_other";
  EXPECT_EQ(ReadCpuTicks((path / "missing").string()).has_value(), false);
  std::ofstream(path) << "cpu 1 2 3\n";
  EXPECT_EQ(ReadCpuTicks(path.string()).has_value(), false);
  std::filesystem::remove(path);
}

TEST(StealTest, TheShareNeedsTwentyTicks) {
  EXPECT_EQ(StolenShare(CpuTicks{100, 5}, CpuTicks{200, 30}), 0.25);
  EXPECT_EQ(StolenShare(CpuTicks{100, 5}, CpuTicks{110, 10}), std::nullopt);
  EXPECT_EQ(StolenShare(std::nullopt, CpuTicks{200, 30}), std::nullopt);
  EXPECT_EQ(StolenShare(CpuTicks{200, 30}, CpuTicks{100, 5}), std::nullopt);
}

TEST(GroundProbeTest, FindsPlausibleValues) {
  for (int threads : {1, 2}) {
    kernels::ThreadPool pool(threads);
    GroundProbe probe(pool, int64_t{16} << 20);
    if (probe.ReadKernel().empty()) GTEST_SKIP() << "skipped: no instruction set runs here";
    for (int i = 0; i < 3; ++i) {
      const Ground ground = probe.Measure();
      // From an emulator to a server: the bounds catch wrong units, not slow machines.
      EXPECT_GT(ground.read_byte_per_s, 1e6);
      EXPECT_LT(ground.read_byte_per_s, 5e12);
      ASSERT_TRUE(ground.clock_hz);
      EXPECT_GT(*ground.clock_hz, 1e6);
      EXPECT_LT(*ground.clock_hz, 8e9);
      if (threads == 1) {
        EXPECT_FALSE(ground.round_trip_s);
      }
      if (ground.round_trip_s) {
        EXPECT_GT(*ground.round_trip_s, 1e-9);
      }
      if (ground.steal_fraction) {
        EXPECT_GE(*ground.steal_fraction, 0);
        EXPECT_LE(*ground.steal_fraction, 1);
      }
    }
  }
}

// A candidate that only counts: the contest's bookkeeping, without a clock to trust.
TEST(CompeteTest, OfNothingIsAbsent) { EXPECT_FALSE(Compete({}, {})); }

TEST(CompeteTest, PicksTheFasterOfTwoVeryDifferentOnes) {
  const auto spin = [](int64_t adds) {
    return [adds](int64_t units) { kernels::DependentAdds(adds * units); };
  };
  const std::vector<Candidate> candidates = {{"slow", 1, spin(64000)}, {"fast", 1, spin(640)}};
  const std::optional<Winner> winner =
      Compete(candidates, {.trial_s = 1e-3, .final_s = 1e-3, .finalists = 2, .repetitions = 3});
  ASSERT_TRUE(winner);
  EXPECT_EQ(candidates[winner->index].kernel, "fast");
  EXPECT_GE(winner->units, 1);
}

}  // namespace
}  // namespace wattline::benchmarks::ground_test
