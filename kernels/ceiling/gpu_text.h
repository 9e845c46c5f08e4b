// The bodies of the GPU's ceiling kernels, written once in what Metal's language, CUDA and C++ have
// in common: ceiling_mlx.cc hands them to the GPU's compiler as text, and tests/gpu_text_test.cc
// compiles the same tokens as C++ and runs them.
#pragma once

namespace wattline::kernels {

// The tokens of a body as text, on one line.
#define WATTLINE_TEXT_OF(...) #__VA_ARGS__
#define WATTLINE_GPU_TEXT(body) WATTLINE_TEXT_OF(body)

// Independent chains, each x = x * one + one. Nothing of it is known to the compiler, which can
// neither fold a chain nor take two for the same: `one` and `start` are read from memory.
//   one[1], start[kGpuChains] of type T; steps[1] of int; out[threads] of float; MultiplyAdd(a, b,
//   c) = a * b + c, rounded once.
// Chain c of thread t begins at start[c] + t % 8, so that no two neighbours do the same work, and
// ends `steps` higher where `one` is 1: the count of operations is part of the result.
inline constexpr int kGpuChains = 16;
inline constexpr int kGpuPhases = 8;
#define WATTLINE_GPU_EACH(X) \
  X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define WATTLINE_GPU_BEGIN(c) T x##c = start[c] + phase;
#define WATTLINE_GPU_STEP(c) x##c = MultiplyAdd(x##c, m, m);
#define WATTLINE_GPU_ADD(c) sum += float(x##c);
#define WATTLINE_GPU_PEAK                \
  const T m = one[0];                    \
  const T phase = T(thread % 8);         \
  const int count = steps[0];            \
  WATTLINE_GPU_EACH(WATTLINE_GPU_BEGIN)  \
  for (int i = 0; i < count; ++i) {      \
    WATTLINE_GPU_EACH(WATTLINE_GPU_STEP) \
  }                                      \
  float sum = 0;                         \
  WATTLINE_GPU_EACH(WATTLINE_GPU_ADD)    \
  out[thread] = sum;

// Reads x[count] `passes` times, eight words in flight, neighbouring threads neighbouring words.
//   x[count] of float; count[1], passes[1] of int; out[threads] of float: the sum of the words that
//   the thread read, the words t + k * threads.
// `count` is a multiple of 8 * threads.
inline constexpr int kGpuReads = 8;
#define WATTLINE_GPU_READ                                               \
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0; \
  const int words = count[0];                                           \
  const int rounds = passes[0];                                         \
  for (int pass = 0; pass < rounds; ++pass) {                           \
    for (int i = int(thread); i < words; i += 8 * int(threads)) {       \
      s0 += x[i];                                                       \
      s1 += x[i + 1 * int(threads)];                                    \
      s2 += x[i + 2 * int(threads)];                                    \
      s3 += x[i + 3 * int(threads)];                                    \
      s4 += x[i + 4 * int(threads)];                                    \
      s5 += x[i + 5 * int(threads)];                                    \
      s6 += x[i + 6 * int(threads)];                                    \
      s7 += x[i + 7 * int(threads)];                                    \
    }                                                                   \
  }                                                                     \
  out[thread] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;

}  // namespace wattline::kernels
