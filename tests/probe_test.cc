// The energy probe in real runs of Google Benchmark, with a simulated meter.
#include "benchmarks/probe.h"

#include <benchmark/benchmark.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "energy/simulated.h"
#include "energy/watch.h"

namespace wattline::benchmarks::probe_test {
namespace {

constexpr double kWork_w = 40;
constexpr double kIdle_w = 10;
constexpr double kIteration_s = 0.003;  // by the simulated clock

// Keeps what Google Benchmark reports.
class Keeper : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& report) override {
    runs.insert(runs.end(), report.begin(), report.end());
  }
  std::vector<Run> runs;
};

class ProbeTest : public testing::Test {
 protected:
  ProbeTest() : machine_(clock_, kIdle_w) {
    auto made = std::make_unique<energy::SimulatedMeter>(
        std::vector<energy::SimulatedCounter>{{&machine_, "cpu", 0.001, 0.0002, 61e-6}}, clock_,
        &clock_, 4e-6);
    meter_ = made.get();
    const energy::Watched watched = energy::Characterise(*made, clock_);
    made->SetBehaviour(*watched.behaviour);
    meters_.meters.push_back(std::move(made));
    sampler_ = std::make_unique<energy::Sampler>(meters_, clock_);
  }

  // One benchmark whose loop draws kWork_w for kIteration_s per iteration.
  benchmark::internal::Benchmark* Register(energy::Sampler* sampler) {
    benchmark::ClearRegisteredBenchmarks();
    return benchmark::RegisterBenchmark("work", [this, sampler](benchmark::State& state) {
      EnergyProbe probe(sampler, clock_);
      clock_.Advance(0.0123);  // preparation that must not be counted
      probe.Begin();
      machine_.SetPower(kWork_w);
      for (auto _ : state) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(100);
        while (std::chrono::steady_clock::now() < until) {
        }
        clock_.Advance(kIteration_s);
      }
      measured_.push_back(probe.End(state.iterations()));
      machine_.SetPower(kIdle_w);
      iterations_.push_back(state.iterations());
      SetEnergyCounters(measured_.back(), state.counters);
    });
  }
  std::vector<benchmark::BenchmarkReporter::Run> Run() {
    Keeper keeper;
    benchmark::RunSpecifiedBenchmarks(&keeper);
    return keeper.runs;
  }

  energy::SimulatedClock clock_;
  energy::SimulatedMachine machine_;
  energy::SimulatedMeter* meter_ = nullptr;
  energy::MeterSet meters_;
  std::vector<Measured> measured_;
  std::vector<int64_t> iterations_;
  std::unique_ptr<energy::Sampler> sampler_;
};

TEST_F(ProbeTest, CountersAreThoseOfTheLastCalibrationCall) {
  Register(sampler_.get())->MinTime(0.02);
  const auto runs = Run();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_GT(iterations_.size(), 2u);  // 1, 10, 100 ...: Google Benchmark looks for its number
  const benchmark::UserCounters& counters = runs[0].counters;
  ASSERT_EQ(counters.count("joules"), 1u);
  EXPECT_EQ(counters.at("joules").value, *measured_.back().joules);
  EXPECT_EQ(static_cast<int64_t>(runs[0].iterations), iterations_.back());
  const double true_j = kWork_w * kIteration_s;
  EXPECT_NEAR(counters.at("joules").value, true_j, counters.at("joules_err").value);
  // A quarter tick of 40 W over all iterations.
  EXPECT_LT(counters.at("joules_err").value,
            0.5 * 0.001 * kWork_w / static_cast<double>(iterations_.back()));
  EXPECT_NEAR(counters.at("watts").value, kWork_w, 1);
  EXPECT_EQ(counters.at("J:cpu").value, counters.at("joules").value);
}

TEST_F(ProbeTest, EveryRepetitionHasItsOwnEnergy) {
  Register(sampler_.get())->Iterations(50)->Repetitions(3);
  const auto runs = Run();
  std::vector<double> joules;
  for (const auto& run : runs) {
    if (run.run_type != benchmark::BenchmarkReporter::Run::RT_Iteration) continue;
    joules.push_back(run.counters.at("joules").value);
    EXPECT_NEAR(joules.back(), kWork_w * kIteration_s, run.counters.at("joules_err").value);
  }
  ASSERT_EQ(joules.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(joules[i], *measured_[i].joules);
}

TEST_F(ProbeTest, TheTimeIsTheLoopsAlone) {
  Register(sampler_.get())->Iterations(7);
  Run();
  ASSERT_EQ(measured_.size(), 1u);
  EXPECT_NEAR(measured_[0].elapsed_s, 7 * kIteration_s, 1e-9);
}

TEST_F(ProbeTest, AShortLoopIsFlagged) {
  Register(sampler_.get())->Iterations(6);  // 18 ticks
  Run();
  EXPECT_TRUE(measured_.back().short_window);
  Register(sampler_.get())->Iterations(7);
  Run();
  EXPECT_FALSE(measured_.back().short_window);
}

TEST_F(ProbeTest, WithoutAMeterThereAreTimesAndNoCounters) {
  Register(nullptr)->Iterations(7);
  const auto runs = Run();
  EXPECT_TRUE(runs.at(0).counters.empty());
  EXPECT_NEAR(measured_[0].elapsed_s, 7 * kIteration_s, 1e-9);
  EXPECT_FALSE(measured_[0].joules);
  const energy::MeterSet none;
  EXPECT_TRUE(EnergyCounterNames(&none).empty());
  EXPECT_TRUE(EnergyCounterNames(nullptr).empty());
}

TEST_F(ProbeTest, ALostReadingLeavesItsCountersOutInsteadOfZero) {
  meter_->Break();
  Register(sampler_.get())->Iterations(7);
  const auto runs = Run();
  EXPECT_TRUE(runs.at(0).counters.empty());
}

TEST_F(ProbeTest, NamesAreThoseOfTheMetersInUse) {
  EXPECT_EQ(EnergyCounterNames(&meters_),
            (std::vector<std::string>{"joules", "joules_err", "watts", "peak_watts", "J:cpu"}));
}

TEST_F(ProbeTest, NoNanAndNoInfinityBecomesACounter) {
  Measured measured;
  measured.joules = std::numeric_limits<double>::quiet_NaN();
  measured.joules_err = std::numeric_limits<double>::infinity();
  measured.watts = 3;
  benchmark::UserCounters counters;
  SetEnergyCounters(measured, counters);
  ASSERT_EQ(counters.size(), 1u);
  EXPECT_EQ(counters.begin()->first, "watts");
}

TEST_F(ProbeTest, AddedIterationsCountAndNarrowTheBound) {
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark("work", [this](benchmark::State& state) {
    machine_.SetPower(kWork_w);
    const std::function<void()> work = [this] { clock_.Advance(kIteration_s); };
    EnergyProbe probe(sampler_.get(), clock_);
    probe.Begin(&work);
    for (auto _ : state) work();
    measured_.push_back(probe.End(state.iterations(), work, {.error = 1e-4, .longest_s = 10}));
  })->Iterations(1);
  Run();
  EXPECT_GT(measured_[0].iterations, 10);
  EXPECT_LE(*measured_[0].joules_err, 1e-4 * *measured_[0].joules);
  EXPECT_NEAR(*measured_[0].joules, kWork_w * kIteration_s, *measured_[0].joules_err);
  EXPECT_NEAR(measured_[0].elapsed_s, kIteration_s * static_cast<double>(measured_[0].iterations),
              1e-4);  // reading the meter takes time too
}

TEST_F(ProbeTest, PausedWorkIsNotCounted) {
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark("work", [this](benchmark::State& state) {
    ProbedLoop loop(state, sampler_.get(), clock_);
    for (auto _ : loop) {
      machine_.SetPower(kWork_w);
      clock_.Advance(0.2);
      loop.PauseTiming();
      machine_.SetPower(10 * kWork_w);
      clock_.Advance(0.1);
      loop.ResumeTiming();
    }
    measured_.push_back(loop.Report());
  })->Iterations(5);
  const auto runs = Run();
  EXPECT_NEAR(measured_[0].paused_s, 5 * 0.1, 1e-3);
  EXPECT_NEAR(measured_[0].elapsed_s, 5 * 0.2, 1e-3);
  EXPECT_NEAR(runs.at(0).counters.at("joules").value, kWork_w * 0.2,
              runs.at(0).counters.at("joules_err").value);
}

// With the real clock, since Google Benchmark's barriers are real.
TEST(ProbedLoopTest, ThreadZeroMeasuresFromTheStartBarrierToTheSlowestThread) {
  energy::SimulatedMachine machine(energy::RealClock(), 40);
  energy::MeterSet meters;
  meters.meters.push_back(std::make_unique<energy::SimulatedMeter>(
      std::vector<energy::SimulatedCounter>{{&machine, "cpu"}}, energy::RealClock()));
  const energy::Watched watched =
      energy::Characterise(*meters.meters[0], energy::RealClock(), {.longest_s = 10});
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  meters.meters[0]->SetBehaviour(*watched.behaviour);
  energy::Sampler sampler(meters);
  sampler.StartThread();
  constexpr auto kPreparation = std::chrono::milliseconds(600);
  constexpr auto kSlow = std::chrono::milliseconds(100);
  Measured measured;
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark("threads",
                               [&](benchmark::State& state) {
                                 if (state.thread_index() == 1)
                                   std::this_thread::sleep_for(kPreparation);
                                 ProbedLoop loop(state, &sampler);
                                 for (auto _ : loop) {
                                   if (state.thread_index() == 1)
                                     std::this_thread::sleep_for(kSlow);
                                 }
                                 const Measured own = loop.Report();
                                 if (state.thread_index() == 0) measured = own;
                               })
      ->Threads(2)
      ->Iterations(2);
  Keeper keeper;
  benchmark::RunSpecifiedBenchmarks(&keeper);
  EXPECT_GE(measured.elapsed_s, 0.2);
  EXPECT_LT(measured.elapsed_s, 0.6);  // the other thread's preparation is not in it
  EXPECT_EQ(measured.iterations, 4);   // of both threads
  const auto& counters = keeper.runs.at(0).counters;
  // Set by one thread only: Google Benchmark adds up what threads set.
  EXPECT_EQ(counters.at("joules").value, *measured.joules);
  EXPECT_NEAR(*measured.joules, 40 * measured.elapsed_s / 4, *measured.joules_err);
}

}  // namespace
}  // namespace wattline::benchmarks::probe_test
