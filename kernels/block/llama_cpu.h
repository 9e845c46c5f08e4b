// One Llama layer on the CPU, inside a running pool: the block and the decoder are made from it.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/block/kv_cache.h"
#include "kernels/block/row_team.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/model/model.h"

namespace wattline::kernels {

// One sentence where the kernels cannot run layers of this shape; empty where they can.
std::string WhyNotShape(const ModelShape& shape);
// The same for the matrices of one layer: their dimensions against the shape's, whole blocks, and a
// format that the kernels hold.
std::string WhyNotLayer(const ModelShape& shape, const Layer& layer);
std::string WhyNotMatrix(const char* name, const Matrix& w, int64_t rows, int64_t cols);

class LlamaCpu {
 public:
  // For passes of up to `count` tokens in each of `sequences`. Throws std::bad_alloc.
  LlamaCpu(const CpuKernels& kernels, const ModelShape& shape, const float* rope_factors,
           int threads, int64_t sequences, int64_t count);

  // Once per pass, before the first Run: the angles of its positions, shared by all layers. Seen by
  // all threads after the next meeting.
  void Angles(Slice slice, TokenRows t) const;
  // The residual stream becomes the layer's output; K and V of the new tokens are appended to the
  // layer's f16 cache, laid out as `layout`. On return each member has its own rows of x. Of all
  // this, the member's parts.
  void Run(RowTeam& team, const Member& m, const Layer& layer, TokenRows t, KvLayout layout,
           uint16_t* k, uint16_t* v) const;

 private:
  void Norm(const Member& m, const float* weight) const;
  void AddY(const Member& m) const;
  void Store(Slice slice, TokenRows t, bool refined, KvLayout layout, uint16_t* k,
             uint16_t* v) const;
  void Attend(Worker& worker, TokenRows t, KvLayout layout, const uint16_t* k,
              const uint16_t* v) const;

  const CpuKernels& kernels_;
  const ModelShape shape_;
  const float* const rope_factors_;
  Buffer<float> angles_;                // [count, rope_dim], cos and sin interleaved
  Buffer<float> q_, k_, v_, attended_;  // [rows, heads or kv_heads, head_dim]
  Buffer<float> gate_, up_;             // [rows, ffn_dim]
  Buffer<float> y_;                     // [rows, model_dim], what a stage adds to x
  int64_t attention_scratch_byte_;      // of one sequence
  RawBuffer attention_scratch_;
};

}  // namespace wattline::kernels
