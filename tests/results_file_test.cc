// The results file: valid JSON at any moment, whatever kills the process; loading; resuming.
#include "benchmarks/results.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "benchmarks/reporter.h"
#include "kernels/random.h"

namespace wattline::benchmarks::results_file_test {
namespace {

namespace fs = std::filesystem;

class ResultsFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("wattline_results_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string Text(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder_;
};

benchmark::BenchmarkReporter::Run OneRun(const std::string& name) {
  benchmark::BenchmarkReporter::Run run;
  run.run_name.function_name = name;
  run.real_accumulated_time = 2e-3;
  run.cpu_accumulated_time = 2e-3;
  run.family_index = 0;
  run.per_family_instance_index = 0;
  run.repetition_index = 0;
  run.repetitions = 1;
  run.counters["TFLOPS"] = 0.5;
  return run;
}

// Reports rows until it is killed.
[[noreturn]] void ReportForever(const std::string& path, const std::string& table) {
  Progress progress(nullptr, 1);
  ReportOptions options;
  options.results_file = path;
  options.output_file = table;
  Reporter reporter(std::move(options), progress);
  reporter.ReportContext(benchmark::BenchmarkReporter::Context());
  for (int i = 0;; ++i) reporter.ReportRuns({OneRun("gemm/" + std::to_string(i) + "/f32/cpu")});
}

TEST_F(ResultsFileTest, IsValidJsonAfterAKillAtAnyMoment) {
  kernels::Random random(3);
  for (int round = 0; round < 20; ++round) {
    const std::string path = Path(std::to_string(round) + ".json");
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) ReportForever(path, Path("table.txt"));
    while (!fs::exists(path)) usleep(100);
    usleep(static_cast<useconds_t>(random.Next() % 20000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    const LoadedResults loaded = LoadResults(path);
    EXPECT_EQ(loaded.error, "");
    EXPECT_TRUE(loaded.document["context"].contains("date"));
  }
}

TEST_F(ResultsFileTest, NeverHoldsTheHostsNameOrThePathOfTheProgram) {
  Progress progress(nullptr, 1);
  ReportOptions options;
  options.results_file = Path("r.json");
  options.output_file = Path("table.txt");
  Reporter reporter(std::move(options), progress);
  ASSERT_TRUE(reporter.ReportContext(benchmark::BenchmarkReporter::Context()));
  const Json context = LoadResults(Path("r.json")).document["context"];
  EXPECT_FALSE(context.contains("host_name"));
  EXPECT_FALSE(context.contains("executable"));
  EXPECT_TRUE(context.contains("num_cpus"));
}

TEST_F(ResultsFileTest, HasNoRowsAtTheStartAndEachRowAfterItsReport) {
  Progress progress(nullptr, 2);
  ReportOptions options;
  options.results_file = Path("r.json");
  options.output_file = Path("table.txt");
  Reporter reporter(std::move(options), progress);
  ASSERT_TRUE(reporter.ReportContext(benchmark::BenchmarkReporter::Context()));
  EXPECT_EQ(LoadResults(Path("r.json")).document["benchmarks"].size(), 0u);
  auto run = OneRun("gemm/1/f32/cpu");
  run.counters["cv"] = std::nan("");
  reporter.ReportRuns({run});
  reporter.ReportRuns({OneRun("gemm/2/f32/cpu"), OneRun("gemm/3/f32/cpu")});
  const Json rows = LoadResults(Path("r.json")).document["benchmarks"];
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2]["name"], "gemm/3/f32/cpu");
  EXPECT_EQ(rows[0]["TFLOPS"], 0.5);
  EXPECT_FALSE(rows[0].contains("cv"));
}

TEST_F(ResultsFileTest, KeptRowsOfAResumedFileComeFirst) {
  Progress progress(nullptr, 1);
  ReportOptions options;
  options.results_file = Path("r.json");
  options.output_file = Path("table.txt");
  options.kept_rows = {Json{{"name", "gemm/0/f32/cpu"}, {"real_time", 1.0}, {"time_unit", "ns"}}};
  Reporter reporter(std::move(options), progress);
  ASSERT_TRUE(reporter.ReportContext(benchmark::BenchmarkReporter::Context()));
  reporter.ReportRuns({OneRun("gemm/1/f32/cpu")});
  const Json rows = LoadResults(Path("r.json")).document["benchmarks"];
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["name"], "gemm/0/f32/cpu");
}

TEST_F(ResultsFileTest, FoldersAreMadeAndASymbolicLinkStaysOne) {
  EXPECT_EQ(ReplaceFile(Path("a/b/r.json"), "1"), "");
  EXPECT_EQ(Text(Path("a/b/r.json")), "1");
  fs::create_symlink("a/b/r.json", Path("link.json"));
  EXPECT_EQ(ReplaceFile(Path("link.json"), "2"), "");
  EXPECT_TRUE(fs::is_symlink(Path("link.json")));
  EXPECT_EQ(Text(Path("a/b/r.json")), "2");
}

TEST_F(ResultsFileTest, ADeviceIsWrittenToAndNotReplaced) {
  EXPECT_EQ(ReplaceFile("/dev/null", "text"), "");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(ResultsFileTest, AFailedWriteIsOneSentenceWithThePath) {
  const std::string error = ReplaceFile("/dev/null/r.json", "text");
  EXPECT_NE(error.find("/dev/null/r.json"), std::string::npos) << error;
}

TEST_F(ResultsFileTest, WhatIsNoResultsFileIsNamed) {
  for (const char* text : {"", "{", "[]", "{\"context\":{}}", "{\"context\":1,\"benchmarks\":[]}",
                           "{\"context\":{},\"benchmarks\":[{}]}"}) {
    ASSERT_EQ(ReplaceFile(Path("bad.json"), text), "");
    EXPECT_NE(LoadResults(Path("bad.json")).error.find("bad.json"), std::string::npos) << text;
  }
  EXPECT_NE(LoadResults(Path("missing.json")).error, "");
}

TEST_F(ResultsFileTest, RowsOfAnotherChipOrThreadCountDoNotStandTogether) {
  const Json then = {{"schema_version", 1}, {"chip", "a"}, {"threads", 2}};
  Json now = then;
  EXPECT_EQ(WhyNotTogether(then, now), "");
  now["threads"] = 4;
  EXPECT_NE(WhyNotTogether(then, now).find("threads"), std::string::npos);
  now = then;
  now["chip"] = "b";
  EXPECT_NE(WhyNotTogether(then, now).find("chip"), std::string::npos);
  EXPECT_NE(WhyNotTogether(Json::object(), then), "");
}

TEST_F(ResultsFileTest, RowsOfOtherCoresDoNotStandTogether) {
  Json then = {{"schema_version", 1}, {"chip", "a"}, {"threads", 4}};
  Json now = then;
  now["core_kinds_used"] = {"efficiency"};
  EXPECT_EQ(WhyNotTogether(then, now), "") << "older files do not tell";
  then["core_kinds_used"] = {"performance"};
  EXPECT_NE(WhyNotTogether(then, now).find("efficiency"), std::string::npos);
}

TEST_F(ResultsFileTest, JoulesOfOtherMetersDoNotStandTogether) {
  const Json rapl = Json::parse(R"({"meters":[{"name":"rapl","domains":[
      {"name":"cpu","in_total":true},{"name":"dram","in_total":true},
      {"name":"core","in_total":false}]}]})");
  const Json none = {{"meters", Json::array()}};
  Json then = {{"context", rapl}, {"benchmarks", {{{"name", "a"}, {"joules", 1.5}}}}};
  EXPECT_EQ(WhyOtherJoules(then, rapl), "");
  EXPECT_EQ(WhyOtherJoules(then, none),
            "its joules are those of rapl (cpu, dram), this run has no meter");
  // Rows without joules need no meter.
  then["benchmarks"][0].erase("joules");
  EXPECT_EQ(WhyOtherJoules(then, none), "");
}

}  // namespace
}  // namespace wattline::benchmarks::results_file_test
