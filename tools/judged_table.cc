#include "tools/judged_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace wattline::tools {
namespace {

using roofline::Judged;

// "f32 cpu x2 DRAM": arithmetic, backend, threads and level.
Cell RoofCell(const std::optional<roofline::RoofKey>& key) {
  if (!key) return {};
  return fmt::format("{} {} x{} {}", key->format, key->backend, key->threads, key->level);
}

Cell TimeCell(double time_s) {
  if (!(time_s > 0)) return {};
  for (const auto& [scale, unit] :
       {std::pair{1.0, "s"}, std::pair{1e-3, "ms"}, std::pair{1e-6, "us"}}) {
    if (time_s >= scale) return {time_s, fmt::format("{:.4g} {}", time_s / scale, unit)};
  }
  return {time_s, fmt::format("{:.4g} ns", time_s * 1e9)};
}

struct JudgedColumn {
  Column column;
  Cell (*cell)(const Judged&);
  bool for_people = true;
};

const std::vector<JudgedColumn>& AllColumns() {
  static const std::vector<JudgedColumn> columns = {
      {{"chip", "chip", false}, [](const Judged& r) { return Cell(r.chip); }, false},
      {{"row", "row", false}, [](const Judged& r) { return Cell(r.row); }},
      {{"fixture", "fixture", false}, [](const Judged& r) { return Cell(r.fixture); }, false},
      {{"format", "format", false}, [](const Judged& r) { return Cell(r.format); }, false},
      {{"backend", "backend", false}, [](const Judged& r) { return Cell(r.backend); }, false},
      {{"time_s", "time"}, [](const Judged& r) { return TimeCell(r.time_s); }},
      {{"time_share", "of time"},
       [](const Judged& r) { return r.time_s > 0 ? PercentCell(r.time_share) : Cell(); }},
      {{"flop_per_byte", "FLOP/byte"}, [](const Judged& r) { return NumberCell(r.flop_per_byte); }},
      {{"tflops", "TFLOPS"}, [](const Judged& r) { return NumberCell(r.flop_per_s, 1e-12); }},
      {{"gb_per_s", "GB/s"}, [](const Judged& r) { return NumberCell(r.byte_per_s, 1e-9); }},
      {{"attainable_tflops", "attainable TFLOPS"},
       [](const Judged& r) { return NumberCell(r.attainable_flop_per_s, 1e-12); }},
      {{"share", "attained"}, [](const Judged& r) { return PercentCell(r.share); }},
      {{"bound", "bound", false}, [](const Judged& r) { return Cell(r.bound); }},
      {{"roof", "roof", false}, [](const Judged& r) { return RoofCell(r.roof); }},
      {{"joules", "J"}, [](const Judged& r) { return NumberCell(r.joules); }},
      {{"gflop_per_joule", "GFLOP/J"},
       [](const Judged& r) { return NumberCell(r.flop_per_joule, 1e-9); }},
      {{"attainable_gflop_per_joule", "attainable GFLOP/J"},
       [](const Judged& r) { return NumberCell(r.attainable_flop_per_joule, 1e-9); }},
      {{"joule_share", "of energy roof"},
       [](const Judged& r) { return PercentCell(r.joule_share); }},
      {{"remark", "remark", false}, [](const Judged& r) { return Cell(r.remark); }},
  };
  return columns;
}

}  // namespace

TextTable JudgedTable(std::span<const Judged> rows, TableFormat format) {
  const bool for_people = format == TableFormat::kTable || format == TableFormat::kMarkdown;
  const bool one_chip = std::all_of(
      rows.begin(), rows.end(), [&](const Judged& row) { return row.chip == rows.front().chip; });
  TextTable table;
  std::vector<const JudgedColumn*> chosen;
  for (const JudgedColumn& one : AllColumns()) {
    const bool is_chip = one.column.key == "chip";
    if (for_people && !one.for_people && (!is_chip || one_chip)) continue;
    chosen.push_back(&one);
    table.columns.push_back(one.column);
  }
  for (const Judged& row : rows) {
    std::vector<Cell>& cells = table.rows.emplace_back();
    for (const JudgedColumn* one : chosen) cells.push_back(one->cell(row));
  }
  return table;
}

}  // namespace wattline::tools
