// Apple's Accelerate as a rival in f32: it multiplies on the CPU's matrix units (AMX, since the M4
// SME). Opened at run time, so that nothing of Apple's is needed to build or to link.
#pragma once

#include <string>

#include "kernels/gemm/gemm.h"
#include "kernels/linear/linear.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct Backend;

inline constexpr const char* kAcceleratePath =
    "/System/Library/Frameworks/Accelerate.framework/Accelerate";

// What is called of it; the enumerations of CBLAS are ints.
struct Accelerate {
  void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                const float* a, int lda, const float* b, int ldb, float beta, float* c,
                int ldc) = nullptr;
  void (*sgemv)(int order, int transpose, int m, int n, float alpha, const float* a, int lda,
                const float* x, int x_step, float beta, float* y, int y_step) = nullptr;
  // Of the calling thread, since macOS 15; null where it is missing. 0: done.
  int (*set_threading)(unsigned how) = nullptr;
  std::string
      interface;        // of the two that the framework has: "$NEWLAPACK", since macOS 13.3, or ""
  std::string why_not;  // one sentence where it cannot be used
};
// Opens the library at `path`, and never closes it.
Accelerate LoadAccelerate(const std::string& path);

// `library` outlives the work. Weights stay where they are. With one thread the library is held to
// one, where it lets itself be; else it takes as many as it likes.
MadeWork MakeAccelerateGemm(const Accelerate& library, const GemmCase& c, int threads);
MadeWork MakeAccelerateLinear(const Accelerate& library, const LinearCase& c, int threads);

// The same with this system's.
MadeWork MakeAccelerateGemm(const Backend& backend, const GemmCase& c, ThreadPool& pool);
MadeWork MakeAccelerateLinear(const Backend& backend, const LinearCase& c, ThreadPool& pool);
std::string WhyNotAccelerate();
std::string DescribeAccelerate();  // its interface; the framework's version is the system's
bool AccelerateHolds(Format weights);

}  // namespace wattline::kernels
