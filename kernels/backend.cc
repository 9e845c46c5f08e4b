#include "kernels/backend.h"

#include <array>
#include <new>

#include "kernels/backend_cpu.h"
#if WATTLINE_HAS_MLX
#include "kernels/backend_mlx.h"
#endif
#include "kernels/block/block_coreml.h"
#include "kernels/block/block_cpu.h"
#include "kernels/block/step_cpu.h"
#include "kernels/ceiling/cuda_driver.h"
#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/cpu/features.h"
#include "kernels/decode/decode_cpu.h"
#include "kernels/encode/encode_coreml.h"
#include "kernels/encode/encode_cpu.h"
#include "kernels/gemm/gemm_accelerate.h"
#include "kernels/gemm/gemm_blas.h"
#include "kernels/gemm/gemm_onednn.h"

namespace wattline::kernels {
namespace {

std::string DescribeCpu(std::string_view isa, std::span<const CpuFeature> features) {
  std::string text = "wattline's own kernels, " + std::string(isa) + " with";
  for (const CpuFeature& feature : features) text.append(" ").append(feature.name);
  return text;
}

#if defined(__x86_64__)
std::string DescribeAmx() { return DescribeCpu("amx", AmxFeatures()); }
std::string DescribeAvx512() { return DescribeCpu("avx512", Avx512Features()); }
std::string DescribeAvxVnni() { return DescribeCpu("avxvnni", AvxVnniFeatures()); }
std::string DescribeAvx2() { return DescribeCpu("avx2", Avx2Features()); }
#else
std::string DescribeNeonI8mm() { return DescribeCpu("neon_i8mm", NeonI8mmFeatures()); }
std::string DescribeNeon() { return DescribeCpu("neon", NeonFeatures()); }
#endif

constexpr Backend CpuBackend(std::string_view name, const CpuKernels* table,
                             std::string (*why_not)(), std::string (*describe)()) {
  return {.name = name,
          .why_not = why_not,
          .describe = describe,
          .cpu = table,
          .holds = CpuHolds,
          .gemm = MakeCpuGemm,
          .linear = MakeCpuLinear,
          .attention = MakeCpuAttention,
          .dequant = MakeCpuDequant,
          .norm = MakeCpuNorm,
          .block = MakeCpuBlock,
          .step = MakeCpuStep,
          .encode = MakeCpuEncode,
          .decoder = MakeCpuDecoder};
}

MadeDecoder ReferenceDecoder(const Backend&, const Model& model, DecoderOptions options,
                             ThreadPool& pool) {
  try {
    return {MakeReferenceDecoder(model, options, pool), {}};
  } catch (const std::bad_alloc&) {
    return {nullptr, "the reference decoder's cache of doubles does not fit into memory"};
  }
}

constexpr Backend kReference = {
    .name = "reference",
    .why_not = [] { return std::string(); },
    .describe = [] { return std::string("double precision on exactly dequantised weights"); },
    .decoder = ReferenceDecoder};

#if WATTLINE_HAS_BLAS || WATTLINE_HAS_ONEDNN
// A library that multiplies dense matrices and does nothing else here. It is linked, so it is
// there.
constexpr Backend GemmLibrary(std::string_view name, std::string (*describe)(),
                              MadeWork (*gemm)(const Backend&, const GemmCase&, ThreadPool&)) {
  return {
      .name = name, .why_not = [] { return std::string(); }, .describe = describe, .gemm = gemm};
}
#endif

#if WATTLINE_HAS_MLX
constexpr Backend kMlx = {.name = "mlx",
                          .why_not = WhyNotMlx,
                          .describe = DescribeMlx,
                          .on_gpu = MlxOnGpu,
                          .holds = MlxHolds,
                          .gemm = MakeMlxGemm,
                          .linear = MakeMlxLinear,
                          .attention = MakeMlxAttention,
                          .dequant = MakeMlxDequant,
                          .norm = MakeMlxNorm,
                          .block = MakeMlxBlock,
                          .step = MakeMlxStep,
                          .encode = MakeMlxEncode,
                          .decoder = MakeMlxDecoder,
                          .gpu_works = MakeMlxGpuWorks};
#endif

constexpr Backend kAccelerate = {.name = "accelerate",
                                 .why_not = WhyNotAccelerate,
                                 .describe = DescribeAccelerate,
                                 .holds = AccelerateHolds,
                                 .gemm = MakeAccelerateGemm,
                                 .linear = MakeAccelerateLinear};

constexpr Backend CoreMl(std::string_view name, std::string (*describe)()) {
  return {.name = name,
          .why_not = WhyNotCoreMl,
          .describe = describe,
          .holds = CoreMlHolds,
          .block = MakeCoreMlBlock,
          .encode = MakeCoreMlEncode};
}

// Its rows are those of the ceilings.
constexpr Backend kCuda = {.name = "cuda", .why_not = WhyNotCuda, .describe = DescribeCuda};

constexpr std::array kBackends = {
#if defined(__x86_64__)
    CpuBackend("cpu_amx", &kAmxKernels, WhyNotAmx, DescribeAmx),
    CpuBackend("cpu_avx512", &kAvx512Kernels, WhyNotAvx512, DescribeAvx512),
    CpuBackend("cpu_avxvnni", &kAvxVnniKernels, WhyNotAvxVnni, DescribeAvxVnni),
    CpuBackend("cpu_avx2", &kAvx2Kernels, WhyNotAvx2, DescribeAvx2),
#else
    CpuBackend("cpu_neon_i8mm", &kNeonI8mmKernels, WhyNotNeonI8mm, DescribeNeonI8mm),
    CpuBackend("cpu_neon", &kNeonKernels, WhyNotNeon, DescribeNeon),
#endif
    kAccelerate,
#if WATTLINE_HAS_BLAS
    GemmLibrary("openblas", DescribeOpenBlas, MakeOpenBlasGemm),
#endif
#if WATTLINE_HAS_ONEDNN
    GemmLibrary("onednn", DescribeOneDnn, MakeOneDnnGemm),
#endif
#if WATTLINE_HAS_MLX
    kMlx,
#endif
    CoreMl("coreml_cpu", DescribeCoreMlCpu),
    CoreMl("coreml_gpu", DescribeCoreMlGpu),
    CoreMl("coreml_ane", DescribeCoreMlAne),
    CoreMl("coreml_all", DescribeCoreMlAll),
    kCuda,
    kReference,
};

}  // namespace

std::span<const Backend> AllBackends() { return kBackends; }

bool Holds(const Backend& backend, std::string_view format) {
  if (backend.holds == nullptr) return true;
  if (const std::optional<Format> pure = FormatFromName(format)) return backend.holds(*pure);
  // The mix of PlanFormats (model/tensors.h); q8_0 stands in where rows are no multiples of 256.
  return format == "q4_k_m" && backend.holds(Format::kQ4_K) && backend.holds(Format::kQ6_K) &&
         backend.holds(Format::kQ8_0);
}

const Backend* FindBackend(std::string_view name) {
  for (const Backend& backend : kBackends) {
    if (backend.name == name) return &backend;
  }
  return nullptr;
}

}  // namespace wattline::kernels
