// MLX's small row operations against the double-precision reference, element by element.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/thread_pool.h"
#include "tests/norm_cases.h"

namespace wattline::kernels::mlx_norm_test {
namespace {

constexpr double kU = 0x1p-24;  // one rounding of f32

class MlxNormTest : public testing::Test {
 protected:
  void SetUp() override {
    backend_ = FindBackend("mlx");
    if (backend_ == nullptr) GTEST_SKIP() << "skipped: built without MLX";
    setenv("WATTLINE_MLX_CPU", "1", 1);
    const std::string why_not = backend_->why_not();
    if (!why_not.empty()) GTEST_SKIP() << "skipped: " << why_not;
  }

  // Twice the same: nothing is left of the run before.
  void ExpectWithin(const NormCase& c, const std::vector<double>& tolerance) {
    SCOPED_TRACE(NameOf(c));
    const MadeWork made = backend_->norm(*backend_, c, pool_);
    ASSERT_TRUE(made.work) << made.why_not;
    std::vector<double> want(static_cast<size_t>(c.rows * c.cols));
    NormReference(c, want.data());
    std::vector<float> first;
    for (int run = 0; run < 2; ++run) {
      made.work->Run();
      const std::vector<float> got = made.work->Result();
      ASSERT_EQ(got.size(), want.size());
      for (size_t i = 0; i < want.size(); ++i) {
        ASSERT_NEAR(got[i], want[i], tolerance[i]) << i << ", run " << run;
      }
      if (run == 0) first = got;
      EXPECT_EQ(got, first);
    }
  }
  // The error of the operation's sines and cosines where they are the device's fast ones.
  double FastSine(const NormCase& c) {
    return backend_->norm(*backend_, c, pool_).work->RoundsTo().operands;
  }

  const Backend* backend_ = nullptr;
  ThreadPool pool_{1};
};

struct Shape {
  int64_t rows;
  int64_t cols;
};
// Odd tails, one element, one row; widths of a model.
constexpr Shape kShapes[] = {{1, 1}, {3, 7}, {5, 33}, {2, 577}, {4, 768}, {1, 2048}};

// The relative error of a sum of n terms of one sign in any order, and of its mean (Higham, 3.1).
double MeanError(int64_t n) { return (static_cast<double>(n) + 2) * kU; }

TEST_F(MlxNormTest, RmsNormAgrees) {
  for (const Shape s : kShapes) {
    const OwnedCase o = MakeCase(NormOperation::kRmsNorm, s.rows, s.cols);
    std::vector<double> tolerance(o.x.size());
    NormReference(o.c, tolerance.data());
    // The root halves the mean's error; square, eps, root, reciprocal and 2 products round.
    for (double& want : tolerance) want = std::fabs(want) * (MeanError(s.cols) / 2 + 6 * kU);
    ExpectWithin(o.c, tolerance);
  }
}

TEST_F(MlxNormTest, LayerNormAgrees) {
  for (const Shape s : kShapes) {
    if (s.cols == 1) continue;  // the variance of one element is 0: all is rounding
    const OwnedCase o = MakeCase(NormOperation::kLayerNorm, s.rows, s.cols);
    std::vector<double> tolerance(o.x.size());
    NormReference(o.c, tolerance.data());
    const auto n = static_cast<double>(s.cols);
    for (int64_t row = 0; row < s.rows; ++row) {
      const float* x = o.c.x + row * s.cols;
      double mean = 0, size = 0, variance = 0;
      for (int64_t i = 0; i < s.cols; ++i) mean += x[i] / n, size += std::fabs(x[i]) / n;
      for (int64_t i = 0; i < s.cols; ++i) variance += (x[i] - mean) * (x[i] - mean) / n;
      // The mean is off by `shift`, which moves every element and adds its square to the variance;
      // each x - mean rounds.
      const double shift = (MeanError(s.cols) + kU) * size;
      const double scale = 1 / std::sqrt(variance + static_cast<double>(o.c.eps));
      const double relative = (MeanError(s.cols) + shift * shift * scale * scale) / 2 + 9 * kU;
      for (int64_t i = 0; i < s.cols; ++i) {
        double& want = tolerance[static_cast<size_t>(row * s.cols + i)];
        const double y = std::fabs(x[i] - mean) * scale;
        want = std::fabs(o.weight[static_cast<size_t>(i)]) * (shift * scale + y * relative) +
               kU * (std::fabs(want) + std::fabs(o.bias[static_cast<size_t>(i)]));
      }
    }
    ExpectWithin(o.c, tolerance);
  }
}

TEST_F(MlxNormTest, RopeTurnsTheInputByItsPositionInBothLayouts) {
  for (const Shape s : {Shape{1, 2}, {3, 6}, {7, 64}, {2, 130}}) {
    for (const RopeLayout layout : {RopeLayout::kAdjacent, RopeLayout::kHalves}) {
      const OwnedCase o = MakeCase(NormOperation::kRope, s.rows, s.cols, layout);
      std::vector<double> tolerance(o.x.size());
      const double fast = FastSine(o.c);
      const int64_t pairs = s.cols / 2;
      for (int64_t row = 0; row < s.rows; ++row) {
        for (int64_t i = 0; i < pairs; ++i) {
          // The frequency is exp(-a) in f32: the logarithm, its share and the product round, the
          // exponential's argument once more; what is relative there is absolute in the exponent.
          const double a = std::log(o.c.base) * static_cast<double>(i) / static_cast<double>(pairs);
          const double angle = static_cast<double>(o.c.position) * std::exp(-a);
          const double turned = (angle * (5 * a + 6) + 4) * kU + fast;
          const bool adjacent = layout == RopeLayout::kAdjacent;
          const auto first = static_cast<size_t>(row * s.cols + (adjacent ? 2 * i : i));
          const size_t second = first + static_cast<size_t>(adjacent ? 1 : pairs);
          const double size = std::fabs(o.x[first]) + std::fabs(o.x[second]);
          tolerance[first] = tolerance[second] = size * (turned + 3 * kU);
        }
      }
      ExpectWithin(o.c, tolerance);
    }
  }
}

TEST_F(MlxNormTest, SwiGluAgrees) {
  for (const Shape s : kShapes) {
    const OwnedCase o = MakeCase(NormOperation::kSwiGlu, s.rows, s.cols);
    std::vector<double> tolerance(o.x.size());
    NormReference(o.c, tolerance.data());
    // An exponential whose argument is scaled to base 2 and rounded; sum, quotient, 2 products.
    for (size_t i = 0; i < tolerance.size(); ++i) {
      tolerance[i] = std::fabs(tolerance[i]) * (2 * std::fabs(o.x[i]) + 12) * kU;
    }
    ExpectWithin(o.c, tolerance);
  }
}

TEST_F(MlxNormTest, GeluAgrees) {
  for (const Shape s : kShapes) {
    const OwnedCase o = MakeCase(NormOperation::kGelu, s.rows, s.cols);
    std::vector<double> tolerance(o.x.size());
    // 1.5e-7 of erf, halved, where it is the formula 7.1.26 of Abramowitz and Stegun; its rounding,
    // that of 1 + erf and of 3 products.
    for (size_t i = 0; i < tolerance.size(); ++i) {
      tolerance[i] = std::fabs(o.x[i]) * (0.75e-7 + 10 * kU);
    }
    ExpectWithin(o.c, tolerance);
  }
}

TEST_F(MlxNormTest, RoundingTo8BitIsRefused) {
  const OwnedCase o = MakeCase(NormOperation::kQuantiseQ8, 1, 32);
  const MadeWork made = backend_->norm(*backend_, o.c, pool_);
  EXPECT_FALSE(made.work);
  EXPECT_EQ(made.why_not,
            "MLX rounds no activations to 8 bit: it multiplies packed weights with f16");
}

}  // namespace
}  // namespace wattline::kernels::mlx_norm_test
