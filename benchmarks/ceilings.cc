#include "benchmarks/ceilings.h"

#include <fmt/format.h>

#include <exception>
#include <map>
#include <mutex>

#include "benchmarks/ceiling_gpu.h"
#include "benchmarks/ceiling_run.h"
#include "kernels/seconds.h"

namespace wattline::benchmarks {
namespace {

// A disturbance as long as one test of 0.2 s does not last for three.
constexpr int kTests = 3;
constexpr int kRounds = 7;
// Samples that scatter by more than this were not taken on a machine that was free to work.
constexpr double kMostSpread = 0.10;

// The best candidate's rate, measured once more while its work is doubled.
std::optional<double> MeasureCeiling(const std::vector<Candidate>& candidates, CeilingNote& note) {
  const std::optional<Winner> winner = Compete(candidates, {});
  if (!winner) {
    note.why_not = "this program has no such kernel for this machine";
    return std::nullopt;
  }
  const Candidate& best = candidates[winner->index];
  note.kernel = best.kernel;
  for (int test = 0; test < kTests; ++test) {
    const std::vector<roofline::Doubling> pairs = DoubleWork(best, winner->units, kRounds);
    std::vector<double> rates;
    for (const roofline::Doubling& pair : pairs) {
      const double units = 3.0 * static_cast<double>(winner->units);
      rates.push_back(best.per_unit * units / (pair.once_s + pair.twice_s));
    }
    const double spread = roofline::Spread(rates).value_or(1);
    if (roofline::WorkIsTimed(pairs) && spread <= kMostSpread) {
      note.why_not.clear();
      return roofline::Median(rates);
    }
    note.why_not = fmt::format(
        "in the last of {} tests doubled work took {:.2f} times as long (2 within 3 % is asked) "
        "and "
        "rates scattered by {:.0f} % (10 at most): something else keeps the machine busy",
        kTests, roofline::DoublingRatio(pairs).value_or(0), 100 * spread);
  }
  return std::nullopt;
}

// What is missing among the candidates is told beside the best of the others.
std::optional<double> MeasureGpuCeiling(const kernels::Backend& backend, kernels::GpuLimit limit,
                                        CeilingNote& note) {
  note.name = kernels::Name(limit);
  try {
    const GpuCandidates gpu = GpuCandidatesOf(backend, limit);
    const std::optional<double> rate = MeasureCeiling(gpu.candidates, note);
    if (!gpu.why_not.empty()) (rate ? note.kernel : note.why_not) += "; without " + gpu.why_not;
    return rate;
  } catch (const std::exception& error) {
    note.why_not = error.what();
    return std::nullopt;
  }
}

}  // namespace

MeasuredCeilings MeasureCeilings(kernels::ThreadPool& pool, const kernels::StreamBuffer& memory) {
  MeasuredCeilings ceilings;
  ceilings.threads = pool.size();
  ceilings.took_s = kernels::Seconds([&] {
    const auto peak = [&](kernels::PeakFormat format) {
      CeilingNote& note = ceilings.notes.emplace_back();
      note.name = kernels::Name(format);
      return MeasureCeiling(PeakCandidates(format, pool), note);
    };
    ceilings.f32_flop_per_s = peak(kernels::PeakFormat::kF32);
    ceilings.bf16_flop_per_s = peak(kernels::PeakFormat::kBF16);
    ceilings.int8_op_per_s = peak(kernels::PeakFormat::kInt8);

    CeilingNote& note = ceilings.notes.emplace_back();
    note.name = "read";
    const auto reads =
        StreamCandidates(kernels::StreamKind::kRead, memory, memory.footprint_byte(), pool);
    ceilings.read_byte_per_s = MeasureCeiling(reads, note);
  });
  return ceilings;
}

const MeasuredCeilings& CeilingsOf(kernels::ThreadPool& pool, const kernels::StreamBuffer& memory) {
  static std::mutex mutex;
  static std::map<int, MeasuredCeilings> measured;
  const std::lock_guard lock(mutex);
  const auto found = measured.find(pool.size());
  if (found != measured.end()) return found->second;
  return measured.emplace(pool.size(), MeasureCeilings(pool, memory)).first->second;
}

MeasuredCeilings MeasureGpuCeilings(const kernels::Backend& backend) {
  MeasuredCeilings ceilings;
  ceilings.took_s = kernels::Seconds([&] {
    const auto measure = [&](kernels::GpuLimit limit) {
      return MeasureGpuCeiling(backend, limit, ceilings.notes.emplace_back());
    };
    ceilings.f32_flop_per_s = measure(kernels::GpuLimit::kF32);
    ceilings.f16_flop_per_s = measure(kernels::GpuLimit::kF16);
    ceilings.bf16_flop_per_s = measure(kernels::GpuLimit::kBF16);
    ceilings.read_byte_per_s = measure(kernels::GpuLimit::kRead);
  });
  return ceilings;
}

}  // namespace wattline::benchmarks
