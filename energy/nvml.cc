#include "energy/nvml.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

#include "energy/nvml_library.h"

namespace wattline::energy {
namespace {

// The driver counts in mJ.
constexpr double kStep_j = 1e-3;

// The first calls after nvmlInit may answer 0, which is not a value: measured on an H200, driver
// 580.159, 2026-11. Two ticks of its counter are enough to tell.
constexpr int kFirstReads = 10;
constexpr std::chrono::milliseconds kBetweenFirstReads{20};

enum class GpuEnergySource : uint8_t {
  kFunction,     // nvmlDeviceGetTotalEnergyConsumption: the GPU
  kScopedField,  // kNvmlScopedEnergy_mj of the module
  kTotalField    // kNvmlTotalEnergy_mj of the module
};

enum class GpuPowerSource : uint8_t { kNone, kInstantField, kPowerUsage };

struct Gpu {
  NvmlDevice device = nullptr;
  GpuIdentity identity;
  NvmlReturn status = kNvmlSuccess;  // of finding it
  bool shared = false;               // divided into MIG instances
  GpuEnergySource energy = GpuEnergySource::kFunction;
  GpuPowerSource power = GpuPowerSource::kNone;
  std::optional<double> last_mj;

  NvmlScope scope() const {
    return energy == GpuEnergySource::kFunction ? NvmlScope::kGpu : NvmlScope::kModule;
  }
};

struct EnergyRead {
  NvmlReturn status = kNvmlSuccess;
  double energy_mj = 0;  // exact: 2^53 mJ are 285 years at 1 kW
};

EnergyRead ReadEnergy(const NvmlLibrary& nvml, const Gpu& gpu) {
  if (gpu.energy == GpuEnergySource::kFunction) {
    unsigned long long energy_mj = 0;
    const NvmlReturn status = nvml.total_energy_mj(gpu.device, &energy_mj);
    return {status, static_cast<double>(energy_mj)};
  }
  const unsigned field =
      gpu.energy == GpuEnergySource::kScopedField ? kNvmlScopedEnergy_mj : kNvmlTotalEnergy_mj;
  const NvmlLibrary::Field read = nvml.ReadField(gpu.device, field, NvmlScope::kModule);
  return {read.status, read.value};
}

// The same, read again while it is 0.
EnergyRead ReadFirstEnergy(const NvmlLibrary& nvml, const Gpu& gpu) {
  EnergyRead read = ReadEnergy(nvml, gpu);
  for (int i = 1; i < kFirstReads && read.status == kNvmlSuccess && read.energy_mj == 0; ++i) {
    std::this_thread::sleep_for(kBetweenFirstReads);
    read = ReadEnergy(nvml, gpu);
  }
  return read;
}

std::vector<Gpu> FindGpus(const NvmlLibrary& nvml, unsigned count) {
  std::vector<Gpu> gpus(count);
  for (unsigned i = 0; i < count; ++i) {
    Gpu& gpu = gpus[i];
    gpu.identity.name = "of unknown name";
    gpu.status = nvml.device_by_index(i, &gpu.device);
    if (gpu.status != kNvmlSuccess) continue;
    std::array<char, 96> text{};  // NVML_DEVICE_NAME_V2_BUFFER_SIZE, and that of a UUID
    if (nvml.device_name(gpu.device, text.data(), text.size()) == kNvmlSuccess) {
      gpu.identity.name = text.data();
    }
    text = {};
    if (nvml.device_uuid(gpu.device, text.data(), text.size()) == kNvmlSuccess) {
      gpu.identity.uuid = text.data();
    }
    unsigned now = 0;
    unsigned later = 0;
    gpu.shared = nvml.mig_mode != nullptr &&
                 nvml.mig_mode(gpu.device, &now, &later) == kNvmlSuccess && now == 1;
  }
  return gpus;
}

bool IsAbsent(NvmlReturn status) {
  return status == kNvmlNotSupported || status == kNvmlInvalidArgument ||
         status == kNvmlFunctionNotFound;
}

// Sets where the GPU's energy is read; else why it cannot be.
std::string FindEnergy(const NvmlLibrary& nvml, Gpu& gpu) {
  bool stood_at_0 = false;
  for (const GpuEnergySource source :
       {GpuEnergySource::kFunction, GpuEnergySource::kScopedField, GpuEnergySource::kTotalField}) {
    gpu.energy = source;
    const EnergyRead read = ReadFirstEnergy(nvml, gpu);
    if (read.status == kNvmlSuccess && read.energy_mj > 0) return "";
    if (read.status == kNvmlSuccess) {
      stood_at_0 = true;
    } else if (!IsAbsent(read.status)) {
      return "its energy counter cannot be read: " + nvml.Explain(read.status);
    }
  }
  if (stood_at_0) return "its energy counter stands at 0 mJ, which is not a value";
  return "it has no energy counter: those older than Volta (2017) and most virtual ones lack it";
}

void FindPower(const NvmlLibrary& nvml, Gpu& gpu) {
  const NvmlLibrary::Field read = nvml.ReadField(gpu.device, kNvmlInstantPower_mw, gpu.scope());
  if (read.status == kNvmlSuccess) {
    gpu.power = GpuPowerSource::kInstantField;
  } else if (gpu.scope() == NvmlScope::kGpu && nvml.power_usage_mw != nullptr) {
    unsigned power_mw = 0;
    if (nvml.power_usage_mw(gpu.device, &power_mw) == kNvmlSuccess) {
      gpu.power = GpuPowerSource::kPowerUsage;
    }
  }
}

std::optional<double> PowerCap(const NvmlLibrary& nvml, const Gpu& gpu) {
  unsigned cap_mw = 0;
  if (gpu.scope() != NvmlScope::kGpu || nvml.enforced_limit_mw == nullptr ||
      nvml.enforced_limit_mw(gpu.device, &cap_mw) != kNvmlSuccess || cap_mw == 0) {
    return std::nullopt;
  }
  return cap_mw * 1e-3;
}

std::optional<double> SumIfKnown(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return std::nullopt;
  return *a + *b;
}

// Indices of the GPUs that were asked for, by index or by UUID; empty: none was.
std::vector<int> AskedGpus(const std::vector<GpuIdentity>& gpus, const MeterOptions& options) {
  if (!options.gpus.empty() || options.gpu_uuid.empty()) return options.gpus;
  for (size_t i = 0; i < gpus.size(); ++i) {
    if (gpus[i].uuid == options.gpu_uuid) return {static_cast<int>(i)};
  }
  return {};
}

class NvmlMeter : public Meter {
 public:
  NvmlMeter(MeterInfo info, std::shared_ptr<const NvmlLibrary> nvml, std::vector<Gpu> gpus,
            Clock& clock)
      : Meter(std::move(info)), nvml_(std::move(nvml)), gpus_(std::move(gpus)), clock_(clock) {}

  Reading Read() override {
    Reading reading;
    reading.values.resize(gpus_.size());
    bool lost = false;
    reading.before = clock_.Now();
    for (size_t g = 0; g < gpus_.size(); ++g) {
      EnergyRead read = ReadEnergy(*nvml_, gpus_[g]);
      if (read.status == kNvmlSuccess && read.energy_mj == 0) read = ReadEnergy(*nvml_, gpus_[g]);
      if (read.status != kNvmlSuccess || read.energy_mj == 0) continue;
      // 64 bits of mJ do not wrap: it was set back, as by a reset of the GPU.
      lost = lost || read.energy_mj < gpus_[g].last_mj.value_or(0);
      gpus_[g].last_mj = read.energy_mj;
      reading.values[g] = Value{.joules = read.energy_mj * 1e-3};
    }
    reading.after = clock_.Now();
    if (lost) ++generation_;
    reading.generation = generation_;
    return reading;
  }

  std::optional<double> InstantWatts() override {
    double sum_w = 0;
    for (const Gpu& gpu : gpus_) {
      const std::optional<double> power_mw = ReadPower(gpu);
      if (!power_mw || *power_mw <= 0) return std::nullopt;
      sum_w += *power_mw * 1e-3;
    }
    return sum_w;
  }

 private:
  std::optional<double> ReadPower(const Gpu& gpu) const {
    if (gpu.power == GpuPowerSource::kInstantField) {
      const NvmlLibrary::Field read =
          nvml_->ReadField(gpu.device, kNvmlInstantPower_mw, gpu.scope());
      if (read.status == kNvmlSuccess) return read.value;
    } else if (gpu.power == GpuPowerSource::kPowerUsage) {
      unsigned power_mw = 0;
      if (nvml_->power_usage_mw(gpu.device, &power_mw) == kNvmlSuccess) return power_mw;
    }
    return std::nullopt;
  }

  std::shared_ptr<const NvmlLibrary> nvml_;
  std::vector<Gpu> gpus_;
  Clock& clock_;
  uint32_t generation_ = 0;
};

// The GPU's own memory is part of it: kDramPart is the memory of the CPU.
Domain MakeDomain(const Gpu& gpu, std::string name) {
  Domain domain;
  domain.name = std::move(name);
  if (gpu.scope() == NvmlScope::kGpu) {
    domain.scope = gpu.identity.name + ", GPU with its memory";
    domain.parts = kGpuPart;
  } else {
    domain.scope = gpu.identity.name + ", module: CPU and GPU with their memory";
    domain.parts = kCpuPart | kGpuPart | kDramPart;
  }
  if (gpu.shared) domain.scope += ", all MIG instances";
  return domain;
}

}  // namespace

Opened OpenNvml(const MeterOptions& options) { return OpenNvml(options, ProcessEnvironment); }

Opened OpenNvml(const MeterOptions& options, const Environment& environment) {
  if (!options.IsThisMachine() && options.nvml_library == MeterOptions().nvml_library) {
    return {nullptr, "not used: --meter_root points at another machine"};
  }
  const LoadedNvml loaded = LoadNvml(options.nvml_library);
  if (!loaded.library) return {nullptr, loaded.why_not, loaded.present};
  const NvmlLibrary& nvml = *loaded.library;
  unsigned count = 0;
  if (const NvmlReturn status = nvml.device_count(&count); status != kNvmlSuccess) {
    return {nullptr, "the GPUs cannot be counted: " + nvml.Explain(status), true};
  }
  std::vector<Gpu> all = FindGpus(nvml, count);
  std::vector<GpuIdentity> identities;
  for (const Gpu& gpu : all) identities.push_back(gpu.identity);
  const VisibleGpus visible =
      FindVisibleGpus(identities, AskedGpus(identities, options), environment);
  if (visible.indices.empty()) return {nullptr, visible.why_not, !all.empty()};

  MeterInfo info;
  info.name = "nvml";
  info.lsb_j = kStep_j;
  std::vector<Gpu> gpus;
  bool averaged = false;
  std::optional<double> cap_w = 0;
  for (const int index : visible.indices) {
    Gpu& gpu = all[static_cast<size_t>(index)];
    std::string why_not =
        gpu.status == kNvmlSuccess ? FindEnergy(nvml, gpu) : nvml.Explain(gpu.status);
    const bool alone = visible.indices.size() == 1;
    // Two GPUs of one module (GB200) would count its energy twice, and NVML does not tell which do.
    if (why_not.empty() && !alone && gpu.scope() == NvmlScope::kModule) {
      why_not = "only its whole module can be read, which may hold another of these GPUs too";
    }
    if (!why_not.empty()) {
      return {nullptr,
              fmt::format("GPU {} ({}): {}{}", index, gpu.identity.name, why_not,
                          alone ? "" : "; CUDA_VISIBLE_DEVICES can leave GPUs out"),
              true};
    }
    FindPower(nvml, gpu);
    averaged = averaged || gpu.power == GpuPowerSource::kPowerUsage;
    cap_w = SumIfKnown(cap_w, PowerCap(nvml, gpu));
    info.domains.push_back(MakeDomain(gpu, alone ? "gpu" : fmt::format("gpu{}", index)));
    gpus.push_back(gpu);
  }
  info.power_cap_w = cap_w;
  if (averaged) {
    info.note =
        "its power, held against the counter, is a mean of 1 s on Ampere and newer except GA100";
  }
  return {
      std::make_unique<NvmlMeter>(std::move(info), loaded.library, std::move(gpus), *options.clock),
      ""};
}

}  // namespace wattline::energy
