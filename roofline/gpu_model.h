// A GPU that nobody here measured, from published tables: its bus, its cores, and efficiencies
// fitted to the published speeds of other generations.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "roofline/gpu_calibration.h"
#include "roofline/predict.h"
#include "roofline/published.h"

namespace wattline::roofline {

// What a GPU of this family may take of a machine's memory.
double UsableByte(std::string_view family, double memory_byte);

// `format` is one of those that the speeds are published for ("f16", "q8_0", "q4_0"). The rows of
// the GPU's own generation are never used. Memory: what the GPU may take of `memory_byte`, which
// is the table's largest where it is absent.
MachineModel ModelGpu(const Gpu& gpu, const GpuTables& tables, const std::string& format,
                      std::optional<double> memory_byte);

}  // namespace wattline::roofline
