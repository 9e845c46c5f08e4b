#include "kernels/model/plan_model.h"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "kernels/model/shapes.h"
#include "kernels/model/tensors.h"

namespace wattline::kernels {

LoadedModel PlanModel(const ModelShape& shape, std::string_view format) {
  std::string error = ShapeError(shape);
  const std::vector<TensorSpec> tensors =
      error.empty() ? LlamaTensors(shape) : std::vector<TensorSpec>{};
  FormatPlan plan;
  if (error.empty()) {
    plan = PlanFormats(tensors, shape, format);
    error = plan.error;
  }
  if (!error.empty()) return {nullptr, fmt::format("model '{}': {}", shape.name, error)};
  auto model = std::make_shared<Model>();
  model->shape = shape;
  model->format = format;
  model->layers.resize(static_cast<size_t>(shape.layers));
  for (size_t i = 0; i < tensors.size(); ++i) {
    PlaceTensor(tensors[i], plan.formats[i], nullptr, *model);
  }
  return {std::move(model), {}};
}

}  // namespace wattline::kernels
