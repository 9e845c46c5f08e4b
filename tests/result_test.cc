// The reader of results files: what it takes from a real one, and what it says of a broken one.
#include "roofline/result.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace wattline::roofline::result_test {
namespace {

std::string DataPath(const std::string& name) {
  return std::string(WATTLINE_SOURCE_DIR "/tests/data/") + name;
}

std::string RealText() {
  std::ifstream file(DataPath("decode_emerald_rapids_vm.json"));
  return (std::ostringstream() << file.rdbuf()).str();
}

TEST(Address, HasFixtureSubjectFormatCasesAndBackend) {
  const auto a = ParseAddress("attention/single_query/f16/heads:32/kv_heads:8/ctx:8192/cpu");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->fixture, "attention");
  EXPECT_EQ(a->subject, "single_query");
  EXPECT_EQ(a->format, "f16");
  EXPECT_EQ(a->backend, "cpu");
  EXPECT_EQ(a->Case("kv_heads"), "8");
  EXPECT_EQ(a->CaseNumber("ctx"), 8192);
  EXPECT_EQ(a->Case("batch"), "");
  EXPECT_FALSE(a->CaseNumber("batch"));
}

TEST(Address, DropsWhatGoogleBenchmarkAdds) {
  const auto a = ParseAddress("gemm/8x8x8/f32/cpu/min_time:0.500/repeats:3/real_time");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->backend, "cpu");
  EXPECT_TRUE(a->cases.empty());
}

TEST(Address, IsAbsentForForeignNames) {
  for (const char* name : {"BM_sgemm", "BM_sgemm/512", "a//c/d", "", "/", "gemm/8/f32/:1/cpu",
                           "gemm/8/f32/threads:2"}) {
    EXPECT_FALSE(ParseAddress(name)) << name;
  }
}

TEST(Results, OfARealFileHaveMachineRowsAndCounters) {
  const ReadResult read = ReadResults(DataPath("decode_emerald_rapids_vm.json"));
  ASSERT_TRUE(read.results) << read.error;
  const Results& r = *read.results;
  EXPECT_EQ(r.machine.chip_slug, "intel-xeon-processor-f6m207");
  EXPECT_EQ(r.machine.threads, 2);
  EXPECT_EQ(r.machine.memory_byte, 25276510208.0);
  EXPECT_EQ(r.machine.caches.size(), 3u);
  EXPECT_NEAR(r.machine.ceilings.at("read"), 38493438021.30475, 1);
  EXPECT_NEAR(r.machine.ceilings.at("int8"), 1821226684566.5845, 1);
  EXPECT_TRUE(r.machine.meters.empty());
  EXPECT_FALSE(r.machine.idle_watts);
  ASSERT_EQ(r.rows.size(), 12u);
  const Row& row = r.rows[1];
  EXPECT_EQ(row.name, "decode/llama-3.2-1b/bf16/ctx:0/cpu");
  EXPECT_NEAR(row.time_s, 9.943028215, 1e-9);
  EXPECT_NEAR(*row.BytePerS(), 31.847506123738338e9, 1);
  EXPECT_NEAR(*row.Intensity(), 1.00244, 1e-5);
  EXPECT_NEAR(*row.Counter("tok/s"), 12.873325987222827, 1e-12);
  // Google Benchmark's own numbers are no counters.
  EXPECT_FALSE(row.Counter("iterations"));
  EXPECT_FALSE(row.Counter("real_time"));
}

TEST(Results, TellTimeInSecondsWhateverTheUnit) {
  for (const auto& [unit, want] :
       {std::pair{"ns", 3e-9}, std::pair{"us", 3e-6}, std::pair{"ms", 3e-3}, std::pair{"s", 3.0}}) {
    const std::string text =
        std::string(R"({"benchmarks":[{"name":"a","real_time":3,"time_unit":")") + unit + "\"}]}";
    const ReadResult read = ParseResults(text, "x.json");
    ASSERT_TRUE(read.results) << read.error;
    EXPECT_DOUBLE_EQ(read.results->rows[0].time_s, want);
  }
}

TEST(Results, KeepErrorsSkipsAndAggregatesApart) {
  const ReadResult read = ParseResults(R"({"benchmarks":[
    {"name":"a","error_occurred":true,"error_message":"does not fit","real_time":0},
    {"name":"b","skipped":true,"skip_message":"no avx512"},
    {"name":"c_mean","run_name":"c","run_type":"aggregate","aggregate_name":"mean","real_time":2,"time_unit":"s"}]})",
                                       "x.json");
  ASSERT_TRUE(read.results) << read.error;
  EXPECT_EQ(read.results->rows[0].error, "does not fit");
  EXPECT_EQ(read.results->rows[1].error, "no avx512");
  EXPECT_EQ(read.results->rows[2].name, "c");
  EXPECT_EQ(read.results->rows[2].aggregate, "mean");
  ASSERT_EQ(read.results->remarks.size(), 1u);
  EXPECT_NE(read.results->remarks[0].find("2 of 3 rows"), std::string::npos);
}

TEST(Results, TellWhoWroteThem) {
  const auto read = [](const char* text) { return *ParseResults(text, "x.json").results; };
  EXPECT_EQ(read(R"({"context":{},"benchmarks":[]})").tool, "google benchmark");
  EXPECT_EQ(read(R"({"context":{"schema_version":1},"benchmarks":[]})").tool, "bench");
  const Results published = read(R"({"context":{"schema_version":1,"tool":"llama-bench",
    "published":true,"source":"discussion 4167"},"benchmarks":[{"name":"a","source":"table 2"}]})");
  EXPECT_EQ(published.tool, "llama-bench");
  EXPECT_TRUE(published.published);
  EXPECT_EQ(published.source, "discussion 4167");
  EXPECT_EQ(published.rows[0].source, "table 2");
  EXPECT_TRUE(published.rows[0].counters.empty());
}

TEST(Results, IdleWattsAreTheMedianOfTheRows) {
  const ReadResult read = ParseResults(
      R"({"benchmarks":[{"name":"a","idle_watts":10},{"name":"b","idle_watts":12},{"name":"c","idle_watts":50}]})",
      "x.json");
  EXPECT_EQ(read.results->machine.idle_watts, 12);
}

// Every prefix of a real file is either refused as truncated or, where it is no file of ours,
// refused for another reason; none is taken.
TEST(Results, OfEveryTruncatedFileAreRefused) {
  const std::string text = RealText();
  ASSERT_GT(text.size(), 10000u);
  for (size_t size = 0; size < text.size() - 2; size += 211) {
    const ReadResult read = ParseResults(text.substr(0, size), "cut.json");
    EXPECT_FALSE(read.results) << size;
    EXPECT_NE(read.error.find("cut.json"), std::string::npos);
    EXPECT_EQ(read.error.find('\n'), std::string::npos);
  }
  EXPECT_NE(ParseResults(text.substr(0, 5000), "cut.json").error.find("truncated"),
            std::string::npos);
}

TEST(Results, SayWhereAFileIsWrong) {
  const auto error = [](const char* text) { return ParseResults(text, "x.json").error; };
  EXPECT_EQ(error(""), "x.json is empty; expected JSON");
  EXPECT_NE(error("{\n \"benchmarks\": [NaN]}").find("line 2, column 17"), std::string::npos)
      << error("{\n \"benchmarks\": [NaN]}");
  EXPECT_NE(error("[]").find("is no results file"), std::string::npos);
  EXPECT_EQ(error(R"({"benchmarks":7})"), "x.json: the file.benchmarks is number, not a list");
  EXPECT_EQ(error(R"({"benchmarks":[{}]})"), "x.json: benchmarks[0].name is missing");
  EXPECT_EQ(error(R"({"benchmarks":[3]})"), "x.json: benchmarks[0] is number, not an object");
  EXPECT_EQ(error(R"({"benchmarks":[{"name":"a","real_time":"x"}]})"),
            "x.json: benchmarks[0].real_time is string, not a number");
  EXPECT_EQ(error(R"({"benchmarks":[{"name":"a","real_time":1,"time_unit":"h"}]})"),
            "x.json: benchmarks[0].time_unit is 'h'");
  EXPECT_EQ(error(R"({"context":{"meters":[4]},"benchmarks":[]})"),
            "x.json: context.meters[0] is number, not an object");
  EXPECT_NE(ReadResults("/nowhere/x.json").error.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace wattline::roofline::result_test
