#include "roofline/vendor_figures.h"

#include <algorithm>

#include "roofline/claims.h"

namespace wattline::roofline {
namespace {

// All words of `name` are words of `chip`, both as PlainChip() writes them; no word names nothing.
bool HoldsWords(const std::string& chip, std::string_view name) {
  if (chip.empty() || name.empty()) return false;
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

std::vector<DensePeak> ParseDensePeaks(std::string_view csv) {
  const PublishedTable table = ParsePublished(csv);
  std::vector<DensePeak> peaks;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const auto tflops = table.Number(i, "dense_tflops");
    const auto bandwidth_gbs = table.Number(i, "bandwidth_gbs");
    if (!tflops || !bandwidth_gbs) continue;
    peaks.push_back({std::string(table.Text(i, "chip")), std::string(table.Text(i, "format")),
                     *tflops * 1e12, *bandwidth_gbs * 1e9, std::string(table.Text(i, "source"))});
  }
  return peaks;
}

const DensePeak* VendorFigures::Peak(std::string_view chip, std::string_view format) const {
  const std::string plain = PlainChip(chip);
  std::string name;
  for (const DensePeak& peak : peaks) {
    if (HoldsWords(plain, PlainChip(peak.chip)) && peak.chip.size() > name.size()) name = peak.chip;
  }
  if (format == "bf16") format = "f16";
  const auto found = std::find_if(peaks.begin(), peaks.end(), [&](const DensePeak& peak) {
    return peak.chip == name && peak.format == format;
  });
  return found == peaks.end() ? nullptr : &*found;
}

std::vector<double> VendorFigures::BytePerS(std::string_view chip) const {
  const std::string plain = PlainChip(chip);
  std::vector<double> all;
  const auto add = [&all](double byte_per_s) {
    if (std::find(all.begin(), all.end(), byte_per_s) == all.end()) all.push_back(byte_per_s);
  };
  for (const Gpu& gpu : gpus) {
    if (PlainChip(gpu.name) == plain) add(gpu.byte_per_s);
  }
  // "H100" may be any of its boards.
  for (const DensePeak& peak : peaks) {
    const std::string name = PlainChip(peak.chip);
    if (HoldsWords(plain, name) || HoldsWords(name, plain)) add(peak.byte_per_s);
  }
  return all;
}

int VendorFigures::MostCores(std::string_view chip) const {
  int most = 0;
  for (const Gpu& gpu : gpus) {
    if (PlainChip(gpu.name) == PlainChip(chip)) most = std::max(most, gpu.cores);
  }
  return most;
}

}  // namespace wattline::roofline
