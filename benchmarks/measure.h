// Times one row's work and gives it the counters that every row has.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "benchmarks/ceilings.h"
#include "benchmarks/ground.h"
#include "benchmarks/suite.h"

namespace wattline::benchmarks {

// The ceiling that a row's operations are held against.
enum class Peak : uint8_t { kNone, kF32, kBF16, kInt8 };

// What one iteration does.
struct Counts {
  double flop = 0;           // algorithmic operations; a multiply-add counts 2
  double byte = 0;           // compulsory bytes
  Peak peak = Peak::kNone;   // MFU = TFLOPS over this ceiling; kNone: no MFU
  bool streams = false;      // its bytes come from memory, so that MBU means something
  int64_t tokens = 0;        // of all sequences; 0: no tok/s
  int64_t steps = 0;         // decode steps: TPOT_ms = time / steps; 0: none
  bool first_token = false;  // prefill: TTFT_ms = time of one iteration
};

// Calls `body` once per iteration in state's loop, between two probes of the ground and inside an
// energy window, and sets all counters. Thread 0 only. `body` returns when its work is complete.
void Measure(benchmark::State& state, Suite& suite, const Counts& counts,
             const std::function<void()>& body);

}  // namespace wattline::benchmarks
