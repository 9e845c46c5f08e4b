// Facts about a Mac: from recorded answers, and through a fake of the libraries that it is asked
// by.
#include "benchmarks/mac_facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/context_json.h"
#include "benchmarks/core_choice.h"
#include "benchmarks/mac_system.h"
#include "tests/apple_machines.h"
#include "tests/fakes/loaded_apple.h"

namespace wattline::benchmarks::mac_facts_test {
namespace {

using Answers = std::map<std::string, std::string>;

// Lines "name: value", as sysctl prints them.
Answers AnswersOf(std::string_view lines) {
  Answers answers;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const size_t colon = line.find(": ");
    answers.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  return answers;
}

SystemFacts FactsOf(const Answers& answers, const MacSystem& system = {}) {
  Sysctls sysctl;
  sysctl.text = [&answers](const std::string& name) -> std::optional<std::string> {
    const auto found = answers.find(name);
    return found == answers.end() ? std::nullopt : std::optional(found->second);
  };
  sysctl.count = [&sysctl](const std::string& name) -> std::optional<int64_t> {
    const std::optional<std::string> text = sysctl.text(name);
    return text ? std::optional<int64_t>(std::strtoll(text->c_str(), nullptr, 10)) : std::nullopt;
  };
  return MacFacts(sysctl, system);
}
SystemFacts FactsOf(const AppleMachine& machine) {
  return FactsOf(AnswersOf(machine.sysctl), machine.system);
}

// "performance 8, efficiency 2"
std::string KindsOf(const SystemFacts& facts) {
  std::string text;
  for (const CoreKind& kind : facts.cores) {
    text += (text.empty() ? "" : ", ") + kind.name + " " + std::to_string(kind.physical);
  }
  return text;
}

// "2 x 12 MiB for 4" of the second level of a kind, or "" where it is not known.
std::string L2Of(const SystemFacts& facts, std::string_view kind) {
  for (const Cache& cache : facts.caches) {
    if (cache.level != 2 || cache.kind != kind) continue;
    return std::to_string(cache.count) + " x " + std::to_string(cache.byte >> 20) + " MiB for " +
           std::to_string(cache.cpus);
  }
  return "";
}

TEST(MacFactsTest, RecordedMacsHaveTheirCoresAndThreadsOnTheFastOnes) {
  struct Expected {
    const AppleMachine& machine;
    const char* slug;
    const char* kinds;
    int threads;
    std::vector<std::string> kinds_used = {"performance"};
  };
  const Expected expected[] = {
      {kM1, "apple-m1", "performance 4, efficiency 4", 4},
      {kM1Pro, "apple-m1-pro", "performance 8, efficiency 2", 8},
      {kM1Max, "apple-m1-max", "performance 8, efficiency 2", 8},
      {kM2Ultra, "apple-m2-ultra", "performance 16, efficiency 8", 16},
      {kM3Max, "apple-m3-max", "performance 12, efficiency 4", 12},
      {kM4, "apple-m4", "performance 4, efficiency 6", 4},
      {kM4Pro, "apple-m4-pro", "performance 10, efficiency 4", 10},
      {kM4Max, "apple-m4-max", "performance 12, efficiency 4", 12},
      {kM5, "apple-m5", "super 4, efficiency 6", 4, {"super"}},
      // Both kinds are above efficiency: both do the work.
      {kM5Max, "apple-m5-max", "super 6, performance 12", 18, {"super", "performance"}},
  };
  for (const auto& [machine, slug, kinds, threads, kinds_used] : expected) {
    const SystemFacts facts = FactsOf(machine);
    EXPECT_EQ(facts.chip_slug, slug);
    EXPECT_EQ(facts.vendor, "Apple") << slug;
    EXPECT_EQ(KindsOf(facts), kinds) << slug;
    const CoreChoice choice = ChooseCores(facts, Cores::kPerformance);
    EXPECT_EQ(choice.threads, threads) << slug;
    EXPECT_EQ(choice.kinds, kinds_used) << slug;
    EXPECT_EQ(choice.thread_class, kernels::ThreadClass::kFast) << slug;
    EXPECT_TRUE(choice.cpus.empty()) << slug << ": macOS binds no thread to a CPU";
    EXPECT_EQ(facts.gpu_cores, machine.system.gpu_cores) << slug;
  }
}

TEST(MacFactsTest, SecondLevelsAreCountedByTheCoresThatShareOne) {
  EXPECT_EQ(L2Of(FactsOf(kM1), "performance"), "1 x 12 MiB for 4");
  EXPECT_EQ(L2Of(FactsOf(kM1), "efficiency"), "1 x 4 MiB for 4");
  EXPECT_EQ(L2Of(FactsOf(kM1Max), "performance"), "2 x 12 MiB for 4");
  EXPECT_EQ(L2Of(FactsOf(kM1Max), "efficiency"), "1 x 4 MiB for 2");
  EXPECT_EQ(L2Of(FactsOf(kM3Max), "performance"), "2 x 16 MiB for 6");
  EXPECT_EQ(L2Of(FactsOf(kM4), "efficiency"), "1 x 4 MiB for 6");
  EXPECT_EQ(L2Of(FactsOf(kM4Pro), "performance"), "2 x 16 MiB for 5");
  EXPECT_EQ(L2Of(FactsOf(kM5), "efficiency"), "1 x 6 MiB for 6");
  EXPECT_EQ(L2Of(FactsOf(kM5Max), "performance"), "2 x 8 MiB for 6");
}

TEST(MacFactsTest, FirstLevelsBelongToOneCoreEach) {
  const SystemFacts facts = FactsOf(kM1Pro);
  ASSERT_EQ(facts.caches.size(), 6u);
  EXPECT_EQ(facts.caches[0].type, "instruction");
  EXPECT_EQ(facts.caches[0].byte, 192 << 10);
  EXPECT_EQ(facts.caches[1].type, "data");
  EXPECT_EQ(facts.caches[1].byte, 128 << 10);
  EXPECT_EQ(facts.caches[1].count, 8);
  EXPECT_EQ(facts.caches[4].byte, 64 << 10);
  EXPECT_EQ(facts.caches[4].kind, "efficiency");
}

TEST(MacFactsTest, WhatNoRecordTellsIsAbsent) {
  const SystemFacts facts = FactsOf(kM2Ultra);
  EXPECT_TRUE(facts.caches.empty());
  EXPECT_EQ(facts.machine, "Mac14,14");
  EXPECT_EQ(facts.os, "macOS 15.2");
  EXPECT_FALSE(facts.memory_byte || facts.gpu_cores || facts.power_source || facts.low_power_mode ||
               facts.thermal_pressure || facts.virtual_machine || facts.kernel);
  EXPECT_EQ(FactsOf(kM4Max).memory_byte, int64_t{64} << 30);
}

TEST(MacFactsTest, AChipWithThreeKindsLeavesOnlyItsEfficiencyCoresOut) {
  // Counts and names of an M6: host of the measurements in github.com/kjn-void/gd-rs.
  const SystemFacts facts = FactsOf(
      AnswersOf("machdep.cpu.brand_string: Apple M6\nhw.nperflevels: 3\nhw.perflevel0.name: Super\n"
                "hw.perflevel0.physicalcpu: 2\nhw.perflevel1.name: Performance\n"
                "hw.perflevel1.physicalcpu: 4\nhw.perflevel2.name: Efficiency\n"
                "hw.perflevel2.physicalcpu: 6"));
  EXPECT_EQ(KindsOf(facts), "super 2, performance 4, efficiency 6");
  EXPECT_EQ(ChooseCores(facts, Cores::kPerformance).threads, 6);
  EXPECT_EQ(ChooseCores(facts, Cores::kEfficiency).threads, 6);
  EXPECT_EQ(ChooseCores(facts, Cores::kAll).threads, 12);
}

TEST(MacFactsTest, EfficiencyCoresRunInTheBackgroundClass) {
  const CoreChoice m4 = ChooseCores(FactsOf(kM4), Cores::kEfficiency);
  EXPECT_EQ(m4.why_not, "");
  EXPECT_EQ(m4.threads, 6);
  EXPECT_EQ(m4.kinds, std::vector<std::string>{"efficiency"});
  EXPECT_EQ(m4.thread_class, kernels::ThreadClass::kEfficient);
  EXPECT_EQ(ChooseCores(FactsOf(kM1), Cores::kEfficiency).threads, 4) << "a system without names";
  // The background class would reach its "performance" cores.
  EXPECT_EQ(ChooseCores(FactsOf(kM5Max), Cores::kEfficiency).why_not,
            "this machine has no efficiency cores: 6 super, 12 performance");
}

TEST(MacFactsTest, AThreadThatTheSystemDoesNotKeepOnEfficiencyCoresIsNoMeasurement) {
  const CoreChoice choice = ChooseCores(FactsOf(kM4), Cores::kEfficiency);
  static kernels::ThreadClass asked = kernels::ThreadClass::kUnset;
  static bool granted = true;
  static constexpr kernels::ThreadClasses kClasses = {[](kernels::ThreadClass wanted) {
                                                        asked = wanted;
                                                        return granted;
                                                      },
                                                      [] { return asked; }};
  kernels::ReplaceThreadClasses(&kClasses);
  EXPECT_EQ(ConfineToEfficiency(choice), "");
  EXPECT_EQ(asked, kernels::ThreadClass::kEfficient);
  granted = false;
  EXPECT_NE(ConfineToEfficiency(choice).find("does not keep"), std::string::npos);
  kernels::ReplaceThreadClasses(nullptr);
}

TEST(MacFactsTest, AMacWithoutLevelsUsesItsPhysicalCores) {
  const SystemFacts facts = FactsOf({{"machdep.cpu.brand_string", "VirtualApple @ 2.50GHz"},
                                     {"hw.physicalcpu", "4"},
                                     {"kern.hv_vmm_present", "1"}});
  EXPECT_EQ(ChooseCores(facts, Cores::kPerformance).threads, 4);
  EXPECT_EQ(facts.virtual_machine, true);
  EXPECT_TRUE(facts.cores.empty());
  EXPECT_EQ(ChooseCores(FactsOf(Answers{}), Cores::kPerformance).threads, 1);
}

TEST(MacFactsTest, PowerAndHeatAreToldInWords) {
  const Answers bare = {{"kern.hv_vmm_present", "0"}};
  const SystemFacts facts = FactsOf(bare, {{}, "Battery Power", true, 2});
  EXPECT_EQ(facts.power_source, "battery");
  EXPECT_EQ(facts.low_power_mode, true);
  EXPECT_EQ(facts.thermal_pressure, "heavy");
  EXPECT_EQ(FactsOf(bare, {{}, "AC Power", false, 0}).power_source, "mains");
  EXPECT_EQ(FactsOf(bare, {{}, "AC Power", false, 0}).thermal_pressure, "nominal");
  EXPECT_EQ(FactsOf(bare, {{}, "UPS Power", {}, 5}).power_source, "ups");
  EXPECT_FALSE(FactsOf(bare, {{}, "UPS Power", {}, 5}).thermal_pressure)
      << "no such level is known";
  EXPECT_FALSE(FactsOf(bare, {{}, "Fusion", {}, {}}).power_source);
  // In a guest nobody publishes the level.
  EXPECT_FALSE(FactsOf({{"kern.hv_vmm_present", "1"}}, {{}, {}, {}, 0}).thermal_pressure);
  EXPECT_FALSE(FactsOf(Answers{}, {{}, {}, {}, 0}).thermal_pressure);
}

TEST(MacFactsTest, TheContextHoldsThemAndNoKeyForWhatIsUnknown) {
  const BuildInfo build = {"clang", "-O3", "Release", {}};
  const auto known = ContextJson(FactsOf(kM5Max), build);
  EXPECT_EQ(known["chip"], "Apple M5 Max");
  EXPECT_EQ(known["machine"], "Mac17,6");
  EXPECT_EQ(known["gpu_cores"], 40);
  EXPECT_EQ(known["core_kinds"][1]["name"], "performance");
  EXPECT_EQ(known["core_kinds"][1]["physical"], 12);
  EXPECT_EQ(known["memory_byte"], int64_t{128} << 30);
  const auto unknown = ContextJson(FactsOf(kM2Ultra), build);
  for (const char* key :
       {"gpu_cores", "memory_byte", "power_source", "low_power_mode", "thermal_pressure"}) {
    EXPECT_FALSE(unknown.contains(key)) << key;
  }
  const auto hot =
      ContextJson(FactsOf({{"kern.hv_vmm_present", "0"}}, {10, "AC Power", false, 1}), build);
  EXPECT_EQ(hot["low_power_mode"], false);
  EXPECT_EQ(hot["thermal_pressure"], "moderate");
  EXPECT_EQ(hot["power_source"], "mains");
}

class MacSystemTest : public testing::Test {
 protected:
  MacSystemTest() { Fake() = FakeApple(); }
  ~MacSystemTest() override {
    EXPECT_EQ(Fake().objects, 0) << "references that were never released";
    EXPECT_EQ(Fake().ports, 0) << "registry entries that were left open";
    EXPECT_EQ(Fake().tokens, 0) << "registrations that were left open";
  }
  static constexpr const char* kFake = WATTLINE_FAKE_APPLE;
  MacLibraries libraries_ = {kFake, kFake, kFake, kFake, kFake};
};

TEST_F(MacSystemTest, TheLibrariesAnswersArriveAsTheyAre) {
  Fake().gpu_cores = 38;
  Fake().power_source = "Battery Power";
  Fake().thermal_level = 3;
  Fake().low_power_mode = true;
  const MacSystem system = AskMacSystem(libraries_);
  EXPECT_EQ(system.gpu_cores, 38);
  EXPECT_EQ(system.power_source, "Battery Power");
  EXPECT_EQ(system.thermal_level, 3u);
  EXPECT_EQ(system.low_power_mode, true);
  Fake().low_power_mode = false;
  EXPECT_EQ(AskMacSystem(libraries_).low_power_mode, false);
}

TEST_F(MacSystemTest, WhatIsNotToldIsAbsent) {
  Fake().has_gpu_cores = false;
  Fake().power_source = "";
  Fake().notify_status = 1;
  MacSystem system = AskMacSystem(libraries_);
  EXPECT_FALSE(system.gpu_cores || system.power_source || system.thermal_level);
  Fake().has_gpu_cores = true;
  EXPECT_FALSE(AskMacSystem(libraries_).gpu_cores) << "no GPU has 0 cores";
  Fake().gpu_cores = 8;
  Fake().gpu_cores_are_text = true;
  EXPECT_FALSE(AskMacSystem(libraries_).gpu_cores) << "a text is no count";
  Fake().has_gpu = false;
  EXPECT_FALSE(AskMacSystem(libraries_).gpu_cores);
}

TEST_F(MacSystemTest, WithoutTheLibrariesNothingIsKnown) {
  const char* none = "/nonexistent/library";
  const MacSystem system = AskMacSystem({none, none, none, none, none});
  EXPECT_FALSE(system.gpu_cores || system.power_source || system.thermal_level ||
               system.low_power_mode);
}

}  // namespace
}  // namespace wattline::benchmarks::mac_facts_test
