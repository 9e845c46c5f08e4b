// The streaming loops, written once for every vector type. Each instruction set's file includes
// this with a Vector of its own, so no two of them share a symbol.
//
// A Vector has: kLanes; Words Load(const float*), Words Zero(), Words Add(Words, Words) on 32-bit
// integers, uint32_t Sum(Words), Words Splat(float), Words MulAdd(Words x, Words y, Words z) =
// x + y * z on floats, Store and StoreNt, Fence, Touch, which loads and drops, and Opaque, after
// which the compiler knows nothing of a value: without it both compilers may turn a copy into a
// call of memcpy.
#pragma once

#include <cstdint>

#include "kernels/ceiling/ceiling.h"

namespace wattline::kernels {

// Eight vectors per step, divided among `kStreams` walks that start 1/kStreams of the array apart.
inline constexpr int kVectorsPerStep = 8;

template <typename Vector, int kStreams>
struct Streams {
  static constexpr int kPerStream = kVectorsPerStep / kStreams;
  static constexpr int64_t kStepPerStream = kPerStream * Vector::kLanes;

  explicit Streams(int64_t count)
      : per_stream(count / kStreams / kStepPerStream * kStepPerStream),
        covered(per_stream * kStreams) {}
  // Where vector `k` of the step at `i` lies. Neighbours come in turn: stores that jump from line
  // to line with each 256-bit half reached half the speed (measured, Emerald Rapids).
  int64_t At(int64_t i, int k) const {
    return (k / kPerStream) * per_stream + i + (k % kPerStream) * Vector::kLanes;
  }

  int64_t per_stream;  // floats
  int64_t covered;     // the rest, less than a step per stream, is the tail
};

inline constexpr int kLineFloats = 16;  // 64 bytes

// Loads and drops what it loaded. From the first-level cache this is a quarter to a half faster
// than the sum below, whose additions compete with the loop's own for ports (Emerald Rapids, one
// core: 455 against 359 GB/s with 512 bits, 307 against 202 with 256).
template <typename Vector, int kStreams>
uint32_t Load(const StreamArgs& args) {
  const Streams<Vector, kStreams> streams(args.count);
  const float* const x = args.x;
  for (int64_t pass = 0; pass < args.passes; ++pass) {
    for (int64_t i = 0; i < streams.per_stream; i += streams.kStepPerStream) {
      Vector::Touch(x + streams.At(i, 0));
      Vector::Touch(x + streams.At(i, 1));
      Vector::Touch(x + streams.At(i, 2));
      Vector::Touch(x + streams.At(i, 3));
      Vector::Touch(x + streams.At(i, 4));
      Vector::Touch(x + streams.At(i, 5));
      Vector::Touch(x + streams.At(i, 6));
      Vector::Touch(x + streams.At(i, 7));
    }
    for (int64_t i = streams.covered; i < args.count; ++i) asm volatile("" : : "r"(x[i]));
  }
  return 0;
}

// `kAheadFloats` 0: no software prefetch. A prefetch beyond the end does not fault.
template <typename Vector, int kStreams, int kAheadFloats = 0>
uint32_t Read(const StreamArgs& args) {
  using Words = typename Vector::Words;
  const Streams<Vector, kStreams> streams(args.count);
  const float* const x = args.x;
  // Named, not an array: g++ 12 keeps arrays of vectors in memory.
  Words s0 = Vector::Zero(), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  uint32_t tail_sum = 0;
  for (int64_t pass = 0; pass < args.passes; ++pass) {
    for (int64_t i = 0; i < streams.per_stream; i += streams.kStepPerStream) {
      if constexpr (kAheadFloats > 0) {
        for (int k = 0; k < kVectorsPerStep; ++k) {
          if (streams.At(0, k) % kLineFloats == 0) {
            __builtin_prefetch(reinterpret_cast<const void*>(
                reinterpret_cast<uintptr_t>(x + streams.At(i, k)) + 4 * kAheadFloats));
          }
        }
      }
      s0 = Vector::Opaque(Vector::Add(s0, Vector::Load(x + streams.At(i, 0))));
      s1 = Vector::Opaque(Vector::Add(s1, Vector::Load(x + streams.At(i, 1))));
      s2 = Vector::Opaque(Vector::Add(s2, Vector::Load(x + streams.At(i, 2))));
      s3 = Vector::Opaque(Vector::Add(s3, Vector::Load(x + streams.At(i, 3))));
      s4 = Vector::Opaque(Vector::Add(s4, Vector::Load(x + streams.At(i, 4))));
      s5 = Vector::Opaque(Vector::Add(s5, Vector::Load(x + streams.At(i, 5))));
      s6 = Vector::Opaque(Vector::Add(s6, Vector::Load(x + streams.At(i, 6))));
      s7 = Vector::Opaque(Vector::Add(s7, Vector::Load(x + streams.At(i, 7))));
    }
    for (int64_t i = streams.covered; i < args.count; ++i) {
      tail_sum += __builtin_bit_cast(uint32_t, x[i]);
    }
    asm volatile("" ::: "memory");  // the next pass reads again
  }
  const Words s01 = Vector::Add(Vector::Add(s0, s1), Vector::Add(s2, s3));
  const Words s23 = Vector::Add(Vector::Add(s4, s5), Vector::Add(s6, s7));
  return tail_sum + Vector::Sum(Vector::Add(s01, s23));
}

// What one step of a writing kernel does, and its tail.
template <typename Vector>
struct WriteOp {
  static typename Vector::Words At(const StreamArgs&, typename Vector::Words scale, int64_t) {
    return scale;
  }
  static float Tail(const StreamArgs& args, int64_t) { return args.scale; }
};
template <typename Vector>
struct CopyOp {
  static typename Vector::Words At(const StreamArgs& args, typename Vector::Words, int64_t i) {
    return Vector::Load(args.x + i);
  }
  static float Tail(const StreamArgs& args, int64_t i) { return args.x[i]; }
};
template <typename Vector>
struct TriadOp {
  static typename Vector::Words At(const StreamArgs& args, typename Vector::Words scale,
                                   int64_t i) {
    return Vector::MulAdd(Vector::Load(args.x + i), scale, Vector::Load(args.y + i));
  }
  static float Tail(const StreamArgs& args, int64_t i) {
    return __builtin_fmaf(args.scale, args.y[i], args.x[i]);
  }
};

// kNonTemporal: the stores go round the caches and leave no line behind.
template <typename Vector, typename Op, int kStreams, bool kNonTemporal>
uint32_t Stream(const StreamArgs& in) {
  const StreamArgs args = in;
  const Streams<Vector, kStreams> streams(args.count);
  const auto scale = Vector::Splat(args.scale);
  for (int64_t pass = 0; pass < args.passes; ++pass) {
    for (int64_t i = 0; i < streams.per_stream; i += streams.kStepPerStream) {
#pragma GCC unroll 8
      for (int k = 0; k < kVectorsPerStep; ++k) {
        const int64_t at = streams.At(i, k);
        const auto value = Vector::Opaque(Op::At(args, scale, at));
        if constexpr (kNonTemporal) {
          Vector::StoreNt(args.out + at, value);
        } else {
          Vector::Store(args.out + at, value);
        }
      }
    }
    for (int64_t i = streams.covered; i < args.count; ++i) args.out[i] = Op::Tail(args, i);
    asm volatile("" ::: "memory");  // the next pass writes again
  }
  if constexpr (kNonTemporal) Vector::Fence();
  return 0;
}

}  // namespace wattline::kernels

// The streaming loops of a Vector, which the kernels' names call `name`: kStreamsPerIsa rows.
// clang-format off
#define WATTLINE_STREAMS(Vector, name)                                                             \
  {StreamKind::kRead, name " 1 stream, loads only", Load<Vector, 1>, false},                       \
  {StreamKind::kRead, name " 2 streams, loads only", Load<Vector, 2>, false},                      \
  {StreamKind::kRead, name " 4 streams, loads only", Load<Vector, 4>, false},                      \
  {StreamKind::kRead, name " 1 stream", Read<Vector, 1>},                                          \
  {StreamKind::kRead, name " 2 streams", Read<Vector, 2>},                                         \
  {StreamKind::kRead, name " 4 streams", Read<Vector, 4>},                                         \
  {StreamKind::kRead, name " 8 streams", Read<Vector, 8>},                                         \
  {StreamKind::kRead, name " 1 stream, prefetch 1 KiB", Read<Vector, 1, 256>},                     \
  {StreamKind::kRead, name " 1 stream, prefetch 4 KiB", Read<Vector, 1, 1024>},                    \
  {StreamKind::kRead, name " 4 streams, prefetch 1 KiB", Read<Vector, 4, 256>},                    \
  {StreamKind::kWrite, name " 1 stream", Stream<Vector, WriteOp<Vector>, 1, false>},               \
  {StreamKind::kWrite, name " 4 streams", Stream<Vector, WriteOp<Vector>, 4, false>},              \
  {StreamKind::kWrite, name " 1 stream, non-temporal", Stream<Vector, WriteOp<Vector>, 1, true>},  \
  {StreamKind::kWrite, name " 4 streams, non-temporal", Stream<Vector, WriteOp<Vector>, 4, true>}, \
  {StreamKind::kCopy, name " 1 stream", Stream<Vector, CopyOp<Vector>, 1, false>},                 \
  {StreamKind::kCopy, name " 2 streams", Stream<Vector, CopyOp<Vector>, 2, false>},                \
  {StreamKind::kCopy, name " 1 stream, non-temporal", Stream<Vector, CopyOp<Vector>, 1, true>},    \
  {StreamKind::kCopy, name " 2 streams, non-temporal", Stream<Vector, CopyOp<Vector>, 2, true>},   \
  {StreamKind::kTriad, name " 1 stream", Stream<Vector, TriadOp<Vector>, 1, false>},               \
  {StreamKind::kTriad, name " 1 stream, non-temporal", Stream<Vector, TriadOp<Vector>, 1, true>}
// clang-format on
