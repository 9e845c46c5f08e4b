// Predictions as a table, Markdown, CSV or JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "roofline/predict.h"
#include "tools/roofline/model_work.h"
#include "tools/text_table.h"

namespace wattline::tools {

struct PredictedRow {
  std::string model;
  std::string format;
  ModelRequest request;
  roofline::ModelWork work;
  roofline::MachineModel machine;
  std::optional<roofline::Split> split;
  roofline::Prediction prediction;
  std::vector<std::string> remarks;  // of this row
};

// JSON: an object for one row where `grid` is false, else an array. Text and Markdown end with what
// the rows stand on and what was assumed.
std::string RenderPredictions(const std::vector<PredictedRow>& rows, bool grid, TableFormat format);

}  // namespace wattline::tools
