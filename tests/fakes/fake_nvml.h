// A library with NVML's C interface whose GPUs a test makes up. It is opened by dlopen, as the
// driver's is; a test opens it too and calls fake_nvml() for the state that its functions show.
#pragma once

#include <string>
#include <vector>

// Numbers are NVML's own: mJ, mW, return codes (0: success).
struct FakeGpu {
  std::string name = "NVIDIA H200";
  std::string uuid = "GPU-00000000";
  unsigned long long energy_mj = 1'000'000;
  unsigned long long module_energy_mj = 0;  // 0: there is none, as on all but Grace superchips
  unsigned power_mw = 100'000;
  unsigned module_power_mw = 0;
  bool has_scoped_field = true;  // field 191; drivers older than 525 have none
  bool mig = false;
  unsigned enforced_limit_mw = 700'000;

  int handle_status = 0;
  int energy_status = 0;  // of nvmlDeviceGetTotalEnergyConsumption
  int field_status = 0;   // of nvmlDeviceGetFieldValues itself
  int power_field_status = 0;
  int power_field_type = 1;  // unsigned int, as drivers give it
  // How many of the next readings are 0, as after nvmlInit.
  int energy_zeros = 0;
  int power_zeros = 0;
};

struct FakeNvml {
  std::vector<FakeGpu> gpus;
  int init_status = 0;
  int count_status = 0;
  int users = 0;  // calls of nvmlInit_v2 less those of nvmlShutdown
  // Called first by every function that reads a GPU: time passes, energy is spent.
  void (*on_read)(FakeNvml& nvml) = nullptr;
};

extern "C" FakeNvml* fake_nvml();
using FakeNvmlFunction = FakeNvml* (*)();
