#include "energy/nvml_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <string_view>

namespace wattline::energy {
namespace {

template <typename Function>
bool FindFunction(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

std::optional<double> Number(const NvmlFieldValue& field) {
  switch (field.type) {
    case 0:
      return field.value.float64;
    case 1:
      return field.value.uint32;
    case 2:
      return static_cast<double>(field.value.ulong);
    case 3:
      return static_cast<double>(field.value.uint64);
    case 4:
      return static_cast<double>(field.value.int64);
    case 5:
      return field.value.int32;
    case 6:
      return field.value.uint16;
    default:
      return std::nullopt;
  }
}

// What is wrong and what would help, for the errors that a user can do something about.
std::string_view Remedy(NvmlReturn status) {
  switch (status) {
    case kNvmlNoPermission:
      return "this user may not use the GPU's device files; `ls -l /dev/nvidia*` shows who may, "
             "and sudo always may";
    case kNvmlDriverNotLoaded:
      return "the NVIDIA driver is not loaded; `sudo modprobe nvidia` loads it, and a container "
             "must be started with its GPUs (--gpus all)";
    case kNvmlGpuIsLost:
      return "a GPU has fallen off its bus; `dmesg | grep Xid` tells when, and a restart of the "
             "machine brings it back";
    case kNvmlResetRequired:
      return "a GPU must be reset before it can be used (nvidia-smi -r, as root)";
    case kNvmlOperatingSystem:
      return "the system blocks the GPU's control device; a container must be started with its "
             "GPUs (--gpus all)";
    case kNvmlVersionMismatch:
      return "the loaded NVIDIA driver and its library are of different versions, as after an "
             "update; a restart of the machine brings them together";
    default:
      return {};
  }
}

// glibc and macOS both say so; the latter with all places where it looked.
std::string WhyNotOpened(const std::string& file, const std::string& said) {
  const bool missing = said.find("o such file") != std::string::npos;
  return fmt::format(
      "{}; it comes with NVIDIA's driver, and a container must be started with its "
      "GPUs (--gpus all)",
      missing ? file + " is not found" : "the library cannot be opened: " + said);
}

}  // namespace

NvmlLibrary::~NvmlLibrary() {
  if (initialised_) shutdown_();
  if (handle_ != nullptr) dlclose(handle_);
}

std::string NvmlLibrary::Bind() {
  // Optional ones first: a missing one leaves a null pointer.
  FindFunction(handle_, "nvmlErrorString", error_string_);
  FindFunction(handle_, "nvmlDeviceGetFieldValues", field_values);
  FindFunction(handle_, "nvmlDeviceGetPowerUsage", power_usage_mw);
  FindFunction(handle_, "nvmlDeviceGetEnforcedPowerLimit", enforced_limit_mw);
  FindFunction(handle_, "nvmlDeviceGetMigMode", mig_mode);
  if (!FindFunction(handle_, "nvmlInit_v2", init_)) return "nvmlInit_v2";
  if (!FindFunction(handle_, "nvmlShutdown", shutdown_)) return "nvmlShutdown";
  if (!FindFunction(handle_, "nvmlDeviceGetCount_v2", device_count)) return "nvmlDeviceGetCount_v2";
  if (!FindFunction(handle_, "nvmlDeviceGetHandleByIndex_v2", device_by_index)) {
    return "nvmlDeviceGetHandleByIndex_v2";
  }
  if (!FindFunction(handle_, "nvmlDeviceGetName", device_name)) return "nvmlDeviceGetName";
  if (!FindFunction(handle_, "nvmlDeviceGetUUID", device_uuid)) return "nvmlDeviceGetUUID";
  if (!FindFunction(handle_, "nvmlDeviceGetTotalEnergyConsumption", total_energy_mj)) {
    return "nvmlDeviceGetTotalEnergyConsumption";
  }
  return "";
}

NvmlLibrary::Field NvmlLibrary::ReadField(NvmlDevice device, unsigned field,
                                          NvmlScope scope) const {
  if (field_values == nullptr) return {};
  NvmlFieldValue value{};
  value.field = field;
  value.scope = static_cast<unsigned>(scope);
  const NvmlReturn status = field_values(device, 1, &value);
  if (status != kNvmlSuccess) return {status};
  if (value.status != kNvmlSuccess) return {value.status};
  const std::optional<double> number = Number(value);
  if (!number) return {kNvmlNotSupported};
  return {kNvmlSuccess, *number, value.stamp_us};
}

std::string NvmlLibrary::Explain(NvmlReturn status) const {
  const char* name = error_string_ != nullptr ? error_string_(status) : nullptr;
  const std::string said = name != nullptr ? fmt::format("NVML error {}, {}", status, name)
                                           : fmt::format("NVML error {}", status);
  const std::string_view remedy = Remedy(status);
  return remedy.empty() ? said : fmt::format("{} ({})", remedy, said);
}

LoadedNvml LoadNvml(const std::string& file) {
  std::shared_ptr<NvmlLibrary> library(new NvmlLibrary());
  library->handle_ = dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library->handle_ == nullptr) {
    const char* said = dlerror();
    return {nullptr, WhyNotOpened(file, said != nullptr ? said : "no reason given")};
  }
  if (const std::string missing = library->Bind(); !missing.empty()) {
    return {nullptr,
            fmt::format("{} has no {}: it is older than NVIDIA's energy counters; a newer "
                        "driver has it",
                        file, missing),
            true};
  }
  const NvmlReturn status = library->init_();
  if (status != kNvmlSuccess) return {nullptr, library->Explain(status), true};
  library->initialised_ = true;
  return {std::move(library), "", true};
}

}  // namespace wattline::energy
