// Built in place of gemm_blas.cc where there is no OpenBLAS.
#include "kernels/gemm/gemm_blas.h"

namespace wattline::kernels {

std::optional<std::string> BetterOpenBlasCore() { return std::nullopt; }

}  // namespace wattline::kernels
