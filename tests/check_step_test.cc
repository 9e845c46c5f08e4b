// Checks of a training step's weight gradients: what they let through and what they catch.
#include "benchmarks/check_step.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/step_fixture.h"

namespace wattline::benchmarks::check_step_test {
namespace {

using kernels::StepTensor;
using kernels::StepWeightGradient;

// One gradient of integers, exact in f32.
class OneGradient final : public kernels::StepWork {
 public:
  OneGradient(int64_t tokens, int64_t rows, int64_t cols) : rows_(rows), cols_(cols) {
    kernels::Random random(3);
    const auto fill = [&](int64_t count) {
      std::vector<float> values(static_cast<size_t>(count));
      for (float& value : values) value = std::round(3 * random.Normal());
      return values;
    };
    dy_ = fill(tokens * rows);
    x_ = fill(tokens * cols);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < cols; ++c) {
        float sum = 0;
        for (int64_t t = 0; t < tokens; ++t) sum += At(dy_, t * rows + r) * At(x_, t * cols + c);
        dw.push_back(sum);
      }
    }
    again = dw;
  }
  void Run() override {}
  void RunAttention() override {}
  std::vector<float> Result() const override { return {}; }
  std::vector<StepTensor<float>> Tensors() const override { return {{"ffn_up", dw}}; }
  std::vector<StepWeightGradient> WeightGradients() const override {
    return {{"ffn_up", rows_, cols_, reinterpret_cast<const std::byte*>(dy_.data()),
             reinterpret_cast<const std::byte*>(x_.data()), dw.data(),
             shows_again ? again.data() : nullptr}};
  }

  std::vector<float> dw, again;
  bool shows_again = true;

 private:
  static float At(const std::vector<float>& values, int64_t i) {
    return values[static_cast<size_t>(i)];
  }
  const int64_t rows_, cols_;
  std::vector<float> dy_, x_;
};

std::string ErrorOf(const OneGradient& step) {
  const kernels::StepFixture f({kernels::SmallShape(), 37, "f32"});
  return CheckWeightGradients(f.c, step).error;
}

TEST(CheckWeightGradientsTest, ExactSumsPassWithOneEvaluationAndWithTwo) {
  OneGradient step(37, 16, 16);
  EXPECT_EQ(ErrorOf(step), "");
  step.shows_again = false;
  EXPECT_EQ(ErrorOf(step), "");
}

TEST(CheckWeightGradientsTest, OnlyTheEvaluationThatShowsItsOperandsMustSumThemExactly) {
  OneGradient step(37, 16, 16);
  for (float& value : step.dw) value *= 1 + 0x1p-17f;
  EXPECT_EQ(ErrorOf(step), "");
  step.shows_again = false;
  EXPECT_NE(ErrorOf(step), "");
}

TEST(CheckWeightGradientsTest, WrongSumsOfTheOperandsAreFound) {
  OneGradient step(37, 16, 16);
  step.again[200] += 1;
  step.dw[200] += 1;
  EXPECT_NE(ErrorOf(step).find("gradient of ffn_up: C["), std::string::npos) << ErrorOf(step);
}

TEST(CheckWeightGradientsTest, ARunThatLeavesTheSecondEvaluationIsFound) {
  OneGradient step(37, 16, 16);
  step.dw[7] = NAN;
  EXPECT_NE(ErrorOf(step).find("the Run's is off by nan"), std::string::npos) << ErrorOf(step);
  step.dw = step.again;
  // A token of 37 that was left out of one row's sums.
  for (size_t col = 0; col < 16; ++col) step.dw[col] += 4;
  EXPECT_NE(ErrorOf(step).find("the Run's is off by"), std::string::npos) << ErrorOf(step);
}

}  // namespace
}  // namespace wattline::benchmarks::check_step_test
