// The command line of `bench`: our flags, and those of Google Benchmark that its reporters would
// have handled, which we handle ourselves because the reporter is ours.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/core_choice.h"

namespace wattline::benchmarks {

enum class Output { kTable, kMarkdown, kCsv, kJson, kHtml };

// Whether each thread is bound to a CPU of its own. kAuto: where there are no more threads than
// cores, which the process may use.
enum class Pin { kAuto, kOn, kOff };

struct Flags {
  bool help = false;
  bool list_meters = false;
  bool list_backends = false;
  bool list_tests = false;
  bool full_sweep = false;
  std::string model_file;
  std::string isa;
  std::string energy = "auto";
  double energy_error = 0.02;  // joules_err over joules: a run is lengthened until it is below
  std::string energy_trace;    // CSV file of the time series; empty: none
  std::string meter_root = "/";
  std::string resume_file;
  std::optional<int> threads;  // absent: as many as the process may use
  std::optional<int> device;
  Pin pin = Pin::kAuto;
  Cores cores = Cores::kPerformance;
  Output output = Output::kTable;
  std::string output_file;  // empty: standard output

  std::string filter = ".";
  std::string out;  // --benchmark_out; empty: results/<chip>/<UTC time>.json
  std::string out_format = "json";
  bool google_console = false;  // --benchmark_format=console or counters_tabular, asked for
  bool counters_tabular = false;
  std::string color = "auto";
  double min_time_s = 0.5;
  std::vector<std::string> google;  // what benchmark::Initialize is given
};

struct ParsedFlags {
  Flags flags;
  std::string error;  // one sentence; empty where all is well
};

// Flags of Google Benchmark that ParseFlags reads from the environment too.
inline constexpr const char* kOwnVariables[] = {
    "BENCHMARK_FILTER",     "BENCHMARK_MIN_TIME",        "BENCHMARK_FORMAT",
    "BENCHMARK_OUT",        "BENCHMARK_COLOR",           "BENCHMARK_OUT_FORMAT",
    "BENCHMARK_LIST_TESTS", "BENCHMARK_COUNTERS_TABULAR"};

// `environment` gives a variable's value, as getenv does: Google Benchmark reads defaults of its
// flags from BENCHMARK_FILTER and its like.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
ParsedFlags ParseFlags(const std::vector<std::string>& arguments, const Environment& environment);

// What --help prints: at most 24 lines of 100 columns.
std::string_view HelpText();

}  // namespace wattline::benchmarks
