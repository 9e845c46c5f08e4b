// A table of CPU kernels made from the double-precision references: with it, what is around the
// kernels (order, barriers, addresses, who owns which row) is tested to f16 of K and V, with dense
// weights, without an instruction set of its own.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/dequant/dequant.h"
#include "kernels/float16.h"

namespace wattline::kernels {
namespace plain {

using Doubles = std::vector<double>;

inline Doubles Wide(const float* x, int64_t n) { return Doubles(x, x + n); }
inline void Narrow(const Doubles& x, float* out) { std::copy(x.begin(), x.end(), out); }

inline void DequantF32(Format format, const std::byte* row, int64_t cols, float* out) {
  Doubles values(static_cast<size_t>(cols));
  DequantReference(format, row, cols, values.data());
  Narrow(values, out);
}

inline int8_t Mark(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return static_cast<int8_t>(bits ^ bits >> 8 ^ bits >> 16 ^ bits >> 24);
}

// As on tiles: three forms, two of them of dense weights.
inline ActivationForm Form(Format format, int64_t, int64_t) {
  if (IsQuantised(format)) return ActivationForm::kPanelQ8;
  return format == Format::kBF16 ? ActivationForm::kPanelTiles : ActivationForm::kPanelF32;
}

// Writes a mark of each value and of the form for the slice's share into the 8-bit form's room, one
// room for all forms, in pieces that are no rows: a missing barrier before Linear, and another form
// in place of its own, show as marks that differ there.
inline void Prepare(Format format, Activations& x, Slice slice) {
  const auto form = static_cast<int8_t>(Form(format, x.tokens, x.cols));
  const Range share = Share(x.tokens * x.cols, 32, slice);
  for (int64_t i = share.begin; i < share.end; ++i) {
    x.q8[i] = static_cast<int8_t>(Mark(x.f32[i]) ^ form);
  }
}

inline void Linear(const LinearArgs& args, Slice slice) {
  const Activations& x = *args.x;
  const auto form = static_cast<int8_t>(Form(args.w.format, x.tokens, x.cols));
  const Range rows = Share(args.w.rows, 1, slice);
  if (rows.begin == rows.end) return;
  const auto prepared = [&] {
    for (int64_t i = 0; i < x.tokens * x.cols; ++i) {
      if (x.q8[i] != static_cast<int8_t>(Mark(x.f32[i]) ^ form)) return false;
    }
    return true;
  };
  const bool ready = prepared();
  Doubles w(static_cast<size_t>(x.cols));
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    DequantReference(args.w.format, args.w.Row(r), x.cols, w.data());
    for (int64_t t = 0; t < x.tokens; ++t) {
      double sum = 0;
      for (int64_t i = 0; i < x.cols; ++i) sum += w[static_cast<size_t>(i)] * x.f32[t * x.cols + i];
      args.y[t * args.y_stride + r] = static_cast<float>(sum);
    }
  }
  // Another thread may still prepare the next form too early: marks are looked at twice. NaN
  // reaches the result and fails its test.
  if (!ready || !prepared()) args.y[rows.begin] = NAN;
}

inline int64_t LinearScratch(Format, int64_t, int64_t) { return 0; }

// The whole call on one thread: what others then read needs the barrier.
inline void Attention(const AttentionArgs& args, Slice slice) {
  if (slice.index != slice.count - 1) return;
  const AttentionShape& s = args.shape;
  Doubles out(static_cast<size_t>(s.tokens * s.heads * s.head_dim));
  AttentionReference(args, out.data());
  Narrow(out, args.out);
}

inline void AttentionMerge(const AttentionArgs&, Slice) {}

inline void RmsNorm(const float* x, const float* weight, int64_t dim, float eps, float* out) {
  Doubles row = Wide(x, dim);
  RmsNormReference(row.data(), weight, dim, eps, row.data());
  Narrow(row, out);
}

inline void LayerNorm(const float* x, const float* weight, const float* bias, int64_t dim,
                      float eps, float* out) {
  Doubles row = Wide(x, dim);
  LayerNormReference(row.data(), weight, bias, dim, eps, row.data());
  Narrow(row, out);
}

inline void Rope(float* head, int64_t rope_dim, const float* cos_sin, RopeLayout layout) {
  for (int64_t i = 0; i < rope_dim / 2; ++i) {
    const bool adjacent = layout == RopeLayout::kAdjacent;
    float& a = head[adjacent ? 2 * i : i];
    float& b = head[adjacent ? 2 * i + 1 : i + rope_dim / 2];
    const float turned = a * cos_sin[2 * i] - b * cos_sin[2 * i + 1];
    b = a * cos_sin[2 * i + 1] + b * cos_sin[2 * i];
    a = turned;
  }
}

inline void SwiGlu(const float* gate, const float* up, int64_t n, float* out) {
  const Doubles u = Wide(up, n);
  Doubles row = Wide(gate, n);
  SwiGluReference(row.data(), u.data(), n, row.data());
  Narrow(row, out);
}

inline void Gelu(const float* x, int64_t n, float* out) {
  Doubles row = Wide(x, n);
  GeluReference(row.data(), n, row.data());
  Narrow(row, out);
}

inline void Add(const float* x, int64_t n, float* inout) {
  for (int64_t i = 0; i < n; ++i) inout[i] += x[i];
}

inline void F16(const float* x, int64_t n, uint16_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = F16FromFloat(x[i]);
}

inline std::string WhyNot() { return {}; }

}  // namespace plain

inline CpuKernels PlainKernels() {
  CpuKernels k = {};
  k.isa = "plain";
  k.why_not = plain::WhyNot;
  k.dequant_f32 = plain::DequantF32;
  k.form = plain::Form;
  k.prepare = plain::Prepare;
  k.linear = plain::Linear;
  k.linear_scratch_byte = plain::LinearScratch;
  k.attention = plain::Attention;
  k.attention_merge = plain::AttentionMerge;
  k.rms_norm = plain::RmsNorm;
  k.layer_norm = plain::LayerNorm;
  k.rope = plain::Rope;
  k.swiglu = plain::SwiGlu;
  k.gelu = plain::Gelu;
  k.add = plain::Add;
  k.f16_from_f32 = plain::F16;
  return k;
}

}  // namespace wattline::kernels
