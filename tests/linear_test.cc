// The linear layer's laws and its double reference on hand-counted cases.
#include "kernels/linear/linear.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace wattline::kernels::linear_test {
namespace {

TEST(LinearReferenceTest, EveryTokenMeetsEveryRow) {
  const float w[] = {1, 2, 3, 4, 5, 6};   // [2, 3]
  const float x[] = {1, 0, -1, 2, 1, 0};  // [2, 3]
  const LinearCase c{{Format::kF32, 2, 3, reinterpret_cast<const std::byte*>(w)}, x, 2};
  double y[4];
  LinearReference(c, y);
  EXPECT_EQ(y[0], -2.0);
  EXPECT_EQ(y[1], -2.0);
  EXPECT_EQ(y[2], 4.0);
  EXPECT_EQ(y[3], 13.0);
}

TEST(LinearLawTest, BytesAreThoseOfAHandCountedCase) {
  EXPECT_EQ(LinearByte({Format::kQ4_0, 4, 64, nullptr}, 3), 4 * 36 + 3 * 4 * (64 + 4));
}

// 32 weights of 1 (d = 1, q = 9) and x = 127: scale 1, so half a step per element is 16 in all; the
// rest is gamma(34) times the magnitude 127 * 32 * (1 + 2 * 8), about 0.14.
TEST(LinearToleranceTest, HalfAStepPerElementPlusTheSum) {
  std::vector<std::byte> row(18, std::byte{0x99});
  row[0] = std::byte{0x00}, row[1] = std::byte{0x3c};
  const std::vector<float> x(32, 127.0f);
  const LinearCase c{{Format::kQ4_0, 1, 32, row.data()}, x.data(), 1};
  EXPECT_GT(LinearTolerance(c, 0, 0), 16.0);
  EXPECT_LT(LinearTolerance(c, 0, 0), 16.3);
}

TEST(ActivationBufferTest, AViewHasRoomForEveryForm) {
  const ActivationBuffer buffer(3, 64);
  const std::vector<float> x(3 * 64);
  const Activations view = buffer.View(x.data(), 2, 64);
  EXPECT_EQ(view.f32, x.data());
  std::memset(view.panel, 1, PanelByte(3, 64));
  std::memset(view.q8, 1, 3 * 64);
  std::memset(view.q8_scale, 1, 3 * 2 * 4);
  std::memset(view.q8_block_sum, 1, 3 * 2 * 4);
  std::memset(view.lanes, 1, LanesByte(3, 64));
  EXPECT_EQ(view.tokens, 2);
  EXPECT_EQ(view.cols, 64);
}

}  // namespace
}  // namespace wattline::kernels::linear_test
