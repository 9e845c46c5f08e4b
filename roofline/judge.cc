#include "roofline/judge.h"

#include <algorithm>

#include "roofline/merged_rows.h"
#include "roofline/stand.h"

namespace wattline::roofline {
namespace {

bool IsJudged(const Row& row) {
  if (row.name.rfind("probe", 0) == 0) return false;
  return row.name.rfind("ceiling/levels/", 0) != 0;
}

std::optional<double> Positive(std::optional<double> value) {
  return value && *value > 0 ? value : std::nullopt;
}

void AddRemark(Judged& judged, const std::string& remark) {
  if (remark.empty()) return;
  judged.remark += (judged.remark.empty() ? "" : "; ") + remark;
}

std::string Bound(const Stand& stand, double flop_per_byte) {
  const double ratio = stand.byte_per_s->value * flop_per_byte / stand.roof->peak_flop_per_s.value;
  if (ratio > kMixedFactor) return "compute";
  if (ratio < 1 / kMixedFactor) return stand.level;
  return "mixed, " + stand.level;
}

// Ceilings of another kind than reads, which the bandwidth of a level is of.
bool Writes(const Row& row) {
  if (!row.address || row.address->fixture != "ceiling") return false;
  const std::string& kind = row.address->subject;
  return kind == "write" || kind == "copy" || kind == "triad";
}

// Speed against the roof: by both sides, by the peak alone (no bytes are counted), or by the
// bandwidth alone (no arithmetic is).
void SetSpeed(const Row& row, const Stand& stand, Judged& judged) {
  if (judged.flop_per_s && judged.flop_per_byte && stand.roof) {
    judged.attainable_flop_per_s = Attainable(*stand.roof, *judged.flop_per_byte);
    judged.share = *judged.flop_per_s / *judged.attainable_flop_per_s;
    judged.bound = Bound(stand, *judged.flop_per_byte);
  } else if (judged.flop_per_s && !judged.byte_per_s && stand.peak) {
    judged.attainable_flop_per_s = stand.peak->value;
    judged.share = *judged.flop_per_s / *judged.attainable_flop_per_s;
    judged.bound = "compute";
  } else if (!judged.flop_per_s && judged.byte_per_s && stand.byte_per_s) {
    judged.bound = stand.level;
    if (!Writes(row)) judged.share = *judged.byte_per_s / stand.byte_per_s->value;
  }
  if (judged.share) judged.roof = stand.key;
}

const EnergyCoefficients* Coefficients(const MachineFit& machine, const RoofKey& key) {
  const EnergyFit* fit = FindEnergy(machine, key);
  return fit != nullptr && fit->coefficients ? &*fit->coefficients : nullptr;
}

// The least joules are those of the same work at the speed that the roof allows.
void SetEnergy(const MachineFit& machine, const Stand& stand, Judged& judged) {
  if (!judged.joules || !(judged.time_s > 0)) return;
  if (judged.flop_per_s) {
    judged.flop_per_joule = *judged.flop_per_s * judged.time_s / *judged.joules;
  }
  const EnergyCoefficients* c = judged.roof ? Coefficients(machine, *judged.roof) : nullptr;
  if (c == nullptr) return;
  if (judged.flop_per_joule && judged.flop_per_byte && judged.attainable_flop_per_s) {
    judged.attainable_flop_per_joule =
        1 / JoulePerFlop(*c, *judged.flop_per_byte, *judged.attainable_flop_per_s);
    judged.joule_share = *judged.flop_per_joule / *judged.attainable_flop_per_joule;
  } else if (!judged.flop_per_s && judged.byte_per_s && stand.byte_per_s) {
    const double byte = *judged.byte_per_s * judged.time_s;
    const double least_j = byte * (c->byte_j.value + c->constant_w.value / stand.byte_per_s->value);
    judged.joule_share = least_j / *judged.joules;
  }
}

// What a reader must know of the share, or why there is none.
std::string RemarkOf(const Row& row, const Stand& stand, const Judged& judged) {
  if (!judged.share) {
    return Writes(row) && !judged.bound.empty() ? "the level's bandwidth is of reads"
                                                : stand.why_not;
  }
  const bool in_cache = *judged.share > 1 && judged.bound != "compute" && !stand.streams;
  return in_cache ? "some of its bytes stay in a cache" : "";
}

Judged JudgeRow(const Row& row, const Machine& told, const MachineFit& machine) {
  Judged judged;
  judged.chip = told.chip;
  judged.row = row.name;
  judged.fixture = row.name.substr(0, row.name.find('/'));
  if (row.address) {
    judged.format = row.address->format;
    judged.backend = row.address->backend;
  }
  judged.time_s = row.time_s;
  if (!row.error.empty()) {
    judged.remark = row.error;
    return judged;
  }
  judged.flop_per_s = Positive(row.FlopPerS());
  judged.byte_per_s = Positive(row.BytePerS());
  judged.flop_per_byte = Positive(row.Intensity());
  // Where only one of the two is counted, the row's AI tells the other.
  if (judged.flop_per_byte && judged.flop_per_s && !judged.byte_per_s) {
    judged.byte_per_s = *judged.flop_per_s / *judged.flop_per_byte;
  }
  judged.joules = Positive(row.Counter("joules"));
  if (!judged.flop_per_s && !judged.byte_per_s) {
    AddRemark(judged, "neither operations nor bytes are counted");
    return judged;
  }
  const Stand stand = StandOf(row, told, machine);
  SetSpeed(row, stand, judged);
  SetEnergy(machine, stand, judged);
  AddRemark(judged, RemarkOf(row, stand, judged));
  if (row.Counter("unsteady").value_or(0) > 0) AddRemark(judged, "unsteady");
  return judged;
}

}  // namespace

std::vector<Judged> Judge(const Results& results, const MachineFit& machine) {
  std::vector<Judged> all;
  double total_s = 0;
  for (const Row& row : MergeRepetitions(results.rows)) {
    if (!IsJudged(row)) continue;
    all.push_back(JudgeRow(row, results.machine, machine));
    total_s += all.back().time_s;
  }
  for (Judged& judged : all) judged.time_share = total_s > 0 ? judged.time_s / total_s : 0;
  return all;
}

}  // namespace wattline::roofline
