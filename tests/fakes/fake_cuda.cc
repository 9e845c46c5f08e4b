#include "tests/fakes/fake_cuda.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

// FAKE_CUDA_NO_LAUNCH leaves cuLaunchKernel out, as no real driver does.

namespace {

using Clock = std::chrono::steady_clock;

FakeCuda& State() {
  static FakeCuda state;
  return state;
}

struct Module {
  std::string ptx;
  std::string entry;
};

Clock::time_point& BusyUntil() {
  static Clock::time_point at;
  return at;
}

std::map<uint64_t, size_t>& Allocations() {
  static std::map<uint64_t, size_t> allocations;
  return allocations;
}

template <typename T>
uint64_t Parameter(void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

extern "C" {

FakeCuda* fake_cuda() { return &State(); }

int cuGetErrorString(int status, const char** text) {
  *text = status == 100 ? "no CUDA-capable device is detected" : "some error";
  return 0;
}
int cuInit(unsigned) { return State().init_status; }
int cuDriverGetVersion(int* version) {
  *version = 13000;
  return 0;
}
int cuDeviceGetCount(int* count) {
  *count = static_cast<int>(State().gpus.size());
  return 0;
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return 0;
}
int cuDeviceGetName(char* name, int length_byte, int device) {
  std::snprintf(name, static_cast<size_t>(length_byte), "%s", State().gpus.at(device).name.c_str());
  return 0;
}
int cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
  std::memcpy(uuid, State().gpus.at(device).uuid, 16);
  return 0;
}
int cuDeviceGetAttribute(int* value, int attribute, int device) {
  const FakeCudaGpu& gpu = State().gpus.at(device);
  switch (attribute) {
    case 16:
      *value = gpu.multiprocessors;
      return 0;
    case 38:
      *value = gpu.l2_byte;
      return 0;
    case 81:
      *value = gpu.shared_byte;
      return 0;
    case 75:
      *value = gpu.capability_major;
      return 0;
    case 76:
      *value = gpu.capability_minor;
      return 0;
    default:
      return 1;
  }
}
int cuDeviceTotalMem_v2(size_t* byte, int device) {
  *byte = State().gpus.at(device).memory_byte;
  return 0;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
  *context = &State();
  ++State().contexts;
  return 0;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  --State().contexts;
  return 0;
}
int cuCtxSetCurrent(void*) { return 0; }
int cuModuleLoadDataEx(void** module, const void* image, unsigned count, int* options,
                       void** values) {
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] != 5) continue;
    std::strcpy(static_cast<char*>(values[i]), State().compiler_log.c_str());
  }
  if (State().load_status != 0) return State().load_status;
  *module = new Module{static_cast<const char*>(image), ""};
  ++State().modules;
  return 0;
}
int cuModuleUnload(void* module) {
  delete static_cast<Module*>(module);
  --State().modules;
  return 0;
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
  auto* of = static_cast<Module*>(module);
  if (of->ptx.find(std::string(".entry ") + name + "(") == std::string::npos) return 500;
  of->entry = name;
  *function = of;
  return 0;
}
int cuFuncSetAttribute(void*, int, int) { return 0; }
int cuMemGetInfo_v2(size_t* free_byte, size_t* total_byte) {
  *free_byte = State().free_byte - State().allocated_byte;
  *total_byte = State().gpus.at(0).memory_byte;
  return 0;
}
int cuMemAlloc_v2(uint64_t* at, size_t byte) {
  if (State().allocated_byte + byte > State().free_byte) return 2;
  *at = reinterpret_cast<uint64_t>(std::calloc(byte, 1));
  Allocations()[*at] = byte;
  State().allocated_byte += byte;
  return 0;
}
int cuMemFree_v2(uint64_t at) {
  const auto found = Allocations().find(at);
  if (found == Allocations().end()) return 1;
  State().allocated_byte -= found->second;
  Allocations().erase(found);
  std::free(reinterpret_cast<void*>(at));
  return 0;
}
int cuMemcpyDtoH_v2(void* to, uint64_t from, size_t byte) {
  std::memcpy(to, reinterpret_cast<const void*>(from), byte);
  return 0;
}
int cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t byte) {
  std::memcpy(reinterpret_cast<void*>(to), from, byte);
  return 0;
}

#ifndef FAKE_CUDA_NO_LAUNCH
int cuLaunchKernel(void* function, unsigned grid_x, unsigned, unsigned, unsigned block_x, unsigned,
                   unsigned, unsigned shared_byte, void*, void** parameters, void**) {
  FakeCuda& cuda = State();
  if (cuda.launch_status != 0) return cuda.launch_status;
  const auto* module = static_cast<const Module*>(function);
  FakeLaunch launch{module->ptx, module->entry, grid_x, block_x, shared_byte, {}};
  const bool is_fill = launch.entry == "fill";
  const int words64 = is_fill ? 2 : 5;
  const int words32 = is_fill ? 2 : 5;
  for (int i = 0; i < words64 + words32; ++i) {
    launch.parameters.push_back(i < words64 ? Parameter<uint64_t>(parameters[i])
                                            : Parameter<uint32_t>(parameters[i]));
  }
  if (!is_fill) {
    const double elapsed_s =
        cuda.launch_s + cuda.turn_s * static_cast<double>(launch.parameters.at(6));
    const auto elapsed =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(elapsed_s));
    BusyUntil() = std::max(BusyUntil(), Clock::now()) + elapsed;
    auto* clocks = reinterpret_cast<uint64_t*>(launch.parameters.at(4));
    clocks[0] += static_cast<uint64_t>(elapsed_s * cuda.clock_hz);
    clocks[1] += static_cast<uint64_t>(elapsed_s * 1e9);
  }
  if (cuda.on_launch != nullptr) cuda.on_launch(cuda, launch);
  cuda.launches.push_back(std::move(launch));
  return 0;
}
#endif

// Work that takes time keeps the caller waiting, as the driver does by default.
int cuStreamSynchronize(void*) {
  while (Clock::now() < BusyUntil()) {
  }
  return State().synchronize_status;
}

}  // extern "C"
