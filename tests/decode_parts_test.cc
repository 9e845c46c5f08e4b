// The closure of a decode step: its arithmetic on a fake clock.
#include "benchmarks/decode_parts.h"

#include <gtest/gtest.h>

namespace wattline::benchmarks::decode_parts_test {
namespace {

using kernels::StepParts;

// A machine on which each part takes a known time; every fourth step is disturbed.
struct FakeMachine {
  double now_s = 0;
  int steps = 0;
  double part_s(StepParts part) const {
    switch (part) {
      case kernels::kLinearPart:
        return 14e-3;
      case kernels::kAttentionPart:
        return 4e-3;
      case kernels::kRestPart:
        return 2e-3;
      default:
        return 21e-3;
    }
  }
  bool Run(StepParts part) {
    now_s += part_s(part);
    if (part == kernels::kWholeStep && ++steps % 4 == 0) now_s += 1;
    return true;
  }
};

TEST(DecodePartsTest, PartsAreTimedApartAndDisturbancesLeftOut) {
  FakeMachine machine;
  const auto times =
      TimeParts([&](StepParts part) { return machine.Run(part); }, [&] { return machine.now_s; });
  ASSERT_TRUE(times.has_value());
  EXPECT_NEAR(times->step_s, 21e-3, 1e-9);
  EXPECT_NEAR(times->linear_s, 14e-3, 1e-9);
  EXPECT_NEAR(times->attention_s, 4e-3, 1e-9);
  EXPECT_NEAR(times->rest_s, 2e-3, 1e-9);
  EXPECT_GE(machine.steps, 5);
  EXPECT_LE(machine.steps, 25);
}

TEST(DecodePartsTest, PartsIsTheirSumOverTheStepAndSharesAddUpToOne) {
  const auto c = PartCounters({.step_s = 20, .linear_s = 14, .attention_s = 4, .rest_s = 1});
  EXPECT_DOUBLE_EQ(c.at("parts"), 0.95);
  EXPECT_DOUBLE_EQ(c.at("linear_share"), 14.0 / 19);
  EXPECT_DOUBLE_EQ(c.at("linear_share") + c.at("attention_share") + c.at("rest_share"), 1);
}

TEST(DecodePartsTest, WhatIsUnknownHasNoCounters) {
  EXPECT_TRUE(PartCounters({}).empty());
  EXPECT_TRUE(PartCounters({.step_s = 1}).empty());
  EXPECT_FALSE(TimeParts([](StepParts) { return false; }, [] { return 0.0; }).has_value());
}

}  // namespace
}  // namespace wattline::benchmarks::decode_parts_test
