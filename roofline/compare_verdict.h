// Whether cells differ: the family of tests of one column against the baseline. For compare*.cc.
#pragma once

#include <span>
#include <vector>

#include "roofline/compare.h"
#include "roofline/statistics.h"

namespace wattline::roofline {

// A cell and the baseline's, all samples above 0.
struct ComparePair {
  const CompareCell* cell = nullptr;
  const CompareCell* base = nullptr;
  const Metric* metric = nullptr;
};

// One for each pair. What a verdict needs stands at CompareVerdict.
//   Which pairs are tested is decided by their numbers of samples alone: where there are so many
//   pairs that no test of so few samples could pass Holm's correction (LargestUsefulP()), the pair
//   is judged as one of too few samples.
//   Of energies, the interval of the ratio r is widened to r_low (1 - e_a) / (1 + e_b) and
//   r_high (1 + e_a) / (1 - e_b), where e are the bounds over the medians.
std::vector<CompareVerdict> JudgeFamily(std::span<const ComparePair> pairs,
                                        const CompareOptions& options, MedianBootstrap& bootstrap);

}  // namespace wattline::roofline
