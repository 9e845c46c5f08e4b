#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"
#include "kernels/block/bert_mlx.h"
#include "kernels/block/llama_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

class MlxLlamaBlock : public MlxWork {
 public:
  explicit MlxLlamaBlock(const BlockCase& c)
      : type_(ActivationType(c.llama->ffn_gate.format)),
        start_(c.start),
        llama_(c.shape, c.rope_factors),
        layer_(c.shape, *c.llama, type_),
        cache_(RandomMlxCache(c.shape, 0, 1, c.start + c.tokens, c.start, c.cache_seed, type_)),
        x_(ArrayOf(c.x, {1, Int(c.tokens), Int(c.shape.model_dim)}, type_)) {}
  Rounding RoundsTo() const override { return {UnitOf(type_), UnitOf(type_)}; }

 private:
  // The cache is a result too; its positions from start on are written anew in each run.
  mx::array Graph() override { return llama_.Run(layer_, x_, start_, cache_); }

  mx::Dtype type_;
  int64_t start_;
  LlamaMlx llama_;
  MlxLayer layer_;
  MlxCache cache_;
  mx::array x_;
};

class MlxBertBlock : public MlxWork {
 public:
  explicit MlxBertBlock(const BlockCase& c)
      : shape_(c.shape),
        type_(ActivationType(c.bert->ffn_up.format)),
        layer_(c.shape, *c.bert, type_),
        x_(ArrayOf(c.x, {1, Int(c.tokens), Int(c.shape.model_dim)}, type_)) {}
  Rounding RoundsTo() const override { return {UnitOf(type_), UnitOf(type_)}; }

 private:
  mx::array Graph() override { return RunBertMlx(shape_, layer_, x_); }

  ModelShape shape_;
  mx::Dtype type_;
  MlxBertLayer layer_;
  mx::array x_;
};

}  // namespace

MadeWork MakeMlxBlock(const Backend&, const BlockCase& c, ThreadPool&) {
  if (c.llama != nullptr) return MakeMlx<MlxLlamaBlock>(c);
  return MakeMlx<MlxBertBlock>(c);
}

}  // namespace wattline::kernels
