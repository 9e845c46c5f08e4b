// roofline fit: from results files to the limits of their machines, as FIT.json and as tables.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "roofline/devices.h"
#include "roofline/fit_json.h"
#include "roofline/machine_fit.h"
#include "roofline/result.h"
#include "tools/program.h"
#include "tools/roofline/commands.h"
#include "tools/roofline/fit_tables.h"
#include "tools/text_table.h"

namespace wattline::tools {
namespace {

struct FitFlags {
  std::vector<std::string> files;
  std::string out;
  std::string output = "table";
  roofline::FitOptions fit;
};

bool HasCeilings(const roofline::Results& results) {
  return std::any_of(results.rows.begin(), results.rows.end(), [](const roofline::Row& row) {
    return row.address && row.address->fixture == "ceiling";
  });
}

// The remark that tells the most: on a sweep, else the first.
std::string WhyNoRoof(const roofline::MachineFit& machine) {
  const std::vector<std::string>& remarks = machine.remarks;
  const auto of_sweep = std::find_if(remarks.begin(), remarks.end(), [](const std::string& one) {
    return one.rfind("the sweep in ", 0) == 0 && one.find(" from ") != std::string::npos;
  });
  if (of_sweep != remarks.end()) return *of_sweep;
  if (!remarks.empty()) return remarks.front();
  return "its rows of ceiling are neither peak and read nor intensity";
}

std::string WhyNotOver(const FitFlags& flags) {
  for (const std::string& file : flags.files) {
    std::error_code none;
    if (file != "-" && std::filesystem::equivalent(file, flags.out, none)) {
      return fmt::format("-o {} would write over the results that are read", flags.out);
    }
  }
  return {};
}

int RunFit(const FitFlags& flags) {
  if (!flags.out.empty()) {
    if (const std::string why = WhyNotOver(flags); !why.empty()) return Fail(why, kUsage);
  }
  std::vector<roofline::Results> results;
  for (const std::string& file : flags.files) {
    roofline::ReadResult read = roofline::ReadResults(file);
    if (!read.results) return Fail(read.error, kUsage);
    for (roofline::Results& part : roofline::SplitByDevice(std::move(*read.results))) {
      results.push_back(std::move(part));
    }
  }
  const roofline::Fit fit = roofline::FitMachines(results, flags.fit);
  // Rows of decode may come in a file of their own, but each chip needs ceilings from some file.
  for (const roofline::MachineFit& machine : fit.machines) {
    if (!machine.roofs.empty()) continue;
    for (const roofline::Results& one : results) {
      const bool is_its = machine.chip_slug.empty() ? one.machine.chip == machine.chip
                                                    : one.machine.chip_slug == machine.chip_slug;
      if (is_its && !HasCeilings(one)) {
        return Fail(fmt::format("{} has no rows of ceiling; run ./bench "
                                "--benchmark_filter=ceiling",
                                one.path),
                    kUsage);
      }
    }
    return Fail(fmt::format("no roof of {} can be fitted: {}",
                            machine.chip.empty() ? "this chip" : machine.chip, WhyNoRoof(machine)),
                kFailed);
  }
  if (!flags.out.empty()) {
    const std::string error = WriteOutput(flags.out, roofline::FitJson(fit));
    if (!error.empty()) return Fail(error, kFailed);
    if (flags.out == "-") return 0;
  }
  const std::string error = WriteOutput("", FitTables(fit, *TableFormatFromName(flags.output)));
  return error.empty() ? 0 : Fail(error, kFailed);
}

}  // namespace

Command AddFit(CLI::App& program) {
  CLI::App* app = program.add_subcommand("fit", "Limits of the machines that results files are of");
  auto flags = std::make_shared<FitFlags>();
  app->add_option("results", flags->files, "Results files of bench, of any number of chips")
      ->required()
      ->type_name("RESULT.json");
  app->add_option("-o", flags->out, "Where to write the fit; without it only tables are printed")
      ->type_name("FIT.json");
  app->add_option("--output", flags->output, "Tables as table, md, csv or json")
      ->check(CLI::IsMember({"table", "md", "csv", "json"}))
      ->type_name("FORM");
  app->add_option("--resamples", flags->fit.resamples, "Of each bootstrap (1000)")
      ->check(CLI::Range(100, 1000000))
      ->type_name("N");
  app->add_option("--seed", flags->fit.seed, "The same seed gives the same fit (1)")
      ->type_name("N");
  app->footer(
      "Example:\n"
      "  ./bench --benchmark_filter=ceiling --benchmark_out=chip.json\n"
      "  roofline fit chip.json -o fit.json\n"
      "Intervals are 95 %, from resampled residuals, or where rows stand for a sweep, from their\n"
      "repetitions.");
  return {app, [flags] { return RunFit(*flags); }};
}

}  // namespace wattline::tools
