// The sampler's background thread, its time series and what it costs to read.
#include "energy/sampler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "energy/idle.h"
#include "energy/simulated.h"
#include "energy/watch.h"
#include "energy/window.h"

namespace wattline::energy::sampler_test {
namespace {

struct Row {
  std::string domain;
  std::string phase;
  std::string work;
  Segment segment;
};

// A meter on a simulated machine that follows `clock`.
struct Bench {
  Bench(Clock& clock, SimulatedCounter counter, double watts, SimulatedClock* moved = nullptr,
        double read_cost_s = 0)
      : machine(clock, watts) {
    counter.machine = &machine;
    auto made = std::make_unique<SimulatedMeter>(std::vector<SimulatedCounter>{counter}, clock,
                                                 moved, read_cost_s);
    meter = made.get();
    meters.meters.push_back(std::move(made));
    const Watched watched = Characterise(*meter, clock, {.longest_s = 10});
    EXPECT_TRUE(watched.behaviour) << watched.why_not;
    meter->SetBehaviour(*watched.behaviour);
  }
  SimulatedMachine machine;
  SimulatedMeter* meter;
  MeterSet meters;
};

SimulatedCounter SlowCounter() {
  SimulatedCounter counter;
  counter.tick_s = 0.05;
  counter.lsb_j = 1e-3;
  return counter;
}

// A meter whose second reading takes until the work has gone on under it, and a second at most.
class DearMeter : public Meter {
 public:
  DearMeter() : Meter(Info()) {}

  Reading Read() override {
    const TimePoint start = RealClock().Now();
    const bool is_second = ++reads_ == 2;
    const int calls = calls_;
    // A call that had begun before does not count.
    const auto went_on = [&] { return calls_ > calls + 1; };
    while (is_second && !went_on() && SecondsBetween(start, RealClock().Now()) < 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (is_second) work_went_on_ = went_on();
    Reading reading;
    reading.before = reading.after = RealClock().Now();
    reading.values = {Value{.joules = 1.0 * reads_}};
    return reading;
  }
  void CountCall() { ++calls_; }
  bool work_went_on() const { return work_went_on_; }

 private:
  static MeterInfo Info() {
    MeterInfo info;
    info.name = "dear";
    info.domains = {{.name = "gpu", .scope = "", .parts = kGpuPart}};
    return info;
  }
  std::atomic<int> calls_ = 0;
  std::atomic<int> reads_ = 0;
  std::atomic<bool> work_went_on_ = false;
};

// It takes 2 to 3 ms to read an H200's counter: a GPU that waited for that stood still.
TEST(SamplerTest, TheWorkGoesOnWhileAMeterIsRead) {
  MeterSet meters;
  auto made = std::make_unique<DearMeter>();
  DearMeter& meter = *made;
  Behaviour behaviour;
  behaviour.tick_s = behaviour.longest_tick_s = 0.05;
  behaviour.read_cost_s = 1e-3;
  meter.SetBehaviour(behaviour);
  meters.meters.push_back(std::move(made));
  Sampler sampler(meters);
  sampler.StartThread();
  sampler.CatchSlow([&meter] {
    meter.CountCall();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  EXPECT_TRUE(meter.work_went_on());
}

// The work and the reading really happen at the same time.
TEST(SamplerTest, TheThreadCatchesASlowMetersTicksWhileTheCallerWorks) {
  Bench bench(RealClock(), SlowCounter(), 40);
  Sampler sampler(bench.meters);
  sampler.StartThread();
  const std::function<void()> work = [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  };
  Window window(&sampler);
  window.Begin(&work);
  for (int i = 0; i < 100; ++i) work();
  int64_t calls = 0;
  const WindowEnergy energy = window.End(work, {.error = 0.02, .longest_s = 20}, &calls);
  ASSERT_TRUE(energy.total);
  EXPECT_NEAR(energy.total->joules, 40 * energy.elapsed_s, energy.total->err_j);
  EXPECT_LE(energy.total->err_j, 0.02 * energy.total->joules);
  // Where something else kept the thread from its samples there is no peak; with a simulated clock
  // energy_window_test asks for one.
  if (energy.peak_w) {
    EXPECT_NEAR(*energy.peak_w, 40, 8);
  }
}

TEST(SamplerTest, ADearMeterIsReadLessOften) {
  SimulatedClock clock;
  // 5 ms a read: at most 2 % of a core's time is one read each quarter of a second.
  Bench bench(clock, SlowCounter(), 40, &clock, 5e-3);
  SamplerOptions options;
  options.most_share = 0.02;
  Sampler sampler(bench.meters, clock, std::move(options));
  const int before = bench.meter->reads();
  const TimePoint begin = clock.Now();
  while (SecondsBetween(begin, clock.Now()) < 60) {
    const TimePoint due = sampler.Step();
    if (due > clock.Now()) clock.Advance(SecondsBetween(clock.Now(), due));
  }
  const double share = 5e-3 * (bench.meter->reads() - before) / 60;
  EXPECT_LT(share, 0.025);
  EXPECT_GT(share, 0.002);
}

// A counter of 65.5 kJ wraps each 3.6 minutes at 300 W: the thread's reads keep its count.
TEST(SamplerTest, NoMeterIsLeftUnreadForLong) {
  SimulatedClock clock;
  Bench bench(clock, SimulatedCounter{}, 300, &clock, 1e-5);
  Sampler sampler(bench.meters, clock);
  double longest_s = 0;
  const TimePoint begin = clock.Now();
  TimePoint last = begin;
  int reads = bench.meter->reads();
  while (SecondsBetween(begin, clock.Now()) < 30) {
    const TimePoint due = sampler.Step();
    if (bench.meter->reads() != reads) {
      longest_s = std::max(longest_s, SecondsBetween(last, clock.Now()));
      last = clock.Now();
      reads = bench.meter->reads();
    }
    clock.Advance(std::max(1e-6, SecondsBetween(clock.Now(), due)));
  }
  EXPECT_LT(longest_s, 0.1);
}

TEST(SamplerTest, TheTraceHoldsAllEnergyAndItsPhases) {
  SimulatedClock clock;
  Bench bench(clock, SimulatedCounter{}, 20, &clock, 4e-6);
  std::vector<Row> rows;
  SamplerOptions options;
  options.trace = [&rows](const TraceRow& row) {
    rows.push_back(
        {std::string(row.domain), std::string(row.phase), std::string(row.work), row.segment});
  };
  Sampler sampler(bench.meters, clock, std::move(options));
  const auto pass = [&](double seconds) {
    const TimePoint end = Later(clock.Now(), seconds);
    while (clock.Now() < end) {
      const TimePoint due = std::min(end, sampler.Step());
      clock.Advance(std::max(1e-6, SecondsBetween(clock.Now(), due)));
    }
  };
  pass(0.5);
  bench.machine.SetPower(80);
  sampler.SetPhase("prefill", "decode/x");
  pass(0.7);
  bench.machine.SetPower(50);
  sampler.SetPhase("decode", "decode/x");
  pass(0.6);
  sampler.SetPhase("", "");
  ASSERT_GT(rows.size(), 20u);
  double sum_j = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Segment& s = rows[i].segment;
    sum_j += s.watts * SecondsBetween(s.begin, s.end);
    if (i > 0) {
      EXPECT_EQ(s.begin, rows[i - 1].segment.end);
    }
    EXPECT_EQ(rows[i].domain, "cpu");
    if (rows[i].phase == "prefill") {
      EXPECT_NEAR(s.watts, 80, 3);
      EXPECT_EQ(rows[i].work, "decode/x");
    }
    if (rows[i].phase == "decode") {
      EXPECT_NEAR(s.watts, 50, 3);
    }
  }
  const double true_j = bench.machine.JoulesAt(rows.back().segment.end) -
                        bench.machine.JoulesAt(rows.front().segment.begin);
  EXPECT_NEAR(sum_j, true_j, 0.002 * true_j);
  EXPECT_EQ(rows.back().phase, "decode");
}

TEST(SamplerTest, IdlePowerIsThatOfTheSleepingMachine) {
  Bench bench(RealClock(), SimulatedCounter{}, 12);
  Sampler sampler(bench.meters);
  sampler.StartThread();
  const std::optional<IdlePower> idle = MeasureIdle(sampler);
  ASSERT_TRUE(idle);
  EXPECT_NEAR(idle->watts, 12, idle->err_w);
  EXPECT_LT(idle->err_w, 1);
  bench.meter->Break();
  EXPECT_FALSE(MeasureIdle(sampler));
}

}  // namespace
}  // namespace wattline::energy::sampler_test
