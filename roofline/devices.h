// Rows that ran on a GPU belong to that chip, not to the CPU beside it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "roofline/levels.h"
#include "roofline/result.h"

namespace wattline::roofline {

// The file's rows by the device that ran them, the CPU's first; a part without rows is left out,
// unless it is the only one. A part of a GPU has that GPU's name, memory and cache as its machine;
// what the context tells of operating system, compiler and meters holds for both. Rows of a GPU
// that the context does not name stay with the CPU's.
std::vector<Results> SplitByDevice(Results results);

// "nvidia-h200": lower-case letters and digits, the rest as single dashes.
std::string DeviceSlug(const std::string& name);

// Levels of a GPU by what they are: found ones are counted, but between a GPU's first-level caches
// and its second-level one of `l2_byte` lie footprints that the former hold in part, which can look
// like a level. The one nearest below l2_byte in which a footprint of it fits is L2; the first one,
// if another, L1; what lies between is left out and said in `remarks`.
std::vector<Level> GpuLevels(std::vector<Level> found, double l2_byte,
                             std::vector<std::string>& remarks);

}  // namespace wattline::roofline
