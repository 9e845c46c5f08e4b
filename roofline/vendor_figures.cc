#include "roofline/vendor_figures.h"

#include <algorithm>
#include <array>
#include <string>

#include "roofline/claims.h"

namespace wattline::roofline {
namespace {

const std::vector<VendorChip>& Chips() {
  constexpr std::string_view kLlama = "llama.cpp discussion 4167";
  constexpr std::string_view kApple = "Apple, technical specifications";
  constexpr std::string_view kPress = "press reports of Apple's figure";
  constexpr std::string_view kNvidia = "NVIDIA, datasheet";
  static const std::vector<VendorChip> chips = {
      {"m1", {68}, 8, kLlama},
      {"m1 pro", {200}, 16, kLlama},
      {"m1 max", {400}, 32, kLlama},
      {"m1 ultra", {800}, 64, kLlama},
      {"m2", {100}, 10, kLlama},
      {"m2 pro", {200}, 19, kLlama},
      {"m2 max", {400}, 38, kLlama},
      {"m2 ultra", {800}, 76, kLlama},
      {"m3", {100}, 10, kLlama},
      {"m3 pro", {150}, 18, kLlama},
      {"m3 max", {300, 400}, 40, kApple},
      {"m3 ultra", {819}, 80, kApple},
      {"m4", {120}, 10, kLlama},
      {"m4 pro", {273}, 20, kLlama},
      {"m4 max", {410, 546}, 40, kApple},
      {"m5", {153}, 10, kPress},
      {"a100", {1555, 1935, 2039}, std::nullopt, kNvidia},
      {"h100", {3350, 2000, 3900}, std::nullopt, kNvidia},
      {"h200", {4800}, std::nullopt, kNvidia},
      {"b200", {8000}, std::nullopt, kNvidia},
  };
  return chips;
}

constexpr std::array<DensePeak, 27> kDense = {{
    {"a100", "tf32", 156, "NVIDIA A100 datasheet"},
    {"a100", "f16", 312, "NVIDIA A100 datasheet"},
    {"a100", "int8", 624, "NVIDIA A100 datasheet"},
    {"h100", "tf32", 494.7, "NVIDIA H100 datasheet, SXM"},
    {"h100", "f16", 989.4, "NVIDIA H100 datasheet, SXM"},
    {"h100", "f8", 1979, "NVIDIA H100 datasheet, SXM"},
    {"h100", "int8", 1979, "NVIDIA H100 datasheet, SXM"},
    {"h100 pcie", "f16", 756, "NVIDIA H100 datasheet, PCIe"},
    {"h100 pcie", "f8", 1513, "NVIDIA H100 datasheet, PCIe"},
    {"h200", "tf32", 494.7, "NVIDIA H200 datasheet"},
    {"h200", "f16", 989.4, "NVIDIA H200 datasheet"},
    {"h200", "f8", 1979, "NVIDIA H200 datasheet"},
    {"h200", "int8", 1979, "NVIDIA H200 datasheet"},
    {"b200", "tf32", 1125, "NVIDIA HGX B200 datasheet"},
    {"b200", "f16", 2250, "NVIDIA HGX B200 datasheet"},
    {"b200", "f8", 4500, "NVIDIA HGX B200 datasheet"},
    {"b200", "int8", 4500, "NVIDIA HGX B200 datasheet"},
    {"b200", "f4", 9000, "NVIDIA HGX B200 datasheet"},
    {"l4", "f16", 121, "NVIDIA L4 datasheet"},
    {"l4", "f8", 242.5, "NVIDIA L4 datasheet"},
    {"l40", "f16", 181, "NVIDIA L40 datasheet"},
    {"l40", "f8", 362, "NVIDIA L40 datasheet"},
    {"l40s", "f16", 362, "NVIDIA L40S datasheet"},
    {"l40s", "f8", 733, "NVIDIA L40S datasheet"},
    {"a40", "f16", 149.7, "NVIDIA A40 datasheet"},
    {"mi300x", "f16", 1307.4, "AMD Instinct MI300X datasheet"},
    {"mi300x", "f8", 2614.9, "AMD Instinct MI300X datasheet"},
}};

// All words of `name` are words of `chip`.
bool HoldsWords(const std::string& chip, std::string_view name) {
  const std::string padded = " " + chip + " ";
  while (!name.empty()) {
    const size_t end = std::min(name.find(' '), name.size());
    if (padded.find(" " + std::string(name.substr(0, end)) + " ") == std::string::npos) {
      return false;
    }
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return true;
}

}  // namespace

const VendorChip* FindVendorChip(std::string_view chip) {
  const std::string plain = PlainChip(chip);
  const auto found = std::find_if(Chips().begin(), Chips().end(),
                                  [&](const VendorChip& one) { return one.chip == plain; });
  return found == Chips().end() ? nullptr : &*found;
}

const DensePeak* FindDensePeak(std::string_view chip, std::string_view format) {
  const std::string plain = PlainChip(chip);
  std::string_view name;
  for (const DensePeak& peak : kDense) {
    if (HoldsWords(plain, peak.chip) && peak.chip.size() > name.size()) name = peak.chip;
  }
  if (format == "bf16") format = "f16";
  const auto found = std::find_if(kDense.begin(), kDense.end(), [&](const DensePeak& peak) {
    return peak.chip == name && peak.format == format;
  });
  return found == kDense.end() ? nullptr : &*found;
}

}  // namespace wattline::roofline
