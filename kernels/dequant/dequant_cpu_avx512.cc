// Dequantisation on AVX-512. The values of a run of 4-bit (5-bit) weights are a table of 16 (32):
// one or two multiply-adds make it, and a permute by the integers themselves looks 16 f32 or 32
// bf16 up. Permutes ignore the upper bits of an index, so hardly any integer needs a mask.
#include "kernels/dequant/dequant_cpu.h"
#include "kernels/dequant/dequant_cpu_body.h"
#include "kernels/simd/packed_avx512.h"

namespace wattline::kernels {
namespace {

using Table = __m512;  // f32 values of the integers 0 .. 15, or 16 .. 31

__m512 Count(float from) {
  return _mm512_add_ps(_mm512_set1_ps(from),
                       _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}
Table TableOf(float scale, float offset, float from = 0) {
  return _mm512_fmadd_ps(Count(from), _mm512_set1_ps(scale), _mm512_set1_ps(offset));
}
// Table `low` in lanes 0 .. 15, rounded to bf16, and `high` in lanes 16 .. 31.
__m512i Rounded(Table low, Table high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }

__m128i Load16(const std::byte* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
__m256i Load32(const std::byte* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

// The f16 numbers at the head of a block as f32, in memory: a load spreads one of them over all
// lanes, a register's lane needs a permute, and permutes bind here (one a cycle on Intel). q4_0 to
// f32 in the first-level cache, one core at 2.8 GHz: 24.5 Gelem/s, with the f16 number loaded by
// itself and spread from its register 18.2, with integers converted and multiplied 12.0 (Emerald
// Rapids VM, 2026-11-21).
struct Heads {
  explicit Heads(const std::byte* block) {
    _mm256_storeu_ps(value, _mm256_cvtph_ps(Load16(block)));
    Avx512::InMemory(value);
  }
  __m512 First() const { return _mm512_set1_ps(value[0]); }
  __m512 Second() const { return _mm512_set1_ps(value[1]); }
  float value[8];
};

__m512i Dwords(const std::byte* at) { return _mm512_cvtepu8_epi32(Load16(at)); }
__m512i Words(const std::byte* at) { return _mm512_cvtepu8_epi16(Load32(at)); }

void Put(__m512 value, float* out) {
  Avx512::PrepareStore(out);
  _mm512_storeu_ps(out, value);
}
void Put(__m512i value, uint16_t* out) { _mm512_storeu_si512(out, value); }

// q4_0 and q4_1: how their blocks differ.
template <Format kFormat>
constexpr int64_t kNibblesAt = kFormat == Format::kQ4_0 ? 2 : 4;
template <Format kFormat>
Table BlockTable(const std::byte* block) {
  const Heads heads(block);
  if constexpr (kFormat == Format::kQ4_0) return _mm512_mul_ps(Count(-8), heads.First());
  return _mm512_fmadd_ps(Count(0), heads.First(), heads.Second());
}

template <Format kFormat>
void Nibbles(const std::byte* row, int64_t cols, float* out) {
  for (int64_t i = 0; i < cols; i += 32, row += kNibblesAt<kFormat> + 16) {
    const Table table = BlockTable<kFormat>(row);
    const __m512i q = Dwords(row + kNibblesAt<kFormat>);
    Put(_mm512_permutexvar_ps(q, table), out + i);
    Put(_mm512_permutexvar_ps(_mm512_srli_epi32(q, 4), table), out + i + 16);
  }
}

// Two blocks share a table of 32; an odd last one is its own neighbour.
template <Format kFormat>
void Nibbles(const std::byte* row, int64_t cols, uint16_t* out) {
  constexpr int64_t kByte = kNibblesAt<kFormat> + 16;
  const __m512i second = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(16), 1);
  for (int64_t i = 0; i < cols; i += 64, row += 2 * kByte) {
    const bool both = i + 32 < cols;
    const std::byte* next = both ? row + kByte : row;
    const __m512i table = Rounded(BlockTable<kFormat>(row), BlockTable<kFormat>(next));
    const __m512i q = _mm512_cvtepu8_epi16(
        _mm256_set_m128i(Load16(next + kNibblesAt<kFormat>), Load16(row + kNibblesAt<kFormat>)));
    // (q & 15) | second, then (q >> 4) | second.
    const __m512i low = _mm512_ternarylogic_epi32(q, _mm512_set1_epi16(15), second, 0xea);
    const __m512i high = _mm512_or_si512(_mm512_srli_epi16(q, 4), second);
    const __m512i first16 = _mm512_permutexvar_epi16(low, table);
    const __m512i last16 = _mm512_permutexvar_epi16(high, table);
    Put(_mm512_shuffle_i64x2(first16, last16, 0x44), out + i);
    if (both) Put(_mm512_shuffle_i64x2(first16, last16, 0xee), out + i + 32);
  }
}

// Byte g of lane i: byte 8 g + i / 2, of which an even lane takes the low half, an odd one the
// high.
void Mlx4(const std::byte* row, int64_t cols, float* out) {
  alignas(64) static constexpr auto kOrder = [] {
    struct Bytes {
      int8_t at[64];
    } order{};
    for (int i = 0; i < 64; ++i) order.at[i] = static_cast<int8_t>(i % 4 * 8 + i / 8);
    return order;
  }();
  const __m512i order = _mm512_load_si512(kOrder.at);
  const __m512i halves = _mm512_set1_epi64(int64_t{4} << 32);
  for (int64_t i = 0; i < cols; i += 64, row += 36) {
    const Heads heads(row);
    const Table table = _mm512_fmadd_ps(Count(0), heads.First(), heads.Second());
    const __m512i q = _mm512_srlv_epi32(
        _mm512_permutexvar_epi8(order, _mm512_castsi256_si512(Load32(row + 4))), halves);
    Put(_mm512_permutexvar_ps(q, table), out + i);
    Put(_mm512_permutexvar_ps(_mm512_srli_epi32(q, 8), table), out + i + 16);
    Put(_mm512_permutexvar_ps(_mm512_srli_epi32(q, 16), table), out + i + 32);
    Put(_mm512_permutexvar_ps(_mm512_srli_epi32(q, 24), table), out + i + 48);
  }
}

// Byte g of lane i: byte 16 g + i / 2.
void Mlx4(const std::byte* row, int64_t cols, uint16_t* out) {
  alignas(64) static constexpr auto kOrder = [] {
    struct Bytes {
      int8_t at[64];
    } order{};
    for (int i = 0; i < 64; ++i) order.at[i] = static_cast<int8_t>(i % 2 * 16 + i / 4);
    return order;
  }();
  const __m512i order = _mm512_load_si512(kOrder.at);
  const __m512i halves = _mm512_set1_epi32(4 << 16);
  for (int64_t i = 0; i < cols; i += 64, row += 36) {
    const Heads heads(row);
    const Table table = _mm512_fmadd_ps(Count(0), heads.First(), heads.Second());
    const __m512i rounded = Rounded(table, table);
    const __m512i q = _mm512_srlv_epi16(
        _mm512_permutexvar_epi8(order, _mm512_castsi256_si512(Load32(row + 4))), halves);
    Put(_mm512_permutexvar_epi16(q, rounded), out + i);
    Put(_mm512_permutexvar_epi16(_mm512_srli_epi16(q, 8), rounded), out + i + 32);
  }
}

void Q8_0(const std::byte* row, int64_t cols, float* out) {
  for (int64_t i = 0; i < cols; i += 32, row += 34) {
    const __m512 scale = Heads(row).First();
    Put(_mm512_mul_ps(Avx512::Sixteen(Load16(row + 2)), scale), out + i);
    Put(_mm512_mul_ps(Avx512::Sixteen(Load16(row + 18)), scale), out + i + 16);
  }
}

void Q8_0(const std::byte* row, int64_t cols, uint16_t* out) {
  for (int64_t i = 0; i < cols; i += 32, row += 34) {
    const __m512 scale = Heads(row).First();
    Put(Rounded(_mm512_mul_ps(Avx512::Sixteen(Load16(row + 2)), scale),
                _mm512_mul_ps(Avx512::Sixteen(Load16(row + 18)), scale)),
        out + i);
  }
}

// The scales and offsets of a block of q4_k or q5_k, in memory.
struct Sub {
  explicit Sub(const std::byte* block) {
    ScaleMinRuns<Avx512>::Scales<8>(block, scale, offset);
    Avx512::InMemory(scale);
    Avx512::InMemory(offset);
  }
  Table Of(int run, float from = 0) const { return TableOf(scale[run], offset[run], from); }
  float scale[8], offset[8];
};

void Q4_K(const std::byte* row, int64_t cols, float* out) {
  for (int64_t i = 0; i < cols; i += 256, row += 144) {
    const Sub sub(row);
    Unroll<4>([&](auto pair) __attribute__((always_inline)) {
      const Table low = sub.Of(2 * pair.value), high = sub.Of(2 * pair.value + 1);
      float* to = out + i + 64 * pair.value;
      const __m512i a = Dwords(row + 16 + 32 * pair.value), b = Dwords(row + 32 + 32 * pair.value);
      Put(_mm512_permutexvar_ps(a, low), to);
      Put(_mm512_permutexvar_ps(b, low), to + 16);
      Put(_mm512_permutexvar_ps(_mm512_srli_epi32(a, 4), high), to + 32);
      Put(_mm512_permutexvar_ps(_mm512_srli_epi32(b, 4), high), to + 48);
    });
  }
}

void Q4_K(const std::byte* row, int64_t cols, uint16_t* out) {
  const __m512i high = _mm512_set1_epi16(16);
  for (int64_t i = 0; i < cols; i += 256, row += 144) {
    const Sub sub(row);
    Unroll<4>([&](auto pair) __attribute__((always_inline)) {
      const __m512i table = Rounded(sub.Of(2 * pair.value), sub.Of(2 * pair.value + 1));
      uint16_t* to = out + i + 64 * pair.value;
      const __m512i q = Words(row + 16 + 32 * pair.value);
      Put(_mm512_permutexvar_epi16(_mm512_and_si512(q, _mm512_set1_epi16(15)), table), to);
      Put(_mm512_permutexvar_epi16(_mm512_or_si512(_mm512_srli_epi16(q, 4), high), table), to + 32);
    });
  }
}

// Bit kRun of each lane moved to bit 4, over the lower four bits of `nibbles`; bits above are
// noise.
template <int kRun>
__m512i FifthBit(__m512i nibbles, __m512i bits) {
  __m512i moved = bits;  // 16 bits at a time: those that cross a byte are noise too
  if constexpr (kRun < 4) moved = _mm512_slli_epi16(bits, 4 - kRun);
  if constexpr (kRun > 4) moved = _mm512_srli_epi16(bits, kRun - 4);
  // 15 ? nibbles : moved
  return _mm512_ternarylogic_epi32(_mm512_set1_epi16(15), nibbles, moved, 0xca);
}

void Q5_K(const std::byte* row, int64_t cols, float* out) {
  for (int64_t i = 0; i < cols; i += 256, row += 176) {
    const Sub sub(row);
    const __m512i bits[2] = {Dwords(row + 16), Dwords(row + 32)};
    Unroll<4>([&](auto pair) __attribute__((always_inline)) {
      constexpr int kEven = 2 * decltype(pair)::value, kOdd = kEven + 1;
      const Table even[2] = {sub.Of(kEven), sub.Of(kEven, 16)};
      const Table odd[2] = {sub.Of(kOdd), sub.Of(kOdd, 16)};
      Unroll<2>([&](auto half) __attribute__((always_inline)) {
        const __m512i q = Dwords(row + 48 + 16 * kEven + 16 * half.value);
        const __m512i low = FifthBit<kEven>(q, bits[half.value]);
        const __m512i high = FifthBit<kOdd>(_mm512_srli_epi32(q, 4), bits[half.value]);
        float* to = out + i + 32 * kEven + 16 * half.value;
        Put(_mm512_permutex2var_ps(even[0], low, even[1]), to);
        Put(_mm512_permutex2var_ps(odd[0], high, odd[1]), to + 32);
      });
    });
  }
}

void Q5_K(const std::byte* row, int64_t cols, uint16_t* out) {
  for (int64_t i = 0; i < cols; i += 256, row += 176) {
    const Sub sub(row);
    const __m512i bits = Words(row + 16);
    Unroll<4>([&](auto pair) __attribute__((always_inline)) {
      constexpr int kEven = 2 * decltype(pair)::value, kOdd = kEven + 1;
      const __m512i q = Words(row + 48 + 16 * kEven);
      Put(_mm512_permutexvar_epi16(FifthBit<kEven>(q, bits),
                                   Rounded(sub.Of(kEven), sub.Of(kEven, 16))),
          out + i + 32 * kEven);
      Put(_mm512_permutexvar_epi16(FifthBit<kOdd>(_mm512_srli_epi16(q, 4), bits),
                                   Rounded(sub.Of(kOdd), sub.Of(kOdd, 16))),
          out + i + 32 * kOdd);
    });
  }
}

template <class Out>
void Row(Format format, const std::byte* row, int64_t cols, Out* out) {
  switch (format) {
    case Format::kQ8_0:
      return Q8_0(row, cols, out);
    case Format::kQ4_0:
      return Nibbles<Format::kQ4_0>(row, cols, out);
    case Format::kQ4_1:
      return Nibbles<Format::kQ4_1>(row, cols, out);
    case Format::kQ4_K:
      return Q4_K(row, cols, out);
    case Format::kQ5_K:
      return Q5_K(row, cols, out);
    case Format::kMlx4:
      return Mlx4(row, cols, out);
    default:
      return Dequant<Avx512>(format, row, cols, out);
  }
}

}  // namespace

void DequantF32Avx512(Format format, const std::byte* row, int64_t cols, float* out) {
  Row(format, row, cols, out);
}

void DequantBf16Avx512(Format format, const std::byte* row, int64_t cols, uint16_t* out) {
  Row(format, row, cols, out);
}

void StreamF32Avx512(Format format, const std::byte* row, int64_t cols, float* out) {
  StreamOut<Avx512>(format, row, cols, out, DequantF32Avx512);
}

void StreamBf16Avx512(Format format, const std::byte* row, int64_t cols, uint16_t* out) {
  StreamOut<Avx512>(format, row, cols, out, DequantBf16Avx512);
}

}  // namespace wattline::kernels
