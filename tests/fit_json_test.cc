// A fit survives its way through JSON, and the laws of its roofs hold.
#include "roofline/fit_json.h"

#include <gtest/gtest.h>

#include <cmath>

#include "roofline/gates.h"

namespace wattline::roofline::fit_json_test {
namespace {

Roof H200Roof() {
  Roof roof;
  roof.key = {"f32", "cuda", 1, "DRAM"};
  roof.peak_flop_per_s = {4.2558e13, 4.2e13, 4.3e13};
  roof.byte_per_s = {3.78e12, 3.7e12, 3.9e12};
  roof.ridge_flop_per_byte = {11.26, 11.0, 11.5};
  roof.sharpness = Interval{1.9, 1.7, 2.1};
  roof.corner_share = std::pow(2.0, -1 / 1.9);
  roof.rms_error = 0.03;
  roof.rms_error_straight = 0.106;
  roof.points = {{"ceiling/a", 0.25, 9e11, 400.0, 2.0, 1.98e9, ""},
                 {"ceiling/b", 0.5, 1.8e12, std::nullopt, std::nullopt, std::nullopt, "drift 7 %"}};
  return roof;
}

Fit SampleFit() {
  MachineFit m;
  m.chip = "NVIDIA \"H200\" </script>";
  m.chip_slug = "h200";
  m.memory_byte = 141e9;
  m.idle_watts = 71.5;
  m.meters = {"nvml (module)"};
  m.sources = {"a.json"};
  m.levels = {{"cuda", 1, "L2", 8192, 5e7, 7e12, ""},
              {"cuda", 1, "DRAM", 1e9, 4e9, std::nullopt, "still falling"}};
  m.roofs = {H200Roof()};
  Roof straight = H200Roof();
  straight.key.level = "L2";
  straight.sharpness.reset();
  m.roofs.push_back(straight);
  EnergyFit e;
  e.key = H200Roof().key;
  e.coefficients = EnergyCoefficients{{5.94e-12, 5.9e-12, 6e-12},
                                      {1.24e-10, 1.2e-10, 1.3e-10},
                                      {98, 95, 101},
                                      {20.9, 20, 21},
                                      0.021,
                                      12.5};
  e.dropped = {"ceiling/x: power capped"};
  e.caution = "means over a chip that slows down";
  m.energies = {e};
  EnergyFit refused;
  refused.key = {"bf16", "cuda", 1, "DRAM"};
  refused.refused = "the power is the same at every intensity";
  m.energies.push_back(refused);
  ModelRow row{"decode/llama-3-8b/q4_0/ctx:512/cuda",
               "llama-3-8b",
               "q4_0",
               "cuda",
               1,
               false,
               512,
               1,
               250.5,
               1.6e10,
               4.7e9,
               4.6e9,
               2.5,
               true};
  m.model_rows = {row};
  m.remarks = {"ceiling/b not used: drift 7 %"};
  return {{m, MachineFit{}}};
}

TEST(FitJson, BringsEveryFieldBack) {
  const std::string text = FitJson(SampleFit());
  const ReadFitResult read = ParseFit(text, "FIT.json");
  ASSERT_TRUE(read.fit) << read.error;
  EXPECT_EQ(FitJson(*read.fit), text);
  // The text above is only as good as what the writer writes: fields by hand.
  const MachineFit& m = read.fit->machines.at(0);
  EXPECT_EQ(m.chip, "NVIDIA \"H200\" </script>");
  EXPECT_EQ(m.idle_watts, 71.5);
  ASSERT_EQ(m.roofs.size(), 2u);
  EXPECT_EQ(m.roofs[0].points[1].not_used, "drift 7 %");
  EXPECT_FALSE(m.roofs[0].points[1].watts);
  EXPECT_EQ(m.roofs[0].points[0].clock_hz, 1.98e9);
  EXPECT_EQ(m.roofs[0].sharpness->high, 2.1);
  EXPECT_FALSE(m.roofs[1].sharpness);
  EXPECT_EQ(m.energies[0].coefficients->constant_w.low, 95);
  EXPECT_EQ(m.energies[1].refused, "the power is the same at every intensity");
  EXPECT_EQ(m.energies[0].caution, "means over a chip that slows down");
  EXPECT_FALSE(m.energies[1].coefficients);
  EXPECT_EQ(m.levels[1].unresolved, "still falling");
  EXPECT_EQ(m.model_rows[0].joules_per_token, 2.5);
  EXPECT_TRUE(m.model_rows[0].unsteady);
  EXPECT_EQ(m.model_rows[0].tokens_each, 512);
  EXPECT_FALSE(read.fit->machines.at(1).memory_byte);
}

TEST(FitJson, NeverHoldsWhatIsNotFinite) {
  Fit fit = SampleFit();
  fit.machines[0].roofs[0].rms_error = std::nan("");
  fit.machines[0].idle_watts = INFINITY;
  const std::string text = FitJson(fit);
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_EQ(text.find("null"), std::string::npos);
  const ReadFitResult read = ParseFit(text, "FIT.json");
  ASSERT_TRUE(read.fit) << read.error;
  EXPECT_FALSE(read.fit->machines[0].idle_watts);
}

TEST(FitJson, SaysWhatIsWrong) {
  const auto error = [](const std::string& text) { return ParseFit(text, "f.json").error; };
  EXPECT_NE(error("{}").find("f.json is no fit; make one with: roofline fit"), std::string::npos);
  EXPECT_NE(error(R"({"wattline_fit":99})").find("version 99"), std::string::npos);
  EXPECT_EQ(error(R"({"wattline_fit":1,"machines":[{"roofs":[{"format":"f32"}]}]})"),
            "f.json: the file.machines[0].roofs[0].backend is missing");
  EXPECT_EQ(error(R"({"wattline_fit":1,"machines":[{"chip":5}]})"),
            "f.json: the file.machines[0].chip is number, not a text");
  EXPECT_TRUE(LooksLikeFit(FitJson(SampleFit())));
  EXPECT_FALSE(LooksLikeFit(R"({"context":{},"benchmarks":[]})"));
}

TEST(Roof, IsSoftAtTheRidgeAndStraightFarFromIt) {
  const Roof roof = H200Roof();
  const double ridge = roof.peak_flop_per_s.value / roof.byte_per_s.value;
  EXPECT_NEAR(Attainable(roof, ridge) / roof.peak_flop_per_s.value, std::pow(2.0, -1 / 1.9), 1e-12);
  EXPECT_NEAR(Attainable(roof, 1e6) / roof.peak_flop_per_s.value, 1, 1e-6);
  EXPECT_NEAR(Attainable(roof, 1e-6) / (1e-6 * roof.byte_per_s.value), 1, 1e-6);
  for (double i = 1e-3; i < 1e4; i *= 1.7) EXPECT_LE(Attainable(roof, i), StraightRoof(roof, i));
  Roof sharp = roof;
  sharp.sharpness = Interval{1000, 900, 1100};  // no power may overflow
  EXPECT_NEAR(Attainable(sharp, 2 * ridge), roof.peak_flop_per_s.value, 1e6);
  sharp.sharpness.reset();
  EXPECT_EQ(Attainable(sharp, ridge / 2), roof.byte_per_s.value * ridge / 2);
}

TEST(Energy, PerFlopIsTheSumOfItsThreeParts) {
  const EnergyCoefficients c = *SampleFit().machines[0].energies[0].coefficients;
  // By hand: 5.94 pJ + 124 pJ / 8 + 98 W / 20 TFLOP/s = 5.94 + 15.5 + 4.9 pJ.
  EXPECT_NEAR(JoulePerFlop(c, 8, 2e13), 26.34e-12, 1e-18);
}

TEST(Gates, FailOnDoublingSpreadOrDrift) {
  EXPECT_EQ(FailedGate({}), "");
  EXPECT_EQ(FailedGate({{"doubling", 2.05}, {"spread", 0.029}, {"drift", 0.049}}), "");
  EXPECT_EQ(FailedGate({{"doubling", 1.1}}),
            "doubled work took 1.1 times as long, not 2 within 3 %");
  EXPECT_EQ(FailedGate({{"spread", 0.05}}), "spread 5 % is above 3 %");
  EXPECT_EQ(FailedGate({{"drift", 0.07}}), "drift 7 % is above 5 %");
  EXPECT_NE(FailedGate({{"doubling", std::nan("")}}), "");
}

TEST(FindRoof, ComparesTheWholeKey) {
  const MachineFit m = SampleFit().machines[0];
  EXPECT_EQ(FindRoof(m, {"f32", "cuda", 1, "L2"}), &m.roofs[1]);
  EXPECT_EQ(FindRoof(m, {"f32", "cuda", 2, "L2"}), nullptr);
  EXPECT_EQ(FindEnergy(m, {"bf16", "cuda", 1, "DRAM"}), &m.energies[1]);
}

}  // namespace
}  // namespace wattline::roofline::fit_json_test
