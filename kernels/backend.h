// The list of backends: who can do which operation, and why one cannot be used here.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "kernels/attention/attention.h"
#include "kernels/block/block.h"
#include "kernels/block/step.h"
#include "kernels/ceiling/gpu_ceiling.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/decode/decoder.h"
#include "kernels/encode/encode.h"
#include "kernels/gemm/gemm.h"
#include "kernels/linear/linear.h"
#include "kernels/norm/norm_case.h"
#include "kernels/work.h"

namespace wattline::kernels {

// A plain struct: null where a backend has no such operation.
struct Backend {
  std::string_view name;      // last part of a benchmark's name: "cpu_avx2", "openblas"
  std::string (*why_not)();   // empty where it can be used here, else one sentence with what helps
  std::string (*describe)();  // library, version and the kernel it chose; for the result's context
  const CpuKernels* cpu = nullptr;          // the CPU backends' table; null for libraries
  bool (*on_gpu)() = nullptr;               // where its work runs; null: on the CPU
  bool (*holds)(Format weights) = nullptr;  // null: weights of every format

  MadeWork (*gemm)(const Backend& self, const GemmCase& c, ThreadPool& pool) = nullptr;
  MadeWork (*linear)(const Backend& self, const LinearCase& c, ThreadPool& pool) = nullptr;
  // Result: [tokens, heads, head_dim]. The case's pointers stay valid while the work lives.
  MadeWork (*attention)(const Backend& self, const AttentionArgs& c, ThreadPool& pool) = nullptr;
  // Result: [rows, cols]. `to` is kF32 or kBF16.
  MadeWork (*dequant)(const Backend& self, const Matrix& w, Format to, ThreadPool& pool) = nullptr;
  // Result: [rows, cols]. The case's pointers stay valid while the work lives. RoPE may turn in
  // place what its last Run left: n runs then turn by n times the position.
  MadeWork (*norm)(const Backend& self, const NormCase& c, ThreadPool& pool) = nullptr;
  MadeWork (*block)(const Backend& self, const BlockCase& c, ThreadPool& pool) = nullptr;
  // One training step of a block, or its forward pass with all that a backward pass needs saved.
  MadeStep (*step)(const Backend& self, const StepCase& c, StepPass pass,
                   ThreadPool& pool) = nullptr;
  // A whole encoder; result: [tokens + 1, model_dim], see encode.h. The case's model and tokens
  // stay valid while the work lives.
  MadeWork (*encode)(const Backend& self, const EncodeCase& c, ThreadPool& pool) = nullptr;
  MadeDecoder (*decoder)(const Backend& self, const Model& model, DecoderOptions options,
                         ThreadPool& pool) = nullptr;
  // What its GPU's ceilings are measured with.
  GpuWorks (*gpu_works)(const Backend& self, GpuLimit limit) = nullptr;
};

// Every backend compiled into this program: the CPU's instruction sets best first, then libraries.
std::span<const Backend> AllBackends();
const Backend* FindBackend(std::string_view name);
// Whether the backend holds weights of this format, or of this mix of packed ones ("q4_k_m").
bool Holds(const Backend& backend, std::string_view format);

}  // namespace wattline::kernels
