// The joint with Google Benchmark's reporting: every row becomes one JSON object, made by Google
// Benchmark's own JSON reporter; from it come the table, the results file and all other shapes.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "benchmarks/flags.h"
#include "benchmarks/progress.h"
#include "benchmarks/results.h"
#include "benchmarks/table.h"

namespace wattline::benchmarks {

struct ReportOptions {
  Output output = Output::kTable;
  std::string output_file;   // empty: standard output
  std::string results_file;  // empty: none
  std::string results_format = "json";
  bool has_energy = false;
  bool google_console = false;  // Google Benchmark's own console table in place of ours
  bool console_tabular = false;
  bool console_color = false;
  std::map<std::string, size_t> name_width;  // the longest name of each fixture
  Json context = Json::object();             // added to Google Benchmark's context
  std::vector<Json> kept_rows;               // of a resumed file, reported first
};

class Reporter : public benchmark::BenchmarkReporter {
 public:
  // `progress` outlives the reporter.
  Reporter(ReportOptions options, Progress& progress);
  ~Reporter() override;

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

  const Json& document() const { return document_; }
  // Rows of this run that ended in an error.
  int errors() const { return errors_; }
  // True where a report or the results file could not be written.
  bool failed() const { return failed_; }

 private:
  void AddRow(const Json& row);
  void WriteResults();
  void Print(const std::string& text);

  ReportOptions options_;
  Progress& progress_;
  Json document_;
  TextTable table_;
  std::string console_text_;  // the table so far, for a results file of that format
  std::ostringstream captured_;
  benchmark::JSONReporter json_;
  std::unique_ptr<benchmark::ConsoleReporter> console_;
  std::FILE* report_ = stdout;
  int errors_ = 0;
  bool failed_ = false;
};

// The context without what says whose machine it is: the host's name, the path of the program.
void RemoveIdentity(Json& context);

}  // namespace wattline::benchmarks
