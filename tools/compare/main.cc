// compare: results of several chips, backends or files side by side, row by row, with verdicts.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "roofline/compare_keys.h"
#include "roofline/compare_page.h"
#include "tools/compare/flags.h"
#include "tools/compare/load.h"
#include "tools/compare/references.h"
#include "tools/compare/report.h"
#include "tools/program.h"
#include "tools/text_table.h"

namespace wattline::tools {
namespace {

int Fail(const std::string& sentence, int code) { return FailAs("compare", sentence, code); }

Look LookOf(const CompareFlags& flags, Shape shape) {
  Look look;
  look.markdown = shape == Shape::kMarkdown;
  const bool to_terminal = (flags.file.empty() || flags.file == "-") && isatty(STDOUT_FILENO) == 1;
  if (look.markdown || !to_terminal) return look;
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org
  look.colour = !flags.no_color && (no_color == nullptr || *no_color == '\0');
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) look.width = size.ws_col;
  return look;
}

// A baseline that is a file beside the given ones is read too, and first.
std::vector<std::string> PathsOf(const CompareFlags& flags) {
  std::vector<std::string> paths = flags.paths;
  const std::string& baseline = flags.baseline;
  const auto is_it = [&baseline](const std::string& path) {
    return path == baseline || roofline::FileName(path) == baseline;
  };
  std::error_code ignored;
  if (!baseline.empty() && std::none_of(paths.begin(), paths.end(), is_it) &&
      std::filesystem::is_regular_file(baseline, ignored)) {
    paths.insert(paths.begin(), baseline);
  }
  return paths;
}

// Why columns that were asked for are not what a comparison needs; empty where they are.
std::string NothingToCompare(const roofline::Comparison& comparison, const CompareFlags& flags,
                             size_t files) {
  const std::vector<roofline::CompareColumn>& columns = comparison.columns;
  const roofline::CompareColumn& first = columns.front();
  const bool one_chip = std::all_of(columns.begin(), columns.end(), [&](const auto& column) {
    return !column.chip.empty() && column.chip == first.chip && column.tool == first.tool &&
           column.published == first.published;
  });
  const bool merged = flags.by == "chip" && flags.across.empty() && flags.baseline.empty();
  if (columns.size() > 1 && !(merged && one_chip)) return {};
  if (files > 1 && one_chip && flags.across.empty() && (flags.by.empty() || merged)) {
    return fmt::format("nothing to compare: all files are of chip {}; --by=file compares files",
                       first.chip);
  }
  return fmt::format(
      "nothing to compare: there is one column only, '{}'; give another file, or compare rows of "
      "one with --across=backend, format, isa or a case of their names",
      first.label);
}

bool IsAnythingComparable(const roofline::Comparison& comparison) {
  const size_t base = comparison.baseline;
  return std::any_of(comparison.rows.begin(), comparison.rows.end(), [base](const auto& row) {
    if (!row.metric.ranked) {
      return row.cells[base].has_value() &&
             std::count_if(row.cells.begin(), row.cells.end(),
                           [](const auto& cell) { return cell.has_value(); }) > 1;
    }
    return std::any_of(row.verdicts.begin(), row.verdicts.end(),
                       [](const auto& verdict) { return verdict.has_value(); });
  });
}

// Published figures are what measured ones are held against, and regress in nothing.
std::vector<Regression> RegressionsOf(const roofline::Comparison& comparison, double share) {
  std::vector<Regression> regressions;
  for (const roofline::CompareRow& row : comparison.rows) {
    for (size_t c = 0; c < comparison.columns.size(); ++c) {
      if (comparison.columns[c].published || !roofline::IsRegression(row, c, share)) continue;
      regressions.push_back({&row, c});
    }
  }
  return regressions;
}

// The page has one list of what to beware of.
std::string PageText(const CompareReport& report) {
  roofline::Comparison comparison = report.comparison;
  std::vector<std::string>& warnings = comparison.warnings;
  warnings.insert(warnings.end(), report.remarks.begin(), report.remarks.end());
  if (report.findings) {
    for (const roofline::Finding& one : *report.findings) {
      warnings.push_back(
          fmt::format("lint, {}: {}: {}: {}", one.rule, one.file, one.where, one.what));
    }
  }
  return roofline::ComparePage(comparison);
}

std::string Document(const CompareReport& report, Shape shape, const Look& look) {
  switch (shape) {
    case Shape::kTable:
    case Shape::kMarkdown:
      return TablesText(report, look);
    case Shape::kCsv:
      return CsvText(report);
    case Shape::kJson:
      return JsonText(report);
    case Shape::kHtml:
      return PageText(report);
  }
  return {};
}

class Program {
 public:
  explicit Program(const CompareFlags& flags) : flags_(flags), settings_(SettingsOf(flags)) {}

  int Run() {
    if (!settings_.error.empty()) return Fail(settings_.error, kUsage);
    if (flags_.list_references) return ListReferences();
    if (const int code = Load(); code != 0) return code;
    DecideColumns();
    if (const int code = AddReferences(); code != 0) return code;
    return Compare();
  }

 private:
  int ListReferences() {
    if (settings_.shape != Shape::kTable && ReferenceTable().rows.empty()) return Print("");
    const auto format = TableFormatFromName(flags_.output);
    return Print(Render(ReferenceTable(), format.value_or(TableFormat::kTable)));
  }

  int Print(const std::string& text) {
    const std::string failed = WriteOutput(flags_.file, text);
    return failed.empty() ? 0 : Fail(failed, kFailed);
  }

  int Load() {
    const std::vector<std::string> paths = PathsOf(flags_);
    if (paths.empty()) {
      return Fail("no file is given; `compare A.json B.json` compares two, --help tells more",
                  kUsage);
    }
    LoadedFiles loaded = LoadResults(paths);
    if (!loaded.error.empty()) return Fail(loaded.error, kUsage);
    files_ = std::move(loaded.results);
    report_.remarks = std::move(loaded.remarks);
    if (flags_.no_lint) return 0;
    roofline::LintResult lint = LintFiles(files_);
    if (!lint.error.empty()) return Fail(lint.error, kUsage);
    report_.findings = std::move(lint.findings);
    return 0;
  }

  void DecideColumns() {
    roofline::CompareOptions& options = settings_.options;
    const bool is_free = !settings_.by_is_given && flags_.across.empty();
    if (is_free && AreRunsOfOneMachine(files_)) {
      options.by = roofline::By::kFile;
      report_.remarks.push_back(
          fmt::format("all files are of {}: columns are files", ChipsOf(files_)));
    }
    if (is_free && !flags_.reference.empty()) {
      options.across = "backend";
      report_.remarks.emplace_back(
          "rows are matched whatever their backend is, for references are of others; --by=chip "
          "matches whole names");
    }
    if (options.by == roofline::By::kFile) files_ = JoinDevices(std::move(files_));
  }

  static std::string ChipsOf(const std::vector<roofline::Results>& files) {
    std::vector<std::string> chips;
    for (const roofline::Results& file : files) {
      if (std::find(chips.begin(), chips.end(), file.machine.chip) == chips.end()) {
        chips.push_back(file.machine.chip);
      }
    }
    return fmt::format("{}", fmt::join(chips, " and "));
  }

  int AddReferences() {
    if (flags_.reference.empty()) return 0;
    LoadedFiles loaded = LoadReferences(Split(flags_.reference));
    if (!loaded.error.empty()) return Fail(loaded.error, kUsage);
    const size_t left_out = KeepCommonRows(files_, settings_.options, loaded.results);
    if (loaded.results.empty()) {
      return Fail(fmt::format("nothing is comparable: no row of the references {} is in the files; "
                              "--across=backend,threads leaves more out of rows' names",
                              flags_.reference),
                  kVerdict);
    }
    if (left_out > 0) {
      report_.remarks.push_back(
          fmt::format("{} rows of references that no file has are left out", left_out));
    }
    std::move(loaded.results.begin(), loaded.results.end(), std::back_inserter(files_));
    return 0;
  }

  int Compare() {
    roofline::CompareResult result = roofline::Compare(files_, settings_.options);
    if (!result.error.empty()) return Fail(result.error, kUsage);
    report_.comparison = std::move(*result.comparison);
    const roofline::Comparison& comparison = report_.comparison;
    const std::string nothing = NothingToCompare(comparison, flags_, files_.size());
    if (!nothing.empty()) return Fail(nothing, kUsage);
    report_.fail_on = settings_.fail_on;
    if (report_.fail_on) report_.regressions = RegressionsOf(comparison, *report_.fail_on);
    const Look look = LookOf(flags_, settings_.shape);
    if (const int code = Print(Document(report_, settings_.shape, look)); code != 0) return code;
    if (settings_.shape == Shape::kCsv) fmt::print(stderr, "{}", NotesText(report_, {}));
    if (!IsAnythingComparable(comparison)) {
      return Fail(fmt::format("nothing is comparable: no row has figures in '{}' and in another "
                              "column",
                              comparison.columns[comparison.baseline].label),
                  kVerdict);
    }
    return report_.regressions.empty() ? 0 : kVerdict;
  }

  const CompareFlags& flags_;
  CompareSettings settings_;
  std::vector<roofline::Results> files_;
  CompareReport report_;
};

void AddFlags(CLI::App& program, CompareFlags& flags) {
  program.add_option("FILE", flags.paths,
                     "Results of any known program; the first is the baseline");
  program.add_option("--by", flags.by, "What a column is: chip, backend, format, isa or file");
  program.add_option("--across", flags.across,
                     "backend, format, isa or cases of rows' names that make columns");
  program.add_option("--baseline", flags.baseline, "File or column that ratios are held against");
  program.add_option("--counters", flags.counters, "a,b; else the fixtures' principal ones");
  program.add_option("--filter", flags.filter, "Regular expression in rows' names; -REGEX: not in");
  program.add_option("--same", flags.same, "Ratios within 1 +- this are the same; 1%");
  program.add_option("--alpha", flags.alpha, "Family-wise error of a column's verdicts; 0.05");
  program.add_option("--output", flags.output, "table, md, csv, json or html");
  program.add_option("-o", flags.file, "File to write; else standard output");
  program.add_option("--fail-on", flags.fail_on,
                     "5%: exit code 3 where a row got worse by more, or nothing is comparable");
  program.add_option("--reference", flags.reference, "Published chips beside: apple, or NAME,NAME");
  program.add_flag("--list-references", flags.list_references, "The published chips");
  program.add_flag("--no-lint", flags.no_lint, "Leave the physics lint out");
  program.add_flag("--no-color", flags.no_color, "No colour on a terminal; so does NO_COLOR");
  program.footer(
      "Example:\n"
      "  compare m2.json m4.json --counters=tok/s,J/token\n"
      "  compare old.json new.json --fail-on=5%");
}

int Main(int argc, char** argv) {
  CLI::App program("Results of chips, backends or files side by side, with verdicts.", "compare");
  CompareFlags flags;
  AddFlags(program, flags);
  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return program.exit(help);
  } catch (const CLI::ParseError& error) {
    return Fail(fmt::format("{}; compare --help shows the usage", error.what()), kUsage);
  }
  return Program(flags).Run();
}

}  // namespace
}  // namespace wattline::tools

int main(int argc, char** argv) {
  return wattline::tools::Guarded("compare", wattline::tools::Main, argc, argv);
}
