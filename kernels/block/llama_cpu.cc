#include "kernels/block/llama_cpu.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/attention/attention.h"
#include "kernels/buffer.h"

namespace wattline::kernels {

std::string WhyNotShape(const ModelShape& s) {
  if (s.heads < 1 || s.kv_heads < 1 || s.heads % s.kv_heads != 0) {
    return fmt::format("{} heads cannot share {} KV heads evenly", s.heads, s.kv_heads);
  }
  if (s.head_dim < 16 || s.head_dim % 16 != 0) {
    return fmt::format("head_dim {} is no multiple of 16, which the CPU kernels need", s.head_dim);
  }
  if (s.rope_dim % 2 != 0 || s.rope_dim > s.head_dim) {
    return fmt::format("rope_dim {} does not fit head_dim {}", s.rope_dim, s.head_dim);
  }
  if (s.model_dim % 32 != 0 || s.ffn_dim % 32 != 0 || s.heads * s.head_dim % 32 != 0) {
    return fmt::format(
        "model_dim {}, ffn_dim {} and heads * head_dim {} must be multiples of 32, the block of "
        "8-bit activations",
        s.model_dim, s.ffn_dim, s.heads * s.head_dim);
  }
  return {};
}

std::string WhyNotMatrix(const char* name, const Matrix& w, int64_t rows, int64_t cols) {
  if (w.data == nullptr || w.rows != rows || w.cols != cols) {
    return fmt::format("{} is [{}, {}] where the shape has [{}, {}]", name, w.rows, w.cols, rows,
                       cols);
  }
  const FormatInfo& info = Info(w.format);
  if (cols % info.block_elements != 0) {
    return fmt::format("{} has rows of {} elements, no whole blocks of {} ({})", name, cols,
                       info.block_elements, info.name);
  }
  if (!CpuHolds(w.format)) return fmt::format("{} is {}", name, WhyNotCpuFormat(w.format));
  return {};
}

std::string WhyNotLayer(const ModelShape& s, const Layer& l) {
  const int64_t q = s.heads * s.head_dim;
  const int64_t kv = s.kv_heads * s.head_dim;
  const struct {
    const char* name;
    const Matrix& w;
    int64_t rows, cols;
  } expected[] = {{"attn_q", l.attn_q, q, s.model_dim},
                  {"attn_k", l.attn_k, kv, s.model_dim},
                  {"attn_v", l.attn_v, kv, s.model_dim},
                  {"attn_output", l.attn_output, s.model_dim, q},
                  {"ffn_gate", l.ffn_gate, s.ffn_dim, s.model_dim},
                  {"ffn_up", l.ffn_up, s.ffn_dim, s.model_dim},
                  {"ffn_down", l.ffn_down, s.model_dim, s.ffn_dim}};
  for (const auto& e : expected) {
    std::string why_not = WhyNotMatrix(e.name, e.w, e.rows, e.cols);
    if (!why_not.empty()) return why_not;
  }
  return {};
}

LlamaCpu::LlamaCpu(const CpuKernels& kernels, const ModelShape& s, const float* rope_factors,
                   int threads, int64_t sequences, int64_t count)
    : kernels_(kernels),
      shape_(s),
      rope_factors_(rope_factors),
      angles_(count * s.rope_dim),
      q_(sequences * count * s.heads * s.head_dim),
      k_(std::max(sequences * count, 2 * kRefinedRows) * s.kv_heads * s.head_dim),
      v_(k_.size()),
      attended_(q_.size()),
      gate_(sequences * count * s.ffn_dim),
      up_(gate_.size()),
      y_(sequences * count * s.model_dim) {
  const AttentionShape largest = {count, 0, s.heads, s.kv_heads, s.head_dim};
  attention_scratch_byte_ = RoundToLine(AttentionScratchByte(largest, threads));
  attention_scratch_ = RawBuffer(static_cast<size_t>(sequences * attention_scratch_byte_));
}

void LlamaCpu::Angles(Slice slice, TokenRows t) const {
  const Range tokens = Share(t.count, 1, slice);
  for (int64_t i = tokens.begin; i < tokens.end; ++i) {
    RopeAngles(shape_.rope_dim, t.start + i, shape_.rope_base, rope_factors_,
               angles_.data() + i * shape_.rope_dim);
  }
}

void LlamaCpu::Run(RowTeam& team, const Member& m, const Layer& layer, TokenRows t, KvLayout layout,
                   uint16_t* k, uint16_t* v) const {
  const int64_t ffn = shape_.ffn_dim;
  const bool rest = m.Runs(kRestPart);
  if (rest) Norm(m, layer.attn_norm);
  const bool refined =
      RowTeam::Refines(t.Rows(), layer.attn_k) && RowTeam::Refines(t.Rows(), layer.attn_v);
  if (refined) {
    team.LinearRefined(m, {&layer.attn_q, q_.data()},
                       {{&layer.attn_k, k_.data()}, {&layer.attn_v, v_.data()}});
  } else {
    team.Linear(
        m, {{&layer.attn_q, q_.data()}, {&layer.attn_k, k_.data()}, {&layer.attn_v, v_.data()}});
  }
  if (rest) {
    Store(m.worker.slice(), t, refined, layout, k, v);
    m.worker.Barrier();
  }
  if (m.Runs(kAttentionPart)) Attend(m.worker, t, layout, k, v);
  team.Linear(m, attended_.data(), {{&layer.attn_output, y_.data()}});
  if (rest) {
    AddY(m);
    Norm(m, layer.ffn_norm);
  }
  team.Linear(m, {{&layer.ffn_gate, gate_.data()}, {&layer.ffn_up, up_.data()}});
  // The widest row is all members' together: SwiGLU of 5632 elements and packing them take 3.6 us,
  // two meetings 0.3 us on two cores (measured, Emerald Rapids, 2026-11-21).
  const Member all = team.Together(m);
  if (rest && m.solo) {
    const Range own = Share(ffn, 64, m.worker.slice());
    kernels_.swiglu(gate_.data() + own.begin, up_.data() + own.begin, own.end - own.begin,
                    all.In(0, ffn) + own.begin);
  }
  for (int64_t r = m.rows.begin; rest && !m.solo && r < m.rows.end; ++r) {
    kernels_.swiglu(gate_.data() + r * ffn, up_.data() + r * ffn, ffn, m.In(r, ffn));
  }
  team.Linear(all, {{&layer.ffn_down, y_.data()}});
  if (rest) AddY(m);
}

void LlamaCpu::Norm(const Member& m, const float* weight) const {
  const int64_t dim = shape_.model_dim;
  for (int64_t r = m.rows.begin; r < m.rows.end; ++r) {
    kernels_.rms_norm(m.X(r, dim), weight, dim, static_cast<float>(shape_.rms_eps), m.In(r, dim));
  }
}

// y is not written again before the next meeting.
void LlamaCpu::AddY(const Member& m) const {
  const int64_t dim = shape_.model_dim;
  kernels_.add(y_.data() + m.rows.begin * dim, (m.rows.end - m.rows.begin) * dim,
               m.X(m.rows.begin, dim));
}

// RoPE on q and k, then k and v into the cache. One item is one head of q, k or v of one row.
void LlamaCpu::Store(Slice slice, TokenRows t, bool refined, KvLayout layout, uint16_t* k,
                     uint16_t* v) const {
  const int64_t dim = shape_.head_dim;
  const int64_t heads_of_row = shape_.heads + 2 * shape_.kv_heads;
  const Range items = Share(t.Rows() * heads_of_row, 1, slice);
  for (int64_t i = items.begin; i < items.end; ++i) {
    const int64_t row = i / heads_of_row;
    const int64_t token = row % t.count;
    const float* angles = angles_.data() + token * shape_.rope_dim;
    int64_t head = i % heads_of_row;
    if (head < shape_.heads) {
      kernels_.rope(q_.data() + (row * shape_.heads + head) * dim, shape_.rope_dim, angles,
                    shape_.rope_layout);
      continue;
    }
    head -= shape_.heads;
    const bool is_k = head < shape_.kv_heads;
    head %= shape_.kv_heads;
    float* from = (is_k ? k_ : v_).data() + (row * shape_.kv_heads + head) * dim;
    if (refined) kernels_.add(from + t.Rows() * shape_.kv_heads * dim, dim, from);
    if (is_k) kernels_.rope(from, shape_.rope_dim, angles, shape_.rope_layout);
    uint16_t* to = (is_k ? k : v) + layout.Offset(row / t.count, head, t.start + token);
    kernels_.f16_from_f32(from, dim, to);
  }
}

void LlamaCpu::Attend(Worker& worker, TokenRows t, KvLayout layout, const uint16_t* k,
                      const uint16_t* v) const {
  const auto each_sequence = [&](auto run) {
    for (int64_t s = 0; s < t.sequences; ++s) {
      const int64_t first = s * t.count * shape_.heads * shape_.head_dim;
      AttentionArgs args;
      args.shape = {t.count, t.start, shape_.heads, shape_.kv_heads, shape_.head_dim, true};
      args.q = q_.data() + first;
      args.k = k + layout.Offset(s, 0, 0);
      args.v = v + layout.Offset(s, 0, 0);
      args.capacity = layout.capacity;
      args.out = attended_.data() + first;
      args.scratch = attention_scratch_.data() + s * attention_scratch_byte_;
      run(args, worker.slice());
    }
  };
  each_sequence(kernels_.attention);
  worker.Barrier();
  each_sequence(kernels_.attention_merge);
  worker.Barrier();
}

}  // namespace wattline::kernels
