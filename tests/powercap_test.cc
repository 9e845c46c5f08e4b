// RAPL through powercap files: each layout that machines have, what is summed, wrapping, being set
// back, missing rights, and the sentence for each state in which there is no meter.
#include "energy/powercap.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "energy/meters.h"
#include "energy/simulated.h"
#include "energy/watch.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRange_uj = 262143328850;  // of a client CPU, 2^32 - 1 steps of 61.035 uJ

class PowercapTest : public testing::Test {
 protected:
  PowercapTest() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::temp_directory_path() /
            ("powercap_test." + std::to_string(getpid()) + "." + test->name());
    fs::create_directories(folder());
  }
  ~PowercapTest() override { fs::remove_all(root_); }

  fs::path folder() const { return root_ / "sys/class/powercap"; }
  // `zone` may be a path: "intel-rapl:0/intel-rapl:0:0".
  void Zone(const std::string& zone, const std::string& name, uint64_t energy_uj) {
    fs::create_directories(folder() / zone);
    Write(zone + "/name", name + "\n");
    Write(zone + "/max_energy_range_uj", std::to_string(kRange_uj) + "\n");
    Set(zone, energy_uj);
  }
  void Set(const std::string& zone, uint64_t energy_uj) {
    Write(zone + "/energy_uj", std::to_string(energy_uj) + "\n");
  }
  void Write(const std::string& file, const std::string& text) {
    std::ofstream(folder() / file) << text;
  }
  // The begin of /proc/cpuinfo.
  void Cpu(const std::string& vendor, int family, const std::string& flags = "fpu sse2") {
    fs::create_directories(root_ / "proc");
    std::ofstream(root_ / "proc/cpuinfo")
        << "processor\t: 0\nvendor_id\t: " << vendor << "\ncpu family\t: " << family
        << "\nmodel\t\t: 1\nflags\t\t: " << flags << "\n\nprocessor\t: 1\n";
  }
  // "cpu (1 package), core- (cores of 1 package); memory is not in it": - is not in the total.
  static std::string Shown(const Meter& meter) {
    std::string text;
    for (const Domain& domain : meter.info().domains) {
      text += fmt::format("{}{}{} ({})", text.empty() ? "" : ", ", domain.name,
                          domain.in_total ? "" : "-", domain.scope);
    }
    return meter.info().note.empty() ? text : text + "; " + meter.info().note;
  }
  MeterOptions Options() {
    MeterOptions options;
    options.root = root_;
    options.clock = &clock_;
    return options;
  }
  std::unique_ptr<Meter> Open() {
    Opened opened = OpenPowercap(Options());
    EXPECT_EQ(opened.why_not, "");
    return std::move(opened.meter);
  }

  fs::path root_;
  SimulatedClock clock_;
};

TEST_F(PowercapTest, AClientsPartsAreShownAndOnlyThePackageIsInTheTotal) {
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

TEST_F(PowercapTest, PsysOfOtherPackagesIsNotAddedToThatOfTheFirst) {
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

TEST_F(PowercapTest, ADetailThatCannotBeReadIsLeftOutAndTheRestServes) {
  Zone("intel-rapl:0", "package-0", 0);
  Zone("intel-rapl:0/intel-rapl:0:0", "core", 0);
  Zone("intel-rapl:0/intel-rapl:0:1", "uncore", 0);
  Zone("intel-rapl:0/intel-rapl:0:2", "dram", 0);
  Zone("intel-rapl:1", "psys", 0);
  Write("intel-rapl:1/energy_uj", "garbage\n");
  MeterOptions options = Options();
  options.read = [](const fs::path& file) {
    return file.string().ends_with(":0:0/energy_uj") ? FileText{"", EACCES} : ReadFileText(file);
  };
  const Opened opened = OpenPowercap(options);
  ASSERT_TRUE(opened.meter) << opened.why_not;
  EXPECT_EQ(Shown(*opened.meter),
            fmt::format("cpu (1 package), dram (memory of 1 package), uncore- (graphics of 1 "
                        "package); core is left out: {}/intel-rapl:0/intel-rapl:0:0/energy_uj is "
                        "there but not readable by this user; psys is left out: "
                        "{}/intel-rapl:1/energy_uj holds 'garbage', which is no number",
                        folder().string(), folder().string()));
}

TEST_F(PowercapTest, ADetailThatIsSetBackIsAbsentFromThenOnAndTheTotalIsNot) {
  Zone("intel-rapl:0", "package-0", 0);
  Zone("intel-rapl:1", "psys", 50'000'000'000);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  for (int second = 1; second <= 3; ++second) {
    clock_.Advance(1);
    Set("intel-rapl:0", second * 2'000'000);
    Set("intel-rapl:1", second * 1'000'000);
    const Reading after = meter->Read();
    EXPECT_DOUBLE_EQ(*Difference(before, after, 0), 2.0 * second);
    EXPECT_FALSE(after.values[1]);
  }
}

TEST_F(PowercapTest, AnAmdPackageStandsAloneAndItsCoreCounterIsNotUsed) {
  Cpu("AuthenticAMD", 25);
  Zone("intel-rapl:0", "package-0", 0);
  EXPECT_EQ(Shown(*Open()), "cpu (1 package); memory is not in it");
  Zone("intel-rapl:0/intel-rapl:0:0", "core", 0);
  EXPECT_EQ(Shown(*Open()),
            "cpu (1 package); memory is not in it; core is left out: on AMD it is one core's");
}

TEST_F(PowercapTest, DiesOfAmdThatShowOneCounterAreReadOnceAndOldOnesAreSummed) {
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

TEST_F(PowercapTest, AServersStepIsThatOfItsLargestSum) {
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

TEST_F(PowercapTest, DramThatOnlyTheMmioTwinHasIsTakenFromThere) {
  Zone("intel-rapl:0", "package-0", 0);
  Zone("intel-rapl-mmio:0", "package-0", 0);
  Zone("intel-rapl-mmio:0/intel-rapl-mmio:0:0", "dram", 0);
  EXPECT_EQ(Shown(*Open()), "cpu (1 package), dram (memory of 1 package)");
  Zone("intel-rapl:0/intel-rapl:0:0", "dram", 0);
  EXPECT_EQ(Shown(*Open()), "cpu (1 package), dram (memory of 1 package)");
}

TEST_F(PowercapTest, MemoryOfDiesIsSummed) {
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

TEST_F(PowercapTest, AFileThatIsEmptyForAnInstantIsStillRead) {
  Zone("intel-rapl:0", "package-0", 1'000'000);
  MeterOptions options = Options();
  int reads = 0;
  options.read = [&reads](const fs::path& file) {
    const bool empty = file.filename() == "energy_uj" && ++reads % 3 != 0;
    return empty ? FileText{"", 0} : ReadFileText(file);
  };
  const Opened opened = OpenPowercap(options);
  ASSERT_TRUE(opened.meter) << opened.why_not;
  EXPECT_DOUBLE_EQ(*Difference(opened.meter->Read(), opened.meter->Read(), 0), 0);
}

TEST_F(PowercapTest, CountIsKeptOverManyWrapsOfEachPackage) {
  Zone("intel-rapl:0", "package-0", kRange_uj - 1);
  Zone("intel-rapl:1", "package-1", 0);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  constexpr uint64_t kStep_uj = 40'000'000'000;  // 400 W for 100 s
  constexpr int kReads = 100;                    // 15 wraps
  for (uint64_t read = 1; read <= kReads; ++read) {
    clock_.Advance(100);
    Set("intel-rapl:0", (kRange_uj - 1 + read * kStep_uj) % (kRange_uj + 61));
    Set("intel-rapl:1", (read * kStep_uj) % (kRange_uj + 61));
    meter->Read();
  }
  EXPECT_NEAR(*Difference(before, meter->Read(), 0), 2.0 * kReads * kStep_uj * 1e-6, 1e-6);
}

TEST_F(PowercapTest, AZoneWhoseNameCannotBeReadSpoilsTheSum) {
  Zone("intel-rapl:0", "package-0", 0);
  fs::create_directories(folder() / "intel-rapl:1");
  EXPECT_NE(OpenPowercap(Options()).why_not.find("intel-rapl:1 is listed but leads nowhere"),
            std::string::npos);
}

TEST_F(PowercapTest, AllPackagesAndAllTheirMemoriesAreSummedApart) {
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

TEST_F(PowercapTest, PartsThatLieFlatBesideTheirPackageAreCountedOnce) {
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

TEST_F(PowercapTest, DiesAreSummed) {
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

TEST_F(PowercapTest, DiesOfAPackageThatIsThereAsAWholeAreNotAdded) {
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

TEST_F(PowercapTest, TheMmioTwinOfAPackageIsDroppedButServesWhereItIsAlone) {
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

TEST_F(PowercapTest, AWrapAddsTheRangeAndOneStep) {
  Zone("intel-rapl:0", "package-0", kRange_uj - 1'000'000);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 2'000'000);
  const Reading after = meter->Read();
  EXPECT_NEAR(*Difference(before, after, 0), 3.000061, 1e-9);
}

TEST_F(PowercapTest, ACounterThatIsSetBackGivesNoDifference) {
  Zone("intel-rapl:0", "package-0", 100'000'000'000);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 5);
  const Reading after = meter->Read();
  EXPECT_FALSE(Difference(before, after, 0));
  clock_.Advance(1);
  Set("intel-rapl:0", 30'000'005);
  EXPECT_DOUBLE_EQ(*Difference(after, meter->Read(), 0), 30.0);
}

TEST_F(PowercapTest, WithoutItsRangeACounterServesUntilItDecreases) {
  Zone("intel-rapl:0", "package-0", 1'000'000);
  fs::remove(folder() / "intel-rapl:0/max_energy_range_uj");
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_FALSE(meter->info().lsb_j);
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 3'000'000);
  const Reading after = meter->Read();
  EXPECT_DOUBLE_EQ(*Difference(before, after, 0), 2.0);
  clock_.Advance(1);
  Set("intel-rapl:0", 0);
  EXPECT_FALSE(Difference(after, meter->Read(), 0));
}

TEST_F(PowercapTest, AFileThatOnlyRootMayReadIsNamedWithWhatHelps) {
  Zone("intel-rapl:0", "package-0", 1);
  MeterOptions options = Options();
  // Root, who may run this test, would be let through by the file's mode.
  options.read = [](const fs::path& file) {
    return file.filename() == "energy_uj" ? FileText{"", EACCES} : ReadFileText(file);
  };
  const Opened opened = OpenPowercap(options);
  EXPECT_FALSE(opened.meter);
  EXPECT_EQ(opened.why_not,
            (folder() / "intel-rapl:0/energy_uj").string() +
                " is there but not readable by this user; to let this user read it until the next "
                "boot: sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj; for good: the "
                "udev rule in energy/README.md");
}

TEST_F(PowercapTest, AModeWithoutReadRightsIsRefusedToOthersThanRoot) {
  if (geteuid() == 0) GTEST_SKIP() << "skipped: root reads every file";
  Zone("intel-rapl:0", "package-0", 1);
  fs::permissions(folder() / "intel-rapl:0/energy_uj", fs::perms::none);
  EXPECT_FALSE(OpenPowercap(Options()).meter);
}

TEST_F(PowercapTest, OneUnreadablePackageSpoilsTheSum) {
  Zone("intel-rapl:0", "package-0", 1);
  Zone("intel-rapl:1", "package-1", 1);
  MeterOptions options = Options();
  options.read = [](const fs::path& file) {
    return file.string().find("rapl:1/energy_uj") != std::string::npos ? FileText{"", EACCES}
                                                                       : ReadFileText(file);
  };
  EXPECT_FALSE(OpenPowercap(options).meter);
}

TEST_F(PowercapTest, TextThatIsNoNumberIsQuoted) {
  for (const char* text : {"lots", "", "-5", "1.5", "12 34", "99999999999999999999999"}) {
    Zone("intel-rapl:0", "package-0", 1);
    Write("intel-rapl:0/energy_uj", std::string(text) + "\n");
    const Opened opened = OpenPowercap(Options());
    EXPECT_FALSE(opened.meter) << text;
    EXPECT_NE(opened.why_not.find(fmt::format("'{}'", text)), std::string::npos);
  }
}

TEST_F(PowercapTest, AFileThatVanishesOrTurnsToGarbageGivesAnAbsentReading) {
  Zone("intel-rapl:0", "package-0", 1'000'000);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  fs::remove(folder() / "intel-rapl:0/energy_uj");
  EXPECT_FALSE(meter->Read().values[0]);
  Write("intel-rapl:0/energy_uj", "garbage\n");
  EXPECT_FALSE(meter->Read().values[0]);
  clock_.Advance(1);
  Set("intel-rapl:0", 6'000'000);
  EXPECT_DOUBLE_EQ(*Difference(before, meter->Read(), 0), 5.0);
}

TEST_F(PowercapTest, StrangeDirectoriesAreNotZones) {
  for (const char* name :
       {"intel-rapl", "intel-rapl:", "intel-rapl:x", "dtpm:0", "intel-rapl:0:"}) {
    Zone(name, "package-0", 1);
  }
  for (const char* name : {"package-", "package-x", "package-0-die-", "package-0-tile-1"}) {
    Zone("intel-rapl:7", name, 1);
    EXPECT_FALSE(OpenPowercap(Options()).meter) << name;
  }
}

TEST_F(PowercapTest, AbsenceIsExplainedByWhatTheMachineIs) {
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

TEST_F(PowercapTest, ACountersFileThatAContainerHidesIsExplained) {
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

TEST_F(PowercapTest, AFrozenCounterIsDroppedWithItsReason) {
  Zone("intel-rapl:0", "package-0", 1'000'000);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  WatchLimits limits;
  limits.longest_s = 0.05;
  const Watched watched = Characterise(*meter, RealClock(), limits);
  EXPECT_FALSE(watched.behaviour);
  EXPECT_NE(watched.why_not.find("did not move"), std::string::npos);
}

}  // namespace
}  // namespace wattline::energy
