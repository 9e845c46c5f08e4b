#include "roofline/context_fit.h"

#include <algorithm>

namespace wattline::roofline {
namespace {

Interval Exactly(double value) { return {value, value, value}; }

}  // namespace

MachineFit ContextFit(const Results& results) {
  const Machine& told = results.machine;
  MachineFit machine;
  machine.chip = told.chip;
  machine.chip_slug = told.chip_slug;
  machine.memory_byte = told.memory_byte;
  machine.idle_watts = told.idle_watts;
  const auto read = told.ceilings.find("read");
  if (read == told.ceilings.end() || !(read->second > 0)) return machine;
  for (const char* format : {"f32", "bf16", "int8"}) {
    const auto peak = told.ceilings.find(format);
    if (peak == told.ceilings.end() || !(peak->second > 0)) continue;
    Roof roof;
    roof.key = {format, "cpu", told.threads.value_or(1), "DRAM"};
    roof.peak_flop_per_s = Exactly(peak->second);
    roof.byte_per_s = Exactly(read->second);
    roof.ridge_flop_per_byte = Exactly(peak->second / read->second);
    machine.roofs.push_back(roof);
  }
  return machine;
}

const MachineFit* FindMachine(const Fit& fit, const Machine& machine) {
  const auto found =
      std::find_if(fit.machines.begin(), fit.machines.end(), [&](const MachineFit& one) {
        if (!one.chip_slug.empty() && !machine.chip_slug.empty()) {
          return one.chip_slug == machine.chip_slug;
        }
        return one.chip == machine.chip;
      });
  return found == fit.machines.end() ? nullptr : &*found;
}

}  // namespace wattline::roofline
