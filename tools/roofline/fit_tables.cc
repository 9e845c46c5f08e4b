#include "tools/roofline/fit_tables.h"

#include <fmt/format.h>

#include <vector>

#include "roofline/sweep_fit.h"

namespace wattline::tools {
namespace {

using roofline::EnergyCoefficients;
using roofline::EnergyFit;
using roofline::Fit;
using roofline::Interval;
using roofline::LevelFit;
using roofline::MachineFit;
using roofline::Roof;
using roofline::RoofKey;
using Row = std::vector<Cell>;

bool ForPeople(TableFormat format) {
  return format == TableFormat::kTable || format == TableFormat::kMarkdown;
}

// A column of values is three for programs, value, low and high, and one for people.
void AddColumns(std::vector<Column>& columns, TableFormat format, const std::string& key,
                const std::string& title) {
  columns.push_back({key, title});
  if (ForPeople(format)) return;
  columns.push_back({key + "_low", title + " low"});
  columns.push_back({key + "_high", title + " high"});
}

// "448.1 [445.0, 451.2]"; without an interval, the value alone.
Cell WithInterval(const Interval& value, double unit, int digits) {
  std::string text = FigureText(value.value * unit, digits);
  if (value.low < value.high) {
    text += fmt::format(" [{}, {}]", FigureText(value.low * unit, digits),
                        FigureText(value.high * unit, digits));
  }
  return {value.value * unit, std::move(text)};
}

void AddCells(Row& row, TableFormat format, const std::optional<Interval>& value, double unit,
              int digits = 4) {
  if (ForPeople(format)) {
    row.push_back(value ? WithInterval(*value, unit, digits) : Cell());
    return;
  }
  row.push_back(value ? NumberCell(value->value, unit, digits) : Cell());
  const bool has_interval = value && value->low < value->high;
  row.push_back(has_interval ? NumberCell(value->low, unit, digits) : Cell());
  row.push_back(has_interval ? NumberCell(value->high, unit, digits) : Cell());
}

void AddKeyColumns(std::vector<Column>& columns) {
  columns.insert(columns.end(), {{"chip", "chip", false},
                                 {"format", "format", false},
                                 {"level", "level", false},
                                 {"backend", "backend", false},
                                 {"threads", "threads"}});
}

Row KeyCells(const MachineFit& machine, const RoofKey& key) {
  const std::string& chip = machine.chip.empty() ? machine.chip_slug : machine.chip;
  return {chip, key.format, key.level, key.backend,
          Cell(key.threads, fmt::format("{}", key.threads))};
}

// Straight for all that the points tell: the least p is meant.
Cell SharpnessCell(const Interval& sharpness) {
  if (sharpness.value < roofline::kStraightSharpness) return WithInterval(sharpness, 1, 3);
  return {sharpness.value, fmt::format("straight, p > {:.3g}", sharpness.low)};
}

void AddSharpness(Row& row, TableFormat format, const Roof& roof) {
  if (ForPeople(format)) {
    row.push_back(roof.sharpness ? SharpnessCell(*roof.sharpness) : Cell());
  } else {
    AddCells(row, format, roof.sharpness, 1);
  }
}

void AddEnergyColumns(std::vector<Column>& columns, TableFormat format) {
  AddColumns(columns, format, "flop_pj", "pJ/FLOP");
  AddColumns(columns, format, "byte_pj", "pJ/byte");
  AddColumns(columns, format, "constant_w", "constant W");
  AddColumns(columns, format, "energy_balance_flop_per_byte", "balance FLOP/B");
  columns.push_back({"energy_max_error", "max error"});
}

void AddEnergyCells(Row& row, TableFormat format, const EnergyFit* fit) {
  using Member = Interval EnergyCoefficients::*;
  const auto of = [&](Member member) -> std::optional<Interval> {
    if (fit == nullptr || !fit->coefficients) return std::nullopt;
    return (*fit->coefficients).*member;
  };
  AddCells(row, format, of(&EnergyCoefficients::flop_j), 1e12, 3);
  AddCells(row, format, of(&EnergyCoefficients::byte_j), 1e12, 3);
  AddCells(row, format, of(&EnergyCoefficients::constant_w), 1, 3);
  AddCells(row, format, of(&EnergyCoefficients::balance_flop_per_byte), 1, 3);
  row.push_back(fit != nullptr && fit->coefficients ? PercentCell(fit->coefficients->max_error)
                                                    : Cell());
}

TextTable Roofs(const Fit& fit, TableFormat format) {
  TextTable table;
  table.title = "Roofs: attained = (P^-p + (B I)^-p)^(-1/p); values [95 % interval]";
  AddKeyColumns(table.columns);
  AddColumns(table.columns, format, "peak_gflop_per_s", "P GFLOP/s");
  AddColumns(table.columns, format, "gb_per_s", "B GB/s");
  AddColumns(table.columns, format, "ridge_flop_per_byte", "ridge FLOP/B");
  AddColumns(table.columns, format, "sharpness", "p");
  // Of P, that the attained speed is short of at the ridge.
  table.columns.push_back({"corner_sag", "corner sags"});
  table.columns.push_back({"rms_error", "rms"});
  table.columns.push_back({"rms_error_straight", "rms straight"});
  const bool with_energy = format == TableFormat::kCsv;
  if (with_energy) AddEnergyColumns(table.columns, format);
  for (const MachineFit& machine : fit.machines) {
    for (const Roof& roof : machine.roofs) {
      Row row = KeyCells(machine, roof.key);
      AddCells(row, format, roof.peak_flop_per_s, 1e-9);
      AddCells(row, format, roof.byte_per_s, 1e-9);
      AddCells(row, format, roof.ridge_flop_per_byte, 1, 3);
      AddSharpness(row, format, roof);
      row.push_back(roof.corner_share ? PercentCell(1 - *roof.corner_share) : Cell());
      row.push_back(PercentCell(roof.rms_error));
      row.push_back(PercentCell(roof.rms_error_straight));
      if (with_energy) AddEnergyCells(row, format, FindEnergy(machine, roof.key));
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

Cell KibCell(double byte) { return {byte / 1024, fmt::format("{:.0f}", byte / 1024)}; }

Cell RateCell(const std::optional<double>& byte_per_s) {
  if (!byte_per_s) return {};
  return {*byte_per_s * 1e-9, FigureText(*byte_per_s * 1e-9, 4)};
}

TextTable Levels(const Fit& fit) {
  TextTable table;
  table.title = "Levels: where the bytes of a footprint per thread come from";
  table.columns = {{"chip", "chip", false},  {"backend", "backend", false},
                   {"threads", "threads"},   {"level", "level", false},
                   {"from_kib", "from KiB"}, {"to_kib", "to KiB"},
                   {"gb_per_s", "GB/s"},     {"unresolved", "unresolved", false}};
  for (const MachineFit& machine : fit.machines) {
    for (const LevelFit& level : machine.levels) {
      table.rows.push_back({machine.chip.empty() ? machine.chip_slug : machine.chip, level.backend,
                            Cell(level.threads, fmt::format("{}", level.threads)), level.name,
                            KibCell(level.from_byte), KibCell(level.to_byte),
                            RateCell(level.byte_per_s), level.unresolved});
    }
  }
  return table;
}

TextTable Energies(const Fit& fit, TableFormat format) {
  TextTable table;
  table.title = "Energy: joules = FLOP pJ/FLOP + bytes pJ/byte + seconds W; values [95 % interval]";
  AddKeyColumns(table.columns);
  AddEnergyColumns(table.columns, format);
  // Sentences stand in the list below the tables where people read them.
  table.columns.push_back({"verdict", "verdict", false});
  if (!ForPeople(format)) table.columns.push_back({"why", "why", false});
  for (const MachineFit& machine : fit.machines) {
    for (const EnergyFit& energy : machine.energies) {
      Row row = KeyCells(machine, energy.key);
      AddEnergyCells(row, format, &energy);
      row.push_back(!energy.refused.empty()   ? "refused"
                    : !energy.caution.empty() ? "with caution"
                                              : "trusted");
      if (!ForPeople(format)) {
        row.push_back(!energy.refused.empty() ? energy.refused : energy.caution);
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

// A sweep under a power cap drops dozens of points, each with the same reason: people see the
// first.
constexpr size_t kMostDroppedShown = 3;

TextTable NotUsed(const Fit& fit, TableFormat format) {
  TextTable table;
  table.title = "Not used, and why";
  table.columns = {{"chip", "chip", false}, {"remark", "remark", false}};
  for (const MachineFit& machine : fit.machines) {
    const std::string& chip = machine.chip.empty() ? machine.chip_slug : machine.chip;
    for (const std::string& remark : machine.remarks) table.rows.push_back({chip, remark});
    for (const EnergyFit& energy : machine.energies) {
      size_t shown = energy.dropped.size();
      if (ForPeople(format) && shown > kMostDroppedShown + 1) shown = kMostDroppedShown;
      for (size_t i = 0; i < shown; ++i) {
        table.rows.push_back({chip, "joules of " + energy.dropped[i]});
      }
      if (shown == energy.dropped.size()) continue;
      table.rows.push_back({chip, fmt::format("joules of {} further points of this sweep (see the "
                                              "fit's file, or --output=json)",
                                              energy.dropped.size() - shown)});
    }
  }
  return table;
}

// Sentences as they are, under a heading: a table of them would be wider than any screen.
std::string List(const TextTable& table, TableFormat format) {
  const bool markdown = format == TableFormat::kMarkdown;
  std::string text = markdown ? fmt::format("**{}**\n\n", table.title) : table.title + "\n";
  std::string chip;
  for (const Row& row : table.rows) {
    if (row[0].text != chip) {
      chip = row[0].text;
      text += markdown ? fmt::format("{}\n\n", chip) : fmt::format("{}\n", chip);
    }
    text += fmt::format("{}{}\n", markdown ? "- " : "  ", row[1].text);
  }
  return text;
}

}  // namespace

std::string FitTables(const Fit& fit, TableFormat format) {
  if (format == TableFormat::kCsv) return Render(Roofs(fit, format), format);
  const TextTable not_used = NotUsed(fit, format);
  if (format == TableFormat::kJson) {
    const auto list = [&](const TextTable& table) {
      std::string text = Render(table, format);
      text.pop_back();  // the newline
      return text;
    };
    return fmt::format(
        "{{\n\"roofs\": {},\n\"levels\": {},\n\"energies\": {},\n\"not_used\": {}\n}}\n",
        list(Roofs(fit, format)), list(Levels(fit)), list(Energies(fit, format)), list(not_used));
  }
  std::string text = Render(Roofs(fit, format), format);
  for (const TextTable& table : {Levels(fit), Energies(fit, format)}) {
    if (!table.rows.empty()) text += "\n" + Render(table, format);
  }
  if (!not_used.rows.empty()) text += "\n" + List(not_used, format);
  return text;
}

}  // namespace wattline::tools
