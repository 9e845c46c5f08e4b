// The battery as a meter: only while it discharges, all of the machine's, no device's.
#include "energy/battery.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "tests/fake_tree.h"

namespace wattline::energy::battery_test {
namespace {

class BatteryTest : public testing::Test {
 protected:
  static std::string Path(const std::string& supply, const std::string& file) {
    return "sys/class/power_supply/" + supply + "/" + file;
  }
  void Supply(const std::string& name, const std::string& type, const std::string& status) {
    tree_.Write(Path(name, "type"), type);
    tree_.Write(Path(name, "status"), status);
  }
  void Watts(const std::string& name, double watts) {
    tree_.Follow(Path(name, "power_now"), [watts](double) { return watts * 1e6; });
  }
  std::unique_ptr<Meter> Open() {
    Opened opened = OpenBattery(tree_.Options());
    EXPECT_EQ(opened.why_not, "");
    return std::move(opened.meter);
  }
  std::string WhyNot() {
    const Opened opened = OpenBattery(tree_.Options());
    EXPECT_FALSE(opened.meter);
    return opened.why_not;
  }

  FakeTree tree_;
};

TEST_F(BatteryTest, WhatADischargingBatteryDeliversIsTheWholeMachines) {
  Supply("BAT0", "Battery", "Discharging");
  Watts("BAT0", 18);
  tree_.Write(Path("AC", "type"), "Mains");
  tree_.Write(Path("AC", "online"), 0);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().kind, Kind::kSampled);
  ASSERT_EQ(meter->info().domains.size(), 1u);
  EXPECT_EQ(meter->info().domains[0].parts, kWholeMachine);
  EXPECT_EQ(meter->info().expected_tick_s, 30);
  EXPECT_NE(meter->info().note.find("last resort"), std::string::npos);
  const Reading begin = meter->Read();
  EXPECT_NEAR(Difference(begin, tree_.Run(*meter, 10), 0).value(), 180, 1e-6);
}

TEST_F(BatteryTest, CurrentTimesVoltageServesWithEitherSign) {
  Supply("BAT0", "Battery", "Discharging");
  tree_.Write(Path("BAT0", "voltage_now"), 12'000'000);
  for (const int64_t current_ua : {1'500'000, -1'500'000}) {
    tree_.Write(Path("BAT0", "current_now"), current_ua);
    const auto meter = Open();
    ASSERT_TRUE(meter);
    const Reading begin = meter->Read();
    EXPECT_NEAR(Difference(begin, tree_.Run(*meter, 10), 0).value(), 180, 1e-6);
  }
}

TEST_F(BatteryTest, TwoBatteriesAreSummedAlsoWhereOneWaits) {
  Supply("BAT0", "Battery", "Discharging");
  Watts("BAT0", 10);
  Supply("BAT1", "Battery", "Discharging");
  Watts("BAT1", 7);
  auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().domains[0].scope, "discharge of 2 batteries");
  Reading begin = meter->Read();
  EXPECT_NEAR(Difference(begin, tree_.Run(*meter, 1), 0).value(), 17, 1e-6);
  Supply("BAT1", "Battery", "Not charging");
  meter = Open();
  ASSERT_TRUE(meter);
  begin = meter->Read();
  EXPECT_NEAR(Difference(begin, tree_.Run(*meter, 1), 0).value(), 10, 1e-6);
}

TEST_F(BatteryTest, BatteriesOfDevicesAndEmptySlotsAreLeftOut) {
  Supply("BAT0", "Battery", "Discharging");
  Watts("BAT0", 18);
  Supply("hidpp_battery_0", "Battery", "Discharging");
  tree_.Write(Path("hidpp_battery_0", "scope"), "Device");
  Supply("BAT1", "Battery", "Unknown");
  tree_.Write(Path("BAT1", "present"), 0);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  EXPECT_NEAR(Difference(begin, tree_.Run(*meter, 1), 0).value(), 18, 1e-6);
}

TEST_F(BatteryTest, OnMainsPowerItSaysWhatHelps) {
  for (const char* status : {"Charging", "Full", "Not charging", "Unknown"}) {
    Supply("BAT0", "Battery", status);
    Watts("BAT0", 18);
    EXPECT_NE(WhyNot().find("on mains power"), std::string::npos) << status;
    EXPECT_NE(WhyNot().find("unplug it"), std::string::npos) << status;
  }
}

TEST_F(BatteryTest, AWeakChargerThatHelpsADischargingBatteryIsMainsPower) {
  Supply("BAT0", "Battery", "Discharging");
  Watts("BAT0", 18);
  tree_.Write(Path("ucsi-source-psy", "type"), "USB");
  tree_.Write(Path("ucsi-source-psy", "online"), 1);
  EXPECT_NE(WhyNot().find("on mains power"), std::string::npos);
}

TEST_F(BatteryTest, WhereOneBatteryIsChargedAnotherThatDischargesDoesNotShowTheMachine) {
  Supply("BAT0", "Battery", "Discharging");
  Watts("BAT0", 18);
  Supply("BAT1", "Battery", "Charging");
  Watts("BAT1", 30);
  EXPECT_NE(WhyNot().find("on mains power"), std::string::npos);
}

TEST_F(BatteryTest, PluggedInInMidRunItHasNoValueAndLosesCount) {
  Supply("BAT0", "Battery", "Discharging");
  Watts("BAT0", 18);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  Supply("BAT0", "Battery", "Charging");
  const Reading plugged = tree_.Run(*meter, 1);
  EXPECT_FALSE(plugged.values[0]);
  EXPECT_GT(plugged.generation, begin.generation);
  Supply("BAT0", "Battery", "Discharging");
  const Reading again = tree_.Run(*meter, 1);
  EXPECT_FALSE(Difference(begin, again, 0));
  EXPECT_NEAR(Difference(again, tree_.Run(*meter, 1), 0).value(), 18, 1e-6);
}

TEST_F(BatteryTest, AGaugeOfEightSecondsIntegratesToTheEnergyWithinWhatWasMissed) {
  Supply("BAT0", "Battery", "Discharging");
  const auto true_w = [](double t) { return t < 33 ? 12.0 : 31.0; };
  tree_.Follow(Path("BAT0", "power_now"),
               [&](double t) { return true_w(std::floor(t / 8) * 8) * 1e6; });
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  const Reading end = tree_.Run(*meter, 100, 0.1);
  const double missed_j = end.values[0]->missed_j - begin.values[0]->missed_j;
  // And half a period's lag of the 19 W between the two ends.
  EXPECT_NEAR(Difference(begin, end, 0).value(), 33 * 12 + 67 * 31, missed_j + 19 * 8 / 2);
  EXPECT_NEAR(missed_j, 19 * (0.1 + 30) / 2, 1e-6);
}

TEST_F(BatteryTest, ADischargeOfZeroIsNotYetKnown) {
  Supply("BAT0", "Battery", "Discharging");
  Watts("BAT0", 0);
  EXPECT_NE(WhyNot().find("shows no power"), std::string::npos);
}

TEST_F(BatteryTest, UnreadableFilesAndGarbageAreNamed) {
  Supply("BAT0", "Battery", "Discharging");
  EXPECT_NE(WhyNot().find("BAT0 discharges but shows no power"), std::string::npos);
  Watts("BAT0", 18);
  tree_.Refuse(Path("BAT0", "power_now"));
  EXPECT_NE(WhyNot().find("power_now is there but not readable"), std::string::npos);
  tree_.Allow(Path("BAT0", "power_now"));
  tree_.Remove(Path("BAT0", "power_now"));
  Supply("BAT1", "Battery", "Discharging");
  tree_.Write(Path("BAT0", "current_now"), "much");
  EXPECT_NE(WhyNot().find("current_now holds 'much'"), std::string::npos);
}

TEST_F(BatteryTest, WithoutABatteryItIsExplained) {
  EXPECT_NE(WhyNot().find("is absent"), std::string::npos);
  Supply("AC", "Mains", "");
  Supply("ups", "UPS", "Discharging");
  EXPECT_NE(WhyNot().find("no battery of the machine"), std::string::npos);
}

}  // namespace
}  // namespace wattline::energy::battery_test
