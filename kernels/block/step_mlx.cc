// A training step by MLX's own gradient: one graph of the forward pass and its vector-Jacobian
// product.
#include <optional>
#include <utility>

#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"
#include "kernels/block/step_graph_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

using Function = std::function<MlxArrays(const MlxArrays&)>;

// Compiled by MLX, for the shapes of its first call. Its CPU stream, which is there for checks,
// would run a C++ compiler for each fused kernel, 49 s in all for the tests (measured, MLX 0.32.4),
// with results as far from the reference.
Function Compiled(Function graph) { return MlxOnGpu() ? mx::compile(std::move(graph)) : graph; }

// The same values where the CPU reads them, row-major.
mx::array OnCpu(const mx::array& array) {
  mx::array values = mx::contiguous(array, false, mx::Device::cpu);
  mx::eval(values);
  return values;
}

const std::byte* Bytes(const mx::array& array) {
  return reinterpret_cast<const std::byte*>(array.data<uint8_t>());
}

class MlxStep final : public StepWork {
 public:
  MlxStep(const StepCase& c, StepPass pass, mx::Dtype type)
      : case_(c),
        backward_(pass == StepPass::kForwardBackward),
        type_(type),
        graph_(c.block, type),
        step_(Compiled([this](const MlxArrays& in) { return Step(in); })),
        attention_(Compiled([this](const MlxArrays& in) { return Attention(in); })) {
    TakeInputs();
  }

  void TakeInputs() override {
    inputs_ = {Edge(case_.block.x), Edge(case_.dy)};
    inputs_.insert(inputs_.end(), graph_.weights().begin(), graph_.weights().end());
    noted_.reset();
  }

  void Run() override {
    floats_.clear();
    // What the last run left is free before this one asks for memory.
    outputs_.clear();
    outputs_ = step_(inputs_);
    mx::eval(outputs_);
  }

  void RunAttention() override {
    const MlxArrays& qkv = Noted().qkv;
    // As large as its output, which is what it is multiplied with.
    outputs_of_attention_ = attention_({qkv[0], qkv[1], qkv[2], qkv[0]});
    mx::eval(outputs_of_attention_);
  }

  std::vector<StepTensor<float>> Tensors() const override {
    std::vector<StepTensor<float>> tensors = {{"y", Floats()[0]}};
    if (!backward_) return tensors;
    tensors.push_back({"dx", Floats()[1]});
    for (size_t i = 0; i < graph_.names().size(); ++i) {
      tensors.push_back({graph_.names()[i], Floats()[i + 2]});
    }
    return tensors;
  }

  std::vector<StepWeightGradient> WeightGradients() const override {
    std::vector<StepWeightGradient> gradients;
    if (!backward_) return gradients;
    const Operands& noted = Noted();
    for (size_t i = 0; i < noted.dys.size(); ++i) {
      const size_t at = graph_.vectors() + i;
      const mx::array& w = graph_.weights()[at];
      gradients.push_back({graph_.names()[at], w.shape(0), w.shape(1), Bytes(noted.dys[i]),
                           Bytes(noted.inputs[i]), Floats()[at + 2].data(), noted.dws[i].data()});
    }
    return gradients;
  }

  std::vector<float> Result() const override {
    std::vector<float> all = Floats()[0];
    if (backward_) all.insert(all.end(), Floats()[1].begin(), Floats()[1].end());
    return all;
  }

  std::string Kernel() const override {
    return std::string(MlxOnGpu() ? "gpu" : "cpu") +
           (type_ == mx::bfloat16 ? ", gradients and residual stream in bf16" : "");
  }
  Rounding RoundsTo() const override { return {UnitOf(type_), UnitOf(type_)}; }

 private:
  // The operands of the products, which the timed graph computes too and does not give out. It is
  // compiled and rounds in other places (on an H200 by 10 units of f32, MLX 0.32.4), so these have
  // products of their own.
  struct Operands {
    MlxArrays inputs, dys;                // of each matrix
    std::vector<std::vector<float>> dws;  // dys^T inputs, by the same evaluation
    MlxArrays qkv;
  };

  mx::array Edge(const float* values) const {
    return ArrayOf(
        values,
        {1, static_cast<int>(case_.block.tokens), static_cast<int>(case_.block.shape.model_dim)},
        type_);
  }

  // From x, dy and the weights: y, dx and the weights' gradients; or y and what they would need.
  MlxArrays Step(const MlxArrays& in) const {
    if (!backward_) {
      MlxTaps taps;
      MlxArrays out = {graph_.Forward({in.begin() + 2, in.end()}, in[0], &taps)};
      out.insert(out.end(), taps.saved.begin(), taps.saved.end());
      return out;
    }
    MlxArrays primals = {in[0]};
    primals.insert(primals.end(), in.begin() + 2, in.end());
    auto [out, gradients] = mx::vjp(
        [this](const MlxArrays& at) {
          return MlxArrays{graph_.Forward({at.begin() + 1, at.end()}, at[0], nullptr)};
        },
        primals, {in[1]});
    out.insert(out.end(), gradients.begin(), gradients.end());
    return out;
  }

  // From Q, K, V and the gradient of what they yield.
  MlxArrays Attention(const MlxArrays& in) const {
    const MlxArrays qkv = {in.begin(), in.begin() + 3};
    const auto attend = [this](const MlxArrays& at) { return MlxArrays{graph_.Attention(at)}; };
    if (!backward_) return attend(qkv);
    auto [out, gradients] = mx::vjp(attend, qkv, {in[3]});
    out.insert(out.end(), gradients.begin(), gradients.end());
    return out;
  }

  // The gradient of what a matrix yields is that of a zero added to it.
  const Operands& Noted() const {
    if (noted_) return *noted_;
    Operands noted;
    MlxTaps taps;
    if (backward_) {
      const auto matrices = static_cast<std::ptrdiff_t>(graph_.vectors());
      MlxArrays primals = {graph_.weights().begin() + matrices, graph_.weights().end()};
      const size_t count = primals.size();
      for (size_t i = 0; i < count; ++i) {
        primals.push_back(
            mx::zeros({1, static_cast<int>(case_.block.tokens), primals[i].shape(0)}, type_));
      }
      const auto shifted = [&](const MlxArrays& at) {
        MlxArrays weights = {graph_.weights().begin(), graph_.weights().begin() + matrices};
        const auto deltas = at.begin() + static_cast<std::ptrdiff_t>(count);
        weights.insert(weights.end(), at.begin(), deltas);
        taps = {{deltas, at.end()}, {}, {}, {}};
        return MlxArrays{graph_.Forward(weights, inputs_[0], &taps)};
      };
      const MlxArrays gradients = mx::vjp(shifted, primals, {inputs_[1]}).second;
      for (size_t i = 0; i < count; ++i) {
        noted.dws.push_back(FloatsOf(gradients[i]));
        noted.dys.push_back(OnCpu(gradients[count + i]));
      }
    } else {
      graph_.Forward(graph_.weights(), inputs_[0], &taps);
    }
    for (const mx::array& input : taps.inputs) noted.inputs.push_back(OnCpu(input));
    noted.qkv = taps.qkv;
    for (mx::array& array : noted.qkv) array = mx::contiguous(array);
    mx::eval(noted.qkv);
    noted_ = std::move(noted);
    return *noted_;
  }

  const std::vector<std::vector<float>>& Floats() const {
    if (floats_.empty()) {
      const size_t count = backward_ ? outputs_.size() : 1;
      for (size_t i = 0; i < count; ++i) floats_.push_back(FloatsOf(outputs_[i]));
    }
    return floats_;
  }

  const StepCase case_;
  const bool backward_;
  const mx::Dtype type_;
  const MlxStepGraph graph_;
  const Function step_, attention_;
  MlxArrays inputs_;   // x, dy, weights
  MlxArrays outputs_;  // of the last Run
  MlxArrays outputs_of_attention_;
  mutable std::vector<std::vector<float>> floats_;  // of outputs_
  mutable std::optional<Operands> noted_;
};

}  // namespace

MadeStep MakeMlxStep(const Backend&, const StepCase& c, StepPass pass, ThreadPool&) {
  const std::optional<GemmType> type = StepType(c.block);
  if (!type) return {nullptr, "training steps need all matrices in f32 or all in bf16"};
  try {
    return {
        std::make_unique<MlxStep>(c, pass, *type == GemmType::kBF16 ? mx::bfloat16 : mx::float32),
        {}};
  } catch (const std::exception& error) {
    return {nullptr, std::string("MLX: ") + error.what()};
  }
}

}  // namespace wattline::kernels
