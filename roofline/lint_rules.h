// The rules of the lint, by what they need. For lint*.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "roofline/lint.h"

namespace wattline::roofline {

// A speed may pass its limit's interval by this share: clocks and probes scatter so much.
inline constexpr double kLeeway = 0.05;
// Two figures that were copied from each other, and rounded to three or four digits.
inline constexpr double kSameFigure = 0.005;
// The same for figures with two digits, and for counts of operations.
inline constexpr double kAlikeFigure = 0.03;
inline constexpr double kGib = 1073741824.0;

bool IsNear(double a, double b, double share);

// A measured bandwidth and the row that has it.
struct RateOf {
  double byte_per_s = 0;
  double footprint_byte = 0;
  const Row* row = nullptr;
};

// One results file as the rules see it.
struct LintFile {
  const Results* results = nullptr;
  std::string name;       // of the file, without its folder
  std::vector<Row> rows;  // repetitions merged, those with errors left out
  MachineFit machine;     // from the fit, or from the context
  std::vector<Claim> claims;
  const LintInput* input = nullptr;
  // Of rows whose footprint lies in memory.
  std::vector<RateOf> reads, writes, copies;
  double ground_byte_per_s = 0;  // the most of all rows' ground probes; 0: none
  double vendor_byte_per_s = 0;  // the most that vendors tell of the chip's memory; 0: nothing

  const Machine& told() const { return results->machine; }
  const VendorFigures& vendors() const { return input->vendors; }
  KnownWork Known(const Row& row) const {
    return input->known_work ? input->known_work(row) : KnownWork{};
  }
  const Row* FindRow(const std::string& row) const;
  // The claim is about this file's chip.
  bool IsOwn(const Claim& claim) const;
  // The most that memory was seen to give to the device that runs the backend, or to any where it
  // is absent: reads, ceilings, levels, ground probes; where there are none, the vendor's figure.
  // The text names which.
  std::optional<std::pair<double, std::string>> MostRead(
      const std::optional<std::string>& backend) const;
};

// Whole-model rows of generated tokens, and of prompts.
bool IsDecodeRow(const Row& row);
bool IsPrefillRow(const Row& row);

class Findings {
 public:
  explicit Findings(std::vector<Finding>& all) : all_(all) {}
  void Add(const LintFile& file, const char* rule, std::string where, std::string what,
           std::string remedy) {
    all_.push_back({rule, file.name, std::move(where), std::move(what), std::move(remedy), {}});
  }
  // The first of a group is told, the others are listed with it.
  void AddToGroup(const LintFile& file, const char* rule, const std::string& group,
                  std::string where, std::string what, std::string remedy) {
    const auto [place, is_new] =
        groups_.try_emplace(file.name + "\n" + rule + "\n" + group, all_.size());
    if (is_new) return Add(file, rule, std::move(where), std::move(what), std::move(remedy));
    all_[place->second].also.push_back(std::move(where));
  }

 private:
  std::vector<Finding>& all_;
  std::map<std::string, size_t> groups_;
};

// lint_roofs.cc
//   above-roof              a row above the peak of its arithmetic or the bandwidth of its level
//   above-claimed-peak      a row above the peak that a document claims: one sweep is no ceiling
//   decode-above-bandwidth  tok/s x bytes per token above the read bandwidth
//   prefill-as-decode       a claimed decode rate that is a row's prefill rate
void LintRoofs(const LintFile& file, Findings& findings);
void LintDecode(const LintFile& file, Findings& findings);

// lint_bandwidth.cc
//   copy-as-read   a read bandwidth, or a ridge point's, that is the copy's
//   rate-swings    bandwidth beyond the caches that falls and rises by more than kSwing
//   gib-as-gb      a figure in GB that is off by 1.0737 from bytes known otherwise
void LintBandwidth(const LintFile& file, Findings& findings);
void LintUnits(const LintFile& file, Findings& findings);

// lint_energy.cc
//   under-idle-power  joules below idle power x time, bounds included
//   zero-for-absent   a counter that is 0 and cannot be
void LintEnergy(const LintFile& file, Findings& findings);
void LintZeros(const LintFile& file, Findings& findings);

// lint_counts.cc
//   attention-not-causal  operations of full attention counted for causal
//   flop-held-constant    one count of operations for several lengths
//   cold-first-run        a mean that its first run made
//   work-not-timed        a row whose doubled work takes no longer (gates.h)
void LintCounts(const LintFile& file, Findings& findings);
void LintSamples(const LintFile& file, Findings& findings);

// lint_vendor.cc
//   sparse-peak   a peak, claimed or used, that is the sparse one
//   spec-differs  a vendor's figure that is not the vendor's
void LintVendor(const LintFile& file, Findings& findings);

// lint_speedup.cc
//   speedup-not-of-rows  a speed-up that the rows do not have; it says where the ceilings do
void LintSpeedups(const std::vector<LintFile>& files, Findings& findings);

}  // namespace wattline::roofline
