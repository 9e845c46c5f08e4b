#include "kernels/encode/encode_coreml.h"

#include <fmt/format.h>

#include "kernels/backend.h"

namespace wattline::kernels {

MadeWork MakeCoreMlEncode(const CoreMlOptions& options, CoreMlUnits units, const EncodeCase& c) {
  if (std::string why_not = WhyNotEncode(c); !why_not.empty()) return {nullptr, why_not};
  if (c.model->shape.name != kCoreMlModel || c.model->format != "f16") {
    return {nullptr, fmt::format("Core ML's packages hold {} in f16", kCoreMlModel)};
  }
  CoreMlCall call;
  call.package = kCoreMlEncoder;
  call.tokens = std::ssize(c.tokens);
  call.set_inputs = [&c](CoreMlModel& model) {
    model.SetInput("tokens", c.tokens);
    model.SetInput("segments", c.segments);
  };
  call.outputs = {"hidden", "pooled"};
  call.values = (call.tokens + 1) * c.model->shape.model_dim;
  return MakeCoreMlWork(options, units, call);
}

MadeWork MakeCoreMlEncode(const Backend& self, const EncodeCase& c, ThreadPool&) {
  return MakeCoreMlEncode(CoreMlOptionsOfEnvironment(), UnitsOf(self), c);
}

}  // namespace wattline::kernels
