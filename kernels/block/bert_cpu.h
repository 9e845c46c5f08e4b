// One BERT block on the CPU, inside a running pool.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/block/block.h"
#include "kernels/block/row_team.h"
#include "kernels/cpu/cpu_kernels.h"

namespace wattline::kernels {

// One sentence where the matrices do not fit the shape; empty where they do.
std::string WhyNotBert(const ModelShape& shape, const BertLayer& layer);

class BertCpu {
 public:
  BertCpu(const CpuKernels& kernels, const ModelShape& shape, int threads, int64_t tokens);

  // The residual stream becomes the block's output. On return each member has its own rows of x.
  void Run(RowTeam& team, const Member& m, const BertLayer& layer) const;

 private:
  void Store(Slice slice, const BertLayer& layer) const;
  void Attend(Worker& worker) const;
  // x = LayerNorm(x + y + y_bias)
  void AddAndNorm(const Member& m, const float* y_bias, const float* weight,
                  const float* bias) const;

  const CpuKernels& kernels_;
  const ModelShape shape_;
  const int64_t tokens_;
  Buffer<float> q_, k_, v_, attended_;  // [tokens, heads, head_dim]
  Buffer<uint16_t> k_heads_, v_heads_;  // f16 [heads, tokens, head_dim]
  Buffer<float> up_;                    // [tokens, ffn_dim]
  Buffer<float> y_;                     // [tokens, model_dim]
  RawBuffer attention_scratch_;
};

}  // namespace wattline::kernels
