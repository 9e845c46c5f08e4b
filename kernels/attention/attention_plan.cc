// The division of attention among threads.
#include "kernels/attention/attention_plan.h"

#include <algorithm>

namespace wattline::kernels {
namespace {

int64_t RoundUp(int64_t n, int64_t grain) { return (n + grain - 1) / grain * grain; }

int64_t TilesPerHead(const AttentionShape& s) {
  return (s.start + s.tokens + kSplitPositions - 1) / kSplitPositions;
}

Range SplitTiles(const AttentionShape& s, Slice slice) {
  return Share(s.kv_heads * TilesPerHead(s), 1, slice);
}

}  // namespace

Range SplitPositions(const AttentionShape& s, int64_t kv_head, Slice slice) {
  const int64_t tiles = TilesPerHead(s);
  const Range mine = SplitTiles(s, slice);
  const int64_t begin = std::clamp<int64_t>(mine.begin - kv_head * tiles, 0, tiles);
  const int64_t end = std::clamp<int64_t>(mine.end - kv_head * tiles, 0, tiles);
  const int64_t positions = s.start + s.tokens;
  return {std::min(begin * kSplitPositions, positions), std::min(end * kSplitPositions, positions)};
}

Range SplitHeads(const AttentionShape& s, Slice slice) {
  const int64_t tiles = TilesPerHead(s);
  const Range mine = SplitTiles(s, slice);
  if (mine.begin == mine.end) return {};
  return {mine.begin / tiles, (mine.end + tiles - 1) / tiles};
}

Range SplitSlices(const AttentionShape& s, int64_t kv_head, int count) {
  Range slices;
  bool found = false;
  for (int i = 0; i < count; ++i) {
    const Range positions = SplitPositions(s, kv_head, {i, count});
    if (positions.begin == positions.end) continue;
    if (!found) slices.begin = i;
    found = true;
    slices.end = i + 1;
  }
  return slices;
}

int64_t SplitRows(const AttentionShape& s) {
  return RoundUp(s.tokens * (s.heads / s.kv_heads), kSplitRowGrain);
}

int64_t SplitSlotFloats(const AttentionShape& s) { return SplitRows(s) * (s.head_dim + 2); }

int64_t ScaleFloats(const AttentionShape& s) {
  return kTilePositions * RoundUp(s.head_dim, 32) / 32 * 3 / 2 + 2 * kSplitRowGrain;
}

// Q by lanes, some positions of K, the scores of a tile, scales, and four numbers a row.
int64_t SplitWorkFloats(const AttentionShape& s) {
  return SplitRows(s) * (s.head_dim + kSplitPositions + 4) + kSplitStep * kSplitStride +
         ScaleFloats(s);
}

int64_t SplitScratchFloats(const AttentionShape& s, int threads) {
  return (s.kv_heads + threads - 1) * SplitSlotFloats(s) + threads * SplitWorkFloats(s);
}

TileUnit TileUnitOf(const AttentionShape& s, int64_t turn, Slice slice) {
  const int64_t block = std::max<int64_t>(1, kBlockRows / (s.heads / s.kv_heads));
  const int64_t blocks = (s.tokens + block - 1) / block;
  const int64_t place = turn % 2 == 0 ? slice.index : slice.count - 1 - slice.index;
  const int64_t unit = turn * slice.count + place;
  if (unit >= blocks * s.kv_heads) return {};
  const int64_t index = blocks - 1 - unit / s.kv_heads;
  return {unit % s.kv_heads, {index * block, std::min(s.tokens, (index + 1) * block)}};
}

int64_t TileBlockRows(const AttentionShape& s) {
  return RoundUp(std::max(kBlockRows, s.heads / s.kv_heads), kTileRowGrain);
}

// Q and out of a block, its maxima, sums, views and offsets, K and V of a tile, their scales, the
// scores of a panel.
int64_t TileScratchFloats(const AttentionShape& s) {
  return 2 * TileBlockRows(s) * (s.head_dim + 1) + (2 * kTilePositions + kTileSpare) * s.head_dim +
         (kTilePositions + kTileSpare) * kTileRowGrain + ScaleFloats(s) + 3 * TileBlockRows(s);
}

}  // namespace wattline::kernels
