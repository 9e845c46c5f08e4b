// Which of a chip's channels are its energy: every generation's names, the traps among them, units.
#include "energy/ioreport_channels.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/apple_chips.h"

namespace wattline::energy::ioreport_channels_test {
namespace {

std::vector<IoReportChannel> Listed(const Chip& chip) {
  std::vector<IoReportChannel> channels;
  for (const FakeChannel& channel : chip) {
    channels.push_back({channel.group, channel.name, channel.unit, channel.format == 1});
  }
  return channels;
}

// "cpu: CPU Energy", the chosen channels of each domain.
using Names = std::map<std::string, std::vector<std::string>>;
Names NamesOf(const EnergyDomains& chosen, const Chip& chip) {
  Names names;
  for (const EnergyDomain& domain : chosen.domains) {
    for (const ChosenChannel& channel : domain.channels) {
      names[domain.domain.name].push_back(chip[channel.index].name);
    }
  }
  return names;
}

Names NamesOf(const Chip& chip) {
  const EnergyDomains chosen = ChooseEnergyChannels(Listed(chip));
  EXPECT_EQ(chosen.refused, "");
  return NamesOf(chosen, chip);
}

// Joules of the domains in the total, and of all others, from the counts as they stand.
double Joules(const Chip& chip, const std::string& name) {
  double joules = 0;
  for (const EnergyDomain& domain : ChooseEnergyChannels(Listed(chip)).domains) {
    if (domain.domain.name != name) continue;
    for (const ChosenChannel& channel : domain.channels) {
      joules += static_cast<double>(chip[channel.index].count) * channel.joules_per_count;
    }
  }
  return joules;
}

TEST(ChooseEnergyChannelsTest, PlainChipsHaveOneChannelOfEach) {
  const Names expected = {{"cpu", {"CPU Energy"}},   {"gpu", {"GPU Energy"}}, {"ane", {"ANE"}},
                          {"dram", {"DRAM"}},        {"ecpu", {"ECPU"}},      {"pcpu", {"PCPU"}},
                          {"gpu_sram", {"GPU SRAM"}}};
  EXPECT_EQ(NamesOf(M1()), expected);
  EXPECT_EQ(NamesOf(M3Pro()), expected);
  EXPECT_EQ(NamesOf(M4()), expected);
}

TEST(ChooseEnergyChannelsTest, ProAndMaxNumberTheirBlocksAndHaveTwoPerformanceClusters) {
  Names expected = {{"cpu", {"CPU Energy"}},    {"gpu", {"GPU Energy"}},
                    {"ane", {"ANE0"}},          {"dram", {"DRAM0"}},
                    {"ecpu", {"EACC_CPU"}},     {"pcpu", {"PACC0_CPU", "PACC1_CPU"}},
                    {"gpu_sram", {"GPU SRAM0"}}};
  EXPECT_EQ(NamesOf(M1Max()), expected);
  expected["ane"] = {"ANE"};
  expected["dram"] = {"DRAM"};
  expected["gpu_sram"] = {"GPU SRAM"};
  EXPECT_EQ(NamesOf(M4Pro()), expected);
}

TEST(ChooseEnergyChannelsTest, AnUltraIsTheSumOfItsDies) {
  EXPECT_EQ(M1Ultra().size(), 321u);
  const Names expected = {
      {"cpu", {"DIE_0_CPU Energy", "DIE_1_CPU Energy"}},
      {"gpu", {"GPU Energy"}},
      {"ane", {"ANE0_0", "ANE0_1"}},
      {"dram", {"DRAM0_0", "DRAM0_1"}},
      {"ecpu", {"DIE_0_EACC_CPU", "DIE_1_EACC_CPU"}},
      {"pcpu", {"DIE_0_PACC0_CPU", "DIE_0_PACC1_CPU", "DIE_1_PACC0_CPU", "DIE_1_PACC1_CPU"}},
      {"gpu_sram", {"GPU SRAM0_0"}}};
  EXPECT_EQ(NamesOf(M1Ultra()), expected);
  EXPECT_EQ(NamesOf(M2Ultra()), expected);
}

TEST(ChooseEnergyChannelsTest, TheMiddleTierOfAnM5IsItsOwnDetail) {
  const Names expected = {
      {"cpu", {"CPU Energy"}}, {"gpu", {"GPU Energy"}},      {"ane", {"ANE0"}},
      {"dram", {"DRAM0"}},     {"mcpu", {"MCPU0", "MCPU1"}}, {"pcpu", {"PCPU"}}};
  EXPECT_EQ(NamesOf(M5Max()), expected);
}

TEST(ChooseEnergyChannelsTest, RecordedCountsGiveTheKnownJoules) {
  EXPECT_DOUBLE_EQ(Joules(M4Pro(), "cpu"), 2.118);
  EXPECT_DOUBLE_EQ(Joules(M4Pro(), "gpu"), 0.080707304);
  EXPECT_DOUBLE_EQ(Joules(M4Pro(), "dram"), 0.078);
  EXPECT_DOUBLE_EQ(Joules(M4Pro(), "pcpu"), 2.123);
  EXPECT_DOUBLE_EQ(Joules(M1Max(), "cpu"), 1.701);
  EXPECT_DOUBLE_EQ(Joules(M1Max(), "dram"), 0.358);
  EXPECT_DOUBLE_EQ(Joules(M3Pro(), "gpu"), 0.004126124);
  EXPECT_DOUBLE_EQ(Joules(M1Ultra(), "cpu"), 25.329);
  EXPECT_DOUBLE_EQ(Joules(M1Ultra(), "ane"), 0.312);
  EXPECT_DOUBLE_EQ(Joules(M1Ultra(), "dram"), 6.733);
  EXPECT_DOUBLE_EQ(Joules(M1Ultra(), "gpu"), 0.0313852);
}

TEST(ChooseEnergyChannelsTest, OnlyTheFourRailsAreInTheTotalAndTheyDoNotOverlap) {
  for (const Chip& chip : {M1(), M1Max(), M1Ultra(), M2Ultra(), M3Pro(), M4(), M4Pro(), M5Max()}) {
    Parts seen = 0;
    for (const EnergyDomain& domain : ChooseEnergyChannels(Listed(chip)).domains) {
      if (!domain.domain.in_total) continue;
      EXPECT_EQ(seen & domain.domain.parts, 0) << domain.domain.name;
      seen = static_cast<Parts>(seen | domain.domain.parts);
      EXPECT_EQ(domain.domain.may_rest, domain.domain.name == "gpu" || domain.domain.name == "ane");
    }
    EXPECT_EQ(seen, kCpuPart | kGpuPart | kDramPart | kAnePart);
  }
}

TEST(ChooseEnergyChannelsTest, WithoutGpuEnergyTheNumberedGpuChannelsServe) {
  Chip chip;
  Add(chip, "CPU Energy");
  Add(chip, "GPU0");
  Add(chip, "GPU1");
  EXPECT_EQ(NamesOf(chip)["gpu"], (std::vector<std::string>{"GPU0", "GPU1"}));
  chip[1].name = "GPU0_0";
  chip[2].name = "GPU0_1";
  EXPECT_EQ(NamesOf(chip)["gpu"], (std::vector<std::string>{"GPU0_0", "GPU0_1"}));
  Add(chip, "GPU Energy", 0, "nJ");
  EXPECT_EQ(NamesOf(chip)["gpu"], std::vector<std::string>{"GPU Energy"});
}

TEST(ChooseEnergyChannelsTest, ASumAndItsPartsAreNeverAddedTogether) {
  Chip chip;
  for (const char* name : {"DIE_0_CPU Energy", "DIE_1_CPU Energy", "ANE0", "ANE1", "DRAM0_0"}) {
    Add(chip, name);
  }
  EXPECT_EQ(NamesOf(chip)["cpu"].size(), 2u);
  Add(chip, "CPU Energy");
  Add(chip, "ANE");
  Add(chip, "DRAM0");
  EXPECT_EQ(NamesOf(chip)["cpu"], std::vector<std::string>{"CPU Energy"});
  EXPECT_EQ(NamesOf(chip)["ane"], std::vector<std::string>{"ANE"});
  EXPECT_EQ(NamesOf(chip)["dram"], std::vector<std::string>{"DRAM0"});
}

TEST(ChooseEnergyChannelsTest, NamesThatOnlyResembleARailAreNone) {
  for (const char* name : {"",
                           "CPU",
                           "CPU Energy2",
                           "XCPU Energy",
                           "DIE_CPU Energy",
                           "DIE_0CPU Energy",
                           "DIE_x_CPU Energy",
                           "GPU",
                           "GPU Energy ",
                           "GPU0_",
                           "GPU0_0_0",
                           "GPU SRAMs",
                           "ANE_0",
                           "ANE0_",
                           "ANE0_x",
                           "ANE_SRAM",
                           "ANEDTL0",
                           "DRAM_SRAM",
                           "DRAMDTL00",
                           "DRAM0DTL0",
                           "MDRAM",
                           "ECPU0",
                           "PCPU0",
                           "EACC_CPU0",
                           "PACC0_CPU3",
                           "PACC_0",
                           "PACC0_CPM",
                           "ECPM",
                           "MCPM0",
                           "MCPU0_0",
                           "PCPU_SRAM",
                           "PACC0_CPU0_SRAM",
                           "DIE_0_PACC0_CPM",
                           "apciec0 Energy",
                           "PCIe Port 0 Energy"}) {
    Chip chip;
    Add(chip, name);
    EXPECT_TRUE(NamesOf(chip).empty()) << "'" << name << "'";
  }
}

TEST(ChooseEnergyChannelsTest, ANameThatIsListedTwiceCountsOnce) {
  Chip chip;
  Add(chip, "CPU Energy", 5);
  Add(chip, "DRAM0", 7);
  Add(chip, "CPU Energy", 5);
  Add(chip, "DRAM0", 7);
  EXPECT_DOUBLE_EQ(Joules(chip, "cpu"), 0.005);
  EXPECT_DOUBLE_EQ(Joules(chip, "dram"), 0.007);
}

TEST(ChooseEnergyChannelsTest, ChannelsOfOtherGroupsAreLeftAlone) {
  Chip chip;
  Add(chip, "DRAM");
  chip[0].group = "PMP";
  EXPECT_TRUE(NamesOf(chip).empty());
}

TEST(ChooseEnergyChannelsTest, AnUnknownUnitIsRefusedByNameAndTakesItsDomainWithIt) {
  Chip chip;
  Add(chip, "DIE_0_CPU Energy", 1);
  Add(chip, "DIE_1_CPU Energy", 1, "kJ");
  Add(chip, "DRAM", 1);
  chip.push_back(chip[2]);
  chip[3].name = "ANE";
  chip[3].format = 2;
  const EnergyDomains chosen = ChooseEnergyChannels(Listed(chip));
  EXPECT_EQ(NamesOf(chosen, chip), (Names{{"dram", {"DRAM"}}}));
  EXPECT_EQ(chosen.refused,
            "'DIE_1_CPU Energy' counts in 'kJ', not in mJ, uJ or nJ; 'ANE' is no plain counter");
}

TEST(JoulesPerCountTest, TrailingBlanksBelongToNoUnit) {
  EXPECT_EQ(JoulesPerCount("mJ"), 1e-3);
  EXPECT_EQ(JoulesPerCount("mJ      "), 1e-3);
  EXPECT_EQ(JoulesPerCount("uJ "), 1e-6);
  EXPECT_EQ(JoulesPerCount("nJ\t"), 1e-9);
  for (const char* unit : {"", " ", "J", " mJ", "MJ", "mj", "pJ", "mJ/s", "kJ"}) {
    EXPECT_FALSE(JoulesPerCount(unit)) << "'" << unit << "'";
  }
}

}  // namespace
}  // namespace wattline::energy::ioreport_channels_test
