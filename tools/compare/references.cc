#include "tools/compare/references.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "roofline/claims.h"
#include "roofline/compare_keys.h"
#include "roofline/devices.h"
#include "roofline/normalised.h"
#include "roofline/readers/reader.h"
#include "tools/reference/embedded.h"

namespace wattline::tools {
namespace {

using roofline::Results;

// Of a reference file; what it cannot be read for is a fault of the program, which tests find.
std::vector<Results> Read(const EmbeddedFile& file) {
  const std::string name(file.name);
  std::vector<Results> results = roofline::ParseAny(std::string(file.text), name).results;
  for (Results& one : results) roofline::AddNormalised(one);
  return results;
}

bool IsChip(const std::vector<Results>& results, const std::string& name) {
  return std::any_of(results.begin(), results.end(), [&name](const Results& one) {
    return roofline::PlainChip(one.machine.chip) == roofline::PlainChip(name);
  });
}

// "apple" begins "apple-m4", but "apple-m" does not.
bool Begins(const std::string& begin, std::string_view name) {
  return name.size() > begin.size() && name.substr(0, begin.size()) == begin &&
         std::isalnum(static_cast<unsigned char>(name[begin.size()])) == 0;
}

std::string Unknown(const std::string& name) {
  std::string known;
  for (const EmbeddedFile& file : ReferenceFiles()) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", file.name);
  }
  return fmt::format("--reference={} is not known; there are {}", name,
                     known.empty() ? "none in this build" : known);
}

}  // namespace

LoadedFiles LoadReferences(const std::vector<std::string>& names) {
  LoadedFiles loaded;
  std::set<std::string_view> taken;
  for (const std::string& name : names) {
    const std::string slug = roofline::DeviceSlug(name);
    std::vector<const EmbeddedFile*> exact, beginning;
    for (const EmbeddedFile& file : ReferenceFiles()) {
      if (file.name == name || file.name == slug || IsChip(Read(file), name)) {
        exact.push_back(&file);
      } else if (!slug.empty() && Begins(slug, file.name)) {
        beginning.push_back(&file);
      }
    }
    const std::vector<const EmbeddedFile*>& found = exact.empty() ? beginning : exact;
    if (found.empty()) return {{}, {}, Unknown(name)};
    for (const EmbeddedFile* file : found) {
      if (!taken.insert(file->name).second) continue;
      for (Results& one : Read(*file)) loaded.results.push_back(std::move(one));
    }
  }
  return loaded;
}

size_t KeepCommonRows(const std::vector<Results>& files, const roofline::CompareOptions& options,
                      std::vector<Results>& references) {
  const roofline::LeftOut left_out = roofline::LeftOutBy(options);
  std::set<std::string> keys;
  for (const Results& file : files) {
    for (const roofline::Row& row : file.rows) {
      if (const auto key = roofline::KeyOf(row, left_out)) keys.insert(key->key);
    }
  }
  size_t count = 0;
  for (Results& reference : references) {
    count += std::erase_if(reference.rows, [&](const roofline::Row& row) {
      const auto key = roofline::KeyOf(row, left_out);
      return !key || keys.count(key->key) == 0;
    });
  }
  std::erase_if(references, [](const Results& reference) { return reference.rows.empty(); });
  return count;
}

TextTable ReferenceTable() {
  TextTable table;
  table.columns = {{"name", "name", false},
                   {"chip", "chip", false},
                   {"rows", "rows", true},
                   {"source", "source", false}};
  for (const EmbeddedFile& file : ReferenceFiles()) {
    for (const Results& one : Read(file)) {
      const auto rows = static_cast<double>(one.rows.size());
      table.rows.push_back({std::string(file.name), one.machine.chip,
                            Cell(rows, fmt::format("{}", one.rows.size())), one.source});
    }
  }
  return table;
}

}  // namespace wattline::tools
