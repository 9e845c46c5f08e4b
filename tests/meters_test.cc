// The choice among meters: auto, off, names, and what is said about those that cannot be used.
#include "energy/meters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "energy/simulated.h"

namespace wattline::energy::meters_test {
namespace {

// A clock that moves with every look at it, so that a wait on it ends.
class WalkingClock : public SimulatedClock {
 public:
  TimePoint Now() override {
    Advance(1e-6);
    return SimulatedClock::Now();
  }
};

// Meters are opened by plain functions: what they simulate lives as long as the program.
WalkingClock& TheClock() {
  static WalkingClock clock;
  return clock;
}

std::unique_ptr<SimulatedMeter> MakeMeter(const std::string& domain) {
  static const SimulatedMachine machine(TheClock(), 25);
  SimulatedCounter counter{&machine, domain};
  counter.parts = domain == "cpu" ? kCpuPart : domain == "gpu" ? kGpuPart : kAnePart;
  return std::make_unique<SimulatedMeter>(std::vector<SimulatedCounter>{counter}, TheClock());
}

Opened OpenCpu(const MeterOptions&) { return {MakeMeter("cpu"), ""}; }
Opened OpenOtherCpu(const MeterOptions&) { return {MakeMeter("cpu"), ""}; }
Opened OpenGpu(const MeterOptions&) { return {MakeMeter("gpu"), ""}; }
Opened OpenFrozen(const MeterOptions&) {
  auto meter = MakeMeter("ane");
  meter->Freeze();
  return {std::move(meter), ""};
}
Opened OpenNothing(const MeterOptions&) { return {nullptr, "there is no such chip; buy one"}; }

constexpr std::array<MeterEntry, 5> kEntries = {{
    {"absent", "a meter that is not there", OpenNothing},
    {"one", "a CPU's meter", OpenCpu},
    {"two", "another one of the same CPU", OpenOtherCpu},
    {"stuck", "a meter whose counter stands still", OpenFrozen},
    {"card", "a GPU's meter", OpenGpu},
}};

Chosen Choose(const char* flag) {
  MeterOptions options;
  options.clock = &TheClock();
  return ChooseMeters(flag, options, kEntries);
}

TEST(ChooseMetersTest, AutoTakesWhatWorksAndReportsTheRest) {
  const Chosen chosen = Choose("auto");
  EXPECT_EQ(chosen.set.DomainNames(), (std::vector<std::string>{"cpu", "gpu"}));
  for (const auto& meter : chosen.set.meters) EXPECT_TRUE(meter->info().behaviour);
  ASSERT_EQ(chosen.unused.size(), 3u);
  EXPECT_EQ(chosen.unused[0].why_not, "there is no such chip; buy one");
  EXPECT_EQ(chosen.unused[1].why_not, "simulated measures that already");
  EXPECT_NE(chosen.unused[2].why_not.find("did not move"), std::string::npos);
  EXPECT_EQ(chosen.error + chosen.usage_error, "");
}

TEST(ChooseMetersTest, OffOpensNothing) {
  const Chosen chosen = Choose("off");
  EXPECT_TRUE(chosen.set.meters.empty());
  EXPECT_EQ(Summary(chosen), "energy: off");
}

TEST(ChooseMetersTest, NamesChooseExactlyThose) {
  EXPECT_EQ(Choose("card,one").set.DomainNames(), (std::vector<std::string>{"cpu", "gpu"}));
  EXPECT_EQ(Choose("card").set.DomainNames(), std::vector<std::string>{"gpu"});
}

TEST(ChooseMetersTest, AnUnknownNameIsWrongUsageAndTheKnownOnesAreListed) {
  for (const char* flag : {"one,nosuch", "nosuch", "", "one,", "auto,one", "Off"}) {
    const Chosen chosen = Choose(flag);
    EXPECT_NE(chosen.usage_error.find("known: auto, off, absent, one, two, stuck, card"),
              std::string::npos)
        << flag;
    EXPECT_TRUE(chosen.set.meters.empty());
  }
}

TEST(ChooseMetersTest, ANamedMeterThatCannotBeUsedIsAnErrorWithItsReason) {
  EXPECT_EQ(Choose("one,absent").error,
            "--energy: absent cannot be used: there is no such chip; buy one");
  EXPECT_NE(Choose("stuck").error.find("did not move"), std::string::npos);
  EXPECT_NE(Choose("one,two").error.find("measures that already"), std::string::npos);
}

TEST(SummaryTest, OneLineNamesTheMetersOrWhyThereIsNone) {
  EXPECT_EQ(Summary(Choose("one")).rfind("energy: simulated: counter, cpu (simulated), tick 1", 0),
            0u);
  MeterOptions options;
  options.clock = &TheClock();
  const std::array<MeterEntry, 1> only = {kEntries[0]};
  EXPECT_EQ(
      Summary(ChooseMeters("auto", options, only)),
      "energy: no meter works here, so no joules; bench --list-meters tells what each one needs");
  const std::array<MeterEntry, 1> stuck = {kEntries[3]};
  EXPECT_NE(Summary(ChooseMeters("auto", options, stuck)).find("; stuck: its counter did not move"),
            std::string::npos);
}

TEST(SummaryTest, AMeterThatIsThereButFailsIsToldWhereNoOtherStandsInForIt) {
  constexpr MeterEntry kFails = {"fails", "a meter that nobody may read",
                                 [](const MeterOptions&) -> Opened {
                                   return {nullptr, "it is not readable", true};
                                 },
                                 kCpuPart};
  MeterOptions options;
  options.clock = &TheClock();
  const std::array<MeterEntry, 2> with_card = {kFails, kEntries[4]};
  EXPECT_NE(Summary(ChooseMeters("auto", options, with_card))
                .find(" | not used: fails: it is not readable"),
            std::string::npos)
      << Summary(ChooseMeters("auto", options, with_card));
  const std::array<MeterEntry, 2> with_cpu = {kFails, kEntries[1]};
  EXPECT_EQ(Summary(ChooseMeters("auto", options, with_cpu)).find("fails"), std::string::npos);
}

TEST(ListMetersTest, EveryMeterIsListedWithReadingsOrItsReason) {
  MeterOptions options;
  options.clock = &TheClock();
  const std::array<MeterEntry, 2> two = {kEntries[0], kEntries[1]};
  const std::string text = ListMeters(options, two);
  EXPECT_NE(text.find("absent: a meter that is not there\n  not usable: there is no such chip"),
            std::string::npos);
  // 25 W for a second, less than a tick of 25 mJ short of it.
  EXPECT_NE(text.find("1.000 s  cpu 24.9"), std::string::npos) << text;
}

TEST(ListMetersTest, TheProgramsOwnListHasDistinctNames) {
  std::vector<std::string> names;
  for (const MeterEntry& entry : AllMeters()) {
    EXPECT_EQ(std::count(names.begin(), names.end(), std::string(entry.name)), 0);
    names.emplace_back(entry.name);
  }
  EXPECT_FALSE(names.empty());
}

}  // namespace
}  // namespace wattline::energy::meters_test
