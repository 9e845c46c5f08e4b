// ceiling, the rows of an NVIDIA GPU: peaks, bandwidth, levels, and the sweep of intensity. Work is
// launched and waited for inside the timed region.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/ceiling_gpu.h"
#include "benchmarks/ceiling_run.h"
#include "benchmarks/fixture.h"
#include "benchmarks/level_sweep.h"
#include "benchmarks/measure.h"
#include "benchmarks/suite.h"
#include "kernels/ceiling/ceiling_cuda.h"
#include "roofline/levels.h"

namespace wattline::benchmarks {
namespace {

using kernels::CudaFormat;
using kernels::CudaKernel;
using kernels::CudaWork;

constexpr int64_t kLeastGpuKib = 1 << 10;
constexpr int64_t kMostGpuKib = 4 << 20;

// The GPU's calls tell of faults by return values; where a row is being prepared, one ends it.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What all rows of the GPU share; opened by the first that runs.
struct Gpu {
  std::unique_ptr<kernels::CudaGpu> cuda;
  std::unique_ptr<kernels::CudaBuffer> buffer;

  void Open(const SuiteOptions& options) {
    if (cuda) return;
    kernels::OpenedCuda opened = kernels::OpenCuda(options.device, options.cuda_library);
    if (!opened.gpu) throw Fault(opened.why_not);
    cuda = std::move(opened.gpu);
    buffer = std::make_unique<kernels::CudaBuffer>(*cuda);
  }
  void ThrowFault() const {
    if (!cuda->fault().empty()) throw Fault(cuda->fault());
  }
  // Checked: a kernel that computes something else has no speed.
  std::shared_ptr<CudaWork> Make(CudaKernel kernel, int64_t footprint_byte) {
    uint64_t memory = 0;
    if (kernel.arrays > 0) {
      memory = buffer->Filled(kernel, footprint_byte);
      ThrowFault();
      if (memory == 0) {
        throw Fault(fmt::format("{}the GPU's memory has no room for {} KiB, {} KiB are free",
                                kSkipped, footprint_byte / 1024,
                                cuda->FreeByte().value_or(0) / 1024));
      }
    }
    auto work = std::make_shared<CudaWork>(*cuda, std::move(kernel), memory, footprint_byte);
    ThrowFault();
    const std::string wrong = work->Check();
    ThrowFault();
    if (!wrong.empty()) throw Fault(fmt::format("wrong result of {}: {}", work->name(), wrong));
    return work;
  }
};

Candidate CandidateOf(const Gpu& gpu, const std::shared_ptr<CudaWork>& work, bool counts_op) {
  const int64_t turns = work->LeastTurns();
  const double per_turn = counts_op ? work->Op() : work->Byte();
  return {work->name(), per_turn * static_cast<double>(turns), [&gpu, work, turns](int64_t units) {
            if (!work->Run(turns * units)) gpu.ThrowFault();
          }};
}

// What a row's iterations do.
struct ChosenWork {
  std::shared_ptr<CudaWork> work;
  int64_t turns = 1;
  std::string label;
  std::map<std::string, double> gates;
};

// The best of the kernels. All are tried as finalists: they are few.
ChosenWork ChooseWork(Gpu& gpu, const std::vector<CudaKernel>& kernels, int64_t footprint_byte,
                      bool counts_op) {
  std::vector<std::shared_ptr<CudaWork>> works;
  std::vector<Candidate> candidates;
  for (const CudaKernel& kernel : kernels) {
    works.push_back(gpu.Make(kernel, footprint_byte));
    candidates.push_back(CandidateOf(gpu, works.back(), counts_op));
  }
  WarmUpGpu(candidates.front());
  const std::optional<Winner> winner = Compete(candidates, {.trial_s = kGpuIterationS,
                                                            .final_s = kGpuIterationS,
                                                            .finalists = candidates.size(),
                                                            .repetitions = 9});
  if (!winner) throw Fault("this GPU has no such instruction");
  return {works[winner->index],
          winner->units * works[winner->index]->LeastTurns(),
          candidates[winner->index].kernel,
          {}};
}

// One kernel, and the gates of its point.
ChosenWork PassIntensity(Gpu& gpu, CudaKernel kernel, int64_t footprint_byte) {
  ChosenWork chosen;
  chosen.work = gpu.Make(std::move(kernel), footprint_byte);
  const Candidate candidate = CandidateOf(gpu, chosen.work, true);
  WarmUpGpu(candidate);
  const int64_t units = UnitsFor(candidate, kGpuIterationS);
  const Gated gated = PassGates(candidate, units);
  chosen.turns = units * chosen.work->LeastTurns();
  chosen.label = gated.Label(candidate.kernel);
  chosen.gates = gated.counters;
  return chosen;
}

void MeasureChosen(benchmark::State& state, Suite& suite, const Gpu& gpu,
                   const ChosenWork& chosen) {
  const auto turns = static_cast<double>(chosen.turns);
  Counts counts;
  counts.flop = chosen.work->Op() * turns;
  counts.byte = chosen.work->Byte() * turns;
  counts.runs_on = energy::kGpuPart;
  counts.more = chosen.gates;
  chosen.work->StartClock();
  const auto body = [&chosen] {
    // A fault shows after the loop; until then it must not spin.
    if (!chosen.work->Run(chosen.turns)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  Measure(state, suite, counts, body, chosen.label);
  const std::optional<double> clock_hz = chosen.work->ClockHz();
  if (clock_hz) state.counters["clock_GHz"] = *clock_hz * 1e-9;
  gpu.ThrowFault();
}

// Registers a row that `prepare` makes once and that its calls measure.
void RegisterGpuRow(Suite& suite, const std::shared_ptr<Gpu>& gpu, const std::string& name,
                    std::vector<std::string> words, std::function<ChosenWork(Gpu&)> prepare) {
  const auto run = [&suite, gpu, name, prepare = std::move(prepare)](benchmark::State& state) {
    try {
      gpu->Open(suite.options());
      const ChosenWork& chosen =
          suite.Keep<ChosenWork>(name, [&] { return std::make_shared<ChosenWork>(prepare(*gpu)); });
      MeasureChosen(state, suite, *gpu, chosen);
    } catch (const Fault& fault) {
      suite.Forget();
      Skip(state, fault.what());
    }
  };
  Register(suite, name, run, std::move(words));
}

void RegisterGpuPeaks(Suite& suite, const std::shared_ptr<Gpu>& gpu, int capability) {
  for (const CudaFormat format :
       {CudaFormat::kF32, CudaFormat::kBF16, CudaFormat::kF16, CudaFormat::kInt8}) {
    if (kernels::CudaPeakKernels(format, capability).empty()) continue;
    RegisterGpuRow(suite, gpu, fmt::format("ceiling/peak/{}/threads:1/cuda", Name(format)), {},
                   [format, capability](Gpu& g) {
                     return ChooseWork(g, kernels::CudaPeakKernels(format, capability), 0, true);
                   });
  }
}

void RegisterGpuStreams(Suite& suite, const std::shared_ptr<Gpu>& gpu, int64_t kib,
                        bool in_default) {
  const std::string size = fmt::format("kb:{}", kib);
  for (const kernels::StreamKind kind : {kernels::StreamKind::kRead, kernels::StreamKind::kWrite,
                                         kernels::StreamKind::kCopy, kernels::StreamKind::kTriad}) {
    RegisterGpuRow(suite, gpu, fmt::format("ceiling/{}/f32/{}/threads:1/cuda", Name(kind), size),
                   in_default ? std::vector<std::string>{} : std::vector{size},
                   [kind, kib](Gpu& g) {
                     return ChooseWork(g, kernels::CudaStreamKernels(kind), kib * 1024, false);
                   });
  }
}

// Powers of two, and their halfway where ridges of GPUs lie: f32 10 to 60, tensor cores 100 to 400.
std::vector<double> Intensities(CudaFormat format) {
  std::vector<double> list;
  for (double x = 0.0625; x <= 1024; x *= 2) list.push_back(x);
  const std::array halves = format == CudaFormat::kF32 ? std::array{6.0, 12.0, 24.0, 48.0}
                                                       : std::array{48.0, 96.0, 192.0, 384.0};
  list.insert(list.end(), halves.begin(), halves.end());
  std::sort(list.begin(), list.end());
  return list;
}

void RegisterGpuIntensity(Suite& suite, const std::shared_ptr<Gpu>& gpu, CudaFormat format,
                          int64_t kib, bool joint) {
  for (const double x : Intensities(format)) {
    const std::string name = fmt::format(
        "ceiling/intensity/{}/kb:{}/flop_per_byte:{}/threads:1/cuda", Name(format), kib, x);
    RegisterGpuRow(suite, gpu, name, {}, [format, kib, joint, x](Gpu& g) {
      return PassIntensity(g, kernels::CudaIntensityKernel(format, x, joint), kib * 1024);
    });
  }
}

// The best of the kernels with this footprint.
std::optional<roofline::SweepPoint> SweepPoint(Gpu& gpu, const std::vector<CudaKernel>& kernels,
                                               int64_t footprint_byte, bool warm_up) {
  std::vector<Candidate> candidates;
  for (const CudaKernel& kernel : kernels) {
    candidates.push_back(CandidateOf(gpu, gpu.Make(kernel, footprint_byte), false));
  }
  if (warm_up) WarmUpGpu(candidates.front());
  const std::optional<Winner> winner =
      Compete(candidates, {.trial_s = 2e-3, .final_s = 3e-3, .finalists = 2, .repetitions = 5});
  if (!winner) return std::nullopt;
  return roofline::SweepPoint{static_cast<double>(footprint_byte), winner->best.rate};
}

// Footprints that each multiprocessor's first-level cache holds, read through it; and those from 16
// times its size on, read past it. In between neighbours answer a part of the reads, which is no
// level of its own: 20 TB/s from 256 to 512 KiB between 33 and 9 on an H200 (2026-11).
std::vector<roofline::SweepPoint> SweepGpuReads(Gpu& gpu, int per_octave, int64_t most_kib) {
  constexpr double kLeastByte = 16 * 1024;
  constexpr double kApart = 16;
  const auto first_level_byte =
      static_cast<double>(gpu.cuda->facts().shared_byte.value_or(64 << 10));
  const std::vector<CudaKernel> through = {kernels::CudaLevelKernel()};
  const std::vector<CudaKernel> past = kernels::CudaStreamKernels(kernels::StreamKind::kRead);
  std::vector<roofline::SweepPoint> points;
  for (int step = 0;; ++step) {
    const double wanted_byte = kLeastByte * std::exp2(static_cast<double>(step) / per_octave);
    if (wanted_byte > static_cast<double>(most_kib) * 1024) return points;
    const bool held = wanted_byte <= first_level_byte;
    if (!held && wanted_byte < kApart * first_level_byte) continue;
    const std::optional<roofline::SweepPoint> point = SweepPoint(
        gpu, held ? through : past, static_cast<int64_t>(wanted_byte) / 16 * 16, points.empty());
    if (point) points.push_back(*point);
  }
}

// The sweep itself, and the levels that are found in it.
void SetGpuLevelCounters(const std::vector<roofline::SweepPoint>& sweep, benchmark::State& state) {
  for (const roofline::SweepPoint& point : sweep) {
    state.counters[fmt::format("GB/s@byte:{:.0f}", point.footprint_byte)] = point.byte_per_s * 1e-9;
  }
  std::string label = "16 byte x4 to x8";
  for (const roofline::Level& level : roofline::FindLevels(sweep)) {
    if (!level.byte_per_s) {
      label += fmt::format("; {}: {}", level.name, level.unresolved);
      continue;
    }
    state.counters[level.name + "_GB/s"] = *level.byte_per_s * 1e-9;
    label += fmt::format("; {} to {:.0f} KiB: {:.4g} GB/s", level.name, level.to_byte / 1024,
                         *level.byte_per_s * 1e-9);
    if (level.name != "DRAM") state.counters[level.name + "_KiB"] = level.to_byte / 1024;
  }
  state.SetLabel(label.c_str());
}

// Its time is that of the sweep, which means nothing, so it has none of the rows' usual counters.
void RegisterGpuLevels(Suite& suite, const std::shared_ptr<Gpu>& gpu, int per_octave,
                       int64_t most_kib) {
  const std::string points = fmt::format("per_octave:{}", per_octave);
  const auto run = [&suite, gpu, per_octave, most_kib](benchmark::State& state) {
    try {
      gpu->Open(suite.options());
      std::vector<roofline::SweepPoint> sweep;
      for (auto _ : state) sweep = SweepGpuReads(*gpu, per_octave, most_kib);
      SetGpuLevelCounters(sweep, state);
    } catch (const Fault& fault) {
      Skip(state, fault.what());
    }
  };
  Register(suite, fmt::format("ceiling/levels/f32/{}/threads:1/cuda", points), run,
           per_octave == kDefaultPerOctave ? std::vector<std::string>{} : std::vector{points});
}

// A power of two that the second-level cache holds with ease: H200 8 MiB of 50.
int64_t CachedKib(const kernels::CudaFacts& facts) {
  const int64_t l2_byte = facts.l2_byte.value_or(32 << 20);
  return std::max<int64_t>(
      kLeastGpuKib,
      static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(l2_byte / 4))) / 1024);
}

// A power of two, a quarter of the memory at most.
int64_t MemoryKib(const kernels::CudaFacts& facts) {
  const auto quarter_kib = static_cast<uint64_t>(facts.memory_byte / 4 / 1024);
  return std::min(kMostGpuKib, static_cast<int64_t>(std::bit_floor(quarter_kib)));
}

}  // namespace

void RegisterCeilingCuda(Suite& suite) {
  if (suite.options().efficiency_cores) return;
  const kernels::FoundGpus found = kernels::FindCudaGpus(suite.options().cuda_library);
  const auto device = static_cast<size_t>(suite.options().device);
  if (device >= found.gpus.size()) return;
  const kernels::CudaFacts& facts = found.gpus[device];
  const auto gpu = std::make_shared<Gpu>();
  RegisterGpuPeaks(suite, gpu, facts.capability);
  const int64_t cached_kib = CachedKib(facts);
  const int64_t memory_kib = MemoryKib(facts);
  for (int64_t kib = kLeastGpuKib; kib <= memory_kib; kib *= 2) {
    RegisterGpuStreams(suite, gpu, kib, kib == cached_kib || kib == memory_kib);
  }
  for (const int per_octave : {kDefaultPerOctave, 2 * kDefaultPerOctave}) {
    RegisterGpuLevels(suite, gpu, per_octave, memory_kib);
  }
  for (const CudaFormat format : {CudaFormat::kF32, CudaFormat::kBF16}) {
    if (kernels::CudaPeakKernels(format, facts.capability).empty()) continue;
    for (const int64_t kib : {cached_kib, memory_kib}) {
      RegisterGpuIntensity(suite, gpu, format, kib, kib == memory_kib);
    }
  }
}

}  // namespace wattline::benchmarks
