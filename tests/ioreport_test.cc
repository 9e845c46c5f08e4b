// Apple's IOReport through a fake library: joules, publication stamps, ownership, what is missing.
#include "energy/ioreport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/probe.h"
#include "energy/sampler.h"
#include "energy/simulated.h"
#include "energy/watch.h"
#include "energy/window.h"
#include "tests/apple_chips.h"
#include "tests/fakes/loaded_apple.h"

namespace wattline::energy::ioreport_test {
namespace {

class IoReportTest : public testing::Test {
 protected:
  IoReportTest() { Fake() = FakeApple(); }
  ~IoReportTest() override {
    meter_.reset();
    EXPECT_EQ(Fake().objects, 0) << "references that were never released";
  }

  static MeterOptions Options() {
    MeterOptions options;
    options.ioreport_library = WATTLINE_FAKE_APPLE;
    options.core_foundation_library = WATTLINE_FAKE_APPLE;
    return options;
  }
  // The counts of `chip` are what it gains later: Gain() adds them.
  bool Open(Chip chip) {
    gains_.clear();
    for (FakeChannel& channel : chip) {
      gains_.push_back(channel.count);
      channel.count = 1'000'000'000'000;  // since the machine was started
    }
    Fake().channels = std::move(chip);
    Fake().Publish();
    MeterOptions options = Options();
    options.clock = &clock_;
    Opened opened = OpenIoReport(options);
    EXPECT_EQ(opened.why_not, "");
    meter_ = std::move(opened.meter);
    return meter_ != nullptr;
  }
  void Gain() {
    for (size_t i = 0; i < gains_.size(); ++i) Fake().channels[i].count += gains_[i];
  }
  void Pass(double seconds) {
    clock_.Advance(seconds);
    Fake().ticks += static_cast<uint64_t>(seconds * 24e6 + 0.5);
  }
  // The mJ channels are published by Publish() only, as on macOS 27; that of the GPU is live.
  static void Batch() {
    for (FakeChannel& channel : Fake().channels) channel.live = channel.name == "GPU Energy";
  }
  size_t Place(const std::string& domain) const {
    const std::vector<Domain>& domains = meter_->info().domains;
    return static_cast<size_t>(std::find_if(domains.begin(), domains.end(),
                                            [&](const Domain& d) { return d.name == domain; }) -
                               domains.begin());
  }
  std::optional<double> Gained(const Reading& begin, const Reading& end,
                               const std::string& domain) {
    return Difference(begin, end, Place(domain));
  }
  std::optional<Value> ValueOf(const Reading& reading, const std::string& domain) {
    return reading.values.at(Place(domain));
  }
  // How long before now the value was published.
  std::optional<double> Age_s(const Reading& reading, const std::string& domain) {
    const std::optional<Value> value = ValueOf(reading, domain);
    if (!value || !value->published) return std::nullopt;
    return SecondsBetween(*value->published, clock_.Now());
  }

  SimulatedClock clock_;
  std::unique_ptr<Meter> meter_;
  std::vector<int64_t> gains_;
};

TEST_F(IoReportTest, RecordedDeltasOfAnM4ProGiveItsJoules) {
  ASSERT_TRUE(Open(M4Pro()));
  const Reading begin = meter_->Read();
  Pass(1);
  Gain();
  const Reading end = meter_->Read();
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "cpu"), 2.118);
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "gpu"), 0.080707304);
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "ane"), 0);
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "dram"), 0.078);
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "ecpu"), 0.005);
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "pcpu"), 2.123);
}

TEST_F(IoReportTest, TheLoggedBatchOfAnM1UltraIsTheSumOfItsDies) {
  ASSERT_TRUE(Open(M1Ultra()));
  const Reading begin = meter_->Read();
  Pass(1.7253);
  Gain();
  const Reading end = meter_->Read();
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "cpu"), 25.329);  // 14.68 W over 1.7253 s
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "dram"), 6.733);
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "ane"), 0.312);
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "gpu"), 0.0313852);
}

TEST_F(IoReportTest, TheMeterTellsWhatItsNumbersAre) {
  ASSERT_TRUE(Open(M1Ultra()));
  const MeterInfo& info = meter_->info();
  EXPECT_EQ(info.name, "ioreport");
  EXPECT_EQ(info.kind, Kind::kModelled);
  EXPECT_NE(info.note.find("estimates, not to be compared between devices"), std::string::npos);
  EXPECT_DOUBLE_EQ(*info.lsb_j, 4e-3);  // four performance clusters of 1 mJ
  EXPECT_GE(*info.expected_tick_s, 2.23);
  EXPECT_EQ(info.domains[0].scope, "all CPU clusters (2 counters)");
  EXPECT_EQ(info.domains[3].scope, "memory, outside Apple's package power (2 counters)");
}

TEST_F(IoReportTest, OnlyTheNeededChannelsAreSubscribed) {
  ASSERT_TRUE(Open(M1Ultra()));
  EXPECT_EQ(Fake().subscribed,
            (std::vector<std::string>{"DIE_0_CPU Energy", "DIE_1_CPU Energy", "GPU Energy",
                                      "ANE0_0", "ANE0_1", "DRAM0_0", "DRAM0_1", "DIE_0_EACC_CPU",
                                      "DIE_1_EACC_CPU", "DIE_0_PACC0_CPU", "DIE_0_PACC1_CPU",
                                      "DIE_1_PACC0_CPU", "DIE_1_PACC1_CPU", "GPU SRAM0_0"}));
}

TEST_F(IoReportTest, ChannelsAreFoundByNameWhateverTheirOrder) {
  ASSERT_TRUE(Open(M4Pro()));
  const Reading begin = meter_->Read();
  Fake().reversed = true;
  Gain();
  EXPECT_DOUBLE_EQ(*Gained(begin, meter_->Read(), "cpu"), 2.118);
}

TEST_F(IoReportTest, TrailingBlanksOfUnitsAreNoUnits) {
  Chip chip = M4Pro();
  for (FakeChannel& channel : chip) channel.unit += "      ";
  ASSERT_TRUE(Open(std::move(chip)));
  const Reading begin = meter_->Read();
  Gain();
  EXPECT_DOUBLE_EQ(*Gained(begin, meter_->Read(), "gpu"), 0.080707304);
}

TEST_F(IoReportTest, AThousandReadsLeaveNothingBehind) {
  ASSERT_TRUE(Open(M1Ultra()));
  meter_->Read();
  const long held = Fake().objects;
  EXPECT_GT(held, 0);
  for (int read = 0; read < 1000; ++read) {
    Pass(0.001);
    Gain();
    if (read % 100 == 0) Fake().samples = !Fake().samples;
    meter_->Read();
  }
  EXPECT_EQ(Fake().objects, held);
}

TEST_F(IoReportTest, JoulesStayExactAfterManySmallGains) {
  Chip chip;
  Add(chip, "GPU Energy", 1, "nJ");
  ASSERT_TRUE(Open(std::move(chip)));
  const Reading begin = meter_->Read();
  Reading end = begin;
  for (int read = 0; read < 100'000; ++read) {
    Gain();
    end = meter_->Read();
  }
  EXPECT_DOUBLE_EQ(*Gained(begin, end, "gpu"), 1e-4);
}

TEST_F(IoReportTest, BatchesCarryTheTimeOfTheirPublication) {
  ASSERT_TRUE(Open(M1Ultra()));
  Batch();
  Pass(0.1);
  const Reading begin = meter_->Read();
  Pass(1.6253);
  Gain();
  Fake().Publish();
  Pass(0.0051);
  const Reading end = meter_->Read();
  EXPECT_NEAR(*Age_s(end, "cpu"), 0.0051, 1e-6);
  EXPECT_NEAR(*Age_s(end, "dram"), 0.0051, 1e-6);
  EXPECT_FALSE(Age_s(end, "gpu"));  // stamped as it is asked: the value of now
  const Value first = *ValueOf(begin, "cpu");
  const Value second = *ValueOf(end, "cpu");
  EXPECT_NEAR(SecondsBetween(*first.published, *second.published), 1.7253, 1e-6);
  EXPECT_NEAR((second.joules - first.joules) / 1.7253, 14.68, 0.005);
  // Between two batches neither the value nor its time changes, though the clocks drift apart.
  clock_.Advance(1);
  Fake().ticks += 24'001'000;
  Gain();
  const Reading later = meter_->Read();
  EXPECT_EQ(ValueOf(later, "cpu")->joules, second.joules);
  EXPECT_EQ(ValueOf(later, "cpu")->published, second.published);
  EXPECT_NE(ValueOf(later, "gpu")->joules, ValueOf(end, "gpu")->joules);
}

TEST_F(IoReportTest, AUnitOfTheClockIsTakenFromTheMachine) {
  Fake().numer = 1;  // 1 GHz, as on Intel
  Fake().denom = 1;
  ASSERT_TRUE(Open(M4()));
  Batch();
  Fake().ticks += 40'000'000;
  EXPECT_NEAR(*Age_s(meter_->Read(), "cpu"), 0.04, 1e-6);
}

TEST_F(IoReportTest, ASumOfOneDiesBatchAndNotTheOthersIsNeverShown) {
  ASSERT_TRUE(Open(M1Ultra()));
  Batch();
  Pass(0.1);
  const Reading begin = meter_->Read();
  Pass(2);
  Gain();
  FakeChannel& early = Fake().Find("DIE_0_CPU Energy");
  early.shown = early.count;
  early.stamp = Fake().ticks;
  const Reading half = meter_->Read();
  EXPECT_EQ(ValueOf(half, "cpu")->joules, ValueOf(begin, "cpu")->joules);
  EXPECT_EQ(ValueOf(half, "cpu")->published, ValueOf(begin, "cpu")->published);
  Pass(0.0002);
  FakeChannel& late = Fake().Find("DIE_1_CPU Energy");
  late.shown = late.count;
  late.stamp = Fake().ticks;
  const Reading whole = meter_->Read();
  EXPECT_DOUBLE_EQ(*Gained(begin, whole, "cpu"), 25.329);
  EXPECT_NEAR(*Age_s(whole, "cpu"), 0.0002, 1e-6);
}

TEST_F(IoReportTest, StampsThatCannotBeTrueAreNotBelieved) {
  ASSERT_TRUE(Open(M4Pro()));
  Batch();
  Pass(1);
  EXPECT_TRUE(Age_s(meter_->Read(), "cpu"));
  Pass(1);
  FakeChannel& cpu = Fake().Find("CPU Energy");
  cpu.shown += 5;  // the value moved, the stamp did not
  EXPECT_FALSE(Age_s(meter_->Read(), "cpu"));
  FakeChannel& dram = Fake().Find("DRAM");
  dram.stamp = Fake().ticks + 1;  // it is in the future
  EXPECT_FALSE(Age_s(meter_->Read(), "dram"));
  FakeChannel& ane = Fake().Find("ANE");
  ane.stamp -= 1;  // it went back
  EXPECT_FALSE(Age_s(meter_->Read(), "ane"));
  // Once is enough: later stamps of these are not believed either, those of others are.
  Pass(1);
  Fake().Publish();
  const Reading later = meter_->Read();
  for (const char* domain : {"cpu", "dram", "ane"}) {
    EXPECT_TRUE(ValueOf(later, domain)) << domain;
    EXPECT_FALSE(Age_s(later, domain)) << domain;
  }
  EXPECT_TRUE(Age_s(later, "ecpu"));
}

TEST_F(IoReportTest, AStampThatIsMadeByAskingIsNoTimeOfPublication) {
  ASSERT_TRUE(Open(M4Pro()));  // every channel is live, as before macOS 27
  for (int read = 0; read < 3; ++read) {
    Pass(0.1);
    Gain();
    EXPECT_FALSE(Age_s(meter_->Read(), "cpu"));
  }
}

TEST_F(IoReportTest, WithoutStampsValuesHaveNoTimeOfPublication) {
  ASSERT_TRUE(Open(M4Pro()));
  Batch();
  Pass(1);
  for (FakeChannel& channel : Fake().channels) channel.stamped = false;
  EXPECT_FALSE(Age_s(meter_->Read(), "cpu"));
  for (FakeChannel& channel : Fake().channels) channel.stamped = true;
  EXPECT_TRUE(Age_s(meter_->Read(), "cpu"));
  Fake().has_elements = false;
  const Reading bare = meter_->Read();
  EXPECT_TRUE(ValueOf(bare, "cpu"));
  EXPECT_FALSE(Age_s(bare, "cpu"));
}

TEST_F(IoReportTest, ACounterThatIsSetBackGivesNoDifferenceAcrossIt) {
  ASSERT_TRUE(Open(M4Pro()));
  const Reading begin = meter_->Read();
  Fake().Find("DRAM").count = 3;
  const Reading lost = meter_->Read();
  EXPECT_EQ(lost.generation, begin.generation + 1);
  EXPECT_FALSE(Gained(begin, lost, "dram"));
  Gain();
  EXPECT_DOUBLE_EQ(*Gained(lost, meter_->Read(), "dram"), 0.078);
}

TEST_F(IoReportTest, WhatCannotBeReadIsAbsentAndComesBackWhole) {
  ASSERT_TRUE(Open(M1Ultra()));
  const Reading begin = meter_->Read();
  Fake().Find("DIE_1_CPU Energy").missing = true;
  Fake().Find("ANE0_0").count = INT64_MIN;  // IOReport's "no value"
  const int64_t ane = 1'000'000'000'000;
  const Reading partly = meter_->Read();
  EXPECT_FALSE(ValueOf(partly, "cpu"));
  EXPECT_FALSE(ValueOf(partly, "ane"));
  EXPECT_TRUE(ValueOf(partly, "dram"));
  Fake().samples = false;
  const Reading nothing = meter_->Read();
  for (const std::optional<Value>& value : nothing.values) EXPECT_FALSE(value);
  Fake().samples = true;
  Fake().Find("DIE_1_CPU Energy").missing = false;
  Fake().Find("ANE0_0").count = ane;
  Gain();
  EXPECT_DOUBLE_EQ(*Gained(begin, meter_->Read(), "cpu"), 25.329);
}

TEST_F(IoReportTest, AChannelInAnUnknownUnitLeavesItsDomainOutAndIsNamed) {
  Chip chip = M4Pro();
  for (FakeChannel& channel : chip) {
    if (channel.name == "DRAM") channel.unit = "kJ";
  }
  ASSERT_TRUE(Open(std::move(chip)));
  EXPECT_EQ(Place("dram"), meter_->info().domains.size());
  EXPECT_NE(meter_->info().note.find("left out: 'DRAM' counts in 'kJ'"), std::string::npos);
}

// The whole way on macOS 27: batches of the mJ channels at uneven times, a live GPU, a read of 0.5
// ms.
TEST_F(IoReportTest, AWindowOverBatchesContainsTheTrueEnergy) {
  ASSERT_TRUE(Open(M1Ultra()));
  Batch();
  SimulatedMachine die(clock_, 10);  // each of the two
  SimulatedMachine gpu(clock_, 3);
  SimulatedMachine dram(clock_, 2);  // each of the two
  const TimePoint start = clock_.Now();
  const uint64_t start_ticks = Fake().ticks;
  const auto at_ticks = [&](TimePoint at) {
    return start_ticks + static_cast<uint64_t>(SecondsBetween(start, at) * 24e6);
  };
  const auto count = [&](const SimulatedMachine& machine, TimePoint at, double per_j) {
    return 1'000'000'000'000 + static_cast<int64_t>(machine.JoulesAt(at) * per_j);
  };
  TimePoint next = Later(start, 0.4);
  bool late = false;
  Fake().before_sample = [&] {
    clock_.Advance(0.0005);
    Fake().ticks = at_ticks(clock_.Now());
    Fake().Find("GPU Energy").count = count(gpu, clock_.Now(), 1e9);
    while (SecondsBetween(next, clock_.Now()) > 0) {
      for (FakeChannel& channel : Fake().channels) {
        if (channel.live) continue;
        if (channel.name.ends_with("_CPU Energy")) channel.shown = count(die, next, 1e3);
        if (channel.name.starts_with("DRAM")) channel.shown = count(dram, next, 1e3);
        channel.stamp = at_ticks(next);
      }
      late = !late;
      next = Later(next, late ? 1.69 : 0.46);
    }
  };
  const Watched watched = Characterise(*meter_, clock_);
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_TRUE(watched.frozen.empty());
  EXPECT_GT(watched.behaviour->longest_tick_s, 1.6);
  meter_->SetBehaviour(*watched.behaviour, watched.frozen);
  MeterSet meters;
  meters.meters.push_back(std::move(meter_));
  {
    Sampler sampler(meters, clock_);
    const auto pass = [&](double seconds) {
      for (const TimePoint end = Later(clock_.Now(), seconds); clock_.Now() < end;) {
        sampler.Step();
        clock_.Advance(0.001);
      }
    };
    const std::function<void()> work = [&] { pass(0.02); };
    pass(3);
    die.SetPower(40);
    gpu.SetPower(15);
    dram.SetPower(6);
    Window window(&sampler, clock_);
    window.Begin(&work);
    for (int call = 0; call < 300; ++call) work();
    int64_t calls = 0;
    const WindowEnergy energy = window.End(work, {.error = 0.02, .longest_s = 30}, &calls);
    ASSERT_TRUE(energy.total);
    EXPECT_NEAR(energy.total->joules, (40 + 40 + 15 + 6 + 6) * energy.elapsed_s,
                energy.total->err_j);
    EXPECT_LT(energy.total->err_j, 0.05 * energy.total->joules);
  }
  Fake().before_sample = nullptr;
}

// The whole way to a row of results: each domain's column, the clusters beside the total, the
// trace.
TEST_F(IoReportTest, EachDomainHasItsColumnAndClustersAreShownBesideTheTotal) {
  ASSERT_TRUE(Open(M4()));
  const std::map<std::string, double> watts = {{"CPU Energy", 14}, {"PCPU", 12}, {"ECPU", 1.5},
                                               {"GPU Energy", 5},  {"ANE", 0},   {"DRAM", 2}};
  const TimePoint start = clock_.Now();
  Fake().before_sample = [&] {
    clock_.Advance(0.0005);
    const double passed_s = SecondsBetween(start, clock_.Now());
    for (FakeChannel& channel : Fake().channels) {
      const auto found = watts.find(channel.name);
      if (found == watts.end()) continue;
      const double per_j = channel.unit == "nJ" ? 1e9 : 1e3;
      channel.count = 1'000'000'000'000 + static_cast<int64_t>(found->second * passed_s * per_j);
    }
  };
  const Watched watched = Characterise(*meter_, clock_);
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_TRUE(watched.frozen.empty()) << "a neural engine that rests is not frozen";
  meter_->SetBehaviour(*watched.behaviour, watched.frozen);
  MeterSet meters;
  meters.meters.push_back(std::move(meter_));
  {
    std::map<std::string, double> traced_j;
    double traced_s = 0;
    SamplerOptions options;
    options.trace = [&](const TraceRow& row) {
      if (row.phase != "decode") return;
      const double span_s = SecondsBetween(row.segment.begin, row.segment.end);
      traced_j[std::string(row.domain)] += row.segment.watts * span_s;
      if (row.domain == "cpu") traced_s += span_s;
    };
    Sampler sampler(meters, clock_, options);
    const std::function<void()> work = [&] {
      for (const TimePoint end = Later(clock_.Now(), 0.02); clock_.Now() < end;) {
        sampler.Step();
        clock_.Advance(0.001);
      }
    };
    for (int call = 0; call < 50; ++call) work();
    sampler.SetPhase("decode", "decode/a-model/q4_0/cpu");
    benchmarks::EnergyProbe probe(&sampler, clock_);
    probe.Begin(&work);
    for (int call = 0; call < 100; ++call) work();
    const benchmarks::Measured measured = probe.End(100, work, {.error = 0.02, .longest_s = 30});
    sampler.SetPhase("between", "");
    benchmark::UserCounters row;
    benchmarks::SetEnergyCounters(measured, row);
    const auto total_s = [&](const char* counter) {  // of the window, were the counter in watts
      return row[counter].value * static_cast<double>(measured.iterations);
    };
    ASSERT_EQ(row.count("joules"), 1u);
    EXPECT_NEAR(total_s("joules"), (14 + 5 + 2) * measured.elapsed_s, total_s("joules_err"));
    EXPECT_LT(total_s("joules_err"), 0.02 * total_s("joules"));
    const std::map<std::string, double> columns = {{"J:cpu", 14},  {"J:gpu", 5},    {"J:dram", 2},
                                                   {"J:pcpu", 12}, {"J:ecpu", 1.5}, {"J:ane", 0}};
    for (const auto& [name, mean_w] : columns) {
      ASSERT_EQ(row.count(name), 1u) << name;
      EXPECT_NEAR(total_s(name.c_str()), mean_w * measured.elapsed_s, total_s("joules_err"))
          << name;
    }
    for (const auto& [name, mean_w] : columns) {
      const std::string domain = name.substr(2);
      if (mean_w == 0) continue;  // what never moves has no stretch
      ASSERT_EQ(traced_j.count(domain), 1u) << domain;
      // A stretch's watts are off by what a step of 1 mJ is worth, and the ends by a stretch.
      EXPECT_NEAR(traced_j[domain] / traced_s, mean_w, 0.02 * mean_w + 0.05) << domain;
    }
  }
  Fake().before_sample = nullptr;
}

TEST_F(IoReportTest, ItSaysWhatIsMissing) {
  Fake().channels = M4();
  MeterOptions options = Options();
  Fake().has_group = false;
  EXPECT_NE(OpenIoReport(options).why_not.find("no Energy Model group"), std::string::npos);
  Fake().has_group = true;
  Fake().subscribes = false;
  EXPECT_NE(OpenIoReport(options).why_not.find("refuses a subscription"), std::string::npos);
  Fake().subscribes = true;
  Fake().channels = {FakeChannel{"CPU Energy", "kJ"}, FakeChannel{"PCPU"}};
  EXPECT_NE(OpenIoReport(options).why_not.find("none of the 2 channels"), std::string::npos);
  EXPECT_NE(OpenIoReport(options).why_not.find("'CPU Energy' counts in 'kJ'"), std::string::npos);
  options.ioreport_library = WATTLINE_FAKE_APPLE_LACKING;
  EXPECT_NE(OpenIoReport(options).why_not.find("has no IOReportCreateSamples"), std::string::npos);
}

TEST_F(IoReportTest, WithoutTheLibrariesThisIsNoMac) {
  MeterOptions options = Options();
  options.core_foundation_library = "/nonexistent/CoreFoundation";
  EXPECT_NE(OpenIoReport(options).why_not.find("not macOS"), std::string::npos);
  options = Options();
  options.ioreport_library = "/nonexistent/libIOReport.dylib";
  EXPECT_NE(OpenIoReport(options).why_not.find("/nonexistent/libIOReport.dylib"),
            std::string::npos);
}

TEST_F(IoReportTest, AnotherMachinesTreeIsNotMixedWithThisMachinesCounters) {
  MeterOptions options;
  options.root = "/recorded";
  EXPECT_EQ(OpenIoReport(options).why_not, "not used: --meter_root points at another machine");
  Fake().channels = M4();
  options = Options();
  options.root = "/recorded";
  EXPECT_TRUE(OpenIoReport(options).meter);
}

}  // namespace
}  // namespace wattline::energy::ioreport_test
