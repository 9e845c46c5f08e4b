#include "roofline/compare_verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace wattline::roofline {
namespace {

using Counts = std::pair<size_t, size_t>;  // samples of the cell and of the baseline

double RelativeBound(const CompareCell& cell) {
  if (!cell.bound || !(cell.estimate.median > 0)) return 0;
  return *cell.bound / cell.estimate.median;
}

std::string Percent(double share) { return fmt::format("{:.3g} %", 100 * share); }

Verdict BetterOrWorse(double ratio, const Metric& metric) {
  return (ratio > 1) == (metric.better == Better::kHigher) ? Verdict::kBetter : Verdict::kWorse;
}

void Widen(const ComparePair& pair, Estimate& ratio) {
  const double of_cell = RelativeBound(*pair.cell);
  const double of_base = RelativeBound(*pair.base);
  if ((of_cell == 0 && of_base == 0) || !ratio.low || !ratio.high) return;
  ratio.low = *ratio.low * std::max(0.0, 1 - of_cell) / (1 + of_base);
  // A baseline that may as well be 0 bounds nothing from above.
  ratio.high = *ratio.high * (1 + of_cell) / std::max(1 - of_base, 1e-9);
}

bool WithinBounds(const ComparePair& pair) {
  const double bound = pair.cell->bound.value_or(0) + pair.base->bound.value_or(0);
  return bound > 0 && std::abs(pair.cell->estimate.median - pair.base->estimate.median) <= bound;
}

bool SamplesOverlap(const ComparePair& pair) {
  const auto [a_low, a_high] =
      std::minmax_element(pair.cell->samples.begin(), pair.cell->samples.end());
  const auto [b_low, b_high] =
      std::minmax_element(pair.base->samples.begin(), pair.base->samples.end());
  return *a_low <= *b_high && *b_low <= *a_high;
}

class Family {
 public:
  Family(std::span<const ComparePair> pairs, const CompareOptions& options,
         MedianBootstrap& bootstrap)
      : pairs_(pairs), options_(options), bootstrap_(bootstrap), verdicts_(pairs.size()) {}

  std::vector<CompareVerdict> Done() {
    Test();
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const ComparePair& pair = pairs_[i];
      CompareVerdict& verdict = verdicts_[i];
      if (const auto ratio = bootstrap_.Ratio(pair.cell->samples, pair.base->samples)) {
        verdict.ratio = *ratio;
        Widen(pair, verdict.ratio);
      }
      if (verdict.p) {
        JudgeTested(pair, verdict);
      } else {
        JudgeFew(pair, verdict);
      }
    }
    return std::move(verdicts_);
  }

 private:
  static Counts CountsOf(const ComparePair& pair) {
    return {pair.cell->samples.size(), pair.base->samples.size()};
  }

  // Sets p of those that are tested.
  void Test() {
    std::vector<double> smallest;
    for (const ComparePair& pair : pairs_) {
      const auto [a, b] = CountsOf(pair);
      const double p = SmallestP(a, b);
      if (p < kUsefulP) smallest.push_back(p);
    }
    testable_ = smallest.size();
    const double limit = LargestUsefulP(smallest, options_.alpha);
    std::vector<size_t> tested;
    std::vector<double> p;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const auto [a, b] = CountsOf(pairs_[i]);
      if (SmallestP(a, b) > limit) continue;
      if (const auto own = MannWhitneyP(pairs_[i].cell->samples, pairs_[i].base->samples)) {
        tested.push_back(i);
        p.push_back(*own);
      }
    }
    const std::vector<double> adjusted = HolmAdjusted(p);
    for (size_t k = 0; k < tested.size(); ++k) verdicts_[tested[k]].p = adjusted[k];
  }

  void JudgeTested(const ComparePair& pair, CompareVerdict& verdict) const {
    const double low = *verdict.ratio.low;
    const double high = *verdict.ratio.high;
    const std::string interval = fmt::format("interval {:.4g} to {:.4g}", low, high);
    const bool outside = low > 1 + options_.same || high < 1 - options_.same;
    if (WithinBounds(pair)) {
      verdict.why = BoundsText(pair);
    } else if (low >= 1 - options_.same && high <= 1 + options_.same) {
      verdict.verdict = Verdict::kSame;
      verdict.why = fmt::format("{}, within 1 +- {}", interval, Percent(options_.same));
    } else if (!outside) {
      verdict.why = fmt::format("{}, not outside 1 +- {}", interval, Percent(options_.same));
    } else if (!(*verdict.p < options_.alpha)) {
      verdict.why = fmt::format("p {:.2g} is not below {:.2g}", *verdict.p, options_.alpha);
    } else {
      verdict.verdict = BetterOrWorse(verdict.ratio.median, *pair.metric);
      verdict.why = fmt::format("p {:.2g}, {}", *verdict.p, interval);
    }
  }

  void JudgeFew(const ComparePair& pair, CompareVerdict& verdict) {
    const std::string& runs = RunsText(CountsOf(pair));
    const double difference = std::abs(verdict.ratio.median - 1);
    if (!(difference > options_.single_run)) {
      verdict.why = runs;
    } else if ((pair.cell->unsteady || pair.base->unsteady) &&
               !(std::max(verdict.ratio.median, 1 / verdict.ratio.median) >
                 options_.unsteady_factor)) {
      verdict.why = pair.cell->unsteady && pair.base->unsteady ? "both are unsteady"
                    : pair.cell->unsteady                      ? "it is unsteady"
                                                               : "the baseline is unsteady";
    } else if (WithinBounds(pair)) {
      verdict.why = BoundsText(pair);
    } else if (SamplesOverlap(pair)) {
      verdict.why = "too few runs for a test, and they overlap";
    } else {
      verdict.verdict = BetterOrWorse(verdict.ratio.median, *pair.metric);
      verdict.why = FewText(CountsOf(pair));
    }
  }

  static std::string BoundsText(const ComparePair& pair) {
    return fmt::format("within the meters' bounds of {} and {}", Percent(RelativeBound(*pair.cell)),
                       Percent(RelativeBound(*pair.base)));
  }

  static std::string FewText(Counts counts) {
    if (counts.first == counts.second) {
      return fmt::format("{} run{} each", counts.first, counts.first == 1 ? "" : "s");
    }
    return fmt::format("{} and {} runs", counts.first, counts.second);
  }

  // The fewest runs each with which one pair more could be tested.
  size_t RunsForATest() const {
    const auto tests = static_cast<double>(std::max(testable_, pairs_.size()));
    size_t runs = 4;
    while (SmallestP(runs, runs) * tests >= options_.alpha && runs < 100) ++runs;
    return runs;
  }

  // Kept: of thousands of rows most have the same.
  const std::string& RunsText(Counts counts) {
    std::string& text = runs_text_[counts];
    if (!text.empty()) return text;
    text = fmt::format("{}: differences below {} are not judged", FewText(counts),
                       Percent(options_.single_run));
    if (std::min(counts.first, counts.second) > 1) {
      text += fmt::format("; a test among {} needs {} runs", pairs_.size(), RunsForATest());
    }
    return text;
  }

  std::span<const ComparePair> pairs_;
  const CompareOptions& options_;
  MedianBootstrap& bootstrap_;
  size_t testable_ = 0;
  std::map<Counts, std::string> runs_text_;
  std::vector<CompareVerdict> verdicts_;
};

}  // namespace

std::vector<CompareVerdict> JudgeFamily(std::span<const ComparePair> pairs,
                                        const CompareOptions& options, MedianBootstrap& bootstrap) {
  return Family(pairs, options, bootstrap).Done();
}

}  // namespace wattline::roofline
