// A model without weights has the work and the bytes of the same model with weights.
#include "kernels/model/plan_model.h"

#include <gtest/gtest.h>

#include "kernels/decode/decoder.h"
#include "kernels/model/random_model.h"
#include "kernels/model/shapes.h"

namespace wattline::kernels::plan_model_test {
namespace {

TEST(PlanModelTest, TheLawsSeeNoDifferenceToAModelInMemory) {
  const ModelShape& shape = FindShape("smollm2-135m")->shape;
  ThreadPool pool(2);
  for (const char* format : {"q4_0", "q4_k_m"}) {
    const LoadedModel made = MakeRandomModel(shape, format, 1, pool);
    const LoadedModel planned = PlanModel(shape, format);
    ASSERT_TRUE(planned.model) << planned.error;
    EXPECT_EQ(WeightByte(*planned.model), WeightByte(*made.model));
    EXPECT_EQ(ForwardFlop(*planned.model, 100, 7, 2), ForwardFlop(*made.model, 100, 7, 2));
    EXPECT_EQ(ForwardByte(*planned.model, 100, 7, 2), ForwardByte(*made.model, 100, 7, 2));
    EXPECT_EQ(planned.model->layers[0].ffn_down.data, nullptr);
  }
}

TEST(PlanModelTest, TheLargestModelNeedsNoMemory) {
  const LoadedModel planned = PlanModel(FindShape("llama-3.1-405b")->shape, "q4_0");
  ASSERT_TRUE(planned.model) << planned.error;
  // 405.85e9 parameters of 4.5 bits; the norms are f32.
  EXPECT_NEAR(WeightByte(*planned.model), 405853388800.0 * 4.5 / 8, 2e7);
}

TEST(PlanModelTest, AFormatThatDoesNotGoIsNamed) {
  const LoadedModel planned = PlanModel(FindShape("llama-2-7b")->shape, "q9_z");
  EXPECT_FALSE(planned.model);
  EXPECT_NE(planned.error.find("'q9_z' is not known"), std::string::npos) << planned.error;
}

}  // namespace
}  // namespace wattline::kernels::plan_model_test
