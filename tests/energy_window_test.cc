// Windows of energy on a simulated machine: the bound contains the truth and is not idly wide.
#include "energy/window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "energy/power_integral.h"
#include "energy/simulated.h"
#include "energy/watch.h"
#include "kernels/random.h"

namespace wattline::energy::energy_window_test {
namespace {

// One machine with a meter on it, both on a clock that only the test moves; the sampler's thread is
// played by Work().
struct Bench {
  explicit Bench(double idle_w, SimulatedCounter counter = {}, double read_cost_s = 4e-6) {
    machine = std::make_unique<SimulatedMachine>(clock, idle_w);
    counter.machine = machine.get();
    auto made = std::make_unique<SimulatedMeter>(std::vector<SimulatedCounter>{counter}, clock,
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
    meter->SetBehaviour(*watched.behaviour, watched.frozen);
    sampler = std::make_unique<Sampler>(meters, clock);
  }
  // Time passes, and whatever the sampler's thread would read meanwhile is read.
  void Pass(double seconds) {
    const TimePoint end = Later(clock.Now(), seconds);
    while (true) {
      const TimePoint due = sampler ? sampler->Step() : TimePoint::max();
      const double left_s = SecondsBetween(clock.Now(), end);
      if (left_s <= 0) return;
      clock.Advance(due >= end ? left_s : std::max(1e-7, SecondsBetween(clock.Now(), due)));
    }
  }
  void Work(double watts, double seconds) {
    machine->SetPower(watts);
    Pass(seconds);
  }
  double TrueJoules(TimePoint begin, TimePoint end) const {
    return machine->JoulesAt(end) - machine->JoulesAt(begin);
  }

  SimulatedClock clock;
  std::unique_ptr<SimulatedMachine> machine;
  SimulatedMeter* meter = nullptr;
  MeterSet meters;
  std::unique_ptr<Sampler> sampler;
};

SimulatedCounter Counter(double tick_s, double phase_s, double lsb_j) {
  SimulatedCounter counter;
  counter.tick_s = tick_s;
  counter.phase_s = phase_s;
  counter.lsb_j = lsb_j;
  return counter;
}

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

// Errors and bounds, relative to the true energy, over many scenarios.
class Tally {
 public:
  void Add(const WindowEnergy& energy, double true_j, int scenario) {
    ASSERT_TRUE(energy.total) << "scenario " << scenario;
    const double error_j = std::abs(energy.total->joules - true_j);
    EXPECT_LE(error_j, energy.total->err_j * (1 + 1e-9))
        << "scenario " << scenario << ", true " << true_j;
    errors_.push_back(error_j / true_j);
    bounds_.push_back(energy.total->err_j / true_j);
  }
  // A bound that is always huge proves nothing.
  void ExpectTight() const {
    EXPECT_LT(Quantile(bounds_, 0.5), 2 * Quantile(errors_, 0.95));
    RecordFigures();
  }
  void RecordFigures() const {
    std::printf("median bound %.4f %%, median error %.4f %%, 95th percentile %.4f %%\n",
                100 * Quantile(bounds_, 0.5), 100 * Quantile(errors_, 0.5),
                100 * Quantile(errors_, 0.95));
  }
  double MedianBound() const { return Quantile(bounds_, 0.5); }

 private:
  std::vector<double> errors_;
  std::vector<double> bounds_;
};

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
  bench.Pass(0.0004321);
  Window window(bench.sampler.get(), bench.clock);
  window.Begin();
  // Within three reads after a tick: ticks are at whole milliseconds of the simulation.
  const double since_s = SecondsBetween(TimePoint(std::chrono::seconds(1000)), bench.clock.Now());
  EXPECT_LT(std::fmod(since_s, 0.001), 12e-6);
  const TimePoint begin = bench.clock.Now();
  bench.Work(60, 0.1234);
  const double true_s = SecondsBetween(begin, bench.clock.Now());
  bench.machine->SetPower(10);
  EXPECT_NEAR(window.End().elapsed_s, true_s, 1e-9);
}

TEST(WindowTest, AWindowOfFewTicksIsFlagged) {
  Bench bench(10);
  bench.Watch();
  Window window(bench.sampler.get(), bench.clock);
  window.Begin();
  bench.Pass(0.0190);
  EXPECT_TRUE(window.End().short_window);
  window.Begin();
  bench.Pass(0.0205);
  EXPECT_FALSE(window.End().short_window);
}

// Work of random length and power, whose own power swings, between idle stretches. RAPL's ticks.
TEST(WindowTest, BoundsOfAFastMeterContainTheTruthAndAreTight) {
  kernels::Random random(7);
  Tally tally;
  for (int scenario = 0; scenario < 600; ++scenario) {
    const double idle_w = 1 + 40 * random.Uniform();
    const double read_s = 1e-6 + 20e-6 * random.Uniform();
    Bench bench(idle_w,
                Counter(0.0009 + 0.0002 * random.Uniform(), 0.001 * random.Uniform(),
                        scenario % 2 == 0 ? 61e-6 : 15.3e-6),
                read_s);
    bench.Watch();
    bench.Pass(0.01 * random.Uniform());
    Window window(bench.sampler.get(), bench.clock);
    window.Begin();
    const TimePoint begin = bench.clock.Now();
    const double work_w = idle_w * (1 + 4 * random.Uniform());
    const double work_s = 0.02 + 0.5 * random.Uniform();
    const int phases = 1 + static_cast<int>(random.Next() % 50);
    for (int phase = 0; phase < phases; ++phase) {
      bench.Work(work_w * (0.6 + 0.8 * random.Uniform()), work_s / phases);
    }
    const TimePoint end = bench.clock.Now();
    bench.machine->SetPower(idle_w);
    const WindowEnergy energy = window.End();
    const double true_j = bench.TrueJoules(begin, end);
    tally.Add(energy, true_j, scenario);
    // Without alignment the bound would be a whole tick's share.
    EXPECT_LT(energy.total->err_j, true_j * 0.0011 / work_s);
  }
  tally.ExpectTight();
}

// A GPU's counter: ticks of 20 to 100 ms, dear reads. The caller has the work as a function.
TEST(WindowTest, BoundsOfASlowMeterAreThoseOfCatchingItsTickWhileTheWorkGoesOn) {
  kernels::Random random(11);
  Tally tally;
  for (int scenario = 0; scenario < 300; ++scenario) {
    const double idle_w = 20 + 60 * random.Uniform();
    const double tick_s = 0.02 + 0.08 * random.Uniform();
    const double read_s = 2e-5 + 3.8e-3 * (scenario % 2) * random.Uniform();
    Bench bench(idle_w, Counter(tick_s, tick_s * random.Uniform(), 1e-3), read_s);
    bench.Watch();
    bench.Work(idle_w, 0.3 * random.Uniform());
    // The power of calls differs, and drifts.
    const double work_w = idle_w * (2 + 6 * random.Uniform());
    const double call_s = 1e-3 + 0.03 * random.Uniform();
    int calls_made = 0;
    const std::function<void()> work = [&] {
      const double drift = 1 + 0.02 * std::sin(0.01 * ++calls_made);
      bench.Work(work_w * drift * (0.95 + 0.1 * random.Uniform()), call_s);
    };
    Window window(bench.sampler.get(), bench.clock);
    window.Begin(&work);
    const TimePoint begin = bench.clock.Now();
    const double work_s = 0.5 + 2 * random.Uniform();
    while (SecondsBetween(begin, bench.clock.Now()) < work_s) work();
    int64_t calls = 0;
    const WindowEnergy energy = window.End(work, {.error = 0.02, .longest_s = 10}, &calls);
    const TimePoint end = Later(begin, energy.elapsed_s);
    tally.Add(energy, bench.TrueJoules(begin, end), scenario);
    EXPECT_LT(energy.total->err_j, 0.02 * energy.total->joules) << scenario;
  }
  tally.ExpectTight();
}

// The same meters around a loop that is not the probe's: nothing can be waited for at its begin.
TEST(WindowTest, BoundsOfASlowMeterAroundAForeignLoopContainTheTruth) {
  kernels::Random random(13);
  Tally tally;
  for (int scenario = 0; scenario < 400; ++scenario) {
    const double idle_w = 1 + 40 * random.Uniform();
    Bench bench(idle_w, Counter(0.1, 0.1 * random.Uniform(), 1e-3), 1e-4);
    bench.Watch();
    bench.Work(idle_w, 0.5 + random.Uniform());
    const double work_w = idle_w * (1 + 4 * random.Uniform());
    Window window(bench.sampler.get(), bench.clock);
    window.BeginNow();
    const TimePoint begin = bench.clock.Now();
    bench.Work(work_w, 2.5 + 3 * random.Uniform());
    const TimePoint end = bench.clock.Now();
    bench.machine->SetPower(idle_w);
    tally.Add(window.End(), bench.TrueJoules(begin, end), scenario);
  }
  tally.ExpectTight();
  // A whole tick at each end would be 2 * 0.1 s of 4 s.
  EXPECT_LT(tally.MedianBound(), 0.01);
}

// macOS 27: a counter is published every one to two seconds, late, with the time that it is of.
TEST(WindowTest, BoundsOfStampedBatchesContainTheTruthAndAreTight) {
  kernels::Random random(17);
  Tally tally;
  for (int scenario = 0; scenario < 300; ++scenario) {
    SimulatedCounter counter = Counter(1 + random.Uniform(), 0, 1e-3);
    counter.phase_s = counter.tick_s * random.Uniform();
    counter.delay_s = 0.3 * random.Uniform();
    counter.stamped = true;
    const double idle_w = 0.5 + 2 * random.Uniform();
    Bench bench(idle_w, counter, 3e-4);
    bench.Watch();
    const double work_w = 5 + 40 * random.Uniform();
    const double call_s = 0.005 + 0.1 * random.Uniform();
    const std::function<void()> work = [&] {
      bench.Work(work_w * (0.9 + 0.2 * random.Uniform()), call_s);
    };
    Window window(bench.sampler.get(), bench.clock);
    window.Begin(&work);
    const TimePoint begin = bench.clock.Now();
    const double work_s = 0.5 + 3 * random.Uniform();
    while (SecondsBetween(begin, bench.clock.Now()) < work_s) work();
    int64_t calls = 0;
    const WindowEnergy energy = window.End(work, {.error = 0.02, .longest_s = 20}, &calls);
    const TimePoint end = Later(begin, energy.elapsed_s);
    tally.Add(energy, bench.TrueJoules(begin, end), scenario);
  }
  tally.RecordFigures();
  EXPECT_LT(tally.MedianBound(), 0.02);
}

// A sensor of power, read by the sampler and integrated.
class SensorMeter : public Meter {
 public:
  SensorMeter(const SimulatedSensor& sensor, SimulatedClock& clock)
      : Meter(Info(sensor.update_s)), sensor_(sensor), clock_(clock), integral_(sensor.update_s) {}
  Reading Read() override {
    Reading reading;
    reading.before = clock_.Now();
    clock_.Advance(5e-6);
    integral_.Add(clock_.Now(), sensor_.Read(clock_.Now()).watts);
    clock_.Advance(5e-6);
    reading.after = clock_.Now();
    reading.values = {integral_.value()};
    reading.generation = integral_.generation();
    return reading;
  }

 private:
  static MeterInfo Info(double update_s) {
    MeterInfo info;
    info.name = "sensor";
    info.kind = Kind::kSampled;
    info.domains = {{"cpu", "simulated", kCpuPart}};
    info.expected_tick_s = update_s;
    return info;
  }
  SimulatedSensor sensor_;
  SimulatedClock& clock_;
  PowerIntegral integral_;
};

// hwmon, Jetson, a battery: power that is renewed each 20 to 200 ms, of work whose power swings.
TEST(WindowTest, BoundsOfSampledPowerContainTheTruthAndAreTight) {
  kernels::Random random(23);
  Tally tally;
  for (int scenario = 0; scenario < 300; ++scenario) {
    const double idle_w = 5 + 20 * random.Uniform();
    Bench bench(idle_w);
    SimulatedSensor sensor{bench.machine.get(), 0.02 + 0.18 * random.Uniform(), 0,
                           bench.clock.Now()};
    sensor.phase_s = sensor.update_s * random.Uniform();
    auto made = std::make_unique<SensorMeter>(sensor, bench.clock);
    const Watched watched = Characterise(*made, bench.clock);
    ASSERT_TRUE(watched.behaviour) << watched.why_not;
    made->SetBehaviour(*watched.behaviour);
    bench.meters.meters[0] = std::move(made);
    bench.sampler = std::make_unique<Sampler>(bench.meters, bench.clock);
    bench.Work(idle_w, 0.3);
    const double work_w = idle_w * (1.5 + 3 * random.Uniform());
    const double call_s = 0.01 + 0.3 * random.Uniform();
    const std::function<void()> work = [&] {
      bench.Work(work_w * (0.8 + 0.4 * random.Uniform()), call_s);
    };
    Window window(bench.sampler.get(), bench.clock);
    window.Begin(&work);
    const TimePoint begin = bench.clock.Now();
    const double work_s = 0.5 + 4 * random.Uniform();
    while (SecondsBetween(begin, bench.clock.Now()) < work_s) work();
    int64_t calls = 0;
    const WindowEnergy energy = window.End(work, {.error = 0.02, .longest_s = 20}, &calls);
    tally.Add(energy, bench.TrueJoules(begin, Later(begin, energy.elapsed_s)), scenario);
  }
  tally.RecordFigures();
  EXPECT_LT(tally.MedianBound(), 0.03);
}

TEST(WindowTest, ALongerWindowIsRunUntilTheBoundIsAsNarrowAsAsked) {
  Bench bench(30, Counter(0.1, 0.033, 1e-3), 1e-3);
  bench.Watch();
  const std::function<void()> work = [&] { bench.Work(200, 0.01); };
  for (const double error : {0.05, 0.01, 0.002}) {
    Window window(bench.sampler.get(), bench.clock);
    window.Begin(&work);
    for (int i = 0; i < 10; ++i) work();
    int64_t calls = 0;
    const WindowEnergy energy = window.End(work, {.error = error, .longest_s = 60}, &calls);
    ASSERT_TRUE(energy.total);
    EXPECT_LE(energy.total->err_j, error * energy.total->joules);
    EXPECT_GE(calls, 1);
  }
  // The cap holds, and what was reached is told.
  Window window(bench.sampler.get(), bench.clock);
  window.Begin(&work);
  int64_t calls = 0;
  const WindowEnergy energy = window.End(work, {.error = 1e-6, .longest_s = 2}, &calls);
  ASSERT_TRUE(energy.total);
  EXPECT_GT(energy.total->err_j, 1e-6 * energy.total->joules);
  EXPECT_LT(energy.elapsed_s, 2.5);
}

TEST(WindowTest, PausedTimeIsLeftOut) {
  kernels::Random random(19);
  Tally tally;
  for (int scenario = 0; scenario < 100; ++scenario) {
    Bench bench(5, Counter(0.001, 0.001 * random.Uniform(), 61e-6));
    bench.Watch();
    Window window(bench.sampler.get(), bench.clock);
    window.Begin();
    double true_j = 0;
    double paused_s = 0;
    for (int piece = 0; piece < 4; ++piece) {
      const TimePoint begin = bench.clock.Now();
      bench.Work(50 + 50 * random.Uniform(), 0.1 + 0.1 * random.Uniform());
      true_j += bench.TrueJoules(begin, bench.clock.Now());
      if (piece == 3) break;
      window.Pause();
      const TimePoint pause = bench.clock.Now();
      bench.Work(200, 0.05 + 0.05 * random.Uniform());
      window.Resume();
      paused_s += SecondsBetween(pause, bench.clock.Now());
    }
    bench.machine->SetPower(5);
    const WindowEnergy energy = window.End();
    tally.Add(energy, true_j, scenario);
    EXPECT_NEAR(energy.paused_s, paused_s, 0.001);
  }
  tally.RecordFigures();
  EXPECT_LT(tally.MedianBound(), 0.02);
}

TEST(WindowTest, ThePeakIsThatOfTheHighestStretch) {
  Bench bench(10);
  bench.Watch();
  Window window(bench.sampler.get(), bench.clock);
  window.Begin();
  bench.Work(50, 0.5);
  bench.Work(90, 0.3);
  bench.Work(50, 0.5);
  const WindowEnergy energy = window.End();
  ASSERT_TRUE(energy.peak_w);
  EXPECT_NEAR(*energy.peak_w, 90, 1);
  EXPECT_NEAR(energy.total->joules / energy.elapsed_s, (50 + 0.3 / 1.3 * 40), 0.5);
}

TEST(WindowTest, ACounterThatIsLostOrUnreadableGivesNoTotal) {
  Bench bench(10);
  bench.Watch();
  Window window(bench.sampler.get(), bench.clock);
  window.Begin();
  bench.Pass(0.03);
  bench.meter->Lose();
  bench.Pass(0.5);
  EXPECT_FALSE(window.End().total);
  window.Begin();
  bench.Pass(0.1);
  EXPECT_TRUE(window.End().total);
  window.Begin();
  bench.Pass(0.1);
  bench.meter->Break();
  const WindowEnergy energy = window.End();
  EXPECT_FALSE(energy.total);
  EXPECT_TRUE(energy.domains.empty());
  EXPECT_NEAR(energy.elapsed_s, 0.1, 1e-3);
}

// A domain that is only shown cannot be read for a moment: the total is not lost with it.
TEST(WindowTest, AShownDomainThatIsMissedLeavesTheTotal) {
  SimulatedClock clock;
  SimulatedMachine cpu(clock, 30);
  class Meter2 : public SimulatedMeter {
   public:
    using SimulatedMeter::SimulatedMeter;
    Reading Read() override {
      Reading reading = SimulatedMeter::Read();
      if (missing) reading.values[1].reset();
      return reading;
    }
    bool missing = false;
  };
  SimulatedCounter core{&cpu, "core"};
  core.in_total = false;
  auto made = std::make_unique<Meter2>(std::vector<SimulatedCounter>{{&cpu, "cpu"}, core}, clock,
                                       &clock, 4e-6);
  Meter2& meter = *made;
  meter.SetBehaviour(*Characterise(meter, clock).behaviour);
  MeterSet meters;
  meters.meters.push_back(std::move(made));
  Sampler sampler(meters, clock);
  Window window(&sampler, clock);
  for (const bool missing : {false, true}) {
    window.Begin();
    clock.Advance(0.1);
    meter.missing = missing;
    sampler.Step();
    meter.missing = false;
    clock.Advance(0.1);
    sampler.Step();
    clock.Advance(0.5);
    const WindowEnergy energy = window.End();
    ASSERT_TRUE(energy.total);
    EXPECT_NEAR(energy.total->joules, 30 * energy.elapsed_s, energy.total->err_j);
    EXPECT_EQ(energy.domains.size(), missing ? 1u : 2u);
  }
}

TEST(WindowTest, ACounterThatStandsStillIsNotWaitedForLongAndGivesNoJoules) {
  Bench bench(10);
  bench.Watch();
  Window window(bench.sampler.get(), bench.clock);
  window.Begin();
  bench.Pass(0.1);
  bench.meter->Freeze();
  bench.Pass(0.1);
  const TimePoint before = bench.clock.Now();
  EXPECT_FALSE(window.End().total);
  window.Begin();
  EXPECT_LT(SecondsBetween(before, bench.clock.Now()), 0.05);
}

TEST(WindowTest, ASlowCounterThatStandsStillGivesNoJoules) {
  Bench bench(10, Counter(0.1, 0, 1e-3));
  bench.Watch();
  bench.Pass(0.5);
  bench.meter->Freeze();
  Window window(bench.sampler.get(), bench.clock);
  window.Begin();
  bench.Pass(1);
  EXPECT_FALSE(window.End().total);
}

// The first tick after the begin of the work comes late: the value is older than a tick then.
TEST(WindowTest, ACounterThatStoodStillAtTheBeginIsBoundedByTheTimeItStood) {
  Bench bench(10);
  bench.Watch();
  Window window(bench.sampler.get(), bench.clock);
  bench.Pass(0.0137);
  bench.meter->Freeze();
  window.Begin();
  const TimePoint begin = bench.clock.Now();
  bench.meter->Thaw();
  bench.Pass(0.5);
  const TimePoint end = bench.clock.Now();
  const WindowEnergy energy = window.End();
  ASSERT_TRUE(energy.total);
  EXPECT_LE(std::abs(energy.total->joules - bench.TrueJoules(begin, end)), energy.total->err_j);
}

// Two domains on one meter, and one that is switched off while it is not used.
TEST(WindowTest, DomainsAreAddedUpAndARestingOneIsZero) {
  SimulatedClock clock;
  SimulatedMachine cpu(clock, 30);
  SimulatedMachine dram(clock, 5);
  SimulatedMachine ane(clock, 0);
  SimulatedCounter resting{&ane, "ane", 0.001, 0, 1e-3, kAnePart};
  resting.may_rest = true;
  auto made = std::make_unique<SimulatedMeter>(
      std::vector<SimulatedCounter>{{&cpu, "cpu", 0.001, 0, 61e-6},
                                    {&dram, "dram", 0.001, 0.0004, 15e-6, kDramPart},
                                    resting},
      clock, &clock, 4e-6);
  const Watched watched = Characterise(*made, clock);
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_TRUE(watched.frozen.empty());
  made->SetBehaviour(*watched.behaviour, watched.frozen);
  MeterSet meters;
  meters.meters.push_back(std::move(made));
  EXPECT_EQ(meters.DomainNames(), (std::vector<std::string>{"cpu", "dram", "ane"}));
  EXPECT_EQ(meters.Covered(), kCpuPart | kDramPart | kAnePart);
  Sampler sampler(meters, clock);
  Window window(&sampler, clock);
  window.Begin();
  clock.Advance(1);
  const WindowEnergy energy = window.End();
  ASSERT_EQ(energy.domains.size(), 3u);
  EXPECT_NEAR(energy.domains[0].energy.joules, 30, energy.domains[0].energy.err_j);
  EXPECT_NEAR(energy.domains[1].energy.joules, 5, energy.domains[1].energy.err_j);
  EXPECT_LE(energy.domains[2].energy.joules, 1e-3);
  ASSERT_TRUE(energy.total);
  EXPECT_NEAR(energy.total->joules, 35, energy.total->err_j);
  EXPECT_LT(energy.total->err_j, 0.02);
}

// macOS 27: a GPU's counter is live, that of the CPU beside it comes in batches.
TEST(WindowTest, AMeterTicksAsItsSlowestCounterDoes) {
  SimulatedClock clock;
  SimulatedMachine cpu(clock, 30);
  SimulatedMachine gpu(clock, 5);
  SimulatedCounter batched{&cpu, "cpu", 1.7, 0.3, 1e-3};
  batched.stamped = true;
  SimulatedCounter live{&gpu, "gpu", 1e-4, 0, 1e-9, kGpuPart};
  live.stamped = live.may_rest = true;
  auto made = std::make_unique<SimulatedMeter>(std::vector<SimulatedCounter>{batched, live}, clock,
                                               &clock, 3e-4);
  const Watched watched = Characterise(*made, clock, {.longest_s = 10});
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_NEAR(watched.behaviour->tick_s, 1.7, 0.01);
  EXPECT_NEAR(watched.behaviour->longest_tick_s, 1.7, 0.01);
  made->SetBehaviour(*watched.behaviour, watched.frozen);
  MeterSet meters;
  meters.meters.push_back(std::move(made));
  Sampler sampler(meters, clock);
  const std::function<void()> work = [&] {
    for (int read = 0; read < 20; ++read) {
      sampler.Step();
      clock.Advance(0.001);
    }
  };
  Window window(&sampler, clock);
  window.Begin(&work);
  for (int call = 0; call < 100; ++call) work();
  int64_t calls = 0;
  const WindowEnergy energy = window.End(work, {.error = 0.02, .longest_s = 20}, &calls);
  ASSERT_TRUE(energy.total);
  EXPECT_NEAR(energy.total->joules, 35 * energy.elapsed_s, energy.total->err_j);
  EXPECT_LT(energy.total->err_j, 0.05 * energy.total->joules);
}

}  // namespace
}  // namespace wattline::energy::energy_window_test
