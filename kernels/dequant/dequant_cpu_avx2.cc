// Dequantisation on AVX2. To bf16, the values of a run of 4-bit weights are made and rounded once,
// as a table of 16 low and 16 high bytes, and two byte shuffles look 32 of them up: q4_1 9.3
// Gelem/s, mlx4 13.2, with every element rounded by itself 5.5 and 5.2 (one core at 2.8 GHz of an
// Emerald Rapids VM, 2026-11-21).
#include "kernels/dequant/dequant_cpu.h"
#include "kernels/dequant/dequant_cpu_body.h"
#include "kernels/simd/packed_avx2.h"

namespace wattline::kernels {
namespace {

// What makes the values of a run: q scale + offset.
struct Line {
  __m256 scale, offset;
  __m256 Of(__m256 q) const { return _mm256_fmadd_ps(q, scale, offset); }
};

// Of the blocks that begin with their f16 scale; through memory, from where a load spreads it.
template <Format kFormat>
Line LineOf(const std::byte* block) {
  float head[4];
  _mm_storeu_ps(head, _mm_cvtph_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(block))));
  Avx2::InMemory(head);
  const __m256 scale = _mm256_set1_ps(head[0]);
  if constexpr (kFormat == Format::kQ4_0) {
    return {scale, _mm256_mul_ps(scale, _mm256_set1_ps(-8))};
  } else {
    return {scale, _mm256_set1_ps(head[1])};
  }
}

// The scales and offsets of a block of q4_k, in memory.
struct Sub {
  explicit Sub(const std::byte* block) {
    ScaleMinRuns<Avx2>::Scales<8>(block, scale, offset);
    Avx2::InMemory(scale);
    Avx2::InMemory(offset);
  }
  Line Of(int run) const { return {_mm256_set1_ps(scale[run]), _mm256_set1_ps(offset[run])}; }
  float scale[8], offset[8];
};

// The low and the high halves of 16 bytes.
void PutHalves(const std::byte* at, Line low, Line high, float* low_out, float* high_out) {
  Avx2::PrepareStore(low_out);
  Avx2::PrepareStore(high_out);
  for (int i = 0; i < 16; i += 8) {
    const __m256i q =
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + i)));
    const __m256i low_q = _mm256_and_si256(q, _mm256_set1_epi32(15));
    _mm256_storeu_ps(low_out + i, low.Of(_mm256_cvtepi32_ps(low_q)));
    _mm256_storeu_ps(high_out + i, high.Of(_mm256_cvtepi32_ps(_mm256_srli_epi32(q, 4))));
  }
}

// The values of a run as bf16: the 16 low bytes in both halves, the 16 high bytes in both.
class Table {
 public:
  explicit Table(Line line) {
    const __m256i words = Avx2::Interleave(line.Of(_mm256_setr_ps(0, 2, 4, 6, 8, 10, 12, 14)),
                                           line.Of(_mm256_setr_ps(1, 3, 5, 7, 9, 11, 13, 15)));
    const __m256i apart = _mm256_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,  //
                                           0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    const __m256i bytes = _mm256_shuffle_epi8(words, apart);  // low, high, low, high: 8 of each
    low_ = _mm256_permute4x64_epi64(bytes, 0x88);
    high_ = _mm256_permute4x64_epi64(bytes, 0xdd);
  }
  // q: elements 0 .. 7, 16 .. 23, 8 .. 15, 24 .. 31, which the interleaving of the halves undoes.
  void Put(__m256i q, uint16_t* out) const {
    const __m256i low = _mm256_shuffle_epi8(low_, q), high = _mm256_shuffle_epi8(high_, q);
    auto* to = reinterpret_cast<__m256i*>(out);
    _mm256_storeu_si256(to, _mm256_unpacklo_epi8(low, high));
    _mm256_storeu_si256(to + 1, _mm256_unpackhi_epi8(low, high));
  }

 private:
  __m256i low_, high_;
};

template <Format kFormat>
constexpr int64_t kNibblesAt = kFormat == Format::kQ4_0 ? 2 : 4;

template <Format kFormat>
void Nibbles(const std::byte* row, int64_t cols, float* out) {
  for (int64_t i = 0; i < cols; i += 32, row += kNibblesAt<kFormat> + 16) {
    const Line line = LineOf<kFormat>(row);
    PutHalves(row + kNibblesAt<kFormat>, line, line, out + i, out + i + 16);
  }
}

template <Format kFormat>
void Nibbles(const std::byte* row, int64_t cols, uint16_t* out) {
  for (int64_t i = 0; i < cols; i += 32, row += kNibblesAt<kFormat> + 16) {
    const auto* q = reinterpret_cast<const __m128i*>(row + kNibblesAt<kFormat>);
    // Each 8 bytes twice, the second time for their high halves.
    const __m256i twice =
        _mm256_permute4x64_epi64(_mm256_castsi128_si256(_mm_loadu_si128(q)), 0x50);
    const __m256i halves = _mm256_srlv_epi64(twice, _mm256_setr_epi64x(0, 4, 0, 4));
    Table(LineOf<kFormat>(row)).Put(Avx2::And<15>(halves), out + i);
  }
}

void Mlx4(const std::byte* row, int64_t cols, uint16_t* out) {
  for (int64_t i = 0; i < cols; i += 64, row += 36) {
    const Table table(LineOf<Format::kMlx4>(row));
    for (int64_t run = 0; run < 2; ++run) {
      const auto* at = reinterpret_cast<const __m128i*>(row + 4 + 16 * run);
      const __m256i wide = _mm256_cvtepu8_epi16(_mm_shuffle_epi32(_mm_loadu_si128(at), 0xd8));
      table.Put(Avx2::And<15>(_mm256_or_si256(wide, _mm256_slli_epi16(wide, 4))),
                out + i + 32 * run);
    }
  }
}

void Q4_K(const std::byte* row, int64_t cols, float* out) {
  for (int64_t i = 0; i < cols; i += 256, row += 144) {
    const Sub sub(row);
    Unroll<4>([&](auto pair) __attribute__((always_inline)) {
      const Line low = sub.Of(2 * pair.value), high = sub.Of(2 * pair.value + 1);
      float* to = out + i + 64 * pair.value;
      PutHalves(row + 16 + 32 * pair.value, low, high, to, to + 32);
      PutHalves(row + 32 + 32 * pair.value, low, high, to + 16, to + 48);
    });
  }
}

void Q4_K(const std::byte* row, int64_t cols, uint16_t* out) {
  for (int64_t i = 0; i < cols; i += 256, row += 144) {
    const Sub sub(row);
    Unroll<4>([&](auto pair) __attribute__((always_inline)) {
      const __m256i q = _mm256_permute4x64_epi64(Avx2::Load(row + 16 + 32 * pair.value), 0xd8);
      uint16_t* to = out + i + 64 * pair.value;
      Table(sub.Of(2 * pair.value)).Put(Avx2::And<15>(q), to);
      Table(sub.Of(2 * pair.value + 1)).Put(Avx2::And<15>(Avx2::Right<4>(q)), to + 32);
    });
  }
}

}  // namespace

void DequantF32Avx2(Format format, const std::byte* row, int64_t cols, float* out) {
  switch (format) {
    case Format::kQ4_0:
      return Nibbles<Format::kQ4_0>(row, cols, out);
    case Format::kQ4_1:
      return Nibbles<Format::kQ4_1>(row, cols, out);
    case Format::kQ4_K:
      return Q4_K(row, cols, out);
    default:
      return Dequant<Avx2>(format, row, cols, out);
  }
}

void DequantBf16Avx2(Format format, const std::byte* row, int64_t cols, uint16_t* out) {
  switch (format) {
    case Format::kQ4_0:
      return Nibbles<Format::kQ4_0>(row, cols, out);
    case Format::kQ4_1:
      return Nibbles<Format::kQ4_1>(row, cols, out);
    case Format::kQ4_K:
      return Q4_K(row, cols, out);
    case Format::kMlx4:
      return Mlx4(row, cols, out);
    default:
      return Dequant<Avx2>(format, row, cols, out);
  }
}

void StreamF32Avx2(Format format, const std::byte* row, int64_t cols, float* out) {
  StreamOut<Avx2>(format, row, cols, out, DequantF32Avx2);
}

void StreamBf16Avx2(Format format, const std::byte* row, int64_t cols, uint16_t* out) {
  StreamOut<Avx2>(format, row, cols, out, DequantBf16Avx2);
}

}  // namespace wattline::kernels
