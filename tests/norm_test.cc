// The small row operations: references against hand-computed cases, kernels against references.
#include "kernels/norm/norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace wattline::kernels {
namespace {

TEST(NormReferenceTest, RmsNormDividesByTheRootMeanSquare) {
  const double x[] = {3, -4, 0, 5};  // mean square 50 / 4 = 12.5
  const float weight[] = {1, 2, 3, 0.5f};
  double out[4];
  RmsNormReference(x, weight, 4, 3.5, out);  // sqrt(12.5 + 3.5) = 4
  EXPECT_DOUBLE_EQ(out[0], 0.75);
  EXPECT_DOUBLE_EQ(out[1], -2);
  EXPECT_DOUBLE_EQ(out[2], 0);
  EXPECT_DOUBLE_EQ(out[3], 0.625);
}

TEST(NormReferenceTest, LayerNormCentresAndDividesByTheDeviation) {
  const double x[] = {1, 3, 5, 7};  // mean 4, variance (9 + 1 + 1 + 9) / 4 = 5
  const float weight[] = {1, 1, 2, 2};
  const float bias[] = {0, 10, 0, -1};
  double out[4];
  LayerNormReference(x, weight, bias, 4, 4, out);  // sqrt(5 + 4) = 3
  EXPECT_DOUBLE_EQ(out[0], -1);
  EXPECT_DOUBLE_EQ(out[1], 10 - 1.0 / 3);
  EXPECT_DOUBLE_EQ(out[2], 2.0 / 3);
  EXPECT_DOUBLE_EQ(out[3], 1);
}

// base 16, rope_dim 4: pair 0 turns by position, pair 1 by position / 4.
TEST(NormReferenceTest, RopeTurnsAdjacentPairs) {
  double head[] = {1, 0, 0, 2, 7};
  const double quarter = std::numbers::pi / 2;
  const float factor[] = {static_cast<float>(1 / quarter), static_cast<float>(0.25 / quarter)};
  RopeReference(head, 4, 1, 16, factor, RopeLayout::kAdjacent);  // both pairs by a quarter turn
  EXPECT_NEAR(head[0], 0, 1e-6);
  EXPECT_NEAR(head[1], 1, 1e-6);
  EXPECT_NEAR(head[2], -2, 1e-6);
  EXPECT_NEAR(head[3], 0, 1e-6);
  EXPECT_EQ(head[4], 7);
}

TEST(NormReferenceTest, RopeTurnsHalves) {
  double head[] = {1, 0, 0, 2, 7};
  RopeReference(head, 4, 2, 16, nullptr, RopeLayout::kHalves);
  EXPECT_DOUBLE_EQ(head[0], std::cos(2.0));
  EXPECT_DOUBLE_EQ(head[2], std::sin(2.0));
  EXPECT_DOUBLE_EQ(head[1], -2 * std::sin(0.5));
  EXPECT_DOUBLE_EQ(head[3], 2 * std::cos(0.5));
  EXPECT_EQ(head[4], 7);
}

TEST(NormReferenceTest, RopeAnglesAreThoseOfTheReference) {
  const float factor[] = {1, 2, 4};
  for (const float* f : {static_cast<const float*>(nullptr), factor}) {
    for (int64_t position : {0, 1, 17, 8191}) {
      std::vector<float> angles(6);
      RopeAngles(6, position, 10000, f, angles.data());
      double head[] = {1, 0, 1, 0, 1, 0};
      RopeReference(head, 6, position, 10000, f, RopeLayout::kAdjacent);
      for (size_t i = 0; i < 6; ++i) EXPECT_EQ(angles[i], static_cast<float>(head[i])) << i;
    }
  }
}

TEST(NormReferenceTest, SwiGluAndGeluHaveTheirKnownValues) {
  const double gate[] = {0, std::log(3.0), -std::log(3.0)};
  const double up[] = {5, 4, 4};
  double out[3];
  SwiGluReference(gate, up, 3, out);
  EXPECT_DOUBLE_EQ(out[0], 0);
  EXPECT_DOUBLE_EQ(out[1], std::log(3.0) * 0.75 * 4);
  EXPECT_DOUBLE_EQ(out[2], -std::log(3.0) * 0.25 * 4);
  const double x[] = {0, 1, -1};  // the normal distribution's 0.8413447460685429 at 1
  GeluReference(x, 3, out);
  EXPECT_DOUBLE_EQ(out[0], 0);
  EXPECT_NEAR(out[1], 0.8413447460685429, 1e-15);
  EXPECT_NEAR(out[2], 0.8413447460685429 - 1, 1e-15);
}

}  // namespace
}  // namespace wattline::kernels
