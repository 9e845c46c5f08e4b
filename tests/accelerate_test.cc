// Accelerate's products through fakes of it and through OpenBLAS, which has the older interface.
#include "kernels/gemm/gemm_accelerate.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/random.h"

namespace wattline::kernels::accelerate_test {
namespace {

std::vector<float> NormalFloats(int64_t count, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  Random random(seed);
  for (float& value : values) value = random.Normal();
  return values;
}

template <typename T>
T* Symbol(const char* path, const char* name) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : reinterpret_cast<T*>(dlsym(library, name));
}

void ExpectGemm(const Accelerate& library, GemmShape s) {
  const std::vector<float> a = NormalFloats(s.m * s.k, 1);
  const std::vector<float> bt = NormalFloats(s.n * s.k, 2);
  const GemmCase c{s, GemmType::kF32, a.data(), bt.data()};
  const MadeWork made = MakeAccelerateGemm(library, c, 2);
  ASSERT_TRUE(made.work) << made.why_not;
  made.work->Run();
  made.work->Run();  // the second does not add to the first
  const std::vector<float> got = made.work->Result();
  std::vector<double> want(static_cast<size_t>(s.m * s.n));
  GemmReference(c, want.data());
  ASSERT_EQ(got.size(), want.size());
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      const auto at = static_cast<size_t>(i * s.n + j);
      ASSERT_NEAR(got[at], want[at], GemmTolerance(c, i, j)) << i << " " << j;
    }
  }
}

void ExpectLinear(const Accelerate& library, int64_t tokens, int64_t rows, int64_t cols) {
  const std::vector<float> w = NormalFloats(rows * cols, 3);
  const std::vector<float> x = NormalFloats(tokens * cols, 4);
  const LinearCase c{
      {Format::kF32, rows, cols, reinterpret_cast<const std::byte*>(w.data())}, x.data(), tokens};
  const MadeWork made = MakeAccelerateLinear(library, c, 1);
  ASSERT_TRUE(made.work) << made.why_not;
  made.work->Run();
  made.work->Run();
  const std::vector<float> got = made.work->Result();
  std::vector<double> want(static_cast<size_t>(tokens * rows));
  LinearReference(c, want.data());
  ASSERT_EQ(got.size(), want.size());
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t r = 0; r < rows; ++r) {
      const auto at = static_cast<size_t>(t * rows + r);
      ASSERT_NEAR(got[at], want[at], LinearTolerance(c, t, r)) << t << " " << r;
    }
  }
}

void ExpectAll(const Accelerate& library) {
  ASSERT_EQ(library.why_not, "");
  for (const GemmShape s :
       {GemmShape{1, 1, 1}, GemmShape{7, 5, 33}, GemmShape{64, 48, 256}, GemmShape{3, 129, 65}}) {
    ExpectGemm(library, s);
  }
  for (const int64_t tokens : {1, 2, 9}) ExpectLinear(library, tokens, 37, 65);
}

TEST(AccelerateTest, ItsProductsAgreeWithTheReference) {
  ExpectAll(LoadAccelerate(WATTLINE_FAKE_ACCELERATE));
}

TEST(AccelerateTest, TheOlderInterfaceServesWhereTheNewerIsMissing) {
  const Accelerate library = LoadAccelerate(WATTLINE_FAKE_ACCELERATE_OLD_ACCELERATE);
  EXPECT_EQ(library.interface, "");
  EXPECT_EQ(library.set_threading, nullptr);
  ExpectAll(library);
}

TEST(AccelerateTest, ARealBlasLibraryIsCalledTheSameWay) {
  const Accelerate library = LoadAccelerate("libopenblas.so.0");
  if (library.sgemm == nullptr) GTEST_SKIP() << "OpenBLAS is not installed";
  ExpectAll(library);
}

TEST(AccelerateTest, TheNewerInterfaceAndOneThreadAreTakenWhereTheyAre) {
  const Accelerate library = LoadAccelerate(WATTLINE_FAKE_ACCELERATE);
  EXPECT_EQ(library.interface, "$NEWLAPACK");
  int* threading = Symbol<int>(WATTLINE_FAKE_ACCELERATE, "fake_accelerate_threading");
  int* gemv_calls = Symbol<int>(WATTLINE_FAKE_ACCELERATE, "fake_accelerate_gemv_calls");
  ASSERT_TRUE(threading != nullptr && gemv_calls != nullptr);
  const std::vector<float> ones(16, 1.0f);
  const GemmCase gemm{{4, 4, 4}, GemmType::kF32, ones.data(), ones.data()};
  const MadeWork one = MakeAccelerateGemm(library, gemm, 1);
  one.work->Run();
  EXPECT_EQ(*threading, 1);
  EXPECT_EQ(one.work->Kernel(), "cblas_sgemm$NEWLAPACK, one thread");
  const MadeWork many = MakeAccelerateGemm(library, gemm, 4);
  many.work->Run();
  EXPECT_EQ(*threading, 0);
  EXPECT_EQ(many.work->Kernel(), "cblas_sgemm$NEWLAPACK, as many threads as it likes");
  *gemv_calls = 0;
  const LinearCase linear{
      {Format::kF32, 4, 4, reinterpret_cast<const std::byte*>(ones.data())}, ones.data(), 1};
  MakeAccelerateLinear(library, linear, 1).work->Run();
  EXPECT_EQ(*gemv_calls, 1) << "one token is a product with a vector";
}

TEST(AccelerateTest, OtherTypesAreRefusedByName) {
  const Accelerate library = LoadAccelerate(WATTLINE_FAKE_ACCELERATE);
  const std::vector<float> ones(16, 1.0f);
  for (const GemmType type : {GemmType::kBF16, GemmType::kF16, GemmType::kInt8}) {
    const MadeWork made =
        MakeAccelerateGemm(library, {{4, 4, 4}, type, ones.data(), ones.data()}, 1);
    EXPECT_FALSE(made.work);
    EXPECT_NE(made.why_not.find(Name(type)), std::string::npos) << made.why_not;
  }
  const LinearCase packed{{Format::kQ8_0, 1, 32, nullptr}, ones.data(), 1};
  EXPECT_NE(MakeAccelerateLinear(library, packed, 1).why_not.find("q8_0"), std::string::npos);
}

TEST(AccelerateTest, WhatIsMissingIsSaid) {
  EXPECT_EQ(LoadAccelerate("/nonexistent/Accelerate").why_not,
            "Accelerate is a part of macOS, and /nonexistent/Accelerate is not here");
  EXPECT_NE(LoadAccelerate(WATTLINE_FAKE_ACCELERATE_NO_GEMV).why_not.find("cblas_sgemv"),
            std::string::npos);
  const Backend* const backend = FindBackend("accelerate");
  ASSERT_TRUE(backend != nullptr);
#ifndef __APPLE__
  EXPECT_NE(backend->why_not().find("a part of macOS"), std::string::npos);
#endif
  EXPECT_TRUE(Holds(*backend, "f32"));
  EXPECT_FALSE(Holds(*backend, "q4_0"));
}

}  // namespace
}  // namespace wattline::kernels::accelerate_test
