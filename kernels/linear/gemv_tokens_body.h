// Packed weights meeting 4 or 8 interleaved tokens: lanes are tokens, so that a dot product is
// converted and scaled once for all of them. 32 / kTokens consecutive weights are repeated from
// memory for each token's lanes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"
#include "kernels/linear/gemv_rows.h"
#include "kernels/simd/unpack.h"
#include "kernels/simd/unroll.h"

namespace wattline::kernels {

// Prefetches for the lines from `line` up to `end`, each once; `line` is the next one.
template <class V>
[[gnu::always_inline]] inline void PrefetchTo(const std::byte* end, const std::byte*& line) {
  for (; line < end; line += 64) V::Prefetch(line);
}

template <class V, Format kFormat, int kTokens>
class TokensDot {
 public:
  static void Row(const GemvRows& g, const std::byte* row, int64_t token, float* y) {
    const int64_t runs = g.cols / 32;
    TokensDot dot{g.q8 + token * g.cols,
                  g.q8_scale + token * runs,
                  g.q8_block_sum + token * runs,
                  V::Zero(),
                  V::Zero(),
                  V::Zero()};
    const std::byte* line = row;
    int64_t run = 0;
    for (; run + 8 <= runs; run += 8, row += kGroupByte) {
      PrefetchTo<V>(row + kGroupByte, line);
      dot.template Add<8>(row, run);
    }
    if constexpr (U::kRuns < 8) {
      for (; run < runs; run += U::kRuns, row += U::kBlockByte) {
        dot.template Add<U::kRuns>(row, run);
      }
    }
    constexpr int kShare = V::kSumLanes / kTokens;
    float sum[V::kSumLanes], offset[V::kSumLanes];
    V::StoreSums(V::Add(dot.even_, dot.odd_), sum);
    V::StoreSums(dot.offset_, offset);
    for (int t = 0; t < kTokens; ++t) {
      float total = offset[t * kShare];
      for (int lane = 0; lane < kShare; ++lane) total += sum[t * kShare + lane];
      y[t * g.y_stride] = total;
    }
  }

  const int8_t* q8;
  const float* scale;
  const float* block_sum;
  typename V::Sums even_, odd_, offset_;

 private:
  using U = Unpack<V, kFormat>;
  static constexpr int64_t kGroupByte = int64_t{8} / U::kRuns * U::kBlockByte;

  // kCount runs of 32, of which `run` is the first.
  template <int kCount>
  [[gnu::always_inline]] void Add(const std::byte* block, int64_t run) {
    float of_run[kCount * U::kScales], offset[kCount];
    U::template Scales<kCount>(block, of_run, offset);
    V::InMemory(of_run);
    if constexpr (U::kOffset) V::InMemory(offset);
    Unroll<kCount>([&](auto r) __attribute__((always_inline)) {
      constexpr int kRun = decltype(r)::value, kLast = (kRun + 1) * U::kScales - 1;
      const typename V::Bytes bytes =
          U::template Q<kRun % U::kRuns>(block + kRun / U::kRuns * U::kBlockByte);
      alignas(32) int8_t q[32], magnitude[32];
      V::StoreBytes(bytes, q);
      V::InMemory(q);
      if constexpr (U::kSigned) {
        V::StoreBytes(V::Magnitude(bytes), magnitude);
        V::InMemory(magnitude);
      }
      const int8_t* x = q8 + (run + kRun) * 32 * kTokens;
      const int64_t at = (run + kRun) * kTokens;
      const typename V::Sums of_tokens = V::template Spread<kTokens>(scale + at);
      typename V::Sums& sum = kRun % 2 == 0 ? even_ : odd_;
      const auto add = [&](auto from, auto count, float factor) __attribute__((always_inline)) {
        constexpr int kFrom = decltype(from)::value, kTo = kFrom + decltype(count)::value;
        sum = V::MultiplyAdd(
            sum,
            V::template DotTokens<kTokens, kFrom, kTo, U::kSigned, U::kLargest>(q, magnitude, x),
            V::Multiply(of_tokens, factor));
      };
      if constexpr (U::kScales == 2) {
        add(Constant<0>{}, Constant<kTokens / 2>{}, of_run[2 * kRun]);
        add(Constant<kTokens / 2>{}, Constant<kTokens / 2>{}, of_run[kLast]);
      } else {
        add(Constant<0>{}, Constant<kTokens>{}, of_run[kRun]);
      }
      if constexpr (U::kOffset) {
        offset_ =
            V::MultiplyAdd(offset_, V::template Spread<kTokens>(block_sum + at), offset[kRun]);
      }
    });
  }
};

}  // namespace wattline::kernels
