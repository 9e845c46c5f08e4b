// The closure of a decode step: its parts, each timed by itself, beside the whole step.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "kernels/block/step_part.h"

namespace wattline::benchmarks {

// Medians in seconds.
struct PartTimes {
  double step_s = 0;
  double linear_s = 0;
  double attention_s = 0;
  double rest_s = 0;
};

// Times step and parts in turn, some rounds of them, so that all stand on the same ground: 5 rounds
// at least, 25 or 0.4 s at most. Weights are as cold for the products as in the step; what other
// parts leave in the caches may be warmer. `run` is false where there are no parts; absent then.
std::optional<PartTimes> TimeParts(const std::function<bool(kernels::StepParts)>& run,
                                   const std::function<double()>& now_s);

// "parts" = (linear + attention + rest) / step, and the share that each part has of that sum:
// "linear_share", "attention_share", "rest_share". Empty where a time is unknown.
std::map<std::string, double> PartCounters(const PartTimes& times);

}  // namespace wattline::benchmarks
