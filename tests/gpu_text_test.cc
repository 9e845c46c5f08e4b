// The GPU's ceiling kernels, as C++: the tokens that the GPU's compiler gets do what they say.
#include "kernels/ceiling/gpu_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

namespace wattline::kernels::gpu_text_test {
namespace {

float MultiplyAdd(float a, float b, float c) { return std::fma(a, b, c); }

// One thread of a launch.
template <typename T>
void Peak(unsigned thread, const T* one, const T* start, const int* steps, float* out) {
  WATTLINE_GPU_PEAK
}

void Read(unsigned thread, unsigned threads, const float* x, const int* count, const int* passes,
          float* out){WATTLINE_GPU_READ}

TEST(GpuTextTest, EveryChainCountsItsSteps) {
  std::vector<float> start(kGpuChains);
  std::iota(start.begin(), start.end(), 0.0f);
  const float one = 1;
  const int steps = 37;
  std::vector<float> out(20, -1.0f);
  for (unsigned thread = 0; thread < out.size(); ++thread) {
    Peak<float>(thread, &one, start.data(), &steps, out.data());
  }
  for (size_t thread = 0; thread < out.size(); ++thread) {
    const auto phase = static_cast<float>(thread % kGpuPhases);
    EXPECT_EQ(out[thread], 120 + kGpuChains * (phase + steps)) << thread;
  }
}

TEST(GpuTextTest, AChainIsAMultiplyAddOfItself) {
  // x -> 2 x + 2 from c: 4 steps give 16 c + 30.
  const std::vector<float> start = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const float two = 2;
  const int steps = 4;
  float out = 0;
  Peak<float>(0, &two, start.data(), &steps, &out);
  EXPECT_EQ(out, 16 * 120 + 16 * 30);
}

TEST(GpuTextTest, EveryWordIsReadOncePerPass) {
  constexpr unsigned kThreads = 6;
  const int count = kGpuReads * kThreads * 3;
  std::vector<float> x(count), out(kThreads, -1.0f);
  for (int i = 0; i < count; ++i) x[static_cast<size_t>(i)] = static_cast<float>(i * i % 101);
  for (const int passes : {1, 3}) {
    for (unsigned thread = 0; thread < kThreads; ++thread) {
      Read(thread, kThreads, x.data(), &count, &passes, out.data());
      float want = 0;
      for (size_t i = thread; i < x.size(); i += kThreads) want += x[i];
      EXPECT_EQ(out[thread], static_cast<float>(passes) * want) << thread;
    }
  }
}

TEST(GpuTextTest, TheTextIsThatOfTheTokens) {
  const std::string peak = WATTLINE_GPU_TEXT(WATTLINE_GPU_PEAK);
  EXPECT_EQ(peak.find("WATTLINE"), std::string::npos) << peak;
  for (const char* part : {"x0 = MultiplyAdd(x0, m, m);", "x15 = MultiplyAdd(x15, m, m);",
                           "T x15 = start[15] + phase;", "sum += float(x15);"}) {
    EXPECT_NE(peak.find(part), std::string::npos) << part << " in " << peak;
  }
  const std::string read = WATTLINE_GPU_TEXT(WATTLINE_GPU_READ);
  EXPECT_NE(read.find("s7 += x[i + 7 * int(threads)];"), std::string::npos) << read;
}

}  // namespace
}  // namespace wattline::kernels::gpu_text_test
