// The laws of predictions: nothing beats the machine's peaks, more is never slower, absent is
// absent.
#include "roofline/predict.h"

#include <gtest/gtest.h>

#include <cmath>

namespace wattline::roofline::predict_test {
namespace {

// 1 TFLOP/s, 100 GB/s, 10 us a layer.
constexpr SpeedLaw kLaw{1e12, 100e9, 1e-5, 1};

MachineModel Machine() {
  MachineModel machine;
  machine.prefill = {kLaw, kLaw, kLaw, {1e12, 100e9, 0, HUGE_VAL}, {1.2, 1.1, 1.5}};
  machine.decode = machine.prefill;
  machine.usable_byte = 16e9;
  return machine;
}

// 5 GB of weights, 32 layers, 10 GFLOP a token, 128 kB of K and V a position, a prompt of 512.
ModelWork Model(double batch = 1) {
  ModelWork work;
  work.prefill = {512 * 10e9 * batch, 5e9, 32};
  work.decode = {10e9 * batch, 5e9 + batch * 512 * 128e3, 32};
  work.prefill_tokens = 512 * batch;
  work.decode_tokens = batch;
  work.weight_byte = 5e9;
  work.cache_byte = work.prompt_cache_byte = batch * 512 * 128e3;
  work.scratch_byte = 1e8;
  return work;
}

TEST(SecondsTest, PartsAddUpOrTheLargestCounts) {
  const Work work{2e12, 100e9, 1000};  // 2 s of compute, 1 s of memory, 10 ms of launches
  EXPECT_DOUBLE_EQ(Seconds(kLaw, work), 3.01);
  SpeedLaw law = kLaw;
  law.sharpness = HUGE_VAL;
  EXPECT_DOUBLE_EQ(Seconds(law, work), 2.01);
  law.sharpness = 2;
  EXPECT_DOUBLE_EQ(Seconds(law, work), std::sqrt(5.0) + 0.01);
  EXPECT_DOUBLE_EQ(Seconds(law, {0, 0, 1000}), 0.01);
}

TEST(SecondsTest, AgreesWithTheRoofsLaw) {
  Roof roof;
  roof.peak_flop_per_s = {1e12, 1e12, 1e12};
  roof.byte_per_s = {100e9, 100e9, 100e9};
  roof.sharpness = Interval{2.5, 2, 3};
  for (const double intensity : {0.1, 10.0, 300.0}) {
    const double flop = 1e9;
    EXPECT_NEAR(Seconds({1e12, 100e9, 0, 2.5}, {flop, flop / intensity, 0}),
                flop / Attainable(roof, intensity), 1e-12);
  }
}

TEST(BindingLimitTest, NamesTheLargestPart) {
  EXPECT_EQ(BindingLimit(kLaw, {1e9, 100e9, 0}), "bandwidth");
  EXPECT_EQ(BindingLimit(kLaw, {2e12, 100e9, 0}), "compute");
  EXPECT_EQ(BindingLimit(kLaw, {1e9, 1e9, 5000}), "launch overhead");
}

TEST(PassSecondsTest, NothingIsFasterThanThePeaks) {
  PassModel pass = Machine().decode;
  pass.slowdown = {0.5, 0.3, 0.9};  // as rows that a cache helped would have it
  const Work work{10e9, 5e9, 0};
  const Interval seconds = PassSeconds(pass, work);
  EXPECT_DOUBLE_EQ(seconds.low, 0.05);
  EXPECT_DOUBLE_EQ(seconds.value, 0.05);
  EXPECT_LE(work.byte / seconds.low, 100e9 * (1 + 1e-12));
}

TEST(PassSecondsTest, TheRangeHoldsTheValue) {
  PassModel pass = Machine().prefill;
  pass.fastest.flop_per_s = 4e12;
  pass.limit.flop_per_s = 5e12;
  pass.slowest.byte_per_s = 50e9;
  const Interval seconds = PassSeconds(pass, {5e12, 5e9, 32});
  EXPECT_LT(seconds.low, seconds.value);
  EXPECT_GT(seconds.high, seconds.value);
  EXPECT_DOUBLE_EQ(seconds.value, 1.2 * (5 + 0.05 + 32e-5));
  EXPECT_DOUBLE_EQ(seconds.low, 1.1 * (1.25 + 0.05 + 32e-5));
  EXPECT_DOUBLE_EQ(seconds.high, 1.5 * (5 + 0.1 + 32e-5));
}

TEST(PredictTest, RatesAndBoundsArePerSecond) {
  const Prediction p = Predict(Machine(), Model());
  ASSERT_TRUE(p.decode_tok_per_s && p.prefill_tok_per_s && p.ttft_s);
  const double step_s = 0.01 + (5e9 + 512 * 128e3) / 100e9 + 32e-5;
  EXPECT_NEAR(p.decode_tok_per_s->value, 1 / (1.2 * step_s), 1e-9);
  EXPECT_NEAR(p.decode_tok_per_s->low, 1 / (1.5 * step_s), 1e-9);
  EXPECT_NEAR(p.decode_tok_per_s->high, 1 / (1.1 * step_s), 1e-9);
  EXPECT_NEAR(p.ttft_s->value * p.prefill_tok_per_s->value, 512, 1e-9);
  EXPECT_EQ(p.limit, "bandwidth");
  EXPECT_EQ(p.prefill_limit, "compute");
  EXPECT_EQ(p.fits, true);
  EXPECT_DOUBLE_EQ(*p.head_byte, 16e9 - p.memory_byte);
}

TEST(PredictTest, MoreBandwidthOrComputeIsNeverSlowerAndMoreBytesNeverFaster) {
  const double base = Predict(Machine(), Model()).decode_tok_per_s->value;
  const auto with = [](double flop_factor, double byte_factor) {
    MachineModel machine = Machine();
    for (SpeedLaw* law : {&machine.decode.expected, &machine.decode.limit}) {
      law->flop_per_s *= flop_factor;
      law->byte_per_s *= byte_factor;
    }
    return Predict(machine, Model()).decode_tok_per_s->value;
  };
  EXPECT_GT(with(1, 2), base);
  EXPECT_GT(with(2, 1), base);
  ModelWork heavy = Model();
  heavy.decode.byte *= 1.5;
  EXPECT_LT(Predict(Machine(), heavy).decode_tok_per_s->value, base);
}

TEST(PredictTest, BatchRaisesThroughputUntilComputeBinds) {
  MachineModel machine = Machine();
  machine.usable_byte.reset();
  double last = 0;
  for (const double batch : {1, 2, 4, 8, 64, 512}) {
    const Prediction p = Predict(machine, Model(batch));
    EXPECT_GT(p.decode_tok_per_s->value, last);
    EXPECT_LT(p.decode_tok_per_s->value, 1e12 / 10e9);
    EXPECT_EQ(p.limit, batch < 8 ? "bandwidth" : "compute") << batch;
    last = p.decode_tok_per_s->value;
  }
}

TEST(PredictTest, WhatDoesNotFitHasNoRates) {
  MachineModel machine = Machine();
  machine.usable_byte = 5e9;
  const Prediction p = Predict(machine, Model());
  EXPECT_EQ(p.fits, false);
  EXPECT_EQ(p.limit, "memory capacity");
  EXPECT_LT(*p.head_byte, 0);
  EXPECT_FALSE(p.decode_tok_per_s || p.prefill_tok_per_s || p.ttft_s || p.j_per_token);
}

TEST(PredictTest, UnknownMemoryIsNotDecided) {
  MachineModel machine = Machine();
  machine.usable_byte.reset();
  const Prediction p = Predict(machine, Model());
  EXPECT_FALSE(p.fits.has_value());
  EXPECT_FALSE(p.head_byte.has_value());
  EXPECT_TRUE(p.decode_tok_per_s);
}

TEST(PredictTest, ASplitAddsTheCachesTransferToTheFirstToken) {
  MachineModel fast = Machine();
  fast.prefill.expected.flop_per_s = fast.prefill.fastest.flop_per_s =
      fast.prefill.slowest.flop_per_s = fast.prefill.limit.flop_per_s = 10e12;
  const Prediction alone = Predict(fast, Model());
  const Prediction split = Predict(Machine(), Model(), Split{fast, 40e9});
  const double transfer_s = 512 * 128e3 * 8 / 40e9;
  EXPECT_DOUBLE_EQ(*split.transfer_s, transfer_s);
  EXPECT_NEAR(split.ttft_s->value, alone.ttft_s->value + transfer_s, 1e-12);
  EXPECT_NEAR(split.ttft_s->low, alone.ttft_s->low + transfer_s, 1e-12);
  EXPECT_EQ(split.prefill_tok_per_s->value, alone.prefill_tok_per_s->value);
  EXPECT_EQ(split.decode_tok_per_s->value, Predict(Machine(), Model()).decode_tok_per_s->value);
  EXPECT_FALSE(alone.transfer_s.has_value());
  EXPECT_EQ(Predict(Machine(), Model(), Split{fast, 1e6}).prefill_limit, "link");
}

TEST(PredictTest, BothMachinesOfASplitMustHoldTheWeights) {
  MachineModel small = Machine();
  small.usable_byte = 4e9;
  EXPECT_EQ(Predict(Machine(), Model(), Split{small, 40e9}).fits, false);
  EXPECT_EQ(Predict(small, Model(), Split{Machine(), 40e9}).fits, false);
}

TEST(PredictTest, JoulesNeedAMeasurement) {
  EXPECT_FALSE(Predict(Machine(), Model()).j_per_token.has_value());
  MachineModel machine = Machine();
  EnergyCoefficients c;
  c.flop_j = {5e-12, 4e-12, 6e-12};
  c.byte_j = {100e-12, 90e-12, 110e-12};
  c.constant_w = {20, 19, 21};
  machine.energy = EnergyModel{c, {1.1, 1.0, 1.2}, std::nullopt};
  const Prediction p = Predict(machine, Model());
  const ModelWork work = Model();
  const double step_s = 1 / p.decode_tok_per_s->value;
  EXPECT_NEAR(p.j_per_token->value,
              1.1 * (work.decode.flop * 5e-12 + work.decode.byte * 100e-12 + 20 * step_s), 1e-9);
  EXPECT_LT(p.j_per_token->low, p.j_per_token->value);
  EXPECT_GT(p.j_per_token->high, p.j_per_token->value);
  machine.energy = EnergyModel{std::nullopt, {1, 1, 1}, Interval{30, 28, 33}};
  EXPECT_NEAR(Predict(machine, Model()).j_per_token->value, 30 * step_s, 1e-9);
  // A step of four sequences is four tokens.
  EXPECT_NEAR(Predict(machine, Model(4)).j_per_token->value,
              30 / Predict(machine, Model(4)).decode_tok_per_s->value, 1e-9);
}

}  // namespace
}  // namespace wattline::roofline::predict_test
