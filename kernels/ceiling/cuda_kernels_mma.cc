// Multiply-adds of the tensor cores through mma.sync, the instruction that every GPU since Ampere
// has. On Hopper it reaches about 60 to 65 % of what wgmma does, see cuda_kernels_wgmma.cc.
#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "kernels/ceiling/cuda_lists.h"
#include "kernels/ceiling/cuda_tensor.h"
#include "kernels/ceiling/cuda_text.h"

namespace wattline::kernels {
namespace {

// PTX ISA, "Matrix Fragments for mma.m16n8k16" and ".m16n8k32": of A[16, 8 * pack] a thread holds
// four registers of `pack` neighbours in a row, of B[8 * pack, 8] two of `pack` neighbours in a
// column, of D[16, 8] four sums.
std::string MmaName(CudaFormat format) {
  switch (format) {
    case CudaFormat::kF16:
      return "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32";
    case CudaFormat::kInt8:
      return "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32";
    default:
      return "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32";
  }
}

double MmaOp(const TensorFormat& numbers) { return 2.0 * 16 * 8 * 8 * numbers.pack; }

using Fragment = std::array<WarpWords, 4>;  // [register][lane]
using Sums = std::array<std::array<double, kWarp>, 4>;

// sums += A B. Exact: the operands are chosen so that every sum has under 24 bits.
void Multiply(const TensorFormat& numbers, const Fragment& a, const std::array<WarpWords, 2>& b,
              Sums& sums) {
  for (uint32_t lane = 0; lane < kWarp; ++lane) {
    for (uint32_t reg = 0; reg < 4; ++reg) {
      const uint32_t row = lane / 4;  // and row + 8 in registers 1 and 3 of A, 2 and 3 of D
      const uint32_t col = lane % 4 * 2 + reg % 2;
      double sum = 0;
      for (uint32_t k_lane = 0; k_lane < 4; ++k_lane) {
        for (uint32_t k_half = 0; k_half < 2; ++k_half) {
          const uint32_t a_word = a[reg / 2 + 2 * k_half][row * 4 + k_lane];
          const uint32_t b_word = b[k_half][col * 4 + k_lane];
          for (int i = 0; i < numbers.pack; ++i) {
            sum += Number(numbers, a_word, i) * Number(numbers, b_word, i);
          }
        }
      }
      sums[reg][lane] += sum;
    }
  }
}

void AddMma(PtxText& text, const std::string& name, int d, const std::string& a, int a_at,
            const std::string& b, int b_at) {
  text.Add(
      "{0} {{%d{1}, %d{2}, %d{3}, %d{4}}}, {{{5}{6}, {5}{7}, {5}{8}, {5}{9}}}, "
      "{{{10}{11}, {10}{12}}}, {{%d{1}, %d{2}, %d{3}, %d{4}}}",
      name, d, d + 1, d + 2, d + 3, a, a_at, a_at + 1, a_at + 2, a_at + 3, b, b_at, b_at + 1);
}

// Peak: so many sums of a warp grow at once; 16 warps of a multiprocessor have 32 products under
// way in each of its four quarters, where one takes about 33 cycles (measured on Hopper by others)
// and a quarter begins one in 4 to 8.
constexpr int kMmaSums = 8;
constexpr int kMmaRounds = 4;  // in a turn, each with B and with its negative
constexpr int kAs = 2;
constexpr int kBs = 4;

CudaKernel PeakMma(CudaFormat format) {
  const TensorFormat& numbers = TensorFormatOf(format);
  const std::string name = MmaName(format);
  CudaKernel kernel;
  kernel.block_threads = 256;
  kernel.blocks_per_multiprocessor = 2;
  kernel.thread_op = MmaOp(numbers) / kWarp * kMmaSums * 2 * kMmaRounds;
  kernel.operand = numbers.flip;
  kernel.check_operand = 0;
  kernel.name = fmt::format("{} x{}, {}", name, kMmaSums, LaunchName(kernel));
  PtxText before;
  before.Add("and.b32 %lane, %place, 31");
  for (int i = 0; i < 4 * kAs; ++i) {
    AddOperandWord(before, fmt::format("%a{}", i), numbers.keep, numbers.set, i);
  }
  for (int i = 0; i < 2 * kBs; ++i) {
    AddOperandWord(before, fmt::format("%b{}", i), numbers.keep, numbers.set, 4 * kAs + i);
    before.Add("xor.b32 %f{0}, %b{0}, %operand", i);
  }
  for (int i = 0; i < 4 * kMmaSums; ++i) before.Add("mov.b32 %d{}, 0", i);
  PtxText turn;
  for (int round = 0; round < kMmaRounds; ++round) {
    for (const char* b : {"%b", "%f"}) {
      for (int sum = 0; sum < kMmaSums; ++sum) {
        AddMma(turn, name, 4 * sum, "%a", 4 * (sum % kAs), b, 2 * (sum / kAs % kBs));
      }
    }
  }
  PtxText after;
  after.Add("mov.u32 %result, 0");
  for (int i = 0; i < 4 * kMmaSums; ++i) after.Add("add.u32 %result, %result, %d{}", i);
  kernel.ptx = WorkPtx(kernel, kTensorGpu,
                       fmt::format("  .reg .b32 %a<{}>, %b<{}>, %f<{}>, %d<{}>, %lane, %seed;\n",
                                   4 * kAs, 2 * kBs, 2 * kBs, 4 * kMmaSums),
                       before, turn, after);
  kernel.results = [numbers](const CudaArgs& args, CudaLaunch, uint32_t) {
    // With B as its own negative: 2 kMmaRounds products a turn into each sum.
    assert(args.operand == 0);
    WarpWords words{};
    for (int sum = 0; sum < kMmaSums; ++sum) {
      Fragment a;
      std::array<WarpWords, 2> b;
      for (uint32_t lane = 0; lane < kWarp; ++lane) {
        for (uint32_t i = 0; i < 4; ++i) {
          a[i][lane] = OperandWord(numbers.keep, numbers.set, lane, 4 * (sum % kAs) + i);
        }
        for (uint32_t i = 0; i < 2; ++i) {
          b[i][lane] =
              OperandWord(numbers.keep, numbers.set, lane, 4 * kAs + 2 * (sum / kAs % kBs) + i);
        }
      }
      Sums product{};
      Multiply(numbers, a, b, product);
      for (uint32_t lane = 0; lane < kWarp; ++lane) {
        for (const auto& of_register : product) {
          words[lane] += Bits(numbers, of_register[lane] * 2 * kMmaRounds * args.turns);
        }
      }
    }
    return words;
  };
  return kernel;
}

// Intensity: a line of each of a warp's threads is one A, so that a product is 8 operations a byte.
constexpr int kFragments = 4;  // in a turn
constexpr int kProducts = 16;  // in one round, at most
// Operands of two bits of mantissa: with those of memory, of 7, sums of 16 * 128 products take 22
// bits.
constexpr uint32_t kIntensityKeep = 0x80608060;

struct TensorReading {
  int fragments = 0;    // that are multiplied
  int products = 0;     // of each, in one round
  uint32_t inner = 0;   // rounds; 0: one
  uint32_t period = 1;  // only each so manieth turn multiplies
  int all_products() const { return inner > 0 ? products * static_cast<int>(inner) : products; }
};

WarpWords TensorReadingResults(const CudaKernel& kernel, const TensorReading& reading,
                               const CudaArgs& args, CudaLaunch launch, uint32_t warp) {
  const TensorFormat& numbers = TensorFormatOf(CudaFormat::kBF16);
  WarpWords results{};
  WarpWords line{};
  std::array<std::array<WarpWords, 2>, 2> b;
  for (uint32_t lane = 0; lane < kWarp; ++lane) {
    line[lane] = FirstLine(args, launch, warp * kWarp + lane);
    for (uint32_t i = 0; i < 4; ++i) {
      b[i / 2][i % 2][lane] = OperandWord(kIntensityKeep, numbers.set, lane, i);
    }
  }
  for (uint32_t turn = 0; turn < args.turns; ++turn) {
    for (int fragment = 0; fragment < kFragments; ++fragment) {
      Fragment a;
      for (uint32_t lane = 0; lane < kWarp; ++lane) {
        for (uint32_t i = 0; i < 4; ++i) a[i][lane] = FilledWord(kernel, 4 * line[lane] + i);
        line[lane] = NextLine(args, launch, line[lane]);
      }
      const bool multiplied = fragment < reading.fragments && turn % args.period == 0;
      std::array<Sums, 2> product{};
      if (multiplied) {
        for (int i = 0; i < 2; ++i) Multiply(numbers, a, b[i], product[i]);
      }
      // Products in turn with both B, each round beginning with the first.
      const int rounds = reading.inner > 0 ? static_cast<int>(reading.inner) : 1;
      const int firsts = (reading.products + 1) / 2 * rounds;
      const int seconds = reading.products / 2 * rounds;
      for (uint32_t lane = 0; lane < kWarp; ++lane) {
        for (uint32_t i = 0; i < 4; ++i) {
          results[lane] +=
              multiplied
                  ? Bits(numbers, product[0][i][lane] * firsts + product[1][i][lane] * seconds)
                  : a[i][lane];
        }
      }
    }
  }
  return results;
}

// Adds the words of fragments from `first` on to the sums.
void AddWords(PtxText& text, const char* of, int first, int end) {
  for (int i = 4 * first; i < 4 * end; ++i) {
    text.Add("add.u32 %sum{0}, %sum{0}, {1}{2}", i % 4, of, i);
  }
}

}  // namespace

CudaKernel CudaMmaPeakKernel(CudaFormat format) { return PeakMma(format); }

CudaKernel CudaBF16IntensityKernel(double flop_per_byte, bool joint) {
  const TensorFormat& numbers = TensorFormatOf(CudaFormat::kBF16);
  const std::string name = MmaName(CudaFormat::kBF16);
  // Products for each turn of four fragments; below one, a turn in so many has one.
  const double products = flop_per_byte / 8 * kFragments;
  TensorReading reading;
  if (products < 1) {
    reading.fragments = 1;
    reading.products = 1;
    reading.period = static_cast<uint32_t>(std::lround(1 / products));
  } else {
    const int whole = static_cast<int>(std::lround(products));
    reading.fragments = std::min(kFragments, whole);
    while (whole % reading.fragments != 0) --reading.fragments;
    const int each = whole / reading.fragments;
    reading.products = each;
    if (each > kProducts) {
      reading.products = kProducts;
      while (each % reading.products != 0) --reading.products;
      reading.inner = static_cast<uint32_t>(each / reading.products);
    }
  }
  CudaKernel kernel;
  kernel.block_threads = 256;
  kernel.blocks_per_multiprocessor = 4;
  kernel.unrolled = false;
  kernel.joint = joint;
  kernel.arrays = 1;
  kernel.thread_byte = 16.0 * kFragments;
  kernel.thread_op =
      MmaOp(numbers) / kWarp * reading.fragments * reading.all_products() / reading.period;
  assert(kernel.thread_op == flop_per_byte * kernel.thread_byte);
  kernel.inner = reading.inner;
  kernel.period = reading.period;
  kernel.keep_bits = 0x807f807f;
  kernel.set_bits = numbers.set;
  kernel.name = fmt::format("{}, 16 byte x{}, {}, {}", name, kFragments, WalkName(kernel),
                            LaunchName(kernel));
  PtxText before;
  before.Add("and.b32 %lane, %place, 31");
  before.Add("mov.u32 %phase, %period");
  for (int i = 0; i < 4; ++i) {
    before.Add("mov.u32 %sum{}, 0", i);
    AddOperandWord(before, fmt::format("%b{}", i), kIntensityKeep, numbers.set, i);
  }
  PtxText turn;
  for (int fragment = 0; fragment < kFragments; ++fragment) {
    const int w = 4 * fragment;
    AddLineAddress(turn, "%x", "%at");
    turn.Add("ld.global.L1::no_allocate.v4.u32 {{%w{}, %w{}, %w{}, %w{}}}, [%at]", w, w + 1, w + 2,
             w + 3);
    AddNextLine(turn);
  }
  AddWords(turn, "%w", reading.fragments, kFragments);
  if (reading.period > 1) {
    // The first turn of each period multiplies; the others only add.
    turn.Add("setp.ne.u32 %skip_p, %phase, %period");
    turn.Add("sub.u32 %phase, %phase, 1");
    turn.Add("setp.eq.u32 %last_p, %phase, 0");
    turn.Add("@%last_p mov.u32 %phase, %period");
    turn.Add("@%skip_p bra $skip");
  }
  for (int i = 0; i < 4 * reading.fragments; ++i) turn.Add("mov.b32 %d{}, 0", i);
  if (reading.inner > 0) {
    turn.Add("mov.u32 %rounds, %inner");
    turn.Label("round");
  }
  for (int product = 0; product < reading.products; ++product) {
    for (int fragment = 0; fragment < reading.fragments; ++fragment) {
      AddMma(turn, name, 4 * fragment, "%w", 4 * fragment, "%b", 2 * (product % 2));
    }
  }
  if (reading.inner > 0) {
    turn.Add("sub.u32 %rounds, %rounds, 1");
    turn.Add("setp.ne.u32 %round_p, %rounds, 0");
    turn.Add("@%round_p bra $round");
  }
  AddWords(turn, "%d", 0, reading.fragments);
  if (reading.period > 1) {
    turn.Add("bra $multiplied");
    turn.Label("skip");
    AddWords(turn, "%w", 0, reading.fragments);
    turn.Label("multiplied");
  }
  PtxText after;
  after.Add("add.u32 %sum0, %sum0, %sum1");
  after.Add("add.u32 %sum2, %sum2, %sum3");
  after.Add("add.u32 %result, %sum0, %sum2");
  kernel.ptx = WorkPtx(kernel, kTensorGpu,
                       "  .reg .pred %skip_p, %last_p, %round_p;\n"
                       "  .reg .b32 %w<16>, %d<16>, %b<4>, %sum<4>, %rounds, %phase, %lane, "
                       "%seed;\n",
                       before, turn, after);
  CudaKernel facts = kernel;
  facts.ptx.clear();
  kernel.results = [facts, reading](const CudaArgs& args, CudaLaunch launch, uint32_t warp) {
    return TensorReadingResults(facts, reading, args, launch, warp);
  };
  return kernel;
}

}  // namespace wattline::kernels
