// Who computes what: how the CPU kernels of attention divide a call among threads, and where its
// partial results lie. The plan depends on the shape and the number of threads only.
#pragma once

#include <cstdint>

#include "kernels/attention/attention.h"
#include "kernels/slice.h"

namespace wattline::kernels {

// Calls of up to this many tokens split the cache over the threads ("split"): they are bound by
// reading it. Longer ones share blocks of queries ("tile").
constexpr int64_t kSplitTokens = 4;
// Positions of the cache in a tile of each way. Split, 1, 4 and 8 rows of head_dim 128: 76, 76 and
// 67 % of a plain loop's bandwidth with 32 positions, 72, 73 and 65 % with 64 (one core of Emerald
// Rapids, AVX-512, f16, 2026-11-21).
constexpr int64_t kTilePositions = 64;
constexpr int64_t kSplitPositions = 32;
// Query rows (tokens x heads of a group) of a block that shares each widened K/V tile. The tile way
// works on panels of up to kTileRowGrain of them, and on up to kTileSpare positions more than a
// tile has.
constexpr int64_t kBlockRows = 128;
constexpr int64_t kTileRowGrain = 64;
constexpr int64_t kTileSpare = 12;
// The split way pads its query rows to a multiple of this, the lanes of the longest vector, and
// widens so many positions of K at a time.
constexpr int64_t kSplitRowGrain = 16;
constexpr int64_t kSplitStep = 16;
// Elements of a row that are widened at a time, and how far such rows lie apart: a constant, so
// that one register addresses all of them, and no power of 2, so that they share no cache sets.
constexpr int64_t kSplitDims = 256;
constexpr int64_t kSplitStride = kSplitDims + 16;
// Relative error of the kernels' exponential; the bound that kernels/simd documents and tests.
constexpr double kExpError = 0x1p-23;

inline constexpr bool IsSplit(const AttentionShape& s) { return s.tokens <= kSplitTokens; }

// Split: all (KV head, position) pairs lie in one row, heads slowest, and each slice takes an equal
// contiguous piece in grains of a tile. So a head is shared by neighbours only, and slot kv_head +
// slice.index is different for each (head, slice) that meet: kv_heads + threads - 1 slots suffice.
// Positions of head `kv_head` that `slice` handles; empty where none.
Range SplitPositions(const AttentionShape& s, int64_t kv_head, Slice slice);
// KV heads that `slice` has positions of.
Range SplitHeads(const AttentionShape& s, Slice slice);
// From the first to the last slice with positions of `kv_head`; with more slices than tiles, some
// between them have none.
Range SplitSlices(const AttentionShape& s, int64_t kv_head, int count);
// Query rows of one KV head, padded.
int64_t SplitRows(const AttentionShape& s);
// Floats that hold the f16 and the f32 scales of a tile of K or V in q8_0.
int64_t ScaleFloats(const AttentionShape& s);
// Floats of a slot: out[head_dim], max and sum of each padded row.
int64_t SplitSlotFloats(const AttentionShape& s);
// Floats that a thread works with.
int64_t SplitWorkFloats(const AttentionShape& s);
int64_t SplitScratchFloats(const AttentionShape& s, int threads);

// Tile: one unit is a block of queries of one KV head, at positions [begin, end) of the call.
struct TileUnit {
  int64_t kv_head = 0;
  Range tokens;
};
// The `turn`-th unit of `slice`, or an empty range of tokens once there are no more. Units are
// dealt from the longest to the shortest, to and fro over the threads, so that causal shares
// balance.
TileUnit TileUnitOf(const AttentionShape& s, int64_t turn, Slice slice);
int64_t TileBlockRows(const AttentionShape& s);      // most query rows of a unit, padded
int64_t TileScratchFloats(const AttentionShape& s);  // per thread

}  // namespace wattline::kernels
