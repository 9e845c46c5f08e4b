// roofline report: where each row stands under its machine's roofs, and what the lint says.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <regex>

#include "roofline/judge.h"
#include "tools/findings.h"
#include "tools/judged_table.h"
#include "tools/roofline/commands.h"
#include "tools/roofline/judged_files.h"

namespace wattline::tools {
namespace {

using roofline::Judged;

struct ReportFlags {
  std::vector<std::string> paths;
  std::string claims;
  std::string output = "table";
  std::string file;
  std::string filter;
  std::string sort;
  bool no_lint = false;
};

// Absent values last.
void SortBy(const std::string& key, std::vector<Judged>& rows) {
  const auto by = [&rows](auto value) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const Judged& a, const Judged& b) { return value(a) > value(b); });
  };
  if (key == "share") by([](const Judged& row) { return row.share.value_or(-1); });
  if (key == "time") by([](const Judged& row) { return row.time_s; });
  if (key == "joules") by([](const Judged& row) { return row.joules.value_or(-1); });
  if (key == "name") {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Judged& a, const Judged& b) { return a.row < b.row; });
  }
}

bool IsSortKey(const std::string& key) {
  return key.empty() || key == "share" || key == "time" || key == "joules" || key == "name";
}

// What the roofs are, for people: they decide every percentage.
std::string TitleOf(const JudgedFiles& files) {
  std::string title;
  for (const roofline::Results& results : files.results) {
    const roofline::MachineFit machine = MachineOf(files, results);
    const bool is_swept =
        std::any_of(machine.roofs.begin(), machine.roofs.end(),
                    [](const roofline::Roof& roof) { return roof.sharpness.has_value(); });
    const char* source = machine.roofs.empty()
                             ? "no roofs: neither its ceiling rows nor its context give one"
                         : is_swept ? "roofs fitted to intensity sweeps"
                                    : "straight roofs from its ceilings";
    title += fmt::format("{}{}: {}", title.empty() ? "" : "\n", results.path, source);
  }
  return title;
}

std::string Document(const JudgedFiles& files, const std::vector<Judged>& rows, TableFormat format,
                     const std::optional<std::vector<roofline::Finding>>& findings) {
  TextTable table = JudgedTable(rows, format);
  table.title = TitleOf(files);
  const std::string text = Render(table, format);
  if (format == TableFormat::kJson) {
    const std::string found = findings ? FindingsText(*findings, format) : std::string();
    return fmt::format("{{\"rows\": {}{}}}\n", text,
                       found.empty() ? "" : ", \"findings\": " + found);
  }
  if (format == TableFormat::kCsv || !findings) return text;
  return text + "\n" + FindingsText(*findings, format);
}

int RunReport(const ReportFlags& flags) {
  const std::optional<TableFormat> format = TableFormatFromName(flags.output);
  if (!format) {
    return Fail(fmt::format("--output={} is not known; known: table, md, csv, json", flags.output),
                2);
  }
  if (!IsSortKey(flags.sort)) {
    return Fail(fmt::format("--sort={} is not known; known: share, time, joules, name", flags.sort),
                2);
  }
  std::regex filter;
  try {
    filter.assign(flags.filter);
  } catch (const std::regex_error& error) {
    return Fail(fmt::format("--filter={} is no regular expression: {}", flags.filter, error.what()),
                2);
  }
  const JudgedFiles files = ReadJudged(flags.paths, {}, flags.claims);
  if (!files.error.empty()) return Fail(files.error, 2);

  std::vector<Judged> rows;
  for (const roofline::Results& results : files.results) {
    for (Judged& row : roofline::Judge(results, MachineOf(files, results))) {
      if (std::regex_search(row.row, filter)) rows.push_back(std::move(row));
    }
  }
  SortBy(flags.sort, rows);
  std::optional<std::vector<roofline::Finding>> findings;
  if (!flags.no_lint) {
    roofline::LintResult lint = LintJudged(files);
    if (!lint.error.empty()) return Fail(lint.error, 2);
    findings = std::move(lint.findings);
  }
  const std::string failed = WriteOutput(flags.file, Document(files, rows, *format, findings));
  if (!failed.empty()) return Fail(failed, 1);
  if (!findings || findings->empty()) return 0;
  if (*format == TableFormat::kCsv) {
    fmt::print(stderr, "{}", FindingsText(*findings, TableFormat::kTable));
  }
  return 3;
}

}  // namespace

Command AddReport(CLI::App& program) {
  const auto flags = std::make_shared<ReportFlags>();
  CLI::App* const app = program.add_subcommand(
      "report",
      "Where each row stands under its machine's roofs; exit code 3 where the lint fires");
  app->add_option(
         "FILE.json", flags->paths,
         "Results files of bench, and a FIT.json of `roofline fit`; without one, roofs come "
         "from the ceiling rows or the ceilings in the context")
      ->required();
  app->add_option("--output", flags->output, "table, md, csv or json");
  app->add_option("-o", flags->file, "File to write; else standard output");
  app->add_option("--filter", flags->filter, "Regular expression that rows' names must hold");
  app->add_option("--sort", flags->sort,
                  "share (of what is attainable), time, joules: largest first; or name");
  app->add_option("--claims", flags->claims,
                  "What a document claims of the machines, for the lint");
  app->add_flag("--no-lint", flags->no_lint, "Leave the physics lint out");
  app->footer("Example:\n  roofline report fit.json chip.json --sort=share --output=md");
  return {app, [flags] { return RunReport(*flags); }};
}

}  // namespace wattline::tools
