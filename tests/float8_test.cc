// Numbers of 8 and 4 bits: all that E2M1 has, every pattern of E8M0 and E4M3 by its definition.
#include "kernels/float8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace wattline::kernels::float8_test {
namespace {

TEST(Float8Test, E2M1HasSixteenCodes) {
  const std::vector<double> want = {0,    0.5,  1,  1.5,  2,  3,  4,  6,
                                    -0.0, -0.5, -1, -1.5, -2, -3, -4, -6};
  for (int code = 0; code < 16; ++code) {
    EXPECT_EQ(FromE2M1(code), want[static_cast<size_t>(code)]) << code;
    EXPECT_EQ(std::signbit(FromE2M1(code)), code >= 8) << code;
  }
}

// Table 7 of the MX specification.
TEST(Float8Test, E8M0IsAPowerOfTwo) {
  EXPECT_EQ(FromE8M0(0), 0x1p-127);
  EXPECT_EQ(FromE8M0(127), 1.0);
  EXPECT_EQ(FromE8M0(254), 0x1p127);
  for (int code = 1; code < 255; ++code) EXPECT_EQ(FromE8M0(code), 2 * FromE8M0(code - 1)) << code;
  EXPECT_TRUE(std::isnan(FromE8M0(255)));
}

// Table 2 of the FP8 specification.
TEST(Float8Test, E4M3HasTheNumbersOfItsSpecification) {
  EXPECT_EQ(FromE4M3(0x00), 0.0);
  EXPECT_TRUE(std::signbit(FromE4M3(0x80)));
  EXPECT_EQ(FromE4M3(0x01), 0x1p-9);
  EXPECT_EQ(FromE4M3(0x07), 0.875 * 0x1p-6);
  EXPECT_EQ(FromE4M3(0x08), 0x1p-6);
  EXPECT_EQ(FromE4M3(0x38), 1.0);
  EXPECT_EQ(FromE4M3(0x39), 1.125);
  EXPECT_EQ(FromE4M3(0x7e), 448.0);
  EXPECT_EQ(FromE4M3(0xfe), -448.0);
  EXPECT_TRUE(std::isnan(FromE4M3(0x7f)));
  EXPECT_TRUE(std::isnan(FromE4M3(0xff)));
}

TEST(Float8Test, E4M3GrowsWithItsPattern) {
  for (int code = 1; code < 127; ++code) {
    EXPECT_GT(FromE4M3(code), FromE4M3(code - 1)) << code;
    EXPECT_EQ(FromE4M3(code + 128), -FromE4M3(code)) << code;
  }
}

}  // namespace
}  // namespace wattline::kernels::float8_test
