// What sensors of power and energy there are in <root>/sys/class/hwmon.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "energy/file_text.h"

namespace wattline::energy {

struct HwmonSensor {
  std::filesystem::path file;
  bool counts = false;  // a counter of uJ; else power in uW
  int number = 0;       // the N of powerN_input
  std::string label;    // or empty
  std::optional<double> update_s;
};

struct HwmonDevice {
  std::string folder;  // "hwmon3"
  std::string name;    // of its driver; "" where it has none
  bool apu = false;    // a GPU that shares its chip with a CPU
  std::vector<HwmonSensor> sensors;
};

// In the order of their numbers. Of powerN_average and powerN_input an amdgpu's average is taken,
// which misses no peak, and of others the input: reading fam15h_power's average sleeps meanwhile.
std::vector<HwmonDevice> FindHwmon(const std::filesystem::path& folder, const FileReader& read);

}  // namespace wattline::energy
