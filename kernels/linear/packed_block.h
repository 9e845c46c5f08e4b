// The linear layer for many tokens and packed weights, by blocks of columns: 16 runs of a panel of
// rows are unpacked to bytes that stay in L1 while all tokens pass, and the sums stay in registers
// over a block. Law, forms of x and the unpacking of a row: packed_panel.h.
//
// P lives in an unnamed namespace and has what packed_panel.h says of Zero, Shift, StoreShifted,
// Quantise, Start and HasOffset, and
//   Turn           GEMM's tile, for its transposition of words
//   kLanes         rows of W in a vector
//   kVectors       vectors of rows in a panel, at most
//   kTokens        tokens of a tile, at most
//   kBlockRuns     runs of 32 columns that are unpacked at a time
//   TurnRun        32 bytes of each of kLanes rows to 8 vectors of words
//   Factors        scales, bias and offset of a run, from words as they were turned
//   Tile           the sums of a block, of 1 .. kTokens tokens and 1 .. kVectors vectors
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"
#include "kernels/gemm/gemm_tile.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/packed_panel.h"
#include "kernels/linear/panel.h"
#include "kernels/matrix.h"
#include "kernels/simd/unpack.h"
#include "kernels/simd/unroll.h"
#include "kernels/slice.h"

namespace wattline::kernels::packed_block {

// A run of a panel of `width` rows, in words, width of them a line: 8 of packed bytes, the scales,
// the bias (minus kMagic times the scales), the offset where there is one.
template <int kScales, bool kOffset>
struct Record {
  static constexpr int kScale = 8, kBias = kScale + kScales, kOffsetLine = kBias + 1;
  static constexpr int kLines = kBias + 1 + (kOffset ? 1 : 0);
};
template <class P, class V, Format kFormat>
using RecordOf =
    Record<Unpack<V, kFormat>::kScales, P::template HasOffset<Unpack<V, kFormat>, kFormat>()>;
constexpr int kMostLines = 11;

// Tokens that meet a panel before the next is unpacked, and panels that take turns with a block of
// x: that block (600 kB of 1024 tokens) and the sums of those panels share L2 with what is fetched.
constexpr int64_t kMostTokens = 1024;
constexpr int64_t kSumByte = 400000;
template <class P>
constexpr int64_t TokensAtATime(int64_t tokens) {
  return tokens < kMostTokens ? tokens : kMostTokens;
}
template <class P>
constexpr int64_t PanelSums(int64_t tokens) {
  return TokensAtATime<P>(tokens) * P::kVectors * P::kLanes;
}
template <class P>
constexpr int64_t Panels(int64_t tokens) {
  const int64_t fit = kSumByte / (PanelSums<P>(tokens) * 4);
  return fit > 1 ? fit : 1;
}

// A thread's scratch before the sums: a block of a panel, and 16 of its rows before they are
// turned.
template <class P>
struct Room {
  uint32_t block[P::kBlockRuns * kMostLines * P::kVectors * P::kLanes];
  uint8_t q[P::kLanes][P::kBlockRuns * 32];
  float scale[P::kLanes][P::kBlockRuns * 2];
  float offset[P::kLanes][P::kBlockRuns];
  float turned_scale[P::kBlockRuns * 2][P::kLanes];
  float turned_offset[P::kBlockRuns][P::kLanes];
};
template <class P>
constexpr int64_t ScratchByte() {
  static_assert(kMostTokens * P::kVectors * P::kLanes * 4 <= kSumByte);
  return static_cast<int64_t>(sizeof(Room<P>)) + kSumByte + 63;
}

// Where a panel's rows and columns lie: rows j .. j + count - 1, runs run0 .. run0 + runs - 1.
struct Place {
  int64_t j, count, run0, runs;
};

// One vector of rows, `count` > 0 of them; the last row stands for those that lack.
template <class P, class V, Format kFormat>
void UnpackRows(const Matrix& w, const Place& place, Room<P>& room, uint32_t* out, int64_t width) {
  using U = Unpack<V, kFormat>;
  using R = RecordOf<P, V, kFormat>;
  constexpr bool kOffset = P::template HasOffset<U, kFormat>();
  constexpr bool kHalves = packed_panel::HasHalves(kFormat);
  const int64_t row_byte = RowByte(kFormat, w.cols), runs = place.runs;
  const std::byte* first = w.data + place.j * row_byte + place.run0 / U::kRuns * U::kBlockByte;
  for (int64_t r = 0; r < P::kLanes; ++r) {
    const int64_t row = r < place.count ? r : place.count - 1;
    packed_panel::UnpackRow<P, V, kFormat>(first + row * row_byte, runs, room.q[r], room.scale[r],
                                           room.offset[r]);
  }
  const auto turn = [](const void* rows, int64_t stride_byte, int64_t words, void* to) {
    tile::TransposeWords<typename P::Turn>(static_cast<const std::byte*>(rows), stride_byte,
                                           P::kLanes, words, static_cast<uint32_t*>(to), P::kLanes);
  };
  turn(room.scale, sizeof room.scale[0], runs * U::kScales, room.turned_scale);
  if constexpr (kOffset && !kHalves) {
    turn(room.offset, sizeof room.offset[0], runs, room.turned_offset);
  }
  for (int64_t run = 0; run < runs; ++run) {
    uint32_t* record = out + run * R::kLines * width;
    P::TurnRun(room.q[0] + run * 32, sizeof room.q[0], record, width);
    P::template Factors<U::kScales, kOffset, kHalves>(
        room.turned_scale[run * U::kScales], room.turned_offset[run],
        reinterpret_cast<float*>(record + R::kScale * width), width);
  }
}

// A block of a panel and the tokens of a tile.
struct TileArgs {
  const uint32_t* block;  // [runs, lines, width]
  int64_t runs;
  const int8_t* x;          // [runs, tokens, 32]
  const float* x_scale;     // [runs, tokens]
  const float* x_sum;       // [runs, tokens]
  const int32_t* start[2];  // [runs, tokens], of the run or of its halves
  const float* from;        // [tokens, width]: the sums of the blocks before; or null
  float* to;                // [tokens, width], to_stride apart
  int64_t to_stride;
  int64_t last_rows;  // of the last vector that are stored
  // The packed weights that come next: a block of two rows.
  const std::byte* ahead;
  int64_t ahead_stride_byte, ahead_run_byte;
};

// What comes after a block, to be fetched while it is used: `count` rows from `at` on.
struct Ahead {
  const std::byte* at;
  int64_t count, stride_byte, run_byte;
};

// Tokens t0 .. t0 + tokens - 1 against a block of kVectors vectors of rows.
template <class P, class V, Format kFormat, int kVectors>
void Sweep(const packed_panel::Forms& forms, const Activations& x, int64_t t0, int64_t tokens,
           const Place& place, const Room<P>& room, float* sums, float* y, int64_t y_stride,
           const Ahead& ahead) {
  using U = Unpack<V, kFormat>;
  constexpr int64_t kWidth = kVectors * P::kLanes;
  constexpr int kZero = P::template Zero<U, kFormat>();
  constexpr int kStart = kZero == 8 ? 0 : kZero == 128 ? 1 : 2;
  TileArgs args;
  args.block = room.block;
  args.runs = place.runs;
  args.last_rows = place.count - (kVectors - 1) * P::kLanes;
  args.ahead_run_byte = ahead.run_byte;
  const int64_t tiles = (tokens + P::kTokens - 1) / P::kTokens;
  const int64_t rows_a_tile = (ahead.count + tiles - 1) / tiles;
  const bool last = place.run0 + place.runs == x.cols / 32;
  int64_t row = 0;
  for (int64_t t = t0; t < t0 + tokens; t += P::kTokens) {
    const int64_t n = t0 + tokens - t < P::kTokens ? t0 + tokens - t : P::kTokens;
    const int64_t at = packed_panel::At<P>(x, t, place.run0, n, 0);
    args.x = forms.x + at * 32;
    args.x_scale = forms.scale + at;
    args.x_sum = forms.sum + at;
    args.start[0] = forms.start[kStart] + at;
    args.start[1] = forms.start[3] + at;
    float* kept = sums + (t - t0) * kWidth;
    args.from = place.run0 > 0 ? kept : nullptr;
    args.to = last ? y + t * y_stride : kept;
    args.to_stride = last ? y_stride : kWidth;
    args.ahead = ahead.at + row * ahead.stride_byte;
    args.ahead_stride_byte = rows_a_tile > 1 ? ahead.stride_byte : 0;
    row = row + rows_a_tile < ahead.count ? row + rows_a_tile : row;
    P::template Tile<V, kFormat, kVectors>(args, n);
  }
}

// The slice's share of the rows of W, every row unpacked once for kMostTokens tokens.
template <class P, class V, Format kFormat>
void LinearOf(const LinearArgs& args, Slice slice) {
  using U = Unpack<V, kFormat>;
  using R = RecordOf<P, V, kFormat>;
  const Matrix& w = args.w;
  const Activations& x = *args.x;
  const int64_t runs = w.cols / 32, row_byte = RowByte(kFormat, w.cols);
  const int64_t at_a_time = TokensAtATime<P>(x.tokens), panels = Panels<P>(x.tokens);
  const packed_panel::Forms forms = packed_panel::FormsOf<P>(x);
  const Range share = panel::Part(w.rows, P::kLanes, slice);
  const auto begin = (reinterpret_cast<uintptr_t>(args.scratch) + 63) / 64 * 64;
  auto& room = *reinterpret_cast<Room<P>*>(begin);
  auto* sums = reinterpret_cast<float*>(&room + 1);
  // Rows of the panel at j: kVectors vectors; two of two where the last would have one.
  const auto rows_at = [&](int64_t j) {
    const int64_t vectors = (share.end - j + P::kLanes - 1) / P::kLanes;
    const int64_t most = vectors == P::kVectors + 1 ? P::kVectors - 1 : P::kVectors;
    const int64_t rows = most * P::kLanes;
    return share.end - j < rows ? share.end - j : rows;
  };
  for (int64_t t0 = 0; t0 < x.tokens; t0 += at_a_time) {
    const int64_t tokens = x.tokens - t0 < at_a_time ? x.tokens - t0 : at_a_time;
    for (int64_t j0 = share.begin, next_j0; j0 < share.end; j0 = next_j0) {
      next_j0 = j0;
      for (int64_t p = 0; p < panels && next_j0 < share.end; ++p) next_j0 += rows_at(next_j0);
      for (int64_t run0 = 0; run0 < runs; run0 += P::kBlockRuns) {
        float* panel_sums = sums;
        for (int64_t j = j0; j < next_j0; panel_sums += PanelSums<P>(x.tokens)) {
          const int64_t block_runs = runs - run0 < P::kBlockRuns ? runs - run0 : P::kBlockRuns;
          const Place place{j, rows_at(j), run0, block_runs};
          const int64_t vectors = (place.count + P::kLanes - 1) / P::kLanes;
          for (int64_t v = 0; v < vectors; ++v) {
            const int64_t row = v * P::kLanes, left = place.count - row;
            UnpackRows<P, V, kFormat>(
                w, {j + row, left < P::kLanes ? left : P::kLanes, run0, block_runs}, room,
                room.block + row, vectors * P::kLanes);
          }
          j += place.count;
          // The panel beside this one; after the last the next columns of the first, and then the
          // next rows.
          const bool beside = j < next_j0, columns = run0 + P::kBlockRuns < runs;
          const int64_t next_j = beside ? j : columns ? j0 : next_j0;
          const int64_t next_run = beside ? run0 : columns ? run0 + P::kBlockRuns : 0;
          Ahead ahead{w.data, 1, row_byte, U::kBlockByte / U::kRuns};
          if (next_j < share.end) {
            ahead.at = w.data + next_j * row_byte + next_run / U::kRuns * U::kBlockByte;
            ahead.count = rows_at(next_j);
          }
          const auto sweep = [&]<int kVectors>(Constant<kVectors>) {
            Sweep<P, V, kFormat, kVectors>(forms, x, t0, tokens, place, room, panel_sums,
                                           args.y + place.j, args.y_stride, ahead);
          };
          static_assert(P::kVectors == 3 && R::kLines <= kMostLines);
          if (vectors == 3) sweep(Constant<3>{});
          if (vectors == 2) sweep(Constant<2>{});
          if (vectors == 1) sweep(Constant<1>{});
        }
      }
    }
  }
}

template <class P, class V>
void Linear(const LinearArgs& args, Slice slice) {
  packed_panel::WithFormat(args.w.format, [&]<Format kFormat>(packed_panel::IsFormat<kFormat>) {
    LinearOf<P, V, kFormat>(args, slice);
  });
}

}  // namespace wattline::kernels::packed_block
