#include "kernels/block/block_coreml.h"

#include <fmt/format.h>

#include <span>

#include "kernels/backend.h"

namespace wattline::kernels {

MadeWork MakeCoreMlBlock(const CoreMlOptions& options, CoreMlUnits units, const BlockCase& c) {
  if (c.bert == nullptr || c.shape.name != kCoreMlModel || c.bert->ffn_up.format != Format::kF16) {
    return {nullptr, fmt::format("Core ML's packages hold a block of {} in f16", kCoreMlModel)};
  }
  const int64_t dim = c.shape.model_dim;
  CoreMlCall call;
  call.package = kCoreMlBlock;
  call.tokens = c.tokens;
  call.values = c.tokens * dim;
  call.set_inputs = [&](CoreMlModel& model) {
    model.SetInput("x", std::span(c.x, static_cast<size_t>(call.values)), dim);
  };
  call.outputs = {"y"};
  return MakeCoreMlWork(options, units, call);
}

MadeWork MakeCoreMlBlock(const Backend& self, const BlockCase& c, ThreadPool&) {
  return MakeCoreMlBlock(CoreMlOptionsOfEnvironment(), UnitsOf(self), c);
}

}  // namespace wattline::kernels
