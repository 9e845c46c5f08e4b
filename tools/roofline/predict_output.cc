#include "tools/roofline/predict_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace wattline::tools {
namespace {

using roofline::Interval;
using OrderedJson = nlohmann::ordered_json;

constexpr double kGb = 1e-9;  // of a byte
constexpr double kMs = 1e3;   // of a second

// Six digits: a prediction has fewer, and nobody reads more.
double Rounded(double value) { return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr); }

void Put(OrderedJson& object, const std::string& key, const std::optional<Interval>& interval,
         double factor = 1) {
  if (!interval) return;
  object[key] = Rounded(interval->value * factor);
  object[key + "_low"] = Rounded(interval->low * factor);
  object[key + "_high"] = Rounded(interval->high * factor);
}

void Put(OrderedJson& object, const std::string& key, const std::optional<double>& value,
         double factor = 1) {
  if (value) object[key] = Rounded(*value * factor);
}

std::vector<std::string> Remarks(const PredictedRow& row) {
  std::vector<std::string> remarks = row.machine.remarks;
  if (row.split) {
    const auto& more = row.split->prefill.remarks;
    remarks.insert(remarks.end(), more.begin(), more.end());
  }
  remarks.insert(remarks.end(), row.remarks.begin(), row.remarks.end());
  return remarks;
}

std::string Basis(const roofline::MachineModel& machine) {
  return machine.measured ? "measured fit" : "published tables";
}

OrderedJson JsonRow(const PredictedRow& row) {
  const roofline::Prediction& p = row.prediction;
  OrderedJson object;
  object["machine"] = row.machine.name;
  object["basis"] = Basis(row.machine);
  object["calibration"] = row.machine.calibration;
  if (row.split) {
    object["prefill_on"] = row.split->prefill.name;
    object["prefill_on_basis"] = Basis(row.split->prefill);
    object["prefill_on_calibration"] = row.split->prefill.calibration;
    object["link_gbps"] = Rounded(row.split->link_bit_per_s * 1e-9);
  }
  object["model"] = row.model;
  object["format"] = row.format;
  object["context"] = row.request.context;
  object["prompt"] = row.request.prompt;
  object["batch"] = row.request.batch;
  Put(object, "prefill_tok_per_s", p.prefill_tok_per_s);
  Put(object, "decode_tok_per_s", p.decode_tok_per_s);
  Put(object, "ttft_ms", p.ttft_s, kMs);
  Put(object, "kv_transfer_ms", p.transfer_s, kMs);
  Put(object, "j_per_token", p.j_per_token);
  object["memory_gb"] = Rounded(p.memory_byte * kGb);
  object["weights_gb"] = Rounded(row.work.weight_byte * kGb);
  object["kv_cache_gb"] = Rounded(row.work.cache_byte * kGb);
  object["activations_gb"] = Rounded(row.work.scratch_byte * kGb);
  Put(object, "usable_memory_gb", row.machine.usable_byte, kGb);
  Put(object, "head_room_gb", p.head_byte, kGb);
  if (p.fits) object["fits"] = *p.fits;
  object["limit"] = p.limit;
  object["prefill_limit"] = p.prefill_limit;
  if (const auto remarks = Remarks(row); !remarks.empty()) object["remarks"] = remarks;
  return object;
}

Cell PlainCell(const std::optional<Interval>& interval, double factor) {
  if (!interval) return {};
  return {interval->value * factor, FigureText(interval->value * factor, 4)};
}

Cell RangeCell(const std::optional<Interval>& interval) {
  if (!interval) return {};
  return {interval->value,
          fmt::format("{} ({}..{})", FigureText(interval->value, 4), FigureText(interval->low, 3),
                      FigureText(interval->high, 3))};
}

std::optional<double> Low(const std::optional<Interval>& i) {
  return i ? std::optional(i->low) : std::nullopt;
}
std::optional<double> High(const std::optional<Interval>& i) {
  return i ? std::optional(i->high) : std::nullopt;
}

Cell FitsCell(const std::optional<bool>& fits) {
  return fits ? Cell(*fits ? "yes" : "no") : Cell();
}

TextTable PeoplesTable(const std::vector<PredictedRow>& rows) {
  TextTable table;
  table.columns = {{"model", "model", false},
                   {"format", "format", false},
                   {"memory_gb", "memory GB"},
                   {"head_room_gb", "head room GB"},
                   {"fits", "fits"},
                   {"ttft_ms", "TTFT ms"},
                   {"prefill_tok_per_s", "prefill tok/s"},
                   {"decode_tok_per_s", "decode tok/s"},
                   {"j_per_token", "J/token"},
                   {"limit", "limit", false},
                   {"prefill_limit", "of prefill", false}};
  for (const PredictedRow& row : rows) {
    const roofline::Prediction& p = row.prediction;
    table.rows.push_back(
        {row.model, row.format, NumberCell(p.memory_byte, kGb), NumberCell(p.head_byte, kGb, 3),
         FitsCell(p.fits), PlainCell(p.ttft_s, kMs), RangeCell(p.prefill_tok_per_s),
         RangeCell(p.decode_tok_per_s), RangeCell(p.j_per_token), p.limit, p.prefill_limit});
  }
  return table;
}

// One column for each number, as programs want them.
TextTable ProgramsTable(const std::vector<PredictedRow>& rows) {
  TextTable table;
  for (const char* key : {"machine",
                          "basis",
                          "prefill_on",
                          "model",
                          "format",
                          "context",
                          "prompt",
                          "batch",
                          "prefill_tok_per_s",
                          "prefill_tok_per_s_low",
                          "prefill_tok_per_s_high",
                          "decode_tok_per_s",
                          "decode_tok_per_s_low",
                          "decode_tok_per_s_high",
                          "ttft_ms",
                          "ttft_ms_low",
                          "ttft_ms_high",
                          "j_per_token",
                          "j_per_token_low",
                          "j_per_token_high",
                          "memory_gb",
                          "head_room_gb",
                          "fits",
                          "limit",
                          "prefill_limit"}) {
    table.columns.push_back({key, key});
  }
  for (const PredictedRow& row : rows) {
    const roofline::Prediction& p = row.prediction;
    std::vector<Cell> cells = {row.machine.name,
                               Basis(row.machine),
                               row.split ? Cell(row.split->prefill.name) : Cell(),
                               row.model,
                               row.format,
                               NumberCell(static_cast<double>(row.request.context), 1, 12),
                               NumberCell(static_cast<double>(row.request.prompt), 1, 12),
                               NumberCell(static_cast<double>(row.request.batch), 1, 12)};
    const auto add = [&cells](const std::optional<Interval>& i, double factor) {
      cells.push_back(NumberCell(i ? std::optional(i->value) : std::nullopt, factor, 6));
      cells.push_back(NumberCell(Low(i), factor, 6));
      cells.push_back(NumberCell(High(i), factor, 6));
    };
    add(p.prefill_tok_per_s, 1);
    add(p.decode_tok_per_s, 1);
    add(p.ttft_s, kMs);
    add(p.j_per_token, 1);
    cells.push_back(NumberCell(p.memory_byte, kGb, 6));
    cells.push_back(NumberCell(p.head_byte, kGb, 6));
    cells.push_back(FitsCell(p.fits));
    cells.push_back(p.limit);
    cells.push_back(p.prefill_limit);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

// The second line, which Markdown would have inside its bold title, behind `line_end`.
std::string Title(const PredictedRow& row, const char* line_end) {
  std::string title = fmt::format("{}, predicted from {}", row.machine.name,
                                  row.machine.measured ? "its measured fit" : "published tables");
  if (row.split) {
    title +=
        fmt::format("; prefill on {} ({}), K and V sent at {:g} Gbit/s", row.split->prefill.name,
                    Basis(row.split->prefill), row.split->link_bit_per_s * 1e-9);
  }
  return title +
         fmt::format("{}prompt {}, decode after {} positions, batch {}; in brackets the range",
                     line_end, row.request.prompt, row.request.context, row.request.batch);
}

// Each sentence once, in the order of the rows.
std::vector<std::string> Notes(const std::vector<PredictedRow>& rows) {
  std::vector<std::string> notes;
  const auto add = [&notes](const std::string& note) {
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  };
  for (const PredictedRow& row : rows) {
    add("calibration: " + row.machine.calibration);
    if (row.split) add("calibration of prefill: " + row.split->prefill.calibration);
  }
  for (const PredictedRow& row : rows) {
    for (const std::string& remark : Remarks(row)) add(remark);
  }
  return notes;
}

}  // namespace

std::string RenderPredictions(const std::vector<PredictedRow>& rows, bool grid,
                              TableFormat format) {
  if (format == TableFormat::kJson) {
    OrderedJson all = OrderedJson::array();
    for (const PredictedRow& row : rows) all.push_back(JsonRow(row));
    return (grid ? all : all.at(0)).dump(2) + "\n";
  }
  if (format == TableFormat::kCsv) return Render(ProgramsTable(rows), format);
  TextTable table = PeoplesTable(rows);
  table.title = Title(rows.front(), format == TableFormat::kMarkdown ? "; " : "\n");
  std::string text = Render(table, format);
  if (format == TableFormat::kMarkdown) text += "\n";
  for (const std::string& note : Notes(rows)) {
    text += (format == TableFormat::kMarkdown ? "- " : "") + note + "\n";
  }
  return text;
}

}  // namespace wattline::tools
