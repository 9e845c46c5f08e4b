// The formats of a KV cache over any instruction set's vectors: f16, bf16, q8_0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention_plan.h"
#include "kernels/format.h"
#include "kernels/simd/unroll.h"
#include "kernels/slice.h"

// S is the wrapper that simd.h describes and beside it
// - LoadInt8(p): kLanes signed bytes;
// - LoadRepeat<n>(p): p[0 .. n - 1] again and again, n = 1, 2 or 4;
// - LoadTransposed(rows, d, out): out[i] = rows[0 .. kLanes - 1][d + i];
// - StoreTransposed(x, rows, d): the reverse, which uses x up;
// - PairSums(a, b): in each 128 bits, sums of neighbours: a0 + a1, a2 + a3, b0 + b1, b2 + b3;
// - SwapPairs, SwapNeighbours: of halves, and of neighbours, in each 128 bits;
// - DoublePair(x): in each 128 bits, x0, x0, x1, x1.
namespace wattline::kernels::attention_cpu {

// A row is head_dim elements; rows of a head follow each other without gaps. Steps gives the
// elements d .. d + kLanes - 1 of `row`, of a format with scales in units of them; a row pointer
// moved on by ByteOf(d) counts from there.
template <class S>
struct KvF16 {
  static constexpr int kByteOf32 = 64;  // of 32 elements
  static constexpr int64_t kBlock = 0;  // elements that share a scale; 0: no scales
  static constexpr int64_t RowByte(int64_t head_dim) { return 2 * head_dim; }
  static constexpr int64_t ByteOf(int64_t d) { return 2 * d; }
  [[gnu::always_inline]] static typename S::F32 Steps(const std::byte* row, int64_t d) {
    return S::LoadF16(reinterpret_cast<const uint16_t*>(row) + d);
  }
};

template <class S>
struct KvBf16 {
  static constexpr int kByteOf32 = 64;
  static constexpr int64_t kBlock = 0;
  static constexpr int64_t RowByte(int64_t head_dim) { return 2 * head_dim; }
  static constexpr int64_t ByteOf(int64_t d) { return 2 * d; }
  [[gnu::always_inline]] static typename S::F32 Steps(const std::byte* row, int64_t d) {
    return S::LoadBf16(reinterpret_cast<const uint16_t*>(row) + d);
  }
};

// Blocks of 32: an f16 scale, then 32 signed bytes.
template <class S>
struct KvQ8 {
  static constexpr int kByteOf32 = 34;
  static constexpr int64_t kBlock = 32;
  static constexpr int64_t kBlockByte = 34;
  static constexpr int64_t RowByte(int64_t head_dim) { return head_dim / kBlock * kBlockByte; }
  static constexpr int64_t ByteOf(int64_t d) { return d / kBlock * kBlockByte + d % kBlock; }
  [[gnu::always_inline]] static typename S::F32 Steps(const std::byte* row, int64_t d) {
    return S::LoadInt8(row + d / kBlock * kBlockByte + 2 + d % kBlock);
  }
  // scales[block, kTilePositions] of `count` rows. All are gathered before any is converted: a
  // vector load waits for the short stores that it covers. Of halves and scales, up to kLanes - 1
  // more are written.
  [[gnu::noinline]] static void Scales(const std::byte* rows, int64_t count, int64_t head_dim,
                                       uint16_t* halves, float* scales) {
    const int64_t row_byte = RowByte(head_dim), blocks = head_dim / kBlock;
    for (int64_t block = 0; block < blocks; ++block) {
      const std::byte* at = rows + block * kBlockByte;
      uint16_t* to = halves + block * kTilePositions;
      int64_t p = 0;
      for (; p + 8 <= count; p += 8) {
        Unroll<8>([&](auto i) {
          __builtin_memcpy(to + p + i.value, at, 2);
          at += row_byte;
        });
      }
      for (; p < count; ++p) __builtin_memcpy(to + p, at + (p % 8) * row_byte, 2);
    }
    for (int64_t i = 0; i < blocks * kTilePositions; i += kTilePositions) {
      for (int64_t p = 0; p < count; p += S::kLanes) {
        S::Store(scales + i + p, S::LoadF16(halves + i + p));
      }
    }
  }
};

// Elements [begin, end) of `count` rows of `row_byte` to f32, rows of `out` `stride` apart;
// `scales` are those of the rows as Scales writes them.
template <class S, class Kv>
[[gnu::noinline]] void Widen(const std::byte* rows, const float* scales, int64_t count,
                             Range elements, float* out, int64_t stride, int64_t row_byte) {
  for (int64_t p = 0; p < count; ++p) {
    if constexpr (Kv::kBlock == 0) {
      for (int64_t d = elements.begin; d < elements.end; d += S::kLanes) {
        S::Store(out + d - elements.begin, Kv::Steps(rows, d));
      }
    } else {
      for (int64_t d = elements.begin; d < elements.end; d += Kv::kBlock) {
        const auto scale = S::Set1(scales[d / Kv::kBlock * kTilePositions + p]);
        for (int64_t j = 0; j < Kv::kBlock; j += S::kLanes) {
          S::Store(out + d - elements.begin + j,
                   S::Mul(scale, Kv::Steps(rows + d / Kv::kBlock * Kv::kBlockByte, j)));
        }
      }
    }
    rows += row_byte;
    out += stride;
  }
}

// kParts vectors become one: their lanes' sums as PairSums has them.
template <class S, int kParts>
[[gnu::always_inline]] inline typename S::F32 JoinParts(const typename S::F32* x) {
  if constexpr (kParts == 1) return x[0];
  if constexpr (kParts == 2) return S::PairSums(x[0], x[1]);
  if constexpr (kParts == 4) return S::PairSums(S::PairSums(x[0], x[1]), S::PairSums(x[2], x[3]));
}

// Calls body(Kv{}) for the format's Kv.
template <class S, class Body>
[[gnu::always_inline]] inline void WithKv(Format format, const Body& body) {
  switch (format) {
    case Format::kBF16:
      return body(KvBf16<S>{});
    case Format::kQ8_0:
      return body(KvQ8<S>{});
    default:
      return body(KvF16<S>{});
  }
}

}  // namespace wattline::kernels::attention_cpu
