#include "energy/visible_gpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>
#include <string_view>

namespace wattline::energy {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// A whole token of digits.
std::optional<int> ParseIndex(std::string_view token) {
  int index = 0;
  const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (fault != std::errc() || end != token.data() + token.size() || index < 0) return std::nullopt;
  return index;
}

// The GPU whose UUID begins with `token`, if only one does: CUDA takes abbreviations.
std::optional<int> FindUuid(const std::vector<GpuIdentity>& gpus, std::string_view token) {
  if (!token.starts_with("GPU-")) return std::nullopt;
  std::optional<int> found;
  for (size_t i = 0; i < gpus.size(); ++i) {
    if (!gpus[i].uuid.starts_with(token)) continue;
    if (found) return std::nullopt;
    found = static_cast<int>(i);
  }
  return found;
}

VisibleGpus FindAsked(size_t count, const std::vector<int>& asked) {
  for (const int index : asked) {
    if (index >= 0 && static_cast<size_t>(index) < count) continue;
    return {{},
            fmt::format("GPU {} was asked for, but this machine has {}, counted from 0", index,
                        count == 1 ? "one GPU" : fmt::format("{} GPUs", count))};
  }
  const std::set<int> once(asked.begin(), asked.end());
  return {{once.begin(), once.end()}, ""};
}

// CUDA numbers the fastest GPU 0 unless CUDA_DEVICE_ORDER=PCI_BUS_ID, NVML follows the bus. Among
// GPUs of one kind both orders are the same.
bool NumbersDiffer(const std::vector<GpuIdentity>& gpus, const Environment& environment) {
  if (environment("CUDA_DEVICE_ORDER").value_or("") == "PCI_BUS_ID") return false;
  return std::any_of(gpus.begin(), gpus.end(),
                     [&gpus](const GpuIdentity& gpu) { return gpu.name != gpus[0].name; });
}

// CUDA C++ programming guide, "CUDA environment variables": a list of indices or UUIDs; from the
// first entry that names no GPU on, all are ignored.
VisibleGpus FindListed(const std::vector<GpuIdentity>& gpus, const std::string& list,
                       const Environment& environment) {
  std::set<int> listed;
  bool numbered = false;
  std::string_view rest = list;
  while (true) {
    const size_t comma = rest.find(',');
    const std::string_view token = Trim(rest.substr(0, comma));
    if (token.starts_with("MIG-")) {
      return {{},
              fmt::format("CUDA_VISIBLE_DEVICES names {}, a part of a GPU, and NVML counts the "
                          "energy of whole ones: the work of other parts would be in it",
                          token)};
    }
    std::optional<int> index = ParseIndex(token);
    if (index && static_cast<size_t>(*index) >= gpus.size()) index.reset();
    if (index) numbered = true;
    if (!index) index = FindUuid(gpus, token);
    if (!index) break;
    listed.insert(*index);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (listed.empty()) {
    return {{},
            fmt::format("CUDA_VISIBLE_DEVICES='{}' leaves this process none of {}; unset it, or "
                        "name one by its number or UUID (nvidia-smi -L)",
                        list, gpus.size() == 1 ? "one GPU" : fmt::format("{} GPUs", gpus.size()))};
  }
  if (numbered && listed.size() < gpus.size() && NumbersDiffer(gpus, environment)) {
    return {{},
            fmt::format("the GPUs are of different kinds, which CUDA and NVML number differently, "
                        "so that CUDA_VISIBLE_DEVICES='{}' does not tell whose energy to read; set "
                        "CUDA_DEVICE_ORDER=PCI_BUS_ID, or name UUIDs (nvidia-smi -L)",
                        list)};
  }
  return {{listed.begin(), listed.end()}, ""};
}

}  // namespace

std::optional<std::string> ProcessEnvironment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

VisibleGpus FindVisibleGpus(const std::vector<GpuIdentity>& gpus, const std::vector<int>& asked,
                            const Environment& environment) {
  if (gpus.empty()) return {{}, "NVML finds no GPU; `lspci | grep -i nvidia` shows whether one is"};
  if (!asked.empty()) return FindAsked(gpus.size(), asked);
  if (const std::optional<std::string> list = environment("CUDA_VISIBLE_DEVICES")) {
    return FindListed(gpus, *list, environment);
  }
  VisibleGpus all;
  for (size_t i = 0; i < gpus.size(); ++i) all.indices.push_back(static_cast<int>(i));
  return all;
}

}  // namespace wattline::energy
