#include "roofline/predict.h"

#include <algorithm>
#include <cmath>

namespace wattline::roofline {
namespace {

struct Parts {
  double memory_s, compute_s, launch_s;
};

Parts PartsOf(const SpeedLaw& law, const Work& work) {
  return {work.byte / law.byte_per_s, work.flop / law.flop_per_s, work.launches * law.launch_s};
}

Interval PerSecond(double amount, const Interval& seconds) {
  return {amount / seconds.value, amount / seconds.high, amount / seconds.low};
}

Interval Joules(const EnergyModel& energy, const Work& work, const Interval& seconds) {
  if (energy.coefficients) {
    const EnergyCoefficients& c = *energy.coefficients;
    const auto joules = [&](double flop_j, double byte_j, double constant_w, double s) {
      return work.flop * flop_j + work.byte * byte_j + constant_w * s;
    };
    return {
        energy.factor.value *
            joules(c.flop_j.value, c.byte_j.value, c.constant_w.value, seconds.value),
        energy.factor.low * joules(c.flop_j.low, c.byte_j.low, c.constant_w.low, seconds.low),
        energy.factor.high * joules(c.flop_j.high, c.byte_j.high, c.constant_w.high, seconds.high)};
  }
  const Interval watts = energy.watts.value_or(Interval{});
  return {watts.value * seconds.value, watts.low * seconds.low, watts.high * seconds.high};
}

bool Lacks(const std::optional<double>& usable_byte, double byte) {
  return usable_byte && byte > *usable_byte;
}

}  // namespace

// The larger part is taken out, so that no power overflows.
double Seconds(const SpeedLaw& law, const Work& work) {
  const Parts parts = PartsOf(law, work);
  const double large = std::max(parts.memory_s, parts.compute_s);
  const double small = std::min(parts.memory_s, parts.compute_s);
  if (!(large > 0)) return parts.launch_s;
  const double p = law.sharpness;
  return large * std::pow(1 + std::pow(small / large, p), 1 / p) + parts.launch_s;
}

std::string BindingLimit(const SpeedLaw& law, const Work& work) {
  const Parts parts = PartsOf(law, work);
  const double most = std::max({parts.memory_s, parts.compute_s, parts.launch_s});
  if (most == parts.memory_s) return "bandwidth";
  return most == parts.compute_s ? "compute" : "launch overhead";
}

Interval PassSeconds(const PassModel& model, const Work& work) {
  const double least = Seconds(model.limit, work);
  Interval seconds;
  seconds.value = std::max(least, Seconds(model.expected, work) * model.slowdown.value);
  seconds.low = std::clamp(Seconds(model.fastest, work) * model.slowdown.low, least, seconds.value);
  seconds.high = std::max(seconds.value, Seconds(model.slowest, work) * model.slowdown.high);
  return seconds;
}

Prediction Predict(const MachineModel& machine, const ModelWork& work,
                   const std::optional<Split>& split) {
  const MachineModel& first = split ? split->prefill : machine;
  Prediction p;
  p.memory_byte = work.weight_byte + work.cache_byte + work.scratch_byte;
  const double first_byte =
      split ? work.weight_byte + work.prompt_cache_byte + work.scratch_byte : p.memory_byte;
  if (machine.usable_byte && first.usable_byte) {
    p.fits = !Lacks(machine.usable_byte, p.memory_byte) && !Lacks(first.usable_byte, first_byte);
  } else if (Lacks(machine.usable_byte, p.memory_byte) || Lacks(first.usable_byte, first_byte)) {
    p.fits = false;
  }
  if (machine.usable_byte) p.head_byte = *machine.usable_byte - p.memory_byte;
  if (p.fits == false) {
    p.limit = p.prefill_limit = "memory capacity";
    return p;
  }

  const Interval prefill_s = PassSeconds(first.prefill, work.prefill);
  const Interval step_s = PassSeconds(machine.decode, work.decode);
  p.prefill_tok_per_s = PerSecond(work.prefill_tokens, prefill_s);
  p.decode_tok_per_s = PerSecond(work.decode_tokens, step_s);
  p.limit = BindingLimit(machine.decode.expected, work.decode);
  p.prefill_limit = BindingLimit(first.prefill.expected, work.prefill);
  p.ttft_s = prefill_s;
  if (split) {
    const double transfer_s = work.prompt_cache_byte * 8 / split->link_bit_per_s;
    p.transfer_s = transfer_s;
    p.ttft_s = Interval{prefill_s.value + transfer_s, prefill_s.low + transfer_s,
                        prefill_s.high + transfer_s};
    if (transfer_s > prefill_s.value) p.prefill_limit = "link";
  }
  if (machine.energy) {
    const Interval joules = Joules(*machine.energy, work.decode, step_s);
    p.j_per_token = Interval{joules.value / work.decode_tokens, joules.low / work.decode_tokens,
                             joules.high / work.decode_tokens};
  }
  return p;
}

}  // namespace wattline::roofline
