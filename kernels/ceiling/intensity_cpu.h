// The loops of the intensity sweep, written once for every instruction set and format.
//
// An Op has: kFormat; kVectorByte; kChains accumulators (a third of them is a power of two); kParts
// registers that one vector of x becomes (2 where bf16 is widened); Part Load<k>(const char*), the
// k-th of them; Multiplier, made from y; Acc, Acc Zero(), Acc MulAdd<k>(Acc, Part, const
// Multiplier&) for the k-th part; Store(Lane*, Acc) of its 32-bit lanes; and Touch, which loads and
// drops. Load, MulAdd and Touch are volatile asm statements: nothing is folded, and they stay in
// the order written here, so that no more registers are live than are meant to be.
//
// Measured on one core of an Emerald Rapids VM, 2026-11-21. At 1024 FLOP per byte, from any level:
// 97 to 105 % of the peak loops, both sides scattering with the clock. At 1/16: 100 % of the
// fastest reads from the second-level cache, from the third and from memory, 92 to 98 % from the
// first. There one multiply-add beside 8 loads of 512 bits costs 7 %, also in a loop written in asm
// by hand. Four walks at once, which help reads there, reached 85 % of one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "kernels/ceiling/ceiling.h"

namespace wattline::kernels {

template <typename Op>
struct Chains {
  typename Op::Acc acc[Op::kChains];
};

// Not inlined: unrolled it would be ten times the loop's code. Sums of integers are exact as well.
template <typename Op>
[[gnu::noinline]] double SumOf(const typename Op::Lane* lanes) {
  double sum = 0;
  for (int i = 0; i < Op::kChains * Op::kVectorByte / 4; ++i) sum += lanes[i];
  return sum;
}

template <typename Op, int... kAcc>
[[gnu::always_inline]] inline void Clear(Chains<Op>& chains, std::integer_sequence<int, kAcc...>) {
  ((chains.acc[kAcc] = Op::Zero()), ...);
}

template <typename Op, int... kAcc>
[[gnu::always_inline]] inline double Total(const Chains<Op>& chains,
                                           std::integer_sequence<int, kAcc...>) {
  constexpr int kLanes = Op::kVectorByte / 4;
  alignas(64) typename Op::Lane lanes[Op::kChains * kLanes];
  (Op::Store(lanes + kAcc * kLanes, chains.acc[kAcc]), ...);
  return SumOf<Op>(lanes);
}

// A vector's registers.
template <typename Op>
struct Parts {
  [[gnu::always_inline]] explicit Parts(const char* p) {
    first = Op::template Load<0>(p);
    if constexpr (Op::kParts == 2) second = Op::template Load<1>(p);
  }
  template <int k>
  [[gnu::always_inline]] typename Op::Part At() const {
    if constexpr (k == 0) return first;
    if constexpr (k == 1) return second;
  }
  typename Op::Part first;
  typename Op::Part second;
};

// One multiply-add for each kNext; they go round the chains from kFirst on, and round the parts.
template <typename Op, int kFirst, int... kNext>
[[gnu::always_inline]] inline void MulAdds(Chains<Op>& chains, const Parts<Op>& x,
                                           const typename Op::Multiplier& y,
                                           std::integer_sequence<int, kNext...>) {
  ((chains.acc[(kFirst + kNext) % Op::kChains] = Op::template MulAdd<kNext % Op::kParts>(
        chains.acc[(kFirst + kNext) % Op::kChains], x.template At<kNext % Op::kParts>(), y)),
   ...);
}

// 0: no software prefetch. One beyond the end does not fault.
template <int kAheadByte>
[[gnu::always_inline]] inline void Prefetch(const char* p) {
  if constexpr (kAheadByte > 0) {
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + kAheadByte));
  }
}

// What is written out for a group of vectors: each kEvery-th is multiplied, `times` times. Their
// count divides kIntensityBlockVectors; where all are multiplied, the group goes round all chains
// as far as 3 vectors and more can. Where few are, 16 vectors reached 4 % more than 24 from the
// first-level cache, and each chain still waits 8 loads or more for its next turn.
template <typename Op, int every, int times>
struct GroupOf {
  static constexpr int kEvery = every;
  static constexpr int kMulAdds = times * Op::kParts;  // of a vector that is multiplied
  static constexpr int kVectors = every > 1 ? std::max(16, every)
                                            : std::max(3, Op::kChains / kMulAdds);
  static_assert(kIntensityBlockVectors % kVectors == 0 && kVectors % kEvery == 0);
};

template <typename Op, typename Group, int kAheadByte, int kVector>
[[gnu::always_inline]] inline void OneOfGroup(const char* group, Chains<Op>& chains,
                                              const typename Op::Multiplier& y) {
  constexpr int kAt = kVector * Op::kVectorByte;
  const char* const p = group + kAt;
  if constexpr (kAt % 64 == 0) Prefetch<kAheadByte>(p);
  if constexpr (kVector % Group::kEvery != 0) {
    Op::Touch(p);
  } else {
    const Parts<Op> x(p);
    MulAdds<Op, kVector / Group::kEvery * Group::kMulAdds>(
        chains, x, y, std::make_integer_sequence<int, Group::kMulAdds>());
  }
}

template <typename Op, typename Group, int kAheadByte, int... kVector>
[[gnu::always_inline]] inline void WholeGroup(const char* group, Chains<Op>& chains,
                                              const typename Op::Multiplier& y,
                                              std::integer_sequence<int, kVector...>) {
  (OneOfGroup<Op, Group, kAheadByte, kVector>(group, chains, y), ...);
}

// Few multiply-adds for each vector. Neither this nor the next is inlined: tools/check_peak_loops
// looks for them.
template <typename Op, typename Group, int kAheadByte>
[[gnu::noinline]] double IntensityUnrolled(const IntensityArgs& args) {
  constexpr std::make_integer_sequence<int, Op::kChains> kAll;
  constexpr std::make_integer_sequence<int, Group::kVectors> kVectors;
  const char* const x = static_cast<const char*>(args.x);
  const typename Op::Multiplier y(static_cast<const char*>(args.y));
  Chains<Op> chains;
  Clear(chains, kAll);
  for (int64_t pass = 0; pass < args.passes; ++pass) {
    for (const char* group = x; group < x + args.byte; group += Group::kVectors * Op::kVectorByte) {
      WholeGroup<Op, Group, kAheadByte>(group, chains, y, kVectors);
    }
  }
  return Total(chains, kAll);
}

// Many: each vector meets all chains in turn, `rounds` times, and kTail of them once more. These
// lie in the middle, so that a chain's turn never comes sooner than a third of a round after its
// last.
template <typename Op, int kTail, int kAheadByte>
[[gnu::noinline]] double IntensityLooped(const IntensityArgs& args, int64_t rounds) {
  constexpr std::make_integer_sequence<int, Op::kChains> kAll;
  constexpr int kTailBegin = (Op::kChains - kTail) / 2 / Op::kParts * Op::kParts;
  asm volatile("" : "+r"(rounds));  // 1 where a vector meets them once: still a loop
  const char* const x = static_cast<const char*>(args.x);
  const typename Op::Multiplier y(static_cast<const char*>(args.y));
  Chains<Op> chains;
  Clear(chains, kAll);
  for (int64_t pass = 0; pass < args.passes; ++pass) {
    for (const char* vector = x; vector < x + args.byte; vector += Op::kVectorByte) {
      Prefetch<kAheadByte>(vector);
      const Parts<Op> parts(vector);
      int64_t left = rounds;
      do {
        MulAdds<Op, 0>(chains, parts, y, kAll);
      } while (--left > 0);
      MulAdds<Op, kTailBegin>(chains, parts, y, std::make_integer_sequence<int, kTail>());
    }
  }
  return Total(chains, kAll);
}

// 2^kPower multiply-adds for each vector, of each of its parts.
template <typename Op, int kPower, int kAheadByte>
double IntensityAt(const IntensityArgs& args) {
  if constexpr (kPower < 0) {
    return IntensityUnrolled<Op, GroupOf<Op, 1 << -kPower, 1>, kAheadByte>(args);
  } else {
    constexpr int kMulAdds = (1 << kPower) * Op::kParts;
    static_assert(Op::kChains % 3 == 0 && (Op::kChains / 3 & (Op::kChains / 3 - 1)) == 0);
    if constexpr (kMulAdds < Op::kChains) {
      return IntensityUnrolled<Op, GroupOf<Op, 1, 1 << kPower>, kAheadByte>(args);
    } else {
      // A power of two leaves one or two thirds of a round.
      return IntensityLooped<Op, kMulAdds % Op::kChains, kAheadByte>(args, kMulAdds / Op::kChains);
    }
  }
}

// Above 2^5 the code is that of 2^4 or 2^5, with more rounds.
template <typename Op, int kAheadByte>
double Intensity(const IntensityArgs& args) {
  constexpr double kOne = IntensityOfOne(Op::kFormat);
  const int power = std::ilogb(args.flop_per_byte / kOne);
  switch (power) {
    case -5:
      return IntensityAt<Op, -5, kAheadByte>(args);
    case -4:
      return IntensityAt<Op, -4, kAheadByte>(args);
    case -3:
      return IntensityAt<Op, -3, kAheadByte>(args);
    case -2:
      return IntensityAt<Op, -2, kAheadByte>(args);
    case -1:
      return IntensityAt<Op, -1, kAheadByte>(args);
    case 0:
      return IntensityAt<Op, 0, kAheadByte>(args);
    case 1:
      return IntensityAt<Op, 1, kAheadByte>(args);
    case 2:
      return IntensityAt<Op, 2, kAheadByte>(args);
    case 3:
      return IntensityAt<Op, 3, kAheadByte>(args);
    case 4:
      return IntensityAt<Op, 4, kAheadByte>(args);
    default:
      break;
  }
  const int64_t mul_adds = (int64_t{1} << power) * Op::kParts;
  const int64_t rounds = mul_adds / Op::kChains;
  if (mul_adds % Op::kChains == Op::kChains / 3) {
    return IntensityLooped<Op, Op::kChains / 3, kAheadByte>(args, rounds);
  }
  return IntensityLooped<Op, Op::kChains / 3 * 2, kAheadByte>(args, rounds);
}

}  // namespace wattline::kernels
