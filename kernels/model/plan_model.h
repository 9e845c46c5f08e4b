// A model without its weights: every matrix has its format and size but no bytes, so that the laws
// of decoder.h and WeightByte tell the work of models that no machine here could hold.
#pragma once

#include <string_view>

#include "kernels/model/model.h"

namespace wattline::kernels {

// `format` as in MakeRandomModel. The matrices' `data` are null: only laws may take this model.
LoadedModel PlanModel(const ModelShape& shape, std::string_view format);

}  // namespace wattline::kernels
