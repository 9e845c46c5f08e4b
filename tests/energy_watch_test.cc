// Watching a meter before it is believed: what is found, and what is refused with its reason.
#include "energy/watch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "energy/simulated.h"

namespace wattline::energy::energy_watch_test {
namespace {

SimulatedCounter Counter(double tick_s, double phase_s, double lsb_j) {
  SimulatedCounter counter;
  counter.tick_s = tick_s;
  counter.phase_s = phase_s;
  counter.lsb_j = lsb_j;
  return counter;
}

// A meter whose further properties a test sets: instant power, what its stamps say.
class OddMeter : public SimulatedMeter {
 public:
  using SimulatedMeter::SimulatedMeter;
  std::optional<double> InstantWatts() override { return instant_w; }
  Reading Read() override {
    Reading reading = SimulatedMeter::Read();
    for (auto& value : reading.values) {
      if (value && value->published) {
        const double since_s = SecondsBetween(TimePoint(), *value->published);
        value->published = Later(TimePoint(), since_s * stamp_rate);
      }
    }
    return reading;
  }
  std::optional<double> instant_w;
  double stamp_rate = 1;
};

struct Bench {
  explicit Bench(double watts, SimulatedCounter counter = {})
      : Bench(watts, std::vector{counter}) {}
  Bench(double watts, std::vector<SimulatedCounter> counters) {
    machine = std::make_unique<SimulatedMachine>(clock, watts);
    for (SimulatedCounter& counter : counters) {
      if (!counter.machine) counter.machine = machine.get();
    }
    meter = std::make_unique<OddMeter>(counters, clock, &clock, 4e-6);
  }
  Watched Watch(const WatchLimits& limits = {}) { return Characterise(*meter, clock, limits); }

  SimulatedClock clock;
  std::unique_ptr<SimulatedMachine> machine;
  std::unique_ptr<OddMeter> meter;
};

bool Says(const Watched& watched, const char* words) {
  return !watched.behaviour && watched.why_not.find(words) != std::string::npos;
}

TEST(CharacteriseTest, FindsTickStepPowerAndCostOfARead) {
  Bench bench(50, Counter(0.001, 0.0003, 61e-6));
  const Watched watched = bench.Watch();
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  const Behaviour& b = *watched.behaviour;
  EXPECT_NEAR(b.tick_s, 0.001, 8e-6);  // two reads
  EXPECT_NEAR(b.longest_tick_s, 0.001, 1.6e-5);
  EXPECT_NEAR(b.read_cost_s, 4e-6, 1e-9);
  EXPECT_NEAR(b.watts, 50, 2.6);  // 20 ticks, one more or less
  EXPECT_NEAR(b.smallest_step_j, 0.05, 1e-4);
  EXPECT_FALSE(b.instant_watts);
}

TEST(CharacteriseTest, AFrozenAnAbsurdALostAndAnUnreadableMeterAreRefused) {
  Bench frozen(50);
  frozen.meter->Freeze();
  EXPECT_TRUE(Says(frozen.Watch(), "did not move"));
  EXPECT_TRUE(Says(Bench(1e6).Watch(), "absurd"));
  Bench dead(50);
  dead.meter->Break();
  EXPECT_TRUE(Says(dead.Watch(), "cannot be read"));
  EXPECT_TRUE(Says(Bench(50, Counter(0.7, 0, 61e-6)).Watch(), "moved only"));
}

TEST(CharacteriseTest, AMeterThatIsKnownToTickSlowlyIsWatchedLonger) {
  SimulatedCounter counter = Counter(1.7, 0.4, 1e-3);
  SimulatedClock clock;
  const SimulatedMachine machine(clock, 8);
  counter.machine = &machine;
  counter.expected_tick_s = 2;
  SimulatedMeter meter({counter}, clock, &clock, 3e-4);
  const Watched watched = Characterise(meter, clock);
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_NEAR(watched.behaviour->tick_s, 1.7, 0.003);
}

TEST(CharacteriseTest, TheCounterIsHeldAgainstInstantPower) {
  Bench right(50);
  right.meter->instant_w = 45;
  const Watched watched = right.Watch();
  ASSERT_TRUE(watched.behaviour);
  EXPECT_NEAR(*watched.behaviour->instant_watts, 45, 1e-9);
  Bench wrong(50);  // millijoules taken for microjoules
  wrong.meter->instant_w = 0.05;
  EXPECT_TRUE(Says(wrong.Watch(), "its own instant power 0.05 W"));
  Bench silent(50);  // a zero reading is not zero watts
  silent.meter->instant_w = 0;
  EXPECT_FALSE(silent.Watch().behaviour->instant_watts);
}

TEST(CharacteriseTest, StampsMustFollowTheClock) {
  SimulatedCounter counter = Counter(0.1, 0, 1e-3);
  counter.stamped = true;
  counter.delay_s = 0.03;
  Bench right(50, counter);
  EXPECT_TRUE(right.Watch().behaviour);
  Bench wrong(50, counter);  // ticks of 24 MHz taken for nanoseconds
  wrong.meter->stamp_rate = 24.0 / 1000;
  EXPECT_TRUE(Says(wrong.Watch(), "its time stamps advanced"));
}

TEST(CharacteriseTest, CountersThatTickOutOfPhaseHaveTheirOwnTick) {
  Bench bench(50, {Counter(0.001, 0, 61e-6), {nullptr, "dram", 0.001, 0.0004, 15e-6, kDramPart}});
  const Watched watched = bench.Watch();
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_NEAR(watched.behaviour->tick_s, 0.001, 8e-6);
  EXPECT_NEAR(watched.behaviour->longest_tick_s, 0.001, 1.6e-5);
}

TEST(CharacteriseTest, ADomainThatStandsStillIsFoundAndTheOthersAreKept) {
  SimulatedClock idle_clock;
  const SimulatedMachine off(idle_clock, 0);
  SimulatedCounter dram{&off, "dram", 0.001, 0, 15e-6, kDramPart};
  Bench bench(50, {SimulatedCounter{}, dram});
  const Watched watched = bench.Watch();
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_EQ(watched.frozen, std::vector<size_t>{1});
  bench.meter->SetBehaviour(*watched.behaviour, watched.frozen);
  const MeterInfo& info = bench.meter->info();
  EXPECT_FALSE(info.domains[1].in_total);
  EXPECT_NE(info.note.find("counter of dram stands still"), std::string::npos);
  EXPECT_EQ(Describe(info).find("dram (simulated)"), std::string::npos);
  // One that is switched off while unused may stand still.
  dram.may_rest = true;
  EXPECT_TRUE(Bench(50, {SimulatedCounter{}, dram}).Watch().frozen.empty());
}

}  // namespace
}  // namespace wattline::energy::energy_watch_test
