// The division of attention among threads.
#include "kernels/attention/attention_plan.h"

#include <algorithm>

namespace wattline::kernels {
namespace {

int64_t TilesPerHead(const AttentionShape& s) {
  return (s.start + s.tokens + kTilePositions - 1) / kTilePositions;
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
  return {std::min(begin * kTilePositions, positions), std::min(end * kTilePositions, positions)};
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

int64_t SplitSlotFloats(const AttentionShape& s) {
  const int64_t rows = s.tokens * (s.heads / s.kv_heads);
  const int64_t panels = (rows + kSplitPanel - 1) / kSplitPanel;
  return rows * s.head_dim + 2 * panels * kStatFloats;
}

int64_t SplitScratchFloats(const AttentionShape& s, int threads) {
  return (s.kv_heads + threads - 1) * SplitSlotFloats(s);
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
  return std::max(kBlockRows, s.heads / s.kv_heads);
}

// Q and out of a block, its maxima and sums, K transposed and V of a tile, the scores of a panel.
int64_t TileScratchFloats(const AttentionShape& s) {
  const int64_t rows = TileBlockRows(s);
  const int64_t panels = (rows + kTilePanel - 1) / kTilePanel;
  return 2 * rows * s.head_dim + 2 * panels * kStatFloats + 2 * kTilePositions * s.head_dim +
         kTilePanel * kTilePositions;
}

}  // namespace wattline::kernels
