// Multiply-adds of Hopper's tensor cores through wgmma, which four warps start together and which
// reads its operands from shared memory. No other generation has it: compute capability 9.0.
#include <array>

#include "kernels/ceiling/cuda_lists.h"
#include "kernels/ceiling/cuda_tensor.h"
#include "kernels/ceiling/cuda_text.h"

namespace wattline::kernels {
namespace {

constexpr PtxTarget kHopper = {"8.0", "sm_90a"};

// D[64, 256] += A[64, 32 byte] B[256, 32 byte]^T.
constexpr int kRows = 64;
constexpr int kCols = 256;
constexpr uint32_t kRow_byte = 32;
constexpr uint32_t kA_byte = kRows * kRow_byte;
constexpr uint32_t kB_byte = kCols * kRow_byte;
constexpr uint32_t kWgmmaPairs = 4;  // of A and B in shared memory; the latter two have B flipped
constexpr int kWgmmaRounds = 4;      // through the pairs in a turn
constexpr int kWgmmaSums = kRows * kCols / 128;  // of a thread
constexpr int kWgmmaThreads = 128;

// PTX ISA, "Asynchronous Warpgroup Level Matrix Shared Memory Layout", no swizzle: blocks of 8 rows
// by 16 byte lie in one piece each, the two of the same rows side by side.
constexpr uint32_t kBlock_byte = 128;
uint32_t Offset_byte(uint32_t row, uint32_t column_byte) {
  return row / 8 * 2 * kBlock_byte + column_byte / 16 * kBlock_byte + row % 8 * 16 +
         column_byte % 16;
}
// "Matrix Descriptor Format": address, distance of blocks side by side and one below the other, all
// in units of 16 byte.
constexpr uint64_t kDistances =
    (uint64_t{kBlock_byte / 16} << 16) | (uint64_t{2 * kBlock_byte / 16} << 32);

std::string WgmmaName(CudaFormat format) {
  switch (format) {
    case CudaFormat::kF16:
      return "wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16";
    case CudaFormat::kInt8:
      return "wgmma.mma_async.sync.aligned.m64n256k32.s32.s8.s8";
    default:
      return "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16";
  }
}

// A of all pairs, then B of all pairs.
constexpr uint32_t kBBase_byte = kWgmmaPairs * kA_byte;
constexpr uint32_t kShared_byte = kWgmmaPairs * (kA_byte + kB_byte);
constexpr uint32_t kFlipped_byte = kBBase_byte + kWgmmaPairs / 2 * kB_byte;

// Word of shared memory; from kFlipped_byte on, those of kBBase_byte again, flipped by `operand`.
// A repeats its pairs likewise.
uint32_t SharedWord(const TensorFormat& numbers, uint32_t at_byte, uint32_t operand) {
  uint32_t source_byte = at_byte;
  if (at_byte < kBBase_byte) source_byte = at_byte % (kBBase_byte / 2);
  if (at_byte >= kFlipped_byte) source_byte = at_byte - (kFlipped_byte - kBBase_byte);
  const uint32_t word = (Mixed(source_byte / 4) & numbers.keep) | numbers.set;
  return at_byte >= kFlipped_byte ? word ^ operand : word;
}

void AddSharedFill(PtxText& text, const TensorFormat& numbers) {
  text.Add("mov.u32 %shared, tiles");
  text.Add("shl.b32 %at_byte, %place, 2");
  text.Label("fill");
  text.Add("mov.u32 %source, %at_byte");
  text.Add("setp.ge.u32 %p0, %at_byte, {}", kBBase_byte / 2);
  text.Add("setp.lt.and.u32 %p0, %at_byte, {}, %p0", kBBase_byte);
  text.Add("@%p0 sub.u32 %source, %at_byte, {}", kBBase_byte / 2);
  text.Add("setp.ge.u32 %p1, %at_byte, {}", kFlipped_byte);
  text.Add("@%p1 sub.u32 %source, %at_byte, {}", kFlipped_byte - kBBase_byte);
  text.Add("shr.u32 %source, %source, 2");
  AddMix(text, "%word", "%source");
  text.Add("and.b32 %word, %word, {}", numbers.keep);
  text.Add("or.b32 %word, %word, {}", numbers.set);
  text.Add("@%p1 xor.b32 %word, %word, %operand");
  text.Add("add.u32 %source, %shared, %at_byte");
  text.Add("st.shared.u32 [%source], %word");
  text.Add("add.u32 %at_byte, %at_byte, {}", 4 * kWgmmaThreads);
  text.Add("setp.lt.u32 %p0, %at_byte, {}", kShared_byte);
  text.Add("@%p0 bra $fill");
  text.Add("fence.proxy.async");
  text.Add("bar.sync 0");
}

// %first: the descriptor of the first A; the others follow by their distance.
void AddDescriptor(PtxText& text) {
  text.Add("shr.u32 %source, %shared, 4");
  text.Add("and.b32 %source, %source, 16383");
  text.Add("cvt.u64.u32 %first, %source");
  text.Add("or.b64 %first, %first, {}", kDistances);
}

// What warp `warp` of four holds of D after `turns` with B unflipped.
WarpWords Results(const TensorFormat& numbers, const CudaArgs& args, uint32_t warp) {
  const int inner = static_cast<int>(kRow_byte / 4);  // words in a row
  std::array<std::array<double, kCols>, 16> sums{};   // of the warp's rows
  for (uint32_t pair = 0; pair < kWgmmaPairs; ++pair) {
    for (uint32_t row = 0; row < 16; ++row) {
      for (uint32_t col = 0; col < kCols; ++col) {
        for (int word = 0; word < inner; ++word) {
          const auto column_byte = static_cast<uint32_t>(4 * word);
          const uint32_t a =
              SharedWord(numbers, pair * kA_byte + Offset_byte(warp % 4 * 16 + row, column_byte),
                         args.operand);
          const uint32_t b = SharedWord(
              numbers, kBBase_byte + pair * kB_byte + Offset_byte(col, column_byte), args.operand);
          for (int i = 0; i < numbers.pack; ++i) {
            sums[row][col] += Number(numbers, a, i) * Number(numbers, b, i);
          }
        }
      }
    }
  }
  // "Register Fragments for wgmma": of 8 columns a thread has two neighbours, in two rows.
  WarpWords words{};
  for (uint32_t lane = 0; lane < kWarp; ++lane) {
    for (uint32_t sum = 0; sum < kWgmmaSums; ++sum) {
      const uint32_t row = lane / 4 + sum / 2 % 2 * 8;
      const uint32_t col = sum / 4 * 8 + lane % 4 * 2 + sum % 2;
      words[lane] += Bits(numbers, sums[row][col] * kWgmmaRounds * args.turns);
    }
  }
  return words;
}

}  // namespace

CudaKernel CudaWgmmaPeakKernel(CudaFormat format) {
  const TensorFormat& numbers = TensorFormatOf(format);
  CudaKernel kernel;
  kernel.block_threads = kWgmmaThreads;
  kernel.blocks_per_multiprocessor = 2;
  const double inner = kRow_byte / 4.0 * numbers.pack;
  kernel.thread_op = 2.0 * kRows * kCols * inner * kWgmmaPairs * kWgmmaRounds / kWgmmaThreads;
  kernel.operand = numbers.flip;
  kernel.check_operand = 0;
  kernel.name = fmt::format("{}, {}", WgmmaName(format), LaunchName(kernel));
  PtxText before;
  AddSharedFill(before, numbers);
  AddDescriptor(before);
  std::string sums;
  for (int i = 0; i < kWgmmaSums; ++i) {
    before.Add("mov.b32 %d{}, 0", i);
    sums += fmt::format("{}%d{}", i > 0 ? ", " : "", i);
  }
  PtxText turn;
  turn.Add("wgmma.fence.sync.aligned");
  for (int round = 0; round < kWgmmaRounds; ++round) {
    for (uint32_t pair = 0; pair < kWgmmaPairs; ++pair) {
      turn.Add("add.u64 %a, %first, {}", pair * kA_byte / 16);
      turn.Add("add.u64 %b, %first, {}", (kBBase_byte + pair * kB_byte) / 16);
      // D is kept; nothing is negated or transposed.
      turn.Add("{} {{{}}}, %a, %b, 1{}", WgmmaName(format), sums,
               numbers.whole_number ? "" : ", 1, 1, 0, 0");
    }
  }
  turn.Add("wgmma.commit_group.sync.aligned");
  turn.Add("wgmma.wait_group.sync.aligned 0");
  PtxText after;
  after.Add("mov.u32 %result, 0");
  for (int i = 0; i < kWgmmaSums; ++i) {
    after.Add("mov.b32 %word, %d{}", i);
    after.Add("add.u32 %result, %result, %word");
  }
  kernel.ptx =
      WorkPtx(kernel, kHopper,
              fmt::format("  .reg .pred %p<2>;\n  .reg .b32 %shared, %at_byte, %source, %word;\n"
                          "  .reg .b64 %first, %a, %b;\n  .reg .{} %d<{}>;\n"
                          "  .shared .align 128 .b8 tiles[{}];\n",
                          numbers.whole_number ? "s32" : "f32", kWgmmaSums, kShared_byte),
              before, turn, after);
  kernel.results = [numbers](const CudaArgs& args, CudaLaunch, uint32_t warp) {
    return Results(numbers, args, warp);
  };
  return kernel;
}

}  // namespace wattline::kernels
