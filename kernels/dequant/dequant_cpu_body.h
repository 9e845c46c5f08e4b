// Dequantisation over any instruction set's vectors; each file dequant_cpu_<isa>.cc instantiates
// it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"
#include "kernels/simd/unpack.h"
#include "kernels/simd/unroll.h"

namespace wattline::kernels {

template <class V, Format kFormat, class Out>
void DequantPacked(const std::byte* row, int64_t cols, Out* out) {
  using U = Unpack<V, kFormat>;
  for (int64_t done = 0; done < cols; done += 32 * U::kRuns) {
    float scale[U::kRuns * U::kScales], offset[U::kRuns] = {};
    U::template Scales<U::kRuns>(row, scale, offset);
    if constexpr (V::kStoreScale != 1.0f) {
      for (float& s : scale) s *= V::kStoreScale;
    }
    V::InMemory(scale);
    if constexpr (U::kOffset) V::InMemory(offset);
    Unroll<U::kRuns>([&](auto run) __attribute__((always_inline)) {
      constexpr int kRun = decltype(run)::value, kFirst = kRun * U::kScales;
      constexpr int kLast = kFirst + U::kScales - 1;
      V::Store(U::template Q<kRun>(row), scale[kFirst], offset[kRun], scale[kLast], offset[kRun],
               out + done + kRun * 32);
    });
    row += U::kBlockByte;
  }
}

// Whole vectors, then the rest through a copy of one vector.
template <class V, Format kFormat, class Out>
void DequantDense(const std::byte* row, int64_t cols, Out* out) {
  constexpr int64_t kByte = kFormat == Format::kF32 ? 4 : 2;
  if constexpr (kFormat == (sizeof(Out) == 4 ? Format::kF32 : Format::kBF16)) {
    __builtin_memcpy(out, row, static_cast<size_t>(cols * kByte));
    return;
  }
  const auto step = [](const std::byte* from, Out* to) __attribute__((always_inline)) {
    V::StoreLanes(V::template LoadLanes<kFormat>(from), to);
  };
  int64_t i = 0;
  for (; i + V::kLanes <= cols; i += V::kLanes) step(row + i * kByte, out + i);
  if (i == cols) return;
  std::byte in[V::kLanes * kByte] = {};
  Out result[V::kLanes];
  __builtin_memcpy(in, row + i * kByte, static_cast<size_t>((cols - i) * kByte));
  step(in, result);
  __builtin_memcpy(out + i, result, static_cast<size_t>(cols - i) * sizeof(Out));
}

template <class V, class Out>
void Dequant(Format format, const std::byte* row, int64_t cols, Out* out) {
  switch (format) {
    case Format::kF32:
      return DequantDense<V, Format::kF32>(row, cols, out);
    case Format::kF16:
      return DequantDense<V, Format::kF16>(row, cols, out);
    case Format::kBF16:
      return DequantDense<V, Format::kBF16>(row, cols, out);
    case Format::kQ8_0:
      return DequantPacked<V, Format::kQ8_0>(row, cols, out);
    case Format::kQ4_0:
      return DequantPacked<V, Format::kQ4_0>(row, cols, out);
    case Format::kQ4_1:
      return DequantPacked<V, Format::kQ4_1>(row, cols, out);
    case Format::kQ4_K:
      return DequantPacked<V, Format::kQ4_K>(row, cols, out);
    case Format::kQ5_K:
      return DequantPacked<V, Format::kQ5_K>(row, cols, out);
    case Format::kQ6_K:
      return DequantPacked<V, Format::kQ6_K>(row, cols, out);
    case Format::kMlx4:
      return DequantPacked<V, Format::kMlx4>(row, cols, out);
    default:
      return;  // CpuHolds says no
  }
}

// Unpacks into a part of the first-level cache, from where stores past the caches take the lines.
// Parts of 2048 elements reach 80 to 90 % of the bandwidth of parts of 256, whose stores overlap
// with the next part's unpacking. Whole lines only: an `out` that begins within one is left to
// ordinary stores.
template <class V, class Out>
void StreamOut(Format format, const std::byte* row, int64_t cols, Out* out,
               void (*dequant)(Format, const std::byte*, int64_t, Out*)) {
  constexpr int64_t kPart = 256, kLine = 64 / sizeof(Out);
  const int64_t part_byte = RowByte(format, kPart);
  if (reinterpret_cast<uintptr_t>(out) % 64 != 0) return dequant(format, row, cols, out);
  alignas(64) Out part[kPart];
  for (; cols >= kPart; cols -= kPart, row += part_byte, out += kPart) {
    dequant(format, row, kPart, part);
    for (int64_t i = 0; i < kPart; i += kLine) V::StreamLine(part + i, out + i);
  }
  V::StreamEnd();
  if (cols > 0) dequant(format, row, cols, out);
}

}  // namespace wattline::kernels
