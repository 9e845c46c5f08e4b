// What reading the meters costs the work that is measured: the same work with and without it.
#include <algorithm>
#include <memory>
#include <vector>

#include "benchmarks/ceiling_run.h"
#include "benchmarks/fixture.h"
#include "benchmarks/suite.h"
#include "energy/window.h"
#include "kernels/seconds.h"

namespace wattline::benchmarks {
namespace {

// As long as a loop of Google Benchmark's default least time.
constexpr double kWork_s = 0.5;
constexpr int kPairs = 11;

struct Pair {
  double cost = 0;    // time of the work with its meters read over that without, less 1
  double wait_s = 0;  // spent outside the work, for ticks before and after it
};

Pair RunPair(energy::Sampler& sampler, const Candidate& work, int64_t units, bool with_first) {
  const auto run = [&] { work.run(units); };
  Pair pair;
  double with_s = 0;
  double without_s = 0;
  const auto with = [&] {
    sampler.Hold(false);
    const double all_s = kernels::Seconds([&] {
      energy::Window window(&sampler);
      window.Begin();
      with_s = kernels::Seconds(run);
      window.End();
    });
    pair.wait_s = all_s - with_s;
  };
  const auto without = [&] {
    sampler.Hold(true);
    without_s = kernels::Seconds(run);
    sampler.Hold(false);
  };
  if (with_first) with();
  without();
  if (!with_first) with();
  pair.cost = with_s / without_s - 1;
  return pair;
}

double Quantile(const std::vector<Pair>& pairs, double Pair::*field, double q) {
  std::vector<double> values;
  for (const Pair& pair : pairs) values.push_back(pair.*field);
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

void Run(benchmark::State& state, Suite& suite) {
  if (!suite.sampler())
    return Skip(state, std::string(kSkipped) + "no meter works here, see --list-meters");
  const std::vector<Candidate> kernels =
      PeakCandidates(kernels::PeakFormat::kF32, suite.pool(), {});
  if (kernels.empty()) return Skip(state, "there is no such kernel for this CPU");
  const int64_t units = UnitsFor(kernels.front(), kWork_s);
  std::vector<Pair> pairs;
  for (auto _ : state) {
    for (int i = 0; i < kPairs; ++i) {
      pairs.push_back(RunPair(*suite.sampler(), kernels.front(), units, i % 2 == 0));
    }
  }
  state.counters["probe_cost"] = Quantile(pairs, &Pair::cost, 0.5);
  state.counters["probe_cost_q25"] = Quantile(pairs, &Pair::cost, 0.25);
  state.counters["probe_cost_q75"] = Quantile(pairs, &Pair::cost, 0.75);
  state.counters["probe_wait_ms"] = 1e3 * Quantile(pairs, &Pair::wait_s, 0.5);
}

}  // namespace

// Not in the default list: it is a question about the probe, not about the machine.
void RegisterProbeCost(Suite& suite) {
  Register(suite, "probe/cost/f32/cpu", [&suite](benchmark::State& state) { Run(state, suite); },
           {"probe"});
}

}  // namespace wattline::benchmarks
