// Bandwidths of another kind than they are called, and GiB called GB.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "roofline/lint_rules.h"

namespace wattline::roofline {
namespace {

// Rates of one kind beyond the caches differ less than this, unless something disturbed them.
constexpr double kSwing = 1.5;
// A measured figure that was copied from another one agrees to more digits than a printed one.
constexpr double kCopiedFigure = 1e-4;
constexpr double kGibFactor = kGib / 1e9;
constexpr double kGibShare = 0.003;

double Most(const std::vector<RateOf>& rates) {
  double most = 0;
  for (const RateOf& rate : rates) most = std::max(most, rate.byte_per_s);
  return most;
}

// The row of copies that this bandwidth is taken from, where no read reaches it.
const Row* CopyBehind(const LintFile& file, double byte_per_s, double share) {
  if (byte_per_s <= Most(file.reads) * (1 + share)) return nullptr;
  for (const RateOf& copy : file.copies) {
    if (IsNear(byte_per_s, copy.byte_per_s, share)) return copy.row;
  }
  return nullptr;
}

std::string Reads(const LintFile& file) {
  if (file.reads.empty()) return "there is no row of reads";
  return fmt::format("the best read is {:.4g} GB/s", Most(file.reads) * 1e-9);
}

void CheckRead(const LintFile& file, const Claim& claim, Findings& findings) {
  const Row* copy = CopyBehind(file, claim.value * 1e9, kSameFigure);
  if (copy == nullptr) return;
  findings.Add(
      file, "copy-as-read", "read " + TextOf(claim),
      fmt::format("that is {}, {:.4g} GB/s; {}", copy->name, *copy->BytePerS() * 1e-9, Reads(file)),
      "give the best read: a copy also writes, and counts both");
}

// Peaks that a ridge point may have been made from: those claimed, else the best row.
std::vector<double> PeaksOf(const LintFile& file, const std::string& format) {
  std::vector<double> claimed;
  for (const Claim& claim : file.claims) {
    const bool is_of = format.empty() || claim.format == format;
    if (claim.what == "peak" && file.IsOwn(claim) && is_of) claimed.push_back(claim.value * 1e12);
  }
  if (!claimed.empty()) return claimed;
  double best = 0;
  for (const Row& row : file.rows) {
    if (!row.address || (!format.empty() && row.address->format != format)) continue;
    best = std::max(best, row.FlopPerS().value_or(0));
  }
  return best > 0 ? std::vector<double>{best} : std::vector<double>{};
}

void CheckCopiedRidge(const LintFile& file, const std::string& where, double flop_per_byte,
                      double peak, double share, Findings& findings) {
  const Row* copy = CopyBehind(file, peak / flop_per_byte, share);
  if (copy == nullptr) return;
  const double read = Most(file.reads);
  findings.Add(
      file, "copy-as-read", where,
      fmt::format(
          "{:.4g} TFLOPS / {:.4g} FLOP/byte are {:.4g} GB/s, the copy of {}; {}{}", peak * 1e-12,
          flop_per_byte, peak / flop_per_byte * 1e-9, copy->name, Reads(file),
          read > 0 ? fmt::format(", the ridge {:.4g} FLOP/byte", peak / read) : std::string()),
      "divide the peak by the read bandwidth");
}

void CheckRidgeCounters(const LintFile& file, const Row& row, Findings& findings) {
  for (const auto& [format, peak] : file.told().ceilings) {
    const std::optional<double> ridge = row.Counter("ridge_" + format);
    if (!ridge || !(*ridge > 0)) continue;
    CheckCopiedRidge(file, row.name, *ridge, peak, kCopiedFigure, findings);
  }
}

// Falls by kSwing and rises by it again with growing footprint, on one backend and its threads.
void CheckSwings(const LintFile& file, const char* kind, const std::vector<RateOf>& all,
                 Findings& findings) {
  std::map<std::string, std::vector<RateOf>> groups;
  for (const RateOf& rate : all) {
    const Address& address = *rate.row->address;
    groups[address.backend + " " + std::string(address.Case("threads"))].push_back(rate);
  }
  for (auto& [name, rates] : groups) {
    std::sort(rates.begin(), rates.end(),
              [](const RateOf& a, const RateOf& b) { return a.footprint_byte < b.footprint_byte; });
    const RateOf* high = nullptr;
    const RateOf* low = nullptr;
    for (const RateOf& rate : rates) {
      if (low != nullptr && rate.byte_per_s > kSwing * low->byte_per_s) {
        findings.Add(
            file, "rate-swings", rate.row->name,
            fmt::format("{}s beyond the caches go from {:.4g} to {:.4g} and back to {:.4g} "
                        "GB/s as the footprint grows",
                        kind, high->byte_per_s * 1e-9, low->byte_per_s * 1e-9,
                        rate.byte_per_s * 1e-9),
            "measure again on a quiet machine, and give the median of several runs");
        break;
      }
      if (high == nullptr || (low == nullptr && rate.byte_per_s > high->byte_per_s)) high = &rate;
      const bool fell = high != nullptr && rate.byte_per_s * kSwing < high->byte_per_s;
      if (fell && (low == nullptr || rate.byte_per_s < low->byte_per_s)) low = &rate;
    }
  }
}

void CheckGib(const LintFile& file, const std::string& where, const std::string& what,
              double told_byte, double known_byte, Findings& findings) {
  if (!(told_byte > 0) || !(known_byte > 0)) return;
  const double ratio = known_byte / told_byte;
  const bool is_gib = IsNear(ratio, kGibFactor, kGibShare);
  if (!is_gib && !IsNear(ratio, 1 / kGibFactor, kGibShare)) return;
  findings.AddToGroup(
      file, "gib-as-gb", what, where,
      fmt::format("{} {:.4g}, but there are {:.6g} GB, 1.0737 times as {}", what, told_byte * 1e-9,
                  known_byte * 1e-9, is_gib ? "much" : "little"),
      "1 GB is 1e9 byte; 1 GiB is 1.0737 GB: divide bytes by 1e9, as bandwidths are");
}

void CheckRowUnits(const LintFile& file, const Row& row, Findings& findings) {
  const KnownWork known = file.Known(row);
  if (const auto weights = row.Counter("weights_GB"); weights && known.weight_byte) {
    CheckGib(file, row.name, "weights_GB is", *weights * 1e9, *known.weight_byte, findings);
  }
  const std::optional<double> kib = row.address ? row.address->CaseNumber("kb") : std::nullopt;
  if (const auto size = row.Counter("size_GB"); size && kib) {
    const double threads = row.address->CaseNumber("threads").value_or(1);
    CheckGib(file, row.name, "size_GB is", *size * 1e9, *kib * 1024 * threads, findings);
  }
  const std::optional<double> byte_per_s = row.BytePerS();
  if (byte_per_s && known.byte && row.time_s > 0) {
    CheckGib(file, row.name, "its GB/s times its time is", *byte_per_s * row.time_s, *known.byte,
             findings);
  }
}

}  // namespace

void LintBandwidth(const LintFile& file, Findings& findings) {
  for (const Claim& claim : file.claims) {
    if (!file.IsOwn(claim)) continue;
    if (claim.what == "read") CheckRead(file, claim, findings);
    if (claim.what != "ridge") continue;
    for (const double peak : PeaksOf(file, claim.format)) {
      CheckCopiedRidge(file, "ridge " + TextOf(claim), claim.value, peak, kSameFigure, findings);
    }
  }
  for (const Row& row : file.rows) CheckRidgeCounters(file, row, findings);
  CheckSwings(file, "read", file.reads, findings);
  CheckSwings(file, "write", file.writes, findings);
}

void LintUnits(const LintFile& file, Findings& findings) {
  for (const Row& row : file.rows) CheckRowUnits(file, row, findings);
  for (const Claim& claim : file.claims) {
    if (claim.what != "size" || !claim.byte) continue;
    CheckGib(file, "size " + TextOf(claim), "it is given as", claim.value * 1e9, *claim.byte,
             findings);
  }
}

}  // namespace wattline::roofline
