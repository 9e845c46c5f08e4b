// The ground that a row stands on: a short probe of the machine, run before and after each row, so
// that a row measured while the machine changed under it says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kernels/ceiling/ceiling_work.h"
#include "kernels/thread_pool.h"

namespace wattline::benchmarks {

struct Ground {
  // Memory read by all threads of the pool together, from a buffer that no cache holds.
  double read_byte_per_s = 0;  // 0 where no read kernel runs on this CPU
  // A cache line from thread 0 to thread 1 and back; absent with one thread.
  std::optional<double> round_trip_s = std::nullopt;
  // A barrier of all threads of the pool that come at the same time; absent with one thread. Under
  // two of the line's trips, times those steps that the barrier takes (thread_pool.cc).
  std::optional<double> barrier_s = std::nullopt;
  // Additions that wait for each other, one per cycle on every CPU we know: the clock under this
  // light load, which is not the clock under wide vectors.
  std::optional<double> clock_hz = std::nullopt;
  // Share of all CPUs' time that the hypervisor gave to others since the previous Measure(), or
  // since the probe was made; absent where the system counts none, and under 20 kernel ticks.
  std::optional<double> steal_fraction = std::nullopt;
};

class GroundProbe {
 public:
  // Allocates and touches BeyondCachesByte() and picks the fastest of the read kernels: half a
  // second, or 5 s where a hypervisor first has to find the memory. `pool` outlives the probe.
  explicit GroundProbe(kernels::ThreadPool& pool);
  GroundProbe(kernels::ThreadPool& pool, int64_t buffer_byte);
  ~GroundProbe();
  GroundProbe(const GroundProbe&) = delete;
  GroundProbe& operator=(const GroundProbe&) = delete;

  // 15 to 25 ms. Must not run while the pool does.
  Ground Measure();
  // The read kernel that was the fastest, e.g. "zmm x8, 2 streams".
  const std::string& ReadKernel() const;
  // What it reads, for others that want memory which no cache holds.
  const kernels::StreamBuffer& Memory() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The larger of the two differs from the smaller by more than this share of itself.
inline constexpr double kUnsteadyShare = 0.10;
// Round trips scatter by up to a quarter on a steady machine (measured: 257 to 324 ns); cores in
// another cluster, or on another socket, are farther away by more.
inline constexpr double kUnsteadyRoundTripRatio = 1.5;

// True where a row between the two cannot be trusted: read bandwidth or clock differ by more than
// kUnsteadyShare, the round trip by more than kUnsteadyRoundTripRatio, or more than kUnsteadyShare
// of the CPU time in between was stolen. What is absent in either is not compared.
bool Unsteady(const Ground& before, const Ground& after);

}  // namespace wattline::benchmarks
