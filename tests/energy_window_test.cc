// Windows of energy on a simulated machine: the bound contains the truth and is not idly wide.
#include "energy/window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "energy/simulated.h"
#include "kernels/random.h"

namespace wattline::energy {
namespace {

// One machine, one meter on it, both on a clock that only the test moves.
struct Bench {
  explicit Bench(double idle_w, double tick_s = 0.001, double lsb_j = 61e-6,
                 double read_cost_s = 4e-6, double phase_s = 0) {
    machine = std::make_unique<SimulatedMachine>(clock, idle_w);
    auto made = std::make_unique<SimulatedMeter>(
        std::vector<SimulatedCounter>{{machine.get(), "cpu", tick_s, phase_s, lsb_j}}, clock,
        &clock, read_cost_s);
    meter = made.get();
    meters.meters.push_back(std::move(made));
  }
  void Watch() {
    WatchLimits limits;
    limits.longest_s = 20;
    limits.enough_ticks = 6;
    const Watched watched = Characterise(*meter, clock, limits);
    ASSERT_TRUE(watched.behaviour) << watched.why_not;
    meter->SetBehaviour(*watched.behaviour);
  }
  double TrueJoules(TimePoint begin, TimePoint end) const {
    return machine->JoulesAt(end) - machine->JoulesAt(begin);
  }

  SimulatedClock clock;
  std::unique_ptr<SimulatedMachine> machine;
  SimulatedMeter* meter = nullptr;
  MeterSet meters;
};

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

TEST(CharacteriseTest, FindsTickStepPowerAndCostOfARead) {
  Bench bench(50, 0.001, 61e-6, 4e-6, 0.0003);
  bench.Watch();
  const Behaviour& b = *bench.meter->info().behaviour;
  EXPECT_NEAR(b.tick_s, 0.001, 8e-6);  // two reads
  EXPECT_NEAR(b.longest_tick_s, 0.001, 1.6e-5);
  EXPECT_NEAR(b.read_cost_s, 4e-6, 1e-9);
  EXPECT_NEAR(b.watts, 50, 9);  // 6 ticks, one more or less
  EXPECT_NEAR(b.smallest_step_j, 0.05, 1e-4);
}

TEST(CharacteriseTest, AFrozenAnAbsurdALostAndAnUnreadableMeterAreRefused) {
  Bench frozen(50);
  frozen.meter->Freeze();
  EXPECT_NE(Characterise(*frozen.meter, frozen.clock).why_not.find("did not move"),
            std::string::npos);
  Bench absurd(1e6);
  EXPECT_NE(Characterise(*absurd.meter, absurd.clock).why_not.find("absurd"), std::string::npos);
  Bench dead(50);
  dead.meter->Break();
  EXPECT_NE(Characterise(*dead.meter, dead.clock).why_not.find("cannot be read"),
            std::string::npos);
  Bench slow(50, 0.7);
  EXPECT_NE(Characterise(*slow.meter, slow.clock).why_not.find("moved only"), std::string::npos);
}

TEST(WindowTest, WithoutMetersItIsAStopwatch) {
  SimulatedClock clock;
  Window window(nullptr, clock);
  window.Begin();
  clock.Advance(0.25);
  const WindowEnergy energy = window.End();
  EXPECT_NEAR(energy.elapsed_s, 0.25, 1e-9);
  EXPECT_FALSE(energy.total);
  EXPECT_FALSE(energy.short_window);
}

TEST(WindowTest, TheWorkStartsOnATickAndTheTimeIsTheWorks) {
  Bench bench(10);
  bench.Watch();
  bench.clock.Advance(0.0004321);
  Window window(&bench.meters, bench.clock);
  window.Begin();
  // Within three reads after a tick: ticks are at whole milliseconds of the simulation.
  const double since_s = SecondsBetween(TimePoint(std::chrono::seconds(1000)), bench.clock.Now());
  EXPECT_LT(std::fmod(since_s, 0.001), 12e-6);
  bench.machine->SetPower(60);
  bench.clock.Advance(0.1234);
  bench.machine->SetPower(10);
  EXPECT_NEAR(window.End().elapsed_s, 0.1234, 1e-9);
}

TEST(WindowTest, AWindowOfFewTicksIsFlagged) {
  Bench bench(10);
  bench.Watch();
  Window window(&bench.meters, bench.clock);
  window.Begin();
  bench.clock.Advance(0.0195);
  EXPECT_TRUE(window.End().short_window);
  window.Begin();
  bench.clock.Advance(0.0205);
  EXPECT_FALSE(window.End().short_window);
}

// Work of random length and power, whose own power swings, between idle stretches.
TEST(WindowTest, AlignedBoundsContainTheTruthAndAreTight) {
  kernels::Random random(7);
  std::vector<double> errors;
  std::vector<double> bounds;
  for (int scenario = 0; scenario < 600; ++scenario) {
    const double idle_w = 1 + 40 * random.Uniform();
    const double lsb_j = scenario % 2 == 0 ? 61e-6 : 15.3e-6;
    const double read_s = 1e-6 + 20e-6 * random.Uniform();
    Bench bench(idle_w, 0.0009 + 0.0002 * random.Uniform(), lsb_j, read_s,
                0.001 * random.Uniform());
    bench.Watch();
    bench.clock.Advance(0.01 * random.Uniform());
    Window window(&bench.meters, bench.clock);
    window.Begin();
    const TimePoint begin = bench.clock.Now();
    const double work_w = idle_w * (1 + 4 * random.Uniform());
    const double work_s = 0.02 + 0.5 * random.Uniform();
    const int phases = 1 + static_cast<int>(random.Next() % 50);
    for (int phase = 0; phase < phases; ++phase) {
      bench.machine->SetPower(work_w * (0.6 + 0.8 * random.Uniform()));
      bench.clock.Advance(work_s / phases);
    }
    const TimePoint end = bench.clock.Now();
    bench.machine->SetPower(idle_w);
    const WindowEnergy energy = window.End();
    ASSERT_TRUE(energy.total);
    const double true_j = bench.TrueJoules(begin, end);
    const double error_j = std::abs(energy.total->joules - true_j);
    EXPECT_LE(error_j, energy.total->err_j) << "scenario " << scenario;
    errors.push_back(error_j / true_j);
    bounds.push_back(energy.total->err_j / true_j);
    // Without alignment the bound would be a whole tick's share.
    EXPECT_LT(energy.total->err_j, true_j * 0.0011 / work_s);
  }
  EXPECT_LT(Quantile(bounds, 0.5), 2 * Quantile(errors, 0.95));
}

// A slow meter is merely read, at random phases.
TEST(WindowTest, BoundsOfAMeterThatTicksTooSeldomContainTheTruthAndAreNotIdle) {
  kernels::Random random(11);
  std::vector<double> errors;
  std::vector<double> bounds;
  for (int scenario = 0; scenario < 400; ++scenario) {
    const double idle_w = 1 + 40 * random.Uniform();
    Bench bench(idle_w, 0.1, 1e-3, 1e-4, 0.1 * random.Uniform());
    bench.Watch();
    bench.clock.Advance(random.Uniform());
    // Earlier work of the same kind, as in Google Benchmark's calibration.
    const double work_w = idle_w * (1 + 4 * random.Uniform());
    bench.machine->SetPower(work_w);
    bench.clock.Advance(0.5 * random.Uniform());
    Window window(&bench.meters, bench.clock);
    window.Begin();
    const TimePoint begin = bench.clock.Now();
    bench.clock.Advance(2.5 + 3 * random.Uniform());
    const TimePoint end = bench.clock.Now();
    bench.machine->SetPower(idle_w);
    const WindowEnergy energy = window.End();
    ASSERT_TRUE(energy.total);
    EXPECT_FALSE(energy.short_window);
    const double true_j = bench.TrueJoules(begin, end);
    const double error_j = std::abs(energy.total->joules - true_j);
    EXPECT_LE(error_j, energy.total->err_j) << "scenario " << scenario;
    errors.push_back(error_j / true_j);
    bounds.push_back(energy.total->err_j / true_j);
  }
  EXPECT_LT(Quantile(bounds, 0.5), 2 * Quantile(errors, 0.95));
}

TEST(WindowTest, ACounterThatIsLostOrUnreadableGivesNoTotal) {
  Bench bench(10);
  bench.Watch();
  Window window(&bench.meters, bench.clock);
  window.Begin();
  bench.clock.Advance(0.1);
  bench.meter->Lose();
  EXPECT_FALSE(window.End().total);
  window.Begin();
  bench.clock.Advance(0.1);
  EXPECT_TRUE(window.End().total);
  window.Begin();
  bench.clock.Advance(0.1);
  bench.meter->Break();
  const WindowEnergy energy = window.End();
  EXPECT_FALSE(energy.total);
  EXPECT_TRUE(energy.domains.empty());
  EXPECT_NEAR(energy.elapsed_s, 0.1, 1e-9);
}

TEST(WindowTest, ACounterThatStandsStillIsNotWaitedForLongAndGivesNoJoules) {
  Bench bench(10);
  bench.Watch();
  Window window(&bench.meters, bench.clock);
  window.Begin();
  bench.clock.Advance(0.1);
  bench.meter->Freeze();
  const TimePoint before = bench.clock.Now();
  EXPECT_FALSE(window.End().total);
  window.Begin();
  EXPECT_LT(SecondsBetween(before, bench.clock.Now()), 0.05);
}

TEST(WindowTest, ASlowCounterThatStandsStillGivesNoJoules) {
  Bench bench(10, 0.1);
  bench.Watch();
  bench.meter->Freeze();
  Window window(&bench.meters, bench.clock);
  window.Begin();
  bench.clock.Advance(1);
  EXPECT_FALSE(window.End().total);
}

// The first tick after the begin of the work comes late: the value is older than a tick then.
TEST(WindowTest, ACounterThatStoodStillAtTheBeginIsBoundedByTheTimeItStood) {
  Bench bench(10);
  bench.Watch();
  Window window(&bench.meters, bench.clock);
  bench.clock.Advance(0.0137);
  bench.meter->Freeze();
  window.Begin();
  const TimePoint begin = bench.clock.Now();
  bench.meter->Thaw();
  bench.clock.Advance(0.5);
  const TimePoint end = bench.clock.Now();
  const WindowEnergy energy = window.End();
  ASSERT_TRUE(energy.total);
  EXPECT_LE(std::abs(energy.total->joules - bench.TrueJoules(begin, end)), energy.total->err_j);
}

TEST(WindowTest, DomainsAreAddedUpAndStayApart) {
  SimulatedClock clock;
  SimulatedMachine cpu(clock, 30);
  SimulatedMachine dram(clock, 5);
  auto made = std::make_unique<SimulatedMeter>(
      std::vector<SimulatedCounter>{{&cpu, "cpu", 0.001, 0, 61e-6},
                                    {&dram, "dram", 0.001, 0.0004, 15e-6}},
      clock, &clock, 4e-6);
  const Watched watched = Characterise(*made, clock);
  ASSERT_TRUE(watched.behaviour);
  made->SetBehaviour(*watched.behaviour);
  MeterSet meters;
  meters.meters.push_back(std::move(made));
  EXPECT_EQ(meters.DomainNames(), (std::vector<std::string>{"cpu", "dram"}));
  Window window(&meters, clock);
  window.Begin();
  clock.Advance(1);
  const WindowEnergy energy = window.End();
  ASSERT_EQ(energy.domains.size(), 2u);
  EXPECT_NEAR(energy.domains[0].energy.joules, 30, energy.domains[0].energy.err_j);
  EXPECT_NEAR(energy.domains[1].energy.joules, 5, energy.domains[1].energy.err_j);
  ASSERT_TRUE(energy.total);
  EXPECT_DOUBLE_EQ(energy.total->joules,
                   energy.domains[0].energy.joules + energy.domains[1].energy.joules);
  EXPECT_LT(energy.total->err_j, 0.01);
}

// The law's cases, by hand.
TEST(WorkEnergyTest, EdgesOnTheWorkGiveTheGainWithinTheSteps) {
  const Bounded energy = WorkEnergy(50, {0, 0}, {1, 1}, 1, 0.001, std::nullopt);
  EXPECT_DOUBLE_EQ(energy.joules, 50);
  EXPECT_NEAR(energy.err_j, 0.002, 1e-12);
}

TEST(WorkEnergyTest, StaleReadsAtBothEndsLeaveATickOfPowerEachWay) {
  // 100 W for 2 s, ticks of 0.1 s.
  const Bounded energy = WorkEnergy(200, {-0.1, 0}, {1.9, 2}, 2, 0, std::nullopt);
  EXPECT_NEAR(energy.joules, 200, 1e-9);
  EXPECT_NEAR(energy.err_j, 10, 1e-9);
}

TEST(WorkEnergyTest, ATailWhosePowerWasWatchedIsTakenOff) {
  // 100 W for 1 s, then 20 W for 0.1 s until the tick.
  const Bounded energy = WorkEnergy(102, {0, 0}, {1.1, 1.1}, 1, 0, 20);
  EXPECT_NEAR(energy.joules, 96, 1e-9);  // the tail between 20 and 100 W
  EXPECT_NEAR(energy.err_j, 4, 1e-9);
}

TEST(WorkEnergyTest, NoEnergyIsEverNegative) {
  const Bounded energy = WorkEnergy(0.001, {-0.1, 0}, {0.1, 0.2}, 0.001, 0.01, 5);
  EXPECT_GE(energy.joules - energy.err_j, 0);
}

}  // namespace
}  // namespace wattline::energy
