// roofline lint: rows and claims that physics does not allow.
#include <fmt/format.h>

#include <memory>

#include "tools/findings.h"
#include "tools/roofline/commands.h"
#include "tools/roofline/judged_files.h"

namespace wattline::tools {
namespace {

struct LintFlags {
  std::vector<std::string> paths;
  std::string fit;
  std::string claims;
  std::string output = "table";
  std::string file;
};

int RunLint(const LintFlags& flags) {
  const std::optional<TableFormat> format = TableFormatFromName(flags.output);
  if (!format) {
    return Fail(fmt::format("--output={} is not known; known: table, md, csv, json", flags.output),
                2);
  }
  const JudgedFiles files = ReadJudged(flags.paths, flags.fit, flags.claims);
  if (!files.error.empty()) return Fail(files.error, 2);
  const roofline::LintResult lint = LintJudged(files);
  if (!lint.error.empty()) return Fail(lint.error, 2);
  const std::string failed = WriteOutput(flags.file, FindingsText(lint.findings, *format));
  if (!failed.empty()) return Fail(failed, 1);
  return lint.findings.empty() ? 0 : 3;
}

}  // namespace

Command AddLint(CLI::App& program) {
  const auto flags = std::make_shared<LintFlags>();
  CLI::App* const app = program.add_subcommand(
      "lint", "Find rows and claims that cannot be true; exit code 3 where there are any");
  app->add_option("RESULT.json", flags->paths, "Results files of bench")->required();
  app->add_option("--fit", flags->fit, "Roofs of `roofline fit`; else made from ceiling rows");
  app->add_option("--claims", flags->claims,
                  "What a document claims of the machines; beside context.claims of the files");
  app->add_option("--output", flags->output, "table, md, csv or json");
  app->add_option("-o", flags->file, "File to write; else standard output");
  app->footer("Example:\n  roofline lint chip.json --claims=readme_claims.json");
  return {app, [flags] { return RunLint(*flags); }};
}

}  // namespace wattline::tools
