// What a plot shows and what it leaves out.
#include "roofline/plot_model.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/plot_example.h"

namespace wattline::roofline::plot_model_test {
namespace {

TEST(MakePlotModelTest, NumbersPointsByChipAndKeepsOthersApart) {
  const PlotModel model = ExampleModel(true);
  ASSERT_EQ(model.points.size(), 42u);
  for (size_t i = 0; i < model.points.size(); ++i) {
    EXPECT_EQ(model.points[i].number, static_cast<int>(i) + 1);
    EXPECT_EQ(model.points[i].chip, i < 21 ? 0u : 1u);
  }
  ASSERT_EQ(model.unplaced.size(), 1u);
  EXPECT_EQ(model.unplaced[0].judged.remark, "differs from its reference");
  EXPECT_EQ(model.formats,
            (std::vector<std::string>{"f32", "bf16", "int8", "q8_0", "q4_0", "f16"}));
  EXPECT_EQ(model.levels, (std::vector<std::string>{"L1", "L2", "L3", "DRAM"}));
  EXPECT_EQ(model.fixtures,
            (std::vector<std::string>{"decode", "gemm", "attention", "dequant", "block"}));
}

TEST(MakePlotModelTest, RowsThatMadeTheRoofsAreNoPoints) {
  const Fit fit = ExampleFit();
  std::vector<Judged> rows = ExampleJudged(fit);
  rows[0].fixture = "ceiling";
  const PlotModel model = MakePlotModel(fit, rows, {}).model.value();
  EXPECT_EQ(model.points.size(), 20u);
  EXPECT_EQ(model.unplaced.size(), 1u);
}

TEST(MakePlotModelTest, RowsOfAnotherChipAreNoPointsOfThisOne) {
  const Fit one = ExampleFit();
  const PlotModel model = MakePlotModel(one, ExampleJudged(ExampleFit(true)), {}).model.value();
  EXPECT_EQ(model.points.size(), 21u);
}

TEST(MakePlotModelTest, FiltersKeepRoofsAndThePointsHeldAgainstThem) {
  const PlotModel f32 = ExampleModel(false, {.formats = {"f32"}});
  EXPECT_EQ(f32.roofs.size(), 4u);
  EXPECT_EQ(f32.points.size(), 14u);  // f32, and q8_0, q4_0, f16 that are held against f32's roof
  const PlotModel q4_0 = ExampleModel(false, {.formats = {"f32", "q4_0"}});
  EXPECT_EQ(q4_0.roofs.size(), 4u);
  const PlotModel dram = ExampleModel(false, {.levels = {"DRAM"}});
  EXPECT_EQ(dram.roofs.size(), 3u);
  EXPECT_EQ(dram.points.size(), 21u);
  const PlotModel second = ExampleModel(true, {.machine = "made-up"});
  EXPECT_EQ(second.chips, (std::vector<std::string>{"made-up chip (test data)"}));
  EXPECT_EQ(second.points.size(), 21u);
}

TEST(MakePlotModelTest, AFilterThatLeavesNothingSaysWhatThereIs) {
  const Fit fit = ExampleFit();
  EXPECT_EQ(MakePlotModel(fit, {}, {}, {.formats = {"f64"}}).error,
            "no roof of format f64; the fit has f32, bf16, int8");
  EXPECT_EQ(MakePlotModel(fit, {}, {}, {.levels = {"L9"}}).error,
            "no roof of level L9; the fit has L1, L2, L3, DRAM");
  EXPECT_EQ(MakePlotModel(fit, {}, {}, {.machine = "M5"}).error,
            "no machine 'M5'; the fit has Intel(R) Xeon(R) Processor");
  EXPECT_FALSE(MakePlotModel({}, {}, {}).model);
}

TEST(MakePlotModelTest, OfRoofsThatDifferInThreadsOnlyTheUsedOrTheHighestIsDrawn) {
  Fit fit;
  fit.machines.push_back(ExampleMachine("chip", {{"f32", 439e9}}, {{"DRAM", 38e9}}, 18));
  Roof one = fit.machines[0].roofs[0];
  one.key.threads = 1;
  one.peak_flop_per_s = Within(220e9, 0.01);
  fit.machines[0].roofs.push_back(one);
  const PlotModel alone = MakePlotModel(fit, {}, {}).model.value();
  ASSERT_EQ(alone.roofs.size(), 1u);
  EXPECT_EQ(alone.roofs[0].roof.key.threads, 2);
  std::vector<Judged> rows =
      JudgeExample(fit.machines[0], {{"gemm/a/f32/cpu", "f32", "f32", 9, 9e9}});
  rows[0].roof->threads = 1;
  const PlotModel used = MakePlotModel(fit, rows, {}).model.value();
  ASSERT_EQ(used.roofs.size(), 1u);
  EXPECT_EQ(used.roofs[0].roof.key.threads, 1);
}

TEST(MakePlotModelTest, ARefusedEnergyFitIsARemarkAndNoRoof) {
  Fit fit = ExampleFit();
  fit.machines[0].energies[0].coefficients.reset();
  fit.machines[0].energies[0].refused = "power stays within 1 % of 750 W";
  const PlotModel model = MakePlotModel(fit, {}, {}).model.value();
  EXPECT_FALSE(model.roofs[0].energy);
  EXPECT_EQ(RoofEfficiency(model.roofs[0], 1), std::nullopt);
  ASSERT_EQ(model.remarks.size(), 1u);
  EXPECT_NE(model.remarks[0].find("f32 L1"), std::string::npos);
  EXPECT_NE(model.remarks[0].find("750 W"), std::string::npos);
  EXPECT_TRUE(model.HasEnergy());
}

TEST(PlotModelJsonTest, AbsentStaysAbsent) {
  Fit fit = ExampleFit();
  fit.machines[0].roofs[0].sharpness.reset();
  std::vector<Judged> rows = ExampleJudged(fit);
  rows[0].joules.reset();
  const PlotModel model = MakePlotModel(fit, rows, {}).model.value();
  const auto json = nlohmann::json::parse(PlotModelJson(model));
  EXPECT_FALSE(json["roofs"][0].contains("sharpness"));
  EXPECT_TRUE(json["roofs"][1].contains("sharpness_interval"));
  const auto field = [&](const nlohmann::json& point, const std::string& name) {
    const auto& fields = json["fields"];
    const auto at = std::find(fields.begin(), fields.end(), name) - fields.begin();
    return point.at(static_cast<size_t>(at));
  };
  EXPECT_TRUE(field(json["points"][0], "joules").is_null());
  EXPECT_NEAR(field(json["points"][1], "flop_per_s").get<double>(), 31.93e9, 1e6);
  EXPECT_EQ(field(json["points"][1], "roof"), "bf16 DRAM");
  EXPECT_TRUE(field(json["unplaced"][0], "number").is_null());
  EXPECT_EQ(field(json["unplaced"][0], "remark"), "differs from its reference");
}

}  // namespace
}  // namespace wattline::roofline::plot_model_test
