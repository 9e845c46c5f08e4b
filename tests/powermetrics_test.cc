// The meter powermetrics with a fake program in its place: a shell script that prints documents.
#include "energy/powermetrics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "energy/meters.h"
#include "energy/track.h"
#include "tests/powermetrics_documents.h"

namespace wattline::energy::powermetrics_test {
namespace {

namespace fs = std::filesystem;

class PowermetricsTest : public testing::Test {
 protected:
  PowermetricsTest() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::temp_directory_path() /
            ("powermetrics_test." + std::to_string(getpid()) + "." + test->name());
    fs::create_directories(root_ / "usr/bin");
  }
  ~PowermetricsTest() override { fs::remove_all(root_); }

  // Makes `body` the program. It finds the documents as $d/NAME and tells its process number.
  void Program(const std::string& body) {
    const fs::path file = root_ / "usr/bin/powermetrics";
    std::ofstream(file) << "#!/bin/sh\nd='" << root_.string() << "'\necho $$ >\"$d/pid\"\n"
                        << "echo \"$*\" >\"$d/arguments\"\n"
                        << "sample() { cat \"$d/$1\"; printf '\\000'; }\n"
                        << "await() { while [ ! -e \"$d/$1\" ]; do sleep 0.01; done; }\n"
                        << body;
    fs::permissions(file, fs::perms::owner_all);
  }
  void Save(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  std::string Load(const std::string& name) {
    std::ifstream file(root_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Opened Open() {
    MeterOptions options;
    options.root = root_;
    return OpenPowermetrics(options);
  }
  // Reads until `done`; false after 20 s, which only a broken meter takes.
  static bool ReadUntil(Meter& meter, const std::function<bool(const Reading&)>& done) {
    for (int read = 0; read < 4000; ++read) {
      if (done(meter.Read())) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool Runs() {
    const int pid = std::stoi(Load("pid"));
    return kill(pid, 0) == 0 || errno != ESRCH;
  }

  fs::path root_;
};

TEST_F(PowermetricsTest, EnergiesOfItsSamplesAddUpPerDomain) {
  Save("a", SampleDocument(258'100'000, 2000, 500, 0));
  Save("b", SampleDocument(258'300'000, 3001, 700, 40, "Heavy"));
  Program(
      "sample a; await go\n"
      "head -c 700 \"$d/b\"; sleep 0.03; tail -c +701 \"$d/b\"; printf '\\000'; sample a\n"
      "exec sleep 600\n");
  const Opened opened = Open();
  ASSERT_TRUE(opened.meter) << opened.why_not;
  const MeterInfo& info = opened.meter->info();
  ASSERT_EQ(info.domains.size(), 3u);
  EXPECT_EQ(info.domains[0].name, "cpu");
  EXPECT_EQ(info.domains[1].name, "gpu");
  EXPECT_EQ(info.domains[2].name, "ane");
  EXPECT_EQ(info.kind, Kind::kModelled);
  EXPECT_TRUE(info.rounds_each_tick);
  EXPECT_NE(info.note.find("should not be used for any comparison"), std::string::npos);
  const auto& powermetrics = dynamic_cast<const PowermetricsMeter&>(*opened.meter);
  EXPECT_EQ(powermetrics.ThermalPressure(), "Nominal");
  EXPECT_EQ(powermetrics.Model(), "Mac16,10");
  EXPECT_EQ(powermetrics.SystemVersion(), "25G229");

  const Reading first = opened.meter->Read();
  ASSERT_TRUE(first.values[0] && first.values[0]->published);
  EXPECT_LE(*first.values[0]->published, first.after);
  Save("go", "");
  bool heavy = false;
  Reading last;
  ASSERT_TRUE(ReadUntil(*opened.meter, [&](const Reading& now) {
    heavy = heavy || powermetrics.ThermalPressure() == "Heavy";
    last = now;
    return Difference(first, now, 0) == 5.001;
  }));
  EXPECT_DOUBLE_EQ(*Difference(first, last, 1), 1.2);
  EXPECT_DOUBLE_EQ(*Difference(first, last, 2), 0.04);
  EXPECT_EQ(last.generation, first.generation);
  EXPECT_EQ(powermetrics.WhyLost(), "");
}

TEST_F(PowermetricsTest, StampsAreAsFarApartAsTheSamplesWereLongUnlessOneArrivesSooner) {
  Save("a", SampleDocument(20'000'000, 200, 0, 0));
  Program("sample a; await go; sample a; sleep 600\n");
  const Opened opened = Open();
  ASSERT_TRUE(opened.meter) << opened.why_not;
  const TimePoint first = *opened.meter->Read().values[0]->published;
  // The second one comes 50 ms late at least: its stamp tells when it ended, not when it came.
  std::this_thread::sleep_for(std::chrono::milliseconds(70));
  Save("go", "");
  TimePoint second;
  ASSERT_TRUE(ReadUntil(*opened.meter, [&](const Reading& now) {
    second = *now.values[0]->published;
    return now.values[0]->joules > 0.3;
  }));
  EXPECT_NEAR(SecondsBetween(first, second), 0.02, 1e-6);
  const double doubt_s = dynamic_cast<PowermetricsMeter&>(*opened.meter).LatestDoubt_s();
  EXPECT_GE(doubt_s, -0.02);  // the fake claims a sample that is longer than its own life, maybe
}

TEST_F(PowermetricsTest, AnEdgeReachesFromTheStampBackByTheDoubt) {
  Save("a", SampleDocument(20'000'000, 200, 0, 0));
  Program("sample a; sleep 600\n");
  const Opened opened = Open();
  ASSERT_TRUE(opened.meter) << opened.why_not;
  const MeterInfo& info = opened.meter->info();
  Track track(info);
  const Reading reading = opened.meter->Read();
  track.Feed(reading);
  ASSERT_EQ(track.edges(0).size(), 1u);
  EXPECT_EQ(track.edges(0)[0].latest, *reading.values[0]->published);
  EXPECT_NEAR(SecondsBetween(track.edges(0)[0].earliest, track.edges(0)[0].latest),
              info.most_delay_s, 1e-9);
  EXPECT_GT(info.most_delay_s, dynamic_cast<PowermetricsMeter&>(*opened.meter).LatestDoubt_s());
}

TEST_F(PowermetricsTest, MacOs12HasMemoryToo) {
  Save("a", MacOs12Document());
  Program("sample a; sleep 600\n");
  const Opened opened = Open();
  ASSERT_TRUE(opened.meter) << opened.why_not;
  ASSERT_EQ(opened.meter->info().domains.size(), 4u);
  EXPECT_EQ(opened.meter->info().domains[3].name, "dram");
  EXPECT_DOUBLE_EQ(opened.meter->Read().values[3]->joules, 0.023);
}

TEST_F(PowermetricsTest, ItIsAskedForSamplersThatEveryMacOsHas) {
  Save("a", SampleDocument(250'000'000, 1, 1, 0));
  Program("sample a; sleep 600\n");
  ASSERT_TRUE(Open().meter);
  const std::string arguments = Load("arguments");
  EXPECT_NE(arguments.find("--samplers cpu_power,gpu_power,thermal "), std::string::npos);
  EXPECT_NE(arguments.find("--format plist"), std::string::npos);
  EXPECT_NE(arguments.find("--sample-rate 250"), std::string::npos);
}

TEST_F(PowermetricsTest, WarningsBesideTheSamplesChangeNothing) {
  Save("a", SampleDocument(250'000'000, 1000, 1, 0));
  Program(
      "echo 'warning: no <battery>'; echo 'Second underflow' >&2; sample a; await go\n"
      "echo late; sample a; sleep 600\n");
  const Opened opened = Open();
  ASSERT_TRUE(opened.meter) << opened.why_not;
  Save("go", "");
  EXPECT_TRUE(
      ReadUntil(*opened.meter, [](const Reading& now) { return now.values[0]->joules == 2.0; }));
}

TEST_F(PowermetricsTest, MissingRightsAreQuotedWithWhatHelps) {
  Program("echo 'powermetrics must be invoked as the superuser' >&2; exit 1\n");
  const Opened opened = Open();
  EXPECT_FALSE(opened.meter);
  EXPECT_EQ(
      opened.why_not.find(
          "powermetrics ended (exit code 1): 'powermetrics must be invoked as the superuser'"),
      0u)
      << opened.why_not;
  EXPECT_NE(opened.why_not.find("sudo"), std::string::npos);
}

TEST_F(PowermetricsTest, AnotherRefusalIsQuotedWithoutWrongAdvice) {
  Program("echo 'unrecognized sampler: cpu_power'; exit 64\n");
  const Opened opened = Open();
  EXPECT_EQ(opened.why_not, "powermetrics ended (exit code 64): 'unrecognized sampler: cpu_power'");
}

TEST_F(PowermetricsTest, AbsentOrNotRunnableIsSaid) {
  EXPECT_NE(Open().why_not.find("is absent: it is a part of macOS"), std::string::npos);
  Save("usr/bin/powermetrics", "no program");
  EXPECT_NE(Open().why_not.find("cannot be started"), std::string::npos);
}

TEST_F(PowermetricsTest, GarbageAndTruncatedSamplesAreNoMeter) {
  Program("echo 'CPU Power: 954 mW'; exit 0\n");
  EXPECT_NE(Open().why_not.find("ended (exit code 0): 'CPU Power: 954 mW'"), std::string::npos);
  Save("a", SampleDocument(250'000'000, 1, 1, 0).substr(0, 500));
  Program("sample a; sleep 600\n");
  EXPECT_NE(Open().why_not.find("cannot be used: no whole XML"), std::string::npos);
  Save("a", Document(Top(250'000'000, "MacBookPro16,1", "25G229")));
  Program("sample a; sleep 600\n");
  EXPECT_NE(Open().why_not.find("prints no energies"), std::string::npos);
}

TEST_F(PowermetricsTest, SilenceIsNotWaitedForLong) {
  Program("echo 'waiting for the kernel' >&2; exec sleep 600\n");
  const Opened opened = Open();
  EXPECT_NE(opened.why_not.find("no sample within 3 s: 'waiting for the kernel'"),
            std::string::npos)
      << opened.why_not;
  EXPECT_FALSE(Runs());
}

TEST_F(PowermetricsTest, AfterTheProgramsDeathThereAreNoValuesAndTheReasonIsKept) {
  Save("a", SampleDocument(250'000'000, 1000, 1, 0));
  Program("sample a; await go; head -c 700 \"$d/a\"; echo 'out of memory' >&2; kill -9 $$\n");
  const Opened opened = Open();
  ASSERT_TRUE(opened.meter) << opened.why_not;
  EXPECT_TRUE(opened.meter->Read().values[0]);
  Save("go", "");
  ASSERT_TRUE(
      ReadUntil(*opened.meter, [](const Reading& now) { return !now.values[0].has_value(); }));
  EXPECT_FALSE(opened.meter->Read().values[1]);
  const std::string why = dynamic_cast<PowermetricsMeter&>(*opened.meter).WhyLost();
  EXPECT_NE(why.find("ended (signal 9): 'out of memory'"), std::string::npos) << why;
}

TEST_F(PowermetricsTest, ABrokenSampleEndsTheMeterSinceItsEnergyIsUnknown) {
  Save("a", SampleDocument(250'000'000, 1000, 1, 0));
  Save("b", SampleDocument(250'000'000, 1000, 1, 0).substr(0, 700));
  Program("sample a; await go; sample b; sample a; exec sleep 600\n");
  const Opened opened = Open();
  ASSERT_TRUE(opened.meter) << opened.why_not;
  Save("go", "");
  ASSERT_TRUE(
      ReadUntil(*opened.meter, [](const Reading& now) { return !now.values[0].has_value(); }));
  for (int read = 0; read < 20; ++read) EXPECT_FALSE(opened.meter->Read().values[0]);
}

TEST_F(PowermetricsTest, ADifferenceDoesNotSpanASampleWithoutThatEnergy) {
  Save("a", SampleDocument(250'000'000, 1000, 500, 0));
  Save("b", Document(Top(250'000'000, "Mac16,10", "25G229") +
                     Dict("processor", Integer("cpu_energy", 800))));
  Program("sample a; await go; sample b; await on; sample a; exec sleep 600\n");
  const Opened opened = Open();
  ASSERT_TRUE(opened.meter) << opened.why_not;
  const Reading first = opened.meter->Read();
  Save("go", "");
  ASSERT_TRUE(
      ReadUntil(*opened.meter, [](const Reading& now) { return !now.values[1].has_value(); }));
  Save("on", "");
  Reading last;
  ASSERT_TRUE(ReadUntil(*opened.meter, [&last](const Reading& now) {
    last = now;
    return now.values[1].has_value();
  }));
  EXPECT_FALSE(Difference(first, last, 1));
}

TEST_F(PowermetricsTest, NoProcessIsLeftBehind) {
  Save("a", SampleDocument(250'000'000, 1000, 1, 0));
  Program("sample a; exec sleep 600\n");
  {
    const Opened opened = Open();
    ASSERT_TRUE(opened.meter) << opened.why_not;
    EXPECT_TRUE(Runs());
  }
  EXPECT_FALSE(Runs());
}

TEST_F(PowermetricsTest, AProgramThatIgnoresTheRequestToEndIsEnded) {
  Save("a", SampleDocument(250'000'000, 1000, 1, 0));
  Program("trap '' TERM PIPE\nsample a\nwhile true; do sleep 0.1; done\n");
  {
    const Opened opened = Open();
    ASSERT_TRUE(opened.meter) << opened.why_not;
  }
  EXPECT_FALSE(Runs());
}

TEST_F(PowermetricsTest, ASampleLargerThanAPipeArrivesWhole) {
  std::string large = SampleDocument(250'000'000, 1000, 1, 0);
  large.insert(large.find("<key>elapsed_ns"),
               "<key>kern_bootargs</key><string>" + std::string(300'000, 'x') + "</string>\n");
  Save("a", SampleDocument(250'000'000, 1000, 1, 0));
  Save("large", large);
  Program("sample a; sample large; exec sleep 600\n");
  const Opened opened = Open();
  ASSERT_TRUE(opened.meter) << opened.why_not;
  EXPECT_TRUE(
      ReadUntil(*opened.meter, [](const Reading& now) { return now.values[0]->joules == 2.0; }));
}

TEST_F(PowermetricsTest, ItIsBelievedWithTheTickOfAMac) {
  Save("a", SampleDocument(258'100'000, 300, 100, 0));
  Program("while true; do sample a; sleep 0.258; done\n");
  MeterOptions options;
  options.root = root_;
  const Chosen chosen = ChooseMeters("powermetrics", options);
  EXPECT_EQ(chosen.usage_error, "");
  EXPECT_EQ(chosen.error, "");
  ASSERT_EQ(chosen.set.meters.size(), 1u);
  EXPECT_EQ(chosen.set.meters[0]->info().name, "powermetrics");
}

}  // namespace
}  // namespace wattline::energy::powermetrics_test
