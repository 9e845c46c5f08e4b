// From what was measured to the counters of a row: arithmetic only, so that it can be tested.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "benchmarks/ceilings.h"
#include "benchmarks/ground.h"
#include "benchmarks/probe.h"
#include "energy/idle.h"
#include "energy/meter.h"

namespace wattline::benchmarks {

// The ceiling that a row's operations are held against.
enum class Peak : uint8_t { kNone, kF32, kF16, kBF16, kInt8 };

// What one iteration does.
struct Counts {
  double flop = 0;          // algorithmic operations; a multiply-add counts 2
  double byte = 0;          // compulsory bytes
  Peak peak = Peak::kNone;  // MFU = TFLOPS over this ceiling; kNone: no MFU
  bool streams = false;     // its bytes come from memory, so that MBU means something
  int64_t tokens = 0;       // of all sequences; 0: no tok/s
  int64_t steps = 0;        // decode steps: TPOT_ms = time / steps; 0: none
  energy::Parts runs_on = energy::kCpuPart;  // whose joules are the row's
  bool first_token = false;                  // prefill: TTFT_ms = time of one iteration
  std::map<std::string, double> more = {};   // counters of the fixture's own
};

// What was observed around and during one call of the row.
struct Observed {
  Measured measured;
  std::optional<Ground> before;
  std::optional<Ground> after;
  std::optional<energy::IdlePower> idle_before;
  std::optional<energy::IdlePower> idle_after;
  std::optional<double> power_cap_w;  // the most that the row's watts may be
  std::optional<double> peak_byte;    // resident, above what the program held before its first row
  std::optional<double> huge_share;   // of the program's memory in huge pages, after the row
};

// A fraction of a ceiling above this disproves the ceiling, not physics: the row used a unit that
// no ceiling was measured for (oneDNN on AMX: 6 times the AVX-512 peak), or the ground moved
// between its probes. 5 % are left for the clock and the probes' own scatter.
inline constexpr double kMostFraction = 1.05;

// Every counter but those of energy that SetEnergyCounters() sets. Absent where its inputs are;
// never a NaN or an infinity. MFU, MBU and MBU_ceiling are absent too where they pass
// kMostFraction.
//   MBU  = GB/s over the mean of the two ground probes' read bandwidth, or where there is none,
//          over the ceiling's
//   EDP  = joules x seconds of one iteration
//   net_joules = joules - idle_watts x seconds of one iteration, where idle_watts is the mean of
//          those before and after; net_joules_err = joules_err + half the difference of the two,
//          and their own bounds, x seconds
std::map<std::string, double> CountersOf(const Counts& counts, const Observed& observed,
                                         const MeasuredCeilings& ceilings);

// What to remark where MFU or MBU is absent for that reason; else empty.
std::string AboveCeiling(const Counts& counts, const Observed& observed,
                         const MeasuredCeilings& ceilings);

}  // namespace wattline::benchmarks
