// What vendors state of chips: figures that a claim is held against, never a ceiling of a row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "roofline/published.h"

namespace wattline::roofline {

// Peak of the matrix units on dense operands: dense_peaks.csv of tools/reference/published/.
// Datasheets print the double of it first, which holds for operands with two zeros in every four
// (structured sparsity).
struct DensePeak {
  std::string chip;
  std::string format;  // "f16" stands for bf16 too
  double flop_per_s = 0;
  double byte_per_s = 0;  // of the chip's memory
  std::string source;
};
inline constexpr double kSparseFactor = 2;
std::vector<DensePeak> ParseDensePeaks(std::string_view csv);

struct VendorFigures {
  std::vector<Gpu> gpus;  // gpus.csv
  std::vector<DensePeak> peaks;

  // The entry of this chip whose name is the longest that the chip's words hold: "H100 PCIe" before
  // "H100". Null where there is none, or none of this format.
  const DensePeak* Peak(std::string_view chip, std::string_view format) const;
  // Bandwidths of the chip's configurations, byte/s; empty for a chip that is not listed.
  std::vector<double> BytePerS(std::string_view chip) const;
  // The most GPU cores that the chip is sold with; 0 for a chip that is not listed.
  int MostCores(std::string_view chip) const;
};

}  // namespace wattline::roofline
