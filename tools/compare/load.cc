#include "tools/compare/load.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "roofline/devices.h"
#include "roofline/machine_fit.h"
#include "roofline/normalised.h"
#include "roofline/readers/reader.h"
#include "tools/known_work.h"
#include "tools/reference/embedded.h"

namespace wattline::tools {
namespace {

using roofline::Results;

bool HasCeilingRows(const Results& results) {
  return std::any_of(results.rows.begin(), results.rows.end(), [](const roofline::Row& row) {
    return row.address && row.address->fixture == "ceiling" && row.error.empty();
  });
}

}  // namespace

LoadedFiles LoadResults(const std::vector<std::string>& paths) {
  LoadedFiles loaded;
  for (const std::string& path : paths) {
    roofline::ReadMany read = roofline::ReadAny(path);
    if (!read.error.empty()) return {{}, {}, read.error};
    for (Results& results : read.results) {
      std::move(results.remarks.begin(), results.remarks.end(), std::back_inserter(loaded.remarks));
      results.remarks.clear();
      for (Results& part : roofline::SplitByDevice(std::move(results))) {
        roofline::AddNormalised(part);
        loaded.results.push_back(std::move(part));
      }
    }
  }
  return loaded;
}

bool AreRunsOfOneMachine(const std::vector<Results>& results) {
  std::map<std::string, std::set<std::string>> of_path;
  for (const Results& one : results) {
    const std::string& slug = one.machine.chip_slug;
    if (slug.empty() && one.machine.chip.empty()) return false;
    of_path[one.path].insert((slug.empty() ? one.machine.chip : slug) + "\n" + one.tool + "\n" +
                             (one.published ? "published" : ""));
  }
  return of_path.size() > 1 && std::all_of(of_path.begin(), of_path.end(), [&](const auto& one) {
           return one.second == of_path.begin()->second;
         });
}

std::vector<Results> JoinDevices(std::vector<Results> results) {
  std::vector<Results> joined;
  for (Results& one : results) {
    const bool is_part = !joined.empty() && joined.back().path == one.path &&
                         !one.context.empty() && joined.back().context == one.context &&
                         joined.back().machine.chip != one.machine.chip;
    if (!is_part) {
      joined.push_back(std::move(one));
      continue;
    }
    std::vector<roofline::Row>& rows = joined.back().rows;
    std::move(one.rows.begin(), one.rows.end(), std::back_inserter(rows));
  }
  return joined;
}

roofline::LintResult LintFiles(const std::vector<Results>& results) {
  std::optional<roofline::Fit> fit;
  if (std::any_of(results.begin(), results.end(), HasCeilingRows)) {
    fit = roofline::FitMachines(results);
  }
  return roofline::Lint({results,
                         fit ? &*fit : nullptr,
                         {},
                         KnownWorkOf,
                         {roofline::ParseGpus(PublishedText("gpus")),
                          roofline::ParseDensePeaks(PublishedText("dense_peaks"))}});
}

}  // namespace wattline::tools
