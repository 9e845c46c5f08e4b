// AMX's tile registers: eight of 16 rows of 64 bytes. Thin; tests put an emulation in its place.
#pragma once

#include <cstdint>

namespace wattline::kernels::amx {
namespace {

// asm, not the compiler's intrinsics: those of g++ 12 do not tell it that a load reads memory, so
// that it may move the store of an operand behind it.
struct Registers {
  // Until Release, in this thread. All tiles are zero then.
  static void Configure() {
    struct Config {
      uint8_t palette = 1;
      uint8_t start_row = 0;
      uint8_t reserved[14] = {};
      uint16_t row_byte[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    static_assert(sizeof(Config) == 64);
    const Config config;
    asm volatile("ldtilecfg %[config]" ::[config] "m"(config) : "memory");
  }
  static void Release() { asm volatile("tilerelease" ::: "memory"); }

  template <int kTile>
  [[gnu::always_inline]] static void Zero() {
    asm volatile("tilezero %%tmm%c[tile]" ::[tile] "i"(kTile));
  }
  template <int kTile>
  [[gnu::always_inline]] static void Load(const void* at, int64_t stride_byte) {
    asm volatile("tileloadd (%[at],%[stride]), %%tmm%c[tile]" ::[at] "r"(at),
                 [stride] "r"(stride_byte), [tile] "i"(kTile)
                 : "memory");
  }
  // The same for what is not read again soon: it need not stay in the first-level cache.
  template <int kTile>
  [[gnu::always_inline]] static void LoadPassing(const void* at, int64_t stride_byte) {
    asm volatile("tileloaddt1 (%[at],%[stride]), %%tmm%c[tile]" ::[at] "r"(at),
                 [stride] "r"(stride_byte), [tile] "i"(kTile)
                 : "memory");
  }
  template <int kTile>
  [[gnu::always_inline]] static void Store(void* at, int64_t stride_byte) {
    asm volatile("tilestored %%tmm%c[tile], (%[at],%[stride])" ::[at] "r"(at),
                 [stride] "r"(stride_byte), [tile] "i"(kTile)
                 : "memory");
  }
  // sum += a b: a 16 rows of 16 words, b 16 words' rows of 16 columns; a word is 2 bf16, or 4
  // bytes, those of a without sign, those of b with one.
  template <int kSum, int kA, int kB>
  [[gnu::always_inline]] static void DotBf16() {
    asm volatile("tdpbf16ps %%tmm%c[b], %%tmm%c[a], %%tmm%c[sum]" ::[sum] "i"(kSum), [a] "i"(kA),
                 [b] "i"(kB));
  }
  template <int kSum, int kA, int kB>
  [[gnu::always_inline]] static void DotU8S8() {
    asm volatile(
        "tdpbusd %%tmm%c[b], %%tmm%c[a], %%tmm%c[sum]" ::[sum] "i"(kSum), [a] "i"(kA), [b] "i"(kB));
  }
};

}  // namespace
}  // namespace wattline::kernels::amx
