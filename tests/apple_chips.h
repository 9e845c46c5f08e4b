// Energy channels of Apple chips: names and units as IOReport lists them on each.
//
// Sources: M1 Max, M3 Pro, M4, M4 Pro: the deltas that zeus-apple-silicon's tests record
// (github.com/ml-energy/zeus-apple-silicon); M1 Ultra: the inventory of github.com/lablup/all-smi
// issue 415 (321 channels: 310 mJ, 10 uJ, 1 nJ; 130 names listed twice); M5 Max: names from both,
// not all of its 364; M1: socpowerbud. Counts are the recorded deltas, 0 where none is known.
#pragma once

#include <string>
#include <vector>

#include "tests/fakes/fake_apple.h"

namespace wattline {

using Chip = std::vector<FakeChannel>;

inline void Add(Chip& chip, const std::string& name, int64_t count = 0,
                const std::string& unit = "mJ") {
  FakeChannel channel;
  channel.name = name;
  channel.unit = unit;
  channel.count = count;
  chip.push_back(channel);
}

// `stem`0 to `stem`<cores - 1>, and the SRAM of each.
inline void AddCores(Chip& chip, const std::string& stem, int cores) {
  for (int core = 0; core < cores; ++core) {
    Add(chip, stem + std::to_string(core), 900 + core);
    Add(chip, stem + std::to_string(core) + "_SRAM", 70 + core);
  }
}

// What every chip lists besides: limiters' telemetry, buses.
inline void AddOthers(Chip& chip) {
  for (const char* name : {"ECPUDTL00", "ECPUDTL01", "PCPU0DTL00", "PCPU0DTL1a", "PCPU1DTL2b"}) {
    Add(chip, name, 500);
  }
  for (const char* name : {"DCS0", "AMCC0", "ISP0", "AVE0", "MSR0", "DISP0", "AFR0", "FAB0"}) {
    Add(chip, name, 300);
  }
  Add(chip, "apciec0 Energy", 2'000'000, "uJ");
  Add(chip, "PCIe Port 0 Energy", 1'000'000, "uJ");
}

// M1, M3 Pro and M4 name their clusters the same way.
inline Chip PlainChip(int efficiency_cores, int performance_cores) {
  Chip chip;
  AddCores(chip, "ECPU", efficiency_cores);
  AddCores(chip, "PCPU", performance_cores);
  Add(chip, "ECPM", 11);
  Add(chip, "PCPM", 12);
  Add(chip, "ECPM_SRAM", 3);
  AddOthers(chip);
  return chip;
}

inline Chip M1() {
  Chip chip = PlainChip(4, 4);
  for (const char* name : {"ECPU", "PCPU", "CPU Energy", "GPU SRAM", "ANE", "DRAM"})
    Add(chip, name);
  Add(chip, "GPU Energy", 0, "nJ");
  return chip;
}

inline Chip M3Pro() {
  Chip chip = PlainChip(6, 6);
  Add(chip, "ECPU", 15);
  Add(chip, "PCPU", 25);
  Add(chip, "CPU Energy", 2131);
  Add(chip, "GPU SRAM");
  Add(chip, "ANE");
  Add(chip, "DRAM", 60);
  Add(chip, "GPU Energy", 4'126'124, "nJ");
  return chip;
}

inline Chip M4() {
  Chip chip = PlainChip(6, 4);
  Add(chip, "ECPU", 8);
  Add(chip, "PCPU", 2200);
  Add(chip, "CPU Energy", 2174);
  Add(chip, "GPU SRAM");
  Add(chip, "ANE");
  Add(chip, "DRAM", 61);
  Add(chip, "GPU Energy", 0, "nJ");
  return chip;
}

inline Chip M1Max() {
  Chip chip;
  AddCores(chip, "EACC_CPU", 2);
  AddCores(chip, "PACC0_CPU", 4);
  AddCores(chip, "PACC1_CPU", 4);
  Add(chip, "EACC_CPU", 10);
  Add(chip, "PACC0_CPU", 1700);
  Add(chip, "PACC1_CPU", 5);
  Add(chip, "EACC_CPM", 2);
  Add(chip, "PACC0_CPM", 20);
  Add(chip, "PACC1_CPM", 6);
  AddOthers(chip);
  Add(chip, "CPU Energy", 1701);
  Add(chip, "GPU0", 9);
  Add(chip, "GPU SRAM0");
  Add(chip, "ANE0");
  Add(chip, "DRAM0", 358);
  Add(chip, "GPU Energy", 9'104'980, "nJ");
  return chip;
}

inline Chip M4Pro() {
  Chip chip;
  AddCores(chip, "EACC_CPU", 4);
  AddCores(chip, "PACC0_CPU", 6);
  AddCores(chip, "PACC1_CPU", 6);
  Add(chip, "EACC_CPU", 5);
  Add(chip, "PACC0_CPU", 3);
  Add(chip, "PACC1_CPU", 2120);
  Add(chip, "EACC_CPM");
  Add(chip, "PACC0_CPM");
  Add(chip, "PACC1_CPM");
  AddOthers(chip);
  Add(chip, "CPU Energy", 2118);
  Add(chip, "GPU SRAM");
  Add(chip, "ANE");
  Add(chip, "DRAM", 78);
  Add(chip, "GPU Energy", 80'707'304, "nJ");
  return chip;
}

// What is read of it in the dumps of github.com/vladkens/macmon issues 17 and 68, and their traps:
// an Ultra whose GPU has parts of its own ("GPU CS"). No counts are recorded.
inline Chip M2Ultra() {
  Chip chip;
  for (const std::string die : {"DIE_0_", "DIE_1_"}) {
    AddCores(chip, die + "EACC_CPU", 4);
    AddCores(chip, die + "PACC0_CPU", 4);
    AddCores(chip, die + "PACC1_CPU", 4);
    for (const char* name : {"EACC_CPM", "PACC0_CPM", "PACC1_CPM", "EACC_CPU", "PACC0_CPU",
                             "PACC1_CPU", "CPU Energy"}) {
      Add(chip, die + name);
    }
  }
  for (const char* name :
       {"PCPU1DTL30",     "PCPU1DTL3a", "PCPU1DTL310", "GPU0_0", "GPU CS0_0", "GPU SRAM0_0",
        "GPU CS SRAM0_0", "ANE0_0",     "ISP0_0",      "AVE0_0", "MSR0_0",    "DCS0_0",
        "DRAM0_0",        "AMCC0_0",    "ANE0_1",      "ISP0_1", "AVE0_1",    "MSR0_1",
        "DCS0_1",         "DRAM0_1",    "AMCC0_1"}) {
    Add(chip, name);
  }
  Add(chip, "apciec0 Energy", 0, "uJ");
  Add(chip, "GPU Energy", 0, "nJ");
  return chip;
}

// Complete. Counts of one batch of the log in all-smi's pull request 424, at t = 6.467 s; that of
// the GPU is the 120 ms before it.
inline Chip M1Ultra() {
  Chip chip;
  for (const std::string die : {"DIE_0_", "DIE_1_"}) {
    for (int core = 0; core < 2; ++core) Add(chip, die + "EACC_CPU" + std::to_string(core), 40);
    for (const std::string complex : {"PACC0_CPU", "PACC1_CPU"}) {
      for (int core = 0; core < 4; ++core) Add(chip, die + complex + std::to_string(core), 900);
    }
    for (const char* cluster : {"EACC", "PACC0", "PACC1"}) {
      Add(chip, die + cluster + "_CPM", 60);
      Add(chip, die + cluster + "_CPU", 1000);
    }
    Add(chip, die + "CPU Energy", die == "DIE_0_" ? 23296 : 2033);
  }
  // 2 * (10 + 120): both dies list the same names.
  for (int die = 0; die < 2; ++die) {
    for (int core = 0; core < 2; ++core) {
      for (const char digit : std::string("01234")) {
        Add(chip, "ECPUDTL" + std::to_string(core) + digit, 500);
      }
    }
    for (const std::string cluster : {"PCPU0DTL", "PCPU1DTL"}) {
      for (int core = 0; core < 4; ++core) {
        for (const char digit : std::string("0123456789abcde")) {
          Add(chip, cluster + std::to_string(core) + digit, 500);
        }
      }
    }
  }
  Add(chip, "GPU0_0", 554);
  Add(chip, "GPU SRAM0_0");
  for (const std::string die : {"0", "1"}) {
    Add(chip, "ANE0_" + die, die == "0" ? 281 : 31);
    Add(chip, "ISP0_" + die, 7);
    Add(chip, "AVE0_" + die, 7);
    Add(chip, "MSR0_" + die, 7);
    Add(chip, "DCS0_" + die, 900);
    Add(chip, "DRAM0_" + die, die == "0" ? 3392 : 3341);
    Add(chip, "AMCC0_" + die, 900);
  }
  for (const int port : {2, 4, 3, 0, 5, 1}) {
    Add(chip, "apciec" + std::to_string(port) + " Energy", 5000, "uJ");
  }
  for (int port = 0; port < 4; ++port) {
    Add(chip, "PCIe Port " + std::to_string(port) + " Energy", 5000, "uJ");
  }
  Add(chip, "GPU Energy", 31'385'200, "nJ");
  return chip;
}

inline Chip M5Max() {
  Chip chip;
  AddCores(chip, "MCPU0_", 6);
  AddCores(chip, "MCPU1_", 6);
  AddCores(chip, "PACC_", 6);
  for (int core = 0; core < 6; ++core) Add(chip, "PCPU" + std::to_string(core) + "_SRAM", 70);
  for (const char* name : {"MCPM0", "MCPM1", "PCPM", "MCPU0DTL00", "MCPU1DTL00", "PCPUDTL00"}) {
    Add(chip, name, 500);
  }
  AddOthers(chip);
  Add(chip, "DISPEXT0", 40);
  Add(chip, "MCPU0", 210);
  Add(chip, "MCPU1", 190);
  Add(chip, "PCPU", 1500);
  Add(chip, "CPU Energy", 2000);
  Add(chip, "GPU0", 30);
  Add(chip, "ANE0", 4);
  Add(chip, "DRAM0", 700);
  Add(chip, "GPU Energy", 30'500'000, "nJ");
  return chip;
}

}  // namespace wattline
