// Whatever a file holds, it gives rows or one sentence.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "roofline/json_fields.h"
#include "tests/read_foreign.h"

namespace wattline::roofline::readers_hostile_test {
namespace {

std::string TextOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return (std::ostringstream() << file.rdbuf()).str();
}

// Every file of other programs, and one of ours.
std::vector<std::string> Samples() {
  std::vector<std::string> samples = {
      TextOf(WATTLINE_SOURCE_DIR "/tests/data/decode_emerald_rapids_vm.json")};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(ForeignPath(""))) {
    if (entry.is_regular_file() && entry.path().filename() != "README.md") {
      samples.push_back(TextOf(entry.path()));
    }
  }
  return samples;
}

void ExpectSound(const ReadMany& read) {
  EXPECT_EQ(read.results.empty(), !read.error.empty());
  EXPECT_LT(read.error.size(), 1000u);
  EXPECT_EQ(read.error.find('\n'), std::string::npos) << read.error;
  for (const Results& results : read.results) {
    for (const Row& row : results.rows) {
      for (const auto& [counter, value] : row.counters) EXPECT_TRUE(std::isfinite(value));
      EXPECT_TRUE(std::isfinite(row.time_s));
    }
  }
}

TEST(HostileFiles, EverySampleIsReadByTheReaderOfItsProgram) {
  EXPECT_EQ(AllReaders().size(), 6u);
  const std::vector<std::string> samples = Samples();
  EXPECT_GE(samples.size(), 16u);
  size_t refused = 0;
  for (const std::string& sample : samples) refused += !ParseAny(sample, "x").error.empty();
  EXPECT_EQ(refused, 1u);  // the one with NaN
}

TEST(HostileFiles, TruncatedAnywhereGiveRowsOrASentence) {
  for (const std::string& sample : Samples()) {
    const size_t step = std::max<size_t>(1, sample.size() / 150);
    for (size_t size = 0; size < sample.size(); size += step) {
      ExpectSound(ParseAny(sample.substr(0, size), "x"));
    }
  }
}

TEST(HostileFiles, WithBytesChangedGiveRowsOrASentence) {
  std::mt19937 engine(1);
  for (const std::string& sample : Samples()) {
    for (int trial = 0; trial < 60; ++trial) {
      std::string text = sample;
      for (int i = 0; i < 4; ++i) {
        text[engine() % text.size()] = static_cast<char>(engine() % 256);
      }
      ExpectSound(ParseAny(text, "x"));
    }
  }
}

TEST(HostileFiles, NumbersBeyondRangeAreNoCounts) {
  const ReadMany read = ParseAny(
      R"({"context": {"threads": 1e300, "cache_levels": [{"level": -1e20, "byte": 1}]},
          "benchmarks": [{"name": "a", "repetition_index": 1e99, "real_time": 1}]})",
      "x");
  ASSERT_EQ(read.error, "");
  EXPECT_FALSE(read.results[0].machine.threads);
  EXPECT_EQ(read.results[0].rows[0].repetition, 0);
  EXPECT_NE(ParseAny(R"({"benchmarks": [{"name": "a", "real_time": 1e999}]})", "x").error, "");
}

TEST(HostileFiles, DeepNestingIsRefused) {
  const std::string deep = R"({"benchmarks": [], "context": {"a": )" + std::string(200000, '[');
  EXPECT_NE(ParseAny(deep, "x").error.find("more than 100 lists and objects in each other"),
            std::string::npos);
  // Brackets in a text nest nothing.
  const std::string text = std::string(500, '[') + "\\\"" + std::string(500, '{');
  EXPECT_EQ(ParseAny(R"({"benchmarks": [], "context": {"note": ")" + text + "\"}}", "x").error, "");
}

TEST(HostileFiles, WhatIsOfNoKnownProgramIsToldWhatCanBeRead) {
  for (const std::string text : {"hello", "[]", "{}",
                                 "\x7f"
                                 "ELF\x02\x01",
                                 "[1,2,3]", "null"}) {
    const std::string error = ParseAny(text, "x").error;
    EXPECT_NE(error.find("llama-bench -o json"), std::string::npos) << error;
    EXPECT_NE(error.find("clpeak"), std::string::npos);
  }
  EXPECT_NE(ParseAny("", "x").error.find("is empty"), std::string::npos);
  EXPECT_NE(ReadAny("/nonexistent/file").error.find("cannot be read"), std::string::npos);
  EXPECT_NE(ReadAny(WATTLINE_SOURCE_DIR).error.find("cannot be read"), std::string::npos);
}

TEST(HostileFiles, BinaryAndOtherEncodingsAreTold) {
  const std::string binary(
      "\x7f"
      "ELF\0 <clpeak",
      14);
  EXPECT_NE(ParseAny(binary, "x").error.find("is binary, or a text in UTF-16"), std::string::npos);
  EXPECT_EQ(ParseAny("\xEF\xBB\xBF{\"benchmarks\": []}", "x").error, "");
}

// Each would take minutes if it were looked at once for every other part of the file.
TEST(HostileFiles, OfManyMegabytesTakeNoLongerThanTheirLength) {
  const std::string pairs(4'000'000, '=');
  ExpectSound(
      ParseAny("Timing with prompt_tokens=1\nTrial prompt_tps=1, generation_tps" + pairs, "x"));
  std::string tests, devices = "<clpeak format_version=\"2\">";
  for (int i = 0; i < 20000; ++i) {
    tests += "{\"build_commit\": \"a\", \"n_prompt\": 1, \"n_gen\": 0, \"avg_ts\": 1, \"k" +
             std::to_string(i) + "\": 1}\n";
    devices += "<run device=\"" + std::to_string(i) + "\"><metric name=\"m\">1</metric></run>";
  }
  EXPECT_EQ(OnlyResults(ParseAny(tests, "x")).rows.size(), 20000u);
  EXPECT_NE(ParseAny(devices + "</clpeak>", "x").error.find("more than 100 devices"),
            std::string::npos);
}

TEST(HostileFiles, HundredMegabytesAreRefusedBeforeTheirEnd) {
  const std::string path = testing::TempDir() + "wattline_large.json";
  std::filesystem::remove(path);
  { std::ofstream(path) << R"({"benchmarks": [)"; }
  std::filesystem::resize_file(path, 100'000'000);  // sparse: costs no disk
  EXPECT_NE(ReadAny(path).error.find("more than 64 MB"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_NE(ReadAny("/dev/zero").error.find("more than 64 MB"), std::string::npos);
}

TEST(GoogleBenchmarkReader, TakesForeignNamesAndOurs) {
  const Results r = OnlyResults(ParseAny(
      R"({"context": {"num_cpus": 2}, "benchmarks": [
          {"name": "BM_sgemm/512", "run_type": "iteration", "real_time": 2, "time_unit": "ms",
           "items_per_second": 5e9}]})",
      "x.json"));
  EXPECT_EQ(r.tool, "google benchmark");
  const Row row = RowOf(r, "BM_sgemm/512");
  EXPECT_FALSE(row.address);
  EXPECT_DOUBLE_EQ(row.time_s, 0.002);
  EXPECT_EQ(row.Counter("items_per_second"), 5e9);
  const Results ours =
      OnlyResults(ReadAny(WATTLINE_SOURCE_DIR "/tests/data/decode_emerald_rapids_vm.json"));
  EXPECT_EQ(ours.tool, "bench");
  EXPECT_EQ(ours.rows.size(), 12u);
  EXPECT_FALSE(Remarks(ours, "more than once"));
}

TEST(GoogleBenchmarkReader, CountsOneNameTwiceAsRunsAndSaysSo) {
  const Results r = OnlyResults(ParseAny(
      R"({"benchmarks": [{"name": "a", "real_time": 1}, {"name": "b", "real_time": 1},
                         {"name": "a", "real_time": 2}]})",
      "x"));
  EXPECT_DOUBLE_EQ(RowOf(r, "a", 1).time_s, 2e-9);
  EXPECT_TRUE(Remarks(r, "1 name stands more than once as the same repetition, 'a' first"));
}

}  // namespace
}  // namespace wattline::roofline::readers_hostile_test
