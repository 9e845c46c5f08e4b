#include <atomic>
#include <chrono>

#include "kernels/ceiling/ceiling_work.h"

namespace wattline::kernels {
namespace {

constexpr uint32_t kTrips = 5000;  // 0.5 ms at 100 ns
constexpr uint32_t kFewestTrips = 200;
constexpr uint32_t kStop = ~0u;

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Two lines, one for each direction, so that each has one writer.
struct Lines {
  alignas(128) std::atomic<uint32_t> there{0};
  alignas(128) std::atomic<uint32_t> back{0};
};

// Thread 0: sends 1, 2, 3 ... and waits for each to come back. Returns the trips made.
uint32_t SendTrips(Lines& lines, double limit_s, std::chrono::steady_clock::time_point start) {
  for (uint32_t trip = 1; trip <= kTrips; ++trip) {
    lines.there.store(trip, std::memory_order_release);
    uint32_t waited = 0;
    while (lines.back.load(std::memory_order_acquire) != trip) {
      if (++waited % 1024 == 0 && SecondsSince(start) > limit_s) return trip - 1;
    }
  }
  return kTrips;
}

void Answer(Lines& lines) {
  uint32_t last = 0;
  while (true) {
    const uint32_t trip = lines.there.load(std::memory_order_acquire);
    if (trip == last) continue;
    if (trip == kStop) return;
    lines.back.store(trip, std::memory_order_release);
    last = trip;
  }
}

}  // namespace

std::optional<double> RoundTripS(ThreadPool& pool, double limit_s) {
  Lines lines;
  uint32_t trips = 0;
  double elapsed_s = 0;
  pool.Run([&](Worker& worker) {
    worker.Barrier();
    if (worker.slice().index == 0) {
      const auto start = std::chrono::steady_clock::now();
      trips = SendTrips(lines, limit_s, start);
      elapsed_s = SecondsSince(start);
      lines.there.store(kStop, std::memory_order_release);
    } else if (worker.slice().index == 1) {
      Answer(lines);
    }
  });
  if (trips < kFewestTrips) return std::nullopt;
  return elapsed_s / trips;
}

}  // namespace wattline::kernels
