// How work is divided among threads: thread `index` of `count` takes its share.
#pragma once

#include <cstdint>

namespace wattline::kernels {

struct Slice {
  int index = 0;
  int count = 1;
};

struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

// The slice's contiguous share of `items`, in whole multiples of `grain` (the last share may end in
// a partial one). Shares differ by at most one grain and cover every item once.
constexpr Range Share(int64_t items, int64_t grain, Slice slice) {
  const int64_t grains = (items + grain - 1) / grain;
  const int64_t begin = grains * slice.index / slice.count * grain;
  const int64_t end = grains * (slice.index + 1) / slice.count * grain;
  return {begin < items ? begin : items, end < items ? end : items};
}

}  // namespace wattline::kernels
