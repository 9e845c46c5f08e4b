// What whole models reach of a GPU's bus and cores, fitted to published speeds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "roofline/predict.h"
#include "roofline/published.h"

namespace wattline::roofline {

// The work that the published speeds were measured with, for each of their formats.
struct PublishedWork {
  Work prefill;  // 512 tokens
  Work decode;   // the mean step of 128 tokens after none
};

struct GpuTables {
  std::vector<Gpu> gpus;
  std::vector<CoreRate> rates;
  std::vector<PublishedSpeed> speeds;
  std::map<std::string, PublishedWork> works;  // by format
};

// The law of a pass on a GPU with N cores of clock f, n FLOP per core and cycle, a bus of B byte/s:
//   t = byte d / (e_B B) + flop c / (e_f N f n) + launches k / f,    d = c = 1 on one die.
// The same e_B, k, d, c serve prefill and decode; e_f depends on the number format, since numbers
// are unpacked by the same lanes that multiply them. Fitted to tg128 and pp512 of the tables.
struct GpuCalibration {
  double bandwidth_share = 1;                   // e_B
  double launch_cycles = 0;                     // k
  double die_bandwidth_factor = 1;              // d where the GPU has two dies
  double die_compute_factor = 1;                // c likewise
  std::map<std::string, double> compute_share;  // e_f, by format
  // Measured time over this law's on rows that had no part in it, 5 % and 95 % quantiles.
  Interval prefill_slowdown{1, 1, 1}, decode_slowdown{1, 1, 1};
  std::vector<std::string> generations;  // whose rows these are
  int rows = 0;
};

// From all rows but those of one generation; no rows where nothing of that family is left.
GpuCalibration CalibrateGpus(const GpuTables& tables, std::string_view family,
                             std::string_view left_out_generation);

// The table's row of this name; of several, the one with these cores, else the largest, whose bus
// is then kept. Absent for an unknown name. Names are compared without case.
std::optional<Gpu> FindGpu(const std::vector<Gpu>& gpus, std::string_view name,
                           std::optional<int> cores);

// The rate of "vector" or "matrix" units of a generation; null where the tables have none.
const CoreRate* FindRate(const GpuTables& tables, std::string_view generation,
                         std::string_view unit);
double PeakFlopPerS(const Gpu& gpu, const CoreRate& rate);

}  // namespace wattline::roofline
