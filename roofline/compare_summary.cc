#include "roofline/compare_summary.h"

#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "roofline/statistics.h"

namespace wattline::roofline {
namespace {

// Of one fixture and metric.
struct SummaryGroup {
  std::string fixture;
  std::string part;
  const Metric* metric = nullptr;
  std::vector<std::vector<double>> ratios;  // [columns]
  std::vector<size_t> missing;              // [columns]
};

class SummaryGroups {
 public:
  explicit SummaryGroups(const Comparison& comparison) : comparison_(comparison) {}

  void Add(const std::string& fixture, const std::string& part, const CompareRow& row) {
    SummaryGroup& group = Find(fixture, part, row.metric);
    const std::optional<CompareCell>& base = row.cells[comparison_.baseline];
    for (size_t c = 0; c < row.cells.size(); ++c) {
      if (c == comparison_.baseline) continue;
      if (row.verdicts[c]) {
        group.ratios[c].push_back(row.verdicts[c]->ratio.median);
      } else if (row.cells[c].has_value() != base.has_value()) {
        ++group.missing[c];
      }
    }
  }

  const std::vector<SummaryGroup>& all() const { return groups_; }

 private:
  SummaryGroup& Find(const std::string& fixture, const std::string& part, const Metric& metric) {
    const auto [found, is_new] =
        index_.try_emplace(std::tuple(fixture, part, metric.counter), groups_.size());
    if (is_new) {
      const size_t columns = comparison_.columns.size();
      groups_.push_back({fixture, part, &metric, std::vector<std::vector<double>>(columns),
                         std::vector<size_t>(columns)});
    }
    return groups_[found->second];
  }

  const Comparison& comparison_;
  std::map<std::tuple<std::string, std::string, std::string>, size_t> index_;
  std::vector<SummaryGroup> groups_;
};

}  // namespace

std::vector<CompareSummary> Summarise(const Comparison& comparison, const CompareOptions& options) {
  std::map<std::pair<std::string, std::string>, std::set<std::string>> fixtures_of;
  for (const CompareRow& row : comparison.rows) {
    if (row.metric.ranked) fixtures_of[{row.metric.counter, row.part}].insert(row.fixture);
  }
  SummaryGroups by_fixture(comparison);
  SummaryGroups over_all(comparison);
  for (const CompareRow& row : comparison.rows) {
    if (!row.metric.ranked) continue;
    // Rows of foreign names have no fixture: they are a group where there are no others.
    const bool several = fixtures_of[{row.metric.counter, row.part}].size() > 1;
    if (several) over_all.Add("", row.part, row);
    if (!several || !row.fixture.empty()) by_fixture.Add(row.fixture, row.part, row);
  }
  std::vector<CompareSummary> summaries;
  for (const SummaryGroups* groups : {&by_fixture, &over_all}) {
    for (const SummaryGroup& group : groups->all()) {
      for (size_t c = 0; c < comparison.columns.size(); ++c) {
        const auto mean = GeometricMeanOf(group.ratios[c], options.resamples, options.seed);
        if (!mean) continue;
        summaries.push_back({group.fixture, group.part, *group.metric, comparison.columns[c].label,
                             mean->median, mean->low, mean->high, group.ratios[c].size(),
                             group.missing[c]});
      }
    }
  }
  return summaries;
}

}  // namespace wattline::roofline
