#include "tests/fakes/fake_nvml.h"

#include <cstdio>

// FAKE_NVML_NO_ENERGY and FAKE_NVML_NO_FIELDS leave functions out, as older drivers do.

namespace {

FakeNvml& State() {
  static FakeNvml state;
  return state;
}

// A device's handle is its index + 1.
FakeGpu* Find(void* device) {
  const size_t index = reinterpret_cast<size_t>(device) - 1;
  return index < State().gpus.size() ? &State().gpus[index] : nullptr;
}

void Observe() {
  if (State().on_read != nullptr) State().on_read(State());
}

int Copy(const std::string& from, char* to, unsigned length_byte) {
  if (from.size() + 1 > length_byte) return 7;
  std::snprintf(to, length_byte, "%s", from.c_str());
  return 0;
}

// nvmlFieldValue_t, typed a second time: a wrong layout on one side shows.
struct FieldValue {
  unsigned fieldId;
  unsigned scopeId;
  long long timestamp;
  long long latencyUsec;
  int valueType;
  int nvmlReturn;
  union {
    double dVal;
    int siVal;
    unsigned uiVal;
    unsigned long ulVal;
    unsigned long long ullVal;
    long long sllVal;
    unsigned short usVal;
  } value;
};

}  // namespace

extern "C" {

FakeNvml* fake_nvml() { return &State(); }

int nvmlInit_v2() {
  if (State().init_status == 0) ++State().users;
  return State().init_status;
}

int nvmlShutdown() {
  --State().users;
  return 0;
}

const char* nvmlErrorString(int status) { return status == 3 ? "Not Supported" : "Some Error"; }

int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(State().gpus.size());
  return State().count_status;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  if (index >= State().gpus.size()) return 2;
  *device = reinterpret_cast<void*>(size_t{index} + 1);
  return State().gpus[index].handle_status;
}

int nvmlDeviceGetName(void* device, char* name, unsigned length_byte) {
  return Copy(Find(device)->name, name, length_byte);
}

int nvmlDeviceGetUUID(void* device, char* uuid, unsigned length_byte) {
  return Copy(Find(device)->uuid, uuid, length_byte);
}

int nvmlDeviceGetMigMode(void* device, unsigned* current, unsigned* pending) {
  *current = *pending = Find(device)->mig ? 1 : 0;
  return 0;
}

int nvmlDeviceGetEnforcedPowerLimit(void* device, unsigned* limit_mw) {
  *limit_mw = Find(device)->enforced_limit_mw;
  return *limit_mw == 0 ? 3 : 0;
}

int nvmlDeviceGetPowerUsage(void* device, unsigned* power_mw) {
  Observe();
  FakeGpu& gpu = *Find(device);
  *power_mw = gpu.power_zeros > 0 ? 0 : gpu.power_mw;
  if (gpu.power_zeros > 0) --gpu.power_zeros;
  return 0;
}

#ifndef FAKE_NVML_NO_ENERGY
int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* energy_mj) {
  Observe();
  FakeGpu& gpu = *Find(device);
  *energy_mj = gpu.energy_zeros > 0 ? 0 : gpu.energy_mj;
  if (gpu.energy_zeros > 0) --gpu.energy_zeros;
  return gpu.energy_status;
}
#endif

#ifndef FAKE_NVML_NO_FIELDS
int nvmlDeviceGetFieldValues(void* device, int count, FieldValue* values) {
  Observe();
  FakeGpu& gpu = *Find(device);
  if (gpu.field_status != 0) return gpu.field_status;
  for (int i = 0; i < count; ++i) {
    FieldValue& value = values[i];
    const bool module = value.scopeId == 1;
    value.nvmlReturn = 0;
    value.timestamp = 1'000'000;
    value.latencyUsec = 5;
    if (value.fieldId == 186) {
      const unsigned power_mw = module ? gpu.module_power_mw : gpu.power_mw;
      value.nvmlReturn = module && power_mw == 0 ? 3 : gpu.power_field_status;
      value.valueType = gpu.power_field_type;
      const unsigned shown_mw = gpu.power_zeros > 0 ? 0 : power_mw;
      if (gpu.power_zeros > 0) --gpu.power_zeros;
      if (gpu.power_field_type == 0) {
        value.value.dVal = shown_mw;
      } else {
        value.value.ullVal = shown_mw;
      }
    } else if (value.fieldId == 83 || (value.fieldId == 191 && gpu.has_scoped_field)) {
      value.nvmlReturn = module && gpu.module_energy_mj == 0 ? 3 : 0;
      if (!module) value.nvmlReturn = gpu.energy_status;
      value.valueType = 3;
      value.value.ullVal = module ? gpu.module_energy_mj : gpu.energy_mj;
    } else {
      value.nvmlReturn = 2;
    }
  }
  return 0;
}
#endif

}  // extern "C"
