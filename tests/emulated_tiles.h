// AMX's tile registers in plain code, so that what is built on them is tested on any CPU. After the
// operation sections of TDPBF16PS and TDPBUSD, Intel 64 and IA-32 Architectures Software
// Developer's Manual, volume 2.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace wattline::kernels {

// Eight tiles of 16 rows of 64 bytes for each thread. Use outside Configure and Release ends the
// program, as it does on a CPU.
class EmulatedTiles {
 public:
  static void Configure() {
    std::memset(tiles_, 0, sizeof(tiles_));
    configured_ = true;
  }
  static void Release() { configured_ = false; }

  template <int kTile>
  static void Zero() {
    std::memset(Tile<kTile>(), 0, sizeof(tiles_[0]));
  }
  template <int kTile>
  static void Load(const void* at, int64_t stride_byte) {
    for (int64_t r = 0; r < 16; ++r) {
      std::memcpy(Tile<kTile>()[r], static_cast<const char*>(at) + r * stride_byte, 64);
    }
  }
  template <int kTile>
  static void LoadPassing(const void* at, int64_t stride_byte) {
    Load<kTile>(at, stride_byte);
  }
  template <int kTile>
  static void Store(void* at, int64_t stride_byte) {
    for (int64_t r = 0; r < 16; ++r) {
      std::memcpy(static_cast<char*>(at) + r * stride_byte, Tile<kTile>()[r], 64);
    }
  }

  // Even and odd elements are summed up apart by fused multiply-adds, then added, then added to the
  // tile; subnormal numbers count as zero on the way in and out.
  template <int kSum, int kA, int kB>
  static void DotBf16() {
    float a[16][32], b[16][32];
    for (int r = 0; r < 16; ++r) {
      for (int i = 0; i < 32; ++i) {
        a[r][i] = Bf16(Tile<kA>()[r], i);
        b[r][i] = Bf16(Tile<kB>()[r], i);
      }
    }
    Rows& sums = Tile<kSum>();
    for (int m = 0; m < 16; ++m) {
      for (int n = 0; n < 16; ++n) {
        float even = 0;
        float odd = 0;
        for (int k = 0; k < 16; ++k) {
          even = FusedAdd(a[m][2 * k], b[k][2 * n], even);
          odd = FusedAdd(a[m][2 * k + 1], b[k][2 * n + 1], odd);
        }
        float sum;
        std::memcpy(&sum, sums[m] + 4 * n, 4);
        sum = Flush(Flush(sum) + Flush(even + odd));
        std::memcpy(sums[m] + 4 * n, &sum, 4);
      }
    }
  }

  template <int kSum, int kA, int kB>
  static void DotU8S8() {
    const Rows& a = Tile<kA>();
    const Rows& b = Tile<kB>();
    Rows& sums = Tile<kSum>();
    for (int m = 0; m < 16; ++m) {
      for (int n = 0; n < 16; ++n) {
        uint32_t sum;
        std::memcpy(&sum, sums[m] + 4 * n, 4);
        for (int k = 0; k < 64; ++k) {
          sum += static_cast<uint32_t>(a[m][k] * static_cast<int8_t>(b[k / 4][4 * n + k % 4]));
        }
        std::memcpy(sums[m] + 4 * n, &sum, 4);
      }
    }
  }

 private:
  using Rows = uint8_t[16][64];

  template <int kTile>
  static Rows& Tile() {
    static_assert(kTile >= 0 && kTile < 8);
    if (!configured_) {
      std::fputs("emulated tiles: used without a configuration\n", stderr);
      std::abort();
    }
    return tiles_[kTile];
  }
  static float Flush(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }
  static float FusedAdd(float a, float b, float sum) { return Flush(std::fma(a, b, sum)); }
  static float Bf16(const uint8_t* row, int element) {
    uint16_t bits;
    std::memcpy(&bits, row + 2 * element, 2);
    return Flush(std::bit_cast<float>(static_cast<uint32_t>(bits) << 16));
  }

  static inline thread_local Rows tiles_[8];
  static inline thread_local bool configured_ = false;
};

}  // namespace wattline::kernels
