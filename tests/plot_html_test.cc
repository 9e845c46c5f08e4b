// The page as text: one file, small, nothing in it that comes from elsewhere. plot_page_test.py
// clicks through it.
#include "roofline/html_plot.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/page_text.h"
#include "tests/plot_example.h"

namespace wattline::roofline::plot_html_test {
namespace {

PlotModel ManyPoints(int count) {
  const Fit fit = ExampleFit();
  const std::vector<ExampleRow> rows = ExampleManyRows(fit.machines[0], count);
  return MakePlotModel(fit, JudgeExample(fit.machines[0], rows), {}).model.value();
}

nlohmann::json ModelOf(const std::string& page) { return PageData(page, "model"); }

TEST(PlotPageTest, FiveHundredPointsWithJoulesStayUnder300Kb) {
  const std::string page = PlotPage(ManyPoints(500), PlotPageFiles());
  EXPECT_LT(page.size(), 300'000u);
  EXPECT_EQ(ModelOf(page)["points"].size(), 500u);
}

TEST(PlotPageTest, StyleAndScriptAreEmbeddedWhole) {
  const PageFiles& files = PlotPageFiles();
  EXPECT_NE(files.script.find("function prepareControls()"), std::string_view::npos);
  EXPECT_EQ(files.script.substr(files.script.size() - 6), "})();\n");
  EXPECT_EQ(files.script.find("</script"), std::string_view::npos);
  EXPECT_EQ(files.style.find("</style"), std::string_view::npos);
}

TEST(PlotPageTest, NothingComesFromElsewhere) {
  std::string page = PlotPage(ExampleModel(true), PlotPageFiles());
  const std::string name_space = "http://www.w3.org/2000/svg";
  for (size_t at; (at = page.find(name_space)) != std::string::npos;) {
    page.erase(at, name_space.size());
  }
  for (const char* part : {"http:", "https:", "src=", "@import", "<link", "<iframe"}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
}

TEST(PlotPageTest, NamesFromFilesEndNoScript) {
  Fit fit = ExampleFit();
  std::vector<Judged> rows = ExampleJudged(fit);
  const std::string evil = "</script><script>alert(1)</script><!--";
  fit.machines[0].chip = evil;
  for (Judged& row : rows) row.chip = row.row = row.fixture = row.format = row.bound = evil;
  const std::vector<std::string> sources = {evil};
  const std::string page =
      PlotPage(MakePlotModel(fit, rows, sources, {.title = evil}).model.value(), PlotPageFiles());
  EXPECT_EQ(Count(page, "<script"), 2u);
  EXPECT_EQ(Count(page, "</script"), 2u);
  EXPECT_EQ(Count(page, "<!--"), 0u);
  EXPECT_EQ(ModelOf(page)["chips"][0], evil);
}

TEST(PlotPageTest, ASecondPictureIsThereWhereJoulesAre) {
  EXPECT_EQ(Count(PlotPage(ExampleModel(), PlotPageFiles()), "class=\"picture\""), 2u);
  Fit fit = ExampleFit();
  fit.machines[0].energies.clear();
  const PlotModel plain = MakePlotModel(fit, {}, {}).model.value();
  EXPECT_EQ(Count(PlotPage(plain, PlotPageFiles()), "class=\"picture\""), 1u);
}

TEST(PlotPageTest, EnergyFirstShowsThatPicture) {
  const std::string page =
      PlotPage(ExampleModel(), PlotPageFiles(), Theme::kAuto, /*energy_first=*/true);
  EXPECT_NE(page.find("data-axis=\"time\" hidden"), std::string::npos);
  EXPECT_NE(page.find("data-axis=\"energy\">"), std::string::npos);
}

TEST(PlotPageTest, IdsOfTheTwoPicturesDiffer) {
  const std::string page = PlotPage(ExampleModel(true), PlotPageFiles());
  for (const char* id : {"id=\"time-frame\"", "id=\"energy-frame\"", "id=\"time-half0-2\"",
                         "id=\"energy-half0-2\""}) {
    EXPECT_EQ(Count(page, id), 1u) << id;
  }
}

TEST(PlotPageTest, ForcedThemesHaveNoMediaQueryOfColours) {
  EXPECT_NE(PlotPage(ExampleModel(), PlotPageFiles()).find("prefers-color-scheme"),
            std::string::npos);
  for (const Theme theme : {Theme::kLight, Theme::kDark}) {
    const std::string page = PlotPage(ExampleModel(), PlotPageFiles(), theme);
    EXPECT_EQ(page.find("prefers-color-scheme"), std::string::npos);
  }
}

}  // namespace
}  // namespace wattline::roofline::plot_html_test
