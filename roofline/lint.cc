#include "roofline/lint.h"

#include <algorithm>
#include <cmath>

#include "roofline/arithmetic.h"
#include "roofline/context_fit.h"
#include "roofline/lint_rules.h"
#include "roofline/merged_rows.h"
#include "roofline/stand.h"

namespace wattline::roofline {

bool IsNear(double a, double b, double share) { return std::abs(a / b - 1) <= share; }

namespace {

std::vector<RateOf> MemoryRates(const LintFile& file, const char* kind) {
  std::vector<RateOf> rates;
  for (const Row& row : file.rows) {
    if (!row.address || row.address->fixture != "ceiling" || row.address->subject != kind) continue;
    const std::optional<double> kib = row.address->CaseNumber("kb");
    const std::optional<double> byte_per_s = row.BytePerS();
    if (!kib || !byte_per_s || !(*byte_per_s > 0)) continue;
    if (PlaceOf(row, file.told(), file.machine).level != "DRAM") continue;
    const double threads = row.address->CaseNumber("threads").value_or(1);
    rates.push_back({*byte_per_s, *kib * 1024 * threads, &row});
  }
  return rates;
}

LintFile MakeFile(const Results& results, const LintInput& input) {
  LintFile file;
  file.results = &results;
  file.name = results.path.substr(results.path.find_last_of("/\\") + 1);
  for (Row& row : MergeRepetitions(results.rows)) {
    if (row.error.empty()) file.rows.push_back(std::move(row));
  }
  const MachineFit* fitted = input.fit ? FindMachine(*input.fit, results.machine) : nullptr;
  file.machine = fitted && !fitted->roofs.empty() ? *fitted : ContextFit(results);
  for (const Row& row : file.rows) {
    for (const char* probe : {"ground_GB/s", "ground_end_GB/s"}) {
      const double rate = row.Counter(probe).value_or(0) * 1e9;
      file.ground_byte_per_s = std::max(file.ground_byte_per_s, rate);
    }
  }
  for (const double rate : input.vendors.BytePerS(results.machine.chip)) {
    file.vendor_byte_per_s = std::max(file.vendor_byte_per_s, rate);
  }
  file.input = &input;
  file.reads = MemoryRates(file, "read");
  file.writes = MemoryRates(file, "write");
  file.copies = MemoryRates(file, "copy");
  return file;
}

// Each claim to the first of these files that is of its chip; of chips that have no file, and of
// none, to the first.
void Distribute(std::span<const Claim> claims, std::span<LintFile> files) {
  for (const Claim& claim : claims) {
    const auto own = std::find_if(files.begin(), files.end(),
                                  [&](const LintFile& file) { return file.IsOwn(claim); });
    (own == files.end() ? files.front() : *own).claims.push_back(claim);
  }
}

// The claims in the files' contexts; parts of one file follow each other and have one context. One
// sentence where they cannot be read.
std::string DistributeOwn(std::span<LintFile> files) {
  for (size_t begin = 0, end = 0; begin < files.size(); begin = end) {
    const Results& results = *files[begin].results;
    while (end < files.size() && files[end].results->path == results.path) ++end;
    const ReadClaims read = ClaimsOfContext(results.context, results.path);
    if (!read.error.empty()) return read.error;
    Distribute(read.claims, files.subspan(begin, end - begin));
  }
  return {};
}

// The larger of what is there and a new one.
void Raise(std::optional<std::pair<double, std::string>>& most, double value,
           const std::string& what) {
  if (value > 0 && (!most || value > most->first)) most = {value, what};
}

}  // namespace

const Row* LintFile::FindRow(const std::string& row) const {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Row& one) { return one.name == row; });
  return found == rows.end() ? nullptr : &*found;
}

bool LintFile::IsOwn(const Claim& claim) const {
  if (claim.chip.empty()) return true;
  const std::string plain = PlainChip(claim.chip);
  return plain == PlainChip(told().chip) || plain == PlainChip(told().chip_slug);
}

std::optional<std::pair<double, std::string>> LintFile::MostRead(
    const std::optional<std::string>& backend) const {
  std::optional<std::pair<double, std::string>> most;
  const auto counts = [&](const std::string& other) {
    return !backend || DeviceOf(*backend, told()) == DeviceOf(other, told());
  };
  for (const RateOf& read : reads) {
    if (counts(read.row->address->backend)) Raise(most, read.byte_per_s, read.row->name);
  }
  for (const LevelFit& level : machine.levels) {
    if (level.name == "DRAM" && counts(level.backend)) {
      Raise(most, level.byte_per_s.value_or(0), "the fitted level DRAM");
    }
  }
  for (const Roof& roof : machine.roofs) {
    if (roof.key.level == "DRAM" && counts(roof.key.backend)) {
      Raise(most, roof.byte_per_s.high, "the roof of DRAM");
    }
  }
  if (counts("cpu")) {
    const auto ceiling = told().ceilings.find("read");
    if (ceiling != told().ceilings.end()) Raise(most, ceiling->second, "the context's ceiling");
    Raise(most, ground_byte_per_s, "a ground probe");
  }
  if (most) return most;
  Raise(most, vendor_byte_per_s, "the vendor's figure");
  return most;
}

bool IsDecodeRow(const Row& row) {
  return row.address && row.address->fixture == "decode" && row.Counter("tok/s") &&
         !IsPrefillRow(row);
}

bool IsPrefillRow(const Row& row) {
  return row.address && row.address->fixture == "decode" && !row.address->Case("prefill").empty();
}

LintResult Lint(const LintInput& input) {
  LintResult result;
  std::vector<LintFile> files;
  files.reserve(input.files.size());
  for (const Results& results : input.files) files.push_back(MakeFile(results, input));
  if (files.empty()) return result;
  result.error = DistributeOwn(files);
  if (!result.error.empty()) return result;
  Distribute(input.claims, files);
  Findings findings(result.findings);
  for (const LintFile& file : files) {
    for (const auto rule : {LintRoofs, LintDecode, LintBandwidth, LintUnits, LintEnergy, LintZeros,
                            LintCounts, LintSamples, LintVendor}) {
      rule(file, findings);
    }
  }
  LintSpeedups(files, findings);
  return result;
}

}  // namespace wattline::roofline
