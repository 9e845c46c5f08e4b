// RAPL zones: each layout that machines have, what is summed, and the sentence where there is none.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "energy/powercap.h"
#include "tests/powercap_tree.h"

namespace wattline::energy::rapl_zones_test {
namespace {

using RaplZonesTest = PowercapTree;

TEST_F(RaplZonesTest, AClientsPartsAreShownAndOnlyThePackageIsInTheTotal) {
  Zone("intel-rapl:0", "package-0", 5'000'000);
  Zone("intel-rapl:0/intel-rapl:0:0", "core", 3'000'000);
  Zone("intel-rapl:0/intel-rapl:0:1", "uncore", 1'000'000);
  Zone("intel-rapl:1", "psys", 0);  // no package though it stands beside one
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(Shown(*meter),
            "cpu (1 package), core- (cores of 1 package), uncore- (graphics of 1 "
            "package), psys- (platform); memory is not in it");
  const std::vector<Domain>& domains = meter->info().domains;
  EXPECT_EQ(domains[0].parts, kCpuPart);
  EXPECT_EQ(domains[1].parts, kCpuPart);
  EXPECT_EQ(domains[2].parts, kGpuPart);
  EXPECT_EQ(domains[3].parts, kWholeMachine);
  EXPECT_FALSE(domains[0].may_rest || domains[1].may_rest || domains[3].may_rest);
  EXPECT_TRUE(domains[2].may_rest);
  EXPECT_NEAR(*meter->info().lsb_j, 61.035e-6, 1e-9);
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 12'500'000);
  Set("intel-rapl:0/intel-rapl:0:0", 8'000'000);
  Set("intel-rapl:1", 20'000'000);
  const Reading after = meter->Read();
  EXPECT_DOUBLE_EQ(*Difference(before, after, 0), 7.5);
  EXPECT_DOUBLE_EQ(*Difference(before, after, 1), 5.0);
  EXPECT_DOUBLE_EQ(*Difference(before, after, 2), 0.0);
  EXPECT_DOUBLE_EQ(*Difference(before, after, 3), 20.0);
}

TEST_F(RaplZonesTest, PsysOfOtherPackagesIsNotAddedToThatOfTheFirst) {
  Zone("intel-rapl:0", "package-0", 0);
  Zone("intel-rapl:1", "package-1", 0);
  Zone("intel-rapl:2", "psys", 0);
  Zone("intel-rapl:3", "psys-1", 0);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(Shown(*meter), "cpu (2 packages), psys- (platform); memory is not in it");
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:2", 7'000'000);
  Set("intel-rapl:3", 7'000'000);
  EXPECT_DOUBLE_EQ(*Difference(before, meter->Read(), 1), 7.0);
}

TEST_F(RaplZonesTest, AnAmdPackageStandsAloneAndItsCoreCounterIsNotUsed) {
  Cpu("AuthenticAMD", 25);
  Zone("intel-rapl:0", "package-0", 0);
  EXPECT_EQ(Shown(*Open()), "cpu (1 package); memory is not in it");
  Zone("intel-rapl:0/intel-rapl:0:0", "core", 0);
  EXPECT_EQ(Shown(*Open()),
            "cpu (1 package); memory is not in it; core is left out: on AMD it is one core's");
}

TEST_F(RaplZonesTest, DiesOfAmdThatShowOneCounterAreReadOnceAndOldOnesAreSummed) {
  for (int die = 0; die < 12; ++die) {
    Zone(fmt::format("intel-rapl:{}", die), fmt::format("package-0-die-{}", die), 0);
  }
  Cpu("AuthenticAMD", 25);
  EXPECT_EQ(Shown(*Open()), "cpu (1 package); memory is not in it");
  Cpu("AuthenticAMD", 23);
  EXPECT_EQ(Shown(*Open()), "cpu (12 dies of 1 package); memory is not in it");
  Cpu("GenuineIntel", 6);
  EXPECT_EQ(Shown(*Open()), "cpu (12 dies of 1 package); memory is not in it");
}

TEST_F(RaplZonesTest, AServersStepIsThatOfItsLargestSum) {
  // Two packages of 61.0 uJ, their memories of 15.3 uJ.
  for (const char* zone : {"intel-rapl:0", "intel-rapl:1"}) {
    Zone(zone, std::string("package-") + zone[11], 0);
    const std::string dram = std::string(zone) + "/" + zone + ":0";
    Zone(dram, "dram", 0);
    Write(dram + "/max_energy_range_uj", "65712999613\n");
  }
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_NEAR(*meter->info().lsb_j, 2 * 61.035e-6, 1e-9);
}

TEST_F(RaplZonesTest, DramThatOnlyTheMmioTwinHasIsTakenFromThere) {
  Zone("intel-rapl:0", "package-0", 0);
  Zone("intel-rapl-mmio:0", "package-0", 0);
  Zone("intel-rapl-mmio:0/intel-rapl-mmio:0:0", "dram", 0);
  EXPECT_EQ(Shown(*Open()), "cpu (1 package), dram (memory of 1 package)");
  Zone("intel-rapl:0/intel-rapl:0:0", "dram", 0);
  EXPECT_EQ(Shown(*Open()), "cpu (1 package), dram (memory of 1 package)");
}

TEST_F(RaplZonesTest, MemoryOfDiesIsSummed) {
  for (int die = 0; die < 2; ++die) {
    const std::string zone = fmt::format("intel-rapl:{}", die);
    Zone(zone, fmt::format("package-1-die-{}", die), 0);
    Zone(fmt::format("{}/{}:0", zone, zone), "dram", 0);
  }
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(Shown(*meter), "cpu (2 dies of 1 package), dram (memory of 2 dies of 1 package)");
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0/intel-rapl:0:0", 1'000'000);
  Set("intel-rapl:1/intel-rapl:1:0", 2'000'000);
  EXPECT_DOUBLE_EQ(*Difference(before, meter->Read(), 1), 3.0);
}

TEST_F(RaplZonesTest, AZoneWhoseNameCannotBeReadSpoilsTheSum) {
  Zone("intel-rapl:0", "package-0", 0);
  fs::create_directories(folder() / "intel-rapl:1");
  EXPECT_NE(OpenPowercap(Options()).why_not.find("intel-rapl:1 is listed but leads nowhere"),
            std::string::npos);
}

TEST_F(RaplZonesTest, AllPackagesAndAllTheirMemoriesAreSummedApart) {
  Zone("intel-rapl:0", "package-1", 0);
  Zone("intel-rapl:0/intel-rapl:0:0", "dram", 0);
  Zone("intel-rapl:1", "package-0", 0);
  Zone("intel-rapl:1/intel-rapl:1:0", "dram", 0);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  ASSERT_EQ(meter->info().domains.size(), 2u);
  EXPECT_EQ(meter->info().domains[0].scope, "2 packages");
  EXPECT_EQ(meter->info().domains[1].name, "dram");
  EXPECT_NEAR(*meter->info().lsb_j, 2 * 61.035e-6, 1e-9);
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 100'000'000);
  Set("intel-rapl:1", 50'000'000);
  Set("intel-rapl:0/intel-rapl:0:0", 4'000'000);
  Set("intel-rapl:1/intel-rapl:1:0", 3'000'000);
  const Reading after = meter->Read();
  EXPECT_DOUBLE_EQ(*Difference(before, after, 0), 150.0);
  EXPECT_DOUBLE_EQ(*Difference(before, after, 1), 7.0);
}

TEST_F(RaplZonesTest, PartsThatLieFlatBesideTheirPackageAreCountedOnce) {
  // As the kernel lays them out: a link in the class directory and the directory in its package.
  Zone("intel-rapl:0", "package-0", 0);
  Zone("intel-rapl:0/intel-rapl:0:0", "dram", 0);
  fs::create_directory_symlink(folder() / "intel-rapl:0/intel-rapl:0:0",
                               folder() / "intel-rapl:0:0");
  const auto meter = Open();
  ASSERT_TRUE(meter);
  ASSERT_EQ(meter->info().domains.size(), 2u);
  EXPECT_EQ(meter->info().domains[1].scope, "memory of 1 package");
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0/intel-rapl:0:0", 2'000'000);
  EXPECT_DOUBLE_EQ(*Difference(before, meter->Read(), 1), 2.0);
}

TEST_F(RaplZonesTest, DiesAreSummed) {
  Zone("intel-rapl:0", "package-0-die-0", 0);
  Zone("intel-rapl:1", "package-0-die-1", 0);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 1'000'000);
  Set("intel-rapl:1", 2'000'000);
  EXPECT_DOUBLE_EQ(*Difference(before, meter->Read(), 0), 3.0);
}

TEST_F(RaplZonesTest, DiesOfAPackageThatIsThereAsAWholeAreNotAdded) {
  Zone("intel-rapl:0", "package-0", 0);
  Zone("intel-rapl:1", "package-0-die-1", 0);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 5'000'000);
  Set("intel-rapl:1", 2'000'000);
  EXPECT_DOUBLE_EQ(*Difference(before, meter->Read(), 0), 5.0);
}

TEST_F(RaplZonesTest, TheMmioTwinOfAPackageIsDroppedButServesWhereItIsAlone) {
  Zone("intel-rapl-mmio:0", "package-0", 0);
  const auto alone = Open();
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->info().domains[0].scope, "1 package");
  Zone("intel-rapl:0", "package-0", 0);
  const auto both = Open();
  ASSERT_TRUE(both);
  EXPECT_EQ(both->info().domains[0].scope, "1 package");
  const Reading before = both->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 4'000'000);
  Set("intel-rapl-mmio:0", 3'900'000);  // read at another instant
  EXPECT_DOUBLE_EQ(*Difference(before, both->Read(), 0), 4.0);
}

TEST_F(RaplZonesTest, StrangeDirectoriesAreNotZones) {
  for (const char* name :
       {"intel-rapl", "intel-rapl:", "intel-rapl:x", "dtpm:0", "intel-rapl:0:"}) {
    Zone(name, "package-0", 1);
  }
  for (const char* name : {"package-", "package-x", "package-0-die-", "package-0-tile-1"}) {
    Zone("intel-rapl:7", name, 1);
    EXPECT_FALSE(OpenPowercap(Options()).meter) << name;
  }
}

TEST_F(RaplZonesTest, AbsenceIsExplainedByWhatTheMachineIs) {
  const auto why_not = [this] { return OpenPowercap(Options()).why_not; };
  const std::string place = folder().string();
  const std::string cpuinfo = (root_ / "proc/cpuinfo").string();
  EXPECT_EQ(why_not(), place +
                           " has no zone of a CPU package; sudo modprobe intel_rapl_msr may "
                           "bring it");
  fs::remove_all(folder());
  EXPECT_EQ(why_not(), place +
                           " is absent: only Linux on CPUs of Intel (since Sandy Bridge) and "
                           "AMD (since Zen) has it");
  Cpu("GenuineIntel", 6);
  EXPECT_EQ(why_not(), place +
                           " is absent: sudo modprobe intel_rapl_msr may bring it, else the "
                           "kernel was built without CONFIG_POWERCAP");
  Cpu("GenuineIntel", 6, "fpu sse2 hypervisor lahf_lm");
  EXPECT_EQ(why_not(), place + " is absent: this is a virtual machine (" + cpuinfo +
                           " has the flag hypervisor), whose host keeps the RAPL counters to "
                           "itself; measure on the host");
  fs::create_directories(folder());
  EXPECT_NE(why_not().find("no zone of a CPU package: this is a virtual machine"),
            std::string::npos);
}

TEST_F(RaplZonesTest, ACountersFileThatAContainerHidesIsExplained) {
  // The class directory's links, and an empty directory where they lead.
  fs::create_directory_symlink("../../devices/virtual/powercap/intel-rapl/intel-rapl:0",
                               folder() / "intel-rapl:0");
  std::ofstream(root_ / ".dockerenv") << "";
  EXPECT_EQ(OpenPowercap(Options()).why_not,
            (folder() / "intel-rapl:0").string() + " is listed but leads nowhere: a container (" +
                (root_ / ".dockerenv").string() +
                " is there) hides the RAPL counters; start it with -v /:/host:ro and run with "
                "--meter_root=/host");
}

}  // namespace
}  // namespace wattline::energy::rapl_zones_test
