// The counters' arithmetic, on numbers that a reader can check in the head.
#include "benchmarks/counters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "benchmarks/measure.h"
#include "kernels/backend.h"

namespace wattline::benchmarks::counters_test {
namespace {

// 10 iterations in 2 s: 0.2 s each.
Observed TenInTwoSeconds() {
  Observed observed;
  observed.measured.elapsed_s = 2;
  observed.measured.iterations = 10;
  return observed;
}

Ground GroundOf(double read_byte_per_s) {
  Ground ground;
  ground.read_byte_per_s = read_byte_per_s;
  return ground;
}

TEST(CountersTest, RatesAreCountsOverTimeOfOneIteration) {
  const auto c = CountersOf({.flop = 4e11, .byte = 1e9}, TenInTwoSeconds(), {});
  EXPECT_DOUBLE_EQ(c.at("TFLOPS"), 2);
  EXPECT_DOUBLE_EQ(c.at("GB/s"), 5);
  EXPECT_DOUBLE_EQ(c.at("AI"), 400);
}

TEST(CountersTest, AccelerateIsNoShareOfACeilingThatItsUnitDoesNotHave) {
  const Counts counts = {.peak = Peak::kF32, .streams = true};
  const Counts made = RowCounts(*kernels::FindBackend("accelerate"), counts);
  EXPECT_EQ(made.peak, Peak::kNone);
  EXPECT_TRUE(made.streams) << "memory is the same for all";
  EXPECT_EQ(RowCounts(*kernels::FindBackend("reference"), counts).peak, Peak::kF32);
}

TEST(CountersTest, CoreMlIsNoShareOfACeilingAndNeedsAMeterOfEveryUnit) {
  for (const char* name : {"coreml_cpu", "coreml_gpu", "coreml_ane", "coreml_all"}) {
    const Counts made = RowCounts(*kernels::FindBackend(name), {.peak = Peak::kF32});
    EXPECT_EQ(made.peak, Peak::kNone) << name;
    EXPECT_EQ(made.runs_on, energy::kCpuPart | energy::kGpuPart | energy::kAnePart) << name;
  }
}

TEST(CountersTest, MfuIsAShareOfTheFormatsOwnCeiling) {
  MeasuredCeilings ceilings;
  ceilings.f32_flop_per_s = 4e12;
  ceilings.bf16_flop_per_s = 8e12;
  const auto mfu = [&](Peak peak) {
    return CountersOf({.flop = 4e11, .peak = peak}, TenInTwoSeconds(), ceilings);
  };
  EXPECT_DOUBLE_EQ(mfu(Peak::kF32).at("MFU"), 0.5);
  EXPECT_DOUBLE_EQ(mfu(Peak::kBF16).at("MFU"), 0.25);
  EXPECT_FALSE(mfu(Peak::kInt8).contains("MFU"));
  EXPECT_FALSE(mfu(Peak::kNone).contains("MFU"));
}

TEST(CountersTest, MbuIsAShareOfTheGroundAroundTheRow) {
  MeasuredCeilings ceilings;
  ceilings.read_byte_per_s = 20e9;
  Observed observed = TenInTwoSeconds();
  const Counts counts{.byte = 1e9, .streams = true};
  EXPECT_DOUBLE_EQ(CountersOf(counts, observed, ceilings).at("MBU"), 0.25);
  observed.before = GroundOf(12e9);
  observed.after = GroundOf(8e9);
  const auto c = CountersOf(counts, observed, ceilings);
  EXPECT_DOUBLE_EQ(c.at("MBU"), 0.5);
  EXPECT_DOUBLE_EQ(c.at("MBU_ceiling"), 0.25);
  EXPECT_DOUBLE_EQ(c.at("ground_GB/s"), 12);
  EXPECT_DOUBLE_EQ(c.at("ground_end_GB/s"), 8);
  EXPECT_DOUBLE_EQ(c.at("unsteady"), 1);
  EXPECT_FALSE(CountersOf({.byte = 1e9}, observed, ceilings).contains("MBU"));
}

TEST(CountersTest, AFractionThatDisprovesItsCeilingIsLeftOut) {
  MeasuredCeilings ceilings;
  ceilings.bf16_flop_per_s = 1e12;
  ceilings.read_byte_per_s = 4e9;
  // 2 TFLOPS beside a ceiling of 1: another unit did the work.
  const Counts matrix_unit{.flop = 4e11, .peak = Peak::kBF16};
  EXPECT_FALSE(CountersOf(matrix_unit, TenInTwoSeconds(), ceilings).contains("MFU"));
  EXPECT_EQ(CountersOf(matrix_unit, TenInTwoSeconds(), ceilings).at("TFLOPS"), 2);
  EXPECT_NE(AboveCeiling(matrix_unit, TenInTwoSeconds(), ceilings), "");
  // 5 GB/s beside 4.
  const Counts stream{.byte = 1e9, .streams = true};
  EXPECT_FALSE(CountersOf(stream, TenInTwoSeconds(), ceilings).contains("MBU"));
  EXPECT_NE(AboveCeiling(stream, TenInTwoSeconds(), ceilings), "");
  // 4 % above is scatter.
  ceilings.read_byte_per_s = 4.8e9;
  EXPECT_GT(CountersOf(stream, TenInTwoSeconds(), ceilings).at("MBU"), 1);
  EXPECT_EQ(AboveCeiling(stream, TenInTwoSeconds(), ceilings), "");
}

TEST(CountersTest, ARowIsCalledSteadyOnlyBetweenTwoProbes) {
  Observed observed = TenInTwoSeconds();
  observed.before = GroundOf(10e9);
  EXPECT_FALSE(CountersOf({}, observed, {}).contains("unsteady"));
  observed.after = GroundOf(10.5e9);
  EXPECT_DOUBLE_EQ(CountersOf({}, observed, {}).at("unsteady"), 0);
}

TEST(CountersTest, TokensGiveRateLatencyAndJoules) {
  Observed observed = TenInTwoSeconds();
  observed.measured.joules = 6;
  const auto decode = CountersOf({.tokens = 4 * 10, .steps = 10}, observed, {});
  EXPECT_DOUBLE_EQ(decode.at("tok/s"), 200);
  EXPECT_DOUBLE_EQ(decode.at("TPOT_ms"), 20);
  EXPECT_DOUBLE_EQ(decode.at("J/token"), 0.15);
  EXPECT_NEAR(decode.at("EDP"), 1.2, 1e-12);
  EXPECT_FALSE(decode.contains("TTFT_ms"));
  const auto prefill = CountersOf({.tokens = 512, .first_token = true}, observed, {});
  EXPECT_DOUBLE_EQ(prefill.at("TTFT_ms"), 200);
  EXPECT_FALSE(prefill.contains("TPOT_ms"));
}

TEST(CountersTest, ThePowerCapStandsBesideTheWatts) {
  Observed observed = TenInTwoSeconds();
  EXPECT_FALSE(CountersOf({}, observed, {}).contains("power_cap_watts"));
  observed.power_cap_w = 700;
  EXPECT_DOUBLE_EQ(CountersOf({}, observed, {}).at("power_cap_watts"), 700);
}

TEST(CountersTest, WithoutAMeterNoJoulesAppear) {
  const auto c = CountersOf({.flop = 1, .byte = 1, .tokens = 1}, TenInTwoSeconds(), {});
  EXPECT_FALSE(c.contains("J/token"));
  EXPECT_FALSE(c.contains("EDP"));
}

TEST(CountersTest, NothingIsEverNaNOrInfinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Observed observed = TenInTwoSeconds();
  observed.measured.joules = nan;
  observed.peak_byte = INFINITY;
  observed.before = GroundOf(0);
  observed.after = GroundOf(nan);
  observed.after->clock_hz = nan;
  for (double elapsed_s : {0.0, -1.0, nan, 2.0}) {
    observed.measured.elapsed_s = elapsed_s;
    const Counts counts{.flop = nan,
                        .byte = 0,
                        .peak = Peak::kF32,
                        .streams = true,
                        .tokens = 1,
                        .steps = 1,
                        .more = {{"mine", nan}}};
    for (const auto& [name, value] : CountersOf(counts, observed, {})) {
      EXPECT_TRUE(std::isfinite(value)) << name;
    }
  }
}

}  // namespace
}  // namespace wattline::benchmarks::counters_test
