// Where the bytes of a working set come from: the found level that holds it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "roofline/fit.h"
#include "roofline/result.h"

namespace wattline::roofline {

struct Placed {
  std::string level;  // empty: it cannot be told
  // How far inside its level the footprint lies: the logarithm of the factor to the nearer end;
  // negative between two levels.
  double clearness = 0;
  std::string remark;  // why the level is doubtful, or untold: one sentence; else empty
};

// Where `levels`, those of one backend and number of threads in order, hold it resolved, theirs;
// else that of the smallest told cache that is large enough: the first two levels per thread,
// further ones shared by all threads. Larger than all: DRAM. `caches` are the CPU's; empty for
// other devices.
Placed PlaceFootprint(double footprint_byte, int threads, std::span<const LevelFit> levels,
                      std::span<const CacheNote> caches);

// Of the footprints in each level the one that lies furthest inside it; the others, and those whose
// level is doubtful or untold, in remarks.
struct ClearestFootprints {
  std::map<std::string, double> byte;  // by level
  std::vector<std::string> remarks;
};
ClearestFootprints FindClearest(std::span<const double> footprints_byte, int threads,
                                std::span<const LevelFit> levels,
                                std::span<const CacheNote> caches);

// "512 KiB", "16 MiB".
std::string SizeText(double byte);

}  // namespace wattline::roofline
