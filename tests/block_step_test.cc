// The CPU's training step of a Llama block agrees with the double-precision one in every tensor.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "kernels/block/step.h"
#include "kernels/model/shapes.h"
#include "tests/decoder_fixture.h"

namespace wattline::kernels {
namespace {

struct Case {
  ModelShape shape;
  int64_t tokens;
  const char* format;
};

using Tensors = std::map<std::string, std::vector<float>>;

Tensors Copy(const StepWork& work) {
  Tensors all;
  for (const StepTensor<float>& t : work.Tensors()) {
    all[std::string(t.name)].assign(t.values.begin(), t.values.end());
  }
  return all;
}

struct Fixture {
  explicit Fixture(const Case& of) {
    ThreadPool pool(2);
    made = MakeRandomLayer(of.shape, of.format, 5, pool);
    Random random(11);
    for (int64_t i = 0; i < of.tokens * of.shape.model_dim; ++i) {
      x.push_back(random.Normal());
      dy.push_back(random.Normal());
    }
    c.block.shape = of.shape;
    c.block.llama = &made.layer;
    c.block.rope_factors = made.rope_factors;
    c.block.tokens = of.tokens;
    c.block.x = x.data();
    c.dy = dy.data();
    StepReference(c, pool, [this](StepTensor<double> t) {
      want[std::string(t.name)].assign(t.values.begin(), t.values.end());
    });
  }

  void Check(const Tensors& got) const {
    const double bound = StepTolerance(c);
    for (const auto& [name, values] : got) {
      SCOPED_TRACE(name);
      const std::vector<float>& expected = want.at(name);
      ASSERT_EQ(values.size(), expected.size());
      // The gradients of Q and K are made of differences dP - sum(dO O), whose terms are of the
      // size of those of V. A token that sees itself only has none.
      const bool differs = name == "attn_q" || name == "attn_k";
      const double own = RootMeanSquare(expected);
      const double size = differs ? std::max(own, RootMeanSquare(want.at("attn_v"))) : own;
      std::vector<float> error(values);
      float worst = 0;
      for (size_t i = 0; i < error.size(); ++i) {
        error[i] -= expected[i];
        worst = std::max(worst, std::isnan(error[i]) ? INFINITY : std::abs(error[i]));
      }
      EXPECT_LE(RootMeanSquare(error), bound * size);
      EXPECT_LE(worst, kStepWorst * bound * size);
    }
  }

  LoadedLayer made;
  std::vector<float> x, dy;
  StepCase c;
  Tensors want;
};

void CheckStep(const Case& of) {
  SCOPED_TRACE(testing::Message() << of.shape.name << ", " << of.format << ", " << of.tokens
                                  << " tokens");
  const Fixture f(of);
  for (const Backend* backend : UsableCpuBackends()) {
    SCOPED_TRACE(backend->name);
    Tensors first;
    for (const int threads : {1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << threads << " threads");
      ThreadPool pool(threads);
      const MadeStep made = backend->step(*backend, f.c, StepPass::kForwardBackward, pool);
      ASSERT_TRUE(made.work) << made.why_not;
      made.work->Run();
      const Tensors got = Copy(*made.work);
      EXPECT_EQ(got.size(), 11u);
      if (first.empty()) {
        f.Check(got);
        first = got;
      }
      EXPECT_EQ(got, first);  // no sum depends on the number of threads
      made.work->RunAttention();
      made.work->Run();
      EXPECT_EQ(Copy(*made.work), first);  // every Run does the same

      const MadeStep forward = backend->step(*backend, f.c, StepPass::kForward, pool);
      forward.work->Run();
      EXPECT_EQ(Copy(*forward.work), Tensors({{"y", first.at("y")}}));
    }
  }
}

// Heads of 16 in groups of 2; a model_dim and an ffn_dim that are no multiple of a panel.
ModelShape TinyShape() {
  ModelShape s = SmallShape();
  s.name = "tiny";
  s.model_dim = 96;
  s.ffn_dim = 160;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_dim = 16;
  s.rope_dim = 16;
  s.rope_layout = RopeLayout::kHalves;
  return s;
}

class StepTest : public testing::TestWithParam<const char*> {};

TEST_P(StepTest, AgreesForOddNumbersOfTokens) {
  for (const int64_t tokens : {1, 2, 7, 48, 65, 131}) CheckStep({TinyShape(), tokens, GetParam()});
}

TEST_P(StepTest, AgreesWhereSumsOverTokensTakeSeveralBlocks) {
  CheckStep({TinyShape(), 645, GetParam()});
}

TEST_P(StepTest, AgreesWithGroupsAndHeadsOfModels) {
  CheckStep({SmallShape(), 37, GetParam()});
  CheckStep({OddShape(), 19, GetParam()});
  ModelShape wide = SmallShape();
  wide.name = "heads of 128";
  wide.head_dim = 128;
  wide.rope_dim = 128;
  wide.kv_heads = 8;
  CheckStep({wide, 70, GetParam()});
}

TEST_P(StepTest, AgreesOnAModelsShape) {
  CheckStep({FindShape("llama-3.2-1b")->shape, 5, GetParam()});
}

INSTANTIATE_TEST_SUITE_P(Formats, StepTest, testing::Values("f32", "bf16"),
                         [](const auto& p) { return std::string(p.param); });

TEST(Step, RefusesPackedWeights) {
  ThreadPool pool(1);
  const LoadedLayer made = MakeRandomLayer(SmallShape(), "q8_0", 5, pool);
  StepCase c;
  c.block.shape = SmallShape();
  c.block.llama = &made.layer;
  c.block.tokens = 1;
  for (const Backend* backend : UsableCpuBackends()) {
    const MadeStep step = backend->step(*backend, c, StepPass::kForward, pool);
    EXPECT_EQ(step.work, nullptr);
    EXPECT_EQ(step.why_not, "training steps need all matrices in f32 or all in bf16");
  }
}

}  // namespace
}  // namespace wattline::kernels
