#include "kernels/block/block_cpu.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>

#include "kernels/backend.h"
#include "kernels/block/bert_cpu.h"
#include "kernels/block/kv_cache.h"
#include "kernels/block/layer_matrices.h"
#include "kernels/block/llama_cpu.h"

namespace wattline::kernels {
namespace {

int64_t BlockScratchByte(const CpuKernels& kernels, const BlockCase& c) {
  int64_t byte = 0;
  const auto add = [&](const Matrix& w) {
    byte = std::max(byte, LinearScratchByte(kernels, w, c.tokens));
  };
  if (c.llama != nullptr) {
    for (const auto matrix : kLayerMatrices) add(c.llama->*matrix);
  } else {
    for (const auto matrix : kBertMatrices) add(c.bert->*matrix);
  }
  return byte;
}

// Copies x in, lets the derived class run its layer, and copies y out.
class BlockWork : public Work {
 public:
  BlockWork(const CpuKernels& kernels, const BlockCase& c, ThreadPool& pool)
      : case_(c),
        pool_(pool),
        team_(kernels, pool.size(), c.tokens, c.shape.model_dim,
              std::max({c.shape.model_dim, c.shape.ffn_dim, c.shape.heads * c.shape.head_dim}),
              BlockScratchByte(kernels, c)),
        y_(c.tokens * c.shape.model_dim),
        body_([this](Worker& worker) { Pass(worker); }) {}

  void Run() override { pool_.Run(body_); }
  std::vector<float> Result() const override { return {y_.data(), y_.data() + y_.size()}; }

 protected:
  virtual void Block(const Member& m) = 0;

  const BlockCase case_;
  ThreadPool& pool_;
  RowTeam team_;

 private:
  void Pass(Worker& worker) {
    const Member m = team_.Join(worker, case_.tokens);
    const int64_t dim = case_.shape.model_dim;
    const int64_t first = m.rows.begin * dim;
    const auto byte = sizeof(float) * static_cast<size_t>((m.rows.end - m.rows.begin) * dim);
    if (byte > 0) std::memcpy(m.X(m.rows.begin, dim), case_.x + first, byte);
    Block(m);
    if (byte > 0 && m.Speaks()) std::memcpy(y_.data() + first, m.X(m.rows.begin, dim), byte);
  }

  Buffer<float> y_;
  const std::function<void(Worker&)> body_;
};

class LlamaWork final : public BlockWork {
 public:
  LlamaWork(const CpuKernels& kernels, const BlockCase& c, ThreadPool& pool)
      : BlockWork(kernels, c, pool),
        layout_{c.shape.kv_heads, c.start + c.tokens, c.shape.head_dim},
        layer_(kernels, c.shape, c.rope_factors, pool.size(), 1, c.tokens),
        k_(layout_.SequenceElements()),
        v_(layout_.SequenceElements()) {
    const auto fill = [&](int64_t head, int64_t position, KvKind kind) {
      uint16_t* to = (kind == KvKind::kK ? k_ : v_).data() + layout_.Offset(0, head, position);
      RandomKv(c.cache_seed, {0, 0, head, position, kind}, layout_.head_dim,
               [to](int64_t i, uint16_t x) { to[i] = x; });
    };
    pool.Run([&](Worker& worker) {
      const Range items = Share(layout_.kv_heads * c.start, 1, worker.slice());
      for (int64_t i = items.begin; i < items.end; ++i) {
        fill(i / c.start, i % c.start, KvKind::kK);
        fill(i / c.start, i % c.start, KvKind::kV);
      }
    });
  }

 private:
  void Block(const Member& m) override {
    const TokenRows t = {1, case_.tokens, case_.start};
    layer_.Angles(m.worker.slice(), t);
    layer_.Run(team_, m, *case_.llama, t, layout_, k_.data(), v_.data());
  }

  const KvLayout layout_;
  const LlamaCpu layer_;
  const Buffer<uint16_t> k_, v_;
};

class BertWork final : public BlockWork {
 public:
  BertWork(const CpuKernels& kernels, const BlockCase& c, ThreadPool& pool)
      : BlockWork(kernels, c, pool), layer_(kernels, c.shape, pool.size(), c.tokens) {}

 private:
  // The input copied by other members becomes the first linear stage's input.
  void Block(const Member& m) override { layer_.Run(team_, m, *case_.bert); }

  const BertCpu layer_;
};

}  // namespace

MadeWork MakeCpuBlock(const Backend& backend, const BlockCase& c, ThreadPool& pool) {
  std::string why_not = WhyNotShape(c.shape);
  if (why_not.empty()) {
    why_not = c.llama != nullptr ? WhyNotLayer(c.shape, *c.llama) : WhyNotBert(c.shape, *c.bert);
  }
  if (!why_not.empty()) return {nullptr, why_not};
  try {
    if (c.llama != nullptr) return {std::make_unique<LlamaWork>(*backend.cpu, c, pool), {}};
    return {std::make_unique<BertWork>(*backend.cpu, c, pool), {}};
  } catch (const std::bad_alloc&) {
    return {nullptr, "the memory for the block's activations is not to be had"};
  }
}

}  // namespace wattline::kernels
