// Figures of vendors: sparse peaks taken for dense ones, and figures that the vendor does not give.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "roofline/lint_rules.h"
#include "roofline/vendor_figures.h"

namespace wattline::roofline {
namespace {

constexpr double kSparseShare = 0.02;
constexpr const char* kDenseRemedy =
    "use the dense peak: the other one holds for operands with two zeros in every four";

const std::string& ChipOf(const LintFile& file, const Claim& claim) {
  return claim.chip.empty() ? file.told().chip : claim.chip;
}

void CheckPeak(const LintFile& file, const std::string& where, const std::string& chip,
               const std::string& format, double tflops, Findings& findings) {
  const DensePeak* dense = FindDensePeak(chip, format);
  if (!dense || !IsNear(tflops, kSparseFactor * dense->tflops, kSparseShare)) return;
  findings.Add(file, "sparse-peak", where,
               fmt::format("{:.5g} TFLOPS are the {} peak of {} with structured sparsity; dense it "
                           "is {:.5g} ({})",
                           tflops, format, chip, dense->tflops, dense->source),
               kDenseRemedy);
}

void CheckRidge(const LintFile& file, const Claim& claim, Findings& findings) {
  const std::string& chip = ChipOf(file, claim);
  const VendorChip* published = FindVendorChip(chip);
  const std::string format = claim.format.empty() ? "f16" : claim.format;
  const DensePeak* dense = FindDensePeak(chip, format);
  if (!published || !dense) return;
  for (const double bandwidth : published->bandwidth_gb_per_s) {
    const double ridge = dense->tflops * 1e3 / bandwidth;
    if (!IsNear(claim.value, kSparseFactor * ridge, kSparseShare)) continue;
    findings.Add(file, "sparse-peak", "ridge " + TextOf(claim),
                 fmt::format("{:.4g} FLOP/byte are twice {:.4g}, the dense {} peak of {} over its "
                             "bandwidth: {:.5g} TFLOPS / {:.4g} GB/s",
                             claim.value, ridge, format, chip, dense->tflops, bandwidth),
                 kDenseRemedy);
    return;
  }
}

// Peaks that rows were held against, or that stand for ceilings.
void CheckUsed(const LintFile& file, Findings& findings) {
  const std::string& chip = file.told().chip;
  for (const auto& [format, value] : file.told().ceilings) {
    CheckPeak(file, "context.ceilings." + format, chip, format, value * 1e-12, findings);
  }
  for (const Row& row : file.rows) {
    const std::optional<double> tflops = row.Counter("TFLOPS");
    const std::optional<double> mfu = row.Counter("MFU");
    if (!row.address || !tflops) continue;
    if (row.address->fixture == "ceiling" && row.address->subject == "peak") {
      CheckPeak(file, row.name, chip, row.address->format, *tflops, findings);
    }
    if (mfu && *mfu > 0) {
      CheckPeak(file, "MFU of " + row.name, chip, row.address->format, *tflops / *mfu, findings);
    }
  }
}

void CheckBandwidth(const LintFile& file, const Claim& claim, const VendorChip& published,
                    Findings& findings) {
  const auto& known = published.bandwidth_gb_per_s;
  const bool is_known = std::any_of(known.begin(), known.end(), [&](double one) {
    return IsNear(claim.value, one, kAlikeFigure);
  });
  if (is_known) return;
  std::string measured;
  if (const auto most = file.MostRead(std::nullopt); most && file.IsOwn(claim)) {
    measured = fmt::format("; the best read is {:.0f} % of it, not {:.0f} %",
                           most->first / 1e7 / known.back(), most->first / 1e7 / claim.value);
  }
  findings.Add(file, "spec-differs", "spec_bandwidth " + TextOf(claim),
               fmt::format("the vendor gives {:.4g} GB/s ({}){}", fmt::join(known, " or "),
                           published.source, measured),
               "take the figure from the vendor's page of this very chip");
}

}  // namespace

void LintVendor(const LintFile& file, Findings& findings) {
  CheckUsed(file, findings);
  for (const Claim& claim : file.claims) {
    const std::string& chip = ChipOf(file, claim);
    if (claim.what == "peak") {
      CheckPeak(file, "peak " + TextOf(claim), chip, claim.format, claim.value, findings);
    }
    if (claim.what == "ridge") CheckRidge(file, claim, findings);
    const VendorChip* published = FindVendorChip(chip);
    if (published == nullptr) continue;
    if (claim.what == "spec_bandwidth") CheckBandwidth(file, claim, *published, findings);
    const bool too_many = claim.what == "gpu_cores" && published->most_gpu_cores &&
                          claim.value > *published->most_gpu_cores;
    if (!too_many) continue;
    findings.Add(
        file, "spec-differs", "gpu_cores " + TextOf(claim),
        fmt::format("{} has at most {} ({})", chip, *published->most_gpu_cores, published->source),
        "read the number from the system instead of guessing it");
  }
}

}  // namespace wattline::roofline
