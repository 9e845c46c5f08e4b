#include "kernels/block/row_team.h"

#include <algorithm>

namespace wattline::kernels {
namespace {

// terms[2, x.tokens, cols] of these rows: x, and what its 8-bit form leaves of it. In whole blocks,
// whose loop compilers turn into vectors: 0.4 us for 2048 columns in place of 1.5 (measured,
// Emerald Rapids), once in each layer on every thread.
void SplitTerms(const Activations& x, Range rows, float* terms) {
  constexpr int64_t kBlock = 32;
  const int64_t second = x.tokens * x.cols;
  for (int64_t b = rows.begin * x.cols / kBlock; b < rows.end * x.cols / kBlock; ++b) {
    const float scale = x.q8_scale[b];
    for (int64_t i = b * kBlock; i < (b + 1) * kBlock; ++i) {
      terms[i] = x.f32[i];
      terms[second + i] = x.f32[i] - scale * static_cast<float>(x.q8[i]);
    }
  }
}

}  // namespace

RowTeam::RowTeam(const CpuKernels& kernels, int threads, int64_t rows, int64_t model_dim,
                 int64_t widest, int64_t scratch_byte)
    : kernels_(kernels) {
  for (int i = 0; i < threads; ++i) {
    const int64_t own = i == 0 ? rows : 1;
    const int64_t terms = 2 * std::min(own, kRefinedRows);
    buffers_.push_back({Buffer<float>(own * model_dim), Buffer<float>(own * widest),
                        ActivationBuffer(own, widest), Buffer<float>(terms * model_dim),
                        ActivationBuffer(terms, model_dim)});
    scratch_.emplace_back(static_cast<size_t>(scratch_byte));
  }
}

Member RowTeam::Join(Worker& worker, int64_t rows, StepParts parts) {
  const bool solo = rows == 1;
  const auto self = static_cast<size_t>(worker.slice().index);
  const Slice slice = solo ? Slice{} : worker.slice();
  return {worker,
          rows,
          solo,
          slice,
          Share(rows, 1, slice),
          buffers_[solo ? self : 0],
          scratch_[self].data(),
          parts};
}

Member RowTeam::Together(const Member& m) {
  const Slice slice = m.worker.slice();
  return {m.worker,    m.rows_in_pass, false,  slice, Share(m.rows_in_pass, 1, slice),
          buffers_[0], m.scratch,      m.parts};
}

// Kernels share the packing in other pieces than rows, so that rows are complete before it.
void RowTeam::Linear(const Member& m, const float* in,
                     std::initializer_list<LinearOut> outs) const {
  Activations x = m.buffers.forms.View(in, m.rows_in_pass, outs.begin()->w->cols);
  for (const LinearOut* first = outs.begin(); first != outs.end(); ++first) {
    const ActivationForm form = Form(x, *first);
    const auto same = [&](const LinearOut& out) { return Form(x, out) == form; };
    if (std::any_of(outs.begin(), first, same)) continue;
    if (m.Runs(kRestPart)) {
      Meet(m);  // all have also done with the form before, which may lie in the same room
      kernels_.prepare(first->w->format, x, m.slice);
      Meet(m);
    }
    for (const LinearOut* out = first; m.Runs(kLinearPart) && out != outs.end(); ++out) {
      if (same(*out)) Run(m, x, *out);
    }
  }
  if (m.Runs(kLinearPart)) m.worker.Barrier();
}

void RowTeam::LinearRefined(const Member& m, LinearOut plain,
                            std::initializer_list<LinearOut> refined) const {
  const int64_t cols = plain.w->cols;
  Activations x = m.buffers.forms.View(m.buffers.in.data(), m.rows_in_pass, cols);
  Activations terms = m.buffers.term_forms.View(m.buffers.terms.data(), 2 * m.rows_in_pass, cols);
  if (m.Runs(kRestPart)) {
    Meet(m);
    // So few rows take 8 bits or f32, which lie apart; the refined ones take 8 bits.
    kernels_.prepare(refined.begin()->w->format, x, m.slice);
    if (Form(x, plain) != Form(x, *refined.begin())) {
      kernels_.prepare(plain.w->format, x, m.slice);
    }
    Meet(m);
    SplitTerms(x, m.rows, m.buffers.terms.data());
    Meet(m);
    kernels_.prepare(refined.begin()->w->format, terms, m.slice);
    Meet(m);
  }
  if (!m.Runs(kLinearPart)) return;
  Run(m, x, plain);
  for (const LinearOut& out : refined) Run(m, terms, out);
  m.worker.Barrier();
}

// Where each thread has the whole row in its own buffers, nobody waits for anybody.
void RowTeam::Meet(const Member& m) {
  if (!m.solo) m.worker.Barrier();
}

ActivationForm RowTeam::Form(const Activations& x, const LinearOut& out) const {
  return kernels_.form(out.w->format, x.tokens, x.cols);
}

void RowTeam::Run(const Member& m, const Activations& x, const LinearOut& out) const {
  LinearArgs args;
  args.w = *out.w;
  args.x = &x;
  args.y = out.y;
  args.y_stride = out.w->rows;
  args.scratch = m.scratch;
  kernels_.linear(args, m.worker.slice());
}

int64_t LinearScratchByte(const CpuKernels& kernels, const Matrix& w, int64_t rows) {
  int64_t byte = 0;
  for (int64_t tokens = 1; tokens <= rows; ++tokens) {
    byte = std::max(byte, kernels.linear_scratch_byte(w.format, tokens, w.cols));
  }
  return byte;
}

}  // namespace wattline::kernels
