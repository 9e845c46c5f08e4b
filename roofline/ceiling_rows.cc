#include "roofline/ceiling_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "roofline/gates.h"
#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

constexpr const char* kLevelPoint = "GB/s@byte:";

// The runs of one row, and of them those whose joules count.
struct RunsOfRow {
  const Row* first = nullptr;
  std::vector<const Row*> runs;
  std::vector<const Row*> metered;
};

// Runs where there are any, else the median or mean that the file keeps in their place.
int Rank(const Row& row) {
  if (row.aggregate.empty()) return 0;
  if (row.aggregate == "median") return 1;
  return row.aggregate == "mean" ? 2 : 3;
}

template <typename Of>
Runs Values(const std::vector<const Row*>& rows, Of of) {
  Runs values;
  for (const Row* row : rows) {
    const std::optional<double> value = of(*row);
    if (value && *value > 0) values.push_back(*value);
  }
  return values;
}

template <typename Of>
std::optional<double> MedianOf(const std::vector<const Row*>& rows, Of of) {
  return Median(Values(rows, of));
}

std::optional<double> Watts(const Row& row) {
  if (const auto watts = row.Counter("watts")) return watts;
  const auto joules = row.Counter("joules");
  if (!joules || !(row.time_s > 0)) return std::nullopt;
  return *joules / row.time_s;
}

std::optional<double> WattsErr(const Row& row) {
  const auto watts = Watts(row);
  const auto joules = row.Counter("joules");
  const auto err = row.Counter("joules_err");
  if (!watts || !joules || !err || !(*joules > 0)) return std::nullopt;
  return *watts * *err / *joules;
}

std::optional<double> ClockHz(const Row& row) {
  const auto giga = row.Counter("clock_GHz");
  if (!giga) return std::nullopt;
  return *giga * 1e9;
}

BackendThreads BackendThreadsOf(const Address& address) {
  return {address.backend, static_cast<int>(address.CaseNumber("threads").value_or(1))};
}

class Gatherer {
 public:
  CeilingRows Gather(std::span<const Results* const> files) {
    for (const Results* file : files) Collect(*file);
    for (const std::string& name : order_) Take(groups_[name]);
    for (auto& [place, by_footprint] : level_rates_) {
      for (const auto& [footprint_byte, rates] : by_footprint) {
        rows_.levels[place].push_back({footprint_byte, *Median(rates)});
      }
    }
    for (auto& [place, sweeps] : rows_.sweeps) {
      for (auto& [key, points] : sweeps) {
        std::stable_sort(points.begin(), points.end(),
                         [](const IntensityPoint& a, const IntensityPoint& b) {
                           return a.flop_per_byte < b.flop_per_byte;
                         });
      }
    }
    return std::move(rows_);
  }

 private:
  void Remark(const std::string& row, const std::string& why) {
    rows_.remarks.push_back(fmt::format("{}: {}", row, why));
  }

  void Collect(const Results& file) {
    const std::vector<std::string> meters = MetersOf(file.machine);
    if (meters_.empty()) meters_ = meters;
    const bool same_meters = meters == meters_;
    bool has_other_joules = false;
    for (const Row& row : file.rows) {
      if (!row.address || row.address->fixture != "ceiling" || Rank(row) > 2) continue;
      RunsOfRow& group = groups_[row.name];
      if (group.first == nullptr) {
        group.first = &row;
        order_.push_back(row.name);
      }
      if (!row.error.empty()) continue;
      if (!group.runs.empty() && Rank(row) != Rank(*group.runs.front())) {
        if (Rank(row) > Rank(*group.runs.front())) continue;
        group.runs.clear();
        group.metered.clear();
      }
      group.runs.push_back(&row);
      if (same_meters) group.metered.push_back(&row);
      has_other_joules = has_other_joules || (!same_meters && Watts(row));
    }
    if (has_other_joules) {
      Remark(file.path.substr(file.path.find_last_of('/') + 1),
             fmt::format("its joules are of {}, not of {} as those before, and are not used",
                         fmt::join(meters, " and "), fmt::join(meters_, " and ")));
    }
  }

  void Take(const RunsOfRow& group) {
    const Row& first = *group.first;
    if (group.runs.empty()) return Remark(first.name, first.error);
    const std::string& subject = first.address->subject;
    if (subject == "peak") return TakePeak(group);
    if (subject == "read") return TakeRead(group);
    if (subject == "levels") return TakeLevels(group);
    if (subject == "intensity") return TakeIntensity(group);
    // write, copy, triad: no reads, so they are nobody's bandwidth here.
  }

  void TakePeak(const RunsOfRow& group) {
    const Address& address = *group.first->address;
    const Runs runs = Values(group.runs, [](const Row& row) { return row.FlopPerS(); });
    if (runs.empty()) return Remark(group.first->name, "it has no TFLOPS");
    rows_.peaks[BackendThreadsOf(address)][address.format] = runs;
  }

  void TakeRead(const RunsOfRow& group) {
    const Address& address = *group.first->address;
    const Runs runs = Values(group.runs, [](const Row& row) { return row.BytePerS(); });
    const std::optional<double> kib = address.CaseNumber("kb");
    if (!kib || !(*kib > 0)) return Remark(group.first->name, "its name has no footprint, kb:");
    if (runs.empty()) return Remark(group.first->name, "it has no GB/s");
    rows_.reads[BackendThreadsOf(address)][*kib * 1024] = runs;
  }

  void TakeLevels(const RunsOfRow& group) {
    auto& rates = level_rates_[BackendThreadsOf(*group.first->address)];
    bool any = false;
    for (const Row* run : group.runs) {
      for (const auto& [counter, value] : run->counters) {
        if (counter.rfind(kLevelPoint, 0) != 0 || !(value > 0)) continue;
        const double byte = std::strtod(counter.c_str() + std::string(kLevelPoint).size(), nullptr);
        if (!(byte > 0)) continue;
        rates[byte].push_back(value * 1e9);
        any = true;
      }
    }
    if (!any) Remark(group.first->name, "it has no points of its sweep (GB/s@byte:)");
  }

  void TakeIntensity(const RunsOfRow& group) {
    const Address& address = *group.first->address;
    const std::optional<double> kib = address.CaseNumber("kb");
    const std::optional<double> told = address.CaseNumber("flop_per_byte");
    if (!kib || !(*kib > 0) || !told || !(*told > 0)) {
      return Remark(group.first->name, "its name has no kb: or no flop_per_byte:");
    }
    std::vector<const Row*> runs;
    std::string failed;
    for (const Row* run : group.runs) {
      const std::string gate = FailedGate(run->counters);
      if (gate.empty()) runs.push_back(run);
      if (!gate.empty() && failed.empty()) failed = gate;
    }
    IntensityPoint point;
    if (runs.empty()) {
      point.not_used = failed;
      runs = group.runs;
    }
    const auto speed = MedianOf(runs, [](const Row& row) { return row.FlopPerS(); });
    if (!speed) return Remark(group.first->name, "it has no TFLOPS");
    point.row = group.first->name;
    // The name's where the counts agree with it: TFLOPS over GB/s is that but for rounding.
    const auto counted = MedianOf(runs, [](const Row& row) { return row.Intensity(); });
    point.flop_per_byte = counted && std::abs(*counted / *told - 1) > 1e-6 ? *counted : *told;
    point.flop_per_s = *speed;
    point.clock_hz = MedianOf(runs, ClockHz);
    std::vector<const Row*> metered;
    for (const Row* run : runs) {
      const auto& all = group.metered;
      if (std::find(all.begin(), all.end(), run) != all.end()) metered.push_back(run);
    }
    point.watts = MedianOf(metered, Watts);
    point.watts_err = MedianOf(metered, WattsErr);
    rows_.sweeps[BackendThreadsOf(address)][{address.format, *kib * 1024}].push_back(
        std::move(point));
  }

  CeilingRows rows_;
  std::vector<std::string> meters_;
  std::vector<std::string> order_;
  std::map<std::string, RunsOfRow> groups_;
  std::map<BackendThreads, std::map<double, Runs>> level_rates_;
};

}  // namespace

CeilingRows GatherCeilingRows(std::span<const Results* const> files) {
  return Gatherer().Gather(files);
}

std::vector<std::string> MetersOf(const Machine& machine) {
  std::vector<std::string> meters;
  for (const MeterNote& meter : machine.meters) {
    if (meter.in_total.empty()) continue;
    std::string text =
        meter.scope.empty() ? meter.name : fmt::format("{} ({})", meter.name, meter.scope);
    if (std::find(meters.begin(), meters.end(), text) == meters.end()) {
      meters.push_back(std::move(text));
    }
  }
  return meters;
}

}  // namespace wattline::roofline
