// --energy_trace: the time series of every domain's power as CSV.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "energy/sampler.h"

namespace wattline::benchmarks {

// Columns: time_s (since the file was opened, middle of the stretch), span_s (its length), meter,
// domain, watts (mean over the stretch), phase (prefill, decode, another fixture's name, idle, or
// between for what lies between rows), row (the benchmark's name, empty between rows).
class EnergyTrace {
 public:
  // Replaces the file. `error()` is one sentence where that fails.
  EnergyTrace(const std::string& path, energy::Clock& clock);

  const std::string& error() const { return error_; }
  // Written at once: nothing is lost when the process is killed.
  void Write(const energy::TraceRow& row);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  energy::TimePoint start_;
  std::string error_;
};

// "decode/x/q4_0/prefill:512/cpu" -> "prefill", "gemm/..." -> "gemm".
std::string PhaseOf(const std::string& row_name);

}  // namespace wattline::benchmarks
