// bfloat16 and half precision: every bit pattern survives, rounding is to nearest even.
#include "kernels/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace wattline::kernels::float16_test {
namespace {

TEST(Float16Test, EveryHalfSurvivesTheWayToFloatAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = FloatFromF16(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(FloatFromF16(F16FromFloat(value)))) << bits;
    } else {
      EXPECT_EQ(F16FromFloat(value), bits);
    }
  }
}

TEST(Float16Test, EveryBf16SurvivesTheWayToFloatAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = FloatFromBf16(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(FloatFromBf16(Bf16FromFloat(value)))) << bits;
    } else {
      EXPECT_EQ(Bf16FromFloat(value), bits);
    }
  }
}

TEST(Float16Test, HalvesRoundToNearestEven) {
  EXPECT_EQ(F16FromFloat(1.0f), 0x3c00);
  EXPECT_EQ(F16FromFloat(1.0f + 0x1p-11f), 0x3c00);  // a tie goes to the even pattern
  EXPECT_EQ(F16FromFloat(1.0f + 0x1p-11f + 0x1p-20f), 0x3c01);
  EXPECT_EQ(F16FromFloat(1.0f + 0x3p-11f), 0x3c02);
  EXPECT_EQ(F16FromFloat(65504.0f), 0x7bff);
  EXPECT_EQ(F16FromFloat(65519.9f), 0x7bff);
  EXPECT_EQ(F16FromFloat(65520.0f), 0x7c00);
  EXPECT_EQ(F16FromFloat(0x1p-25f), 0x0000);
  EXPECT_EQ(F16FromFloat(0x1.8p-25f), 0x0001);
  EXPECT_EQ(F16FromFloat(-0x1p-24f), 0x8001);
  EXPECT_EQ(F16FromFloat(std::numeric_limits<float>::infinity()), 0x7c00);
}

TEST(Float16Test, Bf16RoundsToNearestEven) {
  EXPECT_EQ(Bf16FromFloat(1.0f + 0x1p-8f), 0x3f80);
  EXPECT_EQ(Bf16FromFloat(1.0f + 0x3p-8f), 0x3f82);
  EXPECT_EQ(Bf16FromFloat(1.0f + 0x1p-8f + 0x1p-20f), 0x3f81);
}

}  // namespace
}  // namespace wattline::kernels::float16_test
