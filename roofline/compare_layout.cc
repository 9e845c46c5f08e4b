// gcc 12 with -fsanitize takes std::regex's own members for uninitialised (its bug 105562).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "roofline/compare_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <unordered_map>

#include "roofline/compare_keys.h"
#include "roofline/compare_labels.h"

namespace wattline::roofline {
namespace {

// What the user's expression takes; its errors are texts, not exceptions.
class Filter {
 public:
  explicit Filter(const std::string& text) : negated_(!text.empty() && text[0] == '-') {
    const std::string pattern = negated_ ? text.substr(1) : text;
    if (pattern.empty()) return;
    try {
      regex_.emplace(pattern);
    } catch (const std::regex_error& error) {
      error_ = fmt::format("the filter '{}' is no regular expression: {}", text, error.what());
    }
  }
  const std::string& error() const { return error_; }

  bool Takes(const std::string& name) {
    if (!regex_) return !negated_;
    // The library's matcher recurses for each letter: a name of megabytes would end the stack.
    constexpr size_t kMostLetters = 2048;
    try {
      const auto end = name.begin() + static_cast<long>(std::min(name.size(), kMostLetters));
      return std::regex_search(name.begin(), end, *regex_) != negated_;
    } catch (const std::regex_error& error) {
      error_ = fmt::format("the filter cannot be searched for in '{}': {}", name.substr(0, 60),
                           error.what());
      return false;
    }
  }

 private:
  bool negated_;
  std::optional<std::regex> regex_;
  std::string error_;
};

size_t Mixed(size_t hash, size_t more) {
  return hash ^ (more + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2));
}

// Equal for files of the same content: names, times and counters of all rows, and the context.
size_t Fingerprint(const Results& results) {
  const auto of_number = [](double value) { return std::hash<double>()(value); };
  size_t hash = std::hash<std::string>()(results.context);
  for (const Row& row : results.rows) {
    hash = Mixed(hash, std::hash<std::string>()(row.name));
    hash = Mixed(hash, of_number(row.time_s));
    for (const auto& [name, value] : row.counters) hash = Mixed(hash, of_number(value));
  }
  return hash;
}

// Files that may share a column have the same text.
std::string GroupOf(const Results& results) {
  const Machine& machine = results.machine;
  std::string chip = machine.chip_slug.empty() ? machine.chip : machine.chip_slug;
  if (chip.empty()) chip = "file " + results.path;
  // A file of one machine has the rows of its GPU too.
  const std::string gpu = machine.gpus.empty() ? "" : machine.gpus.front().name;
  return chip + "\n" + gpu + "\n" + results.tool + "\n" + (results.published ? "published" : "");
}

std::string PartOf(const Row& row) {
  if (!row.address || row.address->fixture != "decode") return {};
  for (const char* part : {"prefill", "ctx"}) {
    if (!row.address->Case(part).empty()) return part;
  }
  return {};
}

class Layouter {
 public:
  Layouter(std::span<const Results> files, const CompareOptions& options)
      : files_(files), options_(options), left_out_(LeftOutBy(options)), filter_(options.filter) {}

  Layout Done() {
    layout_.error = filter_.error();
    if (files_.empty() && layout_.error.empty()) layout_.error = "there is no file to compare";
    if (!layout_.error.empty()) return std::move(layout_);
    SetGroups();
    for (size_t file = 0; file < files_.size(); ++file) AddFile(file);
    if (layout_.error.empty()) layout_.error = filter_.error();
    if (layout_.error.empty() && layout_.columns.empty()) layout_.error = NoColumn();
    if (!layout_.error.empty()) return std::move(layout_);
    WarnOfLeftOut();
    for (KeyRows& key : layout_.keys) key.cells.resize(layout_.columns.size());
    SetLabels(files_, layout_.files, parts_, by_file_, layout_.columns);
    const FoundColumn found = FindColumn(files_, layout_.files, layout_.columns, options_.baseline);
    layout_.baseline = found.index;
    layout_.error = found.error;
    return std::move(layout_);
  }

 private:
  // A name's place; looked up once, for files repeat their names.
  struct Place {
    bool taken = false;     // by the filter
    bool has_parts = true;  // that columns are made of
    size_t key = 0;
    std::string part;
  };

  // The baseline is one file of several that would share a column.
  bool BaselineIsOneOfSeveral() const {
    for (size_t i = 0; i < files_.size(); ++i) {
      const std::string& path = files_[i].path;
      if (path != options_.baseline && FileName(path) != options_.baseline) continue;
      for (size_t j = 0; j < files_.size(); ++j) {
        if (groups_[j] == groups_[i] && files_[j].path != path) return true;
      }
    }
    return false;
  }

  void SetGroups() {
    std::set<std::string> chips;
    for (const Results& results : files_) {
      groups_.push_back(GroupOf(results));
      chips.insert(groups_.back());
      fingerprints_.push_back(Fingerprint(results));
    }
    by_file_ =
        options_.by == By::kFile || BaselineIsOneOfSeveral() ||
        (options_.by == By::kChip && !left_out_.any() && files_.size() > 1 && chips.size() == 1);
    if (!by_file_) return;
    // One path may hold several machines and models; the same content a second time is a second
    // file.
    for (size_t i = 0; i < files_.size(); ++i) {
      int same = 0;
      for (size_t j = 0; j < i; ++j) {
        same += files_[j].path == files_[i].path && fingerprints_[j] == fingerprints_[i];
      }
      groups_[i] += fmt::format("\n{}\n{}", files_[i].path, same);
    }
  }

  size_t ColumnOf(size_t file, const std::string& part) {
    const auto [found, is_new] =
        column_of_.try_emplace(groups_[file] + "\n" + part, layout_.columns.size());
    const size_t column = found->second;
    if (is_new) {
      const Results& results = files_[file];
      layout_.columns.push_back({{}, results.machine.chip, {}, results.tool, results.published});
      if (layout_.columns.back().chip.empty()) {
        layout_.columns.back().chip = results.machine.chip_slug;
      }
      layout_.files.emplace_back();
      parts_.push_back(part);
    }
    std::vector<size_t>& of_column = layout_.files[column];
    if (of_column.empty() || of_column.back() != file) {
      of_column.push_back(file);
      std::vector<std::string>& names = layout_.columns[column].files;
      const std::string name = FileName(files_[file].path);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return column;
  }

  bool IsASecondCopy(size_t file) {
    const auto [first, is_new] =
        first_of_.try_emplace(groups_[file] + fmt::format("\n{}", fingerprints_[file]), file);
    if (is_new || files_[file].rows.empty()) return false;
    layout_.warnings.push_back(fmt::format("{} has the same content as {}; it counts once",
                                           files_[file].path, files_[first->second].path));
    return true;
  }

  const Place& PlaceOf(const Row& row) {
    const auto [found, is_new] = places_.try_emplace(row.name);
    Place& place = found->second;
    if (!is_new) return place;
    place.taken = filter_.Takes(row.name);
    if (!place.taken) return place;
    std::optional<RowKey> key = KeyOf(row, left_out_);
    place.has_parts = key.has_value();
    if (!key) return place;
    place.part = std::move(key->column);
    const auto [known, is_first] = keys_.try_emplace(key->key, layout_.keys.size());
    place.key = known->second;
    if (is_first) {
      layout_.keys.push_back({key->key, row.address ? row.address->fixture : "", PartOf(row), {}});
    }
    return place;
  }

  void AddFile(size_t file) {
    if (IsASecondCopy(file)) return;
    const Results& results = files_[file];
    // Without rows too: what it lacks is missing.
    if (!left_out_.any()) ColumnOf(file, {});
    size_t taken = 0;
    std::optional<std::pair<std::string, size_t>> last;  // part and its column
    for (const Row& row : results.rows) {
      const Place& place = PlaceOf(row);
      if (!place.taken) continue;
      ++taken;
      if (!place.has_parts) {
        ++without_parts_;
        continue;
      }
      if (!last || last->first != place.part) last.emplace(place.part, ColumnOf(file, place.part));
      AddRow(row, file, last->second, layout_.keys[place.key]);
    }
    if (taken == 0) {
      layout_.warnings.push_back(results.rows.empty()
                                     ? fmt::format("{} has no rows", results.path)
                                     : fmt::format("the filter takes no row of {}", results.path));
    }
  }

  static void AddRow(const Row& row, size_t file, size_t column, KeyRows& key) {
    if (key.cells.size() <= column) key.cells.resize(column + 1);
    CellRuns& cell = key.cells[column];
    if (!row.error.empty()) {
      cell.failed.push_back({&row, file});
    } else if (row.aggregate.empty()) {
      cell.runs.push_back({&row, file});
    } else {
      cell.aggregates.push_back({&row, file});
    }
  }

  std::string LeftOutText() const {
    std::vector<std::string> texts;
    if (left_out_.backend) texts.emplace_back("backend");
    if (left_out_.isa) texts.emplace_back("isa");
    if (left_out_.format) texts.emplace_back("format");
    for (const std::string& name : left_out_.cases) texts.push_back(name);
    return fmt::format("{}", fmt::join(texts, ", "));
  }

  std::string NoColumn() const {
    std::set<std::string> cases;
    for (const Results& results : files_) {
      for (const Row& row : results.rows) {
        if (!row.address) continue;
        for (const auto& [name, value] : row.address->cases) cases.insert(name);
      }
    }
    if (without_parts_ == 0) return "no row is left to compare; the filter takes none";
    return fmt::format("no row has {} to compare across; there are backend, format, isa{}{}",
                       LeftOutText(), cases.empty() ? "" : ", ", fmt::join(cases, ", "));
  }

  void WarnOfLeftOut() {
    if (without_parts_ == 0) return;
    layout_.warnings.push_back(fmt::format("{} rows have no {} in their name and are left out",
                                           without_parts_, LeftOutText()));
  }

  std::span<const Results> files_;
  const CompareOptions& options_;
  LeftOut left_out_;
  Filter filter_;
  bool by_file_ = false;
  std::vector<std::string> groups_;   // [files]
  std::vector<size_t> fingerprints_;  // [files]
  std::vector<std::string> parts_;    // [columns]
  size_t without_parts_ = 0;
  std::unordered_map<std::string, Place> places_;
  std::unordered_map<std::string, size_t> keys_;
  std::map<std::string, size_t> column_of_;
  std::map<std::string, size_t> first_of_;
  Layout layout_;
};

}  // namespace

Layout LayOut(std::span<const Results> files, const CompareOptions& options) {
  return Layouter(files, options).Done();
}

}  // namespace wattline::roofline
