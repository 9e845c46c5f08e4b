// The CPU's training step of a block agrees with the double-precision one in every tensor.
#include <gtest/gtest.h>

#include <string>

#include "tests/step_fixture.h"

namespace wattline::kernels::block_step_test {
namespace {

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

// As BERT's: all heads of their own, which fill model_dim.
TEST_P(StepTest, AgreesForBert) {
  ModelShape shape = SmallShape();
  shape.name = "bert";
  shape.model_dim = 96;
  shape.ffn_dim = 160;
  shape.heads = 6;
  shape.kv_heads = 6;
  shape.head_dim = 16;
  shape.rope_dim = 0;
  shape.rms_eps = 1e-12;
  for (const int64_t tokens : {1, 2, 7, 48, 65, 131, 645}) {
    CheckStep({shape, tokens, GetParam(), true});
  }
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
}  // namespace wattline::kernels::block_step_test
