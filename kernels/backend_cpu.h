// The operations of the CPU backends, made from their tables of kernels (Backend::cpu).
#pragma once

#include "kernels/backend.h"

namespace wattline::kernels {

// As the members of Backend. A and B of GEMM are converted and packed here; linear, attention,
// dequant and norm read the caller's operands, which must outlive the work.
MadeWork MakeCpuGemm(const Backend& backend, const GemmCase& c, ThreadPool& pool);
MadeWork MakeCpuLinear(const Backend& backend, const LinearCase& c, ThreadPool& pool);
MadeWork MakeCpuAttention(const Backend& backend, const AttentionArgs& c, ThreadPool& pool);
MadeWork MakeCpuDequant(const Backend& backend, const Matrix& w, Format to, ThreadPool& pool);
// RoPE turns heads of its own in place, as a decode step does.
MadeWork MakeCpuNorm(const Backend& backend, const NormCase& c, ThreadPool& pool);

}  // namespace wattline::kernels
