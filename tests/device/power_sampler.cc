#include "tests/device/power_sampler.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace wattline::device {
namespace {

using energy::SecondsBetween;
using energy::TimePoint;

double PowerAt(const PowerSample& before, const PowerSample& after, TimePoint at) {
  const double share = SecondsBetween(before.at, at) / SecondsBetween(before.at, after.at);
  return before.watts + share * (after.watts - before.watts);
}

}  // namespace

std::optional<double> IntegrateJoules(const std::vector<PowerSample>& samples, TimePoint begin,
                                      TimePoint end, double longest_gap_s) {
  if (samples.empty() || samples.front().at > begin || samples.back().at < end) return std::nullopt;
  double joules = 0;
  for (size_t i = 0; i + 1 < samples.size(); ++i) {
    const PowerSample& before = samples[i];
    const PowerSample& after = samples[i + 1];
    const TimePoint from = std::max(before.at, begin);
    const TimePoint to = std::min(after.at, end);
    if (from >= to) continue;
    if (SecondsBetween(before.at, after.at) > longest_gap_s) return std::nullopt;
    const double mean_w = (PowerAt(before, after, from) + PowerAt(before, after, to)) / 2;
    joules += mean_w * SecondsBetween(from, to);
  }
  return joules;
}

PowerSampler::PowerSampler(std::shared_ptr<const energy::NvmlLibrary> nvml,
                           energy::NvmlDevice device, double period_s)
    : nvml_(std::move(nvml)), device_(device), thread_([this, period_s] { Run(period_s); }) {}

PowerSampler::~PowerSampler() {
  stop_ = true;
  thread_.join();
}

void PowerSampler::Run(double period_s) {
  const auto period = std::chrono::duration<double>(period_s);
  while (!stop_) {
    const TimePoint before = energy::RealClock().Now();
    const energy::NvmlLibrary::Field read =
        nvml_->ReadField(device_, energy::kNvmlInstantPower_mw, energy::NvmlScope::kGpu);
    const TimePoint after = energy::RealClock().Now();
    if (read.status == energy::kNvmlSuccess && read.value > 0) {
      const std::lock_guard<std::mutex> lock(mutex_);
      samples_.push_back({before + (after - before) / 2, read.value * 1e-3});
    }
    std::this_thread::sleep_for(period);
  }
}

std::vector<PowerSample> PowerSampler::Samples() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return samples_;
}

}  // namespace wattline::device
