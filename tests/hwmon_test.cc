// hwmon sensors: which drivers count as CPU, GPU or module, what is never summed, bad files.
#include "energy/hwmon.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "energy/meters.h"
#include "energy/watch.h"
#include "tests/fake_tree.h"

namespace wattline::energy::hwmon_test {
namespace {

class HwmonTest : public testing::Test {
 protected:
  HwmonTest() { tree_.Folder("sys/class/hwmon"); }

  static std::string Path(int number, const std::string& file) {
    return fmt::format("sys/class/hwmon/hwmon{}/{}", number, file);
  }
  void Device(int number, const std::string& name) { tree_.Write(Path(number, "name"), name); }
  // NVIDIA's firmware: one power_meter device for each of its meters.
  void Grace(int number, const std::string& label, double watts,
             const std::string& folder = "device/") {
    Device(number, "power_meter");
    tree_.Write(Path(number, folder + "power1_oem_info"), label);
    tree_.Write(Path(number, folder + "power1_average_interval"), 50);
    tree_.Follow(Path(number, folder + "power1_average"), [watts](double) { return watts * 1e6; });
  }
  void Constant(int number, const std::string& file, double watts) {
    tree_.Follow(Path(number, file), [watts](double) { return watts * 1e6; });
  }
  std::unique_ptr<Meter> Open() {
    Opened opened = OpenHwmon(tree_.Options());
    EXPECT_EQ(opened.why_not, "");
    return std::move(opened.meter);
  }
  std::string WhyNot() {
    const Opened opened = OpenHwmon(tree_.Options());
    EXPECT_FALSE(opened.meter);
    return opened.why_not;
  }

  FakeTree tree_;
};

TEST_F(HwmonTest, GracesModuleIsTheTotalAndWhatItContainsIsShown) {
  Grace(1, "Module Power Socket 0", 400);
  Grace(2, "Grace Power Socket 0", 250);
  Grace(3, "CPU Power Socket 0", 200);
  Grace(4, "SysIO Power Socket 0", 50);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().kind, Kind::kSampled);
  ASSERT_EQ(meter->info().domains.size(), 4u);
  EXPECT_EQ(meter->info().domains[0].name, "module");
  EXPECT_EQ(meter->info().domains[0].parts, kCpuPart | kGpuPart | kDramPart);
  EXPECT_DOUBLE_EQ(meter->info().expected_tick_s.value(), 0.05);
  const Reading begin = meter->Read();
  const Reading end = tree_.Run(*meter, 2);
  EXPECT_NEAR(TotalJoules(*meter, begin, end), 800, 1e-6);
  EXPECT_NEAR(Joules(*meter, begin, end, "cpu").value(), 500, 1e-6);
  EXPECT_NEAR(Joules(*meter, begin, end, "core").value(), 400, 1e-6);
  EXPECT_NEAR(Joules(*meter, begin, end, "sysio").value(), 100, 1e-6);
}

TEST_F(HwmonTest, BothSocketsOfGraceAreSummed) {
  for (const int socket : {0, 1}) {
    Grace(10 * socket + 1, fmt::format("Grace Power Socket {}", socket), 100 + socket);
    Grace(10 * socket + 2, fmt::format("CPU Power Socket {}", socket), 70);
  }
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().domains[0].scope, "CPU cores and SysIO of 2 sockets");
  const Reading begin = meter->Read();
  const Reading end = tree_.Run(*meter, 1);
  EXPECT_NEAR(TotalJoules(*meter, begin, end), 201, 1e-6);
  EXPECT_NEAR(Joules(*meter, begin, end, "core").value(), 140, 1e-6);
}

TEST_F(HwmonTest, WhatOnlyOneSocketHasIsNotTheTotal) {
  Grace(1, "Module Power Socket 0", 400);
  Grace(2, "Grace Power Socket 0", 250);
  Grace(3, "Grace Power Socket 1", 240);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  ASSERT_EQ(meter->info().domains.size(), 1u);
  const Reading begin = meter->Read();
  EXPECT_NEAR(TotalJoules(*meter, begin, tree_.Run(*meter, 1)), 490, 1e-6);
}

TEST_F(HwmonTest, WithoutAWiderMeterGracesCoresAndSysIoAreSummed) {
  Grace(1, "CPU Power Socket 0", 200, "");
  Grace(2, "SysIO Power Socket 0", 50, "");
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  const Reading end = tree_.Run(*meter, 1);
  EXPECT_NEAR(TotalJoules(*meter, begin, end), 250, 1e-6);
  EXPECT_NEAR(Joules(*meter, begin, end, "core").value(), 200, 1e-6);
}

TEST_F(HwmonTest, GracesCoresAloneAreNotTheCpu) {
  Grace(1, "CPU Power Socket 0", 200);
  EXPECT_NE(WhyNot().find("power_meter"), std::string::npos);
}

TEST_F(HwmonTest, BesideAMeterOfTheGpuGraceIsMeasuredWithoutItsModule) {
  Grace(1, "Module Power Socket 0", 400);
  Grace(2, "Grace Power Socket 0", 250);
  Device(3, "amdgpu");
  Constant(3, "power1_average", 30);
  const Opened opened = OpenHwmonCpu(tree_.Options());
  ASSERT_TRUE(opened.meter) << opened.why_not;
  EXPECT_EQ(opened.meter->info().name, "hwmon_cpu");
  ASSERT_EQ(opened.meter->info().domains.size(), 1u);
  EXPECT_EQ(opened.meter->info().domains[0].parts, kCpuPart);
  const Reading begin = opened.meter->Read();
  EXPECT_NEAR(TotalJoules(*opened.meter, begin, tree_.Run(*opened.meter, 1)), 250, 1e-6);
}

TEST_F(HwmonTest, AMeterOfAServersSupplyIsNamedAndNotCounted) {
  Device(0, "power_meter");
  tree_.Write(Path(0, "power1_average"), 300'000'000);
  Device(1, "zenpower");
  tree_.Write(Path(1, "power1_label"), "SVI2_P_Core");
  tree_.Write(Path(1, "power2_label"), "SVI2_P_SoC");
  Constant(1, "power1_input", 60);
  Constant(1, "power2_input", 15);
  Device(2, "corsairpsu");
  tree_.Write(Path(2, "power1_label"), "power total");
  tree_.Write(Path(2, "power1_input"), 400'000'000);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_NE(meter->info().note.find("not counted: power_meter of hwmon0, corsairpsu of hwmon2 "
                                    "'power total'"),
            std::string::npos)
      << meter->info().note;
  const Reading begin = meter->Read();
  EXPECT_NEAR(TotalJoules(*meter, begin, tree_.Run(*meter, 1)), 75, 1e-6);
}

TEST_F(HwmonTest, ZenpowersPackageIsTakenInsteadOfItsRails) {
  Device(1, "zenpower");
  for (const auto& [n, label] : {std::pair(1, "SVI2_P_Core"), std::pair(2, "SVI2_P_SoC"),
                                 std::pair(3, "RAPL_P_Package"), std::pair(4, "RAPL_P_Core")}) {
    tree_.Write(Path(1, fmt::format("power{}_label", n)), label);
    Constant(1, fmt::format("power{}_input", n), 10 * n);
  }
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  EXPECT_NEAR(TotalJoules(*meter, begin, tree_.Run(*meter, 1)), 30, 1e-6);
}

TEST_F(HwmonTest, OnlyTheSocketsOfAmdEnergyAreSummedAndTheyAreCounters) {
  Device(2, "amd_energy");
  for (int n = 1; n <= 16; ++n) {
    tree_.Write(Path(2, fmt::format("energy{}_label", n)), fmt::format("Ecore{:03}", n - 1));
    tree_.Follow(Path(2, fmt::format("energy{}_input", n)), [](double t) { return 5e6 * t; });
  }
  for (const int socket : {0, 1}) {
    tree_.Write(Path(2, fmt::format("energy{}_label", 17 + socket)),
                fmt::format("Esocket{}", socket));
    tree_.Follow(Path(2, fmt::format("energy{}_input", 17 + socket)),
                 [](double t) { return 1e15 + 120e6 * t; });  // more than 32 bits
  }
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().kind, Kind::kCounter);
  ASSERT_EQ(meter->info().domains.size(), 1u);
  const Reading begin = meter->Read();
  tree_.clock().Advance(100);
  const Reading end = meter->Read();
  EXPECT_NEAR(TotalJoules(*meter, begin, end), 24'000, 1e-3);
  EXPECT_EQ(end.values[0]->missed_j, 0);
}

TEST_F(HwmonTest, ACounterThatIsSetBackLosesCount) {
  Device(2, "amd_energy");
  tree_.Write(Path(2, "energy1_label"), "Esocket0");
  tree_.Follow(Path(2, "energy1_input"), [](double t) { return t < 5 ? 1e9 + t * 1e8 : t * 1e8; });
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  tree_.clock().Advance(4);
  EXPECT_TRUE(Difference(begin, meter->Read(), 0));
  tree_.clock().Advance(4);
  EXPECT_FALSE(Difference(begin, meter->Read(), 0));
}

TEST_F(HwmonTest, OfTwoDriversOfOneCpuTheCounterIsUsed) {
  Device(1, "fam15h_power");
  Constant(1, "power1_input", 80);
  Device(2, "amd_energy");
  tree_.Write(Path(2, "energy1_label"), "Esocket0");
  tree_.Follow(Path(2, "energy1_input"), [](double t) { return 90e6 * t; });
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().kind, Kind::kCounter);
  const Reading begin = meter->Read();
  EXPECT_NEAR(TotalJoules(*meter, begin, tree_.Run(*meter, 1)), 90, 1e-3);
}

TEST_F(HwmonTest, Fam15hIsReadWhereItDoesNotSleep) {
  Device(1, "fam15h_power");
  Constant(1, "power1_average", 70);
  Constant(1, "power1_input", 80);
  tree_.Write(Path(1, "power1_crit"), 95'000'000);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  EXPECT_NEAR(TotalJoules(*meter, begin, tree_.Run(*meter, 1)), 80, 1e-6);
}

TEST_F(HwmonTest, AllBoardsOfGpusAreOneDomainAndTheirPartsAreNotAdded) {
  Device(0, "amdgpu");
  tree_.Write(Path(0, "power1_label"), "PPT");
  Constant(0, "power1_average", 200);
  Constant(0, "power1_input", 999);
  Device(1, "xe");
  for (const auto& [n, label] : {std::pair(1, "card"), std::pair(2, "pkg")}) {
    tree_.Write(Path(1, fmt::format("energy{}_label", n)), label);
    tree_.Follow(Path(1, fmt::format("energy{}_input", n)),
                 [n = n](double t) { return (n == 1 ? 50e6 : 40e6) * t; });
  }
  Device(2, "i915");
  tree_.Follow(Path(2, "energy1_input"), [](double t) { return 30e6 * t; });
  Device(3, "i915_gt0");
  tree_.Follow(Path(3, "energy1_input"), [](double t) { return 25e6 * t; });
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_EQ(meter->info().kind, Kind::kSampled);  // one of them is
  ASSERT_EQ(meter->info().domains.size(), 1u);
  EXPECT_EQ(meter->info().domains[0].name, "gpu");
  EXPECT_EQ(meter->info().domains[0].scope, "3 boards");
  EXPECT_EQ(meter->info().domains[0].parts, kGpuPart);
  EXPECT_FALSE(meter->info().domains[0].may_rest);
  const Reading begin = meter->Read();
  EXPECT_NEAR(TotalJoules(*meter, begin, tree_.Run(*meter, 1)), 280, 1e-3);
}

TEST_F(HwmonTest, AnApuIsCpuAndGpuAndIsNotAddedToItsCpu) {
  Device(0, "amdgpu");
  tree_.Write(Path(0, "in1_label"), "vddnb");
  Constant(0, "power1_input", 35);
  auto meter = Open();
  ASSERT_TRUE(meter);
  ASSERT_EQ(meter->info().domains.size(), 1u);
  EXPECT_EQ(meter->info().domains[0].name, "apu");
  EXPECT_TRUE(meter->info().domains[0].in_total);
  EXPECT_EQ(meter->info().domains[0].parts, kCpuPart | kGpuPart);
  Device(1, "fam15h_power");
  Constant(1, "power1_input", 20);
  meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  EXPECT_NEAR(TotalJoules(*meter, begin, tree_.Run(*meter, 1)), 20, 1e-6);
}

TEST_F(HwmonTest, ChangingPowerIntegratesToItsEnergyWithinWhatWasMissed) {
  Device(1, "fam15h_power");
  // 50 W, and 150 W from 1.23 s to 4.56 s.
  tree_.Follow(Path(1, "power1_input"),
               [](double t) { return t > 1.23 && t < 4.56 ? 150e6 : 50e6; });
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  const Reading end = tree_.Run(*meter, 8);
  const double missed_j = end.values[0]->missed_j - begin.values[0]->missed_j;
  EXPECT_NEAR(Difference(begin, end, 0).value(), 8 * 50 + 3.33 * 100, missed_j);
  EXPECT_GT(missed_j, 0);
  EXPECT_LT(missed_j,
            2 * 100 * (0.05 + 1) / 2 + 1e-6);  // two changes, whose age is a second at most
}

TEST_F(HwmonTest, WatchingFindsThePeriodOfASensorThatDoesNotTellIt) {
  Device(1, "fam15h_power");
  // A new value every 10 ms.
  tree_.Follow(Path(1, "power1_input"),
               [](double t) { return 50e6 + 1e6 * std::fmod(std::floor(t / 0.01), 7); });
  tree_.SetReadCost(20e-6);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Watched watched = Characterise(*meter, tree_.clock());
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_NEAR(watched.behaviour->tick_s, 0.01, 0.002);
  EXPECT_NEAR(watched.behaviour->watts, 53, 1);
}

TEST_F(HwmonTest, TwoSensorsOutOfStepAreNotTakenForOneOfHalfThePeriod) {
  Device(1, "zenpower");
  for (const auto& [n, label] : {std::pair(1, "SVI2_P_Core"), std::pair(2, "SVI2_P_SoC")}) {
    tree_.Write(Path(1, fmt::format("power{}_label", n)), label);
    tree_.Follow(Path(1, fmt::format("power{}_input", n)), [n = n](double t) {
      return 50e6 + 1e6 * std::fmod(std::floor((t + 0.005 * n) / 0.01), 7);
    });
  }
  tree_.SetReadCost(20e-6);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Watched watched = Characterise(*meter, tree_.clock());
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_NEAR(watched.behaviour->tick_s, 0.01, 0.002);
}

TEST_F(HwmonTest, TheIntervalOfAMeanIsItsPeriodHoweverOftenTwoSocketsChange) {
  for (const int socket : {0, 1}) {
    Grace(socket + 1, fmt::format("Grace Power Socket {}", socket), 0);
    tree_.Follow(Path(socket + 1, "device/power1_average"), [socket](double t) {
      return 50e6 + 1e6 * std::fmod(std::floor((t + 0.02 * socket) / 0.05), 7);
    });
  }
  tree_.SetReadCost(20e-6);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Watched watched = Characterise(*meter, tree_.clock());
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_DOUBLE_EQ(watched.behaviour->longest_tick_s, 0.05);
}

// Of the latest call.
std::unique_ptr<SimulatedMachine> board;
Opened OpenBoard(const MeterOptions& options) {
  board = std::make_unique<SimulatedMachine>(*options.clock, 150);
  const SimulatedCounter counter{.machine = board.get(), .name = "gpu", .parts = kGpuPart};
  return {std::make_unique<SimulatedMeter>(std::vector<SimulatedCounter>{counter}, *options.clock,
                                           static_cast<SimulatedClock*>(options.clock), 10e-6),
          ""};
}

TEST_F(HwmonTest, BesideAMeterOfTheGpuAutoTakesGraceWithoutItsModule) {
  Grace(1, "Module Power Socket 0", 400);
  Grace(2, "Grace Power Socket 0", 250);
  tree_.SetReadCost(20e-6);
  const std::array<MeterEntry, 3> entries = {{{"gpu_board", "stands in for NVML", OpenBoard},
                                              {"hwmon", "", OpenHwmon},
                                              {"hwmon_cpu", "", OpenHwmonCpu}}};
  const Chosen chosen = ChooseMeters("auto", tree_.Options(), entries);
  ASSERT_EQ(chosen.set.meters.size(), 2u);
  EXPECT_EQ(chosen.set.meters[1]->info().name, "hwmon_cpu");
  EXPECT_EQ(chosen.set.Covered(), kCpuPart | kGpuPart);
  ASSERT_EQ(chosen.unused.size(), 1u);
  EXPECT_EQ(chosen.unused[0].why_not, "simulated measures that already");
}

TEST_F(HwmonTest, AFileThatFailsInMidRunGivesNoValueAndLosesCount) {
  Device(1, "fam15h_power");
  Constant(1, "power1_input", 50);
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading begin = meter->Read();
  tree_.Refuse(Path(1, "power1_input"), EIO);
  EXPECT_FALSE(tree_.Run(*meter, 1).values[0]);
  tree_.Allow(Path(1, "power1_input"));
  const Reading again = tree_.Run(*meter, 1);
  ASSERT_TRUE(again.values[0]);
  EXPECT_FALSE(Difference(begin, again, 0));
  EXPECT_NEAR(Difference(again, tree_.Run(*meter, 1), 0).value(), 50, 1e-6);
}

TEST_F(HwmonTest, AFileThatOnlyRootMayReadIsNamedWithWhatHelps) {
  Device(2, "amd_energy");
  tree_.Write(Path(2, "energy1_label"), "Esocket0");
  tree_.Write(Path(2, "energy1_input"), 1);
  tree_.Refuse(Path(2, "energy1_input"));
  const std::string why_not = WhyNot();
  EXPECT_NE(why_not.find("hwmon2/energy1_input is there but not readable by this user"),
            std::string::npos);
  EXPECT_NE(why_not.find("sudo chmod a+r"), std::string::npos);
}

TEST_F(HwmonTest, AnUnreadableGpuDoesNotSpoilTheCpuAndIsInTheNote) {
  Device(1, "fam15h_power");
  Constant(1, "power1_input", 50);
  Device(2, "amdgpu");
  Constant(2, "power1_average", 50);
  tree_.Refuse(Path(2, "power1_average"));
  const auto meter = Open();
  ASSERT_TRUE(meter);
  ASSERT_EQ(meter->info().domains.size(), 1u);
  EXPECT_NE(meter->info().note.find("hwmon2/power1_average is there but not readable"),
            std::string::npos);
}

TEST_F(HwmonTest, OneUnreadableSocketSpoilsTheSum) {
  Grace(1, "Grace Power Socket 0", 250);
  Grace(2, "Grace Power Socket 1", 250);
  tree_.Refuse(Path(2, "device/power1_average"));
  EXPECT_NE(WhyNot().find("hwmon2"), std::string::npos);
}

TEST_F(HwmonTest, TextThatIsNoNumberIsQuoted) {
  for (const char* text : {"lots", "", "1.5", "12 34", "99999999999999999999999"}) {
    Device(1, "fam15h_power");
    tree_.Write(Path(1, "power1_input"), text);
    EXPECT_NE(WhyNot().find(fmt::format("'{}'", text)), std::string::npos) << text;
  }
}

TEST_F(HwmonTest, ATreeWithoutSuchSensorsSaysWhatThereIs) {
  Device(0, "coretemp");
  Device(1, "nvme");
  tree_.Write(Path(1, "power1_input"), 3'000'000);
  tree_.Folder(Path(2, ""));
  tree_.Folder("sys/class/hwmon/hwmonx");
  const std::string why_not = WhyNot();
  EXPECT_NE(why_not.find("has coretemp, nvme, hwmon2: none of them"), std::string::npos) << why_not;
  EXPECT_NE(WhyNot().find("a GPU or a module"), std::string::npos);
}

TEST_F(HwmonTest, AnAbsentOrEmptyFolderIsExplained) {
  EXPECT_NE(WhyNot().find("is empty"), std::string::npos);
  tree_.Remove("sys");
  EXPECT_NE(WhyNot().find("is absent"), std::string::npos);
}

}  // namespace
}  // namespace wattline::energy::hwmon_test
