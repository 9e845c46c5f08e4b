// The backend of Apple's MLX: its GPU stream on macOS and, with its CUDA library, on NVIDIA; its
// CPU stream elsewhere, which is there for checks: it multiplies at a few GFLOP/s.
#pragma once

#include <string>

#include "kernels/backend.h"

namespace wattline::kernels {

std::string WhyNotMlx();
// Version, device, and whether f32 may run as TF32.
std::string DescribeMlx();
// Where MLX's default stream runs.
bool MlxOnGpu();
// Whether WhyNotMlxFormat (weights_mlx.h) has nothing to say.
bool MlxHolds(Format weights);

// f32, bf16 and f16; C comes in the operands' type, which Rounding() tells.
MadeWork MakeMlxGemm(const Backend& self, const GemmCase& c, ThreadPool& pool);
// Dense formats, and those whose blocks MLX's affine groups hold exactly (weights_mlx.h).
// Activations are f16 there, bf16 or f32 for dense weights of that type.
MadeWork MakeMlxLinear(const Backend& self, const LinearCase& c, ThreadPool& pool);
// KV in f16 or bf16, queries in the same type.
MadeWork MakeMlxAttention(const Backend& self, const AttentionArgs& c, ThreadPool& pool);
// Forward.
MadeWork MakeMlxBlock(const Backend& self, const BlockCase& c, ThreadPool& pool);
// All matrices f32 or all bf16, and all else of their type: the residual stream and every gradient.
MadeStep MakeMlxStep(const Backend& self, const StepCase& c, StepPass pass, ThreadPool& pool);
// Dense formats.
MadeWork MakeMlxEncode(const Backend& self, const EncodeCase& c, ThreadPool& pool);
// Llama models whose matrices MLX holds; activations and cache are f16 for packed weights, else of
// the weights' type.
MadeDecoder MakeMlxDecoder(const Backend& self, const Model& model, DecoderOptions options,
                           ThreadPool& pool);
// Of MLX's default device.
GpuWorks MakeMlxGpuWorks(const Backend& self, GpuLimit limit);
// In f32, all but the rounding to 8 bit.
MadeWork MakeMlxNorm(const Backend& self, const NormCase& c, ThreadPool& pool);
MadeWork MakeMlxDequant(const Backend& self, const Matrix& w, Format to, ThreadPool& pool);

}  // namespace wattline::kernels
