#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"
#include "kernels/block/layer_matrices.h"
#include "kernels/block/llama_mlx.h"
#include "kernels/decode/greedy.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

// Of activations: that of the layers' weights; f16 where those of mxfp4 or nvfp4 meet affine groups
// too, whose f16 scales would turn bf16 into f32, and all behind them.
mx::Dtype TypeOf(const Model& model) {
  const Format gate = model.layers.front().ffn_gate.format;
  const auto is_affine = [](const Matrix& w) {
    return IsQuantised(w.format) && ActivationType(w.format) == mx::float16;
  };
  bool any_affine = is_affine(model.token_embd) || is_affine(model.output);
  for (const Layer& layer : model.layers) {
    for (const auto matrix : kLayerMatrices) any_affine = any_affine || is_affine(layer.*matrix);
  }
  return IsQuantised(gate) && any_affine ? mx::float16 : ActivationType(gate);
}

class MlxDecoder final : public Decoder {
 public:
  MlxDecoder(const Model& model, DecoderOptions options)
      : shape_(model.shape),
        options_(options),
        type_(TypeOf(model)),
        llama_(model.shape, model.rope_factors),
        output_norm_(ArrayOf(model.output_norm, {Int(model.shape.model_dim)}, type_)),
        table_(MakeMlxWeights(model.token_embd)),
        output_(model.output.data == model.token_embd.data ? table_
                                                           : MakeMlxWeights(model.output)) {
    for (const Layer& layer : model.layers) {
      layers_.emplace_back(shape_, layer, type_);
      caches_.push_back(MakeMlxCache(shape_, options.batch, options.context, type_));
    }
  }

  void Forward(std::span<const int32_t> tokens, int64_t count, Logits which,
               std::span<float> logits) override {
    assert(count >= 1 && count <= options_.chunk && length_ + count <= options_.context);
    const mx::array ids(tokens.data(), {Int(options_.batch), Int(count)}, mx::int32);
    mx::array out = Step(ids, which == Logits::kAll);
    mx::eval(out);
    CopyOut(out, logits);
  }

  // As mlx_lm's generation does: while a step runs, the graph of the next one is made from its
  // token, which is not there yet.
  void Greedy(std::span<int32_t> tokens, int64_t steps, std::span<float> logits) override {
    mx::array next(tokens.data(), {Int(options_.batch), 1}, mx::int32);
    mx::array out = next;
    mx::array before = next;
    for (int64_t step = 0; step < steps; ++step) {
      out = Step(next, false);
      before = std::exchange(next, mx::reshape(mx::argmax(out, -1), {Int(options_.batch), 1}));
      mx::async_eval(next, out);
      // The token before it: a reader of the text would have it now.
      mx::eval(before);
    }
    mx::eval(next, out);
    const mx::array last = mx::astype(next, mx::int32);
    mx::eval(last);
    std::copy_n(last.data<int32_t>(), tokens.size(), tokens.begin());
    CopyOut(out, logits);
  }

  Rounding RoundsTo() const override { return {UnitOf(type_), UnitOf(type_)}; }
  int64_t Length() const override { return length_; }

  void Truncate(int64_t length) override {
    assert(0 <= length && length <= length_);
    length_ = length;
  }

  void FillCache(int64_t length, uint64_t seed) override {
    assert(length <= options_.context);
    for (size_t i = 0; i < caches_.size(); ++i) {
      caches_[i] = RandomMlxCache(shape_, static_cast<int64_t>(i), options_.batch, options_.context,
                                  length, seed, type_);
    }
    length_ = length;
  }

 private:
  // The rows of the embedding table: [batch, count, model_dim].
  mx::array Embedded(const mx::array& ids) const {
    MlxWeights rows = table_;
    rows.values = mx::take(table_.values, ids, 0);
    if (table_.scales) rows.scales = mx::take(*table_.scales, ids, 0);
    if (table_.biases) rows.biases = mx::take(*table_.biases, ids, 0);
    return Unpacked(rows, type_);
  }

  // The graph of one pass: f32 logits [batch, vocab], or [batch, count, vocab].
  mx::array Step(const mx::array& ids, bool all) {
    const int count = ids.shape(1);
    mx::array x = Embedded(ids);
    for (size_t i = 0; i < layers_.size(); ++i) {
      x = llama_.Run(layers_[i], x, length_, caches_[i]);
    }
    length_ += count;
    if (!all) {
      x = mx::slice(x, {0, count - 1, 0}, {Int(options_.batch), count, Int(shape_.model_dim)});
    }
    const mx::array out = TimesWeights(llama_.Norm(x, output_norm_), output_);
    return mx::contiguous(mx::astype(out, mx::float32));
  }

  static void CopyOut(const mx::array& out, std::span<float> logits) {
    assert(out.size() == logits.size());
    std::memcpy(logits.data(), out.data<float>(), logits.size_bytes());
  }

  const ModelShape shape_;
  const DecoderOptions options_;
  const mx::Dtype type_;
  const LlamaMlx llama_;
  const mx::array output_norm_;
  const MlxWeights table_;
  const MlxWeights output_;
  std::vector<MlxLayer> layers_;
  std::vector<MlxCache> caches_;
  int64_t length_ = 0;
};

// The first matrix that MLX cannot hold.
std::string WhyNotMlxModel(const Model& model) {
  std::string why_not = WhyNotMlxFormat(model.token_embd.format);
  if (why_not.empty()) why_not = WhyNotMlxFormat(model.output.format);
  for (const Layer& layer : model.layers) {
    for (const auto matrix : kLayerMatrices) {
      if (why_not.empty()) why_not = WhyNotMlxFormat((layer.*matrix).format);
    }
  }
  return why_not;
}

}  // namespace

MadeDecoder MakeMlxDecoder(const Backend&, const Model& model, DecoderOptions options,
                           ThreadPool&) {
  std::string why_not = WhyNotMlxModel(model);
  if (!why_not.empty()) return {nullptr, why_not};
  options.chunk = std::min(options.chunk, options.context);
  try {
    return {std::make_unique<MlxDecoder>(model, options), {}};
  } catch (const std::exception& error) {
    return {nullptr, std::string("MLX: ") + error.what()};
  }
}

}  // namespace wattline::kernels
