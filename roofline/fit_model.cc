#include "roofline/fit_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "roofline/gpu_model.h"
#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

// What whole models reach of a roof where no row of this machine tells: time over the roof's time.
constexpr Interval kAssumedDecode{1.3, 1.05, 2.0};
constexpr Interval kAssumedPrefill{1.6, 1.1, 4.0};
// No interval is narrower: rows of one machine differ by this from run to run.
constexpr double kLeastSpread = 0.05;
constexpr double kFewRowsSpread = 0.10;     // of one or two rows
constexpr double kOtherModelSpread = 0.15;  // of rows of other models, which caches suit otherwise

bool IsFloat(const std::string& format) { return format != "int8"; }

// The backend that most model rows have, else that of the largest bandwidth from DRAM.
std::string ChosenBackend(const MachineFit& machine) {
  std::string backend;
  long most = 0;
  for (const ModelRow& row : machine.model_rows) {
    const long count =
        std::count_if(machine.model_rows.begin(), machine.model_rows.end(),
                      [&](const ModelRow& other) { return other.backend == row.backend; });
    if (count > most) {
      most = count;
      backend = row.backend;
    }
  }
  if (!backend.empty()) return backend;
  double best = 0;
  for (const Roof& roof : machine.roofs) {
    if (roof.key.level != "DRAM" || roof.byte_per_s.value <= best) continue;
    best = roof.byte_per_s.value;
    backend = roof.key.backend;
  }
  return backend;
}

// From DRAM, with the most threads, of the floating format with the largest peak: what the
// machine's own library would choose, and an upper bound of the others.
const Roof* ChosenRoof(const MachineFit& machine, const std::string& backend) {
  const Roof* best = nullptr;
  for (const Roof& roof : machine.roofs) {
    if (roof.key.level != "DRAM" || roof.key.backend != backend || !IsFloat(roof.key.format) ||
        !(roof.peak_flop_per_s.value > 0) || !(roof.byte_per_s.value > 0)) {
      continue;
    }
    const bool better = best == nullptr || roof.key.threads > best->key.threads ||
                        (roof.key.threads == best->key.threads &&
                         roof.peak_flop_per_s.value > best->peak_flop_per_s.value);
    if (better) best = &roof;
  }
  return best;
}

SpeedLaw LawOf(const Roof& roof) {
  return {roof.peak_flop_per_s.value, roof.byte_per_s.value, 0,
          roof.sharpness ? roof.sharpness->value : HUGE_VAL};
}

bool IsAskedFor(const ModelRow& row, const FitQuery& query) {
  return row.model == query.model && row.format == query.format && row.batch == query.batch &&
         row.tokens_each == (row.prefill ? query.prompt : query.context);
}

// Rows that may calibrate: of this backend and kind, not the one asked for; steady ones if any are.
std::vector<const ModelRow*> Calibrating(const MachineFit& machine, const FitQuery& query,
                                         const std::string& backend, bool prefill,
                                         bool same_format) {
  std::vector<const ModelRow*> rows;
  for (const bool steady : {true, false}) {
    for (const ModelRow& row : machine.model_rows) {
      if (row.backend != backend || row.prefill != prefill || IsAskedFor(row, query)) continue;
      if ((same_format && row.format != query.format) || (steady && row.unsteady)) continue;
      if (row.tok_per_s > 0 && (row.flop_per_token > 0 || row.byte_per_token > 0)) {
        rows.push_back(&row);
      }
    }
    if (!rows.empty()) break;
  }
  return rows;
}

Interval SpreadInterval(const std::vector<double>& ratios, bool same_model) {
  const double median = Median(ratios).value_or(1);
  const double least = !same_model         ? kOtherModelSpread
                       : ratios.size() < 3 ? kFewRowsSpread
                                           : kLeastSpread;
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  return {median, std::min(*low, median * (1 - least)), std::max(*high, median * (1 + least))};
}

bool AnyOf(const std::vector<const ModelRow*>& rows, const std::string& model) {
  return std::any_of(rows.begin(), rows.end(),
                     [&](const ModelRow* row) { return row->model == model; });
}

struct Calibrated {
  Interval slowdown;
  std::string words;
};

Calibrated CalibratedPass(const MachineFit& machine, const FitQuery& query,
                          const std::string& backend, bool prefill, const SpeedLaw& law) {
  const char* kind = prefill ? "prefill" : "decode";
  for (const bool same_format : {true, false}) {
    const std::vector<const ModelRow*> rows =
        Calibrating(machine, query, backend, prefill, same_format);
    std::vector<double> ratios;
    for (const ModelRow* row : rows) {
      const double roof_s = Seconds(law, {row->flop_per_token, row->byte_per_token, 0});
      if (roof_s > 0) ratios.push_back(1 / row->tok_per_s / roof_s);
    }
    if (ratios.empty()) continue;
    const bool same_model = AnyOf(rows, query.model);
    return {SpreadInterval(ratios, same_model),
            fmt::format("{} on {} row{} of {}{}", kind, ratios.size(),
                        ratios.size() == 1 ? "" : "s", same_format ? query.format : "other formats",
                        same_model ? "" : " (other models)")};
  }
  return {prefill ? kAssumedPrefill : kAssumedDecode,
          fmt::format("{} on an assumed share of the roof", kind)};
}

// Joules as the energy roofline has them, scaled to the decode rows' joules where there are any; or
// those rows' watts where no coefficients were trusted.
std::optional<EnergyModel> EnergyOf(const MachineFit& machine, const FitQuery& query,
                                    const Roof& roof) {
  std::vector<double> watts, factors;
  bool same_model = false;
  const EnergyFit* fit = FindEnergy(machine, roof.key);
  const bool trusted = fit != nullptr && fit->coefficients.has_value();
  for (const bool same_format : {true, false}) {
    const std::vector<const ModelRow*> rows =
        Calibrating(machine, query, roof.key.backend, false, same_format);
    for (const ModelRow* row : rows) {
      if (!row->joules_per_token || !(*row->joules_per_token > 0)) continue;
      same_model = same_model || row->model == query.model;
      watts.push_back(*row->joules_per_token * row->tok_per_s);
      if (!trusted || !(row->flop_per_token > 0) || !(row->byte_per_token > 0)) continue;
      const double intensity = row->flop_per_token / row->byte_per_token;
      const double law_j = row->flop_per_token * JoulePerFlop(*fit->coefficients, intensity,
                                                              row->flop_per_token * row->tok_per_s);
      if (law_j > 0) factors.push_back(*row->joules_per_token / law_j);
    }
    if (!watts.empty()) break;
  }
  EnergyModel energy;
  if (trusted) {
    energy.coefficients = fit->coefficients;
    if (!factors.empty()) energy.factor = SpreadInterval(factors, same_model);
    return energy;
  }
  if (watts.empty()) return std::nullopt;
  energy.watts = SpreadInterval(watts, same_model);
  return energy;
}

std::string Backends(const MachineFit& machine) {
  std::vector<std::string> names;
  for (const Roof& roof : machine.roofs) {
    const std::string& name = roof.key.backend;
    if (roof.key.level == "DRAM" && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

FitModel ModelMachine(const MachineFit& machine, const FitQuery& query) {
  const std::string backend = query.backend.empty() ? ChosenBackend(machine) : query.backend;
  const Roof* roof = ChosenRoof(machine, backend);
  if (roof == nullptr) {
    const std::string others = Backends(machine);
    if (others.empty()) {
      return {std::nullopt, fmt::format("the fit of {} has no roof from DRAM; run bench "
                                        "--benchmark_filter=ceiling on it and fit that file too",
                                        machine.chip)};
    }
    return {std::nullopt, fmt::format("the fit of {} has no roof of backend '{}' from DRAM; choose "
                                      "--backend={}",
                                      machine.chip, backend, others)};
  }
  MachineModel model;
  model.name = fmt::format("{} ({})", machine.chip, backend);
  model.measured = true;
  model.usable_byte = query.memory_byte ? query.memory_byte : machine.memory_byte;
  const bool apple_gpu = machine.chip.rfind("Apple ", 0) == 0 && backend != "cpu";
  if (apple_gpu && model.usable_byte) model.usable_byte = UsableByte("apple", *model.usable_byte);
  const SpeedLaw law = LawOf(*roof);
  SpeedLaw limit = law;
  limit.sharpness = HUGE_VAL;
  const Calibrated prefill = CalibratedPass(machine, query, backend, true, law);
  const Calibrated decode = CalibratedPass(machine, query, backend, false, law);
  model.prefill = {law, law, law, limit, prefill.slowdown};
  model.decode = {law, law, law, limit, decode.slowdown};
  model.calibration = fmt::format("roof {} from DRAM with {} threads; {}; {}", roof->key.format,
                                  roof->key.threads, prefill.words, decode.words);
  model.energy = EnergyOf(machine, query, *roof);
  return {model, {}};
}

}  // namespace wattline::roofline
