// Conclusions from repeated timings: the best of many, doubled work, ridge points.
#include "roofline/samples.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace wattline::roofline::samples_test {
namespace {

TEST(MedianTest, IsTheMiddleOrTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(Median({}), std::nullopt);
  EXPECT_EQ(Median(std::vector{3.0}), 3.0);
  EXPECT_EQ(Median(std::vector{9.0, 1.0, 2.0}), 2.0);
  EXPECT_EQ(Median(std::vector{9.0, 1.0, 2.0, 4.0}), 3.0);
}

TEST(SpreadTest, OneDisturbedSampleDoesNotCount) {
  EXPECT_EQ(Spread({}), std::nullopt);
  EXPECT_EQ(Spread(std::vector{5.0}), 0.0);
  EXPECT_DOUBLE_EQ(*Spread(std::vector{10.0, 10.1, 1.0, 9.9, 10.0}), (10.0 - 9.9) / 10.0);
  EXPECT_GT(*Spread(std::vector{10.0, 5.0, 5.5, 10.0, 9.0, 6.0, 7.0}), 0.3);
}

TEST(TopCandidatesTest, LargestFirst) {
  const std::vector<double> rates = {1, 5, 3, 4, 2};
  EXPECT_EQ(TopCandidates(rates, 3), (std::vector<size_t>{1, 3, 2}));
  EXPECT_EQ(TopCandidates(rates, 9).size(), 5u);
  EXPECT_TRUE(TopCandidates({}, 2).empty());
}

TEST(BestOfTest, TakesTheLargestMedianNotTheLargestSample) {
  const std::vector<std::vector<double>> samples = {{10, 10, 50}, {11, 11, 11}, {}};
  const std::optional<Best> best = BestOf(samples);
  ASSERT_TRUE(best);
  EXPECT_EQ(best->index, 1u);
  EXPECT_EQ(best->rate, 11);
  EXPECT_FALSE(BestOf({}));
}

// 30 equal candidates with 5 % noise: their maximum is about 10 % too large, the median of new
// samples of the picked one is not.
TEST(BestOfTest, RepetitionLiftsTheWinnersCurse) {
  std::mt19937 engine(1);
  std::normal_distribution<double> noise(100, 5);
  double picked = 0, repeated = 0;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> rates;
    for (int i = 0; i < 30; ++i) rates.push_back(noise(engine));
    picked += rates[TopCandidates(rates, 1)[0]] / 200;
    std::vector<std::vector<double>> samples(1);
    for (int i = 0; i < 7; ++i) samples[0].push_back(noise(engine));
    repeated += BestOf(samples)->rate / 200;
  }
  EXPECT_GT(picked, 108);
  EXPECT_NEAR(repeated, 100, 1);
}

TEST(DoublingTest, DoubledWorkTakesDoubledTimeWithinThreePercent) {
  EXPECT_TRUE(WorkIsTimed(std::vector<Doubling>{{1, 2.05}, {1, 2.0}, {1, 7}}));
  EXPECT_FALSE(WorkIsTimed(std::vector<Doubling>{{1, 2.07}}));
  EXPECT_FALSE(WorkIsTimed(std::vector<Doubling>{{1, 1.93}}));
  EXPECT_FALSE(WorkIsTimed(std::vector<Doubling>{{1, 1.0}, {1, 1.0}, {1, 2.0}}));  // folded
  EXPECT_FALSE(WorkIsTimed({}));
  EXPECT_FALSE(WorkIsTimed(std::vector<Doubling>{{0, 1}}));
  EXPECT_EQ(DoublingRatio({}), std::nullopt);
}

TEST(RidgeTest, IsPeakOverBandwidth) {
  EXPECT_EQ(Ridge(460e9, 46e9), 10.0);
  EXPECT_EQ(Ridge(std::nullopt, 46e9), std::nullopt);
  EXPECT_EQ(Ridge(460e9, std::nullopt), std::nullopt);
  EXPECT_EQ(Ridge(460e9, 0), std::nullopt);
}

}  // namespace
}  // namespace wattline::roofline::samples_test
