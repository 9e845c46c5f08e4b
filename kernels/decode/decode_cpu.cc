#include "kernels/decode/decode_cpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <functional>
#include <new>

#include "kernels/backend.h"
#include "kernels/block/kv_cache.h"
#include "kernels/block/layer_matrices.h"
#include "kernels/block/llama_cpu.h"
#include "kernels/block/row_team.h"

namespace wattline::kernels {
namespace {

int64_t DecodeScratchByte(const CpuKernels& kernels, const Model& model, int64_t rows) {
  int64_t byte = LinearScratchByte(kernels, model.output, rows);
  for (const Layer& layer : model.layers) {
    for (const auto matrix : kLayerMatrices) {
      byte = std::max(byte, LinearScratchByte(kernels, layer.*matrix, rows));
    }
  }
  return byte;
}

class CpuDecoder final : public Decoder {
 public:
  CpuDecoder(const CpuKernels& kernels, const Model& model, DecoderOptions options,
             ThreadPool& pool)
      : kernels_(kernels),
        model_(model),
        options_(options),
        pool_(pool),
        layout_{model.shape.kv_heads, options.context, model.shape.head_dim},
        team_(kernels, pool.size(), options.batch * options.chunk, model.shape.model_dim,
              std::max({model.shape.model_dim, model.shape.ffn_dim,
                        model.shape.heads * model.shape.head_dim}),
              DecodeScratchByte(kernels, model, options.batch * options.chunk)),
        layer_(kernels, model.shape, model.rope_factors, pool.size(), options.batch, options.chunk),
        k_(model.shape.layers * LayerElements()),
        v_(k_.size()),
        part_tokens_(static_cast<size_t>(options.batch)),
        part_logits_(options.batch * model.shape.vocab),
        body_([this](Worker& worker) { Pass(worker); }) {
    // The threads that read a part of the cache touch it first: attention deals (KV head, position)
    // pairs in equal contiguous shares.
    pool.Run([this](Worker& worker) {
      const int64_t sequences = model_.shape.layers * options_.batch;
      const Range own = Share(layout_.SequenceElements(), layout_.head_dim, worker.slice());
      const auto byte = sizeof(uint16_t) * static_cast<size_t>(own.end - own.begin);
      for (int64_t s = 0; s < sequences; ++s) {
        std::memset(k_.data() + s * layout_.SequenceElements() + own.begin, 0, byte);
        std::memset(v_.data() + s * layout_.SequenceElements() + own.begin, 0, byte);
      }
    });
  }

  void Forward(std::span<const int32_t> tokens, int64_t count, Logits which,
               std::span<float> logits) override {
    pass_ = {
        tokens, {options_.batch, count, length_}, which == Logits::kAll, logits.data(), kWholeStep};
    assert(count >= 1 && count <= options_.chunk && length_ + count <= options_.context);
    assert(std::ssize(tokens) == pass_.rows.Rows());
    assert(std::ssize(logits) ==
           (pass_.all ? pass_.rows.Rows() : options_.batch) * model_.shape.vocab);
    pool_.Run(body_);
    length_ += count;
  }

  bool RunParts(StepParts parts) override {
    assert(length_ < options_.context);
    pass_ = {part_tokens_, {options_.batch, 1, length_}, false, part_logits_.data(), parts};
    pool_.Run(body_);
    return true;
  }

  int64_t Length() const override { return length_; }

  void Truncate(int64_t length) override {
    assert(0 <= length && length <= length_);
    length_ = length;
  }

  void FillCache(int64_t length, uint64_t seed) override {
    assert(length <= options_.context);
    pool_.Run([this, length, seed](Worker& worker) {
      const int64_t heads = model_.shape.layers * options_.batch * layout_.kv_heads;
      const Range items = Share(heads * length, 1, worker.slice());
      for (int64_t i = items.begin; i < items.end; ++i) FillPosition(i / length, i % length, seed);
    });
    length_ = length;
  }

 private:
  struct PassArgs {
    std::span<const int32_t> tokens;
    TokenRows rows;
    bool all;
    float* logits;
    StepParts parts;
  };

  int64_t LayerElements() const { return options_.batch * layout_.SequenceElements(); }

  // `head` counts the KV heads of all sequences of all layers.
  void FillPosition(int64_t head, int64_t position, uint64_t seed) {
    const int64_t sequences = head / layout_.kv_heads;
    KvAddress a = {sequences / options_.batch, sequences % options_.batch, head % layout_.kv_heads,
                   position, KvKind::kK};
    const int64_t at = a.layer * LayerElements() + layout_.Offset(a.sequence, a.kv_head, position);
    RandomKv(seed, a, layout_.head_dim, [&](int64_t i, uint16_t x) { k_[at + i] = x; });
    a.kind = KvKind::kV;
    RandomKv(seed, a, layout_.head_dim, [&](int64_t i, uint16_t x) { v_[at + i] = x; });
  }

  void Pass(Worker& worker) {
    const int64_t dim = model_.shape.model_dim;
    const Matrix& table = model_.token_embd;
    const Member m = team_.Join(worker, pass_.rows.Rows(), pass_.parts);
    const bool rest = m.Runs(kRestPart);
    if (rest) layer_.Angles(worker.slice(), pass_.rows);
    for (int64_t r = m.rows.begin; rest && r < m.rows.end; ++r) {
      const int32_t token = pass_.tokens[static_cast<size_t>(r)];
      kernels_.dequant_f32(table.format, table.Row(token), dim, m.X(r, dim));
    }
    for (int64_t i = 0; i < model_.shape.layers; ++i) {
      layer_.Run(team_, m, model_.layers[static_cast<size_t>(i)], pass_.rows, layout_,
                 k_.data() + i * LayerElements(), v_.data() + i * LayerElements());
    }
    if (rest && !m.solo) worker.Barrier();  // the last token's row may be another member's
    Output(worker, m);
  }

  void Output(Worker& worker, const Member& from) {
    const int64_t dim = model_.shape.model_dim;
    const TokenRows& t = pass_.rows;
    const Member to = team_.Join(worker, pass_.all ? t.Rows() : t.sequences, pass_.parts);
    for (int64_t r = to.rows.begin; to.Runs(kRestPart) && r < to.rows.end; ++r) {
      const int64_t row = pass_.all ? r : r * t.count + t.count - 1;
      kernels_.rms_norm(from.X(row, dim), model_.output_norm, dim,
                        static_cast<float>(model_.shape.rms_eps), to.In(r, dim));
    }
    team_.Linear(to, {{&model_.output, pass_.logits}});
  }

  const CpuKernels& kernels_;
  const Model& model_;
  const DecoderOptions options_;
  ThreadPool& pool_;
  const KvLayout layout_;
  RowTeam team_;
  const LlamaCpu layer_;
  const Buffer<uint16_t> k_, v_;  // f16 [layers, batch, kv_heads, context, head_dim]
  const std::vector<int32_t> part_tokens_;
  const Buffer<float> part_logits_;
  const std::function<void(Worker&)> body_;
  PassArgs pass_ = {};
  int64_t length_ = 0;
};

std::string WhyNotCpuModel(const Model& model) {
  const ModelShape& s = model.shape;
  std::string why_not = WhyNotShape(s);
  if (why_not.empty()) why_not = WhyNotMatrix("token_embd", model.token_embd, s.vocab, s.model_dim);
  if (why_not.empty()) why_not = WhyNotMatrix("output", model.output, s.vocab, s.model_dim);
  for (size_t i = 0; i < model.layers.size() && why_not.empty(); ++i) {
    why_not = WhyNotLayer(s, model.layers[i]);
    if (!why_not.empty()) why_not = fmt::format("layer {}: {}", i, why_not);
  }
  return why_not;
}

}  // namespace

MadeDecoder MakeCpuDecoder(const Backend& backend, const Model& model, DecoderOptions options,
                           ThreadPool& pool) {
  std::string why_not = WhyNotCpuModel(model);
  if (!why_not.empty()) return {nullptr, why_not};
  options.chunk = std::min(options.chunk, options.context);
  try {
    return {std::make_unique<CpuDecoder>(*backend.cpu, model, options, pool), {}};
  } catch (const std::bad_alloc&) {
    return {nullptr, fmt::format("the memory for a cache of {} positions in {} sequences is not to "
                                 "be had",
                                 options.context, options.batch)};
  }
}

}  // namespace wattline::kernels
