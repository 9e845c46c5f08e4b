#include "roofline/published.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace wattline::roofline {
namespace {

// Memory is sold in units of 2^30 byte: an M1 Max "with 32 GB" reports two thirds of that as
// 21845.34 x 2^20 byte (llama.cpp pull request 2011).
constexpr double kSoldGbByte = 1024.0 * 1024.0 * 1024.0;

// Splits CSV text into records of cells; quotes may hold commas, and two of them stand for one.
std::vector<std::vector<std::string>> Records(std::string_view text) {
  std::vector<std::vector<std::string>> records;
  std::vector<std::string> cells(1);
  bool quoted = false;
  const auto end_record = [&] {
    if (cells.size() > 1 || !cells[0].empty()) records.push_back(cells);
    cells.assign(1, {});
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      cells.back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      cells.back() += c;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      end_record();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  end_record();
  return records;
}

}  // namespace

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string_view PublishedTable::Text(size_t row, std::string_view column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  if (found == columns.end() || row >= rows.size()) return {};
  return rows[row][static_cast<size_t>(found - columns.begin())];
}

std::optional<double> PublishedTable::Number(size_t row, std::string_view column) const {
  const std::string text(Text(row, column));
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

PublishedTable ParsePublished(std::string_view text) {
  PublishedTable table;
  table.rows = Records(text);
  if (table.rows.empty()) return table;
  table.columns = table.rows.front();
  table.rows.erase(table.rows.begin());
  for (auto& row : table.rows) row.resize(table.columns.size());
  return table;
}

std::vector<Gpu> ParseGpus(std::string_view text) {
  const PublishedTable table = ParsePublished(text);
  std::vector<Gpu> gpus;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const auto cores = table.Number(i, "gpu_cores");
    const auto clock_ghz = table.Number(i, "clock_ghz");
    const auto bandwidth_gbs = table.Number(i, "bandwidth_gbs");
    if (!cores || !clock_ghz || !bandwidth_gbs) continue;
    Gpu gpu{std::string(table.Text(i, "gpu")),
            std::string(table.Text(i, "family")),
            std::string(table.Text(i, "generation")),
            static_cast<int>(*cores),
            static_cast<int>(table.Number(i, "gpu_dies").value_or(1)),
            *clock_ghz * 1e9,
            *bandwidth_gbs * 1e9,
            std::nullopt};
    if (const auto sold = table.Number(i, "memory_max_gb")) gpu.memory_byte = *sold * kSoldGbByte;
    gpus.push_back(gpu);
  }
  return gpus;
}

std::vector<CoreRate> ParseCoreRates(std::string_view text) {
  const PublishedTable table = ParsePublished(text);
  std::vector<CoreRate> rates;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const auto flop = table.Number(i, "flop_per_core_cycle");
    if (!flop) continue;
    rates.push_back({std::string(table.Text(i, "generation")), std::string(table.Text(i, "unit")),
                     *flop, table.Number(i, "measured_gemm_share"),
                     table.Number(i, "measured_bandwidth_share")});
  }
  return rates;
}

std::vector<PublishedSpeed> ParseLlamaSpeeds(std::string_view text) {
  const PublishedTable table = ParsePublished(text);
  constexpr std::string_view kPrefill = "_pp512_tps", kDecode = "_tg128_tps";
  std::vector<PublishedSpeed> speeds;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    for (const std::string& column : table.columns) {
      const bool prefill = column.ends_with(kPrefill);
      if (!prefill && !column.ends_with(kDecode)) continue;
      const auto rate = table.Number(i, column);
      const auto cores = table.Number(i, "gpu_cores");
      if (!rate || !cores || !(*rate > 0)) continue;
      speeds.push_back({std::string(table.Text(i, "chip")), static_cast<int>(*cores),
                        column.substr(0, column.size() - kPrefill.size()), prefill, *rate});
    }
  }
  return speeds;
}

std::optional<double> PublishedBits(const PublishedTable& formats, std::string_view format) {
  for (size_t i = 0; i < formats.rows.size(); ++i) {
    if (SameName(formats.Text(i, "format"), format)) {
      return formats.Number(i, "bits_per_weight");
    }
  }
  return std::nullopt;
}

}  // namespace wattline::roofline
