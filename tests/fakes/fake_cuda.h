// A library with the C interface of NVIDIA's CUDA driver whose GPUs a test makes up. It computes
// nothing: it records launches, lets a test put results into memory, and takes time as told. It is
// opened by dlopen, as the driver's is; a test opens it too and calls fake_cuda().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct FakeCudaGpu {
  std::string name = "NVIDIA H200";
  unsigned char uuid[16] = {0x8f, 0x1c};
  int multiprocessors = 4;
  int capability_major = 9;
  int capability_minor = 0;
  int l2_byte = 8 << 20;
  int shared_byte = 64 << 10;
  size_t memory_byte = 64u << 20;
};

struct FakeLaunch {
  std::string ptx;
  std::string entry;
  unsigned blocks = 0;
  unsigned block_threads = 0;
  unsigned shared_byte = 0;
  // Parameters in their order, of the entries `work` and `fill`; see kernels/ceiling.
  std::vector<uint64_t> parameters;
};

struct FakeCuda {
  std::vector<FakeCudaGpu> gpus;
  // Return codes of calls; 0: success.
  int init_status = 0;
  int load_status = 0;
  int launch_status = 0;
  int synchronize_status = 0;
  std::string compiler_log;
  size_t free_byte = 48u << 20;  // what does not fit, error 2
  // Time of a launch of `work`: that of a launch, and of each turn.
  double launch_s = 10e-6;
  double turn_s = 0;
  double clock_hz = 1.98e9;
  std::vector<FakeLaunch> launches;
  size_t allocated_byte = 0;
  int modules = 0;   // loaded and not unloaded
  int contexts = 0;  // retained and not released
  // Called at each launch. Device addresses are addresses of this process.
  void (*on_launch)(FakeCuda& cuda, const FakeLaunch& launch) = nullptr;
};

extern "C" FakeCuda* fake_cuda();
using FakeCudaFunction = FakeCuda* (*)();
