#include "roofline/fit.h"

#include <algorithm>
#include <cmath>

namespace wattline::roofline {
namespace {

template <typename Keyed>
const Keyed* FindKeyed(const std::vector<Keyed>& all, const RoofKey& key) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Keyed& one) { return SameKey(one.key, key); });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

bool SameKey(const RoofKey& a, const RoofKey& b) {
  return a.format == b.format && a.backend == b.backend && a.threads == b.threads &&
         a.level == b.level;
}

double StraightRoof(const Roof& roof, double flop_per_byte) {
  return std::min(roof.peak_flop_per_s.value, roof.byte_per_s.value * flop_per_byte);
}

// The larger of the two sides is taken out, so that no power overflows:
// (P^-p + S^-p)^(-1/p) = min (1 + (min/max)^p)^(-1/p).
double Attainable(const Roof& roof, double flop_per_byte) {
  const double straight = StraightRoof(roof, flop_per_byte);
  if (!roof.sharpness) return straight;
  const double other = std::max(roof.peak_flop_per_s.value, roof.byte_per_s.value * flop_per_byte);
  const double p = roof.sharpness->value;
  return straight * std::pow(1 + std::pow(straight / other, p), -1 / p);
}

double JoulePerFlop(const EnergyCoefficients& c, double flop_per_byte, double flop_per_s) {
  return c.flop_j.value + c.byte_j.value / flop_per_byte + c.constant_w.value / flop_per_s;
}

const Roof* FindRoof(const MachineFit& machine, const RoofKey& key) {
  return FindKeyed(machine.roofs, key);
}

const EnergyFit* FindEnergy(const MachineFit& machine, const RoofKey& key) {
  return FindKeyed(machine.energies, key);
}

}  // namespace wattline::roofline
