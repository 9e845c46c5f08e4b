// Which number format a row computes in: the one whose peak it can reach. The format in a row's
// name is that of its data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "roofline/result.h"

namespace wattline::roofline {

// What runs the backend's work.
enum class Device : uint8_t { kCpu, kCuda, kOther };
Device DeviceOf(const std::string& backend);
// The same of "mlx" too, which runs where the context says: "MLX 0.32.4, gpu, NVIDIA H200". On a
// GPU that is none of the context's, Apple's, it stays kOther: no ceilings were measured there.
Device DeviceOf(const std::string& backend, const Machine& told);

// The bytes of the row come from memory: it has MBU, or its address says that its weights or its
// cache are cold. Those of fixture `ceiling` by their footprint, see StandOf().
bool Streams(const Row& row);

// Formats to look for a roof in, the first that has one counts; empty where it cannot be told.
//
// Where the row has MFU, the context's ceiling that TFLOPS / MFU is within 1 % of. Else, as the
// fixtures of benchmarks/ choose their ceiling and their kernels:
//
//   row                                          CPU, AVX-512  CPU, other  CUDA
//   ceiling, gemm f32 / bf16 / int8              its own       its own     its own
//   linear layers of up to 8 tokens, in blocks
//     of integers (q8_0, q4_0, q4_k ...)         int8          int8        f16, bf16
//   the same in f32, f16, bf16                   f32           f32         its own
//   linear layers of more tokens                 bf16          f32         its own; f16, bf16
//   attention                                    f32           f32         f16, bf16
//   dequant                                      f32           f32         f32
//
// Linear layers are gemm with packed weights, block and decode. NVIDIA's datasheets give one figure
// for the tensor cores' f16 and bf16. Of other devices only a row's own format is looked for.
std::vector<std::string> ArithmeticOf(const Row& row, const Machine& machine);

}  // namespace wattline::roofline
