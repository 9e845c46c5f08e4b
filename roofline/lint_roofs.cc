// Rows and decode rates above what their machine can do.
#include <fmt/format.h>

#include <algorithm>

#include "roofline/lint_rules.h"
#include "roofline/stand.h"

namespace wattline::roofline {
namespace {

// A claimed peak is the largest of what was seen: a row above it by more than its rounding.
constexpr double kClaimRounding = 0.01;

bool IsRoofItself(const Row& row) {
  return row.address->fixture == "ceiling" &&
         (row.address->subject == "peak" || row.address->subject == "intensity" ||
          row.address->subject == "levels");
}

// The peak that the row is under, by the upper end of its interval, or by a row of ceiling/peak
// where that is above the fit.
std::optional<double> PeakOver(const LintFile& file, const Stand& stand) {
  if (!stand.peak || !stand.key) return std::nullopt;
  double peak = stand.peak->high;
  for (const Row& row : file.rows) {
    if (!row.address || row.address->fixture != "ceiling" || row.address->subject != "peak")
      continue;
    const bool same = row.address->format == stand.key->format &&
                      row.address->backend == stand.key->backend &&
                      row.address->CaseNumber("threads").value_or(1) == stand.key->threads;
    if (same) peak = std::max(peak, row.FlopPerS().value_or(0));
  }
  return peak;
}

void CheckUnderPeak(const LintFile& file, const Row& row, const Stand& stand, Findings& findings) {
  const std::optional<double> flop_per_s = row.FlopPerS();
  const std::optional<double> peak = PeakOver(file, stand);
  if (!flop_per_s || !peak || *flop_per_s <= *peak * (1 + kLeeway)) return;
  findings.Add(file, "above-roof", row.name,
               fmt::format("{:.4g} TFLOPS are {:.3g} times the {} peak of {}, {:.4g} TFLOPS",
                           *flop_per_s * 1e-12, *flop_per_s / *peak, stand.key->format,
                           stand.key->backend, *peak * 1e-12),
               "check its count of operations; if that is right, the ceiling was measured with a "
               "slower unit than the row uses: measure the peak of that unit");
}

void CheckUnderBandwidth(const LintFile& file, const Row& row, const Stand& stand,
                         Findings& findings) {
  const std::optional<double> byte_per_s = row.BytePerS();
  if (!byte_per_s || !stand.streams || stand.level != "DRAM" || IsDecodeRow(row)) return;
  if (row.address->fixture == "ceiling" && row.address->subject != "read") return;
  const auto most = file.MostRead(row.address->backend);
  if (!most || *byte_per_s <= most->first * (1 + kLeeway)) return;
  findings.Add(
      file, "above-roof", row.name,
      fmt::format("{:.4g} GB/s are {:.3g} times what memory gives, {:.4g} GB/s ({})",
                  *byte_per_s * 1e-9, *byte_per_s / most->first, most->first * 1e-9, most->second),
      "its bytes were in a cache, or are counted twice: work on more bytes than the "
      "caches hold, and count each operand once");
}

void CheckClaimedPeaks(const LintFile& file, const Row& row, Findings& findings) {
  const std::optional<double> flop_per_s = row.FlopPerS();
  if (!flop_per_s) return;
  for (const Claim& claim : file.claims) {
    if (claim.what != "peak" || !file.IsOwn(claim) || claim.format != row.address->format) continue;
    const double peak = claim.value * 1e12;
    if (*flop_per_s <= peak * (1 + kClaimRounding)) continue;
    findings.Add(file, "above-claimed-peak", row.name,
                 fmt::format("{:.4g} TFLOPS are {:.3g} times the claimed {} peak {}",
                             *flop_per_s * 1e-12, *flop_per_s / peak, claim.format, TextOf(claim)),
                 "check its count of operations; if that is right, the peak came from one sweep: "
                 "take the median of new runs of the best of all rows");
  }
}

// Bytes that one token needs: by the law of the model, else its weights once.
std::optional<double> BytePerToken(const LintFile& file, const Row& row) {
  const KnownWork known = file.Known(row);
  if (known.byte && known.tokens && *known.tokens > 0) return *known.byte / *known.tokens;
  const double batch = row.address->CaseNumber("batch").value_or(1);
  if (known.weight_byte) return *known.weight_byte / batch;
  const std::optional<double> weights = row.Counter("weights_GB");
  if (!weights || !(*weights > 0)) return std::nullopt;
  return *weights * 1e9 / batch;
}

void CheckDecodeRow(const LintFile& file, const Row& row, Findings& findings) {
  const std::optional<double> byte = BytePerToken(file, row);
  const auto most = file.MostRead(row.address->backend);
  if (!byte || !most) return;
  const double need = *row.Counter("tok/s") * *byte;
  if (need <= most->first * (1 + kLeeway)) return;
  findings.Add(
      file, "decode-above-bandwidth", row.name,
      fmt::format("{:.4g} tok/s x {:.4g} GB per token are {:.4g} GB/s, but memory gives {:.4g} "
                  "GB/s ({}), enough for {:.3g} tok/s",
                  *row.Counter("tok/s"), *byte * 1e-9, need * 1e-9, most->first * 1e-9,
                  most->second, most->first / *byte),
      "a token of decode reads every weight: check the count of tokens, and that prompts are not "
      "among them");
}

const Row* PrefillOf(const LintFile& file, double tok_per_s) {
  for (const Row& row : file.rows) {
    const std::optional<double> rate = row.Counter("tok/s");
    if (IsPrefillRow(row) && rate && IsNear(*rate, tok_per_s, kSameFigure)) return &row;
  }
  return nullptr;
}

std::optional<double> ClaimedBytePerToken(const LintFile& file, const Claim& claim) {
  if (claim.byte_per_token) return claim.byte_per_token;
  const Row* row = claim.row.empty() ? nullptr : file.FindRow(claim.row);
  return row && row->address ? BytePerToken(file, *row) : std::nullopt;
}

void CheckDecodeClaim(const LintFile& file, const Claim& claim, Findings& findings) {
  const Row* prefill = PrefillOf(file, claim.value);
  const bool is_decode = std::any_of(file.rows.begin(), file.rows.end(), [&](const Row& row) {
    return IsDecodeRow(row) && IsNear(*row.Counter("tok/s"), claim.value, kAlikeFigure);
  });
  const std::optional<double> byte = ClaimedBytePerToken(file, claim);
  const auto most = file.MostRead(std::nullopt);
  std::string bound;
  if (byte && most && claim.value * *byte > most->first * (1 + kLeeway)) {
    bound = fmt::format("{:.4g} GB per token and {:.4g} GB/s ({}) allow {:.3g} tok/s", *byte * 1e-9,
                        most->first * 1e-9, most->second, most->first / *byte);
  }
  const std::string where = "decode " + TextOf(claim);
  if (prefill != nullptr && !is_decode) {
    findings.Add(file, "prefill-as-decode", where,
                 fmt::format("that is the prefill rate of {}{}", prefill->name,
                             bound.empty() ? "" : "; " + bound),
                 "name it prefill, and give the rate of generated tokens for decode");
  } else if (!bound.empty()) {
    findings.Add(file, "decode-above-bandwidth", where, bound,
                 "give the rate of generated tokens, without the prompt's");
  }
}

}  // namespace

void LintRoofs(const LintFile& file, Findings& findings) {
  for (const Row& row : file.rows) {
    if (!row.address || IsRoofItself(row)) continue;
    const Stand stand = StandOf(row, file.told(), file.machine);
    CheckUnderPeak(file, row, stand, findings);
    CheckUnderBandwidth(file, row, stand, findings);
    CheckClaimedPeaks(file, row, findings);
  }
}

void LintDecode(const LintFile& file, Findings& findings) {
  for (const Row& row : file.rows) {
    if (IsDecodeRow(row)) CheckDecodeRow(file, row, findings);
  }
  for (const Claim& claim : file.claims) {
    if (claim.what == "decode" && file.IsOwn(claim)) CheckDecodeClaim(file, claim, findings);
  }
}

}  // namespace wattline::roofline
