// The intensity sweep's kernels load what they claim and do as many multiply-adds as they claim.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/ceiling/ceiling.h"
#include "kernels/ceiling/intensity_work.h"
#include "kernels/random.h"

namespace wattline::kernels::intensity_test {
namespace {

std::vector<double> AllIntensities() {
  std::vector<double> all;
  for (double x = kLeastIntensity; x <= kMostIntensity; x *= 2) all.push_back(x);
  return all;
}

// What a sum of f32 rounds: every addition by half a unit of the sum so far, which is no larger
// than the sum of magnitudes; of the n / kChains additions of a lane.
double Tolerance(const IntensityKernel& kernel, const IntensityArgs& args) {
  if (kernel.format == PeakFormat::kInt8) return 0;
  const double products = static_cast<double>(args.byte * args.passes) *
                          std::max(args.flop_per_byte, IntensityOfOne(kernel.format)) / 2;
  const double in_one_lane = products / (12 * 4);
  return products * 4 * std::sqrt(in_one_lane) * 0x1p-24 + 1e-6;
}

class IntensityTest : public testing::TestWithParam<const CeilingKernels*> {
 protected:
  void SetUp() override {
    const std::string why_not = GetParam()->why_not();
    if (!why_not.empty()) GTEST_SKIP() << "skipped: " << why_not;
  }
};

TEST_P(IntensityTest, EveryFormatHasAKernelWithAndOneWithoutPrefetch) {
  std::map<PeakFormat, int> count;
  for (const CeilingKernels& part : AllCeilingKernels()) {
    if (!IsPartOf(part, GetParam()->isa)) continue;
    for (const IntensityKernel& kernel : part.intensities) ++count[kernel.format];
  }
  EXPECT_EQ(count.size(), 3u);
  for (const auto& [format, kernels] : count) EXPECT_GE(kernels, 2) << Name(format);
}

TEST_P(IntensityTest, EveryMultiplyAddIsInTheSum) {
  for (const IntensityKernel& kernel : GetParam()->intensities) {
    for (double flop_per_byte : AllIntensities()) {
      EXPECT_EQ(WhyWrong(kernel, flop_per_byte), "") << kernel.name;
    }
  }
}

TEST_P(IntensityTest, AWrongCountIsSeen) {
  static const IntensityKernel* real;
  for (const IntensityKernel& kernel : GetParam()->intensities) {
    real = &kernel;
    IntensityKernel folded = kernel;
    folded.run = [](const IntensityArgs& args) {
      IntensityArgs half = args;
      half.flop_per_byte /= 2;
      return real->run(half);
    };
    EXPECT_NE(WhyWrong(folded, 64), "") << kernel.name;
    folded.run = [](const IntensityArgs& args) {
      IntensityArgs shorter = args;
      shorter.byte -= real->BlockByte();
      return real->run(shorter);
    };
    EXPECT_NE(WhyWrong(folded, 1), "") << kernel.name;
  }
}

TEST_P(IntensityTest, RandomElementsAgreeWithTheDoubleReference) {
  ThreadPool pool(1);
  for (const IntensityKernel& kernel : GetParam()->intensities) {
    const IntensityBuffer buffer(kernel.format, 3 * kernel.BlockByte(), pool);
    for (double flop_per_byte : AllIntensities()) {
      for (int64_t blocks : {1, 3}) {
        const IntensityArgs args{.x = buffer.part(0),
                                 .y = buffer.multipliers(),
                                 .byte = blocks * kernel.BlockByte(),
                                 .passes = 2,
                                 .flop_per_byte = flop_per_byte};
        const double expected = IntensityReference(kernel, args);
        double error = kernel.run(args) - expected;
        // Lanes wrap modulo 2^32.
        if (kernel.format == PeakFormat::kInt8) error = std::remainder(error, 0x1p32);
        EXPECT_LE(std::abs(error), Tolerance(kernel, args))
            << kernel.name << ", " << flop_per_byte << ", " << blocks << ": " << expected;
      }
    }
  }
}

TEST_P(IntensityTest, NoBytesAreNoWork) {
  alignas(64) const char y[64] = {1};
  for (const IntensityKernel& kernel : GetParam()->intensities) {
    EXPECT_EQ(kernel.run({.x = y, .y = y, .byte = 0}), 0) << kernel.name;
  }
}

// AddressSanitizer does not see into asm statements: here the page behind the array is closed.
TEST_P(IntensityTest, NothingIsReadBeyondTheEnd) {
  const auto page_byte = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  constexpr size_t kPages = 2;  // hold a block of every kernel
  void* pages = mmap(nullptr, (kPages + 1) * page_byte, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANON, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  char* const end = static_cast<char*>(pages) + kPages * page_byte;
  ASSERT_EQ(mprotect(end, page_byte, PROT_NONE), 0);
  alignas(64) const char y[64] = {1};
  for (const IntensityKernel& kernel : GetParam()->intensities) {
    for (double flop_per_byte : AllIntensities()) {
      EXPECT_EQ(kernel.run({.x = end - kernel.BlockByte(),
                            .y = y,
                            .byte = kernel.BlockByte(),
                            .flop_per_byte = flop_per_byte}),
                0)
          << kernel.name;
    }
  }
  munmap(pages, (kPages + 1) * page_byte);
}

TEST_P(IntensityTest, ThreadsWalkOnWhereTheyWere) {
  ThreadPool pool(2);
  for (const IntensityKernel& kernel : GetParam()->intensities) {
    const int64_t block_byte = kernel.BlockByte();
    IntensityBuffer buffer(kernel.format, 5 * block_byte, pool);
    IntensityWork work(kernel, buffer, {5 * block_byte + 64, 2 * block_byte + 1, 4}, pool);
    work.SetSteps(2);
    EXPECT_EQ(work.Byte(), 2.0 * 2 * 2 * static_cast<double>(block_byte));
    EXPECT_EQ(work.Flop(), 4 * work.Byte());
    work.Run();
    EXPECT_EQ(buffer.at_byte(0), 4 * block_byte);
    EXPECT_EQ(buffer.at_byte(1), 4 * block_byte);
    work.Run();
    EXPECT_EQ(buffer.at_byte(0), 3 * block_byte);
    // A smaller footprint begins at its start.
    IntensityWork smaller(kernel, buffer, {2 * block_byte, 2 * block_byte, 4}, pool);
    smaller.SetSteps(3);
    smaller.Run();
    EXPECT_EQ(buffer.at_byte(0), 0);
    for (int thread = 0; thread < 2; ++thread) {
      const IntensityArgs args{.x = buffer.part(thread),
                               .y = buffer.multipliers(),
                               .byte = 2 * block_byte,
                               .passes = 3,
                               .flop_per_byte = 4};
      double error =
          smaller.Result()[static_cast<size_t>(thread)] - IntensityReference(kernel, args);
      if (kernel.format == PeakFormat::kInt8) error = std::remainder(error, 0x1p32);
      // A float holds 24 bits of a sum of integers.
      const double most =
          kernel.format == PeakFormat::kInt8 ? 0x1p40 * 0x1p-24 : Tolerance(kernel, args);
      EXPECT_LE(std::abs(error), most) << kernel.name;
    }
  }
}

// 3 steps of 2 blocks round 5: the sum of the whole and of one block more.
TEST_P(IntensityTest, AWalkRoundTheEndMissesNothing) {
  ThreadPool pool(1);
  for (const IntensityKernel& kernel : GetParam()->intensities) {
    if (kernel.format == PeakFormat::kInt8) continue;
    const int64_t block_byte = kernel.BlockByte();
    IntensityBuffer buffer(kernel.format, 5 * block_byte, pool);
    IntensityWork work(kernel, buffer, {5 * block_byte, 2 * block_byte, 1}, pool);
    work.SetSteps(3);
    work.Run();
    const auto reference = [&](int64_t blocks) {
      return IntensityReference(kernel, {.x = buffer.part(0),
                                         .y = buffer.multipliers(),
                                         .byte = blocks * block_byte,
                                         .flop_per_byte = 1});
    };
    const double expected = reference(5) + reference(1);
    EXPECT_NEAR(work.Result()[0], expected, 1e-3 + 1e-5 * std::abs(expected)) << kernel.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, IntensityTest, testing::ValuesIn([] {
                           std::vector<const CeilingKernels*> all;
                           for (const CeilingKernels& one : AllCeilingKernels()) {
                             all.push_back(&one);
                           }
                           return all;
                         }()),
                         [](const auto& tested) { return std::string(tested.param->isa); });

}  // namespace
}  // namespace wattline::kernels::intensity_test
