// Ticks of logarithmic axes.
#include "roofline/plot_axis.h"

#include <gtest/gtest.h>

#include <cmath>

namespace wattline::roofline::plot_axis_test {
namespace {

std::vector<std::string> Texts(const std::vector<Tick>& ticks) {
  std::vector<std::string> texts;
  for (const Tick& tick : ticks) {
    if (!tick.text.empty()) texts.push_back(tick.text);
  }
  return texts;
}

TEST(LogAxisTest, DecadesAreEquallyLong) {
  const LogAxis axis = {0.01, 1000, 100, 1100};
  EXPECT_DOUBLE_EQ(axis.Px(0.01), 100);
  EXPECT_DOUBLE_EQ(axis.Px(1000), 1100);
  EXPECT_NEAR(axis.Px(1) - axis.Px(0.1), 200, 1e-9);
  EXPECT_NEAR(axis.DecadePx(), 200, 1e-9);
  EXPECT_NEAR(axis.Value(axis.Px(3.7)), 3.7, 1e-12);
}

TEST(LogAxisTest, AnAxisThatGrowsUpwardsHasItsLowEndBelow) {
  const LogAxis axis = {1, 100, 600, 100};
  EXPECT_NEAR(axis.Px(10), 350, 1e-9);
  EXPECT_NEAR(axis.DecadePx(), 250, 1e-9);
}

TEST(TicksTest, AreOneTwoFiveOfEachDecade) {
  EXPECT_EQ(Texts(Ticks({0.05, 20, 0, 1000}, 20)),
            (std::vector<std::string>{"0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"}));
}

TEST(TicksTest, WithoutRoomDecadesAloneHaveTexts) {
  const std::vector<Tick> ticks = Ticks({0.01, 1000, 0, 300}, 34);
  EXPECT_EQ(Texts(ticks), (std::vector<std::string>{"0.01", "0.1", "1", "10", "100", "1000"}));
  EXPECT_EQ(ticks.size(), 16u);  // 2 and 5 have lines still
}

TEST(TicksTest, WithStillLessRoomEverySecondOrThirdDecade) {
  EXPECT_EQ(Texts(Ticks({0.01, 10000, 0, 300}, 60)),
            (std::vector<std::string>{"0.01", "1", "100", "10000"}));
}

TEST(TicksTest, TextsAreFarEnoughApart) {
  for (double length = 40; length < 1500; length *= 1.13) {
    for (double high = 12; high < 1e9; high *= 7) {
      const LogAxis axis = {1, high, 0, length};
      double before = -1e9;
      for (const Tick& tick : Ticks(axis, 34)) {
        if (tick.text.empty()) continue;
        EXPECT_GE(axis.Px(tick.value) - before, 34 - 1e-6) << length << " " << high;
        before = axis.Px(tick.value);
      }
    }
  }
}

TEST(TicksTest, VeryLargeAndSmallValuesHaveExponents) {
  EXPECT_EQ(Texts(Ticks({1e6, 1e7, 0, 50}, 34)), (std::vector<std::string>{"1e6", "1e7"}));
  EXPECT_EQ(Texts(Ticks({1e-5, 1e-4, 0, 50}, 34)), (std::vector<std::string>{"1e-5", "0.0001"}));
}

TEST(TickBelowAndAboveTest, KeepWhatIsOnATickAndRoundTheRest) {
  EXPECT_DOUBLE_EQ(TickBelow(0.5), 0.5);
  EXPECT_DOUBLE_EQ(TickAbove(0.5), 0.5);
  EXPECT_DOUBLE_EQ(TickBelow(1000), 1000);
  EXPECT_DOUBLE_EQ(TickAbove(1000), 1000);
  EXPECT_DOUBLE_EQ(TickBelow(0.99), 0.5);
  EXPECT_DOUBLE_EQ(TickAbove(0.51), 1);
  EXPECT_DOUBLE_EQ(TickBelow(4999), 2000);
  EXPECT_DOUBLE_EQ(TickAbove(2001), 5000);
}

}  // namespace
}  // namespace wattline::roofline::plot_axis_test
