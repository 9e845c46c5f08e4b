#include "kernels/gemm/gemm_blas.h"

#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/gemm/gemm_elements.h"
#include "kernels/gemm/openblas_core.h"

// OpenBLAS's own declarations, whose header lies elsewhere in each distribution.
extern "C" {
void cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                 const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc);
void openblas_set_num_threads(int threads);
char* openblas_get_config(void);
char* openblas_get_corename(void);
}

namespace wattline::kernels {
namespace {

// The library has threads of its own, as many as the pool; the pool's wait meanwhile, parked.
class OpenBlasGemm : public Work {
 public:
  OpenBlasGemm(const GemmCase& c, ThreadPool& pool)
      : m_(static_cast<int>(c.shape.m)),
        n_(static_cast<int>(c.shape.n)),
        k_(static_cast<int>(c.shape.k)),
        threads_(pool.size()),
        a_(GemmElements(GemmType::kF32, c.a, c.shape.m * c.shape.k)),
        bt_(GemmElements(GemmType::kF32, c.bt, c.shape.n * c.shape.k)),
        c_(c.shape.m * c.shape.n) {}
  void Run() override {
    openblas_set_num_threads(threads_);
    cblas_sgemm(kCblasRowMajor, kCblasNoTranspose, kCblasTranspose, m_, n_, k_, 1.0f,
                reinterpret_cast<const float*>(a_.data()), k_,
                reinterpret_cast<const float*>(bt_.data()), k_, 0.0f, c_.data(), n_);
  }
  std::vector<float> Result() const override { return {c_.data(), c_.data() + c_.size()}; }
  std::string Kernel() const override { return openblas_get_corename(); }

 private:
  int m_, n_, k_;
  int threads_;
  Buffer<std::byte> a_, bt_;
  Buffer<float> c_;
};

}  // namespace

std::string DescribeOpenBlas() {
  return std::string(openblas_get_config()) + ", core " + openblas_get_corename();
}

MadeWork MakeOpenBlasGemm(const Backend&, const GemmCase& c, ThreadPool& pool) {
  if (c.type != GemmType::kF32) {
    return {nullptr, "OpenBLAS as distributions build it multiplies f32 only, not " +
                         std::string(Name(c.type))};
  }
  try {
    return {std::make_unique<OpenBlasGemm>(c, pool), {}};
  } catch (const std::bad_alloc&) {
    return {nullptr, "the operands and results do not fit into memory"};
  }
}

std::optional<std::string> BetterOpenBlasCore() {
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr) return std::nullopt;
  const auto usable = [](std::string_view isa) {
    for (const CpuKernels* table : AllCpuKernels()) {
      if (table->isa == isa) return table->why_not().empty();
    }
    return false;
  };
  return BetterOpenBlasCoreThan(openblas_get_corename(), usable("avx2"), usable("avx512"));
}

}  // namespace wattline::kernels
