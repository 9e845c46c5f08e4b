#include "kernels/coreml/coreml_work.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <utility>

#include "kernels/backend.h"

namespace wattline::kernels {
namespace {

constexpr int64_t kUsualTokens = 128;

// The names of MLComputeUnits.
std::string UnitsName(CoreMlUnits units) {
  switch (units) {
    case CoreMlUnits::kCpu:
      return "cpuOnly";
    case CoreMlUnits::kCpuAndGpu:
      return "cpuAndGPU";
    case CoreMlUnits::kCpuAndNeuralEngine:
      return "cpuAndNeuralEngine";
    case CoreMlUnits::kAll:
      break;
  }
  return "all";
}

std::string Describe(CoreMlUnits units) {
  return fmt::format("Core ML of this macOS, compute units {}", UnitsName(units));
}

class CoreMlWork final : public Work {
 public:
  CoreMlWork(std::shared_ptr<const Objc> objc, const std::string& path, CoreMlUnits units,
             const CoreMlCall& call)
      : units_(units), outputs_(call.outputs), model_(std::move(objc), path, units) {
    call.set_inputs(model_);
    // The first prediction makes what Core ML makes late, and shows what the package lacks.
    model_.Predict();
    Collect(call.values);
  }
  const std::string& fault() const { return fault_; }

  // A prediction that fails after others did not must not look like a fast one.
  void Run() override {
    model_.Predict();
    if (!model_.fault().empty()) throw std::runtime_error(model_.fault());
  }
  std::vector<float> Result() const override {
    std::vector<float> all;
    for (const char* name : outputs_) {
      const CoreMlFloats floats = FloatsOf(model_.Output(name));
      all.insert(all.end(), floats.values.begin(), floats.values.end());
    }
    return all;
  }
  std::string Kernel() const override { return "compute units " + UnitsName(units_); }
  // f16, in sums that Core ML does not describe: a running sum of 768 products, rounded to f16 at
  // each step, is off by sqrt(768 / 2) 0.43 = 8 units of 2^-11.
  Rounding RoundsTo() const override { return {0x1p-8, 0x1p-11}; }

 private:
  void Collect(int64_t expected) {
    int64_t count = 0;
    for (const char* name : outputs_) {
      const CoreMlFloats floats = FloatsOf(model_.Output(name));
      fault_ = model_.fault().empty() ? floats.why_not : model_.fault();
      if (!fault_.empty()) return;
      count += std::ssize(floats.values);
    }
    if (count != expected) {
      fault_ = fmt::format("Core ML's package gives {} values where {} are due", count, expected);
    }
  }

  CoreMlUnits units_;
  std::vector<const char*> outputs_;
  mutable CoreMlModel model_;  // reading an output makes objects
  std::string fault_;
};

}  // namespace

CoreMlOptions CoreMlOptionsOfEnvironment() {
  CoreMlOptions options;
  if (const char* folder = std::getenv("WATTLINE_COREML")) options.folder = folder;
  return options;
}

std::string PathOf(const CoreMlOptions& options, const CoreMlPackage& package, int64_t tokens) {
  return fmt::format("{}/{}.f16.tokens{}.mlpackage", options.folder, package.name, tokens);
}

MadeWork MakeCoreMlWork(const CoreMlOptions& options, CoreMlUnits units, const CoreMlCall& call) {
  const LoadedCoreMl loaded = LoadCoreMl(options.libraries);
  if (!loaded.objc) return {nullptr, loaded.why_not};
  const std::string path = PathOf(options, call.package, call.tokens);
  if (!std::filesystem::exists(path)) {
    return {nullptr, fmt::format("there is no {}: tools/coreml_package {}--tokens={} writes it",
                                 path, call.package.flags, call.tokens)};
  }
  auto work = std::make_unique<CoreMlWork>(loaded.objc, path, units, call);
  if (!work->fault().empty()) return {nullptr, work->fault()};
  return {std::move(work), {}};
}

// One package is enough: rows of another say what is missing.
std::string WhyNotCoreMl(const CoreMlOptions& options) {
  const LoadedCoreMl loaded = LoadCoreMl(options.libraries);
  if (!loaded.objc) return loaded.why_not;
  const std::string encoder = PathOf(options, kCoreMlEncoder, kUsualTokens);
  const std::string block = PathOf(options, kCoreMlBlock, kUsualTokens);
  if (std::filesystem::exists(encoder) || std::filesystem::exists(block)) return "";
  return fmt::format(
      "there is neither {} nor {}: tools/coreml_package writes the first, with {}the "
      "second",
      encoder, block, kCoreMlBlock.flags);
}

std::string WhyNotCoreMl() { return WhyNotCoreMl(CoreMlOptionsOfEnvironment()); }

bool IsCoreMl(const Backend& backend) { return backend.name.starts_with("coreml_"); }

CoreMlUnits UnitsOf(const Backend& backend) {
  if (backend.name == "coreml_cpu") return CoreMlUnits::kCpu;
  if (backend.name == "coreml_gpu") return CoreMlUnits::kCpuAndGpu;
  return backend.name == "coreml_ane" ? CoreMlUnits::kCpuAndNeuralEngine : CoreMlUnits::kAll;
}

bool CoreMlHolds(Format weights) { return weights == Format::kF16; }

std::string DescribeCoreMlCpu() { return Describe(CoreMlUnits::kCpu); }
std::string DescribeCoreMlGpu() { return Describe(CoreMlUnits::kCpuAndGpu); }
std::string DescribeCoreMlAne() { return Describe(CoreMlUnits::kCpuAndNeuralEngine); }
std::string DescribeCoreMlAll() { return Describe(CoreMlUnits::kAll); }

}  // namespace wattline::kernels
