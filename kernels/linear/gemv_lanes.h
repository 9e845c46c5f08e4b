// The 8-bit activations as the AVX-512 GEMV reads them (octet_avx512.h): octets of 256 columns, the
// last one filled up with zeros, kLaneOctetByte each.
//
// Tokens come in groups (TokenGroup), the group of token t at byte t * octets * kLaneOctetByte.
//
// Groups of 1 and 2, token by token, octet by octet:
//   int8 [quad 2][half 2][run 4][16]   half h of run 4 * quad + run
//   f32 [run 8][2]                     scale, scale * sum of q
//   f32 [run 8][half 2]                scale * sum of q over half a run
//
// Groups of 4, and of 8 as two of them, octet by octet, lanes being tokens and runs:
//   int8 [quad 2][granule 8][token 4][run 4][4]
//   f32 [quad 2][2][token 4][run 4]       scale, scale * sum of q
//   f32 [quad 2][half 2][token 4][run 4]  scale * sum of q over half a run
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/linear.h"

namespace wattline::kernels {

// Row-major 8-bit activations of T = `group` tokens, [T, cols] and [T, cols / 32] for the other
// two, to the lanes of octets first .. last - 1; all five pointers begin with the group.
struct LaneRows {
  const int8_t* q8;
  const float* scale;
  const float* block_sum;
  int64_t cols;
};
void ArrangeLanesAvx512(const LaneRows& rows, int64_t group, int64_t first, int64_t last,
                        std::byte* lanes);

// As GemvRowsAvx512, for quantised formats.
void GemvPackedAvx512(const GemvRows& g);

}  // namespace wattline::kernels
