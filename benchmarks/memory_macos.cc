#include <mach/mach.h>
#include <sys/resource.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include "benchmarks/memory.h"

namespace wattline::benchmarks {

// Free, inactive and purgeable pages: what the system gives away without swapping.
std::optional<double> AvailableByte() {
  vm_statistics64_data_t pages{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  const kern_return_t status = host_statistics64(mach_host_self(), HOST_VM_INFO64,
                                                 reinterpret_cast<host_info64_t>(&pages), &count);
  if (status != KERN_SUCCESS) return std::nullopt;
  const double free_pages = static_cast<double>(pages.free_count) +
                            static_cast<double>(pages.inactive_count) +
                            static_cast<double>(pages.purgeable_count);
  return free_pages * static_cast<double>(getpagesize());
}

std::optional<double> ResidentByte() {
  mach_task_basic_info_data_t info{};
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  const kern_return_t status = task_info(mach_task_self(), MACH_TASK_BASIC_INFO,
                                         reinterpret_cast<task_info_t>(&info), &count);
  if (status != KERN_SUCCESS) return std::nullopt;
  return static_cast<double>(info.resident_size);
}

// getrusage(2): ru_maxrss is in bytes on macOS. It counts from the start of the process.
std::optional<double> PeakResidentByte() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
  return static_cast<double>(usage.ru_maxrss);
}

void ResetPeakResident() {}

// Pages of 16 KiB; the system has no larger ones for programs.
std::optional<double> HugeShare() { return std::nullopt; }

}  // namespace wattline::benchmarks
