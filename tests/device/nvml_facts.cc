#include "tests/device/nvml_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace wattline::device {
namespace {

using energy::Meter;
using energy::NvmlLibrary;
using energy::Reading;
using energy::SecondsBetween;
using energy::TimePoint;

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

std::string FieldText(const NvmlLibrary& nvml, const NvmlLibrary::Field& read, const char* unit) {
  return read.status == energy::kNvmlSuccess ? fmt::format("{:.0f} {}", read.value, unit)
                                             : nvml.Explain(read.status);
}

}  // namespace

// NVML's handle of the GPU that CUDA computes on; nothing where there is none.
bool FindGpu(Nvml& nvml, const std::string& uuid) {
  unsigned count = 0;
  if (nvml.library->device_count(&count) != energy::kNvmlSuccess) return false;
  for (unsigned i = 0; i < count; ++i) {
    std::array<char, 96> text{};
    if (nvml.library->device_by_index(i, &nvml.device) != energy::kNvmlSuccess) continue;
    if (nvml.library->device_uuid(nvml.device, text.data(), text.size()) != energy::kNvmlSuccess) {
      continue;
    }
    nvml.index = static_cast<int>(i);
    if (uuid == text.data()) return true;
  }
  return false;
}

// The first readings after nvmlInit, which is what a 0 among them would be told from.
void ShowFirstReadings(const Nvml& nvml) {
  const TimePoint start = Now();
  for (int i = 0; i < 4; ++i) {
    unsigned long long energy_mj = 0;
    const int energy_status = nvml.library->total_energy_mj(nvml.device, &energy_mj);
    const auto power =
        nvml.library->ReadField(nvml.device, energy::kNvmlInstantPower_mw, energy::NvmlScope::kGpu);
    unsigned mean_mw = 0;
    const int mean_status = nvml.library->power_usage_mw != nullptr
                                ? nvml.library->power_usage_mw(nvml.device, &mean_mw)
                                : energy::kNvmlFunctionNotFound;
    Print(
        "  {:6.1f} ms after nvmlInit: energy {} mJ (status {}), field 186 {}, power usage {} mW "
        "(status {})\n",
        Since(start) * 1e3, energy_mj, energy_status, FieldText(*nvml.library, power, "mW"),
        mean_mw, mean_status);
    Sleep(0.05);
  }
}

// Whether the driver's stamp tells when a value was taken, or when it was asked for.
void WatchField(const Nvml& nvml, unsigned field, energy::NvmlScope scope, const char* what) {
  constexpr double kWatch_s = 1.5;
  std::vector<double> costs_s;
  std::vector<double> ages_s;
  std::vector<double> periods_s;
  int stamps = 0;
  std::optional<NvmlLibrary::Field> previous;
  std::optional<TimePoint> changed;
  const TimePoint start = Now();
  while (Since(start) < kWatch_s) {
    const TimePoint before = Now();
    const NvmlLibrary::Field now = nvml.library->ReadField(nvml.device, field, scope);
    costs_s.push_back(Since(before));
    if (now.status != energy::kNvmlSuccess) {
      Print("  field {} ({}): {}\n", field, what, nvml.library->Explain(now.status));
      return;
    }
    const auto wall_us = std::chrono::duration_cast<std::chrono::microseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
    ages_s.push_back(static_cast<double>(wall_us - now.stamp_us) * 1e-6);
    if (previous && now.stamp_us != previous->stamp_us) ++stamps;
    if (previous && now.value != previous->value) {
      if (changed) periods_s.push_back(Since(*changed));
      changed = Now();
    }
    previous = now;
  }
  Print(
      "  field {} ({}): {} reads of {:.3f} ms, {} changes each {:.1f} ms, {} new stamps, "
      "age of the stamp {:.2f} to {:.2f} ms\n",
      field, what, costs_s.size(), Quantile(costs_s, 0.5) * 1e3, periods_s.size() + 1,
      Quantile(periods_s, 0.5) * 1e3, stamps, Quantile(ages_s, 0.05) * 1e3,
      Quantile(ages_s, 0.95) * 1e3);
}

// Reads without pause: tick, step and cost as they are.
bool WatchCounter(Meter& meter) {
  constexpr double kWatch_s = 3.0;
  std::vector<double> costs_s;
  std::vector<double> ticks_s;
  long long divisor_mj = 0;
  double smallest_j = 0;
  std::optional<TimePoint> last;
  Reading previous = meter.Read();
  const TimePoint start = Now();
  while (Since(start) < kWatch_s) {
    Reading now = meter.Read();
    costs_s.push_back(SecondsBetween(now.before, now.after));
    const std::optional<double> gained_j = energy::Difference(previous, now, 0);
    if (gained_j && *gained_j != 0) {
      if (last) ticks_s.push_back(SecondsBetween(*last, now.after));
      last = now.after;
      divisor_mj = std::gcd(divisor_mj, std::llround(*gained_j * 1e3));
      smallest_j = smallest_j == 0 ? *gained_j : std::min(smallest_j, *gained_j);
    }
    previous = std::move(now);
  }
  if (ticks_s.empty()) {
    Print("  the counter did not tick in {} s\n", kWatch_s);
    return false;
  }
  Print(
      "  tick {:.2f} ms (5 % {:.2f}, 95 % {:.2f}, {} ticks), steps are multiples of {} mJ, the "
      "smallest {:.3f} J, a read takes {:.3f} ms (95 % {:.3f})\n",
      Quantile(ticks_s, 0.5) * 1e3, Quantile(ticks_s, 0.05) * 1e3, Quantile(ticks_s, 0.95) * 1e3,
      ticks_s.size(), divisor_mj, smallest_j, Quantile(costs_s, 0.5) * 1e3,
      Quantile(costs_s, 0.95) * 1e3);
  return true;
}

}  // namespace wattline::device
