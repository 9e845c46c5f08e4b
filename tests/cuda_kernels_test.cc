// The PTX of the ceilings' kernels: that it holds the operations that are counted, and the laws
// that its results are held against.
#include "kernels/ceiling/cuda_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/ceiling/cuda_tensor.h"

namespace wattline::kernels::cuda_kernels_test {
namespace {

int Count(const std::string& text, const std::string& word) {
  int count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

std::string Between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t from = text.find(begin);
  const size_t to = text.find(end, from);
  if (from == std::string::npos || to == std::string::npos) return {};
  return text.substr(from, to - from);
}

// Operations of a turn as they stand in the text: those between the labels of a round count as
// often as there are rounds.
double OpInText(const CudaKernel& kernel) {
  const std::string turn = Between(kernel.ptx, "$turn:", "bra $turn");
  const std::string round = Between(turn, "$round:", "bra $round");
  const double rounds = kernel.inner > 0 ? kernel.inner : 1;
  const auto all = [&](const std::string& instruction) {
    const int inside = Count(round, instruction);
    return inside * rounds + Count(turn, instruction) - inside;
  };
  const double of_warp = 2 * 16 * 8 * 16 * all("mma.sync.aligned.m16n8k16") +
                         2 * 16 * 8 * 32 * all("mma.sync.aligned.m16n8k32");
  const double of_four_warps = 2 * 64 * 256 * 16 * all("wgmma.mma_async.sync.aligned.m64n256k16") +
                               2 * 64 * 256 * 32 * all("wgmma.mma_async.sync.aligned.m64n256k32");
  return (2 * all("fma.rn.f32") + of_warp / 32 + of_four_warps / 128) / kernel.period;
}

double ByteInText(const CudaKernel& kernel) {
  const std::string turn = Between(kernel.ptx, "$turn:", "bra $turn");
  return 16.0 * (Count(turn, "ld.global") + Count(turn, "st.global"));
}

std::vector<double> Intensities(CudaFormat format) {
  std::vector<double> list;
  for (double x = 0.0625; x <= 1024; x *= 2) list.push_back(x);
  for (double x = format == CudaFormat::kF32 ? 1.5 : 6; x < 1024; x *= 2) list.push_back(x);
  return list;
}

TEST(CudaKernelsTest, EveryIntensityIsExactInCountsAndText) {
  for (const CudaFormat format : {CudaFormat::kF32, CudaFormat::kBF16}) {
    for (const double x : Intensities(format)) {
      const CudaKernel kernel = CudaIntensityKernel(format, x);
      EXPECT_DOUBLE_EQ(kernel.thread_op, x * kernel.thread_byte) << Name(format) << " " << x;
      EXPECT_DOUBLE_EQ(OpInText(kernel), kernel.thread_op) << Name(format) << " " << x;
      EXPECT_DOUBLE_EQ(ByteInText(kernel), kernel.thread_byte) << Name(format) << " " << x;
    }
  }
}

TEST(CudaKernelsTest, PeaksCountTheOperationsOfTheirText) {
  for (const CudaFormat format :
       {CudaFormat::kF32, CudaFormat::kBF16, CudaFormat::kF16, CudaFormat::kInt8}) {
    for (const CudaKernel& kernel : CudaPeakKernels(format, 90)) {
      EXPECT_DOUBLE_EQ(OpInText(kernel), kernel.thread_op) << kernel.name;
      EXPECT_EQ(ByteInText(kernel), 0) << kernel.name;
      EXPECT_GT(kernel.thread_op, 0);
    }
  }
}

TEST(CudaKernelsTest, StreamsCountTheLoadsAndStoresOfTheirText) {
  for (const StreamKind kind :
       {StreamKind::kRead, StreamKind::kWrite, StreamKind::kCopy, StreamKind::kTriad}) {
    for (const CudaKernel& kernel : CudaStreamKernels(kind)) {
      EXPECT_DOUBLE_EQ(ByteInText(kernel), kernel.thread_byte) << kernel.name;
      EXPECT_EQ(kernel.arrays, StreamArrays(kind));
    }
  }
}

TEST(CudaKernelsTest, EachGenerationHasTheInstructionsThatItKnows) {
  const auto names = [](CudaFormat format, int capability) {
    std::string text;
    for (const CudaKernel& kernel : CudaPeakKernels(format, capability)) text += kernel.name + "|";
    return text;
  };
  for (const CudaFormat format : {CudaFormat::kBF16, CudaFormat::kF16, CudaFormat::kInt8}) {
    EXPECT_EQ(names(format, 75), "");
    EXPECT_EQ(Count(names(format, 80), "mma.sync"), 1);
    EXPECT_EQ(Count(names(format, 80), "wgmma"), 0);
    EXPECT_EQ(Count(names(format, 90), "wgmma"), 1);
    EXPECT_EQ(Count(names(format, 90), "|mma.sync"), 1);
    EXPECT_EQ(Count(names(format, 100), "wgmma"), 0);
  }
  EXPECT_EQ(Count(names(CudaFormat::kF32, 70), "fma.rn.f32"), 1);
}

TEST(CudaKernelsTest, ABlockWalksThroughEveryLineBeforeItComesBack) {
  CudaArgs args;
  args.lines = 1000;
  const CudaLaunch launch = {.blocks = 3, .block_threads = 40};
  std::vector<int> visits(args.lines);
  // 40 threads, 25 steps: the whole array once, wherever the block begins.
  for (uint32_t thread = 40; thread < 80; ++thread) {
    uint32_t line = FirstLine(args, launch, thread);
    for (int step = 0; step < 25; ++step, line = NextLine(args, launch, line)) ++visits[line];
  }
  for (uint32_t line = 0; line < args.lines; ++line) EXPECT_EQ(visits[line], 1) << line;
  EXPECT_EQ(FirstLine(args, launch, 0), 0u);
  EXPECT_EQ(FirstLine(args, launch, 40), 333u);
  EXPECT_EQ(FirstLine(args, launch, 119), 666u + 39);
  // Jointly, all 120 threads stand side by side.
  const CudaLaunch joint = {.blocks = 3, .block_threads = 40, .joint = true};
  EXPECT_EQ(FirstLine(args, joint, 119), 119u);
  EXPECT_EQ(NextLine(args, joint, 900), 20u);
  // Fewer lines than threads: they wrap.
  args.lines = 7;
  EXPECT_EQ(FirstLine(args, launch, 39), (0u + 39) % 7);
  EXPECT_EQ(NextLine(args, launch, 5), (5u + 40) % 7);
}

TEST(CudaKernelsTest, MemoryHoldsFiniteNumbersOfBothSigns) {
  const CudaKernel f32 = CudaIntensityKernel(CudaFormat::kF32, 1);
  const CudaKernel bf16 = CudaIntensityKernel(CudaFormat::kBF16, 8);
  int negative = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    const auto value = std::bit_cast<float>(FilledWord(f32, i));
    EXPECT_GE(std::fabs(value), 1);
    EXPECT_LT(std::fabs(value), 2);
    negative += value < 0;
    for (int half = 0; half < 2; ++half) {
      const double number = Number(TensorFormatOf(CudaFormat::kBF16), FilledWord(bf16, i), half);
      EXPECT_GE(std::fabs(number), 1);
      EXPECT_LT(std::fabs(number), 2);
    }
  }
  EXPECT_GT(negative, 400);
  EXPECT_LT(negative, 600);
}

TEST(CudaKernelsTest, ReadResultsAreSumsOfTheWordsThatWereRead) {
  const CudaKernel kernel = CudaStreamKernels(StreamKind::kRead)[0];
  CudaArgs args;
  args.lines = 4096;
  args.turns = 1;
  const CudaLaunch launch = {.blocks = 1, .block_threads = 256};
  uint32_t sum = 0;  // of thread 5: lines 5, 261, 517, 773
  for (uint32_t line : {5u, 261u, 517u, 773u}) {
    for (uint32_t i = 0; i < 4; ++i) sum += FilledWord(kernel, 4 * line + i);
  }
  EXPECT_EQ(kernel.results(args, launch, 0)[5], sum);
}

TEST(CudaKernelsTest, MoreOperationsGiveOtherResults) {
  CudaArgs args;
  args.lines = 4096;
  args.turns = 2;
  const CudaLaunch launch = {.blocks = 1, .block_threads = 512};
  for (const CudaFormat format : {CudaFormat::kF32, CudaFormat::kBF16}) {
    WarpWords previous{};
    for (const double x : {2.0, 4.0, 8.0, 16.0, 64.0}) {
      CudaKernel kernel = CudaIntensityKernel(format, x);
      args.period = kernel.period;
      args.operand = kernel.check_operand;
      const WarpWords results = kernel.results(args, launch, 1);
      EXPECT_NE(results, previous) << Name(format) << " " << x;
      previous = results;
    }
  }
}

TEST(CudaKernelsTest, WordsOfTensorCoresAreTheNumbersThatTheyStandFor) {
  EXPECT_EQ(Number(TensorFormatOf(CudaFormat::kBF16), 0xbfc03f80, 0), 1.0);
  EXPECT_EQ(Number(TensorFormatOf(CudaFormat::kBF16), 0xbfc03f80, 1), -1.5);
  EXPECT_EQ(Number(TensorFormatOf(CudaFormat::kF16), 0xbe003c00, 0), 1.0);
  EXPECT_EQ(Number(TensorFormatOf(CudaFormat::kF16), 0xbe003c00, 1), -1.5);
  EXPECT_EQ(Number(TensorFormatOf(CudaFormat::kInt8), 0x7f80ff02, 0), 2);
  EXPECT_EQ(Number(TensorFormatOf(CudaFormat::kInt8), 0x7f80ff02, 1), -1);
  EXPECT_EQ(Number(TensorFormatOf(CudaFormat::kInt8), 0x7f80ff02, 2), -128);
  EXPECT_EQ(Number(TensorFormatOf(CudaFormat::kInt8), 0x7f80ff02, 3), 127);
  EXPECT_EQ(Bits(TensorFormatOf(CudaFormat::kInt8), -2), 0xfffffffe);
  EXPECT_EQ(Bits(TensorFormatOf(CudaFormat::kBF16), -1.5), 0xbfc00000);
}

// The text names its operand registers; its numbers stay bounded by an operand that the check does
// without.
TEST(CudaKernelsTest, ThePeaksThatAreTimedDoNotGrow) {
  for (const CudaFormat format : {CudaFormat::kBF16, CudaFormat::kF16}) {
    for (const CudaKernel& kernel : CudaPeakKernels(format, 90)) {
      EXPECT_EQ(kernel.operand, 0x80008000u) << "the signs of both numbers of a word";
      EXPECT_EQ(kernel.check_operand, 0u);
    }
  }
}

}  // namespace
}  // namespace wattline::kernels::cuda_kernels_test
