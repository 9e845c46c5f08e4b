// RAPL through perf events: which events are summed over which CPUs, and what helps without rights.
#include "energy/perf_power.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "energy/simulated.h"

namespace wattline::energy::perf_power_test {
namespace {

namespace fs = std::filesystem;

constexpr double kJoule = 4294967296.0;  // counts in one joule

// Counts by event and CPU; those that were opened are kept with the type.
struct FakePerf {
  std::map<std::pair<uint64_t, int>, std::optional<uint64_t>> counts;
  std::map<uint64_t, int> errors;  // by event
  int error = 0;                   // of all events
  std::set<std::tuple<uint32_t, uint64_t, int>> opened;

  PerfOpener Opener() {
    return [this](uint32_t type, uint64_t config, int cpu) -> PerfCount {
      if (error != 0) return {nullptr, error};
      if (errors.count(config) != 0) return {nullptr, errors[config]};
      opened.insert({type, config, cpu});
      counts[{config, cpu}] = 0;
      return {[this, config, cpu] { return counts[{config, cpu}]; }, 0};
    };
  }
  void Add(uint64_t config, int cpu, double joules) {
    *counts[{config, cpu}] += static_cast<uint64_t>(joules * kJoule);
  }
};

class PerfPowerTest : public testing::Test {
 protected:
  PerfPowerTest() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::temp_directory_path() /
            ("perf_power_test." + std::to_string(getpid()) + "." + test->name());
    Write("sys/bus/event_source/devices/power/type", "9\n");
    Write("sys/bus/event_source/devices/power/cpumask", "0\n");
    Write("proc/sys/kernel/perf_event_paranoid", "2\n");
    Package(0, 0);
  }
  ~PerfPowerTest() override { fs::remove_all(root_); }

  void Write(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  fs::path Pmu() const { return root_ / "sys/bus/event_source/devices/power"; }
  void Event(const std::string& name, int config) {
    const std::string file = "sys/bus/event_source/devices/power/events/" + name;
    Write(file, fmt::format("event=0x{:02x}\n", config));
    Write(file + ".scale", "2.3283064365386962890625e-10\n");
    Write(file + ".unit", "Joules\n");
  }
  void Package(int cpu, int package) {
    Write(fmt::format("sys/devices/system/cpu/cpu{}/topology/physical_package_id", cpu),
          fmt::format("{}\n", package));
  }
  void Cpu(const std::string& vendor, int family, const std::string& flags = "fpu") {
    Write("proc/cpuinfo", fmt::format("vendor_id\t: {}\ncpu family\t: {}\nflags\t\t: {}\n\n",
                                      vendor, family, flags));
  }
  MeterOptions Options() {
    MeterOptions options;
    options.root = root_;
    options.clock = &clock_;
    return options;
  }
  Opened Open() { return OpenPerfPower(Options(), perf_.Opener()); }
  static std::string Shown(const Opened& opened) {
    if (!opened.meter) return "no meter: " + opened.why_not;
    std::string text;
    for (const Domain& domain : opened.meter->info().domains) {
      text += fmt::format("{}{}{} ({})", text.empty() ? "" : ", ", domain.name,
                          domain.in_total ? "" : "-", domain.scope);
    }
    const std::string& note = opened.meter->info().note;
    return note.empty() ? text : text + "; " + note;
  }

  fs::path root_;
  SimulatedClock clock_;
  FakePerf perf_;
};

TEST_F(PerfPowerTest, AClientsEventsAreItsDomainsAndOnlyThePackageIsInTheTotal) {
  Event("energy-pkg", 2);
  Event("energy-cores", 1);
  Event("energy-gpu", 4);
  Event("energy-psys", 5);
  const Opened opened = Open();
  EXPECT_EQ(Shown(opened),
            "cpu (1 package), core- (cores of 1 package), uncore- (graphics of 1 "
            "package), psys- (platform); memory is not in it");
  EXPECT_EQ(perf_.opened, (std::set<std::tuple<uint32_t, uint64_t, int>>{
                              {9, 1, 0}, {9, 2, 0}, {9, 4, 0}, {9, 5, 0}}));
  const Reading before = opened.meter->Read();
  perf_.Add(2, 0, 7.5);
  perf_.Add(1, 0, 5.0);
  perf_.Add(5, 0, 20.0);
  const Reading after = opened.meter->Read();
  EXPECT_DOUBLE_EQ(*Difference(before, after, 0), 7.5);
  EXPECT_DOUBLE_EQ(*Difference(before, after, 1), 5.0);
  EXPECT_DOUBLE_EQ(*Difference(before, after, 2), 0.0);
  EXPECT_DOUBLE_EQ(*Difference(before, after, 3), 20.0);
}

TEST_F(PerfPowerTest, AllPackagesOfTheMaskAreSummedAndThePlatformIsReadOnce) {
  for (const char* mask : {"0,24\n", "0-1\n"}) {
    const int second = mask[1] == ',' ? 24 : 1;
    perf_ = FakePerf();
    Write("sys/bus/event_source/devices/power/cpumask", mask);
    Package(second, 1);
    Event("energy-pkg", 2);
    Event("energy-ram", 3);
    Event("energy-psys", 5);
    const Opened opened = Open();
    EXPECT_EQ(Shown(opened), "cpu (2 packages), dram (memory of 2 packages), psys- (platform)");
    EXPECT_EQ(perf_.opened.size(), 5u);
    const Reading before = opened.meter->Read();
    perf_.Add(2, 0, 100);
    perf_.Add(2, second, 50);
    perf_.Add(3, 0, 4);
    perf_.Add(3, second, 3);
    perf_.Add(5, 0, 200);
    const Reading after = opened.meter->Read();
    EXPECT_DOUBLE_EQ(*Difference(before, after, 0), 150);
    EXPECT_DOUBLE_EQ(*Difference(before, after, 1), 7);
    EXPECT_DOUBLE_EQ(*Difference(before, after, 2), 200);
  }
}

TEST_F(PerfPowerTest, DiesAreSummedButForAmdsThatShowOneCounter) {
  Write("sys/bus/event_source/devices/power/cpumask", "0,8,16,24\n");
  for (const int cpu : {0, 8, 16, 24}) Package(cpu, cpu < 16 ? 0 : 1);
  Event("energy-pkg", 2);
  Cpu("GenuineIntel", 6);
  EXPECT_EQ(Shown(Open()), "cpu (4 dies of 2 packages); memory is not in it");
  Cpu("AuthenticAMD", 23);
  EXPECT_EQ(Shown(Open()), "cpu (4 dies of 2 packages); memory is not in it");
  Cpu("AuthenticAMD", 25);
  perf_ = FakePerf();
  EXPECT_EQ(Shown(Open()), "cpu (2 packages); memory is not in it");
  EXPECT_EQ(perf_.opened, (std::set<std::tuple<uint32_t, uint64_t, int>>{{9, 2, 0}, {9, 2, 16}}));
  fs::remove_all(root_ / "sys/devices/system/cpu/cpu16");
  EXPECT_NE(Open().why_not.find("unknown which of the CPUs 0,8,16,24 show the same package"),
            std::string::npos);
}

TEST_F(PerfPowerTest, AmdsCoreEventIsNotUsed) {
  Cpu("AuthenticAMD", 25);
  Event("energy-pkg", 2);
  Event("energy-cores", 1);
  EXPECT_EQ(Shown(Open()),
            "cpu (1 package); memory is not in it; core is left out: on AMD it is one core's");
}

TEST_F(PerfPowerTest, TheStepIsThatOfPowercapsRangesWhichEveryoneMayRead) {
  Write("sys/bus/event_source/devices/power/cpumask", "0,24\n");
  Package(24, 1);
  Event("energy-pkg", 2);
  EXPECT_FALSE(Open().meter->info().lsb_j);
  for (const int package : {0, 1}) {
    const std::string zone = fmt::format("sys/class/powercap/intel-rapl:{}/", package);
    Write(zone + "name", fmt::format("package-{}\n", package));
    Write(zone + "max_energy_range_uj", "262143328850\n");
  }
  EXPECT_NEAR(*Open().meter->info().lsb_j, 2 * 61.035e-6, 1e-9);
}

TEST_F(PerfPowerTest, WithoutRightsTheSettingItsPlaceAndWhatHelpsAreNamed) {
  Event("energy-pkg", 2);
  const std::string paranoid = (root_ / "proc/sys/kernel/perf_event_paranoid").string();
  for (const int error : {EACCES, EPERM}) {
    perf_.error = error;
    EXPECT_EQ(Open().why_not,
              "perf_event_open of power/energy-pkg/ is forbidden: " + paranoid +
                  " is 2, and counting all processes of a CPU takes 0; until the next boot: sudo "
                  "sysctl kernel.perf_event_paranoid=0; or for this program alone: sudo setcap "
                  "cap_perfmon+ep on it");
  }
  Write("proc/sys/kernel/perf_event_paranoid", "-1\n");
  EXPECT_NE(Open().why_not.find("is forbidden although " + paranoid + " is -1: a filter"),
            std::string::npos);
  Write(".dockerenv", "");
  EXPECT_NE(Open().why_not.find("start it with --cap-add=PERFMON"), std::string::npos);
}

TEST_F(PerfPowerTest, AnotherErrorIsNamedAndOfADetailOnlyNoted) {
  Event("energy-pkg", 2);
  Event("energy-psys", 5);
  perf_.errors[5] = EINVAL;
  EXPECT_EQ(Shown(Open()),
            "cpu (1 package); memory is not in it; psys is left out: "
            "perf_event_open of power/energy-psys/: Invalid argument");
  perf_.errors[2] = ENODEV;
  EXPECT_EQ(Open().why_not, "perf_event_open of power/energy-pkg/: No such device");
}

TEST_F(PerfPowerTest, ACpuThatGoesAwayGivesAnAbsentReading) {
  Event("energy-pkg", 2);
  const Opened opened = Open();
  const Reading before = opened.meter->Read();
  perf_.counts[{2, 0}].reset();
  EXPECT_FALSE(opened.meter->Read().values[0]);
  perf_.counts[{2, 0}] = static_cast<uint64_t>(3 * kJoule);
  EXPECT_DOUBLE_EQ(*Difference(before, opened.meter->Read(), 0), 3);
}

TEST_F(PerfPowerTest, ACountThatDecreasesIsNotBelievedAnyMore) {
  Event("energy-pkg", 2);
  const Opened opened = Open();
  perf_.Add(2, 0, 5);
  EXPECT_TRUE(opened.meter->Read().values[0]);
  perf_.counts[{2, 0}] = 0;
  EXPECT_FALSE(opened.meter->Read().values[0]);
  perf_.Add(2, 0, 9);
  EXPECT_FALSE(opened.meter->Read().values[0]);
}

TEST_F(PerfPowerTest, AbsenceIsExplainedByWhatTheMachineIs) {
  const std::string event = (Pmu() / "events/energy-pkg").string();
  Cpu("GenuineIntel", 6, "fpu hypervisor");
  Event("energy-psys", 5);  // all that some virtual machines have
  EXPECT_EQ(Open().why_not, event + " is absent: this is a virtual machine (" +
                                (root_ / "proc/cpuinfo").string() +
                                " has the flag hypervisor), whose host keeps the RAPL counters to "
                                "itself; measure on the host");
  fs::remove_all(Pmu());
  Cpu("GenuineIntel", 6);
  EXPECT_EQ(Open().why_not,
            (Pmu() / "type").string() + " is absent: sudo modprobe rapl may bring it");
  fs::remove(root_ / "proc/cpuinfo");
  EXPECT_NE(Open().why_not.find("only Linux on CPUs of Intel"), std::string::npos);
}

TEST_F(PerfPowerTest, TextsThatMeanNothingAreQuotedWithTheirPlace) {
  const std::string folder = "sys/bus/event_source/devices/power/";
  const auto why_not_with = [&](const std::string& file, const std::string& text) {
    Write(folder + "type", "9\n");
    Write(folder + "cpumask", "0\n");
    Event("energy-pkg", 2);
    Write(folder + file, text + "\n");
    const Opened opened = Open();
    EXPECT_FALSE(opened.meter) << file << " " << text;
    EXPECT_NE(opened.why_not.find((root_ / folder / file).string()), std::string::npos);
    EXPECT_NE(opened.why_not.find("'" + text + "'"), std::string::npos) << opened.why_not;
  };
  for (const char* text : {"", "x", "-1", "5000000000"}) why_not_with("type", text);
  for (const char* text : {"", "a", "0,", "-1", "3-1", "0-", "0;1", "0-99999999"}) {
    why_not_with("cpumask", text);
  }
  for (const char* text : {"", "2", "event=2", "event=0x", "event=0x2,umask=1"}) {
    why_not_with("events/energy-pkg", text);
  }
  for (const char* text : {"", "0", "-1", "nan", "inf", "1e-10 J"}) {
    Event("energy-pkg", 2);
    Write(folder + "events/energy-pkg.scale", text);
    EXPECT_NE(Open().why_not.find("which is no count of Joules"), std::string::npos) << text;
  }
  Event("energy-pkg", 2);
  Write(folder + "events/energy-pkg.unit", "mJ\n");
  EXPECT_NE(Open().why_not.find("'mJ'"), std::string::npos);
}

TEST_F(PerfPowerTest, AnotherMachinesTreeIsNotMixedWithThisOnesCounts) {
  Event("energy-pkg", 2);
  const Opened opened = OpenPerfPower(Options());
  EXPECT_FALSE(opened.meter);
  if (SystemPerf()) {
    EXPECT_EQ(opened.why_not, "not used: --meter_root points at another machine");
  } else {
    EXPECT_EQ(opened.why_not, "perf events are Linux only");
  }
}

TEST(SystemPerfTest, AnEventCountsOrTellsItsError) {
  const PerfOpener open = SystemPerf();
  if (!open) GTEST_SKIP() << "skipped: no perf events on this system";
  // The software clock of CPU 0 (type 1, event 0) is there on every machine, for who may count.
  const PerfCount count = open(1, 0, 0);
  if (!count.read) {
    EXPECT_NE(count.error, 0);
  } else {
    const std::optional<uint64_t> first = count.read();
    const std::optional<uint64_t> second = count.read();
    ASSERT_TRUE(first && second);
    EXPECT_GT(*second, *first);
  }
  const PerfCount none = open(0xfffffff, 0, 0);  // no such type
  EXPECT_FALSE(none.read);
  EXPECT_NE(none.error, 0);
}

}  // namespace
}  // namespace wattline::energy::perf_power_test
