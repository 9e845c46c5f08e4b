#include <algorithm>
#include <vector>

#include "kernels/block/bert_reference.h"
#include "kernels/block/block.h"
#include "kernels/block/kv_cache.h"
#include "kernels/block/llama_reference.h"

namespace wattline::kernels {
namespace {

size_t Count(int64_t n) { return static_cast<size_t>(n); }

void LlamaBlock(const BlockCase& c, double* y) {
  const KvLayout layout = {c.shape.kv_heads, c.start + c.tokens, c.shape.head_dim};
  std::vector<double> k(Count(layout.SequenceElements()));
  std::vector<double> v(k.size());
  for (int64_t head = 0; head < layout.kv_heads; ++head) {
    for (int64_t position = 0; position < c.start; ++position) {
      for (const KvKind kind : {KvKind::kK, KvKind::kV}) {
        double* to = (kind == KvKind::kK ? k : v).data() + layout.Offset(0, head, position);
        RandomKv(c.cache_seed, {0, 0, head, position, kind}, layout.head_dim,
                 [to](int64_t i, uint16_t x) { to[i] = FloatFromF16(x); });
      }
    }
  }
  std::copy_n(c.x, c.tokens * c.shape.model_dim, y);
  LlamaReference layer(c.shape, c.rope_factors, c.tokens);
  ThreadPool alone(1);
  alone.Run([&](Worker& worker) {
    layer.Run(worker, *c.llama, {1, c.tokens, c.start}, layout, k.data(), v.data(), y);
  });
}

void BertBlock(const BlockCase& c, double* y) {
  std::copy_n(c.x, c.tokens * c.shape.model_dim, y);
  BertReference layer(c.shape, c.tokens);
  ThreadPool alone(1);
  alone.Run([&](Worker& worker) { layer.Run(worker, *c.bert, y); });
}

}  // namespace

void BlockReference(const BlockCase& c, double* y) {
  c.llama != nullptr ? LlamaBlock(c, y) : BertBlock(c, y);
}

}  // namespace wattline::kernels
