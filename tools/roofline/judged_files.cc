#include "tools/roofline/judged_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "roofline/context_fit.h"
#include "roofline/devices.h"
#include "roofline/fit_json.h"
#include "roofline/json_fields.h"
#include "roofline/machine_fit.h"
#include "tools/known_work.h"
#include "tools/reference/embedded.h"

namespace wattline::tools {
namespace {

// One file into `files`; a sentence where that fails.
std::string ReadOne(const std::string& path, bool must_be_fit, JudgedFiles& files) {
  const roofline::LoadedText loaded = roofline::LoadText(path);
  if (!loaded.error.empty()) return loaded.error;
  if (must_be_fit || roofline::LooksLikeFit(loaded.text)) {
    if (files.fit) return fmt::format("{} is a second fit; give one", path);
    roofline::ReadFitResult read = roofline::ParseFit(loaded.text, path);
    files.fit = std::move(read.fit);
    return read.error;
  }
  roofline::ReadResult read = roofline::ParseResults(loaded.text, path);
  if (read.results) {
    for (roofline::Results& part : roofline::SplitByDevice(std::move(*read.results))) {
      files.results.push_back(std::move(part));
    }
  }
  return read.error;
}

bool HasCeilingRows(const roofline::Results& results) {
  return std::any_of(results.rows.begin(), results.rows.end(), [](const roofline::Row& row) {
    return row.address && row.address->fixture == "ceiling" && row.error.empty();
  });
}

}  // namespace

JudgedFiles ReadJudged(const std::vector<std::string>& paths, const std::string& fit_path,
                       const std::string& claims_path) {
  JudgedFiles files;
  if (!fit_path.empty()) files.error = ReadOne(fit_path, true, files);
  for (const std::string& path : paths) {
    if (files.error.empty()) files.error = ReadOne(path, false, files);
  }
  if (files.error.empty() && files.results.empty()) {
    files.error = "no results file among the files; expected one that bench has written";
  }
  if (files.error.empty() && !claims_path.empty()) {
    roofline::ReadClaims read = roofline::LoadClaims(claims_path);
    files.claims = std::move(read.claims);
    files.error = read.error;
  }
  const bool can_fit = std::any_of(files.results.begin(), files.results.end(), HasCeilingRows);
  if (files.error.empty() && !files.fit && can_fit) {
    files.fit = roofline::FitMachines(files.results);
  }
  return files;
}

roofline::MachineFit MachineOf(const JudgedFiles& files, const roofline::Results& results) {
  const roofline::MachineFit* fitted =
      files.fit ? roofline::FindMachine(*files.fit, results.machine) : nullptr;
  if (fitted != nullptr && !fitted->roofs.empty()) return *fitted;
  return roofline::ContextFit(results);
}

roofline::LintResult LintJudged(const JudgedFiles& files) {
  return roofline::Lint({files.results,
                         files.fit ? &*files.fit : nullptr,
                         files.claims,
                         KnownWorkOf,
                         {roofline::ParseGpus(PublishedText("gpus")),
                          roofline::ParseDensePeaks(PublishedText("dense_peaks"))}});
}

}  // namespace wattline::tools
