#include "roofline/compare_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "roofline/compare_keys.h"

namespace wattline::roofline {
namespace {

std::string Joined(const std::vector<std::string>& texts, const char* separator) {
  return fmt::format("{}", fmt::join(texts, separator));
}

bool AllAlike(const std::vector<std::string>& texts) {
  return std::all_of(texts.begin(), texts.end(),
                     [&texts](const std::string& text) { return text == texts.front(); });
}

std::string CommitsOf(std::span<const Results> files, const std::vector<size_t>& of_column) {
  std::vector<std::string> commits;
  for (size_t file : of_column) {
    const std::string& commit = files[file].machine.commit;
    if (commit.empty() || std::find(commits.begin(), commits.end(), commit) != commits.end()) {
      continue;
    }
    commits.push_back(commit);
  }
  return Joined(commits, ", ");
}

// Adds `more` [columns] in brackets to those labels that are alike where it tells some of them
// apart.
void Distinguish(const std::vector<std::string>& more, std::vector<std::string>& labels) {
  std::map<std::string, std::vector<size_t>> alike;
  for (size_t c = 0; c < labels.size(); ++c) alike[labels[c]].push_back(c);
  for (const auto& [label, columns] : alike) {
    std::set<std::string> values;
    for (size_t c : columns) values.insert(more[c]);
    if (values.size() < 2) continue;
    for (size_t c : columns) {
      if (!more[c].empty()) labels[c] += fmt::format(" ({})", more[c]);
    }
  }
}

void NumberAlike(std::vector<std::string>& labels) {
  std::map<std::string, int> seen;
  std::set<std::string> taken(labels.begin(), labels.end());
  for (std::string& label : labels) {
    const std::string base = label;
    int count = ++seen[base];
    if (count == 1) continue;
    do {
      label = fmt::format("{} #{}", base, count++);
    } while (!taken.insert(label).second);
  }
}

}  // namespace

void SetLabels(std::span<const Results> files, const std::vector<std::vector<size_t>>& column_files,
               const std::vector<std::string>& parts, bool by_file,
               std::vector<CompareColumn>& columns) {
  std::vector<std::string> mains, chips, gpus, tools, commits, names;
  for (size_t c = 0; c < columns.size(); ++c) {
    const CompareColumn& column = columns[c];
    names.push_back(Joined(column.files, ", "));
    mains.push_back(by_file || column.chip.empty() ? names.back() : column.chip);
    chips.push_back(column.chip);
    const std::vector<GpuNote>& with = files[column_files[c].front()].machine.gpus;
    gpus.push_back(with.empty() ? "no GPU" : with.front().name);
    tools.push_back(column.published ? "published" : column.tool);
    commits.push_back(CommitsOf(files, column_files[c]));
  }
  // One chip and several backends: the backends are enough.
  const bool parts_only = !columns.empty() && AllAlike(mains) &&
                          std::none_of(parts.begin(), parts.end(),
                                       [](const std::string& part) { return part.empty(); });
  std::vector<std::string> labels;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (parts_only) {
      labels.push_back(parts[c]);
    } else {
      labels.push_back(mains[c] + (parts[c].empty() ? "" : " ") + parts[c]);
    }
  }
  for (const std::vector<std::string>* more : {&chips, &gpus, &tools, &commits, &names}) {
    Distinguish(*more, labels);
  }
  NumberAlike(labels);
  for (size_t c = 0; c < columns.size(); ++c) columns[c].label = labels[c];
}

FoundColumn FindColumn(std::span<const Results> files,
                       const std::vector<std::vector<size_t>>& column_files,
                       const std::vector<CompareColumn>& columns, const std::string& name) {
  if (name.empty()) return {};
  std::vector<size_t> of_file;
  std::vector<std::string> labels;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].label == name) return {c, {}};
    labels.push_back("'" + columns[c].label + "'");
    const auto is_it = [&](size_t file) {
      return files[file].path == name || FileName(files[file].path) == name;
    };
    if (std::any_of(column_files[c].begin(), column_files[c].end(), is_it)) of_file.push_back(c);
  }
  if (of_file.size() == 1) return {of_file[0], {}};
  return {0, fmt::format("the baseline '{}' is {}; the columns are {}", name,
                         of_file.empty() ? "no column and no file of them"
                                         : fmt::format("in {} columns", of_file.size()),
                         fmt::join(labels, ", "))};
}

}  // namespace wattline::roofline
