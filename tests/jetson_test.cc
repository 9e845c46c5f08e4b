// Jetson's power monitors: both layouts, what the module's input contains, rails that overlap.
#include "energy/jetson.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "tests/fake_tree.h"

namespace wattline::energy::jetson_test {
namespace {

class JetsonTest : public testing::Test {
 protected:
  // As mainline's driver has it: rail n = 1 .. 3 at 5 V.
  static std::string Path(const std::string& monitor, const std::string& file) {
    return "sys/bus/i2c/drivers/ina3221/" + monitor + "/hwmon/hwmon3/" + file;
  }
  void Rail(const std::string& monitor, int n, const std::string& label, double watts) {
    tree_.Write(Path(monitor, fmt::format("in{}_label", n)), label);
    tree_.Write(Path(monitor, fmt::format("in{}_input", n)), 5000);
    tree_.Follow(Path(monitor, fmt::format("curr{}_input", n)),
                 [watts](double) { return watts / 5 * 1000; });
  }
  // As JetPack 4 has it: rail n = 0 .. 2.
  static std::string OldPath(const std::string& monitor, const std::string& file) {
    return "sys/bus/i2c/drivers/ina3221x/" + monitor + "/iio:device0/" + file;
  }
  void OldRail(const std::string& monitor, int n, const std::string& label, double watts) {
    tree_.Write(OldPath(monitor, fmt::format("rail_name_{}", n)), label);
    tree_.Follow(OldPath(monitor, fmt::format("in_power{}_input", n)),
                 [watts](double) { return watts * 1000; });
  }
  std::unique_ptr<Meter> Open() {
    Opened opened = OpenJetson(tree_.Options());
    EXPECT_EQ(opened.why_not, "");
    return std::move(opened.meter);
  }
  std::string WhyNot() {
    const Opened opened = OpenJetson(tree_.Options());
    EXPECT_FALSE(opened.meter);
    return opened.why_not;
  }
  // What the domains of the total spend in a second.
  double TotalOfASecond(Meter& meter) {
    const Reading begin = meter.Read();
    return TotalJoules(meter, begin, tree_.Run(meter, 1));
  }

  FakeTree tree_;
};

TEST_F(JetsonTest, TheModulesInputIsTheTotalAndItsRailsAreShown) {
  Rail("1-0040", 1, "VDD_IN", 20);
  Rail("1-0040", 2, "VDD_CPU_GPU_CV", 9);
  Rail("1-0040", 3, "VDD_SOC", 4);
  tree_.Write(Path("1-0040", "in7_label"), "sum of shunt voltages");
  tree_.Write(Path("1-0040", "update_interval"), 8);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().kind, Kind::kSampled);
  ASSERT_EQ(meter->info().domains.size(), 3u);
  EXPECT_EQ(meter->info().domains[0].name, "module");
  EXPECT_EQ(meter->info().domains[1].parts, kCpuPart | kGpuPart | kAnePart);
  EXPECT_DOUBLE_EQ(meter->info().expected_tick_s.value(), 0.008);
  const Reading begin = meter->Read();
  const Reading end = tree_.Run(*meter, 2);
  EXPECT_NEAR(TotalJoules(*meter, begin, end), 40, 1e-6);
  EXPECT_NEAR(Joules(*meter, begin, end, "cpu_gpu_cv").value(), 18, 1e-6);
  EXPECT_NEAR(Joules(*meter, begin, end, "soc").value(), 8, 1e-6);
}

TEST_F(JetsonTest, TheOriginalNanoIsReadInItsOldLayout) {
  OldRail("6-0040", 0, "POM_5V_IN", 8);
  OldRail("6-0040", 1, "POM_5V_GPU", 3);
  OldRail("6-0040", 2, "POM_5V_CPU", 2);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  const Reading end = tree_.Run(*meter, 1);
  EXPECT_NEAR(TotalJoules(*meter, begin, end), 8, 1e-6);
  EXPECT_NEAR(Joules(*meter, begin, end, "gpu").value(), 3, 1e-6);
  EXPECT_NEAR(Joules(*meter, begin, end, "cpu").value(), 2, 1e-6);
}

TEST_F(JetsonTest, RailsOfAgxOrinAreSummedWithoutTheMemorysThatTheSystemRailFeeds) {
  // The memory's monitor comes first here.
  Rail("1-003f", 2, "VDDQ_VDD2_1V8AO", 1.5);
  Rail("1-003f", 1, "NC", 0);
  Rail("1-0040", 1, "VDD_GPU_SOC", 12);
  Rail("1-0040", 2, "VDD_CPU_CV", 7);
  Rail("1-0040", 3, "VIN_SYS_5V0", 5);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().domains.size(), 4u);
  EXPECT_EQ(meter->info().note, "sum of rails: the losses of their regulators are not in it");
  EXPECT_NEAR(TotalOfASecond(*meter), 24, 1e-6);
}

TEST_F(JetsonTest, RailsOfAgxXavierAreSummed) {
  OldRail("1-0040", 0, "GPU", 9);
  OldRail("1-0040", 1, "CPU", 4);
  OldRail("1-0040", 2, "SOC", 3);
  OldRail("1-0041", 0, "CV", 1);
  OldRail("1-0041", 1, "VDDRQ", 2);
  OldRail("1-0041", 2, "SYS5V", 2.5);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_NEAR(TotalOfASecond(*meter), 21.5, 1e-6);
}

TEST_F(JetsonTest, ThorsGpuThatRestsBelowZeroTakesNothingAway) {
  Rail("2-0040", 1, "VDD_GPU", -0.39);
  Rail("2-0040", 2, "VDD_CPU_SOC_MSS", 6.5);
  Rail("2-0041", 2, "VIN_SYS_5V0", 6.5);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_NEAR(TotalOfASecond(*meter), 13, 1e-6);
}

TEST_F(JetsonTest, TheCarrierBoardsRailsAreNamedAndNotCounted) {
  OldRail("0-0041", 0, "VDD_IN", 11);
  OldRail("0-0042", 0, "VDD_MUX", 19);
  OldRail("0-0042", 1, "VDD_5V0_IO_SYS", 2);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().domains.size(), 1u);
  EXPECT_NE(meter->info().note.find("not counted: VDD_MUX, VDD_5V0_IO_SYS"), std::string::npos);
  EXPECT_NEAR(TotalOfASecond(*meter), 11, 1e-6);
}

TEST_F(JetsonTest, OfTwoRailsThatShareAUnitOnlyOneIsSummed) {
  Rail("1-0040", 1, "VDD_GPU_SOC", 12);
  Rail("1-0040", 2, "VDD_SOC", 5);
  Rail("1-0040", 3, "VDD_CPU_CV", 7);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_NEAR(TotalOfASecond(*meter), 19, 1e-6);
}

TEST_F(JetsonTest, APowerFileIsPreferredToTheProduct) {
  Rail("1-0040", 1, "VDD_IN", 20);
  tree_.Write(Path("1-0040", "power1_input"), 21'000'000);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_NEAR(TotalOfASecond(*meter), 21, 1e-6);
}

TEST_F(JetsonTest, TheSecondNameOfADeviceIsNotASecondRail) {
  OldRail("6-0040", 0, "POM_5V_IN", 8);
  std::filesystem::create_directory_symlink(
      tree_.root() / "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0",
      tree_.root() / "sys/bus/i2c/drivers/ina3221x/6-0040/iio_device");
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().domains.size(), 1u);
}

TEST_F(JetsonTest, ASineIntegratesToItsEnergyWithinWhatWasMissed) {
  Rail("1-0040", 1, "VDD_IN", 20);
  tree_.Write(Path("1-0040", "update_interval"), 1);
  // 10 W and 5 W peak at 0.5 Hz: over 8 s 80 J.
  tree_.Follow(Path("1-0040", "curr1_input"),
               [](double t) { return 2000 + 1000 * std::sin(M_PI * t); });
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  const Reading end = tree_.Run(*meter, 8);
  const double missed_j = end.values[0]->missed_j - begin.values[0]->missed_j;
  const double missed_j2 = end.values[0]->missed_j2 - begin.values[0]->missed_j2;
  const double bound_j = std::min(missed_j, 3.3 * std::sqrt(missed_j2 / 3));
  EXPECT_NEAR(Difference(begin, end, 0).value(), 80, bound_j);
  EXPECT_LT(bound_j, 1);
}

TEST_F(JetsonTest, AnUnreadableTotalIsExplainedAndAnUnreadablePartIsLeftOut) {
  Rail("1-0040", 1, "VDD_IN", 20);
  Rail("1-0040", 2, "VDD_SOC", 4);
  tree_.Refuse(Path("1-0040", "curr2_input"), EIO);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().domains.size(), 1u);
  tree_.Refuse(Path("1-0040", "curr1_input"));
  EXPECT_NE(WhyNot().find("curr1_input is there but not readable"), std::string::npos);
}

TEST_F(JetsonTest, ADisabledChannelIsNotRead) {
  Rail("1-0040", 1, "VDD_IN", 20);
  Rail("1-0040", 2, "VDD_SOC", 4);
  tree_.Write(Path("1-0040", "in2_enable"), 0);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().domains.size(), 1u);
}

TEST_F(JetsonTest, TextThatIsNoNumberIsQuoted) {
  OldRail("6-0040", 0, "POM_5V_IN", 8);
  Rail("1-0040", 1, "VDD_IN", 20);
  tree_.Write(Path("1-0040", "in1_input"), "garbage");
  EXPECT_NE(WhyNot().find("in1_input holds 'garbage'"), std::string::npos);
}

TEST_F(JetsonTest, WithoutMonitorsOrWithUnknownRailsItIsExplained) {
  EXPECT_NE(WhyNot().find("neither ina3221 nor ina3221x"), std::string::npos);
  tree_.Folder("sys/bus/i2c/drivers/ina3221");
  EXPECT_NE(WhyNot().find("it shows none"), std::string::npos);
  Rail("1-0040", 1, "VDD_MUX", 20);
  EXPECT_NE(WhyNot().find("none of its rails is known (VDD_MUX)"), std::string::npos);
}

}  // namespace
}  // namespace wattline::energy::jetson_test
