// The whole way from powermetrics to a row of results: a child process replays its samples, each
// when a simulated clock reaches the sample's end, and each domain becomes the row's own column.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/probe.h"
#include "energy/powermetrics.h"
#include "energy/sampler.h"
#include "energy/simulated.h"
#include "energy/watch.h"
#include "tests/folder_test.h"
#include "tests/powermetrics_documents.h"

namespace wattline::energy::powermetrics_columns_test {
namespace {

// What a row that Core ML runs has to be covered by.
constexpr Parts kUnits = kCpuPart | kGpuPart | kAnePart;

// Time passes from the start of the program to its first sample, though nobody sleeps on this
// clock.
class OpeningClock : public SimulatedClock {
 public:
  explicit OpeningClock(double first_sample_s) : first_sample_s_(first_sample_s) {}
  TimePoint Now() override {
    if (calls_++ == 1) Advance(first_sample_s_);
    return SimulatedClock::Now();
  }

 private:
  double first_sample_s_;
  int calls_ = 0;
};

// One sample as the program prints it.
struct Printed {
  double elapsed_s;
  std::string document;
};

// Lets the child print what is due before each reading.
class Replayed : public Meter {
 public:
  // `pipe` is what the child copies; it has printed the first sample, which ended just now.
  Replayed(std::unique_ptr<Meter> meter, std::vector<Printed> samples, int pipe,
           SimulatedClock& clock)
      : Meter(meter->info()),
        meter_(std::move(meter)),
        samples_(std::move(samples)),
        pipe_(pipe),
        clock_(clock),
        next_(1 % samples_.size()),
        due_(Later(clock.Now(), samples_[next_].elapsed_s)) {}

  Reading Read() override {
    clock_.Advance(0.0002);
    while (due_ <= clock_.Now() && Play()) {
      next_ = (next_ + 1) % samples_.size();
      due_ = Later(due_, samples_[next_].elapsed_s);
    }
    return meter_->Read();
  }

 private:
  // Real time passes until the child has copied it: 20 s at the most, which no child takes.
  bool Play() {
    const auto before = meter_->Read().values[0]->published;
    const std::string text = samples_[next_].document + '\0';
    if (::write(pipe_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return false;
    for (int wait = 0; wait < 200'000; ++wait) {
      const Reading reading = meter_->Read();
      if (!reading.values[0]) return false;
      if (reading.values[0]->published != before) return true;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return false;
  }

  std::unique_ptr<Meter> meter_;
  std::vector<Printed> samples_;
  int pipe_;
  SimulatedClock& clock_;
  size_t next_;
  TimePoint due_;
};

class PowermetricsColumnsTest : public FolderTest {
 protected:
  void TearDown() override {
    if (pipe_ >= 0) ::close(pipe_);
    FolderTest::TearDown();
  }

  // The meters of a machine on which powermetrics prints these samples again and again.
  void Open(const std::vector<Printed>& samples) {
    std::filesystem::create_directories(Path("usr/bin"));
    ASSERT_EQ(::mkfifo(Path("samples").c_str(), 0600), 0);
    pipe_ = ::open(Path("samples").c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(pipe_, 0);
    std::filesystem::permissions(
        Write("usr/bin/powermetrics", fmt::format("#!/bin/sh\nexec cat '{}'\n", Path("samples"))),
        std::filesystem::perms::owner_all);
    const std::string first = samples[0].document + '\0';
    ASSERT_EQ(::write(pipe_, first.data(), first.size()), static_cast<ssize_t>(first.size()));
    // The program itself takes 30 ms to start.
    clock_ = std::make_unique<OpeningClock>(0.03 + samples[0].elapsed_s);
    MeterOptions options;
    options.root = Path("");
    options.clock = clock_.get();
    Opened opened = OpenPowermetrics(options);
    ASSERT_TRUE(opened.meter) << opened.why_not;
    auto meter = std::make_unique<Replayed>(std::move(opened.meter), samples, pipe_, *clock_);
    const Watched watched = Characterise(*meter, *clock_);
    ASSERT_TRUE(watched.behaviour) << watched.why_not;
    EXPECT_TRUE(watched.frozen.empty()) << "a neural engine that rests is not frozen";
    meter->SetBehaviour(*watched.behaviour, watched.frozen);
    meters_.meters.push_back(std::move(meter));
  }

  // A row of work that takes 20 ms, measured as a fixture measures it, until joules_err is this
  // share of joules.
  void MeasureRow(double error) {
    Sampler sampler(meters_, *clock_);
    const std::function<void()> work = [&] {
      for (const TimePoint end = Later(clock_->Now(), 0.02); clock_->Now() < end;) {
        sampler.Step();
        clock_->Advance(0.001);
      }
    };
    for (int call = 0; call < 50; ++call) work();
    benchmarks::EnergyProbe probe(&sampler, *clock_);
    probe.Begin(&work);
    for (int call = 0; call < 100; ++call) work();
    measured_ = probe.End(100, work, {.error = error, .longest_s = 30});
    benchmarks::SetEnergyCounters(measured_, row_);
    EXPECT_LE(Total_j("joules_err"), error * Total_j("joules"));
  }
  // Of the window, in joules.
  double Total_j(const std::string& column) const {
    const auto found = row_.find(column);
    if (found == row_.end()) ADD_FAILURE() << "no column " << column;
    if (found == row_.end()) return 0;
    return found->second.value * static_cast<double>(measured_.iterations);
  }
  // The columns' means in watts, each with the most by which the energy of a window can differ from
  // that of the mean; and no other columns.
  struct Truth {
    double mean_w;
    double swing_j;
  };
  void ExpectColumns(const std::map<std::string, Truth>& columns) const {
    const double err_j = Total_j("joules_err");
    double sum_j = 0;
    for (const auto& [name, truth] : columns) {
      EXPECT_NEAR(Total_j(name), truth.mean_w * measured_.elapsed_s, err_j + truth.swing_j) << name;
      sum_j += Total_j(name);
    }
    EXPECT_NEAR(Total_j("joules"), sum_j, 1e-9 * sum_j);
    for (const auto& [name, counter] : row_) {
      EXPECT_TRUE(!name.starts_with("J:") || columns.contains(name)) << name;
    }
  }

  int pipe_ = -1;
  std::unique_ptr<OpeningClock> clock_;
  MeterSet meters_;
  benchmarks::Measured measured_;
  benchmark::UserCounters row_;
};

TEST_F(PowermetricsColumnsTest, ARecordingBecomesAColumnForEachOfItsDomains) {
  std::vector<Printed> samples;
  double period_s = 0;
  for (const RecordedSample& sample : kM1Recording) {
    samples.push_back({1e-9 * static_cast<double>(sample.elapsed_ns), MacOs12Document(sample)});
    period_s += samples.back().elapsed_s;
  }
  // Energy so far less that of the mean, at the samples' ends: a window's energy differs from the
  // mean's by no more than this ranges over, since power is constant within a sample.
  const auto truth = [&](uint64_t RecordedSample::*mj) {
    double mean_w = 0;
    for (const RecordedSample& sample : kM1Recording) {
      mean_w += 1e-3 * static_cast<double>(sample.*mj) / period_s;
    }
    double ahead_j = 0, least_j = 0, most_j = 0;
    for (size_t i = 0; i < samples.size(); ++i) {
      ahead_j += 1e-3 * static_cast<double>(kM1Recording[i].*mj) - mean_w * samples[i].elapsed_s;
      least_j = std::min(least_j, ahead_j);
      most_j = std::max(most_j, ahead_j);
    }
    return Truth{mean_w, most_j - least_j};
  };
  Open(samples);
  if (HasFatalFailure()) return;
  EXPECT_EQ(meters_.Covered(), kUnits | kDramPart);
  // Samples of 48 mJ, in which four domains are rounded to 1 mJ: up to 8 %.
  MeasureRow(0.1);
  ExpectColumns({{"J:cpu", truth(&RecordedSample::cpu_mj)},
                 {"J:gpu", truth(&RecordedSample::gpu_mj)},
                 {"J:dram", truth(&RecordedSample::dram_mj)},
                 {"J:ane", {0, 0}}});
  EXPECT_LT(Total_j("J:ane"), 1e-3) << "more than the meter's step";
}

// No recording of a neural engine at work is known: three watts in samples as macOS 13 and later
// print them, which have no memory.
TEST_F(PowermetricsColumnsTest, ANeuralEngineAtWorkHasItsOwnColumn) {
  constexpr double kSample_s = 0.258;
  Open({{kSample_s, SampleDocument(258'000'000, 516, 129, 774)}});
  if (HasFatalFailure()) return;
  EXPECT_EQ(meters_.Covered(), kUnits);
  MeasureRow(0.02);
  ExpectColumns({{"J:cpu", {0.516 / kSample_s, 0}},
                 {"J:gpu", {0.129 / kSample_s, 0}},
                 {"J:ane", {0.774 / kSample_s, 0}}});
}

}  // namespace
}  // namespace wattline::energy::powermetrics_columns_test
