// Levels of the memory are found in sweeps: a recorded one, and made ones with noise.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "roofline/levels.h"

namespace wattline::roofline::roofline_levels_test {
namespace {

constexpr double kKiB = 1024;
constexpr double kMiB = 1024 * 1024;

struct Plateau {
  double size_byte;  // capacity
  double byte_per_s;
};

// What a set of `footprint_byte` walked round and round reaches: a level serves it wholly up to 90
// % of its capacity and not at all beyond 150 %; in between, times add up by the share that is
// served.
double RateAt(const std::vector<Plateau>& levels, double footprint_byte) {
  double s_per_byte = 0;
  double unserved = 1;
  for (size_t i = 0; i < levels.size(); ++i) {
    const double over = footprint_byte / levels[i].size_byte;
    const bool last = i + 1 == levels.size();
    const double hit = last ? 1 : std::clamp((1.5 - over) / 0.6, 0.0, 1.0);
    s_per_byte += unserved * hit / levels[i].byte_per_s;
    unserved *= 1 - hit;
  }
  return 1 / s_per_byte;
}

std::vector<SweepPoint> Made(const std::vector<Plateau>& levels, int per_octave, double noise,
                             uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<SweepPoint> sweep;
  for (double byte = 8 * kKiB; byte <= 1024 * kMiB; byte *= std::exp2(1.0 / per_octave)) {
    sweep.push_back({byte, RateAt(levels, byte) * (1 + noise * normal(engine))});
  }
  std::shuffle(sweep.begin(), sweep.end(), engine);  // the order must not matter
  return sweep;
}

const std::vector<Plateau> kTwo = {{128 * kKiB, 200e9}, {0, 60e9}};
const std::vector<Plateau> kThree = {{64 * kKiB, 250e9}, {4 * kMiB, 90e9}, {0, 25e9}};
const std::vector<Plateau> kFour = {
    {48 * kKiB, 440e9}, {2 * kMiB, 180e9}, {32 * kMiB, 60e9}, {0, 20e9}};

TEST(FindLevelsTest, FindsTwoThreeAndFourLevelsInFivePercentNoise) {
  constexpr double kNoise = 0.05;
  for (const std::vector<Plateau>& made : {kTwo, kThree, kFour}) {
    for (int per_octave : {2, 4}) {
      for (uint32_t seed = 1; seed <= 100; ++seed) {
        const std::vector<Level> found = FindLevels(Made(made, per_octave, kNoise, seed));
        ASSERT_EQ(found.size(), made.size()) << per_octave << ", seed " << seed;
        for (size_t i = 0; i < made.size(); ++i) {
          ASSERT_TRUE(found[i].byte_per_s) << found[i].unresolved;
          // Standard error of a median: 1.25 sigma / sqrt(points); 4 of them, for 1800 draws.
          const double points = 1 + per_octave * std::log2(found[i].to_byte / found[i].from_byte);
          EXPECT_NEAR(*found[i].byte_per_s / made[i].byte_per_s, 1,
                      4 * 1.2533 * kNoise / std::sqrt(points))
              << found[i].name;
          if (i + 1 == made.size()) {
            EXPECT_EQ(found[i].name, "DRAM");
          } else {
            EXPECT_EQ(found[i].name, fmt::format("L{}", i + 1));
            // At 2 points per octave, one point short of 90 % of the size may be 45 % of it.
            EXPECT_GT(found[i].to_byte, made[i].size_byte * 0.45);
            EXPECT_LT(found[i].to_byte, made[i].size_byte * 1.5);
          }
        }
      }
    }
  }
}

TEST(FindLevelsTest, OneDisturbedPointIsNoLevel) {
  std::vector<SweepPoint> sweep = Made(kFour, 4, 0.0, 1);
  for (SweepPoint& point : sweep) {
    if (std::abs(point.footprint_byte - 512 * kKiB) < kKiB) point.byte_per_s /= 4;
  }
  EXPECT_EQ(FindLevels(sweep).size(), 4u);
}

// Emerald Rapids, one core of a virtual machine, 2026-11-21, GB/s; other programs ran beside, from
// 96 MiB on heavily so. 48 KiB and 2 MiB of first and second level; 260 MiB of last level are told
// by the hypervisor, 80 are to be had.
TEST(FindLevelsTest, FindsTheLevelsOfARecordedSweep) {
  const std::vector<std::pair<double, double>> recorded = {
      {8, 450.6},    {9, 445.3},    {11, 439.7},    {13, 453.7},    {16, 450.5},   {19, 448.9},
      {22, 442.7},   {26, 443.4},   {32, 444.8},    {38, 406.9},    {45, 423.2},   {53, 194.1},
      {64, 239.9},   {76, 181.6},   {90, 181.0},    {107, 179.0},   {128, 178.2},  {152, 178.2},
      {181, 179.0},  {215, 178.9},  {256, 181.8},   {304, 181.8},   {362, 179.4},  {430, 174.2},
      {512, 179.0},  {608, 180.7},  {724, 181.3},   {861, 180.6},   {1024, 177.6}, {1217, 178.4},
      {1448, 181.1}, {1722, 125.7}, {2048, 72.1},   {2435, 48.8},   {2896, 39.9},  {3444, 31.9},
      {4096, 34.0},  {4870, 33.8},  {5792, 33.2},   {6888, 33.2},   {8192, 33.6},  {9741, 32.7},
      {11585, 33.2}, {13777, 33.8}, {16384, 33.3},  {19483, 32.9},  {23170, 30.9}, {27554, 33.7},
      {32768, 33.2}, {38967, 33.3}, {46340, 33.5},  {55108, 33.7},  {65536, 33.3}, {77935, 33.0},
      {92681, 13.7}, {110217, 9.8}, {131072, 11.0}, {155871, 11.7}, {185363, 9.7}, {220435, 8.9},
      {262144, 7.6}, {311743, 7.5}, {370727, 5.6},  {440871, 4.5},  {524288, 4.4}, {623487, 4.6},
      {741455, 4.6}, {881743, 5.1}, {1048576, 6.4},
  };
  std::vector<SweepPoint> sweep;
  for (const auto& [kib, gb_per_s] : recorded) sweep.push_back({kib * kKiB, gb_per_s * 1e9});
  const std::vector<Level> levels = FindLevels(sweep);
  ASSERT_GE(levels.size(), 4u);
  EXPECT_EQ(levels[0].name, "L1");
  EXPECT_EQ(levels[0].to_byte, 45 * kKiB);
  EXPECT_NEAR(*levels[0].byte_per_s, 444.8e9, 1e9);
  EXPECT_EQ(levels[1].name, "L2");
  EXPECT_EQ(levels[1].to_byte, 1448 * kKiB);
  EXPECT_NEAR(*levels[1].byte_per_s, 179.4e9, 1e9);
  EXPECT_EQ(levels[2].name, "L3");
  EXPECT_EQ(levels[2].to_byte, 77935 * kKiB);
  EXPECT_NEAR(*levels[2].byte_per_s, 33.3e9, 1e9);
  EXPECT_EQ(levels.back().name, "DRAM");
}

// A share of a large cache that others take bit by bit: from 16 MiB on the rate falls by 12 % with
// each quarter octave, 40 % with each octave, and still does at the end.
TEST(FindLevelsTest, AMemoryThatIsReachedGraduallyIsUnresolved) {
  std::vector<SweepPoint> sweep = Made({{48 * kKiB, 440e9}, {2 * kMiB, 180e9}, {0, 60e9}}, 4, 0, 1);
  for (SweepPoint& point : sweep) {
    const double octaves = std::log2(point.footprint_byte / (16 * kMiB));
    if (octaves > 0) point.byte_per_s *= std::pow(0.6, octaves);
  }
  const std::vector<Level> levels = FindLevels(sweep);
  ASSERT_EQ(levels.size(), 4u);
  EXPECT_NEAR(*levels[2].byte_per_s, 60e9, 2e9);
  EXPECT_EQ(levels[3].name, "DRAM");
  EXPECT_FALSE(levels[3].byte_per_s);
  EXPECT_EQ(levels[3].unresolved, "the bandwidth still falls at 1024 MiB, the largest working set");
}

// The same slope, but it ends: memory is resolved, and what hides in the slope is said.
TEST(FindLevelsTest, ALongSlopeMayHideALevel) {
  std::vector<SweepPoint> sweep = Made({{64 * kKiB, 400e9}, {0, 400e9}}, 4, 0, 1);
  for (SweepPoint& point : sweep) {
    const double octaves = std::log2(point.footprint_byte / (64 * kKiB));
    point.byte_per_s *= std::pow(0.6, std::clamp(octaves, 0.0, 6.0));
  }
  const std::vector<Level> levels = FindLevels(sweep);
  ASSERT_EQ(levels.size(), 3u);
  EXPECT_EQ(levels[0].name, "L1");
  EXPECT_FALSE(levels[1].byte_per_s);
  EXPECT_NE(levels[1].unresolved.find("without a plateau"), std::string::npos);
  EXPECT_EQ(levels[2].name, "DRAM");
  EXPECT_NEAR(*levels[2].byte_per_s, 400e9 * std::pow(0.6, 6), 1e9);
}

TEST(FindLevelsTest, TooFewPointsGiveNoRate) {
  EXPECT_TRUE(FindLevels({}).empty());
  const std::vector<SweepPoint> one = {{8 * kKiB, 100e9}};
  const std::vector<Level> levels = FindLevels(one);
  ASSERT_EQ(levels.size(), 1u);
  EXPECT_FALSE(levels[0].byte_per_s);
}

}  // namespace
}  // namespace wattline::roofline::roofline_levels_test
