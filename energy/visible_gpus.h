// Which of a machine's NVIDIA GPUs this process works on, so that no other one's energy is counted.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace wattline::energy {

// The value of an environment variable; absent where it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> ProcessEnvironment(const char* name);

struct GpuIdentity {
  std::string name;  // "NVIDIA H200"
  std::string uuid;  // "GPU-8f1c..."
};

// Positions in `gpus`, each once and growing, or one sentence why there is none.
struct VisibleGpus {
  std::vector<int> indices;
  std::string why_not;
};

// `gpus` are in NVML's order, which is that of the bus, as in nvidia-smi. `asked`, where not empty,
// are indices in it; else CUDA_VISIBLE_DEVICES decides as CUDA reads it; else all are taken.
VisibleGpus FindVisibleGpus(const std::vector<GpuIdentity>& gpus, const std::vector<int>& asked,
                            const Environment& environment);

}  // namespace wattline::energy
