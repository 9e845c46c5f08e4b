// OpenBLAS as a rival GEMM in f32, where the program was built with it.
#pragma once

#include <optional>
#include <string>

#include "kernels/gemm/gemm.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct Backend;

// The enumerations of CBLAS, ints of these values in every library.
inline constexpr int kCblasRowMajor = 101;
inline constexpr int kCblasNoTranspose = 111;
inline constexpr int kCblasTranspose = 112;

MadeWork MakeOpenBlasGemm(const Backend& backend, const GemmCase& c, ThreadPool& pool);
std::string DescribeOpenBlas();  // version, build, the core whose kernels it runs

// A better value for OPENBLAS_CORETYPE than what the library chose by itself, or nullopt where
// there is none, the variable is set, or the program has no OpenBLAS. The library reads the
// variable once, when it is loaded: main() sets it and starts itself again before anything else
// runs.
std::optional<std::string> BetterOpenBlasCore();

}  // namespace wattline::kernels
