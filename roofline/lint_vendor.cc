// Figures of vendors: sparse peaks taken for dense ones, and figures that the vendor does not give.
#include <fmt/format.h>

#include <algorithm>

#include "roofline/lint_rules.h"

namespace wattline::roofline {
namespace {

constexpr double kSparseShare = 0.02;
constexpr const char* kDenseRemedy =
    "use the dense peak: the other one holds for operands with two zeros in every four";

const std::string& ClaimedChip(const LintFile& file, const Claim& claim) {
  return claim.chip.empty() ? file.told().chip : claim.chip;
}

void CheckSparsePeak(const LintFile& file, const std::string& where, const std::string& chip,
                     const std::string& format, double flop_per_s, Findings& findings) {
  const DensePeak* dense = file.vendors().Peak(chip, format);
  if (!dense || !IsNear(flop_per_s, kSparseFactor * dense->flop_per_s, kSparseShare)) return;
  findings.Add(
      file, "sparse-peak", where,
      fmt::format("{:.5g} TFLOPS are the {} peak of {} with structured sparsity; dense it "
                  "is {:.5g} ({})",
                  flop_per_s * 1e-12, format, chip, dense->flop_per_s * 1e-12, dense->source),
      kDenseRemedy);
}

void CheckSparseRidge(const LintFile& file, const Claim& claim, Findings& findings) {
  const std::string& chip = ClaimedChip(file, claim);
  const std::string format = claim.format.empty() ? "f16" : claim.format;
  const DensePeak* dense = file.vendors().Peak(chip, format);
  if (!dense) return;
  const double ridge = dense->flop_per_s / dense->byte_per_s;
  if (!IsNear(claim.value, kSparseFactor * ridge, kSparseShare)) return;
  findings.Add(file, "sparse-peak", "ridge " + TextOf(claim),
               fmt::format("{:.4g} FLOP/byte are twice {:.4g}, the dense {} peak of {} over its "
                           "bandwidth: {:.5g} TFLOPS / {:.4g} GB/s ({})",
                           claim.value, ridge, format, chip, dense->flop_per_s * 1e-12,
                           dense->byte_per_s * 1e-9, dense->source),
               kDenseRemedy);
}

// Peaks that rows were held against, or that stand for ceilings.
void CheckUsed(const LintFile& file, Findings& findings) {
  const std::string& chip = file.told().chip;
  for (const auto& [format, value] : file.told().ceilings) {
    CheckSparsePeak(file, "context.ceilings." + format, chip, format, value, findings);
  }
  for (const Row& row : file.rows) {
    const std::optional<double> flop_per_s = row.FlopPerS();
    const std::optional<double> mfu = row.Counter("MFU");
    if (!row.address || !flop_per_s) continue;
    if (row.address->fixture == "ceiling" && row.address->subject == "peak") {
      CheckSparsePeak(file, row.name, chip, row.address->format, *flop_per_s, findings);
    }
    if (mfu && *mfu > 0) {
      CheckSparsePeak(file, "MFU of " + row.name, chip, row.address->format, *flop_per_s / *mfu,
                      findings);
    }
  }
}

void CheckSpecBandwidth(const LintFile& file, const Claim& claim, Findings& findings) {
  const std::vector<double> known = file.vendors().BytePerS(ClaimedChip(file, claim));
  const bool is_known = std::any_of(known.begin(), known.end(), [&](double one) {
    return IsNear(claim.value * 1e9, one, kAlikeFigure);
  });
  if (known.empty() || is_known) return;
  std::string given;
  for (const double one : known) {
    given += fmt::format("{}{:.4g}", given.empty() ? "" : " or ", one * 1e-9);
  }
  std::string measured;
  if (const auto most = file.MostRead(std::nullopt); most && file.IsOwn(claim)) {
    measured = fmt::format("; the best read is {:.0f} % of it, not {:.0f} %",
                           100 * most->first / known.front(), most->first / 1e7 / claim.value);
  }
  findings.Add(file, "spec-differs", "spec_bandwidth " + TextOf(claim),
               fmt::format("the vendor gives {} GB/s{}", given, measured),
               "take the figure from the vendor's page of this very chip");
}

void CheckSpecCores(const LintFile& file, const Claim& claim, Findings& findings) {
  const std::string& chip = ClaimedChip(file, claim);
  const int most = file.vendors().MostCores(chip);
  if (most == 0 || claim.value <= most) return;
  findings.Add(file, "spec-differs", "gpu_cores " + TextOf(claim),
               fmt::format("{} is sold with at most {}", chip, most),
               "read the number from the system instead of guessing it");
}

}  // namespace

void LintVendor(const LintFile& file, Findings& findings) {
  CheckUsed(file, findings);
  for (const Claim& claim : file.claims) {
    if (claim.what == "peak") {
      CheckSparsePeak(file, "peak " + TextOf(claim), ClaimedChip(file, claim), claim.format,
                      claim.value * 1e12, findings);
    }
    if (claim.what == "ridge") CheckSparseRidge(file, claim, findings);
    if (claim.what == "spec_bandwidth") CheckSpecBandwidth(file, claim, findings);
    if (claim.what == "gpu_cores") CheckSpecCores(file, claim, findings);
  }
}

}  // namespace wattline::roofline
