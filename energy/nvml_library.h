// NVIDIA's management library, opened at run time: neither its header nor the driver is needed to
// build.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace wattline::energy {

// What is used of NVML's C interface. Layout, numbers and units: NVML API reference, nvml.h.
using NvmlReturn = int;  // a C enum
using NvmlDevice = struct NvmlDeviceOpaque*;

inline constexpr NvmlReturn kNvmlSuccess = 0;
inline constexpr NvmlReturn kNvmlInvalidArgument = 2;
inline constexpr NvmlReturn kNvmlNotSupported = 3;
inline constexpr NvmlReturn kNvmlNoPermission = 4;
inline constexpr NvmlReturn kNvmlDriverNotLoaded = 9;
inline constexpr NvmlReturn kNvmlFunctionNotFound = 13;
inline constexpr NvmlReturn kNvmlGpuIsLost = 15;
inline constexpr NvmlReturn kNvmlResetRequired = 16;
inline constexpr NvmlReturn kNvmlOperatingSystem = 17;
inline constexpr NvmlReturn kNvmlVersionMismatch = 18;

inline constexpr unsigned kNvmlTotalEnergy_mj = 83;  // since the driver was loaded
inline constexpr unsigned kNvmlInstantPower_mw = 186;
inline constexpr unsigned kNvmlScopedEnergy_mj = 191;  // as 83, for each scope

enum class NvmlScope : unsigned {
  kGpu = 0,    // the GPU with its memory
  kModule = 1  // Grace superchips: CPU, GPU and both memories
};

struct NvmlFieldValue {
  unsigned field;
  unsigned scope;
  long long stamp_us;  // since 1970
  long long latency_us;
  int type;  // which member of `value` is meant
  NvmlReturn status;
  union {
    double float64;             // type 0
    unsigned uint32;            // 1
    unsigned long ulong;        // 2
    unsigned long long uint64;  // 3
    long long int64;            // 4
    int int32;                  // 5
    unsigned short uint16;      // 6
  } value;
};
static_assert(sizeof(NvmlFieldValue) == 40, "nvmlFieldValue_t of a 64-bit system");

// The opened and initialised library. Its functions may be called by several threads at once.
class NvmlLibrary {
 public:
  ~NvmlLibrary();
  NvmlLibrary(const NvmlLibrary&) = delete;
  NvmlLibrary& operator=(const NvmlLibrary&) = delete;

  // One field of a device, as a number in the field's own unit.
  struct Field {
    NvmlReturn status = kNvmlFunctionNotFound;
    double value = 0;
    long long stamp_us = 0;
  };
  Field ReadField(NvmlDevice device, unsigned field, NvmlScope scope) const;

  // What an error means and what would help: "the NVIDIA driver is not loaded; ...".
  std::string Explain(NvmlReturn status) const;

  // Never null.
  NvmlReturn (*device_count)(unsigned* count) = nullptr;
  NvmlReturn (*device_by_index)(unsigned index, NvmlDevice* device) = nullptr;
  NvmlReturn (*device_name)(NvmlDevice device, char* name, unsigned length_byte) = nullptr;
  NvmlReturn (*device_uuid)(NvmlDevice device, char* uuid, unsigned length_byte) = nullptr;
  NvmlReturn (*total_energy_mj)(NvmlDevice device, unsigned long long* energy_mj) = nullptr;
  // Null where the driver is too old for it.
  NvmlReturn (*field_values)(NvmlDevice device, int count, NvmlFieldValue* values) = nullptr;
  NvmlReturn (*power_usage_mw)(NvmlDevice device, unsigned* power_mw) = nullptr;
  NvmlReturn (*enforced_limit_mw)(NvmlDevice device, unsigned* power_mw) = nullptr;
  NvmlReturn (*mig_mode)(NvmlDevice device, unsigned* current, unsigned* pending) = nullptr;

 private:
  friend struct LoadedNvml LoadNvml(const std::string& file);
  NvmlLibrary() = default;
  // An empty string, or the name of a function that `file` lacks.
  std::string Bind();

  void* handle_ = nullptr;
  bool initialised_ = false;
  NvmlReturn (*init_)() = nullptr;
  NvmlReturn (*shutdown_)() = nullptr;
  const char* (*error_string_)(NvmlReturn status) = nullptr;
};

// The library, or one sentence why not and what would help.
struct LoadedNvml {
  std::shared_ptr<const NvmlLibrary> library;
  std::string why_not;
  bool present = false;  // the file is there
};
LoadedNvml LoadNvml(const std::string& file);

}  // namespace wattline::energy
