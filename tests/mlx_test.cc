// MLX's operations against the double-precision reference. On a machine without a GPU they run on
// its CPU stream: the same graphs.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/check.h"
#include "benchmarks/operands.h"
#include "kernels/backend.h"
#include "kernels/dequant/dequant.h"
#include "kernels/thread_pool.h"

namespace wattline::kernels {
namespace {

using benchmarks::Checked;

class Mlx : public ::testing::Test {
 protected:
  void SetUp() override {
    backend_ = FindBackend("mlx");
    if (backend_ == nullptr) GTEST_SKIP() << "skipped: built without MLX";
    setenv("WATTLINE_MLX_CPU", "1", 1);
    if (const std::string why_not = backend_->why_not(); !why_not.empty()) {
      GTEST_SKIP() << "skipped: " << why_not;
    }
  }
  const Backend* backend_ = nullptr;
  ThreadPool pool_{1};
};

void ExpectAgrees(const Checked& checked, const std::string& what) {
  EXPECT_EQ(checked.error, "") << what;
  EXPECT_GT(checked.outputs, 0) << what;
}

TEST_F(Mlx, DenseProductsAgreeWithTheReference) {
  for (const GemmType type : {GemmType::kF32, GemmType::kBF16}) {
    for (const GemmShape s : {GemmShape{64, 64, 64}, {1, 96, 160}, {37, 51, 203}}) {
      const auto a = benchmarks::GemmA(type, s.m * s.k, pool_);
      const auto bt = benchmarks::GemmB(type, s.n * s.k, pool_);
      const GemmCase c{s, type, a.data(), bt.data()};
      MadeWork made = backend_->gemm(*backend_, c, pool_);
      ASSERT_NE(made.work, nullptr) << made.why_not;
      made.work->Run();
      ExpectAgrees(benchmarks::CheckGemm(c, made.work->Result(), made.work->RoundsTo()),
                   std::string(Name(type)) + " " + std::to_string(s.m));
    }
  }
}

TEST_F(Mlx, IntegerProductsAreRefused) {
  const std::vector<float> ones(256, 1.0f);
  const MadeWork made =
      backend_->gemm(*backend_, {{16, 16, 16}, GemmType::kInt8, ones.data(), ones.data()}, pool_);
  EXPECT_EQ(made.work, nullptr);
  EXPECT_EQ(made.why_not, "MLX multiplies no matrices of integers");
}

TEST_F(Mlx, LinearLayersAgreeWithTheReferenceOrSayWhyNot) {
  for (const FormatInfo& info : AllFormats()) {
    for (const int64_t tokens : {1, 4, 13, 40}) {
      const auto w = benchmarks::RandomMatrix(info.format, 96, 512, 3, pool_);
      const auto x = benchmarks::NormalValues(tokens * 512, 1, 4, pool_);
      const LinearCase c{w.matrix, x.data(), tokens};
      MadeWork made = backend_->linear(*backend_, c, pool_);
      if (info.format == Format::kQ4_K || info.format == Format::kQ5_K ||
          info.format == Format::kQ6_K) {
        EXPECT_EQ(made.why_not, "MLX: MLX's affine groups cannot hold " + std::string(info.name) +
                                    " without rounding its scales");
        continue;
      }
      ASSERT_NE(made.work, nullptr) << made.why_not;
      made.work->Run();
      ExpectAgrees(benchmarks::CheckLinear(c, made.work->Result(), made.work->RoundsTo()),
                   std::string(info.name) + " " + std::to_string(tokens));
    }
  }
}

// In f32 every value is exact: the conversion of blocks moves no weight.
TEST_F(Mlx, UnpackedWeightsAreExactInF32) {
  for (const Format format : {Format::kQ8_0, Format::kQ4_0, Format::kQ4_1, Format::kMlx4}) {
    const auto w = benchmarks::RandomMatrix(format, 48, 256, 5, pool_);
    for (const Format to : {Format::kF32, Format::kBF16}) {
      MadeWork made = backend_->dequant(*backend_, w.matrix, to, pool_);
      ASSERT_NE(made.work, nullptr) << made.why_not;
      made.work->Run();
      const std::vector<float> result = made.work->Result();
      ExpectAgrees(benchmarks::CheckDequant(w.matrix, to, result, made.work->RoundsTo()),
                   std::string(Info(format).name));
      if (to != Format::kF32) continue;
      std::vector<double> want(256);
      for (int64_t row = 0; row < 48; ++row) {
        DequantReference(format, w.matrix.Row(row), 256, want.data());
        for (size_t i = 0; i < want.size(); ++i) {
          ASSERT_EQ(result[static_cast<size_t>(row) * 256 + i], static_cast<float>(want[i]))
              << Info(format).name << " row " << row << " column " << i;
        }
      }
    }
  }
}

TEST_F(Mlx, AttentionAgreesWithTheReference) {
  for (const Format format : {Format::kF16, Format::kBF16}) {
    for (const AttentionShape s : {AttentionShape{1, 300, 8, 2, 64, true},
                                   {17, 0, 8, 8, 64, true},
                                   {33, 40, 8, 2, 128, true},
                                   {20, 0, 4, 4, 64, false}}) {
      const int64_t capacity = s.start + s.tokens + 7;
      const auto k = benchmarks::CacheRows(format, s.kv_heads * capacity, s.head_dim, 1, pool_);
      const auto v = benchmarks::CacheRows(format, s.kv_heads * capacity, s.head_dim, 2, pool_);
      const auto q = benchmarks::NormalValues(s.tokens * s.heads * s.head_dim, 1, 3, pool_);
      AttentionArgs c;
      c.shape = s;
      c.q = q.data();
      c.k = k.data();
      c.v = v.data();
      c.format = format;
      c.capacity = capacity;
      MadeWork made = backend_->attention(*backend_, c, pool_);
      ASSERT_NE(made.work, nullptr) << made.why_not;
      made.work->Run();
      ExpectAgrees(benchmarks::CheckAttention(c, made.work->Result(), made.work->RoundsTo()),
                   std::string(Info(format).name) + " " + std::to_string(s.tokens));
    }
  }
}

}  // namespace
}  // namespace wattline::kernels
