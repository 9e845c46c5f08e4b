// A comparison's page as text: one file, small, nothing in it that comes from elsewhere.
// compare_page_test.py clicks through it.
#include "roofline/compare_page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/page/compare_example.h"
#include "tests/page_text.h"

namespace wattline::roofline::compare_page_test {
namespace {

nlohmann::json DataOf(const std::string& page) { return PageData(page, "comparison"); }

TEST(ComparePageTest, TwoHundredRowsInSixColumnsStayUnder400Kb) {
  const Comparison many = ManyRowsComparison(200);
  ASSERT_EQ(many.rows.size(), 200u);
  ASSERT_EQ(many.columns.size(), 6u);
  const std::string page = ComparePage(many);
  EXPECT_LT(page.size(), 400'000u);
  EXPECT_EQ(DataOf(page)["rows"].size(), 200u);
}

TEST(ComparePageTest, EveryRowColumnAndCellIsThere) {
  const Comparison all = ExampleComparison();
  const nlohmann::json data = DataOf(ComparePage(all));
  ASSERT_EQ(data["columns"].size(), all.columns.size());
  for (size_t i = 0; i < all.columns.size(); ++i) {
    EXPECT_EQ(data["columns"][i]["label"], all.columns[i].label);
    EXPECT_EQ(data["columns"][i]["published"], all.columns[i].published);
  }
  ASSERT_EQ(data["rows"].size(), all.rows.size());
  for (size_t i = 0; i < all.rows.size(); ++i) {
    const CompareRow& row = all.rows[i];
    const nlohmann::json& json = data["rows"][i];
    EXPECT_EQ(json[0], row.key);
    EXPECT_EQ(data["metrics"][json[3].get<size_t>()]["counter"], row.metric.counter);
    ASSERT_EQ(json[4].size(), row.cells.size());
    for (size_t c = 0; c < row.cells.size(); ++c) {
      const nlohmann::json& cell = json[4][c];
      ASSERT_EQ(cell.is_null(), !row.cells[c]) << row.key;
      if (!row.cells[c]) continue;
      const double median = row.cells[c]->estimate.median;
      EXPECT_NEAR(cell[0].get<double>(), median, std::abs(median) * 1e-5);
      EXPECT_EQ(cell[3], row.cells[c]->estimate.count);
      ASSERT_EQ(cell.size() > 7, row.verdicts[c].has_value()) << row.key;
      if (!row.verdicts[c]) continue;
      EXPECT_EQ(cell[7], static_cast<int>(row.verdicts[c]->verdict));
      EXPECT_EQ(data["texts"][cell[12].get<size_t>()], row.verdicts[c]->why);
    }
  }
  EXPECT_EQ(data["missing"].size(), all.missing.size());
  EXPECT_GT(all.missing.size(), 0u);
  EXPECT_EQ(data["differences"].size(), all.differences.size());
  EXPECT_GT(all.differences.size(), 0u);
  EXPECT_EQ(data["summaries"].size(), all.summaries.size());
  EXPECT_EQ(data["warnings"], all.warnings);
}

TEST(ComparePageTest, AbsentValuesAreNullAndNeverZero) {
  Comparison one;
  one.columns = {{.label = "A", .chip = "", .files = {}, .tool = ""}};
  CompareRow row;
  row.key = "k";
  row.metric = MetricOf("tok/s");
  row.cells.resize(1);
  row.cells[0].emplace();
  row.cells[0]->estimate = {.median = 3, .low = {}, .high = {}, .count = 1};
  row.verdicts.resize(1);
  one.rows = {row};
  const nlohmann::json data = DataOf(ComparePage(one));
  EXPECT_EQ(data["rows"][0][4][0].dump(), "[3.0,null,null,1]");
}

TEST(ComparePageTest, NamesFromFilesEndNoScript) {
  const std::string evil = "</script><script>alert(1)</script><!--";
  const std::string page = ComparePage(EvilComparison(evil));
  EXPECT_EQ(Count(page, "<script"), 2u);
  EXPECT_EQ(Count(page, "</script"), 2u);
  EXPECT_EQ(Count(page, "<!--"), 0u);
  const nlohmann::json data = DataOf(page);
  EXPECT_EQ(data["columns"][0]["tool"], evil);
  EXPECT_EQ(data["warnings"].back(), evil);
}

TEST(ComparePageTest, NamesThatAreNotUtf8AreReplaced) {
  Comparison all = ExampleComparison();
  all.columns[0].label = "chip \xff";
  all.rows[0].key = "\xc3(";
  const nlohmann::json data = DataOf(ComparePage(all));
  EXPECT_EQ(data["columns"][0]["label"], "chip \xef\xbf\xbd");
}

TEST(ComparePageTest, AComparisonWithoutRowsIsAPageToo) {
  Comparison none;
  none.columns = {{.label = "A", .chip = "", .files = {}, .tool = ""}};
  EXPECT_EQ(DataOf(ComparePage(none))["rows"].dump(), "[]");
}

TEST(ComparePageTest, StyleAndScriptAreEmbeddedWhole) {
  const PageFiles& files = ComparePageFiles();
  EXPECT_EQ(files.script.substr(files.script.size() - 6), "})();\n");
  EXPECT_EQ(files.script.find("</script"), std::string_view::npos);
  EXPECT_EQ(files.style.find("</style"), std::string_view::npos);
  EXPECT_NE(files.style.find("@media print"), std::string_view::npos);
}

TEST(ComparePageTest, NothingComesFromElsewhere) {
  std::string page = ComparePage(ExampleComparison());
  const std::string name_space = "http://www.w3.org/2000/svg";
  for (size_t at; (at = page.find(name_space)) != std::string::npos;) {
    page.erase(at, name_space.size());
  }
  for (const char* part : {"http:", "https:", "src=", "@import", "<link", "<iframe", "fetch("}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
}

TEST(ComparePageTest, ForcedThemesHaveNoMediaQueryOfColours) {
  const Comparison all = ExampleComparison();
  EXPECT_NE(ComparePage(all).find("prefers-color-scheme"), std::string::npos);
  for (const Theme theme : {Theme::kLight, Theme::kDark}) {
    EXPECT_EQ(ComparePage(all, theme).find("prefers-color-scheme"), std::string::npos);
  }
}

}  // namespace
}  // namespace wattline::roofline::compare_page_test
