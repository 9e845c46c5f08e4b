// RAPL through powercap files: which zones are summed, wrapping, being set back, missing rights.
#include "energy/powercap.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "energy/meters.h"
#include "energy/simulated.h"

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

TEST_F(PowercapTest, PackageIsReadAndItsPartsAreNotAddedToIt) {
  Zone("intel-rapl:0", "package-0", 5'000'000);
  Zone("intel-rapl:0/intel-rapl:0:0", "core", 3'000'000);
  Zone("intel-rapl:0/intel-rapl:0:1", "uncore", 1'000'000);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  ASSERT_EQ(meter->info().domains.size(), 1u);
  EXPECT_EQ(meter->info().domains[0].name, "cpu");
  EXPECT_EQ(meter->info().domains[0].scope, "1 package");
  EXPECT_EQ(meter->info().note, "memory is not in it");
  EXPECT_NEAR(*meter->info().lsb_j, 61.035e-6, 1e-9);
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 12'500'000);
  Set("intel-rapl:0/intel-rapl:0:0", 8'000'000);
  EXPECT_DOUBLE_EQ(*Difference(before, meter->Read(), 0), 7.5);
}

TEST_F(PowercapTest, PsysIsNoPackageThoughItStandsBesideOne) {
  Zone("intel-rapl:0", "package-0", 0);
  Zone("intel-rapl:1", "psys", 0);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  clock_.Advance(1);
  Set("intel-rapl:0", 1'000'000);
  Set("intel-rapl:1", 9'000'000);
  EXPECT_DOUBLE_EQ(*Difference(before, meter->Read(), 0), 1.0);
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
  EXPECT_NEAR(*meter->info().lsb_j, 4 * 61.035e-6, 1e-8);
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
  EXPECT_NE(opened.why_not.find("intel-rapl:0/energy_uj is there but not readable"),
            std::string::npos);
  EXPECT_NE(opened.why_not.find("chmod a+r"), std::string::npos);
  EXPECT_NE(opened.why_not.find("udev"), std::string::npos);
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

TEST_F(PowercapTest, AnAbsentOrEmptyDirectoryIsExplained) {
  EXPECT_NE(OpenPowercap(Options()).why_not.find("no zone of a CPU package"), std::string::npos);
  fs::remove_all(folder());
  EXPECT_NE(OpenPowercap(Options()).why_not.find("is absent"), std::string::npos);
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
