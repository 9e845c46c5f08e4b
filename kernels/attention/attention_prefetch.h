// How attention of few queries asks for the cache ahead of reading it.
#pragma once

#include <cstddef>

namespace wattline::kernels::attention_cpu {

// What follows next, into the first-level cache, and what lies kAheadByte behind it, into the
// second: evenly along the loops of products, and in the loops over K for V and the reverse, so
// that two streams are under way at any time. Beyond the end of the cache a prefetch does
// nothing. Loads with 12 multiply-adds a line and nothing else, one core of Emerald Rapids,
// 2026-11-22: one stream asked for once 79 % of the bandwidth without any, twice 89 %, two
// streams twice 92 %. Share of a plain loop's bandwidth with 1, 4 and 8 rows of head_dim 64
// (AVX-512, f16): 84, 83 and 60 %; one tile ahead into the second level only 79, 76 and 59 %, all
// in one run. In spells in which the core itself is a third slower, 71, 65 and 45 % against 71, 67
// and 48 %: products bind it then, and prefetches are instructions. Lost: 8 KiB ahead (2 % less),
// tiles of 16 positions (5 % less with 4 and 8 rows), every second line only (10 % less).
template <int kByte>
[[gnu::always_inline]] inline void Prefetch(const std::byte* p) {
  // Half a line, for steps of 34 or 68 bytes: the one of 16 lines that they leave out is another
  // one far ahead.
  constexpr int kAheadByte = (16 << 10) + 32;
  constexpr int kLines = kByte < 64 ? 1 : (kByte + 32) / 64;
  // Functions that only prefetch have no effect in g++ 12's eyes, and their calls go.
  asm volatile("" : : "r"(p));
  for (int i = 0; i < kLines; ++i) __builtin_prefetch(p + i * 64, 0, 3);
  for (int i = 0; i < kLines; ++i) __builtin_prefetch(p + kAheadByte + i * 64, 0, 2);
}

}  // namespace wattline::kernels::attention_cpu
