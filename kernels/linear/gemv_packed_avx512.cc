// Packed weights meeting 8-bit activations on AVX-512, an octet of 256 weights at a time
// (octet_avx512.h), one or two rows after the other: one or two sequential streams of weights.
//
// One or two tokens take the quads as they come. Four or eight take them with the granules of their
// four runs side by side, 16 bytes that a load spreads over the lanes of four tokens: 4 x 4 dot
// products are converted and scaled at once, by a third fewer operations than token by token. Lanes
// of two tokens and eight runs would take fewer still, but were slower: q4_0 in cache with 2
// tokens 15.6 GB/s through memory and 16.6 by permutations against 18.3 token by token, with 8
// tokens 8.1 and 8.7 against 9.3 (Emerald Rapids at 3.0 GHz, one core, 2026-11-21).
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"
#include "kernels/linear/gemv_lanes.h"
#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/octet_avx512.h"
#include "kernels/simd/packed_avx512.h"
#include "kernels/simd/unroll.h"

namespace wattline::kernels {
namespace avx512 {
namespace {

// The lanes 4 r + g become 4 g + r.
[[gnu::always_inline]] inline __m512i SwapQuads(__m512i a) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, a);
}

// Lane 2 (4 kQuad + r) + kHalf of `a` in lanes 4 r .. 4 r + 3.
template <int kQuad, int kHalf>
[[gnu::always_inline]] inline __m512 SpreadRuns(__m512 a) {
  constexpr int k = 8 * kQuad + kHalf;
  const __m512i order = _mm512_setr_epi32(k, k, k, k, k + 2, k + 2, k + 2, k + 2, k + 4, k + 4,
                                          k + 4, k + 4, k + 6, k + 6, k + 6, k + 6);
  return _mm512_permutexvar_ps(order, a);
}

[[gnu::always_inline]] inline __m512 Floats(const std::byte* at) { return _mm512_loadu_ps(at); }

// kTokens of 1 or 2 tokens, each in lanes of its own.
template <Format kFormat, int kTokens>
class FewTokens {
 public:
  using O = Octet<kFormat>;
  static constexpr int kRowsAtOnce = 1;

  [[gnu::always_inline]] FewTokens(const std::byte* lanes, int64_t octets)
      : lanes_(lanes), token_byte_(octets * kLaneOctetByte) {
    Unroll<kTokens>([&](auto t) __attribute__((always_inline)) {
      even_[t.value] = odd_[t.value] = offset_[t.value] = _mm512_setzero_ps();
    });
  }

  [[gnu::always_inline]] void Add(const std::byte* w, int64_t, int64_t octet) {
    __m512i q[4];
    O::Integers(w, q);
    const __m512 scale = O::Scales(w);
    Unroll<kTokens>([&](auto t) __attribute__((always_inline)) {
      const std::byte* x = lanes_ + t.value * token_byte_ + octet * kLaneOctetByte;
      const __m512 of_runs = Floats(x + 256);
      if constexpr (O::kHalves) {
        const __m512 both = _mm512_mul_ps(scale, _mm512_moveldup_ps(of_runs));
        offset_[t.value] = _mm512_fmadd_ps(scale, Floats(x + 320), offset_[t.value]);
        even_[t.value] = Scaled(Dot(q[0], x), SpreadRuns<0, 0>(both), even_[t.value]);
        odd_[t.value] = Scaled(Dot(q[1], x + 64), SpreadRuns<0, 1>(both), odd_[t.value]);
        even_[t.value] = Scaled(Dot(q[2], x + 128), SpreadRuns<1, 0>(both), even_[t.value]);
        odd_[t.value] = Scaled(Dot(q[3], x + 192), SpreadRuns<1, 1>(both), odd_[t.value]);
      } else {
        const __m512 both = _mm512_mul_ps(scale, of_runs);
        offset_[t.value] = _mm512_add_ps(both, offset_[t.value]);
        even_[t.value] =
            Scaled(Dot(q[1], x + 64, Dot(q[0], x)), SpreadRuns<0, 0>(both), even_[t.value]);
        odd_[t.value] =
            Scaled(Dot(q[3], x + 192, Dot(q[2], x + 128)), SpreadRuns<1, 0>(both), odd_[t.value]);
      }
    });
  }

  [[gnu::always_inline]] void Store(float* y, int64_t stride) const {
    constexpr __mmask16 kOffsets = O::kHalves ? 0xffff : 0xaaaa;
    Unroll<kTokens>([&](auto t) __attribute__((always_inline)) {
      const __m512 sum = _mm512_add_ps(even_[t.value], odd_[t.value]);
      y[t.value * stride] = _mm512_reduce_add_ps(
          _mm512_mask3_fmadd_ps(offset_[t.value], _mm512_set1_ps(O::kOffset), sum, kOffsets));
    });
  }

 private:
  [[gnu::always_inline]] static __m512i Dot(__m512i q, const std::byte* x,
                                            __m512i sum = _mm512_setzero_si512()) {
    return _mm512_dpbusd_epi32(sum, q, Load64(x));
  }
  [[gnu::always_inline]] static __m512 Scaled(__m512i dots, __m512 scale, __m512 sum) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), scale, sum);
  }

  const std::byte* lanes_;
  int64_t token_byte_;
  __m512 even_[kTokens], odd_[kTokens], offset_[kTokens];
};

// kTokens of 4 or 8 tokens meeting kRows rows, lanes being tokens and runs. Two rows share the
// loads of x, which with 8 tokens of 4096 columns come from the second-level cache.
template <Format kFormat, int kTokens, int kRows>
class ManyTokens {
 public:
  using O = Octet<kFormat>;
  static constexpr int kRowsAtOnce = kRows;

  [[gnu::always_inline]] ManyTokens(const std::byte* lanes, int64_t octets)
      : lanes_(lanes), group_byte_(4 * octets * kLaneOctetByte) {
    Unroll<kSums>([&](auto i) __attribute__((always_inline)) {
      sum_[i.value] = offset_[i.value] = _mm512_setzero_ps();
    });
  }

  [[gnu::always_inline]] void Add(const std::byte* w, int64_t row_byte, int64_t octet) {
    alignas(64) std::byte granules[kRows][256];
    alignas(64) float scales[kRows][16];
    Unroll<kRows>([&](auto row) __attribute__((always_inline)) {
      const std::byte* at = w + row.value * row_byte;
      __m512i q[4];
      O::Integers(at, q);
      Unroll<4>([&](auto i) __attribute__((always_inline)) {
        _mm512_store_si512(granules[row.value] + 64 * i.value, SwapQuads(q[i.value]));
      });
      const __m512i order = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
      _mm512_store_ps(scales[row.value], _mm512_permutexvar_ps(order, O::Scales(at)));
    });
    // g++ 12 else forwards what was stored and permutes it: more work for port 5.
    asm("" : "+m"(granules), "+m"(scales));
    const std::byte* x = lanes_ + octet * 4 * kLaneOctetByte;
    __m512i dots[2 * kSums];  // [quad 2][row][group]
    Zero(dots);
    Dots<0>(granules, x, dots);
    if constexpr (O::kHalves) {
      Scale<0>(scales, x, dots);
      Zero(dots);
    }
    Dots<1>(granules, x, dots);
    Scale<1>(scales, x, dots);
  }

  // y: [kTokens, stride], at the first of the rows.
  [[gnu::always_inline]] void Store(float* y, int64_t stride) const {
    Unroll<kSums>([&](auto i) __attribute__((always_inline)) {
      constexpr int kRow = decltype(i)::value / kGroups, kGroup = decltype(i)::value % kGroups;
      alignas(64) float total[16];
      _mm512_store_ps(total,
                      _mm512_fmadd_ps(offset_[i.value], _mm512_set1_ps(O::kOffset), sum_[i.value]));
      for (int t = 0; t < 4; ++t) {
        y[(4 * kGroup + t) * stride + kRow] =
            (total[4 * t] + total[4 * t + 1]) + (total[4 * t + 2] + total[4 * t + 3]);
      }
    });
  }

 private:
  static constexpr int kGroups = kTokens / 4;
  static constexpr int kSums = kGroups * kRows;

  // Granules 4 kHalf .. 4 kHalf + 3 of all runs. All sums take turns, so that one need not wait the
  // 5 cycles for the multiply-add before.
  template <int kHalf>
  [[gnu::always_inline]] void Dots(const std::byte (&granules)[kRows][256], const std::byte* x,
                                   __m512i (&dots)[2 * kSums]) const {
    Unroll<8>([&](auto g) __attribute__((always_inline)) {
      constexpr int kQuad = decltype(g)::value % 2;
      constexpr int kGranule = 8 * kQuad + 4 * kHalf + decltype(g)::value / 2;
      __m512i w[kRows];
      Unroll<kRows>([&](auto r) __attribute__((always_inline)) {
        w[r.value] = _mm512_broadcast_i32x4(Load16(granules[r.value] + 16 * kGranule));
      });
      Unroll<kGroups>([&](auto group) __attribute__((always_inline)) {
        __m512i tokens = Load64(x + group.value * group_byte_ + 64 * kGranule);
        if constexpr (kRows > 1) asm("" : "+v"(tokens));  // loaded once for all rows
        Unroll<kRows>([&](auto r) __attribute__((always_inline)) {
          __m512i& sum = dots[kQuad * kSums + r.value * kGroups + group.value];
          sum = _mm512_dpbusd_epi32(sum, w[r.value], tokens);
        });
      });
    });
  }

  // Adds dot products times the scales of both sides, of half kHalf or, without halves, of all; and
  // what the offsets take.
  template <int kHalf>
  [[gnu::always_inline]] void Scale(const float (&scales)[kRows][16], const std::byte* x,
                                    const __m512i (&dots)[2 * kSums]) {
    Unroll<2 * kSums>([&](auto i) __attribute__((always_inline)) {
      constexpr int kQuad = decltype(i)::value / kSums, kAt = decltype(i)::value % kSums;
      constexpr int kRow = kAt / kGroups, kGroup = kAt % kGroups;
      const std::byte* of_runs = x + kGroup * group_byte_ + 1024 + 128 * kQuad;
      const std::byte* of_halves = x + kGroup * group_byte_ + 1280 + 128 * kQuad;
      const __m512 scale = Spread(scales[kRow] + 4 * kQuad);
      const __m512 other = Spread(scales[kRow] + 8 + 4 * kQuad);
      const __m512 mine = O::kHalves && kHalf == 1 ? other : scale;
      sum_[kAt] = Scaled(dots[i.value], _mm512_mul_ps(mine, Floats(of_runs)), sum_[kAt]);
      offset_[kAt] = O::kHalves
                         ? _mm512_fmadd_ps(mine, Floats(of_halves + 64 * kHalf), offset_[kAt])
                         : _mm512_fmadd_ps(other, Floats(of_runs + 64), offset_[kAt]);
    });
  }
  [[gnu::always_inline]] static void Zero(__m512i (&dots)[2 * kSums]) {
    Unroll<2 * kSums>([&](auto i) __attribute__((always_inline)) {
      dots[i.value] = _mm512_setzero_si512();
    });
  }
  [[gnu::always_inline]] static __m512 Spread(const float* four) {
    return _mm512_broadcast_f32x4(_mm_load_ps(four));
  }
  [[gnu::always_inline]] static __m512 Scaled(__m512i dots, __m512 scale, __m512 sum) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), scale, sum);
  }

  const std::byte* lanes_;
  int64_t group_byte_;
  __m512 sum_[kSums], offset_[kSums];
};

// Dot::kRowsAtOnce rows from `w` on.
template <class Dot>
void Row(const GemvRows& g, const std::byte* w, const std::byte* lanes, float* y) {
  constexpr int64_t kByte = Dot::O::kByte;
  constexpr int kRows = Dot::kRowsAtOnce;
  const int64_t octets = (g.cols + 255) / 256, whole = g.cols / 256;
  Dot dot(lanes, octets);
  const std::byte* line = w;  // the next one whose successors are asked for
  for (int64_t octet = 0; octet < whole; ++octet, w += kByte) {
    for (; line < w + kByte; line += 64) {
      for (int row = 0; row < kRows; ++row) Avx512::Prefetch(line + row * g.row_byte);
    }
    dot.Add(w, g.row_byte, octet);
  }
  if (whole < octets) {
    // Zeros have the scale 0.
    std::byte rest[kRows * kByte] = {};
    for (int row = 0; row < kRows; ++row) {
      __builtin_memcpy(rest + row * kByte, w + row * g.row_byte,
                       static_cast<size_t>(g.row_byte - whole * kByte));
    }
    dot.Add(rest, kByte, whole);
  }
  dot.Store(y, g.y_stride);
}

// Tokens in groups; after the first group a row is in the cache.
template <Format kFormat, int kRows>
void Tokens(const GemvRows& g, int64_t row) {
  const int64_t token_byte = (g.cols + 255) / 256 * kLaneOctetByte;
  const std::byte* w = g.w + row * g.row_byte;
  for (int64_t token = 0; token < g.tokens;) {
    const std::byte* lanes = g.lanes + token * token_byte;
    float* y = g.y + token * g.y_stride + row;
    const int64_t group = TokenGroup(g.tokens - token);
    if (group == 8) Row<ManyTokens<kFormat, 8, kRows>>(g, w, lanes, y);
    if (group == 4) Row<ManyTokens<kFormat, 4, kRows>>(g, w, lanes, y);
    for (int i = 0; group < 4 && i < kRows; ++i) {
      if (group == 2) Row<FewTokens<kFormat, 2>>(g, w + i * g.row_byte, lanes, y + i);
      if (group == 1) Row<FewTokens<kFormat, 1>>(g, w + i * g.row_byte, lanes, y + i);
    }
    token += group;
  }
}

template <Format kFormat>
void Rows(const GemvRows& g) {
  int64_t row = 0;
  if (g.tokens >= 4) {
    for (; row + 2 <= g.rows; row += 2) Tokens<kFormat, 2>(g, row);
  }
  for (; row < g.rows; ++row) Tokens<kFormat, 1>(g, row);
}

// One octet of one token, row-major: 8 runs, those beyond the last column zeros.
struct OctetRow {
  alignas(64) std::byte q8[256];
  alignas(32) float scale[8], block_sum[8];
};

OctetRow CopyOctet(const LaneRows& rows, int64_t token, int64_t octet) {
  const int64_t runs = rows.cols / 32, first = 8 * octet;
  const auto count = static_cast<size_t>(runs - first < 8 ? runs - first : 8);
  const int64_t at = token * runs + first;
  OctetRow row = {};
  __builtin_memcpy(row.q8, rows.q8 + at * 32, count * 32);
  __builtin_memcpy(row.scale, rows.scale + at, count * 4);
  __builtin_memcpy(row.block_sum, rows.block_sum + at, count * 4);
  return row;
}

// The sum of the 16 numbers of each 128-bit lane, in all four of its lanes.
__m512i SumOfSixteen(__m512i bytes) {
  __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), bytes);
  sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, _MM_PERM_BADC));
  return _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, _MM_PERM_CDAB));
}

void ArrangeFew(const OctetRow& row, std::byte* to) {
  __m512i sums[2];
  for (int quad = 0; quad < 2; ++quad) {
    const __m512i low = Four<32>(row.q8 + 128 * quad), high = Four<32>(row.q8 + 128 * quad + 16);
    _mm512_storeu_si512(to + 128 * quad, low);
    _mm512_storeu_si512(to + 128 * quad + 64, high);
    sums[quad] = _mm512_mask_mov_epi32(SumOfSixteen(low), 0xaaaa, SumOfSixteen(high));
  }
  const __m512i pairs = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512 scale = _mm512_castps256_ps512(_mm256_load_ps(row.scale));
  const __m512 block_sum = _mm512_castps256_ps512(_mm256_load_ps(row.block_sum));
  const __m512 of_runs = _mm512_permutex2var_ps(scale, pairs, block_sum);
  _mm512_storeu_ps(to + 256, of_runs);
  const __m512i halves =
      _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29);
  const __m512 sum = _mm512_cvtepi32_ps(_mm512_permutex2var_epi32(sums[0], halves, sums[1]));
  _mm512_storeu_ps(to + 320, _mm512_mul_ps(sum, _mm512_moveldup_ps(of_runs)));
}

// Token `token` of the four of `to`.
void ArrangeMany(const OctetRow& row, int64_t token, std::byte* to) {
  to += 16 * token;
  const auto store = [](std::byte* at, __m128i value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at), value);
  };
  for (int quad = 0; quad < 2; ++quad) {
    const __m128 scale = _mm_load_ps(row.scale + 4 * quad);
    store(to + 1024 + 128 * quad, _mm_castps_si128(scale));
    store(to + 1088 + 128 * quad, _mm_castps_si128(_mm_load_ps(row.block_sum + 4 * quad)));
    for (int half = 0; half < 2; ++half) {
      const __m512i bytes = Four<32>(row.q8 + 128 * quad + 16 * half);
      const __m512i granules = SwapQuads(bytes);
      std::byte* at = to + 512 * quad + 256 * half;
      store(at, _mm512_castsi512_si128(granules));
      store(at + 64, _mm512_extracti32x4_epi32(granules, 1));
      store(at + 128, _mm512_extracti32x4_epi32(granules, 2));
      store(at + 192, _mm512_extracti32x4_epi32(granules, 3));
      const __m128i sums = _mm512_castsi512_si128(SwapQuads(SumOfSixteen(bytes)));
      store(to + 1280 + 128 * quad + 64 * half,
            _mm_castps_si128(_mm_mul_ps(scale, _mm_cvtepi32_ps(sums))));
    }
  }
}

}  // namespace
}  // namespace avx512

void ArrangeLanesAvx512(const LaneRows& rows, int64_t group, int64_t first, int64_t last,
                        std::byte* lanes) {
  const int64_t octets = (rows.cols + 255) / 256;
  for (int64_t token = 0; token < group; ++token) {
    for (int64_t octet = first; octet < last; ++octet) {
      const avx512::OctetRow row = avx512::CopyOctet(rows, token, octet);
      if (group < 4) {
        avx512::ArrangeFew(row, lanes + (token * octets + octet) * kLaneOctetByte);
      } else {
        avx512::ArrangeMany(row, token % 4,
                            lanes + 4 * (token / 4 * octets + octet) * kLaneOctetByte);
      }
    }
  }
}

void GemvPackedAvx512(const GemvRows& g) {
  switch (g.format) {
    case Format::kQ8_0:
      return avx512::Rows<Format::kQ8_0>(g);
    case Format::kQ4_0:
      return avx512::Rows<Format::kQ4_0>(g);
    case Format::kQ4_1:
      return avx512::Rows<Format::kQ4_1>(g);
    case Format::kQ4_K:
      return avx512::Rows<Format::kQ4_K>(g);
    case Format::kQ5_K:
      return avx512::Rows<Format::kQ5_K>(g);
    case Format::kQ6_K:
      return avx512::Rows<Format::kQ6_K>(g);
    case Format::kMlx4:
      return avx512::Rows<Format::kMlx4>(g);
    default:
      return;  // dense, or CpuHolds says no
  }
}

}  // namespace wattline::kernels
