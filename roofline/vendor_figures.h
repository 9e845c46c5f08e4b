// What vendors publish of chips: figures that a claim is held against, never a ceiling of a row.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace wattline::roofline {

// Of a whole chip, in its configurations on sale.
struct VendorChip {
  std::string_view chip;  // as PlainChip() writes it: "m4 pro"
  std::vector<double> bandwidth_gb_per_s;
  std::optional<int> most_gpu_cores;
  std::string_view source;
};
// Null where the table has no such chip.
const VendorChip* FindVendorChip(std::string_view chip);

// Peak of the matrix units on dense operands. Datasheets print the double of it first, which holds
// for operands with two zeros in every four (structured sparsity).
struct DensePeak {
  std::string_view chip;
  std::string_view format;  // "f16" stands for bf16 too
  double tflops = 0;
  std::string_view source;
};
inline constexpr double kSparseFactor = 2;
// The entry of this chip whose name is the longest that the chip's words hold: "h100 pcie" before
// "h100". Null where the table has none, or none of this format.
const DensePeak* FindDensePeak(std::string_view chip, std::string_view format);

}  // namespace wattline::roofline
