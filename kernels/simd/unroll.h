// A loop whose index is a constant in its body.
#pragma once

namespace wattline::kernels {

template <int kIndex>
struct Constant {
  static constexpr int value = kIndex;
};

// Calls body(Constant<0>), ..., body(Constant<kCount - 1>). The body's own type keeps the
// instantiations of files with different instruction sets apart.
template <int kCount, int kFrom = 0, class Body>
[[gnu::always_inline]] inline void Unroll(const Body& body) {
  if constexpr (kFrom < kCount) {
    body(Constant<kFrom>{});
    Unroll<kCount, kFrom + 1>(body);
  }
}

}  // namespace wattline::kernels
