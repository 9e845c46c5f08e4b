#include "benchmarks/level_sweep.h"

#include <algorithm>
#include <cmath>

#include "benchmarks/ceiling_run.h"

namespace wattline::benchmarks {
namespace {

constexpr double kLeastSweepByte = 8 * 1024;

// Footprints at which all kernels compete; elsewhere only these winners do, since trying all of
// them everywhere takes ten times as long. One inside each usual level.
constexpr int64_t kAnchorByte[] = {16 << 10, 256 << 10, 8 << 20, 128 << 20};

}  // namespace

std::vector<roofline::SweepPoint> SweepReads(const kernels::StreamBuffer& buffer, int per_octave,
                                             kernels::ThreadPool& pool, std::string_view isa) {
  const Contest contest = {.trial_s = 1e-3, .final_s = 2e-3, .finalists = 2, .repetitions = 3};
  const auto candidates = [&](double footprint_byte) {
    return StreamCandidates(kernels::StreamKind::kRead, buffer,
                            static_cast<int64_t>(footprint_byte), pool, isa);
  };
  const auto most_byte = static_cast<double>(buffer.footprint_byte());
  std::vector<size_t> winners;
  for (int64_t anchor_byte : kAnchorByte) {
    const double footprint_byte = std::min(static_cast<double>(anchor_byte), most_byte);
    const std::optional<Winner> winner = Compete(candidates(footprint_byte), contest);
    if (!winner) return {};
    winners.push_back(winner->index);
  }
  std::sort(winners.begin(), winners.end());
  winners.erase(std::unique(winners.begin(), winners.end()), winners.end());

  std::vector<roofline::SweepPoint> points;
  for (int step = 0;; ++step) {
    const double footprint_byte =
        kLeastSweepByte * std::exp2(static_cast<double>(step) / per_octave);
    if (footprint_byte > most_byte) return points;
    const std::vector<Candidate> all = candidates(footprint_byte);
    std::vector<Candidate> chosen;
    for (size_t index : winners) chosen.push_back(all[index]);
    points.push_back({footprint_byte, Compete(chosen, contest)->best.rate});
  }
}

}  // namespace wattline::benchmarks
