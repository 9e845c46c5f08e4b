// The fit of a real GPU from bench's own files, which were measured with NVML's energy counter: an
// H200 in a virtual machine, 2026-11-21. Limits are the vendor's figures and what power caps forbid
// to conclude, not what the fit once gave.
#include <gtest/gtest.h>

#include "roofline/devices.h"
#include "roofline/machine_fit.h"

namespace wattline::roofline::h200_fit_test {
namespace {

const MachineFit& H200() {
  static const MachineFit machine = [] {
    std::vector<Results> parts;
    for (const char* name : {"h200_ceiling.json", "h200_intensity.json"}) {
      ReadResult read = ReadResults(std::string(WATTLINE_SOURCE_DIR "/tests/data/") + name);
      EXPECT_TRUE(read.results) << read.error;
      for (Results& part : SplitByDevice(std::move(*read.results))) parts.push_back(part);
    }
    Fit fit = FitMachines(parts);
    EXPECT_EQ(fit.machines.size(), 1u);
    return fit.machines.at(0);
  }();
  return machine;
}

TEST(H200Fit, IsNamedAfterTheGpu) {
  EXPECT_EQ(H200().chip, "NVIDIA H200");
  EXPECT_EQ(H200().meters.size(), 1u);
  ASSERT_EQ(H200().levels.size(), 3u);
  EXPECT_EQ(H200().levels[1].name, "L2");
}

TEST(H200Fit, StaysBelowTheDatasheetAndNearIt) {
  // f32: 132 multiprocessors x 256 FLOP x 1.98 GHz = 66.9 TFLOP/s. Memory: 4.8 TB/s.
  const Roof* dram = FindRoof(H200(), {"f32", "cuda", 1, "DRAM"});
  ASSERT_TRUE(dram);
  EXPECT_LT(dram->peak_flop_per_s.high, 66.9e12);
  EXPECT_GT(dram->peak_flop_per_s.low, 0.9 * 66.9e12);
  EXPECT_LT(dram->byte_per_s.high, 4.8e12);
  EXPECT_GT(dram->byte_per_s.low, 0.9 * 4.8e12);
  ASSERT_TRUE(dram->sharpness);
  // What is attained at the ridge: between a half (p = 1) and all of P.
  EXPECT_GT(*dram->corner_share, 0.6);
  EXPECT_LT(*dram->corner_share, 0.9);
  EXPECT_LT(*dram->rms_error, *dram->rms_error_straight / 2);
  // Dense bf16: 989 TFLOP/s.
  const Roof* bf16 = FindRoof(H200(), {"bf16", "cuda", 1, "DRAM"});
  ASSERT_TRUE(bf16);
  EXPECT_LT(bf16->peak_flop_per_s.high, 989e12);
  EXPECT_GT(bf16->peak_flop_per_s.low, 0.85 * 989e12);
}

TEST(H200Fit, TellsJoulesWhereThePowerCapLetsIt) {
  const EnergyFit* f32 = FindEnergy(H200(), {"f32", "cuda", 1, "DRAM"});
  ASSERT_TRUE(f32);
  ASSERT_TRUE(f32->coefficients) << f32->refused;
  // Another H200's public sweep gives 5.94 pJ/FLOP, 124 pJ/byte, 98 W.
  const EnergyCoefficients& c = *f32->coefficients;
  EXPECT_LT(c.flop_j.low, 5.94e-12);
  EXPECT_GT(c.flop_j.high, 5.94e-12);
  EXPECT_LT(c.byte_j.low, 124e-12);
  EXPECT_GT(c.byte_j.high, 124e-12);
  EXPECT_LT(c.constant_w.low, 98);
  EXPECT_GT(c.constant_w.high, 98);
  EXPECT_NE(f32->caution.find("constant power is only told as"), std::string::npos) << f32->caution;
  EXPECT_FALSE(f32->dropped.empty());
  const EnergyFit* bf16 = FindEnergy(H200(), {"bf16", "cuda", 1, "DRAM"});
  ASSERT_TRUE(bf16);
  EXPECT_FALSE(bf16->coefficients);
  EXPECT_NE(bf16->refused.find("power cap"), std::string::npos) << bf16->refused;
}

}  // namespace
}  // namespace wattline::roofline::h200_fit_test
