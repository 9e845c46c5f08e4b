#include "kernels/block/row_team.h"

#include <algorithm>

namespace wattline::kernels {

RowTeam::RowTeam(const CpuKernels& kernels, int threads, int64_t rows, int64_t model_dim,
                 int64_t widest, int64_t scratch_byte)
    : kernels_(kernels) {
  for (int i = 0; i < threads; ++i) {
    const int64_t own = i == 0 ? rows : 1;
    buffers_.push_back({Buffer<float>(own * model_dim), Buffer<float>(own * widest),
                        ActivationBuffer(own, widest)});
    scratch_.emplace_back(static_cast<size_t>(scratch_byte));
  }
}

Member RowTeam::Join(Worker& worker, int64_t rows) {
  const bool solo = rows == 1;
  const auto self = static_cast<size_t>(worker.slice().index);
  const Slice slice = solo ? Slice{} : worker.slice();
  return {worker,
          rows,
          solo,
          slice,
          Share(rows, 1, slice),
          buffers_[solo ? self : 0],
          scratch_[self].data()};
}

void RowTeam::Linear(const Member& m, const float* in,
                     std::initializer_list<LinearOut> outs) const {
  const int64_t cols = outs.begin()->w->cols;
  // Kernels share the packing in other pieces than rows.
  if (!m.solo) m.worker.Barrier();
  Activations x = m.buffers.forms.View(in, m.rows_in_pass, cols);
  for (const LinearOut* out = outs.begin(); out != outs.end(); ++out) {
    const auto same = [out](const LinearOut& other) { return other.w->format == out->w->format; };
    if (std::any_of(outs.begin(), out, same)) continue;
    kernels_.prepare(out->w->format, x, m.slice);
  }
  if (!m.solo) m.worker.Barrier();
  for (const LinearOut& out : outs) {
    LinearArgs args;
    args.w = *out.w;
    args.x = &x;
    args.y = out.y;
    args.y_stride = out.w->rows;
    args.scratch = m.scratch;
    kernels_.linear(args, m.worker.slice());
  }
  m.worker.Barrier();
}

int64_t LinearScratchByte(const CpuKernels& kernels, const Matrix& w, int64_t rows) {
  int64_t byte = 0;
  for (int64_t tokens = 1; tokens <= rows; ++tokens) {
    byte = std::max(byte, kernels.linear_scratch_byte(w.format, tokens, w.cols));
  }
  return byte;
}

}  // namespace wattline::kernels
