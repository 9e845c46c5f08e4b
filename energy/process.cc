#include "energy/process.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>

namespace wattline::energy {
namespace {

struct Process {
  Chosen chosen;
  std::unique_ptr<Sampler> sampler;
};

Process OpenProcess() {
  const char* flag = std::getenv("WATTLINE_ENERGY");
  const char* root = std::getenv("WATTLINE_METER_ROOT");
  MeterOptions options;
  if (root != nullptr && *root != '\0') options.root = root;
  Process process{ChooseMeters(flag != nullptr && *flag != '\0' ? flag : "auto", options), nullptr};
  const std::string& error =
      process.chosen.error.empty() ? process.chosen.usage_error : process.chosen.error;
  fmt::print(stderr, "{}\n", error.empty() ? Summary(process.chosen) : error);
  return process;
}

}  // namespace

Sampler* ProcessSampler() {
  static Process process = OpenProcess();
  static const bool started = [] {
    if (process.chosen.set.meters.empty()) return false;
    process.sampler = std::make_unique<Sampler>(process.chosen.set);
    process.sampler->StartThread();
    return true;
  }();
  return started ? process.sampler.get() : nullptr;
}

}  // namespace wattline::energy
