#include "benchmarks/mac_system.h"

#include <dlfcn.h>

namespace wattline::benchmarks {
namespace {

using CfRef = const void*;              // any CoreFoundation object
constexpr uint32_t kUtf8 = 0x08000100;  // kCFStringEncodingUTF8
constexpr long kSigned64 = 4;           // kCFNumberSInt64Type; a CFNumberType is a CFIndex
constexpr uint32_t kMainPort = 0;       // kIOMainPortDefault
constexpr const char* kGpu = "AGXAccelerator";
constexpr const char* kThermalPressure = "com.apple.system.thermalpressurelevel";

// Functions of one library, which stays open. Null where there is none.
class Library {
 public:
  explicit Library(const std::string& path)
      : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {}
  template <typename F>
  void Find(const char* name, F*& into) {
    into = handle_ == nullptr ? nullptr : reinterpret_cast<F*>(dlsym(handle_, name));
    if (into == nullptr) whole_ = false;
  }
  bool whole() const { return whole_; }  // all that was looked for is there

 private:
  void* handle_;
  bool whole_ = true;
};

// The registry's number of cores of the GPU: what `ioreg -rc AGXAccelerator -d1` shows.
std::optional<int64_t> GpuCores(const MacLibraries& libraries) {
  Library cf(libraries.core_foundation);
  void (*release)(CfRef) = nullptr;
  CfRef (*make_text)(CfRef allocator, const char* text, uint32_t encoding) = nullptr;
  unsigned long (*type_of)(CfRef) = nullptr;
  unsigned long (*number_type)() = nullptr;
  unsigned char (*number_get)(CfRef number, long type, void* value) = nullptr;
  cf.Find("CFRelease", release);
  cf.Find("CFStringCreateWithCString", make_text);
  cf.Find("CFGetTypeID", type_of);
  cf.Find("CFNumberGetTypeID", number_type);
  cf.Find("CFNumberGetValue", number_get);
  Library iokit(libraries.iokit);
  CfRef (*matching)(const char* name) = nullptr;
  uint32_t (*find_service)(uint32_t main_port, CfRef matching) = nullptr;  // releases `matching`
  CfRef (*property)(uint32_t entry, CfRef key, CfRef allocator, uint32_t options) = nullptr;
  int (*release_object)(uint32_t object) = nullptr;
  iokit.Find("IOServiceMatching", matching);
  iokit.Find("IOServiceGetMatchingService", find_service);
  iokit.Find("IORegistryEntryCreateCFProperty", property);
  iokit.Find("IOObjectRelease", release_object);
  if (!cf.whole() || !iokit.whole()) return std::nullopt;

  const CfRef wanted = matching(kGpu);
  const uint32_t gpu = wanted == nullptr ? 0 : find_service(kMainPort, wanted);
  if (gpu == 0) return std::nullopt;
  const CfRef key = make_text(nullptr, "gpu-core-count", kUtf8);
  const CfRef value = property(gpu, key, nullptr, 0);
  release(key);
  release_object(gpu);
  if (value == nullptr) return std::nullopt;
  int64_t cores = 0;
  const bool is_number = type_of(value) == number_type() && number_get(value, kSigned64, &cores);
  release(value);
  return is_number && cores > 0 ? std::optional(cores) : std::nullopt;
}

std::optional<std::string> PowerSource(const MacLibraries& libraries) {
  Library cf(libraries.core_foundation);
  void (*release)(CfRef) = nullptr;
  unsigned char (*text_get)(CfRef text, char* buffer, long byte, uint32_t encoding) = nullptr;
  cf.Find("CFRelease", release);
  cf.Find("CFStringGetCString", text_get);
  Library iokit(libraries.iokit);
  CfRef (*copy_sources)() = nullptr;
  CfRef (*providing)(CfRef sources) = nullptr;  // not to be released
  iokit.Find("IOPSCopyPowerSourcesInfo", copy_sources);
  iokit.Find("IOPSGetProvidingPowerSourceType", providing);
  if (!cf.whole() || !iokit.whole()) return std::nullopt;

  const CfRef sources = copy_sources();
  if (sources == nullptr) return std::nullopt;
  const CfRef source = providing(sources);
  char buffer[64];
  const bool told = source != nullptr && text_get(source, buffer, sizeof(buffer), kUtf8) != 0;
  release(sources);
  return told ? std::optional<std::string>(buffer) : std::nullopt;
}

// [[NSProcessInfo processInfo] isLowPowerModeEnabled], macOS 12 and later.
std::optional<bool> LowPowerMode(const MacLibraries& libraries) {
  const Library foundation(libraries.foundation);  // has the class
  Library objc(libraries.objc);
  void* (*get_class)(const char* name) = nullptr;
  void* (*selector)(const char* name) = nullptr;
  void (*send)() = nullptr;  // called as the type of the method that it reaches
  objc.Find("objc_getClass", get_class);
  objc.Find("sel_registerName", selector);
  objc.Find("objc_msgSend", send);
  if (!objc.whole()) return std::nullopt;
  void* const process_info = get_class("NSProcessInfo");
  if (process_info == nullptr) return std::nullopt;
  const auto object_of = reinterpret_cast<void* (*)(void*, void*)>(send);
  const auto flag_of = reinterpret_cast<unsigned char (*)(void*, void*)>(send);  // BOOL: one byte
  void* const info = object_of(process_info, selector("processInfo"));
  if (info == nullptr) return std::nullopt;
  return flag_of(info, selector("isLowPowerModeEnabled")) != 0;
}

std::optional<uint64_t> ThermalLevel(const MacLibraries& libraries) {
  Library system(libraries.system);
  uint32_t (*watch)(const char* name, int* token) = nullptr;
  uint32_t (*state_of)(int token, uint64_t* state) = nullptr;
  uint32_t (*cancel)(int token) = nullptr;
  system.Find("notify_register_check", watch);
  system.Find("notify_get_state", state_of);
  system.Find("notify_cancel", cancel);
  if (!system.whole()) return std::nullopt;
  int token = 0;
  if (watch(kThermalPressure, &token) != 0) return std::nullopt;
  uint64_t level = 0;
  const bool told = state_of(token, &level) == 0;
  cancel(token);
  return told ? std::optional(level) : std::nullopt;
}

}  // namespace

MacSystem AskMacSystem(const MacLibraries& libraries) {
  return {GpuCores(libraries), PowerSource(libraries), LowPowerMode(libraries),
          ThermalLevel(libraries)};
}

}  // namespace wattline::benchmarks
