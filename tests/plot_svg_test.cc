// The picture as SVG: compared with files that were looked at, and held against its promises.
//
// WATTLINE_WRITE_GOLDEN=1 ctest --preset release -R plot_svg writes tests/data/golden/*.svg anew;
// look at them before they are committed (rsvg-convert FILE -o FILE.png).
#include "roofline/svg_plot.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>

#include "roofline/plot_labels.h"
#include "roofline/plot_text.h"
#include "tests/plot_example.h"

namespace wattline::roofline::plot_svg_test {
namespace {

void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = std::string(WATTLINE_SOURCE_DIR) + "/tests/data/golden/" + name;
  if (std::getenv("WATTLINE_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path << " is missing; the head of this file tells how to write it";
  const std::string golden(std::istreambuf_iterator<char>(file), {});
  // The whole text in a message would be of no use: the first line that differs is.
  size_t line = 1;
  for (size_t i = 0; i < std::min(golden.size(), text.size()) && golden[i] == text[i]; ++i) {
    line += golden[i] == '\n';
  }
  EXPECT_TRUE(golden == text) << path << ":" << line << " differs";
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(PlotSvgTest, OneChipIsDrawnAsTheGoldenFile) {
  ExpectGolden("roofline_one_chip.svg", PlotSvg(ExampleModel()));
}

TEST(PlotSvgTest, TwoChipsWithEnergyAreDrawnAsTheGoldenFile) {
  ExpectGolden(
      "roofline_two_chips_energy_dark.svg",
      PlotSvg(ExampleModel(true, {.levels = {"DRAM"}}), {.energy = true, .theme = Theme::kDark}));
}

TEST(PlotSvgTest, EveryPointIsInTheLegendWithItsNumber) {
  const PlotModel model = ExampleModel(true);
  for (const bool energy : {false, true}) {
    const std::string svg = PlotSvg(model, {.energy = energy});
    ASSERT_EQ(model.points.size(), 42u);
    for (const PlotPoint& point : model.points) {
      EXPECT_GE(Count(svg, ">" + point.judged.row + "</text>"), 1u) << point.judged.row;
      EXPECT_GE(Count(svg, fmt::format(">{}</text>", point.number)), 1u) << point.number;
    }
  }
}

TEST(PlotSvgTest, WhatIsNotDrawnIsTold) {
  const std::string svg = PlotSvg(ExampleModel());
  EXPECT_NE(svg.find("not drawn: gemm/4096x4096x4096/bf16/blis: differs from its reference"),
            std::string::npos);
}

TEST(PlotSvgTest, FailedSweepPointsAreHollow) {
  const std::string svg = PlotSvg(ExampleModel());
  const size_t levels_that_fail = 3;                               // one of each format
  EXPECT_EQ(Count(svg, "class=\"sweep h"), levels_that_fail + 1);  // and the key
}

TEST(PlotSvgTest, WhatTheEnergyFitDroppedIsHollowInItsPictureAlone) {
  Fit fit = ExampleFit();
  for (Roof& roof : fit.machines[0].roofs) {
    for (IntensityPoint& point : roof.points) point.not_used.clear();
  }
  for (EnergyFit& energy : fit.machines[0].energies) {
    for (IntensityPoint& point : energy.points) point.not_used.clear();
  }
  EnergyFit& energy = fit.machines[0].energies[0];
  energy.dropped = {energy.points[3].row + ": power cap: 300 W"};
  const PlotModel model = MakePlotModel(fit, {}, {}).model.value();
  EXPECT_EQ(Count(PlotSvg(model), "class=\"sweep h"), 0u);
  EXPECT_EQ(Count(PlotSvg(model, {.energy = true}), "class=\"sweep h"), 2u);  // and the key
}

TEST(PlotSvgTest, PointsOfARefusedEnergyFitAreShownWithoutARoof) {
  Fit fit = ExampleFit();
  fit.machines[0].roofs.resize(1);
  fit.machines[0].energies.resize(1);
  EnergyFit& energy = fit.machines[0].energies[0];
  energy.points = fit.machines[0].roofs[0].points;
  energy.coefficients.reset();
  energy.refused = "the power is the same at every intensity";
  const PlotModel model = MakePlotModel(fit, {}, {}).model.value();
  EXPECT_TRUE(model.HasEnergy());
  const std::string svg = PlotSvg(model, {.energy = true});
  EXPECT_EQ(Count(svg, "<g class=\"sweep f0\">"), 1u);
  EXPECT_EQ(Count(svg, "clip-path"), 0u);
  EXPECT_EQ(Count(svg, "class=\"ridge"), 0u);
  EXPECT_NE(svg.find("0 roofs, 0 points"), std::string::npos);
  EXPECT_NE(svg.find("the power is the same at every intensity"), std::string::npos);
}

TEST(PlotSvgTest, RoofsOfADeviceNameItInTheTitle) {
  Fit fit = ExampleFit();
  for (Roof& roof : fit.machines[0].roofs) roof.key.backend = "cuda";
  const PlotModel model = MakePlotModel(fit, {}, {}).model.value();
  EXPECT_NE(PlotSvg(model).find("Roofline of Intel(R) Xeon(R) Processor (backend cuda)"),
            std::string::npos);
}

TEST(PlotSvgTest, SameModelSameText) {
  EXPECT_EQ(PlotSvg(ExampleModel(true)), PlotSvg(ExampleModel(true)));
}

TEST(PlotSvgTest, ForcedThemesAndPlainProgramsNeedNoMediaQuery) {
  const PlotModel model = ExampleModel();
  EXPECT_NE(PlotSvg(model, {.theme = Theme::kAuto}).find("prefers-color-scheme:dark"),
            std::string::npos);
  for (const Theme theme : {Theme::kLight, Theme::kDark}) {
    const std::string svg = PlotSvg(model, {.theme = theme});
    EXPECT_EQ(svg.find("@media"), std::string::npos);
    EXPECT_EQ(svg.find("var("), std::string::npos);
  }
  EXPECT_NE(PlotSvg(model, {.theme = Theme::kDark}).find(".bg{fill:#15181c}"), std::string::npos);
}

TEST(PlotSvgTest, NamesFromFilesAreText) {
  Fit fit = ExampleFit();
  std::vector<Judged> rows = ExampleJudged(fit);
  const std::string evil = "<script>alert(1)</script>\"&'";
  fit.machines[0].chip = evil;
  for (Judged& row : rows) {
    row.chip = evil;
    row.row = evil;
    row.fixture = evil;
    row.format = evil;
    row.bound = evil;
    row.remark = evil;
  }
  for (Roof& roof : fit.machines[0].roofs) roof.key.level += evil;
  const std::vector<std::string> sources = {evil + ".json"};
  const PlotModel model = MakePlotModel(fit, rows, sources).model.value();
  for (const bool energy : {false, true}) {
    const std::string svg = PlotSvg(model, {.energy = energy});
    EXPECT_EQ(svg.find("<script"), std::string::npos);
    EXPECT_EQ(svg.find("</script"), std::string::npos);
    EXPECT_NE(svg.find("&lt;script&gt;alert(1)"), std::string::npos);
  }
}

PlotModel RandomModel(int points, unsigned seed) {
  const Fit fit = ExampleFit();
  const std::vector<ExampleRow> rows = ExampleManyRows(fit.machines[0], points, seed);
  return MakePlotModel(fit, JudgeExample(fit.machines[0], rows), {}).model.value();
}

// Boxes of the numbers as they stand in the text, and the spots of the markers.
struct Drawn {
  std::vector<Box> numbers;
  std::vector<Spot> markers;
};
Drawn Parsed(const std::string& svg) {
  Drawn drawn;
  const std::regex number("class=\"halo num\" x=\"([0-9.]+)\" y=\"([0-9.]+)\">([^<]+)<");
  const std::regex marker("</title><circle [^>]*cx=\"([0-9.]+)\" cy=\"([0-9.]+)\"");
  for (std::sregex_iterator at(svg.begin(), svg.end(), number), end; at != end; ++at) {
    const double x = std::stod((*at)[1]);
    const double y = std::stod((*at)[2]);
    const double width = TextWidth((*at)[3].str(), 11);
    drawn.numbers.push_back({x - width / 2, y - 8, x + width / 2, y});  // digits have 8 px
  }
  for (std::sregex_iterator at(svg.begin(), svg.end(), marker), end; at != end; ++at) {
    drawn.markers.push_back({std::stod((*at)[1]), std::stod((*at)[2])});
  }
  return drawn;
}

TEST(PlotSvgTest, NumbersOfSixtyRandomPointsCoverNeitherEachOtherNorPoints) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const std::string svg = PlotSvg(RandomModel(60, seed));
    const Drawn drawn = Parsed(svg);
    ASSERT_EQ(drawn.markers.size(), 60u);
    ASSERT_GT(drawn.numbers.size(), 40u);  // numbers of points on one spot stand together
    EXPECT_EQ(svg.find("found no room"), std::string::npos) << "seed " << seed;
    for (size_t i = 0; i < drawn.numbers.size(); ++i) {
      for (const Spot& spot : drawn.markers) {
        EXPECT_GE(Distance(drawn.numbers[i], spot), 4.6) << "seed " << seed;
      }
      for (size_t j = 0; j < i; ++j) {
        EXPECT_FALSE(Overlap(drawn.numbers[i], drawn.numbers[j])) << "seed " << seed;
      }
    }
  }
}

TEST(PlotSvgTest, NumbersWithoutRoomAreCountedAndStayInTheLegend) {
  const PlotModel model = RandomModel(800, 1);
  const std::string svg = PlotSvg(model);
  EXPECT_NE(svg.find("found no room in the picture"), std::string::npos);
  for (const PlotPoint& point : model.points) {
    ASSERT_NE(svg.find(">" + point.judged.row + "<"), std::string::npos);
  }
}

TEST(PlotSvgTest, AFitWithoutSweepOrEnergyIsDrawnToo) {
  Fit fit = ExampleFit();
  for (Roof& roof : fit.machines[0].roofs) {
    roof.sharpness.reset();
    roof.points.clear();
  }
  fit.machines[0].energies.clear();
  const PlotModel model = MakePlotModel(fit, {}, {}).model.value();
  EXPECT_FALSE(model.HasEnergy());
  const std::string svg = PlotSvg(model);
  EXPECT_EQ(svg.find("class=\"straight"), std::string::npos);  // the roof itself is straight
  EXPECT_EQ(svg.find("sweep"), svg.find(".sweep") + 1);        // the rule alone
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

}  // namespace
}  // namespace wattline::roofline::plot_svg_test
