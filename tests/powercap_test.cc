// RAPL through powercap files: reading, wrapping, being set back, missing rights, broken files.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "energy/powercap.h"
#include "energy/watch.h"
#include "tests/powercap_tree.h"

namespace wattline::energy::powercap_test {
namespace {

using PowercapTest = PowercapTree;

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
}  // namespace wattline::energy::powercap_test
