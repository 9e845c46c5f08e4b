#include "roofline/devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "roofline/arithmetic.h"

namespace wattline::roofline {
namespace {

bool IsOfGpu(const Row& row, const Machine& told) {
  return row.address && DeviceOf(row.address->backend, told) == Device::kCuda;
}

Machine GpuMachine(const Machine& host) {
  const GpuNote& gpu = host.gpus.front();
  Machine machine = host;
  machine.chip = gpu.name;
  machine.chip_slug = DeviceSlug(gpu.name);
  machine.threads.reset();
  machine.memory_byte = gpu.memory_byte;
  machine.caches.clear();
  if (gpu.l2_byte) machine.caches.push_back({2, *gpu.l2_byte});
  machine.ceilings.clear();  // those of the CPU's threads
  machine.gpus = {gpu};
  return machine;
}

}  // namespace

std::string DeviceSlug(const std::string& name) {
  std::string slug;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      slug += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug;
}

std::vector<Results> SplitByDevice(Results results) {
  std::vector<Results> parts;
  if (results.machine.gpus.empty()) {
    parts.push_back(std::move(results));
    return parts;
  }
  const auto first_of_gpu =
      std::stable_partition(results.rows.begin(), results.rows.end(),
                            [&](const Row& row) { return !IsOfGpu(row, results.machine); });
  Results gpu = results;
  gpu.rows.assign(first_of_gpu, results.rows.end());
  gpu.machine = GpuMachine(results.machine);
  gpu.machine.idle_watts = MedianIdleWatts(gpu.rows);
  gpu.remarks.clear();  // of the file, told once
  results.rows.erase(first_of_gpu, results.rows.end());
  if (!results.rows.empty() || gpu.rows.empty()) {
    results.machine.idle_watts = MedianIdleWatts(results.rows);
    parts.push_back(std::move(results));
  } else {
    gpu.remarks = std::move(results.remarks);
  }
  if (!gpu.rows.empty()) parts.push_back(std::move(gpu));
  return parts;
}

std::vector<Level> GpuLevels(std::vector<Level> found, double l2_byte,
                             std::vector<std::string>& remarks) {
  std::vector<size_t> inside;  // of the second-level cache
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i].name != "DRAM" && found[i].from_byte < l2_byte) inside.push_back(i);
  }
  std::vector<Level> named;
  for (size_t i = 0; i < found.size(); ++i) {
    Level level = found[i];
    if (level.name == "DRAM") {
      named.push_back(std::move(level));
    } else if (!inside.empty() && i == inside.back()) {
      level.name = "L2";
      named.push_back(std::move(level));
    } else if (!inside.empty() && i == inside.front()) {
      level.name = "L1";
      named.push_back(std::move(level));
    } else {
      remarks.push_back(
          fmt::format("{:.0f} to {:.0f} KiB, which look like a level, lie between the caches of "
                      "the GPU and are "
                      "not one",
                      level.from_byte / 1024, level.to_byte / 1024));
    }
  }
  return named;
}

}  // namespace wattline::roofline
