// Dequantisation on the CPU: one function pair per instruction set, for the tables of kernels/cpu.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace wattline::kernels {

// out[cols] = the values of one packed row, rounded to f32 once (so equal to the reference rounded
// to f32), or that f32 value rounded to bf16, to nearest even. cols is a multiple of the format's
// block; `row` and `out` need no alignment. Of f32 rows, AVX-512's bf16 flushes subnormals to 0.
void DequantF32Avx2(Format format, const std::byte* row, int64_t cols, float* out);
void DequantBf16Avx2(Format format, const std::byte* row, int64_t cols, uint16_t* out);
void DequantF32Avx512(Format format, const std::byte* row, int64_t cols, float* out);
void DequantBf16Avx512(Format format, const std::byte* row, int64_t cols, uint16_t* out);
void DequantF32Neon(Format format, const std::byte* row, int64_t cols, float* out);
void DequantBf16Neon(Format format, const std::byte* row, int64_t cols, uint16_t* out);

// The same for output that no cache is to keep: whole lines go past the caches if `out` begins with
// one (64 bytes). Pass as many rows at once as lie side by side: each call waits for its stores.
void StreamF32Avx2(Format format, const std::byte* row, int64_t cols, float* out);
void StreamBf16Avx2(Format format, const std::byte* row, int64_t cols, uint16_t* out);
void StreamF32Avx512(Format format, const std::byte* row, int64_t cols, float* out);
void StreamBf16Avx512(Format format, const std::byte* row, int64_t cols, uint16_t* out);
// NEON's stores: no way past the caches is used yet.
void StreamF32Neon(Format format, const std::byte* row, int64_t cols, float* out);
void StreamBf16Neon(Format format, const std::byte* row, int64_t cols, uint16_t* out);

}  // namespace wattline::kernels
