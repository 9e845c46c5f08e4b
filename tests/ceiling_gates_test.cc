// The gates of a sweep's points see what they are for: work that was not done, noise, a machine
// that slows down.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/ceiling_run.h"

namespace wattline::benchmarks::ceiling_gates_test {
namespace {

using roofline::Doubling;

void Spin(double target_s) {
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() <
         target_s) {
  }
}

// `count` pairs of `once_s`, whose work doubles.
std::vector<Doubling> Steady(int count, double once_s) {
  return std::vector<Doubling>(static_cast<size_t>(count), {once_s, 2 * once_s});
}

TEST(CeilingGatesTest, SteadyWorkPassesAll) {
  const auto counters = GateCounters(Steady(21, 2e-3));
  EXPECT_DOUBLE_EQ(counters.at("doubling"), 2);
  EXPECT_NEAR(counters.at("spread"), 0, 1e-12);
  EXPECT_NEAR(counters.at("drift"), 0, 1e-12);
}

TEST(CeilingGatesTest, SpreadIsTheStandardErrorOfTheMedian) {
  // Sums of 2, 4, 4, 6: mean 4, standard deviation sqrt(8 / 3).
  const std::vector<Doubling> pairs = {{1, 1}, {2, 2}, {2, 2}, {3, 3}};
  EXPECT_NEAR(GateCounters(pairs).at("spread"), 1.2533 * std::sqrt(8.0 / 3) / 4 / 2, 1e-12);
}

TEST(CeilingGatesTest, OneSlowSampleIsSeenAsSpreadButNotAsDrift) {
  std::vector<Doubling> pairs = Steady(21, 2e-3);
  pairs[10] = {4e-3, 8e-3};
  EXPECT_NEAR(GateCounters(pairs).at("spread"), 0.0568, 1e-3);
  EXPECT_NEAR(GateCounters(pairs).at("drift"), 0, 1e-12);
}

TEST(CeilingGatesTest, AMachineThatSlowsDownIsSeenAsDrift) {
  std::vector<Doubling> pairs = Steady(14, 2e-3);
  for (const Doubling& slow : Steady(7, 2.2e-3)) pairs.push_back(slow);
  EXPECT_NEAR(GateCounters(pairs).at("drift"), 0.1, 1e-9);
}

TEST(CeilingGatesTest, TooFewSamplesTellNothing) {
  EXPECT_TRUE(GateCounters({}).empty());
  const auto one = GateCounters(Steady(1, 1));
  EXPECT_TRUE(one.contains("doubling"));
  EXPECT_FALSE(one.contains("spread"));
  EXPECT_FALSE(GateCounters(Steady(2, 1)).contains("drift"));
  EXPECT_TRUE(GateCounters(Steady(3, 1)).contains("drift"));
}

TEST(CeilingGatesTest, WorkThatTakesItsTimeDoubles) {
  const Candidate honest{"spins", 1,
                         [](int64_t units) { Spin(1e-4 * static_cast<double>(units)); }};
  EXPECT_NEAR(MeasureGates(honest, 4).at("doubling"), 2, 0.4);
}

TEST(CeilingGatesTest, AFoldedKernelDoesNotDouble) {
  const Candidate folded{"folded", 1, [](int64_t) { Spin(5e-4); }};
  const Gated gated = PassGates(folded, 4);
  EXPECT_NEAR(gated.counters.at("doubling"), 1, 0.4);
  EXPECT_NE(gated.failed, "");
  EXPECT_EQ(gated.Label("folded"), "folded; not used: " + gated.failed);
}

TEST(CeilingGatesTest, AFailedGateIsTriedOnceMoreBeforeItStands) {
  int calls = 0;
  // Folded for the first rounds, then honest.
  const auto folded_until = [&calls](int last) {
    calls = 0;
    return Candidate{"late", 1, [&calls, last](int64_t units) {
                       Spin(++calls <= last ? 5e-4 : 5e-4 * static_cast<double>(units));
                     }};
  };
  constexpr int kRounds = 3;
  PassGates(folded_until(2 * kRounds), 1, kRounds);
  EXPECT_EQ(calls, 4 * kRounds);
  PassGates(folded_until(1000), 1, kRounds);
  EXPECT_EQ(calls, 4 * kRounds);
}

TEST(CeilingGatesTest, APointThatPassesIsLabelledWithItsKernel) {
  EXPECT_EQ(Gated{}.Label("avx512 x"), "avx512 x");
}

}  // namespace
}  // namespace wattline::benchmarks::ceiling_gates_test
