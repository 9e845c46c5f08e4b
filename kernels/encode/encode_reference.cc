#include <cmath>

#include "kernels/block/bert_reference.h"
#include "kernels/block/llama_reference.h"
#include "kernels/dequant/dequant.h"
#include "kernels/encode/encode.h"
#include "kernels/norm/norm.h"

namespace wattline::kernels {
namespace {

// y[model_dim] = the sum of the three embeddings, normalised.
void Embed(const EncodeCase& c, int64_t position, double* y) {
  const BertModel& model = *c.model;
  const int64_t dim = model.shape.model_dim;
  const auto at = static_cast<size_t>(position);
  const std::byte* rows[] = {model.token_embd.Row(c.tokens[at]), model.position_embd.Row(position),
                             model.segment_embd.Row(c.segments[at])};
  const Format formats[] = {model.token_embd.format, model.position_embd.format,
                            model.segment_embd.format};
  std::vector<double> part(static_cast<size_t>(dim));
  for (int i = 0; i < 3; ++i) {
    DequantReference(formats[i], rows[i], dim, part.data());
    for (int64_t j = 0; j < dim; ++j) y[j] = part[static_cast<size_t>(j)] + (i > 0 ? y[j] : 0);
  }
  LayerNormReference(y, model.embd_norm, model.embd_norm_bias, dim, model.shape.rms_eps, y);
}

}  // namespace

void EncodeReference(const EncodeCase& c, ThreadPool& pool, double* y) {
  const BertModel& model = *c.model;
  const int64_t dim = model.shape.model_dim;
  const int64_t tokens = std::ssize(c.tokens);
  BertReference block(model.shape, tokens);
  pool.Run([&](Worker& worker) {
    const Range rows = Share(tokens, 1, worker.slice());
    for (int64_t t = rows.begin; t < rows.end; ++t) Embed(c, t, y + t * dim);
    worker.Barrier();
    for (const BertLayer& layer : model.layers) block.Run(worker, layer, y);
    double* pooled = y + tokens * dim;
    LinearRows(worker.slice(), model.pooler, y, 1, pooled);
    const Range cols = Share(dim, 1, worker.slice());  // those that LinearRows wrote
    for (int64_t i = cols.begin; i < cols.end; ++i) {
      pooled[i] = std::tanh(pooled[i] + model.pooler_bias[i]);
    }
  });
}

}  // namespace wattline::kernels
