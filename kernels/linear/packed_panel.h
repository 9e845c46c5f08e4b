// The body of the linear layer for many tokens and packed weights, shared by the instruction sets:
// a panel of weight rows is unpacked to bytes once and meets all tokens, rounded to 8 bits, in
// integer dot products. P is an instruction set's tile (packed_tile_avx512.h ...), V the vectors
// that unpack (simd/unpack.h).
//
// Per run of 32 columns a weight is scale * q + offset and an activation x_scale * x, so
//   y[t, r] = sum over runs of x_scale[t] (scale[r] * dot(q, x) + offset[r] * sum(x)).
// The integers' dot product is exact. Where the offset is -zero * scale (q4_0, and all formats
// whose signed q is stored as q + zero), the sum over (q - zero) x is dot(q, x) - zero * sum(x):
// the integer accumulators start from there and no offset is left.
//
// P lives in an unnamed namespace and has:
//   Turn               GEMM's tile, for its transposition of words
//   kCols              rows of W in a panel
//   kTokens            tokens of a group, which share a run of the panel while it is in registers
//   kBlockRuns         kAllRuns
//   Zero<U>()          zero of format U = Unpack<V, format>, of those below
//   Shift<U>()         what is added to q to get the stored byte
//   StoreShifted<n>    stores 32 of them
//   Quantise           32 activations to 8 bits
//   Widen              f16 in the low halves of words to f32, those in the high halves too, or not
//   kBias, SetBias     what the tile wants for each run and row beside the scale, or not
//   Start              what the tile wants for each run and token, from zero * sum(x)
//   Tokens<U>          adds one run of a panel's products to the sums of all tokens
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/format.h"
#include "kernels/gemm/gemm_tile.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/panel.h"
#include "kernels/simd/unpack.h"
#include "kernels/simd/unroll.h"
#include "kernels/slice.h"

namespace wattline::kernels::packed_panel {

// Runs of a block of x where it has them all.
inline constexpr int64_t kAllRuns = int64_t{1} << 40;

// The activations of `tokens` x `runs` runs of 32, by blocks of P::kBlockRuns runs (the last may be
// shorter) and within a block by groups of P::kTokens tokens (so may the last): see At. What a tile
// reads is one stream.
struct Forms {
  int8_t* x;          // 32 a run
  float* scale;       // max |x| / 127
  float* sum;         // of the integers
  int32_t* start[4];  // P::Start of 8 sum, 128 sum, and of 32 times the sum of each half
};

// In the panel, behind what dense weights take, so that both can be there at once.
template <class P>
Forms FormsOf(const Activations& x) {
  const int64_t runs = (x.cols + 31) / 32, count = x.tokens * runs;
  std::byte* at = x.panel + DensePanelByte(x.tokens, x.cols);
  const auto take = [&at](int64_t byte) {
    std::byte* taken = at;
    at += byte;
    return taken;
  };
  Forms forms;
  forms.x = reinterpret_cast<int8_t*>(take(count * 32));
  forms.scale = reinterpret_cast<float*>(take(count * 4));
  forms.sum = reinterpret_cast<float*>(take(count * 4));
  for (int32_t*& start : forms.start) start = reinterpret_cast<int32_t*>(take(count * 4));
  return forms;
}

// The number of run `run` of token t0 + i, of a group of n tokens that starts at t0.
template <class P>
int64_t At(const Activations& x, int64_t t0, int64_t run, int64_t n, int64_t i) {
  const int64_t runs = x.cols / 32, run0 = run / P::kBlockRuns * P::kBlockRuns;
  const int64_t block_runs = runs - run0 < P::kBlockRuns ? runs - run0 : P::kBlockRuns;
  return run0 * x.tokens + t0 * block_runs + (run - run0) * n + i;
}

// Blocks whose largest |x| is below this count as zeros: 127 / max would overflow soon after.
constexpr float kTiny = 0x1p-100f;

template <class P>
void Prepare(Activations& x, Slice slice) {
  const int64_t runs = x.cols / 32;
  const Forms forms = FormsOf<P>(x);
  // A slice takes whole runs of columns of every token: tokens may be few.
  const Range share = Share(runs, 1, slice);
  for (int64_t t0 = 0; t0 < x.tokens; t0 += P::kTokens) {
    const int64_t n = x.tokens - t0 < P::kTokens ? x.tokens - t0 : P::kTokens;
    // Eight runs at a time: what they write stays in L1 while the tokens pass.
    for (int64_t run0 = share.begin; run0 < share.end; run0 += 8) {
      const int64_t run1 = share.end - run0 < 8 ? share.end : run0 + 8;
      for (int64_t i = 0; i < n; ++i) {
        const float* from = x.f32 + (t0 + i) * x.cols;
        for (int64_t run = run0; run < run1; ++run) {
          __builtin_prefetch(from + x.cols + run * 32);
          __builtin_prefetch(from + x.cols + run * 32 + 16);
          const int64_t at = At<P>(x, t0, run, n, i);
          const auto sums = P::Quantise(from + run * 32, forms.x + at * 32, forms.scale + at);
          const int32_t sum = sums.low + sums.high;
          forms.sum[at] = static_cast<float>(sum);
          forms.start[0][at] = P::Start(8 * sum);
          forms.start[1][at] = P::Start(128 * sum);
          forms.start[2][at] = P::Start(32 * sums.low);
          forms.start[3][at] = P::Start(32 * sums.high);
        }
      }
    }
  }
}

// Calls body(IsFormat<format>{}) for packed formats.
template <Format kFormat>
struct IsFormat {};
template <class Body>
void WithFormat(Format format, const Body& body) {
  switch (format) {
    case Format::kQ8_0:
      return body(IsFormat<Format::kQ8_0>{});
    case Format::kQ4_0:
      return body(IsFormat<Format::kQ4_0>{});
    case Format::kQ4_1:
      return body(IsFormat<Format::kQ4_1>{});
    case Format::kQ4_K:
      return body(IsFormat<Format::kQ4_K>{});
    case Format::kQ5_K:
      return body(IsFormat<Format::kQ5_K>{});
    case Format::kQ6_K:
      return body(IsFormat<Format::kQ6_K>{});
    case Format::kMlx4:
      return body(IsFormat<Format::kMlx4>{});
    default:
      return;  // dense: panel.h; or CpuHolds says no
  }
}

// A panel of W: P::kCols rows over all runs of 32 columns.
template <class P>
struct Panel {
  using Row = float[P::kCols];
  uint32_t (*packed)[P::kCols];  // [runs * 8]: 4 bytes of 4 columns of a row in a word
  Row* scale;                    // [runs * scales]
  Row* bias;                     // [runs]
  Row* offset;                   // [runs]
};
template <class P>
constexpr int64_t PackedByte(int64_t runs) {
  return runs * P::kCols * (32 + 2 * 4 + 4 + 4);
}

// Panels that are unpacked at a time: 600 kB of them, so that a group of tokens, which meets one
// after the other, stays in L2 beside them (3 for 4096 columns).
template <class P>
constexpr int64_t Panels(int64_t runs) {
  const int64_t fit = 600000 / PackedByte<P>(runs);
  return fit > 1 ? fit : 1;
}

// A thread's scratch before the panels: the sums of a group of tokens, and rows of a panel before
// they are turned, so many runs at a time.
constexpr int64_t kRowRuns = 16;
template <class P>
struct Room {
  float sums[P::kTokens][P::kCols];
  uint8_t q[P::kCols][kRowRuns * 32];
  float scale[P::kCols][kRowRuns * 2];
  float offset[P::kCols][kRowRuns];
};

template <class P>
constexpr int64_t ScratchByte(int64_t cols) {
  const int64_t runs = cols / 32;
  return static_cast<int64_t>(sizeof(Room<P>)) + Panels<P>(runs) * PackedByte<P>(runs) + 63;
}
template <class P>
Room<P>& RoomAt(std::byte* scratch) {
  const auto at = (reinterpret_cast<uintptr_t>(scratch) + 63) / 64 * 64;
  return *reinterpret_cast<Room<P>*>(at);
}
template <class P>
Panel<P> PanelAt(Room<P>& room, int64_t runs, int64_t index) {
  auto* at = reinterpret_cast<std::byte*>(&room + 1) + index * PackedByte<P>(runs);
  const auto take = [&at](int64_t rows) {
    std::byte* taken = at;
    at += rows * P::kCols * 4;
    return reinterpret_cast<typename Panel<P>::Row*>(taken);
  };
  Panel<P> panel;
  panel.packed = reinterpret_cast<uint32_t(*)[P::kCols]>(take(runs * 8));
  panel.scale = take(runs * 2);
  panel.bias = take(runs);
  panel.offset = take(runs);
  return panel;
}

// Blocks that begin with an f16 scale, and some with an f16 offset next: both are kept as they are
// until a panel's rows are turned and 16 lanes widen at once. One by one they cost as much as the
// integers.
constexpr bool HasHalves(Format format) {
  return format == Format::kQ8_0 || format == Format::kQ4_0 || format == Format::kQ4_1 ||
         format == Format::kMlx4;
}

// `runs` runs of one row, from `block` on. Where HasHalves, the first four bytes of the block go
// into `scale`.
template <class P, class V, Format kFormat>
void UnpackRow(const std::byte* block, int64_t runs, uint8_t* q, float* scale, float* offset) {
  using U = Unpack<V, kFormat>;
  const auto unpack = [&]<int kCount>(Constant<kCount>) __attribute__((always_inline)) {
    if constexpr (!HasHalves(kFormat)) U::template Scales<kCount>(block, scale, offset);
    Unroll<kCount>([&](auto r) __attribute__((always_inline)) {
      constexpr int kRun = decltype(r)::value;
      const std::byte* at = block + kRun / U::kRuns * U::kBlockByte;
      if constexpr (HasHalves(kFormat)) std::memcpy(scale + kRun, at, 4);
      P::template StoreShifted<P::template Shift<U, kFormat>()>(U::template Q<kRun % U::kRuns>(at),
                                                                q + kRun * 32);
    });
    block += kCount / U::kRuns * U::kBlockByte;
    q += kCount * 32;
    scale += kCount * U::kScales;
    offset += kCount;
  };
  int64_t run = 0;
  for (; run + 8 <= runs; run += 8) unpack(Constant<8>{});
  if constexpr (U::kRuns < 8) {
    for (; run < runs; run += U::kRuns) unpack(Constant<U::kRuns>{});
  }
}

// `count` rows of W from row j on; the rest of the panel is zero.
template <class P, class V, Format kFormat>
void UnpackPanel(const Matrix& w, int64_t j, int64_t count, Room<P>& room, const Panel<P>& panel) {
  using U = Unpack<V, kFormat>;
  constexpr bool kOffset = P::template HasOffset<U, kFormat>();
  const int64_t row_byte = RowByte(kFormat, w.cols), all_runs = w.cols / 32;
  if (count < P::kCols) std::memset(panel.packed, 0, static_cast<size_t>(PackedByte<P>(all_runs)));
  const auto turn = [count](const void* rows, int64_t stride_byte, int64_t words, void* out) {
    tile::TransposeWords<typename P::Turn>(static_cast<const std::byte*>(rows), stride_byte, count,
                                           words, static_cast<uint32_t*>(out), P::kCols);
  };
  for (int64_t run0 = 0; run0 < all_runs; run0 += kRowRuns) {
    const int64_t runs = all_runs - run0 < kRowRuns ? all_runs - run0 : kRowRuns;
    const std::byte* block = w.data + j * row_byte + run0 / U::kRuns * U::kBlockByte;
    for (int64_t r = 0; r < count; ++r) {
      UnpackRow<P, V, kFormat>(block + r * row_byte, runs, room.q[r], room.scale[r],
                               room.offset[r]);
    }
    turn(room.q, sizeof room.q[0], runs * 8, panel.packed[run0 * 8]);
    turn(room.scale, sizeof room.scale[0], runs * U::kScales, panel.scale[run0 * U::kScales]);
    if constexpr (kOffset && !HasHalves(kFormat)) {
      turn(room.offset, sizeof room.offset[0], runs, panel.offset[run0]);
    }
  }
  for (int64_t run = 0; run < all_runs; ++run) {
    float* scale = panel.scale[run * U::kScales];
    if constexpr (HasHalves(kFormat)) P::template Widen<kOffset>(scale, panel.offset[run]);
    if constexpr (P::kBias) P::template SetBias<U::kScales>(scale, panel.bias[run]);
  }
}

// One run of a panel and a group of tokens.
struct RunArgs {
  const uint32_t* packed;   // [8, kCols]
  const float* scale;       // [scales, kCols]
  const float* bias;        // [kCols]
  const float* offset;      // [kCols]
  const int8_t* x;          // [tokens, 32]
  const float* x_scale;     // [tokens]
  const float* x_sum;       // [tokens]
  const int32_t* start[2];  // [tokens], of the run or of its halves; null where zero is 0
  float* sums;              // [tokens, kCols]
  int64_t tokens;
};

// y[n, count] = the panel times tokens t0 .. t0 + n - 1.
template <class P, class V, Format kFormat>
void Tile(const Forms& forms, int64_t t0, int64_t n, int64_t runs, const Panel<P>& panel,
          Room<P>& room, float* y, int64_t y_stride, int64_t count) {
  using U = Unpack<V, kFormat>;
  constexpr int kZero = P::template Zero<U, kFormat>();
  constexpr int kStart = kZero == 8 ? 0 : kZero == 128 ? 1 : 2;
  std::memset(room.sums, 0, static_cast<size_t>(n) * sizeof room.sums[0]);
  int64_t asked = 0;
  const int64_t asks = (n + runs - 1) / runs;
  for (int64_t run = 0; run < runs; ++run) {
    const int64_t at = t0 * runs + run * n;
    RunArgs args;
    args.packed = panel.packed[run * 8];
    args.scale = panel.scale[run * U::kScales];
    args.bias = panel.bias[run];
    args.offset = panel.offset[run];
    args.x = forms.x + at * 32;
    args.x_scale = forms.scale + at;
    args.x_sum = forms.sum + at;
    args.start[0] = forms.start[kStart] + at;
    args.start[1] = forms.start[3] + at;
    args.sums = room.sums[0];
    args.tokens = n;
    // Rows of y are far apart, where the hardware does not see them coming: a few lines are asked
    // for at a time.
    for (int64_t i = 0; i < asks && asked < n; ++i, ++asked) {
      for (int64_t c = 0; c < count; c += 16) __builtin_prefetch(y + asked * y_stride + c, 1, 2);
    }
    P::template Run<V, kFormat>(args);
  }
  for (int64_t t = 0; t < n; ++t) {
    std::memcpy(y + t * y_stride, room.sums[t], static_cast<size_t>(count) * 4);
  }
}

// The slice's share of the rows of W, every row unpacked once.
template <class P, class V, Format kFormat>
void LinearOf(const LinearArgs& args, Slice slice) {
  const Matrix& w = args.w;
  const int64_t runs = w.cols / 32, tokens = args.x->tokens, panels = Panels<P>(runs);
  const Forms forms = FormsOf<P>(*args.x);
  const Range share = panel::Part(w.rows, P::kCols, slice);
  const auto count = [&](int64_t j) { return share.end - j < P::kCols ? share.end - j : P::kCols; };
  Room<P>& room = RoomAt<P>(args.scratch);
  for (int64_t j0 = share.begin; j0 < share.end; j0 += panels * P::kCols) {
    for (int64_t p = 0, j = j0; p < panels && j < share.end; ++p, j += P::kCols) {
      UnpackPanel<P, V, kFormat>(w, j, count(j), room, PanelAt<P>(room, runs, p));
    }
    for (int64_t t0 = 0; t0 < tokens; t0 += P::kTokens) {
      const int64_t n = tokens - t0 < P::kTokens ? tokens - t0 : P::kTokens;
      for (int64_t p = 0, j = j0; p < panels && j < share.end; ++p, j += P::kCols) {
        Tile<P, V, kFormat>(forms, t0, n, runs, PanelAt<P>(room, runs, p), room,
                            args.y + t0 * args.y_stride + j, args.y_stride, count(j));
      }
    }
  }
}

template <class P, class V>
void Linear(const LinearArgs& args, Slice slice) {
  WithFormat(args.w.format,
             [&]<Format kFormat>(IsFormat<kFormat>) { LinearOf<P, V, kFormat>(args, slice); });
}

}  // namespace wattline::kernels::packed_panel
