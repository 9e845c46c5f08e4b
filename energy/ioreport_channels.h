// Which of an Apple chip's IOReport channels are the energy of its CPU, GPU, neural engine and
// DRAM.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "energy/meter.h"

namespace wattline::energy {

inline constexpr const char* kIoReportEnergyGroup = "Energy Model";

// A channel as IOReport describes it.
struct IoReportChannel {
  std::string group;  // only those of "Energy Model" are taken; its subgroup is always empty
  std::string name;
  std::string unit;    // its label, with the blanks that IOReport leaves at its end
  bool simple = true;  // one integer, not a histogram or a set of states
};

// A channel that is needed: its place in the list, and what one count of it is worth.
struct ChosenChannel {
  size_t index = 0;
  double joules_per_count = 0;
};

// The energy of a domain is the sum of its channels.
struct EnergyDomain {
  Domain domain;
  std::vector<ChosenChannel> channels;
};

struct EnergyDomains {
  // In this order, as far as the chip has them: cpu, gpu, ane, dram (in the total); ecpu, mcpu,
  // pcpu (clusters of the CPU) and gpu_sram (shown only).
  std::vector<EnergyDomain> domains;
  // Channels that would belong to a domain but cannot be read, and why; such a domain is left out
  // as a whole, since a part of a sum is no sum. Empty where there are none.
  std::string refused;
};

// Names are matched as a whole: an M1 Ultra lists 321 channels and an M5 Max 364, most of which are
// parts of others (cores, cluster managers, *_SRAM, *DTL*), so that matching parts of names would
// count the same energy several times. A name that is listed twice is taken once.
//
//   cpu       CPU Energy; without it DIE_<n>_CPU Energy
//   gpu       GPU Energy; without it GPU<n>, or GPU<n>_<m>
//   ane dram  ANE and DRAM; without it ANE<n>, or ANE<n>_<m>; m is the die of an Ultra
//   ecpu      ECPU, EACC_CPU, EACC<n>_CPU       all three also after DIE_<n>_
//   pcpu      PCPU, PACC_CPU, PACC<n>_CPU       (PCPU<n> and ECPU<n> are cores)
//   mcpu      MCPU, MCPU<n>                     (the M5's middle tier; MCPU<n>_<m> are cores)
//   gpu_sram  GPU SRAM; without it GPU SRAM<n>, or GPU SRAM<n>_<m>
EnergyDomains ChooseEnergyChannels(std::span<const IoReportChannel> channels);

// "mJ", "uJ", "nJ", whatever blanks follow: joules of one count. Absent for any other unit.
std::optional<double> JoulesPerCount(std::string_view unit_label);

}  // namespace wattline::energy
