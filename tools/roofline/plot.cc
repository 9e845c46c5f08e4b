// roofline plot: a fit, and rows under it, as a picture or a page.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "roofline/context_fit.h"
#include "roofline/devices.h"
#include "roofline/fit_json.h"
#include "roofline/html_plot.h"
#include "roofline/judge.h"
#include "roofline/plot_model.h"
#include "roofline/result.h"
#include "roofline/svg_plot.h"
#include "tools/program.h"
#include "tools/roofline/commands.h"
#include "tools/roofline/png_file.h"

namespace wattline::tools {
namespace {

using roofline::Fit;
using roofline::Judged;
using roofline::MachineFit;
using roofline::PlotModel;
using roofline::Theme;

struct PlotFlags {
  std::string fit;
  std::vector<std::string> results;
  std::string out;
  roofline::PlotOptions options;
  bool energy = false;
  bool light = false;
  bool dark = false;
};

std::string FileName(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

struct Rows {
  std::vector<Judged> rows;
  std::string error;
};

Rows ReadRows(const Fit& fit, const PlotFlags& flags) {
  Rows all;
  for (const std::string& path : flags.results) {
    roofline::ReadResult read = roofline::ReadResults(path);
    if (!read.results) return {{}, read.error};
    for (const roofline::Results& part : roofline::SplitByDevice(std::move(*read.results))) {
      const MachineFit* machine = roofline::FindMachine(fit, part.machine);
      if (machine == nullptr) {
        const std::string& chip = part.machine.chip;
        return {
            {},
            fmt::format("{} is of chip '{}', which {} has no roofs of; fit its ceilings together: "
                        "roofline fit {} ... -o FIT.json",
                        path, chip.empty() ? "unknown" : chip, flags.fit, path)};
      }
      for (Judged& row : roofline::Judge(part, *machine)) {
        row.chip = machine->chip;
        all.rows.push_back(std::move(row));
      }
    }
  }
  return all;
}

int Write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return Fail(fmt::format("{} cannot be written", path), kFailed);
  return 0;
}

int Draw(const PlotModel& model, const PlotFlags& flags, const std::string& kind) {
  const Theme theme = flags.dark ? Theme::kDark : flags.light ? Theme::kLight : Theme::kAuto;
  if (kind == ".html") {
    return Write(flags.out,
                 roofline::PlotPage(model, roofline::PlotPageFiles(), theme, flags.energy));
  }
  if (kind == ".svg") {
    return Write(flags.out, roofline::PlotSvg(model, {.energy = flags.energy, .theme = theme}));
  }
  const std::string svg = roofline::PlotSvg(
      model, {.energy = flags.energy, .theme = flags.dark ? Theme::kDark : Theme::kLight});
  const std::string error = WritePng(svg, flags.out);
  return error.empty() ? 0 : Fail(error, kFailed);
}

int RunPlot(const PlotFlags& flags) {
  const std::string kind = std::filesystem::path(flags.out).extension().string();
  if (kind != ".svg" && kind != ".png" && kind != ".html") {
    return Fail(fmt::format("-o {}: the name must end in .svg, .png or .html", flags.out), kUsage);
  }
  if (flags.light && flags.dark) return Fail("--light and --dark exclude each other", kUsage);
  const roofline::ReadFitResult fit = roofline::ReadFit(flags.fit);
  if (!fit.fit) return Fail(fit.error, kUsage);
  const Rows rows = ReadRows(*fit.fit, flags);
  if (!rows.error.empty()) return Fail(rows.error, kUsage);
  std::vector<std::string> sources = {FileName(flags.fit)};
  for (const std::string& path : flags.results) sources.push_back(FileName(path));
  const roofline::PlotModelResult made =
      roofline::MakePlotModel(*fit.fit, rows.rows, sources, flags.options);
  if (!made.model) return Fail(fmt::format("{}: {}", flags.fit, made.error), kUsage);
  if (flags.energy && !made.model->HasEnergy()) {
    std::string why =
        "neither roofs nor rows have joules; measure where `bench --list-meters` "
        "shows a meter";
    if (!made.model->remarks.empty()) why = made.model->remarks[0];
    return Fail(fmt::format("--energy: {}", why), kFailed);
  }
  return Draw(*made.model, flags, kind);
}

}  // namespace

Command AddPlot(CLI::App& program) {
  auto flags = std::make_shared<PlotFlags>();
  CLI::App* app = program.add_subcommand("plot", "Draw roofs and the rows under them");
  app->add_option("FIT", flags->fit, "What `roofline fit` wrote")->required();
  app->add_option("RESULT", flags->results, "Results of bench, drawn as points");
  app->add_option("-o", flags->out, "FILE.svg, FILE.png or FILE.html")->required();
  app->add_flag("--energy", flags->energy, "FLOP per joule in place of FLOP per second");
  app->add_option("--title", flags->options.title, "Over the picture");
  app->add_option("--format", flags->options.formats, "Only these, as f32,int8")
      ->delimiter(',')
      ->allow_extra_args(false);
  app->add_option("--level", flags->options.levels, "Only these, as L1,DRAM")
      ->delimiter(',')
      ->allow_extra_args(false);
  app->add_option("--machine", flags->options.machine, "Only chips with this in their name");
  app->add_flag("--light", flags->light, "Light, whatever the reader's system prefers");
  app->add_flag("--dark", flags->dark, "Dark");
  app->footer(
      "Example:\n"
      "  roofline fit results/*/*.json -o fit.json\n"
      "  roofline plot fit.json results/*/*.json -o roofline.html");
  return {app, [flags] { return RunPlot(*flags); }};
}

}  // namespace wattline::tools
