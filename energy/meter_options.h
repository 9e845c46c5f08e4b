// Where meters find what they read: everything that a test or a recorded machine replaces.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "energy/clock.h"
#include "energy/file_text.h"

namespace wattline::energy {

struct MeterOptions {
  std::filesystem::path root = "/";  // every meter that reads files finds them under it
  FileReader read = ReadFileText;    // full paths, `root` included
  Clock* clock = &RealClock();

  // Dynamic libraries, opened by the meter that needs them.
  std::string nvml_library = "libnvidia-ml.so.1";
  std::string ioreport_library = "/usr/lib/libIOReport.dylib";
  std::string core_foundation_library =
      "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation";
  std::string iokit_library = "/System/Library/Frameworks/IOKit.framework/IOKit";

  std::vector<int> gpus;  // indices of the GPUs in use; empty: all that this process may use
  // The only GPU in use, "GPU-8f1c..."; not looked at where it is empty, where `gpus` is not, or
  // where NVML knows no such one (a MIG instance).
  std::string gpu_uuid;

  // Meters of the running machine that read no files (NVML, IOReport, perf counters) would mix it
  // with the recorded or simulated one under `root`.
  bool IsThisMachine() const { return root == "/"; }
};

}  // namespace wattline::energy
