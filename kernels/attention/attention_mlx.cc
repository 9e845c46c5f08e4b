#include <cmath>

#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

// The cache of one operand, [1, kv_heads, positions, head_dim]: what the call sees of it.
mx::array Cache(const AttentionArgs& c, const void* data) {
  const auto heads = static_cast<int>(c.shape.kv_heads), dim = static_cast<int>(c.shape.head_dim);
  const auto capacity = static_cast<int>(c.capacity);
  const auto length = static_cast<int>(c.shape.start + c.shape.tokens);
  const mx::Shape shape = {1, heads, capacity, dim};
  const mx::array whole =
      c.format == Format::kF16
          ? mx::array(static_cast<const mx::float16_t*>(data), shape, mx::float16)
          : mx::array(static_cast<const mx::bfloat16_t*>(data), shape, mx::bfloat16);
  mx::array seen = mx::contiguous(mx::slice(whole, {0, 0, 0, 0}, {1, heads, length, dim}));
  mx::eval(seen);
  return seen;
}

class MlxAttention : public MlxWork {
 public:
  explicit MlxAttention(const AttentionArgs& c)
      : shape_(c.shape),
        type_(c.format == Format::kF16 ? mx::float16 : mx::bfloat16),
        k_(Cache(c, c.k)),
        v_(Cache(c, c.v)),
        q_(mx::contiguous(mx::transpose(
            ArrayOf(c.q,
                    {1, static_cast<int>(c.shape.tokens), static_cast<int>(c.shape.heads),
                     static_cast<int>(c.shape.head_dim)},
                    type_),
            {0, 2, 1, 3}))) {
    mx::eval(q_);
  }
  Rounding RoundsTo() const override { return {UnitOf(type_), UnitOf(type_)}; }

 private:
  // To [tokens, heads, head_dim].
  mx::array Graph() override {
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(shape_.head_dim)));
    // "causal" lets the last query see all positions, the one before it all but one, and so on.
    const bool masked = shape_.causal && shape_.tokens > 1;
    return mx::transpose(
        mx::fast::scaled_dot_product_attention(q_, k_, v_, scale, masked ? "causal" : ""),
        {0, 2, 1, 3});
  }
  AttentionShape shape_;
  mx::Dtype type_;
  mx::array k_;
  mx::array v_;
  mx::array q_;
};

}  // namespace

MadeWork MakeMlxAttention(const Backend&, const AttentionArgs& c, ThreadPool&) {
  if (c.format != Format::kF16 && c.format != Format::kBF16) {
    return {nullptr, "MLX's attention takes a cache in f16 or bf16, not in " +
                         std::string(Info(c.format).name)};
  }
  return MakeMlx<MlxAttention>(c);
}

}  // namespace wattline::kernels
