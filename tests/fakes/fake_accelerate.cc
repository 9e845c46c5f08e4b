// A library with what is called of Apple's Accelerate: the definitions of BLAS, one product after
// the other, in double precision. Compiled with FAKE_OLD_ACCELERATE it lacks what
// macOS 13.3 and 15 have added, with FAKE_NO_GEMV one function.
#include <cstdint>

#ifdef FAKE_OLD_ACCELERATE
#define WATTLINE_NAME(name) __asm__(name)
#else
#define WATTLINE_NAME(name) __asm__(name "$NEWLAPACK")
#endif

namespace {

constexpr int kRowMajor = 101;
constexpr int kTranspose = 112;

float At(const float* matrix, int stride, bool transposed, int row, int col) {
  return transposed ? matrix[static_cast<int64_t>(col) * stride + row]
                    : matrix[static_cast<int64_t>(row) * stride + col];
}

}  // namespace

extern "C" {

// What the last calls asked for.
int fake_accelerate_threading = -1;
int fake_accelerate_gemv_calls = 0;

void NewSgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
              const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc)
    WATTLINE_NAME("cblas_sgemm");
void NewSgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
              const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  if (order != kRowMajor) return;
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int p = 0; p < k; ++p) {
        sum += static_cast<double>(At(a, lda, transpose_a == kTranspose, i, p)) *
               static_cast<double>(At(b, ldb, transpose_b == kTranspose, p, j));
      }
      float& out = c[static_cast<int64_t>(i) * ldc + j];
      // BLAS: where beta is 0, what stood in C is not read.
      out = static_cast<float>(static_cast<double>(alpha) * sum) + (beta == 0 ? 0 : beta * out);
    }
  }
}

#ifndef FAKE_NO_GEMV
void NewSgemv(int order, int transpose, int m, int n, float alpha, const float* a, int lda,
              const float* x, int x_step, float beta, float* y, int y_step)
    WATTLINE_NAME("cblas_sgemv");
void NewSgemv(int order, int transpose, int m, int n, float alpha, const float* a, int lda,
              const float* x, int x_step, float beta, float* y, int y_step) {
  if (order != kRowMajor || transpose == kTranspose || x_step != 1 || y_step != 1) return;
  ++fake_accelerate_gemv_calls;
  NewSgemm(order, 111, 111, m, 1, n, alpha, a, lda, x, 1, beta, y, 1);
}
#endif

#ifndef FAKE_OLD_ACCELERATE
int BLASSetThreading(unsigned how) {
  fake_accelerate_threading = static_cast<int>(how);
  return 0;
}
#endif

}  // extern "C"
