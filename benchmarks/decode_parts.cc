#include "benchmarks/decode_parts.h"

#include <array>
#include <vector>

#include "roofline/samples.h"

namespace wattline::benchmarks {
namespace {

constexpr size_t kFewestRounds = 5;
constexpr size_t kMostRounds = 25;
constexpr double kLongestS = 0.4;

}  // namespace

std::optional<PartTimes> TimeParts(const std::function<bool(kernels::StepParts)>& run,
                                   const std::function<double()>& now_s) {
  constexpr std::array<kernels::StepParts, 4> kOrder = {
      kernels::kWholeStep, kernels::kLinearPart, kernels::kAttentionPart, kernels::kRestPart};
  std::array<std::vector<double>, kOrder.size()> times_s;
  const double begin_s = now_s();
  while (times_s[0].size() < kFewestRounds ||
         (times_s[0].size() < kMostRounds && now_s() - begin_s < kLongestS)) {
    for (size_t i = 0; i < kOrder.size(); ++i) {
      const double part_begin_s = now_s();
      if (!run(kOrder[i])) return std::nullopt;
      times_s[i].push_back(now_s() - part_begin_s);
    }
  }
  return PartTimes{*roofline::Median(times_s[0]), *roofline::Median(times_s[1]),
                   *roofline::Median(times_s[2]), *roofline::Median(times_s[3])};
}

std::map<std::string, double> PartCounters(const PartTimes& times) {
  const double sum_s = times.linear_s + times.attention_s + times.rest_s;
  if (!(times.step_s > 0) || !(sum_s > 0)) return {};
  return {{"parts", sum_s / times.step_s},
          {"linear_share", times.linear_s / sum_s},
          {"attention_share", times.attention_s / sum_s},
          {"rest_share", times.rest_s / sum_s}};
}

}  // namespace wattline::benchmarks
