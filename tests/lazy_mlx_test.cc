// MLX is lazy: a work that forgets to wait gets no believable speed from the path that every gemm
// row takes, and the real one does.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <mlx/mlx.h>

#include "benchmarks/suite.h"
#include "kernels/arrays_mlx.h"
#include "kernels/backend.h"
#include "tests/lint_cases.h"
#include "tests/run_row.h"

namespace wattline::benchmarks::lazy_mlx_test {
namespace {

namespace mx = mlx::core;
using kernels::Backend;

constexpr const char* kName = "gemm/512x512x512/f32/mlx";

// Describes the product and returns; whoever asks for the result waits for it, so that it is right.
class LazyGemm : public kernels::Work {
 public:
  explicit LazyGemm(const kernels::GemmCase& c)
      : a_(Operand(c.a, c.shape.m, c.shape.k)), bt_(Operand(c.bt, c.shape.n, c.shape.k)) {}
  void Run() override { out_ = mx::matmul(a_, mx::transpose(bt_)); }
  std::vector<float> Result() const override { return kernels::FloatsOf(out_); }

 private:
  static mx::array Operand(const float* values, int64_t rows, int64_t cols) {
    return kernels::ArrayOf(values, {static_cast<int>(rows), static_cast<int>(cols)}, mx::float32);
  }
  mx::array a_, bt_;
  mx::array out_ = mx::array(0.0f);
};

kernels::MadeWork MakeLazyGemm(const Backend&, const kernels::GemmCase& c, kernels::ThreadPool&) {
  return {std::make_unique<LazyGemm>(c), {}};
}

class LazyMlx : public testing::Test {
 protected:
  void SetUp() override {
    setenv("WATTLINE_MLX_CPU", "1", 1);
    mlx_ = kernels::FindBackend("mlx");
    ASSERT_NE(mlx_, nullptr);
  }

  // A file with the row as this backend runs it, on the machine of lint_cases.h.
  roofline::Results RunRow(const Backend& backend) {
    const roofline::Machine machine = roofline::LintResults({}).machine;
    MeasuredCeilings ceilings;
    ceilings.f32_flop_per_s = machine.ceilings.at("f32");
    ceilings.read_byte_per_s = machine.ceilings.at("read");
    SuiteOptions options;
    options.min_time_s = 0.02;
    options.ceilings = ceilings;
    const std::vector<Backend> backends = {backend};
    Suite suite(options, backends);
    RegisterGemm(suite);
    roofline::Results results = wattline::RunRow(suite, kName, options.min_time_s);
    results.machine = machine;
    results.machine.backends["mlx"] = backend.describe();
    return results;
  }

  const Backend* mlx_ = nullptr;
};

bool Says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(LazyMlx, AWorkThatNobodyWaitsForHasNoBelievableSpeed) {
  Backend lazy = *mlx_;
  lazy.gemm = MakeLazyGemm;
  const roofline::Results file = RunRow(lazy);
  ASSERT_EQ(file.rows.size(), 1u);
  const roofline::Row& row = file.rows.front();
  // Its result is right: the check alone does not tell.
  ASSERT_EQ(row.error, "");
  ASSERT_TRUE(row.Counter("doubling"));
  EXPECT_LT(*row.Counter("doubling"), 1.5);
  EXPECT_TRUE(Says(row.label, "or the work was not waited for")) << row.label;
  const std::string found = roofline::RulesOf(roofline::LintOf(file));
  EXPECT_TRUE(Says(found, std::string("work-not-timed ") + kName)) << found;
  if (mlx_->on_gpu()) return;  // the ceilings above are a CPU's
  EXPECT_FALSE(row.Counter("MFU"));
  EXPECT_TRUE(Says(row.label, "above the measured peak of its format")) << row.label;
  EXPECT_TRUE(Says(found, std::string("above-roof ") + kName)) << found;
}

TEST_F(LazyMlx, TheRealWorkStaysBelowItsCeiling) {
  if (mlx_->on_gpu()) GTEST_SKIP() << "skipped: a launch outweighs a product of 512 x 512 x 512";
  const roofline::Results file = RunRow(*mlx_);
  ASSERT_EQ(file.rows.size(), 1u);
  ASSERT_EQ(file.rows.front().error, "");
  EXPECT_LE(file.rows.front().Counter("MFU").value_or(2), 1);
  EXPECT_FALSE(Says(roofline::RulesOf(roofline::LintOf(file)), "above-roof"));
}

}  // namespace
}  // namespace wattline::benchmarks::lazy_mlx_test
