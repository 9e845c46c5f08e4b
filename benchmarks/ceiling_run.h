// Timing the ceilings' kernels and finding the best of several.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/ceiling/ceiling_work.h"
#include "kernels/ceiling/intensity_work.h"
#include "roofline/samples.h"

namespace wattline::benchmarks {

// One way to reach a ceiling: does `units` of its work (steps, or passes) on all threads.
struct Candidate {
  std::string kernel;   // "avx512 vdpbf16ps zmm x24"
  double per_unit = 0;  // operations or bytes of one unit, all threads
  std::function<void(int64_t units)> run;
};

// All kernels of this CPU for one ceiling, of the instruction set `isa` only where it is not empty.
std::vector<Candidate> PeakCandidates(kernels::PeakFormat format, kernels::ThreadPool& pool,
                                      std::string_view isa = {});
std::vector<Candidate> StreamCandidates(kernels::StreamKind kind,
                                        const kernels::StreamBuffer& buffer, int64_t footprint_byte,
                                        kernels::ThreadPool& pool, std::string_view isa = {});
// A unit is a step of the shape, its work operations.
std::vector<Candidate> IntensityCandidates(kernels::IntensityBuffer& buffer,
                                           const kernels::IntensityShape& shape,
                                           kernels::ThreadPool& pool, std::string_view isa = {});

// Units that take about `target_s`, at least 1; a run of one unit may take longer.
int64_t UnitsFor(const Candidate& candidate, double target_s);

struct Contest {
  double trial_s = 0.01;  // each candidate's first trials, the better of two counts
  double final_s = 0.01;  // each repetition of the best ones
  size_t finalists = 3;
  int repetitions = 5;  // in turn, every other round in reverse order
};

struct Winner {
  size_t index = 0;
  int64_t units = 0;  // that take about final_s
  roofline::Best best;
};

// Tries all, repeats the best ones. Absent without candidates.
std::optional<Winner> Compete(const std::vector<Candidate>& candidates, const Contest& contest);

// Times the winner's work and its double in turn, `rounds` times.
std::vector<roofline::Doubling> DoubleWork(const Candidate& candidate, int64_t units, int rounds);

// The counters "doubling", "spread" and "drift" of roofline/gates.h. A pair's sample is the time of
// its three works. Absent where the pairs are too few: one for doubling, two for spread, three for
// drift.
std::map<std::string, double> GateCounters(std::span<const roofline::Doubling> pairs);
// The same of new samples. 21 rounds of 2 ms and 4 ms take an eighth of a second; a single sample
// of twice the others' time is then a spread of 5 %, one of 1.5 times 3 %.
inline constexpr int kGateRounds = 21;
std::map<std::string, double> MeasureGates(const Candidate& candidate, int64_t units,
                                           int rounds = kGateRounds);

struct Gated {
  std::map<std::string, double> counters;
  std::string failed;  // roofline::FailedGate of them
  // "avx512 vfmadd231ps zmm", or behind it "; not used: drift 7 % is above 5 %".
  std::string Label(const std::string& kernel) const;
};
// A gate that fails is tried once more, since a short disturbance is no property of the machine;
// the second outcome stands.
Gated PassGates(const Candidate& candidate, int64_t units, int rounds = kGateRounds);

}  // namespace wattline::benchmarks
