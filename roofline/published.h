// Published figures of chips, read from the CSV files of tools/reference/published/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wattline::roofline {

// A CSV file (RFC 4180) whose first line names its columns.
struct PublishedTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // each as long as columns

  // Empty where the row or the column is not there.
  std::string_view Text(size_t row, std::string_view column) const;
  // Absent where the cell is empty or no number.
  std::optional<double> Number(size_t row, std::string_view column) const;
};
// Empty where the text has no header. A row that is too short has empty cells at its end.
PublishedTable ParsePublished(std::string_view text);

// Names of chips and formats are compared without case.
bool SameName(std::string_view a, std::string_view b);

// A GPU as it is sold: gpus.csv.
struct Gpu {
  std::string name;        // "M2 Max"
  std::string family;      // "apple", "nvidia": what may be calibrated with each other
  std::string generation;  // "M2"
  int cores = 0;
  int dies = 1;  // of the GPU
  double clock_hz = 0;
  double byte_per_s = 0;              // of the memory bus: data rate x width
  std::optional<double> memory_byte;  // the largest it is sold with
};
// In the file's order: a name's first row is its largest variant.
std::vector<Gpu> ParseGpus(std::string_view text);

// What one core does in a cycle: gpu_core_rates.csv.
struct CoreRate {
  std::string generation;
  std::string unit;  // "vector"; "matrix": units of their own for matrix products
  double flop_per_cycle = 0;
  std::optional<double> measured_gemm_share;       // over the theoretical rate
  std::optional<double> measured_bandwidth_share;  // of STREAM on this generation's base chip
};
std::vector<CoreRate> ParseCoreRates(std::string_view text);

// One measurement of a whole model: prefill of 512 tokens or decode of 128 tokens after none.
struct PublishedSpeed {
  std::string gpu;
  int cores = 0;
  std::string format;  // "f16", "q8_0", "q4_0"
  bool prefill = false;
  double tok_per_s = 0;
};
// llamacpp_llama7b_m1_m2.csv: columns <format>_pp512_tps and <format>_tg128_tps.
std::vector<PublishedSpeed> ParseLlamaSpeeds(std::string_view text);

// Bits per weight of a format of quant_formats.csv; names are compared without case.
std::optional<double> PublishedBits(const PublishedTable& formats, std::string_view format);

}  // namespace wattline::roofline
