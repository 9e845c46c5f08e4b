// The small row operations: references against hand-computed cases, kernels against references.
#include "kernels/norm/norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/random.h"

namespace wattline::kernels::norm_test {
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

constexpr double kU = 0x1p-24;    // one rounding of f32
constexpr double kExp = 0x1p-23;  // the exponential's relative error (kernels/simd/simd.h)

// Relative error of a sum of n terms of one sign: every instruction set keeps at least 16 sums in
// flight; joining them and a tail of at most 15 elements costs up to 20 roundings more.
double SumError(int64_t n) { return (static_cast<double>(n) / 16 + 20) * kU; }

class NormTest : public testing::TestWithParam<const CpuKernels*> {
 protected:
  void SetUp() override {
    const std::string why_not = kernels().why_not();
    if (!why_not.empty()) GTEST_SKIP() << "skipped: no " << kernels().isa << ": " << why_not;
  }
  static const CpuKernels& kernels() { return *GetParam(); }

  // Exactly n elements on the heap, so that an over-read is seen.
  std::vector<float> Draw(int64_t n, float scale = 1, float shift = 0) {
    std::vector<float> x(static_cast<size_t>(n));
    for (float& element : x) element = shift + scale * random_.Normal();
    return x;
  }

 private:
  Random random_{11};
};

// Model widths, then odd tails.
constexpr int64_t kDims[] = {64, 576, 768, 2048, 4096, 1, 2, 7, 15, 17, 33, 65, 577};

std::vector<double> Wide(const std::vector<float>& x) { return {x.begin(), x.end()}; }

TEST_P(NormTest, RmsNormAgrees) {
  for (int64_t dim : kDims) {
    const std::vector<float> x = Draw(dim, 3);
    const std::vector<float> weight = Draw(dim);
    const std::vector<double> wide = Wide(x);
    std::vector<double> want(x.size());
    RmsNormReference(wide.data(), weight.data(), dim, 1e-5f, want.data());
    std::vector<float> out(x.size());
    kernels().rms_norm(x.data(), weight.data(), dim, 1e-5f, out.data());
    // The root halves the sum's error; mean, eps, root, reciprocal and 2 products round once each.
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(out[i], want[i], std::abs(want[i]) * (SumError(dim) / 2 + 6 * kU)) << dim;
    }
  }
}

TEST_P(NormTest, RmsNormWorksInPlace) {
  std::vector<float> x = Draw(577);
  const std::vector<float> weight = Draw(577);
  std::vector<float> out(x.size());
  kernels().rms_norm(x.data(), weight.data(), 577, 1e-5f, out.data());
  kernels().rms_norm(x.data(), weight.data(), 577, 1e-5f, x.data());
  EXPECT_EQ(x, out);
}

TEST_P(NormTest, LayerNormAgrees) {
  for (int64_t dim : kDims) {
    const std::vector<float> x = Draw(dim, 2, 5);  // a mean that must not cancel the variance
    const std::vector<float> weight = Draw(dim);
    const std::vector<float> bias = Draw(dim);
    const std::vector<double> wide = Wide(x);
    std::vector<double> want(x.size());
    LayerNormReference(wide.data(), weight.data(), bias.data(), dim, 1e-5f, want.data());
    std::vector<float> out(x.size());
    kernels().layer_norm(x.data(), weight.data(), bias.data(), dim, 1e-5f, out.data());
    double mean_size = 0;
    double mean = 0;
    for (double element : wide) mean_size += std::abs(element) / static_cast<double>(dim);
    for (double element : wide) mean += element / static_cast<double>(dim);
    double variance = 1e-5;
    for (double e : wide) variance += (e - mean) * (e - mean) / static_cast<double>(dim);
    // The mean is off by `shift`, which moves every element and adds its square to the variance;
    // the rest is as in RmsNorm, one more rounding for x - mean, one for the bias.
    const double shift = (SumError(dim) + kU) * mean_size;
    const double scale = 1 / std::sqrt(variance);
    const double relative = (SumError(dim) + shift * shift * scale * scale) / 2 + 8 * kU;
    for (size_t i = 0; i < x.size(); ++i) {
      const double y = std::abs(wide[i] - mean) * scale;
      const double tolerance = std::abs(weight[i]) * (shift * scale + y * relative) +
                               kU * (std::abs(want[i]) + std::abs(bias[i]));
      ASSERT_NEAR(out[i], want[i], tolerance) << dim;
    }
  }
}

TEST_P(NormTest, RopeAgreesInBothLayouts) {
  for (int64_t rope_dim : {2, 6, 16, 32, 64, 80, 96, 128, 130}) {
    for (RopeLayout layout : {RopeLayout::kAdjacent, RopeLayout::kHalves}) {
      std::vector<float> head = Draw(rope_dim + 3);
      const std::vector<float> before = head;
      std::vector<double> want = Wide(head);
      std::vector<float> factor = Draw(rope_dim / 2, 0.1f, 2);
      std::vector<float> angles(static_cast<size_t>(rope_dim));
      RopeAngles(rope_dim, 1234, 500000, factor.data(), angles.data());
      RopeReference(want.data(), rope_dim, 1234, 500000, factor.data(), layout);
      kernels().rope(head.data(), rope_dim, angles.data(), layout);
      const int64_t pairs = rope_dim / 2;
      for (int64_t i = 0; i < pairs; ++i) {
        const auto a = static_cast<size_t>(layout == RopeLayout::kAdjacent ? 2 * i : i);
        const auto b = layout == RopeLayout::kAdjacent ? a + 1 : a + static_cast<size_t>(pairs);
        // cos and sin, the product and the sum round once each.
        const double tolerance = 3 * kU * (std::abs(before[a]) + std::abs(before[b]));
        ASSERT_NEAR(head[a], want[a], tolerance) << rope_dim << " " << i;
        ASSERT_NEAR(head[b], want[b], tolerance) << rope_dim << " " << i;
      }
      for (size_t i = static_cast<size_t>(rope_dim); i < head.size(); ++i) {
        EXPECT_EQ(head[i], before[i]);
      }
    }
  }
}

TEST_P(NormTest, SwiGluAgrees) {
  for (int64_t n : kDims) {
    std::vector<float> gate = Draw(n, 4);
    gate[0] = -100;  // e^100 passes f32: the result must be 0, not NaN
    if (n > 1) gate[1] = 100;
    const std::vector<float> up = Draw(n);
    std::vector<double> want(gate.size());
    SwiGluReference(Wide(gate).data(), Wide(up).data(), n, want.data());
    std::vector<float> out(gate.size());
    kernels().swiglu(gate.data(), up.data(), n, out.data());
    // 1e-35: the exponential stops at 2^127.49, where g / (1 + e^-g) is below 1e-36.
    for (size_t i = 0; i < gate.size(); ++i) {
      ASSERT_NEAR(out[i], want[i], std::abs(want[i]) * (kExp + 4 * kU) + 1e-35) << gate[i];
    }
  }
}

TEST_P(NormTest, GeluAgrees) {
  for (int64_t n : kDims) {
    std::vector<float> x = Draw(n, 3);
    x[0] = n % 2 == 0 ? -30.0f : 30.0f;
    std::vector<double> want(x.size());
    GeluReference(Wide(x).data(), n, want.data());
    std::vector<float> out(x.size());
    kernels().gelu(x.data(), n, out.data());
    // The formula's 1.5e-7 of erf, halved; the half tail's polynomial (6 roundings of terms below
    // 1.5), t, argument and exponential: at most 16 u of 1/2; 1 - tail and the product: 2 u.
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(out[i], want[i], std::abs(x[i]) * (0.75e-7 + 10 * kU)) << x[i];
    }
  }
}

TEST_P(NormTest, AddAddsEveryElementOnce) {
  for (int64_t n : kDims) {
    const std::vector<float> x = Draw(n);
    std::vector<float> inout = Draw(n);
    std::vector<float> want = inout;
    for (size_t i = 0; i < want.size(); ++i) want[i] += x[i];
    kernels().add(x.data(), n, inout.data());
    EXPECT_EQ(inout, want);
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, NormTest,
                         testing::ValuesIn(AllCpuKernels().begin(), AllCpuKernels().end()),
                         [](const auto& table) { return std::string(table.param->isa); });

}  // namespace
}  // namespace wattline::kernels::norm_test
