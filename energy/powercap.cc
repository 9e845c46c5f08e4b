#include "energy/powercap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "energy/kept_file.h"
#include "energy/rapl_zones.h"
#include "energy/unwrap.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

// No package draws more: the largest sockets of 2025 are rated at 500 W. A platform has several,
// and cards.
double Highest_uw(RaplPart part) { return part == RaplPart::kPsys ? 4e9 : 1e9; }

struct ZoneCounter {
  KeptFile file;
  Unwrapper unwrap;
};

struct CounterSum {
  std::vector<ZoneCounter> counters;
  bool in_total = true;
  bool lost = false;  // it is not in the total, and one of its counters was set back
};

struct OpenedSum {
  CounterSum sum;
  std::optional<double> lsb_j;  // a sum is short by up to a step of each counter
  std::string why_not;
};

// Why the text of an energy_uj is no counter's value, or nothing.
std::string WhyCounterUnreadable(const fs::path& file, const FileText& value) {
  if (value.error == EACCES || value.error == EPERM) {
    return fmt::format("{} is there but not readable by this user", file.string());
  }
  if (value.error != 0) return fmt::format("{}: {}", file.string(), std::strerror(value.error));
  if (!ParseCount(value.text)) {
    return fmt::format("{} holds '{}', which is no number", file.string(), value.text);
  }
  return "";
}

OpenedSum OpenSum(RaplPart part, const std::vector<RaplZone>& zones, const MeterOptions& options) {
  OpenedSum opened;
  opened.lsb_j = 0;
  for (const RaplZone& zone : zones) {
    const fs::path file = zone.folder / "energy_uj";
    KeptFile kept(file, options.read);
    const FileText value = kept.Read();
    opened.why_not = WhyCounterUnreadable(file, value);
    if (!opened.why_not.empty()) {
      const bool rights = value.error == EACCES || value.error == EPERM;
      // Said once, with the package.
      if (rights && RaplDomain(part, {}).in_total)
        opened.why_not += fmt::format("; {}", kRaplRights);
      return opened;
    }
    const std::optional<uint64_t> range_uj = RaplRange_uj(zone, options);
    std::optional<uint64_t> modulus_uj;
    if (range_uj) modulus_uj = RaplModulus_uj(*range_uj);
    if (range_uj && opened.lsb_j) {
      *opened.lsb_j += RaplStep_j(*range_uj);
    } else {
      opened.lsb_j.reset();
    }
    opened.sum.counters.push_back({std::move(kept), Unwrapper(modulus_uj, Highest_uw(part))});
  }
  return opened;
}

class PowercapMeter : public Meter {
 public:
  PowercapMeter(MeterInfo info, std::vector<CounterSum> sums, Clock& clock)
      : Meter(std::move(info)), sums_(std::move(sums)), clock_(clock) {}

  Reading Read() override {
    Reading reading;
    reading.values.reserve(sums_.size());
    reading.before = clock_.Now();
    bool lost = false;
    for (CounterSum& sum : sums_) {
      bool sum_lost = false;
      reading.values.push_back(ReadSum(sum, sum_lost));
      if (sum_lost && sum.in_total) lost = true;
      if (sum_lost && !sum.in_total) sum.lost = true;
      if (sum.lost) reading.values.back().reset();
    }
    if (lost) ++generation_;
    reading.generation = generation_;
    reading.after = clock_.Now();
    return reading;
  }

 private:
  // Absent where one of the counters cannot be read now.
  std::optional<Value> ReadSum(CounterSum& sum, bool& lost) {
    uint64_t total_uj = 0;
    bool whole = true;
    for (ZoneCounter& counter : sum.counters) {
      const FileText text = counter.file.Read();
      const std::optional<uint64_t> value_uj =
          text.error == 0 ? ParseCount(text.text) : std::nullopt;
      if (!value_uj) {
        whole = false;
        continue;
      }
      const Unwrapper::Gained gained = counter.unwrap.Next(*value_uj, clock_.Now());
      lost = lost || !gained.known;
      total_uj += gained.total;
    }
    if (!whole) return std::nullopt;
    return Value{.joules = static_cast<double>(total_uj) * 1e-6};
  }

  std::vector<CounterSum> sums_;
  Clock& clock_;
  uint32_t generation_ = 0;
};

}  // namespace

Opened OpenPowercap(const MeterOptions& options) {
  RaplZones zones = FindRaplZones(options, FindSurroundings(options));
  if (!zones.why_not.empty()) return {nullptr, zones.why_not, zones.present};
  MeterInfo info;
  info.name = "rapl";
  info.lsb_j = 0;
  std::vector<CounterSum> sums;
  for (const RaplPart part : kRaplParts) {
    const auto found = zones.parts.find(part);
    if (found == zones.parts.end()) continue;
    const Domain domain = RaplDomain(part, CountOf(found->second));
    OpenedSum opened = OpenSum(part, found->second, options);
    if (!opened.why_not.empty()) {
      if (domain.in_total) return {nullptr, opened.why_not, true};
      zones.note.LeaveOut(part, opened.why_not);
      continue;
    }
    if (info.lsb_j && opened.lsb_j) {
      info.lsb_j = std::max(*info.lsb_j, *opened.lsb_j);
    } else {
      info.lsb_j.reset();
    }
    opened.sum.in_total = domain.in_total;
    info.domains.push_back(domain);
    sums.push_back(std::move(opened.sum));
  }
  info.note = zones.note.Text(zones.parts.count(RaplPart::kDram) != 0);
  return {std::make_unique<PowercapMeter>(std::move(info), std::move(sums), *options.clock), ""};
}

}  // namespace wattline::energy
