#include "benchmarks/trace.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace wattline::benchmarks {

EnergyTrace::EnergyTrace(const std::string& path, energy::Clock& clock)
    : file_(std::fopen(path.c_str(), "w")), start_(clock.Now()) {
  if (!file_) {
    error_ = fmt::format("cannot write the energy trace to {}: {}", path, std::strerror(errno));
    return;
  }
  fmt::print(file_.get(), "time_s,span_s,meter,domain,watts,phase,row\n");
  std::fflush(file_.get());
}

void EnergyTrace::Write(const energy::TraceRow& row) {
  const double span_s = energy::SecondsBetween(row.segment.begin, row.segment.end);
  const double time_s = energy::SecondsBetween(start_, row.segment.begin) + span_s / 2;
  fmt::print(file_.get(), "{:.6f},{:.6f},{},{},{:.6g},{},{}\n", time_s, span_s, row.meter,
             row.domain, row.segment.watts, row.phase.empty() ? "between" : row.phase, row.work);
  std::fflush(file_.get());
}

std::string PhaseOf(const std::string& row_name) {
  const std::string fixture = row_name.substr(0, row_name.find('/'));
  const bool is_prefill = fixture == "decode" && row_name.find("/prefill:") != std::string::npos;
  return is_prefill ? "prefill" : fixture;
}

}  // namespace wattline::benchmarks
