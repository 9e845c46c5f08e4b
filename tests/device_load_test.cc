// What the device checks compute without a device: the integral of sampled power, and the kernels'
// arithmetic on the CPU.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "tests/device/cuda_kernels.h"
#include "tests/device/power_sampler.h"

namespace wattline::device {
namespace {

energy::TimePoint At(double seconds) {
  return energy::TimePoint(std::chrono::duration_cast<energy::TimePoint::duration>(
      std::chrono::duration<double>(seconds)));
}

// 100 W at 1 s, rising by 10 W each tenth of a second.
std::vector<PowerSample> Ramp() {
  std::vector<PowerSample> samples;
  for (int i = 0; i <= 10; ++i) samples.push_back({At(1 + 0.1 * i), 100.0 + 10 * i});
  return samples;
}

TEST(IntegrateJoulesTest, TrapezoidsOfARampAreExactWithinSamplesToo) {
  EXPECT_NEAR(*IntegrateJoules(Ramp(), At(1), At(2), 0.2), 150, 1e-6);
  // From 103 W to 127 W in 0.24 s.
  EXPECT_NEAR(*IntegrateJoules(Ramp(), At(1.03), At(1.27), 0.2), 0.24 * 115, 1e-6);
  EXPECT_NEAR(*IntegrateJoules(Ramp(), At(1.42), At(1.44), 0.2), 0.02 * 143, 1e-6);
}

TEST(IntegrateJoulesTest, SamplesThatDoNotCoverTheTimeGiveNothing) {
  EXPECT_FALSE(IntegrateJoules({}, At(1), At(2), 0.2));
  EXPECT_FALSE(IntegrateJoules(Ramp(), At(0.99), At(2), 0.2));
  EXPECT_FALSE(IntegrateJoules(Ramp(), At(1), At(2.01), 0.2));
}

TEST(IntegrateJoulesTest, AGapInsideTheTimeGivesNothingAndOneOutsideDoesNotMatter) {
  std::vector<PowerSample> samples = Ramp();
  samples.erase(samples.begin() + 2, samples.begin() + 5);  // from 1.1 s to 1.5 s
  EXPECT_FALSE(IntegrateJoules(samples, At(1), At(2), 0.2));
  EXPECT_FALSE(IntegrateJoules(samples, At(1.45), At(1.9), 0.2));
  EXPECT_TRUE(IntegrateJoules(samples, At(1.5), At(1.9), 0.2));
}

TEST(ComputeResultTest, TheNumbersNeitherGrowNorSettle) {
  float previous = ComputeResult(270'000, 1000);
  for (const uint32_t turns : {2000u, 4000u, 8000u}) {
    const float sum = ComputeResult(270'000, turns);
    EXPECT_TRUE(std::isfinite(sum));
    EXPECT_LT(std::abs(sum), 100);  // 16 numbers of at most about 3
    EXPECT_NE(sum, previous);
    previous = sum;
  }
}

TEST(LoadPtxTest, ItNamesTheOldestGpuItRunsOnAndItsThreeKernels) {
  const std::string ptx = LoadPtx();
  for (const char* part :
       {".target sm_70", ".entry compute_load(", ".entry memory_load(", ".entry fill_words("}) {
    EXPECT_NE(ptx.find(part), std::string::npos) << part;
  }
  size_t multiply_adds = 0;
  const size_t loop = ptx.find("$compute_loop:");
  const size_t end = ptx.find("bra $compute_loop");
  for (size_t at = loop; (at = ptx.find("fma.rn.f32", at)) < end; ++at) ++multiply_adds;
  EXPECT_EQ(2.0 * static_cast<double>(multiply_adds), kTurn_flop);
}

}  // namespace
}  // namespace wattline::device
