// What a step of training is made of on the CPU besides CpuKernels: one table per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_strided.h"
#include "kernels/slice.h"

namespace wattline::kernels {

// Softmax attention of `tokens` over themselves, in f32. Every thread takes whole heads, so that
// no two write the same gradient and no result depends on the number of threads; the parts that the
// heads of a group add to dk and dv are summed after the next meeting.
struct StepAttention {
  int64_t tokens = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;  // divides heads
  int64_t head_dim = 0;  // multiple of 16
  bool causal = true;
  const float* q = nullptr;  // [tokens, heads, head_dim]
  const float* k = nullptr;  // [tokens, kv_heads, head_dim], as v
  const float* v = nullptr;
  float* out = nullptr;         // [tokens, heads, head_dim]
  float* log_sums = nullptr;    // [heads, tokens]: log2 of the sum of 2^(score log2(e))
  const float* dout = nullptr;  // [tokens, heads, head_dim]
  float* dq = nullptr;          // [tokens, heads, head_dim]
  float* dk = nullptr;          // [heads, tokens, head_dim]: what each query head adds, as dv
  float* dv = nullptr;
  float* scratch = nullptr;  // the thread's own
};

// Floats of scratch for one thread.
int64_t StepAttentionScratchFloats(const StepAttention& s);

struct NormRow {
  float mean = 0;
  float r = 0;
};

// Laws in step.h. Functions of rows work on one row of n or dim elements.
struct StepKernels {
  int64_t (*gemm_scratch_byte)();
  void (*gemm)(const StridedGemm& g, Slice slice);
  void (*attention_forward)(const StepAttention& s, Slice slice);
  void (*attention_backward)(const StepAttention& s, Slice slice);
  // dx += the gradient of x; returns r.
  float (*rms_norm_backward)(const float* x, const float* dy, const float* weight, int64_t dim,
                             float eps, float* dx);
  // dw[cols] for the columns [cols.begin, cols.end) of x and dy [tokens, dim], r[tokens].
  void (*rms_norm_weight)(const float* x, const float* dy, const float* r, int64_t tokens,
                          int64_t dim, Range cols, float* dw);
  // The same for LayerNorm: dx += the gradient of x; returns the row's mean and r.
  NormRow (*layer_norm_backward)(const float* x, const float* dy, const float* weight, int64_t dim,
                                 float eps, float* dx);
  // dw and db of those columns, rows[tokens] from layer_norm_backward.
  void (*layer_norm_weight)(const float* x, const float* dy, const NormRow* rows, int64_t tokens,
                            int64_t dim, Range cols, float* dw, float* db);
  // out[cols] = the sums of those columns of x[tokens, dim].
  void (*column_sums)(const float* x, int64_t tokens, int64_t dim, Range cols, float* out);
  void (*gelu_backward)(const float* dh, const float* x, int64_t n, float* dx);
  void (*swiglu_backward)(const float* dh, const float* gate, const float* up, int64_t n,
                          float* dgate, float* dup);
  void (*bf16_from_f32)(const float* x, int64_t n, uint16_t* out);
  void (*round_to_bf16)(int64_t n, float* inout);  // values that bf16 holds
};

extern const StepKernels kStepAvx2;
extern const StepKernels kStepAvx512;
extern const StepKernels kStepAmx;
extern const StepKernels kStepNeon;

}  // namespace wattline::kernels
