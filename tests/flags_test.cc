// The command line: ours, Google Benchmark's, and what is neither.
#include "benchmarks/flags.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace wattline::benchmarks::flags_test {
namespace {

ParsedFlags Parse(const std::vector<std::string>& arguments,
                  const std::map<std::string, std::string>& environment = {}) {
  return ParseFlags(arguments, [&environment](const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(FlagsTest, NothingIsTheDefault) {
  const auto [flags, error] = Parse({});
  EXPECT_EQ(error, "");
  EXPECT_EQ(flags.filter, ".");
  EXPECT_EQ(flags.output, Output::kTable);
  EXPECT_EQ(flags.energy, "auto");
  EXPECT_EQ(flags.threads, std::nullopt);
  EXPECT_EQ(flags.pin, Pin::kAuto);
  EXPECT_EQ(flags.cores, Cores::kPerformance);
  EXPECT_TRUE(flags.google.empty());
}

TEST(FlagsTest, OurFlagsAreRead) {
  const auto [flags, error] = Parse({"--model=a.gguf", "--threads=2", "--isa=avx2", "--energy=off",
                                     "--resume=r.json", "--output=md", "-o", "out.md", "--device=0",
                                     "--sweep=full", "--list-meters", "--pin=off", "--cores=E"});
  EXPECT_EQ(error, "");
  EXPECT_EQ(flags.model_file, "a.gguf");
  EXPECT_EQ(flags.threads, 2);
  EXPECT_EQ(flags.isa, "avx2");
  EXPECT_EQ(flags.energy, "off");
  EXPECT_EQ(flags.resume_file, "r.json");
  EXPECT_EQ(flags.output, Output::kMarkdown);
  EXPECT_EQ(flags.output_file, "out.md");
  EXPECT_EQ(flags.device, 0);
  EXPECT_EQ(flags.pin, Pin::kOff);
  EXPECT_EQ(flags.cores, Cores::kEfficiency);
  EXPECT_TRUE(flags.full_sweep);
  EXPECT_TRUE(flags.list_meters);
}

TEST(FlagsTest, WrongUsageIsOneSentenceThatNamesTheValue) {
  for (const char* argument : {"--bogus",
                               "--threads=none",
                               "--threads=0",
                               "--threads=-1",
                               "--threads=",
                               "--threads",
                               "--output=pdf",
                               "--pin=maybe",
                               "--cores=fast",
                               "--sweep=half",
                               "--model",
                               "decode",
                               "-x",
                               "--benchmark_filter=(",
                               "--benchmark_min_time=soon",
                               "--benchmark_min_time=0",
                               "--benchmark_format=xml",
                               "--benchmark_out_format=xml",
                               "--benchmark_out=",
                               "--list-meters=yes",
                               "-o"}) {
    const auto [flags, error] = Parse({argument});
    EXPECT_NE(error, "") << argument;
    EXPECT_EQ(error.find('\n'), std::string::npos) << argument;
    const std::string name = std::string(argument).substr(0, std::string(argument).find('='));
    EXPECT_NE(error.find(name), std::string::npos) << argument << ": " << error;
  }
}

TEST(FlagsTest, GoogleBenchmarksFlagsArePassedOn) {
  const auto [flags, error] = Parse({"--benchmark_repetitions=3", "--benchmark_context=a=b",
                                     "--benchmark_report_aggregates_only=true", "--v=1"});
  EXPECT_EQ(error, "");
  EXPECT_EQ(flags.google,
            (std::vector<std::string>{"--benchmark_repetitions=3", "--benchmark_context=a=b",
                                      "--benchmark_report_aggregates_only=true", "--v=1"}));
}

TEST(FlagsTest, MinTimeIsTakenWithAndWithoutItsUnit) {
  for (const char* argument : {"--benchmark_min_time=0.25", "--benchmark_min_time=0.25s"}) {
    const auto [flags, error] = Parse({argument});
    EXPECT_EQ(error, "");
    EXPECT_EQ(flags.min_time_s, 0.25);
    EXPECT_EQ(flags.google, std::vector<std::string>{"--benchmark_min_time=0.25"});
  }
}

TEST(FlagsTest, FormatsAreTurnedIntoOurShapes) {
  EXPECT_EQ(Parse({"--benchmark_format=json"}).flags.output, Output::kJson);
  EXPECT_EQ(Parse({"--benchmark_format=csv"}).flags.output, Output::kCsv);
  EXPECT_TRUE(Parse({"--benchmark_format=console"}).flags.google_console);
  EXPECT_TRUE(Parse({"--benchmark_counters_tabular"}).flags.google_console);
  EXPECT_FALSE(Parse({"--benchmark_counters_tabular=false"}).flags.google_console);
}

TEST(FlagsTest, TheEnvironmentGivesDefaultsThatTheCommandLineOverrides) {
  EXPECT_EQ(Parse({}, {{"BENCHMARK_FILTER", "gemm"}}).flags.filter, "gemm");
  EXPECT_EQ(Parse({"--benchmark_filter=decode"}, {{"BENCHMARK_FILTER", "gemm"}}).flags.filter,
            "decode");
  EXPECT_EQ(Parse({}, {{"BENCHMARK_OUT", "o.json"}}).flags.out, "o.json");
}

TEST(FlagsTest, AllMeansEveryRow) {
  EXPECT_EQ(Parse({"--benchmark_filter=all"}).flags.filter, ".");
  EXPECT_EQ(Parse({"--benchmark_filter="}).flags.filter, ".");
}

TEST(FlagsTest, HelpFitsAScreen) {
  const std::string help(HelpText());
  EXPECT_LE(std::count(help.begin(), help.end(), '\n'), 24);
  size_t begin = 0;
  for (size_t end; (end = help.find('\n', begin)) != std::string::npos; begin = end + 1) {
    EXPECT_LE(end - begin, 100u) << help.substr(begin, end - begin);
  }
}

}  // namespace
}  // namespace wattline::benchmarks::flags_test
