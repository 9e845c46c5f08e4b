// The table of CPU kernels of one instruction set: what the CPU backend's operations are made from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernels/attention/attention.h"
#include "kernels/gemm/gemm.h"
#include "kernels/linear/linear.h"
#include "kernels/norm/norm.h"
#include "kernels/slice.h"

namespace wattline::kernels {

struct StepKernels;

// Every function works on the slice or the rows that it is given, allocates nothing and starts no
// thread. Out-of-range shapes are the caller's error, as are weights that CpuHolds (below) refuses.
struct CpuKernels {
  std::string_view isa;      // "avx2", "avx512", "amx", "neon" ...
  std::string (*why_not)();  // empty where this CPU can run it, else one sentence

  // kernels/dequant: one row of `cols` elements, cols a multiple of the format's block.
  void (*dequant_f32)(Format format, const std::byte* row, int64_t cols, float* out);
  void (*dequant_bf16)(Format format, const std::byte* row, int64_t cols, uint16_t* out);
  // The same for output that no cache is to keep (dequant_cpu.h): of whole rows that lie side by
  // side, `cols` elements together.
  void (*stream_f32)(Format format, const std::byte* row, int64_t cols, float* out);
  void (*stream_bf16)(Format format, const std::byte* row, int64_t cols, uint16_t* out);

  // kernels/linear: the form that `linear` reads for weights of `format`.
  ActivationForm (*form)(Format format, int64_t tokens, int64_t cols);
  // Writes that form of the slice's share into x. A barrier must follow before linear.
  void (*prepare)(Format format, Activations& x, Slice slice);
  // The slice's share of the rows of W (tokens <= kGemvTokens) or of the tiles of Y.
  void (*linear)(const LinearArgs& args, Slice slice);
  int64_t (*linear_scratch_byte)(Format format, int64_t tokens, int64_t cols);  // per thread
  // 8-bit activations of blocks of 32, as `prepare` makes them for one token (gemv_rows.h).
  void (*quantise_q8)(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum);

  // kernels/gemm: bytes of B packed for this instruction set; packing the slice's share of
  // bt[n, k]; the slice's share of C. `a` is [m, k] in the type's elements (float, bf16 bits, u8),
  // `c` is float or int32 [m, n].
  int64_t (*gemm_packed_byte)(GemmType type, int64_t n, int64_t k);
  void (*gemm_pack)(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                    Slice slice);
  int64_t (*gemm_scratch_byte)(GemmType type, GemmShape shape);  // per thread
  void (*gemm)(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
               std::byte* scratch, Slice slice);

  // kernels/attention. A single query splits the cache over threads and needs a barrier between
  // the two; `attention_merge` does nothing where there was no split.
  void (*attention)(const AttentionArgs& args, Slice slice);
  void (*attention_merge)(const AttentionArgs& args, Slice slice);

  // kernels/norm: one row each.
  void (*rms_norm)(const float* x, const float* weight, int64_t dim, float eps, float* out);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, int64_t dim, float eps,
                     float* out);
  // `cos_sin` from RopeAngles; rotates one head in place.
  void (*rope)(float* head, int64_t rope_dim, const float* cos_sin, RopeLayout layout);
  void (*swiglu)(const float* gate, const float* up, int64_t n, float* out);
  void (*gelu)(const float* x, int64_t n, float* out);
  void (*add)(const float* x, int64_t n, float* inout);  // inout += x
  void (*f16_from_f32)(const float* x, int64_t n, uint16_t* out);

  // kernels/block: what a training step needs besides; null where an instruction set lacks it.
  const StepKernels* step = nullptr;
};

// All tables compiled into this program, best first. Adding an instruction set is one line in
// cpu_kernels.cc and its files.
std::span<const CpuKernels* const> AllCpuKernels();
// The best one that this CPU runs; null where none does.
const CpuKernels* BestCpuKernels();

// Whether the tables unpack and multiply weights of this format: all but those that MLX alone runs.
bool CpuHolds(Format weights);
// "mxfp4, which the CPU kernels do not hold; the backend mlx does"; empty where they do.
std::string WhyNotCpuFormat(Format weights);

}  // namespace wattline::kernels
