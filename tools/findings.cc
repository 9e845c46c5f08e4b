#include "tools/findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wattline::tools {
namespace {

using roofline::Finding;

std::string Head(size_t count) {
  if (count == 0) return "lint: no findings\n";
  return fmt::format("lint: {} finding{}\n", count, count == 1 ? "" : "s");
}

// "row", or "row and 3 more".
std::string Where(const Finding& one) {
  if (one.also.empty()) return one.where;
  return fmt::format("{} and {} more", one.where, one.also.size());
}

std::string Lines(std::span<const Finding> findings) {
  std::string text = Head(findings.size());
  for (const Finding& one : findings) {
    text += fmt::format("{}: {}: {}\n  {}\n  -> {}\n", one.rule, one.file, Where(one), one.what,
                        one.remedy);
  }
  return text;
}

std::string Bullets(std::span<const Finding> findings) {
  std::string text = Head(findings.size());
  if (!findings.empty()) text += "\n";
  for (const Finding& one : findings) {
    text += fmt::format("- **{}** {}: `{}`: {}. *{}.*\n", one.rule, one.file, Where(one), one.what,
                        one.remedy);
  }
  return text;
}

TextTable Table(std::span<const Finding> findings) {
  TextTable table;
  table.columns = {{"rule", "rule", false}, {"file", "file", false},     {"where", "where", false},
                   {"what", "what", false}, {"remedy", "remedy", false}, {"also", "also", false}};
  for (const Finding& one : findings) {
    table.rows.push_back({one.rule, one.file, one.where, one.what, one.remedy,
                          fmt::format("{}", fmt::join(one.also, " "))});
  }
  return table;
}

}  // namespace

std::string FindingsText(std::span<const Finding> findings, TableFormat format) {
  if (format == TableFormat::kTable) return Lines(findings);
  if (format == TableFormat::kMarkdown) return Bullets(findings);
  return Render(Table(findings), format);
}

}  // namespace wattline::tools
