// IOReport and what it needs of CoreFoundation and Mach, found at run time: no Apple header is
// needed to compile this, and no Apple library to link it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "energy/meter_options.h"

namespace wattline::energy {

// Any CoreFoundation object. Ownership follows its rule: what a function with Copy or Create in its
// name returns is released by the caller, what one with Get in it returns never is.
using CfRef = const void*;

// Functions by their own names in lower case. IOReport is private: its signatures are those that
// macmon, zeus-apple-silicon and llamafile call; what its functions return is taken from there and
// from disassemblies of libIOReport (iOS 18.2,
// github.com/EthanArbuckle/iPhone17-1_18.2_22C152_Restore).
struct IoReportLibrary {
  // CoreFoundation; CFIndex is a long, Boolean a byte.
  void (*cf_release)(CfRef);
  CfRef (*cf_string_create)(CfRef allocator, const char* text, uint32_t encoding);
  unsigned char (*cf_string_get)(CfRef text, char* buffer, long buffer_byte, uint32_t encoding);
  CfRef (*cf_dictionary_get)(CfRef dictionary, CfRef key);
  CfRef (*cf_dictionary_create_copy)(CfRef allocator, long capacity, CfRef dictionary);
  void (*cf_dictionary_set)(CfRef dictionary, CfRef key, CfRef value);  // retains both
  long (*cf_array_count)(CfRef array);
  CfRef (*cf_array_get)(CfRef array, long index);
  CfRef (*cf_array_create)(CfRef allocator, long capacity, const void* callbacks);
  void (*cf_array_append)(CfRef array, CfRef value);  // retains the value
  const void* cf_array_callbacks;  // kCFTypeArrayCallBacks: elements are retained
  unsigned long (*cf_type)(CfRef);
  unsigned long (*cf_data_type)();
  long (*cf_data_length)(CfRef data);
  const uint8_t* (*cf_data_bytes)(CfRef data);

  // IOReport.
  CfRef (*copy_channels_in_group)(CfRef group, CfRef subgroup, uint64_t, uint64_t, uint64_t);
  CfRef (*create_subscription)(const void*, CfRef desired, CfRef* subscribed, uint64_t, CfRef);
  CfRef (*create_samples)(CfRef subscription, CfRef subscribed, CfRef);
  CfRef (*get_group)(CfRef channel);
  CfRef (*get_name)(CfRef channel);
  CfRef (*get_unit)(CfRef channel);
  int (*get_format)(CfRef channel);  // 1: simple
  int64_t (*get_integer)(CfRef channel, void* unit);

  // Mach's clock, in ticks, and nanoseconds per tick. Null where it was not found: stamps cannot be
  // placed in time then.
  uint64_t (*ticks_now)();
  std::optional<double> s_per_tick;
};

// What get_integer returns for a channel that has no value: kIOReportInvalidIntValue (xnu,
// iokit/IOKit/IOReportTypes.h). Some channels of macOS 27 hold it for good.
inline constexpr int64_t kIoReportInvalid = INT64_MIN;

struct LoadedIoReport {
  std::shared_ptr<const IoReportLibrary> library;
  std::string why_not;
  bool present = false;  // the library is there, but not as it is known
};
// Opens options.core_foundation_library and options.ioreport_library, and never closes them.
LoadedIoReport LoadIoReport(const MeterOptions& options);

// Releases what it holds.
class CfOwner {
 public:
  CfOwner() = default;
  CfOwner(std::shared_ptr<const IoReportLibrary> library, CfRef object)
      : library_(std::move(library)), object_(object) {}
  CfOwner(CfOwner&& other) noexcept
      : library_(std::move(other.library_)), object_(std::exchange(other.object_, nullptr)) {}
  CfOwner& operator=(CfOwner&& other) noexcept {
    std::swap(library_, other.library_);
    std::swap(object_, other.object_);
    return *this;
  }
  ~CfOwner() {
    if (object_ != nullptr) library_->cf_release(object_);
  }
  CfRef get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  std::shared_ptr<const IoReportLibrary> library_;
  CfRef object_ = nullptr;
};

// UTF-8 of a string object; empty where it is null or longer than 127 bytes (names have under 40).
std::string CfText(const IoReportLibrary& library, CfRef text);
CfOwner MakeCfText(const std::shared_ptr<const IoReportLibrary>& library, const char* text);

}  // namespace wattline::energy
