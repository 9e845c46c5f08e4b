// The backends coreml_cpu, coreml_gpu, coreml_ane and coreml_all: the BERT encoder as Core ML runs
// it on the compute units that it is allowed to use. It needs macOS and a package that
// tools/coreml_package wrote.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/encode/coreml.h"
#include "kernels/encode/encode.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct Backend;

struct CoreMlOptions {
  CoreMlLibraries libraries = {};
  std::string folder = "models";  // of the packages
};
// With the folder that WATTLINE_COREML names, if it does.
CoreMlOptions CoreMlOptionsOfEnvironment();

// "models/bert-base.f16.tokens128.mlpackage"
std::string CoreMlPackage(const CoreMlOptions& options, const std::string& model, int64_t tokens);

std::string WhyNotCoreMl(const CoreMlOptions& options);
// The model is bert-base in f16, of the seed that the package has: another one fails its check.
MadeWork MakeCoreMlEncode(const CoreMlOptions& options, CoreMlUnits units, const EncodeCase& c);

// As a backend: see Backend. The units are those of its name.
std::string WhyNotCoreMl();
bool IsCoreMl(const Backend& backend);
bool CoreMlHolds(Format weights);
MadeWork MakeCoreMlEncode(const Backend& self, const EncodeCase& c, ThreadPool& pool);
std::string DescribeCoreMlCpu();
std::string DescribeCoreMlGpu();
std::string DescribeCoreMlAne();
std::string DescribeCoreMlAll();

}  // namespace wattline::kernels
