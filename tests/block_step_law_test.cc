// The double-precision step of training agrees with finite differences, and counts its own work.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "kernels/block/step.h"
#include "tests/decoder_fixture.h"

namespace wattline::kernels::block_step_law_test {
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

ModelShape TinyBert() {
  ModelShape s = TinyShape();
  s.kv_heads = s.heads;
  s.rope_dim = 0;
  s.llama3_rope.reset();
  s.rms_eps = 1e-12;
  return s;
}

constexpr int64_t kTokens = 7;

struct Fixture {
  explicit Fixture(bool is_bert = false) {
    ThreadPool pool(2);
    if (is_bert) {
      bert = MakeRandomBertLayer(TinyBert(), "f32", 5, pool);
      c.block.bert = &bert.layer;
    } else {
      made = MakeRandomLayer(TinyShape(), "f32", 5, pool);
      c.block.llama = &made.layer;
    }
    Random random(3);
    for (int64_t i = 0; i < kTokens * TinyShape().model_dim; ++i) {
      x.push_back(random.Normal());
      dy.push_back(random.Normal());
    }
    c.block.shape = is_bert ? TinyBert() : TinyShape();
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
  LoadedBertLayer bert;
  std::vector<float> x, dy;
  StepCase c;
};

// The layer's bytes belong to the fixture, which is what moves them.
float* Values(const void* bytes) { return static_cast<float*>(const_cast<void*>(bytes)); }

TEST(StepReference, AgreesWithTheBlocksOwnReferenceForward) {
  for (const bool is_bert : {false, true}) {
    const Fixture f(is_bert);
    std::vector<double> y(f.dy.size());
    BlockReference(f.c.block, y.data());
    const std::vector<double> got = f.Reference()["y"];
    ASSERT_EQ(got.size(), y.size());
    for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(got[i], y[i], 1e-12);
  }
}

struct Parameter {
  const char* name;
  const void* values;
  int64_t count;
};

Parameter Of(const char* name, const Matrix& w) { return {name, w.data, w.rows * w.cols}; }

// A central difference over 2 h is off by h^2 / 6 of the third derivative, here about that of the
// first: h = 2^-9 leaves 1e-6 of the gradient's size, and 2^-53 |loss| / h, less than 1e-11.
void ExpectCentralDifferences(Fixture& f, const std::vector<Parameter>& parameters) {
  const std::map<std::string, std::vector<double>> gradients = f.Reference();
  EXPECT_EQ(gradients.size(), parameters.size() + 1);  // and y
  for (const Parameter& parameter : parameters) {
    SCOPED_TRACE(parameter.name);
    float* const values = Values(parameter.values);
    const std::vector<double>& gradient = gradients.at(parameter.name);
    ASSERT_EQ(std::ssize(gradient), parameter.count);
    double size = 0;
    for (const double g : gradient) size = std::max(size, std::abs(g));
    // K's bias adds the same to all scores of a query: nothing.
    if (parameter.name == std::string("attn_k_bias")) {
      EXPECT_LT(size, 1e-12);
      size = 1;
    }
    EXPECT_GT(size, 0.01);
    for (int64_t i = 0; i < parameter.count; i += 1 + parameter.count / 53) {
      const float old = values[i];
      values[i] = old + 0x1p-9f;
      const double above = values[i];
      const double high = f.Loss();
      values[i] = old - 0x1p-9f;
      const double below = values[i];
      const double difference = (high - f.Loss()) / (above - below);
      values[i] = old;
      EXPECT_NEAR(gradient[static_cast<size_t>(i)], difference, 1e-5 * size) << i;
    }
  }
}

TEST(StepReference, EveryGradientOfLlamaIsACentralDifference) {
  Fixture f;
  const Layer& l = f.made.layer;
  const int64_t dim = f.c.block.shape.model_dim;
  ExpectCentralDifferences(f, {{"dx", f.x.data(), std::ssize(f.x)},
                               {"attn_norm", l.attn_norm, dim},
                               {"ffn_norm", l.ffn_norm, dim},
                               Of("attn_q", l.attn_q),
                               Of("attn_k", l.attn_k),
                               Of("attn_v", l.attn_v),
                               Of("attn_output", l.attn_output),
                               Of("ffn_gate", l.ffn_gate),
                               Of("ffn_up", l.ffn_up),
                               Of("ffn_down", l.ffn_down)});
}

TEST(StepReference, EveryGradientOfBertIsACentralDifference) {
  Fixture f(true);
  const BertLayer& l = f.bert.layer;
  const int64_t dim = f.c.block.shape.model_dim;
  ExpectCentralDifferences(f, {{"dx", f.x.data(), std::ssize(f.x)},
                               {"attn_norm", l.attn_norm, dim},
                               {"attn_norm_bias", l.attn_norm_bias, dim},
                               {"ffn_norm", l.ffn_norm, dim},
                               {"ffn_norm_bias", l.ffn_norm_bias, dim},
                               {"attn_q_bias", l.attn_q_bias, dim},
                               {"attn_k_bias", l.attn_k_bias, dim},
                               {"attn_v_bias", l.attn_v_bias, dim},
                               {"attn_output_bias", l.attn_output_bias, dim},
                               {"ffn_up_bias", l.ffn_up_bias, f.c.block.shape.ffn_dim},
                               {"ffn_down_bias", l.ffn_down_bias, dim},
                               Of("attn_q", l.attn_q),
                               Of("attn_k", l.attn_k),
                               Of("attn_v", l.attn_v),
                               Of("attn_output", l.attn_output),
                               Of("ffn_up", l.ffn_up),
                               Of("ffn_down", l.ffn_down)});
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
}  // namespace wattline::kernels::block_step_law_test
