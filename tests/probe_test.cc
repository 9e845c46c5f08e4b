// The energy probe in real runs of Google Benchmark, with a simulated meter.
#include "benchmarks/probe.h"

#include <benchmark/benchmark.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "energy/simulated.h"
#include "energy/watch.h"

namespace wattline::benchmarks {
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

}  // namespace
}  // namespace wattline::benchmarks
