// What MLX offers for a GPU's ceilings, as far as its CPU stream tells.
#include "kernels/ceiling/ceiling_mlx.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "kernels/backend.h"
#include "kernels/backend_mlx.h"

namespace wattline::kernels::ceiling_mlx_test {
namespace {

class CeilingMlxTest : public testing::TestWithParam<GpuLimit> {
 protected:
  void SetUp() override {
    setenv("WATTLINE_MLX_CPU", "1", 1);
    WhyNotMlx();
  }
};

TEST_P(CeilingMlxTest, EveryWorkIsRightAndKnowsItsUnit) {
  const GpuWorks made = MlxCeilingWorks(
      GetParam(), {.matmul_side = 96, .short_s = 0, .read_byte = int64_t{32} << 20});
  EXPECT_EQ(made.why_not, "");
  ASSERT_FALSE(made.works.empty());
  const GpuWork& last = made.works.back();
  if (GetParam() == GpuLimit::kRead) {
    EXPECT_EQ(last.kernel, "MLX sum");
    EXPECT_EQ(last.per_unit, 32 << 20);
  } else {
    EXPECT_EQ(last.kernel, "MLX matmul 96x96x96");
    EXPECT_EQ(last.per_unit, 2.0 * 96 * 96 * 96);
  }
  // Kernels of our own need a GPU's compiler.
  EXPECT_EQ(made.works.size() > 1, MlxOnGpu());
  for (const GpuWork& work : made.works) EXPECT_NO_THROW(work.run(3)) << work.kernel;
}

TEST(LargerMatmulTest, IsAWorkWhereTheSmallerOneIsShort) {
  setenv("WATTLINE_MLX_CPU", "1", 1);
  WhyNotMlx();
  const auto larger = [](double short_s) {
    const GpuWorks made = MlxCeilingWorks(GpuLimit::kBF16, {.matmul_side = 48, .short_s = short_s});
    return made.works.back().kernel == "MLX matmul 96x96x96";
  };
  EXPECT_TRUE(larger(1e9));
  EXPECT_FALSE(larger(0));
}

INSTANTIATE_TEST_SUITE_P(Limits, CeilingMlxTest,
                         testing::Values(GpuLimit::kF32, GpuLimit::kF16, GpuLimit::kBF16,
                                         GpuLimit::kRead),
                         [](const auto& p) { return std::string(Name(p.param)); });

}  // namespace
}  // namespace wattline::kernels::ceiling_mlx_test
