#include "kernels/encode/encode_coreml.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/backend.h"

namespace wattline::kernels {
namespace {

constexpr const char* kModel = "bert-base";
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

CoreMlUnits UnitsOf(std::string_view backend) {
  if (backend == "coreml_cpu") return CoreMlUnits::kCpu;
  if (backend == "coreml_gpu") return CoreMlUnits::kCpuAndGpu;
  return backend == "coreml_ane" ? CoreMlUnits::kCpuAndNeuralEngine : CoreMlUnits::kAll;
}

std::string Describe(CoreMlUnits units) {
  return fmt::format("Core ML of this macOS, compute units {}", UnitsName(units));
}

std::string NoPackage(const std::string& package, int64_t tokens) {
  return fmt::format("there is no {}: tools/coreml_package --tokens={} writes it", package, tokens);
}

class CoreMlEncode final : public Work {
 public:
  CoreMlEncode(std::shared_ptr<const Objc> objc, const std::string& package, CoreMlUnits units,
               const EncodeCase& c)
      : units_(units), model_(std::move(objc), package, units) {
    model_.SetInput("tokens", c.tokens);
    model_.SetInput("segments", c.segments);
    // The first prediction makes what Core ML makes late, and shows what the package lacks.
    model_.Predict();
    Collect((std::ssize(c.tokens) + 1) * c.model->shape.model_dim);
  }
  const std::string& fault() const { return fault_; }

  // A prediction that fails after others did not must not look like a fast one.
  void Run() override {
    model_.Predict();
    if (!model_.fault().empty()) throw std::runtime_error(model_.fault());
  }
  std::vector<float> Result() const override {
    std::vector<float> all;
    for (const char* name : {"hidden", "pooled"}) {
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
    for (const char* name : {"hidden", "pooled"}) {
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
  mutable CoreMlModel model_;  // reading an output makes objects
  std::string fault_;
};

}  // namespace

CoreMlOptions CoreMlOptionsOfEnvironment() {
  CoreMlOptions options;
  if (const char* folder = std::getenv("WATTLINE_COREML")) options.folder = folder;
  return options;
}

std::string CoreMlPackage(const CoreMlOptions& options, const std::string& model, int64_t tokens) {
  return fmt::format("{}/{}.f16.tokens{}.mlpackage", options.folder, model, tokens);
}

std::string WhyNotCoreMl(const CoreMlOptions& options) {
  const LoadedCoreMl loaded = LoadCoreMl(options.libraries);
  if (!loaded.objc) return loaded.why_not;
  const std::string package = CoreMlPackage(options, kModel, kUsualTokens);
  return std::filesystem::exists(package) ? "" : NoPackage(package, kUsualTokens);
}

MadeWork MakeCoreMlEncode(const CoreMlOptions& options, CoreMlUnits units, const EncodeCase& c) {
  if (std::string why_not = WhyNotEncode(c); !why_not.empty()) return {nullptr, why_not};
  if (c.model->shape.name != kModel || c.model->format != "f16") {
    return {nullptr, fmt::format("Core ML's packages hold {} in f16", kModel)};
  }
  const LoadedCoreMl loaded = LoadCoreMl(options.libraries);
  if (!loaded.objc) return {nullptr, loaded.why_not};
  const int64_t tokens = std::ssize(c.tokens);
  const std::string package = CoreMlPackage(options, kModel, tokens);
  if (!std::filesystem::exists(package)) return {nullptr, NoPackage(package, tokens)};
  auto work = std::make_unique<CoreMlEncode>(loaded.objc, package, units, c);
  if (!work->fault().empty()) return {nullptr, work->fault()};
  return {std::move(work), {}};
}

std::string WhyNotCoreMl() { return WhyNotCoreMl(CoreMlOptionsOfEnvironment()); }

bool IsCoreMl(const Backend& backend) { return backend.name.starts_with("coreml_"); }

bool CoreMlHolds(Format weights) { return weights == Format::kF16; }

MadeWork MakeCoreMlEncode(const Backend& self, const EncodeCase& c, ThreadPool&) {
  return MakeCoreMlEncode(CoreMlOptionsOfEnvironment(), UnitsOf(self.name), c);
}

std::string DescribeCoreMlCpu() { return Describe(CoreMlUnits::kCpu); }
std::string DescribeCoreMlGpu() { return Describe(CoreMlUnits::kCpuAndGpu); }
std::string DescribeCoreMlAne() { return Describe(CoreMlUnits::kCpuAndNeuralEngine); }
std::string DescribeCoreMlAll() { return Describe(CoreMlUnits::kAll); }

}  // namespace wattline::kernels
