#include "benchmarks/ground.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "benchmarks/ceiling_run.h"
#include "benchmarks/steal.h"
#include "benchmarks/stream_memory.h"
#include "kernels/seconds.h"

namespace wattline::benchmarks {
namespace {

constexpr double kReadS = 12e-3;
constexpr size_t kFewestReads = 3;
constexpr int64_t kWindowByte = int64_t{32} << 20;  // per thread and read: 1 to 2 ms
constexpr double kRoundTripLimitS = 3e-3;
constexpr int64_t kAdds = 1'500'000;  // 0.4 ms at 3.6 GHz
constexpr int kClockSamples = 5;

// The fastest of a few: an interruption only ever makes a sample slower.
double ClockHz() {
  double best_s = 0;
  for (int i = 0; i < kClockSamples; ++i) {
    const double elapsed_s = kernels::Seconds([] { kernels::DependentAdds(kAdds); });
    if (i == 0 || elapsed_s < best_s) best_s = elapsed_s;
  }
  return static_cast<double>(kAdds) / best_s;
}

// Batches of barriers, each begun with one; the median leaves out those that were interrupted.
double BarrierS(kernels::ThreadPool& pool) {
  constexpr int kBarriers = 100;
  std::array<double, 9> batches_s{};
  pool.Run([&](kernels::Worker& worker) {
    for (double& batch_s : batches_s) {
      worker.Barrier();
      const double elapsed_s = kernels::Seconds([&worker] {
        for (int i = 0; i < kBarriers; ++i) worker.Barrier();
      });
      if (worker.slice().index == 0) batch_s = elapsed_s / kBarriers;
    }
  });
  return *roofline::Median(batches_s);
}

bool Differ(std::optional<double> a, std::optional<double> b, double ratio) {
  if (!a || !b) return false;
  return std::max(*a, *b) > std::min(*a, *b) * ratio;
}

}  // namespace

// Windows of the buffer are read one after another, round and round, so that a probe never finds in
// a cache what the one before it left there.
struct GroundProbe::State {
  State(kernels::ThreadPool& the_pool, int64_t buffer_byte)
      : pool(the_pool), buffer(buffer_byte / the_pool.size(), the_pool) {
    window_byte = std::min(kWindowByte, buffer.footprint_byte());
    body = [this](kernels::Worker& worker) {
      kernels::StreamArgs args;
      args.x = buffer.part(worker.slice().index) + cursor_byte / int64_t{sizeof(float)};
      args.count = window_byte / int64_t{sizeof(float)};
      kernel.run(args);
    };
    PickKernel();
    steal = ReadCpuTicks();
  }

  void PickKernel() {
    std::vector<Candidate> candidates;
    std::vector<kernels::StreamKernel> reads;
    for (const kernels::CeilingKernels& isa : kernels::AllCeilingKernels()) {
      if (!isa.why_not().empty()) continue;
      for (const kernels::StreamKernel& one : isa.streams) {
        if (one.kind != kernels::StreamKind::kRead) continue;
        reads.push_back(one);
        candidates.push_back({std::string(isa.isa) + " " + one.name, 1, [this, one](int64_t units) {
                                kernel = one;
                                for (int64_t i = 0; i < units; ++i) ReadWindow();
                              }});
      }
    }
    const std::optional<Winner> winner =
        Compete(candidates, {.trial_s = 1e-3, .final_s = 2e-3, .finalists = 4, .repetitions = 7});
    if (!winner) return;
    kernel = reads[winner->index];
    name = candidates[winner->index].kernel;
  }

  // Bytes per second of the next window.
  double ReadWindow() {
    if (cursor_byte + window_byte > buffer.footprint_byte()) cursor_byte = 0;
    const double elapsed_s = kernels::Seconds([this] { pool.Run(body); });
    cursor_byte += window_byte;
    return static_cast<double>(window_byte) * pool.size() / elapsed_s;
  }

  kernels::ThreadPool& pool;
  kernels::StreamBuffer buffer;
  int64_t window_byte = 0;
  int64_t cursor_byte = 0;
  kernels::StreamKernel kernel{};
  std::string name;
  std::function<void(kernels::Worker&)> body;
  std::optional<CpuTicks> steal;
};

GroundProbe::GroundProbe(kernels::ThreadPool& pool) : GroundProbe(pool, BeyondCachesByte()) {}
GroundProbe::GroundProbe(kernels::ThreadPool& pool, int64_t buffer_byte)
    : state_(std::make_unique<State>(pool, buffer_byte)) {}
GroundProbe::~GroundProbe() = default;

const std::string& GroundProbe::ReadKernel() const { return state_->name; }

const kernels::StreamBuffer& GroundProbe::Memory() const { return state_->buffer; }

Ground GroundProbe::Measure() {
  Ground ground;
  const std::optional<CpuTicks> steal = ReadCpuTicks();
  ground.steal_fraction = StolenShare(state_->steal, steal);
  ground.clock_hz = ClockHz();
  if (state_->pool.size() > 1) {
    ground.round_trip_s = kernels::RoundTripS(state_->pool, kRoundTripLimitS);
    ground.barrier_s = BarrierS(state_->pool);
  }
  if (state_->kernel.run != nullptr) {
    std::vector<double> rates;
    double total_s = 0;
    while (rates.size() < kFewestReads || total_s < kReadS) {
      rates.push_back(state_->ReadWindow());
      total_s += static_cast<double>(state_->window_byte) * state_->pool.size() / rates.back();
    }
    ground.read_byte_per_s = *roofline::Median(rates);
  }
  state_->steal = steal;
  return ground;
}

bool Unsteady(const Ground& before, const Ground& after) {
  constexpr double kRatio = 1 + kUnsteadyShare;
  const auto read = [](const Ground& ground) {
    return ground.read_byte_per_s > 0 ? std::optional(ground.read_byte_per_s) : std::nullopt;
  };
  return Differ(read(before), read(after), kRatio) ||
         Differ(before.clock_hz, after.clock_hz, kRatio) ||
         Differ(before.round_trip_s, after.round_trip_s, kUnsteadyRoundTripRatio) ||
         after.steal_fraction.value_or(0) > kUnsteadyShare;
}

}  // namespace wattline::benchmarks
