#include "roofline/machine_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "roofline/arithmetic.h"
#include "roofline/ceiling_rows.h"
#include "roofline/devices.h"
#include "roofline/energy_fit.h"
#include "roofline/footprints.h"
#include "roofline/merged_rows.h"
#include "roofline/model_rows.h"
#include "roofline/samples.h"
#include "roofline/sweep_fit.h"

namespace wattline::roofline {
namespace {

using Files = std::vector<const Results*>;

std::string BaseName(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// Formats in the order that people read them in; others behind, by name.
int FormatRank(const std::string& format) {
  int rank = 0;
  for (const char* known : {"f32", "f16", "bf16", "f8", "int8"}) {
    if (format == known) return rank;
    ++rank;
  }
  return rank;
}

// L1 before L2 before DRAM.
std::pair<size_t, std::string> LevelRank(const std::string& level) {
  return {level == "DRAM" ? 1 : 0, level};
}

// "cpu with 2 threads"; the threads of other devices are nobody's choice.
std::string PlaceText(const BackendThreads& place) {
  if (DeviceOf(place.backend) != Device::kCpu) return place.backend;
  return fmt::format("{} with {} thread{}", place.backend, place.threads,
                     place.threads == 1 ? "" : "s");
}

class MachineFitter {
 public:
  MachineFitter(Files files, const FitOptions& options)
      : files_(std::move(files)),
        options_(options),
        bootstrap_{options.resamples, options.seed},
        rows_(GatherCeilingRows(files_)) {}

  MachineFit Run() {
    machine_.remarks = rows_.remarks;
    SetFacts();
    SetLevels();
    for (const auto& [place, sweeps] : rows_.sweeps) FitSweeps(place, sweeps);
    for (const auto& [place, peaks] : rows_.peaks) StraightRoofs(place, peaks);
    SayWhatHasNoInterval();
    Sort();
    SetModelRows();
    return std::move(machine_);
  }

 private:
  void Remark(std::string sentence) {
    if (std::find(machine_.remarks.begin(), machine_.remarks.end(), sentence) ==
        machine_.remarks.end()) {
      machine_.remarks.push_back(std::move(sentence));
    }
  }

  void SetFacts() {
    std::vector<double> idle_watts;
    for (const Results* file : files_) {
      const Machine& told = file->machine;
      if (machine_.chip.empty()) machine_.chip = told.chip;
      if (machine_.chip_slug.empty()) machine_.chip_slug = told.chip_slug;
      if (!machine_.memory_byte) machine_.memory_byte = told.memory_byte;
      if (caches_.empty()) caches_ = told.caches;
      if (told.idle_watts) idle_watts.push_back(*told.idle_watts);
      for (const std::string& meter : MetersOf(told)) {
        auto& meters = machine_.meters;
        if (std::find(meters.begin(), meters.end(), meter) == meters.end()) {
          meters.push_back(meter);
        }
      }
      machine_.sources.push_back(BaseName(file->path));
      for (std::string remark : file->remarks) {  // no folders: they may name a user
        if (remark.rfind(file->path, 0) == 0) {
          remark.replace(0, file->path.size(), BaseName(file->path));
        }
        Remark(std::move(remark));
      }
    }
    machine_.idle_watts = Median(idle_watts);
  }

  void SetLevels() {
    for (const auto& [place, sweep] : rows_.levels) {
      std::vector<Level> found = FindLevels(sweep);
      if (DeviceOf(place.backend) == Device::kCuda && !caches_.empty()) {
        found = GpuLevels(std::move(found), caches_.front().byte, machine_.remarks);
      }
      for (const Level& level : found) {
        machine_.levels.push_back({place.backend, place.threads, level.name, level.from_byte,
                                   level.to_byte, level.byte_per_s, level.unresolved});
      }
    }
  }

  std::vector<LevelFit> LevelsOf(const BackendThreads& place) const {
    std::vector<LevelFit> levels;
    std::copy_if(machine_.levels.begin(), machine_.levels.end(), std::back_inserter(levels),
                 [&](const LevelFit& level) {
                   return level.backend == place.backend && level.threads == place.threads;
                 });
    return levels;
  }

  // By level; what is told of them goes to the remarks, after `what`.
  template <typename Value>
  std::map<std::string, double> Clearest(const BackendThreads& place, const std::string& what,
                                         const std::map<double, Value>& by_footprint) {
    std::vector<double> footprints_byte;
    for (const auto& one : by_footprint) footprints_byte.push_back(one.first);
    std::span<const CacheNote> caches;
    if (DeviceOf(place.backend) == Device::kCpu) caches = caches_;
    ClearestFootprints clearest =
        FindClearest(footprints_byte, place.threads, LevelsOf(place), caches);
    for (const std::string& remark : clearest.remarks) {
      Remark(fmt::format("{} on {}: {}", what, PlaceText(place), remark));
    }
    return std::move(clearest.byte);
  }

  void FitSweeps(const BackendThreads& place,
                 const std::map<std::pair<std::string, double>, std::vector<IntensityPoint>>& all) {
    std::map<std::string, std::map<double, const std::vector<IntensityPoint>*>> by_format;
    for (const auto& [key, points] : all) by_format[key.first][key.second] = &points;
    for (const auto& [format, by_footprint] : by_format) {
      for (const auto& [level, byte] : Clearest(place, "the sweep in " + format, by_footprint)) {
        FitOne({format, place.backend, place.threads, level}, *by_footprint.at(byte));
      }
    }
  }

  void FitOne(const RoofKey& key, const std::vector<IntensityPoint>& points) {
    for (const IntensityPoint& point : points) {
      if (!point.not_used.empty()) Remark(fmt::format("{}: {}", point.row, point.not_used));
    }
    SweepFit fit = FitSweep(points, bootstrap_);
    const std::string what = fmt::format("the sweep in {} from {} on {}", key.format, key.level,
                                         PlaceText({key.backend, key.threads}));
    if (fit.refused.empty()) fit.refused = WhyNotThePeak(key, fit.peak_flop_per_s);
    if (fit.refused.empty()) {
      Roof roof;
      roof.key = key;
      roof.peak_flop_per_s = fit.peak_flop_per_s;
      roof.byte_per_s = fit.byte_per_s;
      roof.ridge_flop_per_byte = fit.ridge_flop_per_byte;
      roof.sharpness = fit.sharpness;
      roof.corner_share = fit.corner_share;
      roof.rms_error = fit.rms_error;
      roof.rms_error_straight = fit.rms_error_straight;
      roof.points = points;
      machine_.roofs.push_back(std::move(roof));
      if (!fit.sharpness_unknown.empty()) {
        Remark(fmt::format("{}: {}; its corner is drawn straight", what, fit.sharpness_unknown));
      }
    } else {
      Remark(fmt::format("{}: {}", what, fit.refused));
      refused_.push_back({key, points});
    }
    FitJoules(key, what, points);
  }

  // A sweep whose plateau is far below the peak that other rows reached shows its own kernel's
  // limits and the corner of those, not the machine's: its roof is drawn from the rows.
  std::string WhyNotThePeak(const RoofKey& key, const Interval& swept) {
    constexpr double kFar = 1.10;
    const auto place = rows_.peaks.find({key.backend, key.threads});
    if (place == rows_.peaks.end()) return {};
    const auto runs = place->second.find(key.format);
    if (runs == place->second.end()) return {};
    const double peak = IntervalOfRuns(runs->second).value;
    if (peak <= kFar * swept.high || Bandwidths(place->first).count(key.level) == 0) {
      return {};
    }
    return fmt::format(
        "its P, {:.4g} TFLOP/s, is far below the {:.4g} of ceiling/peak, so its corner is not the "
        "machine's; the roof is straight, from rows of peak and read",
        swept.value * 1e-12, peak * 1e-12);
  }

  void FitJoules(const RoofKey& key, const std::string& what,
                 const std::vector<IntensityPoint>& points) {
    const bool any = std::any_of(points.begin(), points.end(),
                                 [](const IntensityPoint& point) { return point.watts; });
    if (!any) return;
    EnergyResult result = FitEnergy(points, bootstrap_);
    EnergyFit energy;
    energy.key = key;
    energy.coefficients = std::move(result.coefficients);
    energy.refused = std::move(result.refused);
    energy.caution = std::move(result.caution);
    energy.dropped = std::move(result.dropped);
    energy.points = points;
    if (!energy.refused.empty()) Remark(fmt::format("joules of {}: {}", what, energy.refused));
    if (!energy.caution.empty()) Remark(fmt::format("joules of {}: {}", what, energy.caution));
    machine_.energies.push_back(std::move(energy));
  }

  // Bandwidth of each level: from the read rows, else from the sweep that found the level.
  std::map<std::string, Interval> Bandwidths(const BackendThreads& place) {
    std::map<std::string, Interval> bandwidths;
    const auto reads = rows_.reads.find(place);
    if (reads != rows_.reads.end()) {
      for (const auto& [level, byte] : Clearest(place, "reads", reads->second)) {
        bandwidths[level] = IntervalOfRuns(reads->second.at(byte));
      }
    }
    for (const LevelFit& level : LevelsOf(place)) {
      if (!level.byte_per_s) continue;
      bandwidths.try_emplace(level.name,
                             Interval{*level.byte_per_s, *level.byte_per_s, *level.byte_per_s});
    }
    return bandwidths;
  }

  // P is one for all levels. A peak row that something disturbed (16 threads of a shared machine
  // gave 713 GFLOP/s, its sweep 1360) must not put the roof of one level below that of another: a
  // sweep's P that lies above it with its whole interval stands in its place.
  Interval HigherPeak(const BackendThreads& place, const std::string& format, const Interval& row) {
    Interval peak = row;
    std::string level;
    for (const Roof& roof : machine_.roofs) {
      const bool swept = !roof.points.empty() && roof.key.backend == place.backend &&
                         roof.key.threads == place.threads && roof.key.format == format;
      if (!swept || roof.peak_flop_per_s.low <= std::max(row.high, peak.value)) continue;
      peak = roof.peak_flop_per_s;
      level = roof.key.level;
    }
    if (!level.empty() && peak.value > 1.05 * row.value) {
      Remark(
          fmt::format("ceiling/peak/{} on {} reached {:.4g} TFLOP/s, the sweep from {} {:.4g}: the "
                      "latter is the "
                      "P of levels without a sweep",
                      format, PlaceText(place), row.value * 1e-12, level, peak.value * 1e-12));
    }
    return peak;
  }

  // Where no sweep gave a roof: min(P, B I) of rows of their own.
  void StraightRoofs(const BackendThreads& place, const std::map<std::string, Runs>& peaks) {
    const std::map<std::string, Interval> bandwidths = Bandwidths(place);
    if (bandwidths.empty()) {
      Remark(fmt::format(
          "{} has peaks but no read bandwidth, so no roof (copy and triad are no reads); run "
          "./bench --benchmark_filter=ceiling/read",
          PlaceText(place)));
    }
    for (const auto& [format, runs] : peaks) {
      const Interval peak = HigherPeak(place, format, IntervalOfRuns(runs));
      for (const auto& [level, byte_per_s] : bandwidths) {
        const RoofKey key{format, place.backend, place.threads, level};
        if (const Roof* swept = FindRoof(machine_, key)) {
          SayWhatIsHigher(*swept, peak, byte_per_s);
          continue;
        }
        Roof roof;
        roof.key = key;
        roof.peak_flop_per_s = peak;
        roof.byte_per_s = byte_per_s;
        // The ends of both intervals at once: wider than 95 %, which two rows cannot do better.
        roof.ridge_flop_per_byte = {peak.value / byte_per_s.value, peak.low / byte_per_s.high,
                                    peak.high / byte_per_s.low};
        for (const auto& [refused, points] : refused_) {
          if (SameKey(refused, key)) roof.points = points;
        }
        if (runs.size() < 2 || byte_per_s.low == byte_per_s.high) ++without_interval_;
        machine_.roofs.push_back(std::move(roof));
      }
    }
  }

  // Rows may then stand above the sweep's roof.
  void SayWhatIsHigher(const Roof& swept, const Interval& peak, const Interval& byte_per_s) {
    const auto say = [&](const std::string& row, const Interval& own, const char* name,
                         const Interval& fitted, double unit, const char* in) {
      constexpr double kMuch = 1.05;
      if (own.value <= kMuch * fitted.high) return;
      Remark(fmt::format(
          "{} on {} reach {:.4g} {}, {:.0f} % above the {} of the sweep in {} from {}", row,
          PlaceText({swept.key.backend, swept.key.threads}), own.value * unit, in,
          100 * (own.value / fitted.value - 1), name, swept.key.format, swept.key.level));
    };
    say("rows of ceiling/peak/" + swept.key.format, peak, "P", swept.peak_flop_per_s, 1e-12,
        "TFLOP/s");
    say("reads of " + swept.key.level, byte_per_s, "B", swept.byte_per_s, 1e-9, "GB/s");
  }

  void SayWhatHasNoInterval() {
    if (without_interval_ == 0) return;
    Remark(fmt::format(
        "{} of {} roofs have no interval, for their peak or bandwidth was measured once; "
        "--benchmark_repetitions=5 or further files give one",
        without_interval_, machine_.roofs.size()));
  }

  void Sort() {
    const auto rank = [](const auto& one) {
      const RoofKey& key = one.key;
      return std::tuple(key.backend, -key.threads, FormatRank(key.format), key.format,
                        LevelRank(key.level));
    };
    const auto before = [&](const auto& a, const auto& b) { return rank(a) < rank(b); };
    std::stable_sort(machine_.roofs.begin(), machine_.roofs.end(), before);
    std::stable_sort(machine_.energies.begin(), machine_.energies.end(), before);
  }

  // Rows of files with different numbers of threads have the same names and are not the same.
  void SetModelRows() {
    std::map<int, std::vector<Row>> by_threads;
    for (const Results* file : files_) {
      std::vector<Row>& rows = by_threads[file->machine.threads.value_or(1)];
      rows.insert(rows.end(), file->rows.begin(), file->rows.end());
    }
    for (const auto& [threads, rows] : by_threads) {
      const std::vector<ModelRow> made =
          ModelRowsOf(MergeRepetitions(rows), threads, machine_.remarks);
      machine_.model_rows.insert(machine_.model_rows.end(), made.begin(), made.end());
    }
  }

  Files files_;
  FitOptions options_;
  Bootstrap bootstrap_;
  CeilingRows rows_;
  std::vector<CacheNote> caches_;
  MachineFit machine_;
  std::vector<std::pair<RoofKey, std::vector<IntensityPoint>>> refused_;  // sweeps without a fit
  int without_interval_ = 0;
};

}  // namespace

Fit FitMachines(std::span<const Results> files, const FitOptions& options) {
  std::vector<std::string> order;
  std::map<std::string, Files> by_chip;
  for (const Results& file : files) {
    const Machine& told = file.machine;
    const std::string chip = told.chip_slug.empty() ? told.chip : told.chip_slug;
    Files& of_chip = by_chip[chip];
    if (of_chip.empty()) order.push_back(chip);
    of_chip.push_back(&file);
  }
  Fit fit;
  for (const std::string& chip : order) {
    fit.machines.push_back(MachineFitter(by_chip[chip], options).Run());
  }
  return fit;
}

}  // namespace wattline::roofline
