// A machine that was measured, as predictions see it: its fitted roof from DRAM, and how far whole
// models stay behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "roofline/fit.h"
#include "roofline/predict.h"

namespace wattline::roofline {

// What is to be predicted, so that its own row is not what predicts it.
struct FitQuery {
  std::string model;
  std::string format;
  int64_t context = 0;
  int64_t prompt = 0;
  int64_t batch = 1;
  std::string backend;                // empty: that of the model rows, else of the fastest bus
  std::optional<double> memory_byte;  // in place of the fit's
};

struct FitModel {
  std::optional<MachineModel> model;
  std::string error;  // one sentence with the remedy
};

// The law is the fitted roof's. Its slowdown is the median, over the fit's model rows of the same
// kind, of measured time over the roof's time: rows of the same format where there are any, else of
// all formats; never the row that is asked for. Without such rows an assumed range, stated as such.
FitModel ModelMachine(const MachineFit& machine, const FitQuery& query);

}  // namespace wattline::roofline
