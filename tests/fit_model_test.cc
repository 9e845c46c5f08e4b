// Measured machines: which rows calibrate a prediction, and what stands in where there are none.
#include "roofline/fit_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "roofline/result.h"

namespace wattline::roofline::fit_model_test {
namespace {

Interval Exactly(double value) { return {value, value, value}; }

Roof MadeRoof(const char* format, double peak, const char* backend = "cpu",
              const char* level = "DRAM", int threads = 2) {
  Roof roof;
  roof.key = {format, backend, threads, level};
  roof.peak_flop_per_s = Exactly(peak);
  roof.byte_per_s = Exactly(40e9);
  roof.ridge_flop_per_byte = Exactly(peak / 40e9);
  return roof;
}

// A decode row that takes `slow` times what 40 GB/s would.
ModelRow DecodeRow(const char* model, const char* format, int64_t context, double slow) {
  ModelRow row;
  row.model = model;
  row.format = format;
  row.backend = "cpu";
  row.tokens_each = context;
  row.flop_per_token = 2e9;
  row.byte_per_token = 1e9;
  row.tok_per_s = 40 / slow;
  return row;
}

MachineFit MadeMachine() {
  MachineFit machine;
  machine.chip = "Made CPU";
  machine.memory_byte = 24e9;
  machine.roofs = {MadeRoof("f32", 400e9), MadeRoof("bf16", 800e9), MadeRoof("int8", 1600e9),
                   MadeRoof("f32", 420e9, "cpu", "L1"), MadeRoof("f32", 450e9, "cpu", "DRAM", 1)};
  machine.model_rows = {DecodeRow("m", "q4_0", 0, 1.2), DecodeRow("m", "q4_0", 512, 9.0),
                        DecodeRow("m", "q4_0", 4096, 1.3), DecodeRow("n", "q4_0", 512, 1.4),
                        DecodeRow("m", "f16", 512, 1.1)};
  return machine;
}

FitQuery Query(const char* format = "q4_0") {
  FitQuery query;
  query.model = "m";
  query.format = format;
  query.context = query.prompt = 512;
  return query;
}

TEST(ModelMachineTest, RowsOfTheFormatCalibrateButNotTheOneAskedFor) {
  const FitModel made = ModelMachine(MadeMachine(), Query());
  ASSERT_TRUE(made.model) << made.error;
  EXPECT_NEAR(made.model->decode.slowdown.value, 1.3, 1e-9);
  EXPECT_NEAR(made.model->decode.slowdown.low, 1.2, 1e-9);
  EXPECT_NEAR(made.model->decode.slowdown.high, 1.4, 1e-9);
  EXPECT_NE(made.model->calibration.find("decode on 3 rows of q4_0"), std::string::npos)
      << made.model->calibration;
  EXPECT_TRUE(made.model->measured);
  EXPECT_EQ(made.model->usable_byte, 24e9);
}

TEST(ModelMachineTest, TheRoofIsFromDramWithTheLargestFloatingPeak) {
  const FitModel made = ModelMachine(MadeMachine(), Query());
  EXPECT_EQ(made.model->decode.expected.flop_per_s, 800e9);
  EXPECT_EQ(made.model->decode.expected.sharpness, HUGE_VAL);
  MachineFit machine = MadeMachine();
  machine.roofs[1].sharpness = Exactly(2);
  EXPECT_EQ(ModelMachine(machine, Query()).model->decode.expected.sharpness, 2);
}

TEST(ModelMachineTest, OtherFormatsStandInAndThenAnAssumption) {
  const FitModel other = ModelMachine(MadeMachine(), Query("q8_0"));
  EXPECT_NE(other.model->calibration.find("decode on 5 rows of other formats"), std::string::npos);
  EXPECT_NE(other.model->calibration.find("prefill on an assumed share"), std::string::npos);
  EXPECT_GT(other.model->prefill.slowdown.high / other.model->prefill.slowdown.low, 3);
}

TEST(ModelMachineTest, RowsOfOtherModelsAloneGiveAWiderRange) {
  MachineFit machine = MadeMachine();
  machine.model_rows = {DecodeRow("n", "q4_0", 0, 1.2), DecodeRow("n", "q4_0", 512, 1.2),
                        DecodeRow("n", "q4_0", 4096, 1.2)};
  const FitModel other = ModelMachine(machine, Query());
  EXPECT_NEAR(other.model->decode.slowdown.high, 1.2 * 1.15, 1e-9);
  EXPECT_NE(other.model->calibration.find("of q4_0 (other models)"), std::string::npos);
  machine.model_rows[0].model = "m";
  EXPECT_NEAR(ModelMachine(machine, Query()).model->decode.slowdown.high, 1.2 * 1.05, 1e-9);
}

TEST(ModelMachineTest, UnsteadyRowsAreUsedOnlyWhereThereIsNothingElse) {
  MachineFit machine = MadeMachine();
  machine.model_rows[0].unsteady = true;
  EXPECT_NE(ModelMachine(machine, Query()).model->calibration.find("2 rows of q4_0"),
            std::string::npos);
  for (ModelRow& row : machine.model_rows) row.unsteady = true;
  EXPECT_NE(ModelMachine(machine, Query()).model->calibration.find("3 rows of q4_0"),
            std::string::npos);
}

TEST(ModelMachineTest, AMachineWithoutARoofSaysWhatToRun) {
  MachineFit machine = MadeMachine();
  const FitQuery elsewhere = [] {
    FitQuery query = Query();
    query.backend = "cuda";
    return query;
  }();
  EXPECT_NE(ModelMachine(machine, elsewhere).error.find("--backend=cpu"), std::string::npos);
  machine.roofs.clear();
  EXPECT_NE(ModelMachine(machine, Query()).error.find("--benchmark_filter=ceiling"),
            std::string::npos);
}

TEST(ModelMachineTest, JoulesComeFromTrustedCoefficientsOrTheRowsWatts) {
  MachineFit machine = MadeMachine();
  EXPECT_FALSE(ModelMachine(machine, Query()).model->energy.has_value());
  machine.model_rows[0].joules_per_token = 0.6;  // of 33.3 tok/s: 20 W
  const auto watts = ModelMachine(machine, Query()).model->energy;
  ASSERT_TRUE(watts && watts->watts);
  EXPECT_NEAR(watts->watts->value, 20, 1e-9);

  EnergyFit energy;
  energy.key = machine.roofs[1].key;
  energy.refused = "the power was capped";
  machine.energies = {energy};
  EXPECT_TRUE(ModelMachine(machine, Query()).model->energy->watts);
  machine.energies[0].coefficients = EnergyCoefficients{};
  machine.energies[0].coefficients->byte_j = Exactly(300e-12);
  machine.energies[0].coefficients->constant_w = Exactly(5);
  const auto law = ModelMachine(machine, Query()).model->energy;
  ASSERT_TRUE(law && law->coefficients);
  // 1e9 byte of 300 pJ and 5 W for 30 ms are 0.45 J; the row had 0.6.
  EXPECT_NEAR(law->factor.value, 0.6 / 0.45, 1e-9);
}

// A file of bench with its own ceilings: each decode row from the other rows.
TEST(ModelMachineTest, RowsOfAMeasuredMachinePredictEachOther) {
  const ReadResult read =
      ReadResults(WATTLINE_SOURCE_DIR "/tests/data/decode_emerald_rapids_vm.json");
  ASSERT_TRUE(read.results) << read.error;
  MachineFit machine;
  Roof roof = MadeRoof("f32", read.results->machine.ceilings.at("f32"));
  roof.byte_per_s = Exactly(read.results->machine.ceilings.at("read"));
  machine.roofs = {roof};
  for (const Row& row : read.results->rows) {
    if (!row.address || !row.address->CaseNumber("ctx") || !row.Counter("tok/s")) continue;
    ModelRow m;
    m.model = row.address->subject;
    m.format = row.address->format;
    m.backend = row.address->backend;
    m.tokens_each = static_cast<int64_t>(*row.address->CaseNumber("ctx"));
    m.tok_per_s = *row.Counter("tok/s");
    m.flop_per_token = *row.FlopPerS() / m.tok_per_s;
    m.byte_per_token = *row.BytePerS() / m.tok_per_s;
    machine.model_rows.push_back(m);
  }
  ASSERT_EQ(machine.model_rows.size(), 9u);
  for (const ModelRow& row : machine.model_rows) {
    FitQuery query;
    query.model = row.model;
    query.format = row.format;
    query.context = row.tokens_each;
    const FitModel made = ModelMachine(machine, query);
    ASSERT_TRUE(made.model) << made.error;
    const Interval s = PassSeconds(made.model->decode, {row.flop_per_token, row.byte_per_token, 0});
    EXPECT_NEAR(s.value * row.tok_per_s, 1, 0.04) << row.format << " " << row.tokens_each;
    EXPECT_LT(s.low, 1 / row.tok_per_s);
    EXPECT_GT(s.high, 1 / row.tok_per_s);
  }
}

TEST(ModelMachineTest, AnAppleGpuMayNotTakeTheWholeMemory) {
  MachineFit machine = MadeMachine();
  machine.chip = "Apple M2 Max";
  EXPECT_EQ(ModelMachine(machine, Query()).model->usable_byte, 24e9);
  machine.roofs.push_back(MadeRoof("f32", 10e12, "mlx"));
  FitQuery query = Query();
  query.backend = "mlx";
  EXPECT_EQ(ModelMachine(machine, query).model->usable_byte, 16e9);
}

}  // namespace
}  // namespace wattline::roofline::fit_model_test
