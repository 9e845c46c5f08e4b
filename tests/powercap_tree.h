// A powercap tree in a temporary folder, whose files a test rewrites.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "energy/powercap.h"
#include "energy/simulated.h"

namespace wattline::energy {

namespace fs = std::filesystem;

inline constexpr uint64_t kRange_uj = 262143328850;  // of a client CPU, 2^32 - 1 steps of 61.035 uJ

class PowercapTree : public testing::Test {
 protected:
  PowercapTree() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::temp_directory_path() /
            ("powercap_tree." + std::to_string(getpid()) + "." + test->name());
    fs::create_directories(folder());
  }
  ~PowercapTree() override { fs::remove_all(root_); }

  fs::path folder() const { return root_ / "sys/class/powercap"; }
  // `zone` may be a path: "intel-rapl:0/intel-rapl:0:0".
  void Zone(const std::string& zone, const std::string& name, uint64_t energy_uj) {
    fs::create_directories(folder() / zone);
    Write(zone + "/name", name + "\n");
    Write(zone + "/max_energy_range_uj", std::to_string(kRange_uj) + "\n");
    Set(zone, energy_uj);
  }
  void Set(const std::string& zone, uint64_t energy_uj) {
    Write(zone + "/energy_uj", std::to_string(energy_uj) + "\n");
  }
  void Write(const std::string& file, const std::string& text) {
    std::ofstream(folder() / file) << text;
  }
  // The begin of /proc/cpuinfo.
  void Cpu(const std::string& vendor, int family, const std::string& flags = "fpu sse2") {
    fs::create_directories(root_ / "proc");
    std::ofstream(root_ / "proc/cpuinfo")
        << "processor\t: 0\nvendor_id\t: " << vendor << "\ncpu family\t: " << family
        << "\nmodel\t\t: 1\nflags\t\t: " << flags << "\n\nprocessor\t: 1\n";
  }
  // "cpu (1 package), core- (cores of 1 package); memory is not in it": - is not in the total.
  static std::string Shown(const Meter& meter) {
    std::string text;
    for (const Domain& domain : meter.info().domains) {
      text += fmt::format("{}{}{} ({})", text.empty() ? "" : ", ", domain.name,
                          domain.in_total ? "" : "-", domain.scope);
    }
    return meter.info().note.empty() ? text : text + "; " + meter.info().note;
  }
  MeterOptions Options() {
    MeterOptions options;
    options.root = root_;
    options.clock = &clock_;
    return options;
  }
  std::unique_ptr<Meter> Open() {
    Opened opened = OpenPowercap(Options());
    EXPECT_EQ(opened.why_not, "");
    return std::move(opened.meter);
  }

  fs::path root_;
  SimulatedClock clock_;
};

}  // namespace wattline::energy
