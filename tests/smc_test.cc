// A Mac's system controller through a fake IOKit: the machine's power, its integral, what is
// missing.
#include "energy/smc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>

#include "energy/simulated.h"
#include "tests/fakes/loaded_apple.h"

namespace wattline::energy::smc_test {
namespace {

class SmcTest : public testing::Test {
 protected:
  SmcTest() {
    Fake() = FakeApple();
    Fake().smc_w = 20;
    options_.iokit_library = WATTLINE_FAKE_APPLE;
    options_.clock = &clock_;
  }
  ~SmcTest() override {
    EXPECT_EQ(Fake().ports, 0) << "services or connections that were left open";
    EXPECT_EQ(Fake().objects, 0);
  }
  std::string WhyNot() {
    const Opened opened = OpenSmc(options_);
    EXPECT_FALSE(opened.meter);
    return opened.why_not;
  }
  bool WhyNotHas(const std::string& part) { return WhyNot().find(part) != std::string::npos; }

  SimulatedClock clock_;
  MeterOptions options_;
};

TEST_F(SmcTest, JoulesAreTheIntegralOfTheMachinesPower) {
  Opened opened = OpenSmc(options_);
  ASSERT_TRUE(opened.meter) << opened.why_not;
  EXPECT_EQ(Fake().ports, 1);
  const Reading begin = opened.meter->Read();
  clock_.Advance(0.5);
  opened.meter->Read();
  Fake().smc_w = 40;
  clock_.Advance(0.5);
  const Reading end = opened.meter->Read();
  EXPECT_DOUBLE_EQ(*Difference(begin, end, 0), 20 * 0.5 + 30 * 0.5);
  EXPECT_GT(end.values[0]->missed_j, 0);
}

TEST_F(SmcTest, ItIsTheWholeMachineAndSampled) {
  Opened opened = OpenSmc(options_);
  ASSERT_TRUE(opened.meter) << opened.why_not;
  const MeterInfo& info = opened.meter->info();
  EXPECT_EQ(info.name, "smc");
  EXPECT_EQ(info.kind, Kind::kSampled);
  ASSERT_EQ(info.domains.size(), 1u);
  EXPECT_EQ(info.domains[0].parts, kWholeMachine);
  EXPECT_TRUE(info.domains[0].in_total);
}

TEST_F(SmcTest, AReadThatFailsIsAbsentAndLosesTheCount) {
  Opened opened = OpenSmc(options_);
  ASSERT_TRUE(opened.meter) << opened.why_not;
  const Reading begin = opened.meter->Read();
  Fake().smc_result = -536870206;
  clock_.Advance(0.1);
  EXPECT_FALSE(opened.meter->Read().values[0]);
  Fake().smc_result = 0;
  Fake().smc_w = 0;  // no watts, and not 0 W
  EXPECT_FALSE(opened.meter->Read().values[0]);
  Fake().smc_w = 20;
  clock_.Advance(0.1);
  EXPECT_FALSE(Difference(begin, opened.meter->Read(), 0));
}

TEST_F(SmcTest, AControllerWithoutThePowerIsExplained) {
  Fake().smc_key = 0x46304163;  // another key
  EXPECT_TRUE(WhyNotHas("has no key PSTR"));
  Fake().smc_key = FakeApple().smc_key;
  Fake().smc_type = 0x75693332;  // ui32
  EXPECT_TRUE(WhyNotHas("4 bytes of type 0x75693332, no float"));
  Fake().smc_type = FakeApple().smc_type;
  for (const float watts : {0.0f, -3.0f, NAN}) {
    Fake().smc_w = watts;
    EXPECT_TRUE(WhyNotHas("not metered here")) << watts;
  }
  Fake().smc_result = -536870206;
  EXPECT_TRUE(WhyNotHas("does not answer (0xe00002c2)"));
}

TEST_F(SmcTest, AControllerThatIsAbsentOrClosedIsExplained) {
  Fake().has_controller = false;
  EXPECT_TRUE(WhyNotHas("there is no system controller"));
  Fake().has_controller = true;
  Fake().open_result = -536870174;
  EXPECT_TRUE(WhyNotHas("cannot be opened (0xe00002e2)"));
}

TEST_F(SmcTest, WithoutIoKitThisIsNoMac) {
  options_.iokit_library = "/nonexistent/IOKit";
  EXPECT_TRUE(WhyNotHas("not macOS"));
}

TEST_F(SmcTest, AnotherMachinesTreeIsNotMixedWithThisMachinesPower) {
  options_.root = "/recorded";
  EXPECT_TRUE(OpenSmc(options_).meter);
  options_.iokit_library = MeterOptions().iokit_library;
  EXPECT_EQ(WhyNot(), "not used: --meter_root points at another machine");
}

}  // namespace
}  // namespace wattline::energy::smc_test
