// One training step of a transformer block: the forward pass, then the gradients of a loss with
// respect to every weight and to the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/block/block.h"
#include "kernels/gemm/gemm.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

// dy is the gradient with respect to the block's output y; block.start is 0. All matrices are f32
// or all bf16. The laws, for each linear layer Y = X W^T (+ bias):
//   dX = dY W,  dW = dY^T X,  dbias = sum of dY over tokens
// softmax attention, P = softmax(S), S = Q K^T / sqrt(head_dim), O = P V:
//   dV = P^T dO,  dP = dO V^T,  dS = P (dP - sum(dO O)),  dQ = dS K,  dK = dS^T Q
//   (the last two over sqrt(head_dim)), K and V summing over the heads of their group
// RMSNorm y = x r w, r = 1 / sqrt(mean(x^2) + eps):
//   dx = r (dy w - x r^2 mean(dy w x)),  dw = sum of dy x r over tokens
// LayerNorm y = z w + b, z = (x - mean) r:
//   dx = r (dy w - mean(dy w) - z mean(dy w z)),  dw = sum of dy z,  db = sum of dy
// RoPE: the inverse rotation. SwiGLU y = g s(g) u:  dg = dy u s (1 + g (1 - s)),  du = dy g s.
// GELU y = x Phi(x):  dx = dy (Phi(x) + x phi(x)).
struct StepCase {
  BlockCase block;
  const float* dy = nullptr;  // [tokens, model_dim]
};

enum class StepPass : uint8_t { kForward, kForwardBackward };

// Operations: the forward pass of block.h; backward, twice its linear layers (dX and dW) and twice
// its attention (4 products where forward has 2). Scores that backward computes again are not
// counted, nor is anything else that a step repeats.
double StepFlop(const StepCase& c, StepPass pass);
// Compulsory bytes: weights once in their format, x and y in f32; backward, the weights' gradients
// and dx written and dy read once in f32. What a step saves between its passes is not counted.
double StepByte(const StepCase& c, StepPass pass);

// One tensor that a step leaves: "y", "dx", or the gradient of the weight of that name
// ("attn_q", "ffn_norm"), row-major as the weight lies.
template <typename T>
struct StepTensor {
  std::string_view name;
  std::span<const T> values;
};

// The products of the linear layers that a step consists of, each as often as it occurs.
struct StepGemm {
  GemmShape shape;
  int times = 0;
};
std::vector<StepGemm> StepGemms(const StepCase& c, StepPass pass);

// The gradient of one weight as a step computed it, and its operands: dw[rows, cols] = dy^T x, dy
// [tokens, rows] and x [tokens, cols] in elements of the step's type. `again` is dw of a second
// evaluation, where dy and x can be had from that one only; null where they are the Run's own.
struct StepWeightGradient {
  std::string_view name;
  int64_t rows = 0;
  int64_t cols = 0;
  const std::byte* dy = nullptr;
  const std::byte* x = nullptr;
  const float* dw = nullptr;
  const float* again = nullptr;
};

// A step that a backend has prepared. Run does all of it, on the values that the case's x and dy
// have then, or had at the last TakeInputs; Result is y, and dx behind it where there is a backward
// pass.
class StepWork : public Work {
 public:
  // Copies the case's x and dy anew, where the backend cannot read them where they are.
  virtual void TakeInputs() {}
  // y; with a backward pass dx, attn_norm, ffn_norm, attn_q, ... ffn_down too. Valid until the next
  // Run.
  virtual std::vector<StepTensor<float>> Tensors() const = 0;
  // Of every linear layer, from the last Run; empty without a backward pass.
  virtual std::vector<StepWeightGradient> WeightGradients() const = 0;
  // The step's attention alone, on what the last Run saved: for timing it by itself.
  virtual void RunAttention() = 0;
};

// A step, or one sentence why this backend cannot do it.
struct MadeStep {
  std::unique_ptr<StepWork> work;
  std::string why_not;
};

// Double precision on exactly dequantised weights. Calls `take` with each tensor, in the order of
// StepWork::Tensors; the values live during the call.
void StepReference(const StepCase& c, ThreadPool& pool,
                   const std::function<void(StepTensor<double>)>& take);

// Bound of the error's root mean square over a tensor, relative to the tensor's; the derivation
// stands in step.cc. A single element may be off by kStepWorst times that of the tensor's.
double StepTolerance(const StepCase& c, Rounding rounds = {});
inline constexpr double kStepWorst = 8;

// The format of a step's matrices, or nullopt where they are mixed or packed.
std::optional<GemmType> StepType(const BlockCase& c);

}  // namespace wattline::kernels
