#include "kernels/cpu/features.h"

namespace wattline::kernels {

std::string WhyNot(std::string_view isa, std::span<const CpuFeature> needs) {
  std::string missing;
  for (const CpuFeature& need : needs) {
    if (need.present) continue;
    if (!missing.empty()) missing += ", ";
    missing += need.name;
  }
  if (missing.empty()) return {};
  std::string sentence = "this CPU, or the system on it, lacks ";
  return sentence.append(missing).append(", which the ").append(isa).append(" kernels need");
}

}  // namespace wattline::kernels
