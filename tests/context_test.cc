// Facts about the machine, from recorded and made-up systems.
#include "benchmarks/context.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "benchmarks/build_info.h"
#include "benchmarks/context_json.h"
#include "benchmarks/core_choice.h"
#include "benchmarks/linux_facts.h"
#include "benchmarks/topology.h"

namespace wattline::benchmarks::context_test {
namespace {

namespace fs = std::filesystem;

TEST(ChipSlugTest, IsTheNameInLettersDigitsAndDashes) {
  EXPECT_EQ(ChipSlug("Apple M2 Ultra", {}, {}), "apple-m2-ultra");
  EXPECT_EQ(ChipSlug("AMD EPYC 9654 96-Core Processor", 25, 17), "amd-epyc-9654");
  EXPECT_EQ(ChipSlug("13th Gen Intel(R) Core(TM) i7-13700K", 6, 183),
            "13th-gen-intel-core-i7-13700k");
  EXPECT_EQ(ChipSlug("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", 6, 79),
            "intel-xeon-cpu-e5-2680-v4");
  EXPECT_EQ(ChipSlug("AMD Ryzen 7 7840U w/ Radeon 780M Graphics", 25, 116), "amd-ryzen-7-7840u");
  EXPECT_EQ(ChipSlug("Arm Neoverse-V2", {}, {}), "arm-neoverse-v2");
  EXPECT_EQ(ChipSlug("../../etc/passwd", {}, {}), "etc-passwd");
  EXPECT_EQ(ChipSlug("", {}, {}), "unknown");
}

TEST(ChipSlugTest, ANameWithoutANumberGetsFamilyAndModel) {
  EXPECT_EQ(ChipSlug("Intel(R) Xeon(R) Processor", 6, 207), "intel-xeon-processor-f6m207");
  EXPECT_EQ(ChipSlug("Intel Xeon Processor @ 2.30GHz", {}, {}), "intel-xeon-processor");
}

TEST(CpuListTest, RangesAndSinglesAreExpanded) {
  EXPECT_EQ(ParseCpuList("0-3,8,10-11\n"), (std::vector<int>{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(ParseCpuList("5"), std::vector<int>{5});
  EXPECT_TRUE(ParseCpuList("").empty());
  EXPECT_TRUE(ParseCpuList("none").empty());
  EXPECT_EQ(ParseCpuList("1,x"), std::vector<int>{1});
  EXPECT_EQ(ParseCpuList("1,9-3"), std::vector<int>{1});
}

// A made-up Linux tree.
class LinuxTree : public testing::Test {
 protected:
  LinuxTree() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::temp_directory_path() /
            ("context_test." + std::to_string(getpid()) + "." + test->name());
    fs::create_directories(root_);
  }
  ~LinuxTree() override { fs::remove_all(root_); }

  void Write(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << "\n";
  }
  void Cpu(int cpu, const std::string& siblings, int l2_kib, const std::string& l2_sharers) {
    const std::string folder = "sys/devices/system/cpu/cpu" + std::to_string(cpu);
    Write(folder + "/topology/core_cpus_list", siblings);
    Write(folder + "/cache/index0/level", "1");
    Write(folder + "/cache/index0/type", "Data");
    Write(folder + "/cache/index0/size", "48K");
    Write(folder + "/cache/index0/shared_cpu_list", siblings);
    Write(folder + "/cache/index1/level", "2");
    Write(folder + "/cache/index1/type", "Unified");
    Write(folder + "/cache/index1/size", std::to_string(l2_kib) + "K");
    Write(folder + "/cache/index1/shared_cpu_list", l2_sharers);
  }
  // 2 performance cores of 2 threads each, 4 efficiency cores that share a cache.
  void Hybrid() {
    Write("sys/devices/system/cpu/online", "0-7");
    Write("sys/devices/cpu_core/cpus", "0-3");
    Write("sys/devices/cpu_atom/cpus", "4-7");
    for (int cpu = 0; cpu < 4; ++cpu) {
      const std::string both = cpu < 2 ? "0-1" : "2-3";
      Cpu(cpu, both, 2048, both);
    }
    for (int cpu = 4; cpu < 8; ++cpu) Cpu(cpu, std::to_string(cpu), 4096, "4-7");
  }
  SystemFacts Facts() { return LinuxFacts(root_, SysfsTopology(root_)); }
  CoreChoice Choice(Cores cores = Cores::kPerformance) { return ChooseCores(Facts(), cores); }

  fs::path root_;
};

TEST_F(LinuxTree, AHybridChipHasTwoKindsOfCoresAndTheirCaches) {
  Hybrid();
  const SystemFacts facts = Facts();
  ASSERT_EQ(facts.cores.size(), 2u);
  EXPECT_EQ(facts.cores[0].name, "performance");
  EXPECT_EQ(facts.cores[0].physical, 2);
  EXPECT_EQ(facts.cores[0].logical, 4);
  EXPECT_EQ(facts.cores[1].name, "efficiency");
  EXPECT_EQ(facts.cores[1].physical, 4);
  int l2 = 0;
  for (const Cache& cache : facts.caches) {
    if (cache.level != 2) continue;
    ++l2;
    EXPECT_EQ(cache.byte, cache.kind == "performance" ? 2 << 20 : 4 << 20);
    EXPECT_EQ(cache.count, cache.kind == "performance" ? 2 : 1);
    EXPECT_EQ(cache.cpus, cache.kind == "performance" ? 2 : 4);
  }
  EXPECT_EQ(l2, 2);
  EXPECT_EQ(Choice().cpus, (std::vector<int>{0, 2}));
  EXPECT_EQ(Choice().threads, 2);
  EXPECT_EQ(Choice().kinds, std::vector<std::string>{"performance"});
}

TEST_F(LinuxTree, EfficiencyCoresOrAllOfThemRunWhereTheyAreAskedFor) {
  Hybrid();
  const CoreChoice efficient = Choice(Cores::kEfficiency);
  EXPECT_EQ(efficient.why_not, "");
  EXPECT_EQ(efficient.cpus, (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(efficient.threads, 4);
  EXPECT_EQ(efficient.kinds, std::vector<std::string>{"efficiency"});
  EXPECT_EQ(efficient.thread_class, kernels::ThreadClass::kEfficient);
  const CoreChoice all = Choice(Cores::kAll);
  EXPECT_EQ(all.cpus, (std::vector<int>{0, 2, 4, 5, 6, 7}));
  EXPECT_EQ(all.kinds, (std::vector<std::string>{"performance", "efficiency"}));
  EXPECT_EQ(all.thread_class, kernels::ThreadClass::kFast);
}

TEST_F(LinuxTree, WithoutEfficiencyCoresThatMayBeUsedAskingForThemIsRefused) {
  Write("sys/devices/system/cpu/online", "0-3");
  EXPECT_EQ(Choice(Cores::kEfficiency).why_not,
            "this machine has no efficiency cores: 4 performance");
  Hybrid();
  Write("proc/self/status", "Cpus_allowed_list:\t0-3");
  EXPECT_EQ(Choice(Cores::kEfficiency).why_not,
            "none of the 4 efficiency cores may be used by this process");
}

TEST_F(LinuxTree, ThreadsAreThoseThatTheProcessMayUse) {
  Hybrid();
  Write("proc/self/status", "Name:\tbench\nCpus_allowed_list:\t3,5-6");
  EXPECT_EQ(Choice().cpus, std::vector<int>{3});
  EXPECT_EQ(Choice(Cores::kEfficiency).cpus, (std::vector<int>{5, 6}));
  Write("proc/self/status", "Cpus_allowed_list:\t5-6");
  EXPECT_EQ(Choice().cpus, (std::vector<int>{5, 6}));
  EXPECT_EQ(Choice().threads, 2);
  EXPECT_EQ(Choice().kinds, std::vector<std::string>{"efficiency"}) << "it says what really runs";
}

TEST_F(LinuxTree, AControlGroupsShareOfTimeLimitsTheThreads) {
  Write("sys/devices/system/cpu/online", "0-7");
  EXPECT_EQ(Choice().threads, 8);
  Write("proc/self/cgroup", "0::/pod/box");
  Write("sys/fs/cgroup/pod/box/cpu.max", "max 100000");
  EXPECT_EQ(Choice().threads, 8);
  Write("sys/fs/cgroup/pod/cpu.max", "350000 100000");
  EXPECT_EQ(Choice().threads, 3);
  Write("sys/fs/cgroup/pod/box/cpu.max", "20000 100000");
  EXPECT_EQ(Choice().threads, 1);
}

TEST_F(LinuxTree, TheFirstVersionOfControlGroupsLimitsToo) {
  Write("sys/devices/system/cpu/online", "0-7");
  Write("proc/self/cgroup", "4:memory:/a\n2:cpu,cpuacct:/docker/b");
  Write("sys/fs/cgroup/cpu/docker/b/cpu.cfs_quota_us", "400000");
  Write("sys/fs/cgroup/cpu/docker/b/cpu.cfs_period_us", "100000");
  EXPECT_EQ(Choice().threads, 4);
  Write("sys/fs/cgroup/cpu/docker/b/cpu.cfs_quota_us", "-1");
  EXPECT_EQ(Choice().threads, 8);
}

TEST_F(LinuxTree, CapacitiesThatDifferALittleAreOneKind) {
  Write("sys/devices/system/cpu/online", "0-5");
  const int capacity[] = {1024, 985, 1009, 1024, 400, 399};
  for (int cpu = 0; cpu < 6; ++cpu) {
    Write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpu_capacity",
          std::to_string(capacity[cpu]));
  }
  const SystemFacts facts = Facts();
  ASSERT_EQ(facts.cores.size(), 2u);
  EXPECT_EQ(facts.cores[0].physical, 4);
  EXPECT_EQ(Choice().cpus, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(Choice(Cores::kEfficiency).cpus, (std::vector<int>{4, 5}));
}

TEST_F(LinuxTree, AnX86GuestIsNamedByItsNumbers) {
  Write("proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 207\n"
        "model name\t: Intel(R) Xeon(R) Processor\nstepping\t: 2\nflags\t\t: fpu hypervisor avx2");
  Write("proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB");
  Write("etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"");
  Write("proc/sys/kernel/osrelease", "6.1.0-13-amd64");
  const SystemFacts facts = Facts();
  EXPECT_EQ(facts.chip, "Intel(R) Xeon(R) Processor");
  EXPECT_EQ(facts.chip_slug, "intel-xeon-processor-f6m207");
  EXPECT_EQ(facts.vendor, "GenuineIntel");
  EXPECT_EQ(facts.stepping, 2);
  EXPECT_EQ(facts.virtual_machine, true);
  EXPECT_EQ(facts.memory_byte, 16 << 20);
  EXPECT_EQ(facts.os, "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(facts.kernel, "6.1.0-13-amd64");
}

TEST_F(LinuxTree, AnArmServerIsNamedByItsCore) {
  Write("proc/cpuinfo",
        "processor\t: 0\nBogoMIPS\t: 2000.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n"
        "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd4f\nCPU revision\t: 1");
  EXPECT_EQ(Facts().chip, "Arm Neoverse-V2");
  EXPECT_EQ(Facts().chip_slug, "arm-neoverse-v2");
  EXPECT_FALSE(Facts().virtual_machine);
  Write("sys/class/dmi/id/sys_vendor", "Amazon EC2");
  EXPECT_EQ(Facts().virtual_machine, true);
  Write("proc/cpuinfo", "CPU implementer\t: 0x99\nCPU part\t: 0x123");
  EXPECT_EQ(Facts().chip_slug, "arm-implementer-0x99-part-0x123");
}

TEST_F(LinuxTree, ClockHeatAndPowerAreReadWhereTheyAre) {
  Write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance");
  Write("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "5400000");
  Write("sys/devices/system/cpu/intel_pstate/no_turbo", "1");
  Write("sys/class/thermal/thermal_zone0/temp", "41000");
  Write("sys/class/thermal/thermal_zone1/temp", "63500");
  Write("sys/class/thermal/thermal_zone2/temp", "-274000");
  Write("sys/class/thermal/cooling_device0/temp", "99000");
  Write("sys/class/power_supply/BAT0/type", "Battery");
  Write("sys/class/power_supply/BAT0/status", "Discharging");
  const SystemFacts facts = Facts();
  EXPECT_EQ(facts.governor, "performance");
  EXPECT_EQ(facts.highest_clock_hz, 5.4e9);
  EXPECT_EQ(facts.turbo, false);
  EXPECT_EQ(facts.hottest_celsius, 63.5);
  EXPECT_EQ(facts.power_source, "battery");
  Write("sys/class/power_supply/AC/type", "Mains");
  Write("sys/class/power_supply/AC/online", "1");
  EXPECT_EQ(Facts().power_source, "mains");
}

TEST_F(LinuxTree, AnEmptySystemHasNoFactsAndOneThread) {
  const SystemFacts facts = Facts();
  EXPECT_EQ(facts.chip_slug, "unknown-chip");
  EXPECT_EQ(Choice().threads, 1);
  EXPECT_FALSE(facts.memory_byte || facts.os || facts.kernel || facts.virtual_machine ||
               facts.governor || facts.highest_clock_hz || facts.turbo || facts.hottest_celsius ||
               facts.power_source || facts.vendor);
}

TEST(ThisSystemTest, HasAChipCoresAndAtLeastOneThread) {
  const SystemFacts facts = FindSystemFacts();
  EXPECT_FALSE(facts.chip.empty());
  EXPECT_GE(ChooseCores(facts, Cores::kPerformance).threads, 1);
  for (const Cache& cache : facts.caches) EXPECT_GT(cache.byte, 0);
}

TEST(ContextJsonTest, WhatIsAbsentHasNoKeyAndNobodyIsNamed) {
  SystemFacts facts;
  facts.chip = "Chip";
  facts.chip_slug = "chip";
  const auto json = ContextJson(facts, {"GNU 12", "-O3", "Release", {}});
  EXPECT_EQ(json["chip_slug"], "chip");
  for (const auto& [key, value] : json.items()) EXPECT_FALSE(value.is_null()) << key;
  EXPECT_FALSE(json.contains("commit"));
  EXPECT_FALSE(json.contains("memory_byte"));
  const std::string whole = ContextJson(FindSystemFacts(), ThisBuild()).dump();
  for (const char* key : {"host", "user", "path", "address"}) {
    EXPECT_EQ(whole.find(std::string(1, '"') + key), std::string::npos);
  }
  EXPECT_EQ(ThisBuild().flags.find('/'), std::string::npos);
}

}  // namespace
}  // namespace wattline::benchmarks::context_test
