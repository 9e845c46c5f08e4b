// Which limits of its machine a row is held against.
#pragma once

#include <optional>
#include <string>

#include "roofline/fit.h"
#include "roofline/footprints.h"
#include "roofline/result.h"

namespace wattline::roofline {

struct Stand {
  std::string level;             // whose bandwidth: "DRAM", or where a ceiling row's footprint lies
  bool streams = false;          // its bytes are known to come from that level
  std::optional<Roof> roof;      // absent where there is no peak or no bandwidth
  std::optional<RoofKey> key;    // of the roof, or of what there is of it
  std::optional<Interval> peak;  // FLOP/s of its arithmetic
  std::optional<Interval> byte_per_s;  // of the level
  std::string why_not;                 // why one of them is absent: one sentence
};

// Arithmetic: ArithmeticOf(). Backend: the row's own, or on a CPU the backend `cpu`, whose ceilings
// hold for every library there, but for Accelerate's products: it has bandwidth and no peak.
// Threads: the row's case `threads`, else the file's, else those of the machine's largest roof;
// other devices than CPUs have none. Level: where PlaceFootprint() sees the footprint kb:K of a
// ceiling row, else DRAM. A level without a roof of its own gets a straight one from the format's
// peak and the level's read rate.
Stand StandOf(const Row& row, const Machine& told, const MachineFit& machine);

// Of a row of fixture `ceiling` with a footprint; nothing is known of other rows.
Placed PlaceOf(const Row& row, const Machine& told, const MachineFit& machine);

}  // namespace wattline::roofline
