#include "roofline/plot_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace wattline::roofline {
namespace {

bool Has(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}
bool Wanted(const std::vector<std::string>& list, const std::string& value) {
  return list.empty() || Has(list, value);
}
void Note(std::vector<std::string>& list, const std::string& value) {
  if (!value.empty() && !Has(list, value)) list.push_back(value);
}

bool SameButThreads(const RoofKey& a, const RoofKey& b) {
  return std::tie(a.format, a.backend, a.level) == std::tie(b.format, b.backend, b.level);
}

bool IsPositiveFinite(const std::optional<double>& value) {
  return value && std::isfinite(*value) && *value > 0;
}

// A roof that cannot be drawn on logarithmic axes is no roof.
bool Drawable(const Roof& roof) {
  return IsPositiveFinite(roof.peak_flop_per_s.value) && IsPositiveFinite(roof.byte_per_s.value);
}

bool IsDrawn(const MachineFit& machine, const Roof& roof, const std::vector<PlotPoint>& points,
             size_t chip) {
  const auto used = [&](const Roof& other) {
    return std::any_of(points.begin(), points.end(), [&](const PlotPoint& p) {
      return p.chip == chip && p.judged.roof && SameKey(*p.judged.roof, other.key);
    });
  };
  if (used(roof)) return true;
  return std::none_of(machine.roofs.begin(), machine.roofs.end(), [&](const Roof& other) {
    if (&other == &roof || !SameButThreads(other.key, roof.key) || !Drawable(other)) return false;
    return used(other) || other.peak_flop_per_s.value > roof.peak_flop_per_s.value ||
           (other.peak_flop_per_s.value == roof.peak_flop_per_s.value && &other < &roof);
  });
}

bool PointWanted(const Judged& row, const PlotOptions& options) {
  const bool format =
      Wanted(options.formats, row.format) || (row.roof && Has(options.formats, row.roof->format));
  return format && (!row.roof || Wanted(options.levels, row.roof->level));
}

void AddPoints(const MachineFit& machine, size_t chip, std::span<const Judged> rows,
               const PlotOptions& options, PlotModel& model) {
  for (const Judged& row : rows) {
    if (row.chip != machine.chip || row.fixture == "ceiling" || !PointWanted(row, options)) {
      continue;
    }
    PlotPoint point = {.chip = chip, .judged = row};
    if (IsPositiveFinite(row.flop_per_byte) && IsPositiveFinite(row.flop_per_s)) {
      point.number = static_cast<int>(model.points.size()) + 1;
      model.points.push_back(std::move(point));
    } else {
      if (row.remark.empty()) {
        point.judged.remark = IsPositiveFinite(row.flop_per_s) ? "its bytes are not counted"
                                                               : "it counts no operations";
      }
      model.unplaced.push_back(std::move(point));
    }
  }
}

// The fit names what it dropped as "row: reason".
std::vector<IntensityPoint> EnergyPoints(const EnergyFit& energy) {
  std::vector<IntensityPoint> points = energy.points;
  for (IntensityPoint& point : points) {
    for (const std::string& dropped : energy.dropped) {
      const std::string row = point.row + ": ";
      if (dropped.rfind(row, 0) == 0) point.not_used = dropped.substr(row.size());
    }
  }
  return points;
}

void AddRoofs(const MachineFit& machine, size_t chip, const PlotOptions& options,
              PlotModel& model) {
  for (const Roof& roof : machine.roofs) {
    if (!Wanted(options.formats, roof.key.format) || !Wanted(options.levels, roof.key.level) ||
        !Drawable(roof) || !IsDrawn(machine, roof, model.points, chip)) {
      continue;
    }
    PlotRoof drawn = {.chip = chip, .roof = roof, .energy = {}, .energy_points = {}};
    if (const EnergyFit* energy = FindEnergy(machine, roof.key)) {
      drawn.energy = energy->coefficients;
      drawn.energy_points = EnergyPoints(*energy);
      if (energy->coefficients && !energy->caution.empty()) {
        model.remarks.push_back(fmt::format("energy roof of {} {} on {}: {}", roof.key.format,
                                            roof.key.level, machine.chip, energy->caution));
      }
      if (!energy->coefficients && !energy->refused.empty()) {
        model.remarks.push_back(fmt::format("no energy roof of {} {} on {}: {}", roof.key.format,
                                            roof.key.level, machine.chip, energy->refused));
      }
    }
    model.roofs.push_back(std::move(drawn));
  }
}

// "L1", "L2" ... before "DRAM", whatever order the fit has.
bool NearerLevel(const std::string& a, const std::string& b) {
  return std::tuple(a == "DRAM", a) < std::tuple(b == "DRAM", b);
}

std::string Listed(const Fit& fit, std::string RoofKey::*what) {
  std::vector<std::string> found;
  for (const MachineFit& machine : fit.machines) {
    for (const Roof& roof : machine.roofs) Note(found, roof.key.*what);
  }
  return found.empty() ? "none" : fmt::format("{}", fmt::join(found, ", "));
}

std::string WhyEmpty(const Fit& fit, const PlotOptions& options) {
  for (const std::string& format : options.formats) {
    const std::string there = Listed(fit, &RoofKey::format);
    return fmt::format("no roof of format {}; the fit has {}", format, there);
  }
  for (const std::string& level : options.levels) {
    const std::string there = Listed(fit, &RoofKey::level);
    return fmt::format("no roof of level {}; the fit has {}", level, there);
  }
  return "the fit has no roof; `roofline fit` needs rows of fixture ceiling";
}

}  // namespace

bool PlotModel::HasEnergy() const {
  return std::any_of(roofs.begin(), roofs.end(),
                     [](const PlotRoof& r) {
                       return r.energy ||
                              std::any_of(r.energy_points.begin(), r.energy_points.end(),
                                          [](const IntensityPoint& p) {
                                            return IsPositiveFinite(p.watts);
                                          });
                     }) ||
         std::any_of(points.begin(), points.end(),
                     [](const PlotPoint& p) { return IsPositiveFinite(p.judged.flop_per_joule); });
}

PlotModelResult MakePlotModel(const Fit& fit, std::span<const Judged> rows,
                              std::span<const std::string> sources, const PlotOptions& options) {
  PlotModel model;
  model.title = options.title;
  for (const std::string& source : sources) Note(model.sources, source);
  std::vector<std::string> all;
  for (const MachineFit& machine : fit.machines) {
    all.push_back(machine.chip);
    if (machine.chip.find(options.machine) == std::string::npos &&
        machine.chip_slug.find(options.machine) == std::string::npos) {
      continue;
    }
    const size_t chip = model.chips.size();
    model.chips.push_back(machine.chip);
    AddPoints(machine, chip, rows, options, model);
    AddRoofs(machine, chip, options, model);
  }
  if (model.chips.empty()) {
    return {{},
            fmt::format("no machine '{}'; the fit has {}", options.machine,
                        all.empty() ? "none" : fmt::format("{}", fmt::join(all, ", ")))};
  }
  if (model.roofs.empty()) return {{}, WhyEmpty(fit, options)};
  for (const PlotRoof& roof : model.roofs) {
    Note(model.formats, roof.roof.key.format);
    Note(model.levels, roof.roof.key.level);
  }
  std::sort(model.levels.begin(), model.levels.end(), NearerLevel);
  for (const PlotPoint& point : model.points) {
    Note(model.formats, point.judged.format);
    Note(model.fixtures, point.judged.fixture);
  }
  return {std::move(model), ""};
}

std::string PlotTitle(const PlotModel& model, bool energy) {
  if (!model.title.empty()) return model.title;
  std::string title = fmt::format("{}{} of {}", energy ? "Energy roofline" : "Roofline",
                                  model.chips.size() > 1 ? "s" : "", fmt::join(model.chips, ", "));
  // The chip is that of the machine; roofs of a device in it say so.
  const std::string& backend = model.roofs[0].roof.key.backend;
  const bool one = std::all_of(model.roofs.begin(), model.roofs.end(), [&](const PlotRoof& roof) {
    return roof.roof.key.backend == backend;
  });
  if (one && backend != "cpu") title += fmt::format(" (backend {})", backend);
  return title;
}

double RoofSpeed(const PlotRoof& roof, double flop_per_byte) {
  return Attainable(roof.roof, flop_per_byte);
}

std::optional<double> RoofEfficiency(const PlotRoof& roof, double flop_per_byte) {
  if (!roof.energy) return std::nullopt;
  const double joule =
      JoulePerFlop(*roof.energy, flop_per_byte, Attainable(roof.roof, flop_per_byte));
  if (!std::isfinite(joule) || joule <= 0) return std::nullopt;
  return 1 / joule;
}

}  // namespace wattline::roofline
