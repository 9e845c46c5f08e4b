// What the operations' Core ML files share: the packages that tools/coreml_package writes, the four
// backends that run them, and the work that predicts with one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/coreml/coreml.h"
#include "kernels/format.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct Backend;

struct CoreMlOptions {
  CoreMlLibraries libraries = {};
  std::string folder = "models";  // of the packages
};
// With the folder that WATTLINE_COREML names, if it does.
CoreMlOptions CoreMlOptionsOfEnvironment();

// A package is for one length of sentence. Its weights are bench's own: those of other seeds fail
// their check.
struct CoreMlPackage {
  const char* name;   // of its file
  const char* flags;  // of tools/coreml_package, which writes it
};
inline constexpr const char* kCoreMlModel = "bert-base";  // in f16
inline constexpr CoreMlPackage kCoreMlEncoder = {"bert-base", ""};
inline constexpr CoreMlPackage kCoreMlBlock = {"bert-base-block", "--block "};

// "models/bert-base.f16.tokens128.mlpackage"
std::string PathOf(const CoreMlOptions& options, const CoreMlPackage& package, int64_t tokens);

// One prediction with a package.
struct CoreMlCall {
  CoreMlPackage package;
  int64_t tokens = 0;
  std::function<void(CoreMlModel&)> set_inputs;
  std::vector<const char*> outputs;  // the result is their values, one after the other
  int64_t values = 0;                // of all outputs
};
MadeWork MakeCoreMlWork(const CoreMlOptions& options, CoreMlUnits units, const CoreMlCall& call);

// As a backend: see Backend. The units are those of its name.
std::string WhyNotCoreMl(const CoreMlOptions& options);
std::string WhyNotCoreMl();
bool IsCoreMl(const Backend& backend);
CoreMlUnits UnitsOf(const Backend& backend);
bool CoreMlHolds(Format weights);
std::string DescribeCoreMlCpu();
std::string DescribeCoreMlGpu();
std::string DescribeCoreMlAne();
std::string DescribeCoreMlAll();

}  // namespace wattline::kernels
