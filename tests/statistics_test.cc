// Intervals, tests and corrections against hand-computed cases and simulations.
#include "roofline/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace wattline::roofline::statistics_test {
namespace {

std::vector<double> Noisy(std::mt19937& engine, size_t count, double mean, double share) {
  std::normal_distribution<double> noise(mean, mean * share);
  std::vector<double> samples;
  for (size_t i = 0; i < count; ++i) samples.push_back(noise(engine));
  return samples;
}

TEST(EstimateTest, HasTheMedianAndNoIntervalBelowThreeSamples) {
  EXPECT_FALSE(EstimateOf({}));
  const auto one = EstimateOf(std::vector{5.0});
  EXPECT_EQ(one->median, 5);
  EXPECT_EQ(one->count, 1u);
  EXPECT_FALSE(one->low);
  EXPECT_FALSE(EstimateOf(std::vector{5.0, 6.0})->low);
  EXPECT_EQ(EstimateOf(std::vector{5.0, 6.0})->median, 5.5);
  const auto three = EstimateOf(std::vector{6.0, 4.0, 5.0});
  EXPECT_EQ(three->median, 5);
  // All three draws alike: 3.7 % of the resamples for each end.
  EXPECT_EQ(three->low, 4);
  EXPECT_EQ(three->high, 6);
}

TEST(EstimateTest, TheSameSamplesAndSeedGiveTheSame) {
  std::mt19937 engine(1);
  const std::vector<double> samples = Noisy(engine, 12, 100, 0.1);
  const auto a = EstimateOf(samples, 200, 7);
  const auto b = EstimateOf(samples, 200, 7);
  EXPECT_EQ(a->low, b->low);
  EXPECT_EQ(a->high, b->high);
}

// 95 % of 400 are 380, with a binomial deviation of 4.4; the percentile bootstrap of a median of 15
// is a little short. 3.5 deviations each way.
TEST(EstimateTest, IntervalHoldsTheTruthInAbout95Percent) {
  for (const size_t count : {15u, 16u, 301u}) {
    std::mt19937 engine(3);
    int held = 0;
    for (int trial = 0; trial < 400; ++trial) {
      const auto estimate = EstimateOf(Noisy(engine, count, 100, 0.05), 1000, trial + 1);
      held += *estimate->low <= 100 && 100 <= *estimate->high;
    }
    EXPECT_GE(held, 364) << count;
    EXPECT_LE(held, 395) << count;
  }
}

TEST(RatioTest, IsThatOfMediansWithItsInterval) {
  EXPECT_FALSE(RatioOf({}, std::vector{1.0}));
  EXPECT_FALSE(RatioOf(std::vector{1.0}, std::vector{0.0}));
  EXPECT_FALSE(RatioOf(std::vector{-1.0}, std::vector{1.0}));
  EXPECT_EQ(RatioOf(std::vector{3.0}, std::vector{2.0})->median, 1.5);
  EXPECT_FALSE(RatioOf(std::vector{3.0}, std::vector{2.0, 2.0, 2.0})->low);
  const auto ratio = RatioOf(std::vector{3.0, 3.0, 3.0}, std::vector{2.0, 2.0, 2.0, 2.0});
  EXPECT_EQ(ratio->low, 1.5);
  EXPECT_EQ(ratio->high, 1.5);
  EXPECT_EQ(ratio->count, 3u);
}

TEST(RatioTest, IntervalHoldsTheTruthInAbout95Percent) {
  std::mt19937 engine(5);
  int held = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const auto a = Noisy(engine, 15, 103, 0.05);
    const auto b = Noisy(engine, 15, 100, 0.05);
    const auto ratio = RatioOf(a, b, 1000, trial + 1);
    held += *ratio->low <= 1.03 && 1.03 <= *ratio->high;
  }
  EXPECT_GE(held, 364);
  EXPECT_LE(held, 398);
}

// Draws of the two sides must be independent: with common ones the interval of a row against itself
// would be a point.
TEST(RatioTest, ResamplesBothSidesIndependently) {
  std::mt19937 engine(6);
  const std::vector<double> a = Noisy(engine, 15, 100, 0.05);
  const auto ratio = RatioOf(a, a);
  EXPECT_EQ(ratio->median, 1);
  EXPECT_LT(*ratio->low, 0.99);
  EXPECT_GT(*ratio->high, 1.01);
}

// 5 and 5 distinct samples have C(10, 5) = 252 orders: U = 0, 1, 2 come from 1, 1, 2 of them.
TEST(MannWhitneyTest, IsExactForFewSamplesWithoutTies) {
  const std::vector<double> a = {1, 2, 3, 4, 5};
  EXPECT_NEAR(*MannWhitneyP(a, std::vector<double>{6, 7, 8, 9, 10}), 2 * 1 / 252.0, 1e-12);
  // 5 above one of b and 4 above none: U = 1; then 5 above two: U = 2.
  EXPECT_NEAR(*MannWhitneyP(a, std::vector<double>{4.5, 7, 8, 9, 10}), 2 * 2 / 252.0, 1e-12);
  EXPECT_NEAR(*MannWhitneyP(a, std::vector<double>{4.4, 4.6, 8, 9, 10}), 2 * 4 / 252.0, 1e-12);
  EXPECT_NEAR(*MannWhitneyP(a, std::vector<double>{4.4, 4.6, 8, 9, 10}), 0.0317, 1e-4);
  // Symmetric in its sides.
  EXPECT_EQ(MannWhitneyP(a, std::vector<double>{4.4, 4.6, 8, 9, 10}),
            MannWhitneyP(std::vector<double>{4.4, 4.6, 8, 9, 10}, a));
}

// Critical values of the published table for alpha = 0.05, two-sided (Mann, Whitney 1947; Milton
// 1964): the largest U that is significant.
TEST(MannWhitneyTest, AgreesWithTheTableOfCriticalValues) {
  struct Case {
    int a, b, u;
  };
  for (const Case& c : {Case{4, 4, 0}, Case{4, 8, 4}, Case{5, 5, 2}, Case{6, 8, 8}, Case{7, 7, 8},
                        Case{10, 10, 23}, Case{12, 15, 49}, Case{20, 20, 127}}) {
    // Samples with exactly this U: of b, `whole` lie below all of a, one below the last `rest`.
    const auto made = [&c](int u) {
      std::vector<double> a, b;
      for (int i = 0; i < c.a; ++i) a.push_back(i + 1);
      const int whole = u / c.a, rest = u % c.a;
      for (int i = 0; i < c.b; ++i) b.push_back(i < whole ? -i - 1.0 : 1000.0 + i);
      if (rest > 0) b.back() = c.a - rest + 0.5;
      return *MannWhitneyP(a, b);
    };
    EXPECT_LT(made(c.u), 0.05) << c.a << ", " << c.b;
    EXPECT_GT(made(c.u + 1), 0.05) << c.a << ", " << c.b;
  }
}

// Two of each side alike at 3: ranks 1, 2, 3.5 x 2 | 3.5 ..., by hand: a = {1, 2, 3, 3},
// b = {3, 4, 5, 6, 7}; the three 3s share rank 4; sum of a's ranks 1 + 2 + 4 + 4 = 11, U = 11 - 10
// =
// 1. variance = 4 5 / 12 (10 - (27 - 3) / (9 8)) = 16.111; z = (10 - 1 - 0.5) / 4.0139 = 2.1177;
// p = 0.0342.
TEST(MannWhitneyTest, CorrectsForTiesAndContinuity) {
  const std::vector<double> a = {1, 2, 3, 3};
  const std::vector<double> b = {3, 4, 5, 6, 7};
  EXPECT_NEAR(*MannWhitneyP(a, b), 0.0342, 1e-4);
  const std::vector<double> alike(6, 2.0);
  EXPECT_EQ(*MannWhitneyP(alike, alike), 1);
}

// Two samples made alike with none of the other side between them leave U, and force the normal
// law.
TEST(MannWhitneyTest, NormalLawMeetsTheExactOneAtTwentySamples) {
  std::mt19937 engine(2);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<double> a = Noisy(engine, 20, 100, 0.05);
    const std::vector<double> b = Noisy(engine, 20, 103, 0.05);
    std::sort(a.begin(), a.end());
    const double exact = *MannWhitneyP(a, b);
    for (size_t i = 0; i + 1 < a.size(); ++i) {
      const auto between = [&](double x) { return a[i] < x && x < a[i + 1]; };
      if (std::any_of(b.begin(), b.end(), between)) continue;
      a[i] = a[i + 1];
      break;
    }
    EXPECT_NE(*MannWhitneyP(a, b), exact);
    EXPECT_NEAR(*MannWhitneyP(a, b), exact, 0.01);
  }
}

TEST(MannWhitneyTest, IsAbsentWhereNoPBelowFivePercentIsPossible) {
  EXPECT_FALSE(MannWhitneyP({}, std::vector{1.0}));
  EXPECT_FALSE(MannWhitneyP(std::vector{1.0, 2.0, 3.0}, std::vector{4.0, 5.0, 6.0}));
  EXPECT_NEAR(SmallestP(3, 3), 0.1, 1e-12);
  EXPECT_NEAR(SmallestP(4, 4), 2.0 / 70, 1e-12);
  EXPECT_NEAR(SmallestP(4, 3), 2.0 / 35, 1e-12);
  EXPECT_TRUE(MannWhitneyP(std::vector{1.0, 2.0, 3.0, 4.0}, std::vector{5.0, 6.0, 7.0, 8.0}));
  EXPECT_EQ(SmallestP(1, 0), 1);
}

// Of equal distributions p is uniform: 5 % are below 5 %.
TEST(MannWhitneyTest, CallsNoiseDifferentInFivePercent) {
  std::mt19937 engine(4);
  int called = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    called += *MannWhitneyP(Noisy(engine, 10, 1, 0.01), Noisy(engine, 10, 1, 0.01)) < 0.05;
  }
  EXPECT_GE(called, 25);
  EXPECT_LE(called, 70);
}

TEST(HolmTest, StepsDownAndNeverDecreases) {
  // 0.01 x 4, 0.015 x 3 = 0.045, 0.03 x 2 = 0.06, 0.04 x 1 is lifted to 0.06.
  const std::vector<double> adjusted = HolmAdjusted(std::vector{0.04, 0.01, 0.03, 0.015});
  EXPECT_NEAR(adjusted[1], 0.04, 1e-12);
  EXPECT_NEAR(adjusted[3], 0.045, 1e-12);
  EXPECT_NEAR(adjusted[2], 0.06, 1e-12);
  EXPECT_NEAR(adjusted[0], 0.06, 1e-12);
  EXPECT_EQ(HolmAdjusted(std::vector{0.7, 0.8})[0], 1);
  EXPECT_TRUE(HolmAdjusted({}).empty());
}

// Ten tests of 4 against 4 samples (2 / 70 at best) and two of 10 against 10: with all twelve in
// the family none of the ten can pass, 0.0286 > 0.05 / 12, and the two need not pay for them.
TEST(LargestUsefulPTest, LeavesOutTestsThatCannotPass) {
  std::vector<double> smallest(10, SmallestP(4, 4));
  smallest.insert(smallest.end(), 2, SmallestP(10, 10));
  const double limit = LargestUsefulP(smallest, 0.05);
  EXPECT_LT(limit, SmallestP(4, 4));
  EXPECT_GT(limit, SmallestP(10, 10));
  EXPECT_GE(LargestUsefulP(std::vector{SmallestP(4, 4)}, 0.05), SmallestP(4, 4));
  EXPECT_EQ(LargestUsefulP({}, 0.05), 0.05);
}

TEST(GeometricMeanTest, OfRatiosTreatsHalfAndDoubleAlike) {
  EXPECT_NEAR(*GeometricMean(std::vector{2.0, 0.5}), 1, 1e-12);
  EXPECT_NEAR(*GeometricMean(std::vector{1.0, 10.0, 100.0}), 10, 1e-12);
  EXPECT_FALSE(GeometricMean({}));
  EXPECT_FALSE(GeometricMean(std::vector{1.0, 0.0}));
  EXPECT_FALSE(GeometricMean(std::vector<double>{1.0, NAN}));
}

TEST(GeometricMeanTest, IntervalHoldsTheTruthInAbout95Percent) {
  EXPECT_FALSE(GeometricMeanOf(std::vector{1.0, 2.0})->low);
  for (const size_t count : {30u, 150u}) {
    std::mt19937 engine(8);
    std::normal_distribution<double> log_ratio(std::log(1.2), 0.1);
    int held = 0;
    for (int trial = 0; trial < 400; ++trial) {
      std::vector<double> ratios;
      for (size_t i = 0; i < count; ++i) ratios.push_back(std::exp(log_ratio(engine)));
      const auto mean = GeometricMeanOf(ratios, 500, trial + 1);
      held += *mean->low <= 1.2 && 1.2 <= *mean->high;
    }
    EXPECT_GE(held, 362) << count;
    EXPECT_LE(held, 395) << count;
  }
}

}  // namespace
}  // namespace wattline::roofline::statistics_test
