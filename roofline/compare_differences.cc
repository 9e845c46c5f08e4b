#include "roofline/compare_differences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "roofline/compare_context.h"
#include "roofline/compare_keys.h"
#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

using Texts = std::vector<std::string>;

void AddOnce(const std::string& text, Texts& texts) {
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
}

std::string Join(const auto& texts, const char* separator) {
  return fmt::format("{}", fmt::join(texts, separator));
}

class Differences {
 public:
  Differences(std::span<const Results> files, const Layout& layout, const CompareOptions& options,
              Comparison& comparison)
      : files_(files), layout_(layout), left_out_(LeftOutBy(options)), comparison_(comparison) {
    for (const Results& results : files) facts_.push_back(FactsOf(results));
  }

  void Find() {
    FindFacts();
    FindHeat();
    WarnOfMergedFiles();
    WarnOfPublished();
    WarnOfPrograms();
    WarnOfEnergy();
    WarnOfFormats();
    WarnOfUnknown();
    for (const char* counter : {"round_trip_ns", "ground_GB/s"}) WarnOfRegimes(counter);
  }

 private:
  size_t columns() const { return layout_.columns.size(); }
  void Warn(std::string text) { comparison_.warnings.push_back(std::move(text)); }
  std::string Quoted(size_t column) const { return "'" + comparison_.columns[column].label + "'"; }

  // "cpu dram: 'A', 'B'; cpu: 'C'" of a text per column; columns without one are left out.
  std::string Grouped(const Texts& values) const {
    Texts order;
    std::map<std::string, Texts> of_value;
    for (size_t c = 0; c < values.size(); ++c) {
      if (values[c].empty()) continue;
      AddOnce(values[c], order);
      of_value[values[c]].push_back(Quoted(c));
    }
    Texts parts;
    for (const std::string& value : order) {
      parts.push_back(fmt::format("{}: {}", value, fmt::join(of_value[value], ", ")));
    }
    return Join(parts, "; ");
  }

  static bool Differ(const Texts& values) {
    std::set<std::string> distinct(values.begin(), values.end());
    distinct.erase("");
    return distinct.size() > 1;
  }

  // Names of backends of which each column has rows.
  std::vector<std::set<std::string>> BackendsUsed() const {
    std::vector<std::set<std::string>> used(columns());
    for (const KeyRows& key : layout_.keys) {
      for (size_t c = 0; c < key.cells.size(); ++c) {
        for (const Run& run : key.cells[c].runs) {
          if (run.row->address) used[c].insert(run.row->address->backend);
        }
      }
    }
    return used;
  }

  void FindFacts() {
    const std::vector<std::set<std::string>> used = BackendsUsed();
    Texts order;
    std::map<std::string, std::vector<Texts>> of_fact;  // [columns], distinct values
    for (size_t c = 0; c < columns(); ++c) {
      for (size_t file : layout_.files[c]) {
        for (const auto& [what, value] : facts_[file].facts) {
          if (IsUnusedLibrary(what, used[c])) continue;
          AddOnce(what, order);
          std::vector<Texts>& values = of_fact[what];
          values.resize(columns());
          AddOnce(value, values[c]);
        }
      }
    }
    for (const std::string& what : order) {
      if (what == "chip" && LabelsTellChips()) continue;
      ContextDifference difference{what, {}};
      bool is_mixed = false;
      for (size_t c = 0; c < columns(); ++c) {
        const Texts& values = of_fact[what][c];
        difference.values.push_back(Join(values, " | "));
        if (values.size() > 1) {
          is_mixed = true;
          mixed_[c].push_back(what);
        }
      }
      if (is_mixed || Differ(difference.values)) {
        comparison_.differences.push_back(std::move(difference));
      }
    }
  }

  bool LabelsTellChips() const {
    return std::all_of(comparison_.columns.begin(), comparison_.columns.end(),
                       [](const CompareColumn& column) {
                         return column.label.find(column.chip) != std::string::npos;
                       });
  }

  static bool IsUnusedLibrary(const std::string& what, const std::set<std::string>& used) {
    const std::string prefix = kLibraryFact;
    // Rows of foreign names tell no backend: every library may be theirs.
    return what.rfind(prefix, 0) == 0 && !used.empty() &&
           used.count(what.substr(prefix.size())) == 0;
  }

  void FindHeat() {
    constexpr double kNotableKelvin = 15;
    ContextDifference difference{"hottest sensor at the start", Texts(columns())};
    std::vector<double> all;
    for (size_t c = 0; c < columns(); ++c) {
      Texts values;
      for (size_t file : layout_.files[c]) {
        if (!facts_[file].hottest_celsius) continue;
        all.push_back(*facts_[file].hottest_celsius);
        AddOnce(fmt::format("{:.0f} C", all.back()), values);
      }
      difference.values[c] = Join(values, " | ");
    }
    if (all.empty()) return;
    const auto [low, high] = std::minmax_element(all.begin(), all.end());
    if (*high - *low >= kNotableKelvin) comparison_.differences.push_back(std::move(difference));
  }

  void WarnOfMergedFiles() {
    for (const auto& [column, whats] : mixed_) {
      Warn(
          fmt::format("the files of {} differ in {}; their rows count as repetitions all the same "
                      "(--by=file keeps them apart)",
                      Quoted(column), Join(whats, ", ")));
    }
  }

  void WarnOfPublished() {
    for (size_t c = 0; c < columns(); ++c) {
      if (!comparison_.columns[c].published) continue;
      Texts sources;
      for (size_t file : layout_.files[c]) {
        if (!files_[file].source.empty()) AddOnce(files_[file].source, sources);
      }
      Warn(fmt::format("{} are published figures of others, not measured here{}{}", Quoted(c),
                       sources.empty() ? "" : ": ", Join(sources, "; ")));
    }
  }

  void WarnOfPrograms() {
    Texts tools(columns());
    for (size_t c = 0; c < columns(); ++c) {
      if (!comparison_.columns[c].published) tools[c] = comparison_.columns[c].tool;
    }
    if (Differ(tools)) {
      Warn(
          "columns were measured by different programs, so that ratios are not of the chips "
          "alone: " +
          Grouped(tools));
    }
  }

  // Columns with energies in rows that another column has too.
  std::vector<bool> EnergyColumns() const {
    std::vector<bool> has(columns());
    for (const CompareRow& row : comparison_.rows) {
      if (row.metric.quantity != Quantity::kEnergy) continue;
      const auto cells = std::count_if(row.cells.begin(), row.cells.end(),
                                       [](const auto& cell) { return cell.has_value(); });
      if (cells < 2) continue;
      for (size_t c = 0; c < columns(); ++c) has[c] = has[c] || row.cells[c].has_value();
    }
    return has;
  }

  void WarnOfEnergy() {
    const std::vector<bool> has_energy = EnergyColumns();
    Texts covers(columns()), kinds(columns()), notes(columns()), untold;
    std::set<std::string> chips;
    for (size_t c = 0; c < columns(); ++c) {
      if (!has_energy[c]) continue;
      chips.insert(comparison_.columns[c].chip);
      std::set<std::string> all_covers, all_kinds;
      bool told = false;
      for (size_t file : layout_.files[c]) {
        const EnergyScope& scope = facts_[file].energy;
        told = told || scope.told;
        all_covers.insert(scope.covers.begin(), scope.covers.end());
        all_kinds.insert(scope.kinds.begin(), scope.kinds.end());
        if (scope.kinds.count("modelled") == 0) continue;
        notes[c] = Join(scope.meters, ", ") + (scope.note.empty() ? "" : ", ") + scope.note;
      }
      covers[c] = Join(all_covers, " ");
      kinds[c] = Join(all_kinds, " and ");
      if (!told) untold.push_back(Quoted(c));
    }
    if (Differ(covers)) Warn("joules are of different scope: " + Grouped(covers));
    if (Differ(kinds)) Warn("joules are of different kinds of meters: " + Grouped(kinds));
    for (size_t c = 0; c < columns() && chips.size() > 1; ++c) {
      if (notes[c].empty()) continue;
      Warn(fmt::format("joules of {} are modelled ({}) and do not compare with other chips'",
                       Quoted(c), notes[c]));
    }
    if (!untold.empty()) {
      Warn(fmt::format("the files of {} do not tell what their joules are measured with",
                       Join(untold, ", ")));
    }
  }

  void WarnOfFormats() {
    if (left_out_.format) {
      Warn("columns are of different formats: their models' weights are not of one size");
      return;
    }
    constexpr double kOtherWeights = 0.01;
    size_t count = 0;
    std::string example;
    for (const KeyRows& key : layout_.keys) {
      std::vector<double> weights_gb;
      for (const CellRuns& cell : key.cells) {
        if (cell.runs.empty()) continue;
        if (const auto one = cell.runs[0].row->Counter("weights_GB")) weights_gb.push_back(*one);
      }
      if (weights_gb.size() < 2) continue;
      const auto [low, high] = std::minmax_element(weights_gb.begin(), weights_gb.end());
      if (*high <= *low * (1 + kOtherWeights)) continue;
      if (count++ == 0) example = fmt::format("{}: {:.4g} to {:.4g} GB", key.key, *low, *high);
    }
    if (count == 0) return;
    Warn(
        fmt::format("weights of {} row{} differ by more than 1 % ({}): the models' formats are not "
                    "the same",
                    count, count == 1 ? "" : "s", example));
  }

  // Readers write "unknown" for a model or a format that a file does not tell.
  void WarnOfUnknown() {
    size_t count = 0;
    for (const KeyRows& key : layout_.keys) {
      if (("/" + key.key + "/").find("/unknown/") == std::string::npos) continue;
      count += std::count_if(key.cells.begin(), key.cells.end(), [](const CellRuns& cell) {
                 return !cell.runs.empty() || !cell.aggregates.empty();
               }) > 1;
    }
    if (count == 0) return;
    Warn(fmt::format(
        "{} row{} of a model or format that the files do not tell ('unknown'): they are "
        "alike in name only",
        count, count == 1 ? " is" : "s are"));
  }

  struct Probe {
    double median = 0;
    std::string file;
  };

  // The machine's own state, by its probes: files of one chip with as many threads.
  void WarnOfRegimes(const char* counter) {
    std::map<std::string, std::vector<Probe>> of_machine;
    for (const Results& results : files_) {
      std::vector<double> values;
      for (const Row& row : results.rows) {
        const auto found = row.counters.find(counter);
        if (found != row.counters.end() && found->second > 0) values.push_back(found->second);
      }
      const std::optional<double> median = Median(values);
      if (!median || results.published || results.machine.chip.empty()) continue;
      const std::string threads =
          results.machine.threads ? fmt::format(" with {} threads", *results.machine.threads) : "";
      of_machine[results.machine.chip + threads].push_back({*median, FileName(results.path)});
    }
    for (const auto& [machine, probes] : of_machine) {
      const auto [low, high] =
          std::minmax_element(probes.begin(), probes.end(),
                              [](const Probe& a, const Probe& b) { return a.median < b.median; });
      if (high->median <= low->median * kOtherRegime) continue;
      Warn(
          fmt::format("{} stood in different states: {} is {:.4g} in {} and {:.4g} in {}; their "
                      "rows differ by that too",
                      machine, counter, low->median, low->file, high->median, high->file));
    }
  }

  std::span<const Results> files_;
  const Layout& layout_;
  LeftOut left_out_;
  Comparison& comparison_;
  std::vector<ContextFacts> facts_;  // [files]
  std::map<size_t, Texts> mixed_;    // by column: facts in which its files differ
};

}  // namespace

void FindDifferences(std::span<const Results> files, const Layout& layout,
                     const CompareOptions& options, Comparison& comparison) {
  Differences(files, layout, options, comparison).Find();
}

}  // namespace wattline::roofline
