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
// Positions of the cache in a tile of either way.
constexpr int64_t kTilePositions = 64;
// Query rows (tokens x heads of a group) of a block that shares each widened K/V tile: 20 panels
// of 6 rows, and divisible by the groups that models have (1, 2, 3, 4, 5, 6, 8). Widening takes 5 %
// of a prefill; 240 rows gained nothing with head_dim 64 and lost 4 % with 128.
constexpr int64_t kBlockRows = 120;
// Query rows of a panel: of the tile way (6 x 4 or 6 x 2 vectors of sums) and of the split way.
constexpr int64_t kTilePanel = 6;
constexpr int64_t kSplitPanel = 4;
// The running maxima, and the sums, of a panel's rows lie in a block of their own of so many
// floats.
constexpr int64_t kStatFloats = 16;
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
// Floats of a slot: for each of its tokens x group rows out[head_dim], for each panel max and sum.
int64_t SplitSlotFloats(const AttentionShape& s);
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
int64_t TileBlockRows(const AttentionShape& s);      // most query rows of a unit
int64_t TileScratchFloats(const AttentionShape& s);  // per thread

}  // namespace wattline::kernels
