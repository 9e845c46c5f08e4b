// A benchmark of another project, three lines of which give it joules: the include and two marked
// ones.
#include <benchmark/benchmark.h>
#include <wattline/benchmarks/probe.h>
// The same header under its own name: it must not be there twice.
#include "benchmarks/probe.h"

#include <vector>

static void Sum(benchmark::State& state) {
  const std::vector<double> values(1 << 16, 0.5);
  wattline::benchmarks::ProbedLoop loop(state);  // joules
  for (auto _ : loop) {
    double sum = 0;
    for (const double value : values) sum += value;
    benchmark::DoNotOptimize(sum);
  }
  loop.Report();  // joules
}
BENCHMARK(Sum)->MinTime(0.5);
BENCHMARK_MAIN();
