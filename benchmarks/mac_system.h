// What a Mac tells through IOKit, Foundation and notify(3), and not through sysctl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace wattline::benchmarks {

// As the system says it; absent where it does not.
struct MacSystem {
  std::optional<int64_t> gpu_cores = {};  // of Apple's GPU: those of this chip that are enabled
  std::optional<std::string> power_source = {};  // "AC Power", "Battery Power" or "UPS Power"
  std::optional<bool> low_power_mode = {};
  std::optional<uint64_t> thermal_level = {};  // OSThermalPressureLevel: 0 nominal to 4 sleeping
};

// Opened at run time, so that no framework is needed to build or to link; a test gives its own.
struct MacLibraries {
  std::string core_foundation =
      "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation";
  std::string iokit = "/System/Library/Frameworks/IOKit.framework/IOKit";
  std::string foundation = "/System/Library/Frameworks/Foundation.framework/Foundation";
  std::string objc = "/usr/lib/libobjc.A.dylib";
  std::string system = "/usr/lib/libSystem.B.dylib";
};

// Asks now. Where a library or a function is missing, what it would tell is absent.
MacSystem AskMacSystem(const MacLibraries& libraries = {});

}  // namespace wattline::benchmarks
