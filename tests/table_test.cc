// The report's shapes: text table, Markdown, CSV, HTML.
#include "benchmarks/table.h"

#include <gtest/gtest.h>

namespace wattline::benchmarks::table_test {
namespace {

Json DecodeRow() {
  return {{"name", "decode/llama-3.2-1b/q4_0/ctx:512/cpu"},
          {"iterations", 1},
          {"real_time", 2.5e9},
          {"time_unit", "ns"},
          {"tok/s", 51.234},
          {"GB/s", 38.71},
          {"MBU", 0.8123},
          {"TFLOPS", 0.1281},
          {"J/token", 0.5},
          {"peak_GB", 0.7045},
          {"ground_GB/s", 47.66},
          {"label", "unsteady"}};
}

Json ErrorRow() {
  return {{"name", "decode/llama-3-8b/bf16/ctx:0/cpu"},
          {"error_occurred", true},
          {"error_message", "skipped: needs 16.1 GB"},
          {"real_time", 0.0},
          {"time_unit", "ns"}};
}

Json Document() {
  return {{"context", {{"chip", "A <chip>"}}}, {"benchmarks", {DecodeRow(), ErrorRow()}}};
}

TEST(TableTest, ATextTableHasItsHeadOnceAndItsColumnsAligned) {
  TextTable table(false, {{"decode", 36}});
  const std::string first = table.Add(DecodeRow());
  EXPECT_EQ(first + table.Add(ErrorRow()),
            "decode                                  tok/s     GB/s      MBU   TFLOPS      MFU  "
            "TTFT ms  peak GB   ground\n" +
                std::string(108, '-') + "\n" +
                "decode/llama-3.2-1b/q4_0/ctx:512/cpu    51.23    38.71    81.2%   0.1281        - "
                "       -   0.7045    47.66  unsteady\n"
                "decode/llama-3-8b/bf16/ctx:0/cpu      skipped: needs 16.1 GB\n");
}

TEST(TableTest, ColumnsOfEnergyNeedAMeter) {
  TextTable with(true, {});
  EXPECT_NE(with.Add(DecodeRow()).find("J/token"), std::string::npos);
  TextTable without(false, {});
  EXPECT_EQ(without.Add(DecodeRow()).find("J/token"), std::string::npos);
}

TEST(TableTest, ASweepsRowShowsIntensityAndRates) {
  Json row = {{"name", "ceiling/intensity/bf16/kb:524288/flop_per_byte:0.0625/threads:2/cpu"},
              {"iterations", 70},
              {"real_time", 4e6},
              {"time_unit", "ns"},
              {"TFLOPS", 0.00060764},
              {"GB/s", 9.721},
              {"AI", 0.0625},
              {"clock_GHz", 3.046},
              {"joules", 0.1234},
              {"watts", 30.5},
              {"doubling", 2.0},
              {"spread", 0.001},
              {"label", "avx512 x"}};
  for (int footprint = 8192; footprint < 1 << 29; footprint *= 2) {
    row["GB/s@byte:" + std::to_string(footprint)] = 10.0;
  }
  TextTable table(true, {{"ceiling", row["name"].get<std::string>().size()}});
  const std::string text = table.Add(row);
  EXPECT_NE(text.find("  FLOP/B   TFLOPS     GB/s      GHz   joules    watts\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find(" 0.06250 6.08e-04    9.721    3.046   0.1234    30.50  avx512 x\n"),
            std::string::npos)
      << text;
}

TEST(TableTest, NumbersHaveFourDigits) {
  EXPECT_EQ(ShortNumber(1234.5), "1234");
  EXPECT_EQ(ShortNumber(56.784), "56.78");
  EXPECT_EQ(ShortNumber(0.0012344), "0.001234");
  EXPECT_EQ(ShortNumber(0.00060764), "6.08e-04");  // as wide as a cell
  EXPECT_EQ(ShortNumber(0), "0.000");
  EXPECT_EQ(ShortNumber(123456), "123456");
}

TEST(TableTest, TimesHaveTheUnitThatSuitsThem) {
  const Column time{.header = "time", .key = "time", .time = true};
  Json row = DecodeRow();
  EXPECT_EQ(Cell(row, time), "2.500 s");
  row["time_unit"] = "us";
  row["real_time"] = 1500.0;
  EXPECT_EQ(Cell(row, time), "1.500 ms");
}

TEST(TableTest, AnErrorOfACheckIsCalledOne) {
  Json row = ErrorRow();
  row["error_message"] = "C[0, 0] is 1, reference 2";
  EXPECT_EQ(Remark(row), "ERROR: C[0, 0] is 1, reference 2");
  EXPECT_EQ(Cell(row, {.header = "GB/s", .key = "GB/s"}), "-");
}

TEST(TableTest, CsvHasEveryKeyOfEveryRowAndQuotesWhatNeedsIt) {
  const std::string csv = CsvText(Document());
  EXPECT_EQ(csv.substr(0, csv.find('\n')),
            "name,iterations,real_time,cpu_time,time_unit,tok/s,GB/s,MBU,TFLOPS,J/token,peak_GB,"
            "ground_GB/s,label,error_occurred,error_message");
  Json document = Document();
  document["benchmarks"][0]["label"] = "a,\"b\"";
  EXPECT_NE(CsvText(document).find("\"a,\"\"b\"\"\""), std::string::npos);
}

TEST(TableTest, MarkdownHasOneCellForEachColumn) {
  const std::string text = MarkdownText(Document(), false);
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "| decode | tok/s | GB/s | MBU | TFLOPS | MFU | TTFT ms | peak GB | ground | |");
  EXPECT_NE(text.find("| `decode/llama-3-8b/bf16/ctx:0/cpu` |"), std::string::npos);
}

TEST(TableTest, HtmlEscapesWhatItShows) {
  const std::string page = HtmlText(Document(), false);
  EXPECT_NE(page.find("A &lt;chip&gt;"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
}

}  // namespace
}  // namespace wattline::benchmarks::table_test
