#include "benchmarks/ceiling_run.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "kernels/seconds.h"
#include "roofline/gates.h"

namespace wattline::benchmarks {
namespace {

using kernels::CeilingKernels;
using kernels::PeakWork;
using kernels::StreamWork;

double Rate(const Candidate& candidate, int64_t units) {
  const double elapsed_s = kernels::Seconds([&] { candidate.run(units); });
  return candidate.per_unit * static_cast<double>(units) / elapsed_s;
}

bool Takes(const CeilingKernels& isa, std::string_view only) {
  return kernels::IsPartOf(isa, only) && isa.why_not().empty();
}

// Parked threads wake, and virtual CPUs that their host had put aside come back. Without it, after
// a row of one thread, the first milliseconds of 16 threads were barriers of 0.2 ms each: every
// candidate got a single unit of work, and the ceiling came out at a twentieth.
void WarmUp(const Candidate& candidate) {
  constexpr double kWarmUpS = 0.03;
  for (double elapsed_s = 0; elapsed_s < kWarmUpS;) {
    elapsed_s += kernels::Seconds([&] { candidate.run(1); });
  }
}

// Standard error of the samples' median over their mean, as if they were normally distributed.
std::optional<double> ErrorOfMedian(std::span<const double> samples) {
  if (samples.size() < 2) return std::nullopt;
  const auto count = static_cast<double>(samples.size());
  const double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
  double squares = 0;
  for (double sample : samples) squares += (sample - mean) * (sample - mean);
  return 1.2533 * std::sqrt(squares / (count - 1)) / mean / std::sqrt(count);
}

// How far the last third's median is from that of the first.
std::optional<double> Drift(std::span<const double> samples) {
  const size_t third = samples.size() / 3;
  const std::optional<double> first = roofline::Median(samples.first(third));
  const std::optional<double> last = roofline::Median(samples.last(third));
  if (!first || !last) return std::nullopt;
  return std::abs(*last / *first - 1);
}

std::string KernelName(std::string_view isa, const char* name) {
  return std::string(isa) + " " + name;
}

}  // namespace

std::vector<Candidate> PeakCandidates(kernels::PeakFormat format, kernels::ThreadPool& pool,
                                      std::string_view only) {
  std::vector<Candidate> candidates;
  for (const CeilingKernels& isa : kernels::AllCeilingKernels()) {
    if (!Takes(isa, only)) continue;
    for (const kernels::PeakKernel& kernel : isa.peaks) {
      if (kernel.format != format) continue;
      auto work = std::make_shared<PeakWork>(kernel, pool);
      work->SetSteps(1);
      candidates.push_back({KernelName(isa.isa, kernel.name), work->Op(), [work](int64_t units) {
                              work->SetSteps(units);
                              work->Run();
                            }});
    }
  }
  return candidates;
}

std::vector<Candidate> StreamCandidates(kernels::StreamKind kind,
                                        const kernels::StreamBuffer& buffer, int64_t footprint_byte,
                                        kernels::ThreadPool& pool, std::string_view only) {
  std::vector<Candidate> candidates;
  for (const CeilingKernels& isa : kernels::AllCeilingKernels()) {
    if (!Takes(isa, only)) continue;
    for (const kernels::StreamKernel& kernel : isa.streams) {
      if (kernel.kind != kind) continue;
      auto work = std::make_shared<StreamWork>(kernel, buffer, footprint_byte, pool);
      work->SetPasses(1);
      candidates.push_back({KernelName(isa.isa, kernel.name), work->Byte(), [work](int64_t units) {
                              work->SetPasses(units);
                              work->Run();
                            }});
    }
  }
  return candidates;
}

std::vector<Candidate> IntensityCandidates(kernels::IntensityBuffer& buffer,
                                           const kernels::IntensityShape& shape,
                                           kernels::ThreadPool& pool, std::string_view only) {
  std::vector<Candidate> candidates;
  for (const CeilingKernels& isa : kernels::AllCeilingKernels()) {
    if (!Takes(isa, only)) continue;
    for (const kernels::IntensityKernel& kernel : isa.intensities) {
      if (kernel.format != buffer.format()) continue;
      auto work = std::make_shared<kernels::IntensityWork>(kernel, buffer, shape, pool);
      work->SetSteps(1);
      candidates.push_back({KernelName(isa.isa, kernel.name), work->Flop(), [work](int64_t units) {
                              work->SetSteps(units);
                              work->Run();
                            }});
    }
  }
  return candidates;
}

int64_t UnitsFor(const Candidate& candidate, double target_s) {
  constexpr int64_t kMostUnits = int64_t{1} << 30;
  // The faster of two: one interruption must not pass for work.
  const auto fastest = [&candidate](int64_t units) {
    const double first_s = kernels::Seconds([&] { candidate.run(units); });
    return std::min(first_s, kernels::Seconds([&] { candidate.run(units); }));
  };
  int64_t units = 1;
  double elapsed_s = fastest(units);
  // From a tenth of the target on, the time is in proportion.
  // Work whose time does not grow was not done: DoubleWork() tells.
  while (elapsed_s < target_s / 10 && units < kMostUnits) {
    units *= 8;
    elapsed_s = fastest(units);
  }
  const double scaled = static_cast<double>(units) * target_s / elapsed_s;
  return std::max<int64_t>(1, std::llround(scaled));
}

std::optional<Winner> Compete(const std::vector<Candidate>& candidates, const Contest& contest) {
  if (candidates.empty()) return std::nullopt;
  WarmUp(candidates.front());
  std::vector<double> first_rates;
  for (const Candidate& candidate : candidates) {
    const int64_t units = UnitsFor(candidate, contest.trial_s);
    first_rates.push_back(std::max(Rate(candidate, units), Rate(candidate, units)));
  }
  const std::vector<size_t> finalists = roofline::TopCandidates(first_rates, contest.finalists);
  std::vector<int64_t> units;
  for (size_t index : finalists) {
    const double per_s = first_rates[index] / candidates[index].per_unit;
    units.push_back(std::max<int64_t>(1, std::llround(contest.final_s * per_s)));
  }
  std::vector<std::vector<double>> samples(finalists.size());
  for (int round = 0; round < contest.repetitions; ++round) {
    for (size_t i = 0; i < finalists.size(); ++i) {
      const size_t at = round % 2 == 0 ? i : finalists.size() - 1 - i;
      samples[at].push_back(Rate(candidates[finalists[at]], units[at]));
    }
  }
  const std::optional<roofline::Best> best = roofline::BestOf(samples);
  if (!best) return std::nullopt;
  return Winner{finalists[best->index], units[best->index], *best};
}

std::vector<roofline::Doubling> DoubleWork(const Candidate& candidate, int64_t units, int rounds) {
  std::vector<roofline::Doubling> pairs;
  for (int round = 0; round < rounds; ++round) {
    roofline::Doubling pair;
    pair.once_s = kernels::Seconds([&] { candidate.run(units); });
    pair.twice_s = kernels::Seconds([&] { candidate.run(2 * units); });
    pairs.push_back(pair);
  }
  return pairs;
}

std::map<std::string, double> GateCounters(std::span<const roofline::Doubling> pairs) {
  std::map<std::string, double> counters;
  const auto put = [&counters](const char* name, std::optional<double> value) {
    if (value && std::isfinite(*value)) counters[name] = *value;
  };
  put("doubling", roofline::DoublingRatio(pairs));
  std::vector<double> times_s;
  for (const roofline::Doubling& pair : pairs) times_s.push_back(pair.once_s + pair.twice_s);
  put("spread", ErrorOfMedian(times_s));
  put("drift", Drift(times_s));
  return counters;
}

std::map<std::string, double> MeasureGates(const Candidate& candidate, int64_t units, int rounds) {
  return GateCounters(DoubleWork(candidate, units, rounds));
}

std::string Gated::Label(const std::string& kernel) const {
  return failed.empty() ? kernel : kernel + "; not used: " + failed;
}

Gated PassGates(const Candidate& candidate, int64_t units, int rounds) {
  Gated gated;
  constexpr int kTries = 2;
  for (int i = 0; i < kTries; ++i) {
    gated.counters = MeasureGates(candidate, units, rounds);
    gated.failed = roofline::FailedGate(gated.counters);
    if (gated.failed.empty()) break;
  }
  return gated;
}

}  // namespace wattline::benchmarks
