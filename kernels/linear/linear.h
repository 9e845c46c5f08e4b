// The linear layer: Y[tokens, rows] = X[tokens, cols] W[rows, cols]^T with W in any weight format.
// One token makes it a GEMV (decode), many a GEMM (prefill).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/buffer.h"
#include "kernels/matrix.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

// Up to this many tokens a linear layer runs as GEMV: each weight row is read once, as one
// sequential stream, and meets all tokens; above it, weights are unpacked panel by panel.
constexpr int64_t kGemvTokens = 8;

// Bytes of the panel form, in any instruction set's layout. For dense weights: rows rounded up to
// 16, 4 bytes each. Behind them for packed weights, per run of 32: 8-bit integers and six numbers.
constexpr int64_t DensePanelByte(int64_t tokens, int64_t cols) {
  return (tokens + 15) / 16 * 16 * cols * 4;
}
constexpr int64_t PanelByte(int64_t tokens, int64_t cols) {
  return DensePanelByte(tokens, cols) + tokens * ((cols + 31) / 32) * (32 + 6 * 4);
}

// Bytes of the lanes form: octets of 256 columns, 1.5 bytes for each.
constexpr int64_t kLaneOctetByte = 384;
constexpr int64_t LanesByte(int64_t tokens, int64_t cols) {
  return tokens * ((cols + 255) / 256) * kLaneOctetByte;
}

// What a kernel reads of its activations. Weights of several formats that take one form share it,
// prepared for any of them. The panels of dense weights lie in one room: one at a time.
enum class ActivationForm : uint8_t {
  kF32,         // as they are: nothing to prepare
  kQ8,          // the 8-bit form, and its lanes
  kPanelF32,    // a panel for dense weights, packed as the register tile reads it
  kPanelBf16,   // the same, rounded to bf16
  kPanelTiles,  // bf16 in the order of matrix tiles (panel_blocks.h)
  kPanelQ8,     // the 8-bit integers in a panel (packed_panel.h)
};

// The form of most instruction sets: up to kGemvTokens dense weights take f32, quantised ones 8
// bit; more tokens take a panel, f32 for dense weights.
ActivationForm LinearForm(Format format, int64_t tokens, int64_t cols);

// Activations in the forms that kernels take. In the 8-bit form, per block of 32, x is about
// scale * q, with block_sum = scale * sum(q); that of up to 4 tokens is row-major; that of more may
// lie interleaved (gemv_rows.h), for the instruction set alone that wrote it, as may the lanes. The
// form that a kernel needs, CpuKernels::prepare writes; what others need may stay null.
struct Activations {
  int64_t tokens = 0;
  int64_t cols = 0;
  const float* f32 = nullptr;     // [tokens, cols]
  std::byte* panel = nullptr;     // PanelByte(tokens, cols) bytes
  int8_t* q8 = nullptr;           // [tokens, cols], -127..127
  float* q8_scale = nullptr;      // [tokens, cols / 32]
  float* q8_block_sum = nullptr;  // [tokens, cols / 32], scale * sum of q
  std::byte* lanes = nullptr;     // LanesByte(tokens, cols) bytes, the 8-bit form once more
};

// Owns the packed forms for up to `tokens` x `cols`; the f32 form stays the caller's.
class ActivationBuffer {
 public:
  ActivationBuffer() = default;
  ActivationBuffer(int64_t tokens, int64_t cols);

  // A view of x[tokens, cols] with room for every form; tokens and cols may be smaller than those
  // of the buffer. The next View reuses the room.
  Activations View(const float* x, int64_t tokens, int64_t cols) const;

 private:
  Buffer<std::byte> panel_;
  Buffer<int8_t> q8_;
  Buffer<float> q8_scale_;
  Buffer<float> q8_block_sum_;
  Buffer<std::byte> lanes_;
};

struct LinearArgs {
  Matrix w;  // [rows, cols]
  const Activations* x = nullptr;
  float* y = nullptr;  // [tokens, rows], y_stride elements from one token to the next
  int64_t y_stride = 0;
  std::byte* scratch =
      nullptr;  // LinearScratchByte(cols) bytes of this thread's own, 64-byte aligned
};

// Operations: 2 per weight and token.
constexpr double LinearFlop(int64_t tokens, int64_t rows, int64_t cols) {
  return 2.0 * static_cast<double>(tokens) * static_cast<double>(rows) * static_cast<double>(cols);
}
// Compulsory bytes: W once at its packed size, X and Y once in f32.
double LinearByte(const Matrix& w, int64_t tokens);

// Operands of one measured or checked linear layer.
struct LinearCase {
  Matrix w;
  const float* x = nullptr;  // [tokens, cols]
  int64_t tokens = 0;
};

// Double precision on the exactly dequantised weights: y[tokens, rows].
void LinearReference(const LinearCase& c, double* y);
// Bound of |Y - reference| for (token, row): from the 8-bit rounding of activations (half a step of
// scale = max|x| / 127 per block) for quantised weights, bf16 rounding of both operands above
// kGemvTokens (the larger of both for quantised weights), and the f32 sum; derivation in linear.cc.
// `unit`: of a narrower type that activations and unpacked weights are rounded to, relative.
double LinearTolerance(const LinearCase& c, int64_t token, int64_t row, double unit = 0);

}  // namespace wattline::kernels
