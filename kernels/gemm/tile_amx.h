// Tiles of C for AMX: 32 x 32 elements in four of the eight registers, two for A, two for B. Four
// multiplications of 16 cycles each cover the four loads of 8 cycles that they need. Registers is
// that of registers_amx.h, or an emulation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/simd/unroll.h"

namespace wattline::kernels::amx {
namespace {

template <class Registers>
struct TileBase {
  static constexpr int64_t kRows = 32;
  static constexpr int64_t kCols = 32;
  static constexpr int64_t kStepByte = 64;
  // A block of A of 512 KiB, its panel of B of 128 KiB and 256 KiB of C share a second-level cache
  // of 2 MiB. Measured on 16 cores of Emerald Rapids, 2026-11-21, percent of the peak of the same
  // run, bf16 and int8, 4096x4096x4096:
  //   26, 21  10 steps x 256 rows: panels of A and B, 20 KiB each, stay in the first-level cache
  //   37, 31  16 steps x 128 rows, A and the tile of C fetched ahead
  //   42, 34  32 steps x 128 rows
  //   44, 41  64 steps x 128 rows, A loaded as what passes
  // (oneDNN 2.6.3 in another run: 30, 28.) With all of k in a block, 31 and 38; with 64 rows as
  // with 128. Fetching 4 lines of the next panel of B in each step, and A one step ahead instead of
  // two, gained 3 to 19 % on 1, 8 and 16 threads (2026-11-22, each turn beside the former
  // kernel). Lost: partial sums in packed tiles instead of C with 16 steps and 256 columns, so that
  // B stays in the first-level cache (one thread 14 % more, 16 threads 5 to 10 % less); no fetches
  // of A (5 % less on average); 256 or 512 rows, whose A leaves the second-level cache.
  // The machine is shared, probably down to two threads on one unit of tiles: the peak of one
  // thread swings between 0.95 and 2.3 TFLOPS in bf16 within seconds, so read a share only of a
  // peak that was taken beside it.
  static constexpr int64_t kBlockSteps = 64;
  static constexpr int64_t kBlockRows = 128;
  static constexpr int64_t kBlockCols = 512;
  // Steps of A between its fetch and its use.
  static constexpr int64_t kAheadSteps = 1;
  // Lines of the next panel of B that a step fetches.
  static constexpr int64_t kNextLines = 4;

  static void Begin() { Registers::Configure(); }
  static void End() { Registers::Release(); }
};

// Multiply: one register of each operand. Not inlined: with the blocks' registers beside its own,
// g++ 12 fetched a constant stride from a vector register in every step.
template <class Registers, class Out, class Multiply>
[[gnu::noinline]] void Kernel(const std::byte* a, const std::byte* b, int64_t steps, Out* c,
                              int64_t c_stride, bool accumulate, const std::byte* next) {
  constexpr int64_t kTileByte = 1024;
  const int64_t stride_byte = c_stride * 4;
  Out* const lower = c + 16 * c_stride;
  for (int64_t row = 0; row < 32; ++row) {
    __builtin_prefetch(c + row * c_stride, 1);
    __builtin_prefetch(c + row * c_stride + 16, 1);
  }
  if (accumulate) {
    Registers::template Load<0>(c, stride_byte);
    Registers::template Load<1>(c + 16, stride_byte);
    Registers::template Load<2>(lower, stride_byte);
    Registers::template Load<3>(lower + 16, stride_byte);
  } else {
    Registers::template Zero<0>();
    Registers::template Zero<1>();
    Registers::template Zero<2>();
    Registers::template Zero<3>();
  }
  for (int64_t step = 0; step < steps; ++step) {
    const std::byte* ahead = a + TileBase<Registers>::kAheadSteps * 2 * kTileByte;
    Unroll<2 * kTileByte / 64>([ahead](auto line) __attribute__((always_inline)) {
      __builtin_prefetch(ahead + line.value * 64);
    });
    Unroll<TileBase<Registers>::kNextLines>([next](auto line) __attribute__((always_inline)) {
      __builtin_prefetch(next + line.value * 64, 0, 2);
    });
    next += TileBase<Registers>::kNextLines * 64;
    Registers::template LoadPassing<4>(a, 64);
    Registers::template Load<6>(b, 64);
    Multiply::template Run<0, 4, 6>();
    Registers::template Load<7>(b + kTileByte, 64);
    Multiply::template Run<1, 4, 7>();
    Registers::template LoadPassing<5>(a + kTileByte, 64);
    Multiply::template Run<2, 5, 6>();
    Multiply::template Run<3, 5, 7>();
    a += 2 * kTileByte;
    b += 2 * kTileByte;
  }
  Registers::template Store<0>(c, stride_byte);
  Registers::template Store<1>(c + 16, stride_byte);
  Registers::template Store<2>(lower, stride_byte);
  Registers::template Store<3>(lower + 16, stride_byte);
}

template <class Registers>
struct TileBf16 : TileBase<Registers> {
  using Out = float;
  static constexpr int64_t kElementByte = 2;
  struct Multiply {
    template <int kSum, int kA, int kB>
    static void Run() {
      Registers::template DotBf16<kSum, kA, kB>();
    }
  };
  static void Kernel(const std::byte* a, const std::byte* b, int64_t steps, float* c,
                     int64_t c_stride, bool accumulate, const std::byte* next) {
    amx::Kernel<Registers, float, Multiply>(a, b, steps, c, c_stride, accumulate, next);
  }
};

template <class Registers>
struct TileInt8 : TileBase<Registers> {
  using Out = int32_t;
  static constexpr int64_t kElementByte = 1;
  struct Multiply {
    template <int kSum, int kA, int kB>
    static void Run() {
      Registers::template DotU8S8<kSum, kA, kB>();
    }
  };
  static void Kernel(const std::byte* a, const std::byte* b, int64_t steps, int32_t* c,
                     int64_t c_stride, bool accumulate, const std::byte* next) {
    amx::Kernel<Registers, int32_t, Multiply>(a, b, steps, c, c_stride, accumulate, next);
  }
};

}  // namespace
}  // namespace wattline::kernels::amx
