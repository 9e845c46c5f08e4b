#include "kernels/block/llama_mlx.h"

#include <cmath>
#include <string>
#include <vector>

#include "kernels/arrays_mlx.h"
#include "kernels/block/kv_cache.h"
#include "kernels/norm/activations_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

mx::array RandomHalf(const ModelShape& s, KvAddress a, int64_t sequences, int64_t capacity,
                     int64_t length, uint64_t seed, mx::Dtype type) {
  const KvLayout layout{s.kv_heads, capacity, s.head_dim};
  std::vector<uint16_t> bits(static_cast<size_t>(sequences * layout.SequenceElements()));
  for (a.sequence = 0; a.sequence < sequences; ++a.sequence) {
    for (a.kv_head = 0; a.kv_head < s.kv_heads; ++a.kv_head) {
      for (a.position = 0; a.position < length; ++a.position) {
        uint16_t* to = bits.data() + layout.Offset(a.sequence, a.kv_head, a.position);
        RandomKv(seed, a, s.head_dim, [to](int64_t i, uint16_t x) { to[i] = x; });
      }
    }
  }
  mx::array values = mx::astype(
      mx::array(reinterpret_cast<const mx::float16_t*>(bits.data()),
                {Int(sequences), Int(s.kv_heads), Int(capacity), Int(s.head_dim)}, mx::float16),
      type);
  mx::eval(values);
  return values;
}

// Writes `rows` at positions start and on.
mx::array Appended(mx::array cache, const mx::array& rows, int64_t start) {
  mx::Shape begin = {0, 0, Int(start), 0};
  mx::Shape end = cache.shape();
  end[2] = Int(start) + rows.shape(2);
  return mx::slice_update(std::move(cache), rows, std::move(begin), std::move(end));
}

mx::array Seen(const mx::array& cache, int64_t length) {
  mx::Shape end = cache.shape();
  end[2] = Int(length);
  return mx::slice(cache, {0, 0, 0, 0}, std::move(end));
}

}  // namespace

MlxLayer::MlxLayer(const ModelShape& shape, const Layer& layer, mx::Dtype activations)
    : attn_norm(VectorOf(layer.attn_norm, shape.model_dim, activations)),
      ffn_norm(VectorOf(layer.ffn_norm, shape.model_dim, activations)),
      attn_q(MakeMlxWeights(layer.attn_q)),
      attn_k(MakeMlxWeights(layer.attn_k)),
      attn_v(MakeMlxWeights(layer.attn_v)),
      attn_output(MakeMlxWeights(layer.attn_output)),
      ffn_gate(MakeMlxWeights(layer.ffn_gate)),
      ffn_up(MakeMlxWeights(layer.ffn_up)),
      ffn_down(MakeMlxWeights(layer.ffn_down)) {}

MlxCache MakeMlxCache(const ModelShape& s, int64_t sequences, int64_t capacity, mx::Dtype type) {
  const mx::Shape shape = {Int(sequences), Int(s.kv_heads), Int(capacity), Int(s.head_dim)};
  MlxCache cache{mx::zeros(shape, type), mx::zeros(shape, type)};
  mx::eval(cache.k, cache.v);
  return cache;
}

MlxCache RandomMlxCache(const ModelShape& s, int64_t layer, int64_t sequences, int64_t capacity,
                        int64_t length, uint64_t seed, mx::Dtype type) {
  const auto half = [&](KvKind kind) {
    return RandomHalf(s, {.layer = layer, .kind = kind}, sequences, capacity, length, seed, type);
  };
  return {half(KvKind::kK), half(KvKind::kV)};
}

LlamaMlx::LlamaMlx(const ModelShape& shape, const float* rope_factors) : shape_(shape) {
  if (rope_factors == nullptr) return;
  // MLX divides the position by these, as RopeReference multiplies it by their inverse.
  std::vector<float> wavelengths;
  for (int64_t i = 0; i < shape.rope_dim / 2; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(shape.rope_dim);
    wavelengths.push_back(
        static_cast<float>(std::pow(shape.rope_base, exponent) * rope_factors[i]));
  }
  wavelengths_ = VectorOf(wavelengths.data(), shape.rope_dim / 2, mx::float32);
}

mx::array LlamaMlx::Rope(const mx::array& x, int64_t start) const {
  std::optional<float> base;
  if (!wavelengths_) base = static_cast<float>(shape_.rope_base);
  return mx::fast::rope(x, Int(shape_.rope_dim), shape_.rope_layout == RopeLayout::kAdjacent, base,
                        1.0f, Int(start), wavelengths_);
}

mx::array LlamaMlx::Norm(const mx::array& x, const mx::array& weight) const {
  return mx::fast::rms_norm(x, weight, static_cast<float>(shape_.rms_eps));
}

mx::array LlamaMlx::Run(const MlxLayer& l, const mx::array& x, int64_t start,
                        MlxCache& cache) const {
  const int count = x.shape(1);
  const mx::array in = Norm(x, l.attn_norm);
  const auto heads = [&](const MlxWeights& w, int64_t of_matrix) {
    return HeadsMlx(TimesWeights(in, w), of_matrix, shape_.head_dim);
  };
  const mx::array q = Rope(heads(l.attn_q, shape_.heads), start);
  cache.k = Appended(std::move(cache.k), Rope(heads(l.attn_k, shape_.kv_heads), start), start);
  cache.v = Appended(std::move(cache.v), heads(l.attn_v, shape_.kv_heads), start);
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(shape_.head_dim)));
  const mx::array attended = mx::fast::scaled_dot_product_attention(
      q, Seen(cache.k, start + count), Seen(cache.v, start + count), scale,
      count > 1 ? "causal" : "");
  const mx::array rows = mx::reshape(mx::transpose(attended, {0, 2, 1, 3}),
                                     {x.shape(0), count, Int(shape_.heads * shape_.head_dim)});
  const mx::array h = x + TimesWeights(rows, l.attn_output);
  const mx::array ffn_in = Norm(h, l.ffn_norm);
  const mx::array act = SwiGluMlx(TimesWeights(ffn_in, l.ffn_gate), TimesWeights(ffn_in, l.ffn_up));
  return h + TimesWeights(act, l.ffn_down);
}

}  // namespace wattline::kernels
