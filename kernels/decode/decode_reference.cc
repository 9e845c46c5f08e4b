#include <algorithm>
#include <cassert>
#include <cstring>
#include <vector>

#include "kernels/block/kv_cache.h"
#include "kernels/block/llama_reference.h"
#include "kernels/decode/decoder.h"
#include "kernels/dequant/dequant.h"
#include "kernels/norm/norm.h"

namespace wattline::kernels {
namespace {

class ReferenceDecoder final : public Decoder {
 public:
  ReferenceDecoder(const Model& model, DecoderOptions options, ThreadPool& pool)
      : model_(model),
        options_(options),
        pool_(pool),
        layout_{model.shape.kv_heads, options.context, model.shape.head_dim},
        layer_(model.shape, model.rope_factors, options.batch * options.chunk),
        k_(static_cast<size_t>(model.shape.layers * options.batch * layout_.SequenceElements())),
        v_(k_.size()),
        x_(static_cast<size_t>(options.batch * options.chunk * model.shape.model_dim)),
        last_(x_.size()),
        logits_() {}

  void Forward(std::span<const int32_t> tokens, int64_t count, Logits which,
               std::span<float> logits) override {
    const TokenRows t = {options_.batch, count, length_};
    assert(std::ssize(tokens) == t.Rows() && count <= options_.chunk);
    assert(length_ + count <= options_.context);
    const int64_t rows = which == Logits::kAll ? t.Rows() : t.sequences;
    assert(std::ssize(logits) == rows * model_.shape.vocab);
    logits_.resize(logits.size());
    pool_.Run([&](Worker& worker) { Step(worker, tokens, t, rows); });
    for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(logits_[i]);
    length_ += count;
  }

  int64_t Length() const override { return length_; }

  void Truncate(int64_t length) override {
    assert(0 <= length && length <= length_);
    length_ = length;
  }

  void FillCache(int64_t length, uint64_t seed) override {
    assert(length <= options_.context);
    const auto fill = [&](KvAddress a, KvKind kind, double* to) {
      a.kind = kind;
      RandomKv(seed, a, layout_.head_dim, [&](int64_t i, uint16_t x) { to[i] = FloatFromF16(x); });
    };
    for (int64_t layer = 0; layer < model_.shape.layers; ++layer) {
      for (int64_t sequence = 0; sequence < options_.batch; ++sequence) {
        for (int64_t head = 0; head < layout_.kv_heads; ++head) {
          for (int64_t position = 0; position < length; ++position) {
            const KvAddress a = {layer, sequence, head, position};
            fill(a, KvKind::kK, LayerK(layer) + layout_.Offset(sequence, head, position));
            fill(a, KvKind::kV, LayerV(layer) + layout_.Offset(sequence, head, position));
          }
        }
      }
    }
    length_ = length;
  }

 private:
  double* LayerK(int64_t layer) {
    return k_.data() + layer * options_.batch * layout_.SequenceElements();
  }
  double* LayerV(int64_t layer) { return v_.data() + (LayerK(layer) - k_.data()); }

  void Step(Worker& worker, std::span<const int32_t> tokens, TokenRows t, int64_t out_rows) {
    const int64_t dim = model_.shape.model_dim;
    const Range rows = Share(t.Rows(), 1, worker.slice());
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      const Matrix& table = model_.token_embd;
      DequantReference(table.format, table.Row(tokens[static_cast<size_t>(r)]), dim,
                       x_.data() + r * dim);
    }
    worker.Barrier();
    for (int64_t layer = 0; layer < model_.shape.layers; ++layer) {
      layer_.Run(worker, model_.layers[static_cast<size_t>(layer)], t, layout_, LayerK(layer),
                 LayerV(layer), x_.data());
    }
    const bool all = out_rows == t.Rows();
    const Range out = Share(out_rows, 1, worker.slice());
    for (int64_t r = out.begin; r < out.end; ++r) {
      const int64_t from = all ? r : r * t.count + t.count - 1;
      RmsNormReference(x_.data() + from * dim, model_.output_norm, dim, model_.shape.rms_eps,
                       last_.data() + r * dim);
    }
    worker.Barrier();
    LinearRows(worker.slice(), model_.output, last_.data(), out_rows, logits_.data());
  }

  const Model& model_;
  const DecoderOptions options_;
  ThreadPool& pool_;
  const KvLayout layout_;
  LlamaReference layer_;
  std::vector<double> k_, v_;  // [layers][KvLayout]
  std::vector<double> x_;      // [rows, model_dim]
  std::vector<double> last_;   // [rows, model_dim], normalised
  std::vector<double> logits_;
  int64_t length_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> MakeReferenceDecoder(const Model& model, DecoderOptions options,
                                              ThreadPool& pool) {
  return std::make_unique<ReferenceDecoder>(model, options, pool);
}

}  // namespace wattline::kernels
