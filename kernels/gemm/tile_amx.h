// Tiles of C for AMX: 32 x 32 elements in four of the eight registers, two for A, two for B. Four
// multiplications of 16 cycles each cover the four loads of 8 cycles that they need. Registers is
// that of registers_amx.h, or an emulation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wattline::kernels::amx {
namespace {

template <class Registers>
struct TileBase {
  static constexpr int64_t kRows = 32;
  static constexpr int64_t kCols = 32;
  static constexpr int64_t kStepByte = 64;
  // A panel of A and one of B, 20 KiB each, and a tile of C with its successor fit into the 48 KiB
  // of the first-level cache. From the second one then come a panel of A and the tile of C, there
  // and back: 28 KiB in 640 cycles, of the 48 bytes per cycle that it gives.
  static constexpr int64_t kBlockSteps = 10;
  // 512 KiB of C and 160 KiB of A, in a second-level cache of 2 MiB.
  static constexpr int64_t kBlockRows = 256;
  static constexpr int64_t kBlockCols = 512;

  static void Begin() { Registers::Configure(); }
  static void End() { Registers::Release(); }
};

// Multiply: one register of each operand. Not inlined: with the blocks' registers beside its own,
// g++ 12 fetched a constant stride from a vector register in every step.
template <class Registers, class Out, class Multiply>
[[gnu::noinline]] void Kernel(const std::byte* a, const std::byte* b, int64_t steps, Out* c,
                              int64_t c_stride, bool accumulate) {
  constexpr int64_t kTileByte = 1024;
  const int64_t stride_byte = c_stride * 4;
  Out* const lower = c + 16 * c_stride;
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
    Registers::template Load<4>(a, 64);
    Registers::template Load<6>(b, 64);
    Multiply::template Run<0, 4, 6>();
    Registers::template Load<7>(b + kTileByte, 64);
    Multiply::template Run<1, 4, 7>();
    Registers::template Load<5>(a + kTileByte, 64);
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
                     int64_t c_stride, bool accumulate) {
    amx::Kernel<Registers, float, Multiply>(a, b, steps, c, c_stride, accumulate);
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
                     int64_t c_stride, bool accumulate) {
    amx::Kernel<Registers, int32_t, Multiply>(a, b, steps, c, c_stride, accumulate);
  }
};

}  // namespace
}  // namespace wattline::kernels::amx
