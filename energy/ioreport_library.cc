#include "energy/ioreport_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace wattline::energy {
namespace {

constexpr uint32_t kUtf8 = 0x08000100;  // kCFStringEncodingUTF8

// Looks symbols up in one library and remembers the first one that it lacks.
class Symbols {
 public:
  Symbols(void* library, std::string path) : library_(library), path_(std::move(path)) {}

  template <typename T>
  void Find(const char* name, T*& into) {
    void* symbol = dlsym(library_, name);
    if (symbol == nullptr && fault_.empty()) fault_ = fmt::format("{} has no {}", path_, name);
    into = reinterpret_cast<T*>(symbol);
  }
  const std::string& fault() const { return fault_; }

 private:
  void* library_;
  std::string path_;
  std::string fault_;
};

// Mach's functions: in what IOReport itself is linked to, or in the process.
template <typename T>
T* FindMach(void* ioreport, const char* name) {
  void* symbol = dlsym(ioreport, name);
  if (symbol == nullptr) symbol = dlsym(RTLD_DEFAULT, name);
  return reinterpret_cast<T*>(symbol);
}

}  // namespace

LoadedIoReport LoadIoReport(const MeterOptions& options) {
  // Kept open: the objects that are made with them outlive any owner that could close them.
  void* foundation = dlopen(options.core_foundation_library.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* ioreport = foundation == nullptr
                       ? nullptr
                       : dlopen(options.ioreport_library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (ioreport == nullptr) {
    return {nullptr, fmt::format("not macOS, or one that keeps IOReport away: {}", dlerror())};
  }
  auto found = std::make_shared<IoReportLibrary>();
  Symbols cf(foundation, options.core_foundation_library);
  cf.Find("CFRelease", found->cf_release);
  cf.Find("CFStringCreateWithCString", found->cf_string_create);
  cf.Find("CFStringGetCString", found->cf_string_get);
  cf.Find("CFDictionaryGetValue", found->cf_dictionary_get);
  cf.Find("CFDictionaryCreateMutableCopy", found->cf_dictionary_create_copy);
  cf.Find("CFDictionarySetValue", found->cf_dictionary_set);
  cf.Find("CFArrayGetCount", found->cf_array_count);
  cf.Find("CFArrayGetValueAtIndex", found->cf_array_get);
  cf.Find("CFArrayCreateMutable", found->cf_array_create);
  cf.Find("CFArrayAppendValue", found->cf_array_append);
  cf.Find("kCFTypeArrayCallBacks", found->cf_array_callbacks);
  cf.Find("CFGetTypeID", found->cf_type);
  cf.Find("CFDataGetTypeID", found->cf_data_type);
  cf.Find("CFDataGetLength", found->cf_data_length);
  cf.Find("CFDataGetBytePtr", found->cf_data_bytes);
  Symbols io(ioreport, options.ioreport_library);
  io.Find("IOReportCopyChannelsInGroup", found->copy_channels_in_group);
  io.Find("IOReportCreateSubscription", found->create_subscription);
  io.Find("IOReportCreateSamples", found->create_samples);
  io.Find("IOReportChannelGetGroup", found->get_group);
  io.Find("IOReportChannelGetChannelName", found->get_name);
  io.Find("IOReportChannelGetUnitLabel", found->get_unit);
  io.Find("IOReportChannelGetFormat", found->get_format);
  io.Find("IOReportSimpleGetIntegerValue", found->get_integer);
  for (const std::string& fault : {cf.fault(), io.fault()}) {
    if (!fault.empty()) return {nullptr, fault + ": wattline does not know this macOS", true};
  }

  struct Timebase {  // mach_timebase_info_data_t: nanoseconds = ticks * numer / denom
    uint32_t numer = 0;
    uint32_t denom = 0;
  } timebase;
  found->ticks_now = FindMach<uint64_t()>(ioreport, "mach_absolute_time");
  auto* timebase_info = FindMach<int(Timebase*)>(ioreport, "mach_timebase_info");
  if (timebase_info != nullptr && timebase_info(&timebase) == 0 && timebase.denom != 0) {
    found->s_per_tick = 1e-9 * timebase.numer / timebase.denom;
  }
  return {std::move(found), ""};
}

std::string CfText(const IoReportLibrary& library, CfRef text) {
  char buffer[128];
  if (text == nullptr || library.cf_string_get(text, buffer, sizeof(buffer), kUtf8) == 0) return "";
  return buffer;
}

CfOwner MakeCfText(const std::shared_ptr<const IoReportLibrary>& library, const char* text) {
  return {library, library->cf_string_create(nullptr, text, kUtf8)};
}

}  // namespace wattline::energy
