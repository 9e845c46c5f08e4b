// The double-precision step of training agrees with finite differences, and counts its own work.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "kernels/block/step.h"
#include "tests/decoder_fixture.h"

namespace wattline::kernels {
namespace {

ModelShape TinyShape() {
  ModelShape s = SmallShape();
  s.model_dim = 64;
  s.ffn_dim = 96;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_dim = 16;
  s.rope_dim = 16;
  s.llama3_rope = Llama3Rope{32.0, 1.0, 4.0, 16};
  return s;
}

constexpr int64_t kTokens = 7;

struct Fixture {
  Fixture() {
    ThreadPool pool(2);
    made = MakeRandomLayer(TinyShape(), "f32", 5, pool);
    Random random(3);
    for (int64_t i = 0; i < kTokens * TinyShape().model_dim; ++i) {
      x.push_back(random.Normal());
      dy.push_back(random.Normal());
    }
    c.block.shape = TinyShape();
    c.block.llama = &made.layer;
    c.block.rope_factors = made.rope_factors;
    c.block.tokens = kTokens;
    c.block.x = x.data();
    c.dy = dy.data();
  }
  // sum(y dy), whose gradients the step computes.
  double Loss() const {
    std::vector<double> y(dy.size());
    BlockReference(c.block, y.data());
    double loss = 0;
    for (size_t i = 0; i < y.size(); ++i) loss += y[i] * static_cast<double>(dy[i]);
    return loss;
  }
  std::map<std::string, std::vector<double>> Reference() const {
    ThreadPool pool(2);
    std::map<std::string, std::vector<double>> all;
    StepReference(c, pool, [&all](StepTensor<double> t) {
      all[std::string(t.name)].assign(t.values.begin(), t.values.end());
    });
    return all;
  }

  LoadedLayer made;
  std::vector<float> x, dy;
  StepCase c;
};

// The layer's bytes belong to the fixture, which is what moves them.
float* Values(const void* bytes) { return static_cast<float*>(const_cast<void*>(bytes)); }

TEST(StepReference, AgreesWithTheBlocksOwnReferenceForward) {
  const Fixture f;
  std::vector<double> y(f.dy.size());
  BlockReference(f.c.block, y.data());
  const std::vector<double> got = f.Reference()["y"];
  ASSERT_EQ(got.size(), y.size());
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(got[i], y[i], 1e-12);
}

// A central difference over 2 h is off by h^2 / 6 of the third derivative, here about that of the
// first: h = 2^-9 leaves 1e-6 of the gradient's size, and 2^-53 |loss| / h, less than 1e-11.
TEST(StepReference, EveryGradientIsACentralDifference) {
  Fixture f;
  const std::map<std::string, std::vector<double>> gradients = f.Reference();
  const Layer& l = f.made.layer;
  const struct {
    const char* name;
    float* values;
    int64_t count;
  } tensors[] = {
      {"dx", f.x.data(), std::ssize(f.x)},
      {"attn_norm", Values(l.attn_norm), f.c.block.shape.model_dim},
      {"ffn_norm", Values(l.ffn_norm), f.c.block.shape.model_dim},
      {"attn_q", Values(l.attn_q.data), l.attn_q.rows * l.attn_q.cols},
      {"attn_k", Values(l.attn_k.data), l.attn_k.rows * l.attn_k.cols},
      {"attn_v", Values(l.attn_v.data), l.attn_v.rows * l.attn_v.cols},
      {"attn_output", Values(l.attn_output.data), l.attn_output.rows * l.attn_output.cols},
      {"ffn_gate", Values(l.ffn_gate.data), l.ffn_gate.rows * l.ffn_gate.cols},
      {"ffn_up", Values(l.ffn_up.data), l.ffn_up.rows * l.ffn_up.cols},
      {"ffn_down", Values(l.ffn_down.data), l.ffn_down.rows * l.ffn_down.cols},
  };
  EXPECT_EQ(gradients.size(), std::size(tensors) + 1);  // and y
  for (const auto& tensor : tensors) {
    SCOPED_TRACE(tensor.name);
    const std::vector<double>& gradient = gradients.at(tensor.name);
    ASSERT_EQ(std::ssize(gradient), tensor.count);
    double size = 0;
    for (const double g : gradient) size = std::max(size, std::abs(g));
    EXPECT_GT(size, 0.01);
    for (int64_t i = 0; i < tensor.count; i += 1 + tensor.count / 53) {
      const float old = tensor.values[i];
      tensor.values[i] = old + 0x1p-9f;
      const double above = tensor.values[i];
      const double high = f.Loss();
      tensor.values[i] = old - 0x1p-9f;
      const double below = tensor.values[i];
      const double difference = (high - f.Loss()) / (above - below);
      tensor.values[i] = old;
      EXPECT_NEAR(gradient[static_cast<size_t>(i)], difference, 1e-5 * size) << i;
    }
  }
}

TEST(StepLaw, CountsTwiceTheForwardPassBackward) {
  const Fixture f;
  // 2 x 7 tokens x (Q, O: 64 x 64; K, V: 32 x 64; three of 96 x 64), and 4 x 16 x 4 heads x 28.
  const double forward = 2 * 7 * (2 * 4096 + 2 * 2048 + 3 * 6144) + 4 * 16 * 4 * 28;
  EXPECT_EQ(StepFlop(f.c, StepPass::kForward), forward);
  EXPECT_EQ(StepFlop(f.c, StepPass::kForwardBackward), 3 * forward);
}

TEST(StepLaw, CountsWeightsTheirGradientsAndTheEdges) {
  const Fixture f;
  const double weights = 2 * 4096 + 2 * 2048 + 3 * 6144 + 2 * 64;
  const double edge = 7 * 64;
  EXPECT_EQ(StepByte(f.c, StepPass::kForward), 4 * (weights + 2 * edge));
  EXPECT_EQ(StepByte(f.c, StepPass::kForwardBackward), 4 * (2 * weights + 4 * edge));
}

}  // namespace
}  // namespace wattline::kernels
