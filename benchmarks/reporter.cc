#include "benchmarks/reporter.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "benchmarks/fixture.h"

namespace wattline::benchmarks {
namespace {

using ReportedRun = benchmark::BenchmarkReporter::Run;

// Google Benchmark prints NaN and infinities bare, which is no JSON; they arise in its aggregates
// (the coefficient of variation of a counter whose mean is 0).
ReportedRun WithoutNonFinite(ReportedRun run) {
  std::erase_if(run.counters,
                [](const auto& counter) { return !std::isfinite(counter.second.value); });
  if (!std::isfinite(run.real_accumulated_time)) run.real_accumulated_time = 0;
  if (!std::isfinite(run.cpu_accumulated_time)) run.cpu_accumulated_time = 0;
  return run;
}

// A row's own least time is no part of its address.
ReportedRun WithoutMinTime(ReportedRun run) {
  run.run_name.min_time.clear();
  return run;
}

// The objects in what JSONReporter::ReportRuns() wrote: "{...},\n{...}", after a comma where it is
// not the first.
Json RowsFrom(const std::string& text) {
  const size_t begin = text.find('{');
  if (begin == std::string::npos) return Json::array();
  Json rows = Json::parse(fmt::format("[{}]", text.substr(begin)), nullptr, false);
  return rows.is_array() ? rows : Json::array();
}

// An error row that is not merely too large for this machine.
bool IsFailure(const Json& row) {
  if (!row.value("error_occurred", false)) return false;
  return row.value("error_message", std::string()).rfind(kSkipped, 0) != 0;
}

}  // namespace

void RemoveIdentity(Json& context) {
  context.erase("host_name");
  context.erase("executable");
}

Reporter::Reporter(ReportOptions options, Progress& progress)
    : options_(std::move(options)),
      progress_(progress),
      document_({{"context", Json::object()}, {"benchmarks", Json::array()}}),
      table_(options_.has_energy, options_.name_width) {
  json_.SetOutputStream(&captured_);
  if (options_.google_console) {
    int style = benchmark::ConsoleReporter::OO_None;
    if (options_.console_color) style |= benchmark::ConsoleReporter::OO_Color;
    if (options_.console_tabular) style |= benchmark::ConsoleReporter::OO_Tabular;
    console_ = std::make_unique<benchmark::ConsoleReporter>(
        static_cast<benchmark::ConsoleReporter::OutputOptions>(style));
  }
}

Reporter::~Reporter() {
  if (report_ != stdout && report_ != nullptr) std::fclose(report_);
}

bool Reporter::ReportContext(const Context& context) {
  if (!options_.output_file.empty()) {
    report_ = std::fopen(options_.output_file.c_str(), "w");
    if (report_ == nullptr) {
      fmt::print(stderr, "cannot write to {}: {}\n", options_.output_file, std::strerror(errno));
      failed_ = true;
      return false;
    }
  }
  if (console_ && !console_->ReportContext(context)) return false;
  json_.ReportContext(context);
  // {"context": {...}, "benchmarks": [  and nothing behind it yet.
  const Json begun = Json::parse(captured_.str() + "]}", nullptr, false);
  captured_.str({});
  if (begun.is_object()) document_["context"] = begun.value("context", Json::object());
  RemoveIdentity(document_["context"]);
  document_["context"].update(options_.context);
  for (const Json& row : options_.kept_rows) AddRow(row);
  WriteResults();
  return true;
}

void Reporter::ReportRuns(const std::vector<ReportedRun>& runs) {
  progress_.Clear();
  std::vector<ReportedRun> clean;
  for (const ReportedRun& run : runs) clean.push_back(WithoutMinTime(WithoutNonFinite(run)));
  if (console_) console_->ReportRuns(clean);
  json_.ReportRuns(clean);
  const Json rows = RowsFrom(captured_.str());
  captured_.str({});
  for (const Json& row : rows) {
    if (IsFailure(row)) ++errors_;
    AddRow(row);
  }
  WriteResults();
}

void Reporter::AddRow(const Json& row) {
  document_["benchmarks"].push_back(row);
  const std::string text = table_.Add(row);
  console_text_ += text;
  if (options_.output == Output::kTable && !console_) Print(text);
}

void Reporter::Finalize() {
  progress_.Clear();
  switch (options_.output) {
    case Output::kTable:
      break;
    case Output::kMarkdown:
      Print(MarkdownText(document_, options_.has_energy));
      break;
    case Output::kCsv:
      Print(CsvText(document_));
      break;
    case Output::kJson:
      Print(JsonText(document_));
      break;
    case Output::kHtml:
      Print(HtmlText(document_, options_.has_energy));
      break;
  }
}

void Reporter::WriteResults() {
  if (options_.results_file.empty()) return;
  const std::string text = options_.results_format == "csv"       ? CsvText(document_)
                           : options_.results_format == "console" ? console_text_
                                                                  : JsonText(document_);
  const std::string error = ReplaceFile(options_.results_file, text);
  if (error.empty()) return;
  // Said once; the rows are still printed.
  if (!failed_) fmt::print(stderr, "{}; the rows are printed all the same\n", error);
  failed_ = true;
}

void Reporter::Print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), report_) == text.size() &&
      std::fflush(report_) == 0) {
    return;
  }
  if (!failed_) fmt::print(stderr, "cannot write the report: {}\n", std::strerror(errno));
  failed_ = true;
}

}  // namespace wattline::benchmarks
