// When a measured point of a sweep may be used. One place, for who measures and who fits.
#pragma once

#include <map>
#include <string>

namespace wattline::roofline {

// Counters that rows of ceiling/intensity carry, and their limits:
//   doubling  median of (time of doubled work / time of the work); 2 +- kDoublingShare (samples.h)
//   spread    standard error of the median, 1.2533 CV / sqrt(n), over the point's samples
//   drift     |median of the last third / median of the first third - 1|
// The limits are those of igpu-roofline's METHODOLOGY.md.
inline constexpr double kMostSpread = 0.03;
inline constexpr double kMostDrift = 0.05;

// Of rows that are no sweep: doubled work takes at least this many times as long. A time f + w with
// a fixed cost f becomes f + 2 w; below 1.5 the larger part is f: a launch, or the mere description
// of work that nobody waits for, where a library is lazy.
inline constexpr double kLeastDoubling = 1.5;
// What to say of such a row, "twice the work took 1.02 times as long: ..."; else empty.
std::string NotTimed(double doubling);

// One sentence for the first gate that these counters fail, "drift 7 % is above 5 %"; empty where
// all pass. A gate whose counter is missing is not failed.
std::string FailedGate(const std::map<std::string, double>& counters);

}  // namespace wattline::roofline
