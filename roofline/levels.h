// Finds the levels of the memory in a sweep of bandwidth over the working set: sizes of caches are
// found, not believed.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace wattline::roofline {

struct SweepPoint {
  double footprint_byte = 0;
  double byte_per_s = 0;
};

// A plateau of the sweep, between two of its points.
struct Level {
  std::string name;  // "L1", "L2" ... by count; the one that reaches the largest footprint, "DRAM"
  double from_byte = 0;
  double to_byte = 0;                // the level holds at least this much
  std::optional<double> byte_per_s;  // median of the plateau; absent where unresolved
  std::string unresolved;            // why, in one sentence; else empty
};

// A plateau falls by less than this share from its first to its last point ...
inline constexpr double kPlateauFall = 0.18;
// ... covers at least this factor of footprint, and this many points.
inline constexpr double kPlateauSpan = 2.0;
inline constexpr size_t kPlateauPoints = 3;
// Neighbouring plateaus nearer than this factor are one level.
inline constexpr double kLevelFactor = 1.25;
// A slope without a plateau over this factor of footprint may hide a level.
inline constexpr double kHiddenSpan = 8.0;

// `sweep` in any order, one rate per footprint; its largest footprint should be far beyond every
// cache. The last level is always "DRAM"; unresolved where the rate still falls at the end, as on a
// virtual machine whose share of a large cache is taken by others bit by bit.
std::vector<Level> FindLevels(std::span<const SweepPoint> sweep);

}  // namespace wattline::roofline
