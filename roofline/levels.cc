#include "roofline/levels.h"

#include <fmt/format.h>

#include <algorithm>

#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

// Points [first, last] of the sorted sweep.
struct PointRange {
  size_t first = 0;
  size_t last = 0;
};

std::vector<SweepPoint> SortedSweep(std::span<const SweepPoint> sweep) {
  std::vector<SweepPoint> points(sweep.begin(), sweep.end());
  std::sort(points.begin(), points.end(), [](const SweepPoint& a, const SweepPoint& b) {
    return a.footprint_byte < b.footprint_byte;
  });
  return points;
}

// The rates without single outliers (median of the nearest three) and without rises: what a larger
// footprint reaches, a smaller one can reach too, so a dip is a disturbance and not a level.
std::vector<double> Envelope(const std::vector<SweepPoint>& points) {
  const size_t count = points.size();
  std::vector<double> rates(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t from = std::min(i == 0 ? 0 : i - 1, count < 3 ? 0 : count - 3);
    std::vector<double> near;
    for (size_t j = from; j < std::min(from + 3, count); ++j) near.push_back(points[j].byte_per_s);
    rates[i] = *Median(near);
  }
  for (size_t i = count; i-- > 1;) rates[i - 1] = std::max(rates[i - 1], rates[i]);
  return rates;
}

double FootprintFactor(const std::vector<SweepPoint>& points, PointRange run) {
  return points[run.last].footprint_byte / points[run.first].footprint_byte;
}

bool IsPlateau(const std::vector<SweepPoint>& points, PointRange run) {
  return run.last - run.first + 1 >= kPlateauPoints && FootprintFactor(points, run) >= kPlateauSpan;
}

// The widest plateau inside [first, last], then those left and right of it.
void Plateaus(const std::vector<SweepPoint>& points, const std::vector<double>& rates,
              PointRange within, std::vector<PointRange>& found) {
  std::optional<PointRange> widest;
  for (size_t first = within.first; first <= within.last; ++first) {
    PointRange run{first, first};
    while (run.last < within.last && rates[run.last + 1] >= rates[first] * (1 - kPlateauFall)) {
      ++run.last;
    }
    if (IsPlateau(points, run) &&
        (!widest || FootprintFactor(points, run) > FootprintFactor(points, *widest))) {
      widest = run;
    }
  }
  if (!widest) return;
  if (widest->first > within.first) {
    Plateaus(points, rates, {within.first, widest->first - 1}, found);
  }
  found.push_back(*widest);
  if (widest->last < within.last) {
    Plateaus(points, rates, {widest->last + 1, within.last}, found);
  }
}

double Rate(const std::vector<SweepPoint>& points, PointRange run) {
  std::vector<double> rates;
  for (size_t i = run.first; i <= run.last; ++i) rates.push_back(points[i].byte_per_s);
  return *Median(rates);
}

std::vector<PointRange> MergedPlateaus(const std::vector<SweepPoint>& points,
                                       const std::vector<PointRange>& runs) {
  std::vector<PointRange> merged;
  for (const PointRange& run : runs) {
    if (!merged.empty() && Rate(points, merged.back()) < kLevelFactor * Rate(points, run)) {
      merged.back().last = run.last;
    } else {
      merged.push_back(run);
    }
  }
  return merged;
}

std::string Size(double byte) {
  constexpr double kMiB = 1024.0 * 1024.0;
  return byte < kMiB ? fmt::format("{:.0f} KiB", byte / 1024)
                     : fmt::format("{:.0f} MiB", byte / kMiB);
}

}  // namespace

std::vector<Level> FindLevels(std::span<const SweepPoint> sweep) {
  if (sweep.empty()) return {};
  const std::vector<SweepPoint> points = SortedSweep(sweep);
  const size_t last_point = points.size() - 1;
  std::vector<PointRange> runs;
  Plateaus(points, Envelope(points), {0, last_point}, runs);
  runs = MergedPlateaus(points, runs);

  std::vector<Level> levels;
  double covered_byte = points.front().footprint_byte;
  for (const PointRange& run : runs) {
    Level level;
    level.from_byte = points[run.first].footprint_byte;
    level.to_byte = points[run.last].footprint_byte;
    if (level.from_byte >= kHiddenSpan * covered_byte) {
      levels.push_back({fmt::format("L{}", levels.size() + 1), covered_byte, level.from_byte,
                        std::nullopt,
                        fmt::format("the bandwidth falls without a plateau from {} to {}",
                                    Size(covered_byte), Size(level.from_byte))});
    }
    level.name = run.last == last_point ? "DRAM" : fmt::format("L{}", levels.size() + 1);
    level.byte_per_s = Rate(points, run);
    covered_byte = level.to_byte;
    levels.push_back(std::move(level));
  }
  if (runs.empty() || runs.back().last != last_point) {
    levels.push_back({"DRAM", covered_byte, points.back().footprint_byte, std::nullopt,
                      fmt::format("the bandwidth still falls at {}, the largest working set",
                                  Size(points.back().footprint_byte))});
  }
  return levels;
}

}  // namespace wattline::roofline
