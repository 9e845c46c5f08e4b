#include "kernels/block/bert_cpu.h"

#include <cstring>

#include "kernels/attention/attention.h"
#include "kernels/block/llama_cpu.h"

namespace wattline::kernels {

std::string WhyNotBert(const ModelShape& s, const BertLayer& l) {
  if (s.kv_heads != s.heads || s.heads * s.head_dim != s.model_dim) {
    return "BERT's block has as many KV heads as heads, and they fill model_dim";
  }
  const struct {
    const char* name;
    const Matrix& w;
    int64_t rows, cols;
  } expected[] = {{"attn_q", l.attn_q, s.model_dim, s.model_dim},
                  {"attn_k", l.attn_k, s.model_dim, s.model_dim},
                  {"attn_v", l.attn_v, s.model_dim, s.model_dim},
                  {"attn_output", l.attn_output, s.model_dim, s.model_dim},
                  {"ffn_up", l.ffn_up, s.ffn_dim, s.model_dim},
                  {"ffn_down", l.ffn_down, s.model_dim, s.ffn_dim}};
  for (const auto& e : expected) {
    std::string why_not = WhyNotMatrix(e.name, e.w, e.rows, e.cols);
    if (!why_not.empty()) return why_not;
  }
  return {};
}

BertCpu::BertCpu(const CpuKernels& kernels, const ModelShape& s, int threads, int64_t tokens)
    : kernels_(kernels),
      shape_(s),
      tokens_(tokens),
      q_(tokens * s.model_dim),
      k_(q_.size()),
      v_(q_.size()),
      attended_(q_.size()),
      k_heads_(q_.size()),
      v_heads_(q_.size()),
      up_(tokens * s.ffn_dim),
      y_(q_.size()),
      attention_scratch_(static_cast<size_t>(
          AttentionScratchByte({tokens, 0, s.heads, s.kv_heads, s.head_dim, false}, threads))) {}

void BertCpu::Run(RowTeam& team, const Member& m, const BertLayer& layer) const {
  const int64_t ffn = shape_.ffn_dim;
  team.Linear(m, m.buffers.x.data(),
              {{&layer.attn_q, q_.data()}, {&layer.attn_k, k_.data()}, {&layer.attn_v, v_.data()}});
  Store(m.worker.slice(), layer);
  m.worker.Barrier();
  Attend(m.worker);
  team.Linear(m, attended_.data(), {{&layer.attn_output, y_.data()}});
  AddAndNorm(m, layer.attn_output_bias, layer.attn_norm, layer.attn_norm_bias);
  team.Linear(m, m.buffers.x.data(), {{&layer.ffn_up, up_.data()}});
  for (int64_t r = m.rows.begin; r < m.rows.end; ++r) {
    float* in = m.In(r, ffn);
    std::memcpy(in, up_.data() + r * ffn, sizeof(float) * static_cast<size_t>(ffn));
    kernels_.add(layer.ffn_up_bias, ffn, in);
    kernels_.gelu(in, ffn, in);
  }
  team.Linear(m, {{&layer.ffn_down, y_.data()}});
  AddAndNorm(m, layer.ffn_down_bias, layer.ffn_norm, layer.ffn_norm_bias);
}

// Adds the biases; K and V go to f16, head by head. One item is one token of q, k or v.
void BertCpu::Store(Slice slice, const BertLayer& layer) const {
  const int64_t dim = shape_.model_dim;
  const int64_t head_dim = shape_.head_dim;
  const struct {
    float* rows;
    const float* bias;
    uint16_t* heads;  // null: stays as it is
  } parts[] = {{q_.data(), layer.attn_q_bias, nullptr},
               {k_.data(), layer.attn_k_bias, k_heads_.data()},
               {v_.data(), layer.attn_v_bias, v_heads_.data()}};
  const Range items = Share(3 * tokens_, 1, slice);
  for (int64_t i = items.begin; i < items.end; ++i) {
    const auto& part = parts[i / tokens_];
    const int64_t token = i % tokens_;
    float* row = part.rows + token * dim;
    kernels_.add(part.bias, dim, row);
    if (part.heads == nullptr) continue;
    for (int64_t head = 0; head < shape_.heads; ++head) {
      kernels_.f16_from_f32(row + head * head_dim, head_dim,
                            part.heads + (head * tokens_ + token) * head_dim);
    }
  }
}

void BertCpu::Attend(Worker& worker) const {
  AttentionArgs args;
  args.shape = {tokens_, 0, shape_.heads, shape_.kv_heads, shape_.head_dim, false};
  args.q = q_.data();
  args.k = k_heads_.data();
  args.v = v_heads_.data();
  args.capacity = tokens_;
  args.out = attended_.data();
  args.scratch = attention_scratch_.data();
  kernels_.attention(args, worker.slice());
  worker.Barrier();
  kernels_.attention_merge(args, worker.slice());
  worker.Barrier();
}

void BertCpu::AddAndNorm(const Member& m, const float* y_bias, const float* weight,
                         const float* bias) const {
  const int64_t dim = shape_.model_dim;
  const auto eps = static_cast<float>(shape_.rms_eps);
  for (int64_t r = m.rows.begin; r < m.rows.end; ++r) {
    float* x = m.X(r, dim);
    float* sum = m.In(r, dim);
    std::memcpy(sum, x, sizeof(float) * static_cast<size_t>(dim));
    kernels_.add(y_.data() + r * dim, dim, sum);
    kernels_.add(y_bias, dim, sum);
    kernels_.layer_norm(sum, weight, bias, dim, eps, x);
  }
}

}  // namespace wattline::kernels
