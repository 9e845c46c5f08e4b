// The program as a user runs it: one row, its results file, resuming it, and wrong usage.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "benchmarks/results.h"
#include "kernels/model/gguf_writer.h"
#include "tests/decoder_fixture.h"

namespace wattline::benchmarks::bench_program_test {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code = -1;
  std::string text;  // standard output and standard error
};

Outcome Bench(const std::string& arguments) {
  const std::string command = std::string(WATTLINE_BENCH) + " " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  Outcome outcome;
  std::array<char, 4096> piece;
  while (const size_t n = std::fread(piece.data(), 1, piece.size(), pipe)) {
    outcome.text.append(piece.data(), n);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
  return outcome;
}

constexpr const char* kOneRow =
    "--threads=1 --energy=off --benchmark_min_time=0.01 "
    "--benchmark_filter=dequant/4096x4096/q8_0/to:bf16 ";

TEST(BenchProgramTest, ARowGoesToTheFileAndAResumedRunKeepsIt) {
  const fs::path folder =
      fs::path(testing::TempDir()) / ("wattline_bench_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string file = (folder / "r.json").string();
  const Outcome first = Bench(kOneRow + ("--benchmark_out=" + file));
  EXPECT_EQ(first.code, 0) << first.text;
  EXPECT_NE(first.text.find("results: "), std::string::npos) << first.text;
  const LoadedResults loaded = LoadResults(file);
  ASSERT_EQ(loaded.error, "");
  const Json& context = loaded.document["context"];
  for (const char* key : {"date", "num_cpus", "library_build_type", "schema_version", "chip",
                          "threads", "compiler", "ceilings", "backends", "meters"}) {
    EXPECT_TRUE(context.contains(key)) << key;
  }
  EXPECT_FALSE(context.contains("host_name"));
  EXPECT_FALSE(context.contains("executable"));
  ASSERT_EQ(loaded.document["benchmarks"].size(), 1u);
  const Json row = loaded.document["benchmarks"][0];
  EXPECT_EQ(row["name"], "dequant/4096x4096/q8_0/to:bf16/data:cold/cpu");
  for (const char* key : {"TFLOPS", "GB/s", "AI", "ground_GB/s", "checked"}) {
    EXPECT_TRUE(row.contains(key)) << key;
  }

  const Outcome again = Bench(kOneRow + ("--output=csv --resume=" + file));
  EXPECT_EQ(again.code, 0) << again.text;
  EXPECT_EQ(LoadResults(file).document["benchmarks"][0], row);

  const Outcome other = Bench(kOneRow + ("--threads=2 --resume=" + file));
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.text.find("threads"), std::string::npos) << other.text;
  fs::remove_all(folder);
}

TEST(BenchProgramTest, ADecodeRowTellsWhereItsTimeGoes) {
  const fs::path folder =
      fs::path(testing::TempDir()) / ("wattline_parts_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string model = (folder / "small.gguf").string();
  // Wide enough that a step takes a millisecond.
  kernels::ModelShape shape = kernels::SmallShape();
  shape.model_dim = 1024;
  shape.ffn_dim = 2816;
  shape.head_dim = shape.rope_dim = 128;
  shape.context = 256;
  ASSERT_EQ(kernels::ModelGguf(*kernels::SmallModel(shape, "q8_0")).Write(model), "");
  const std::string file = (folder / "r.json").string();
  // No claim about this machine: a sum that is far off in each of five runs says that parts are
  // missing or run twice. Other work beside the test made 2.7 of one.
  Json row;
  for (int run = 0; run < 5; ++run) {
    const Outcome ran = Bench(
        "--energy=off --benchmark_min_time=0.05 --benchmark_filter=/ctx:0/cpu "
        "--model=" +
        model + " --benchmark_out=" + file);
    ASSERT_EQ(ran.code, 0) << ran.text;
    const LoadedResults loaded = LoadResults(file);
    ASSERT_EQ(loaded.error, "");
    ASSERT_EQ(loaded.document["benchmarks"].size(), 1u);
    row = loaded.document["benchmarks"][0];
    ASSERT_TRUE(row.contains("parts")) << row;
    if (row["parts"] > 0.5 && row["parts"] < 1.5) break;
  }
  EXPECT_GT(row["parts"], 0.5);
  EXPECT_LT(row["parts"], 1.5);
  for (const char* key : {"linear_share", "attention_share", "rest_share"}) {
    EXPECT_GT(row[key], 0.0) << key;
  }
  EXPECT_GE(row["threads"], 1.0);
  fs::remove_all(folder);
}

TEST(BenchProgramTest, WrongUsageEndsWithTwoAndUnreadableInputWithOne) {
  const std::pair<const char*, int> cases[] = {{"--bogus", 2},
                                               {"--isa=bogus", 2},
                                               {"--benchmark_bogus=1", 2},
                                               {"--model=/nonexistent.gguf", 1},
                                               {"--resume=/nonexistent.json", 1}};
  for (const auto& [arguments, code] : cases) {
    const Outcome outcome = Bench(arguments);
    EXPECT_EQ(outcome.code, code) << arguments;
    EXPECT_EQ(outcome.text.find('\n'), outcome.text.size() - 1) << outcome.text;
  }
}

TEST(BenchProgramTest, AFilterThatMatchesNothingIsAFailure) {
  const Outcome outcome = Bench("--benchmark_filter=no_such_row");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.text.find("no_such_row"), std::string::npos);
}

TEST(BenchProgramTest, ListingRunsNothing) {
  EXPECT_EQ(Bench("--help").code, 0);
  EXPECT_EQ(Bench("--list-backends").code, 0);
  const Outcome list = Bench("--benchmark_list_tests --benchmark_filter=decode");
  EXPECT_EQ(list.code, 0);
  EXPECT_EQ(std::count(list.text.begin(), list.text.end(), '\n'), 12) << list.text;
}

}  // namespace
}  // namespace wattline::benchmarks::bench_program_test
