// Where each row stands under its machine's roofs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "roofline/fit.h"
#include "roofline/result.h"

namespace wattline::roofline {

// Two bounds within this factor of each other: the row is bound by both (mixed).
inline constexpr double kMixedFactor = 1.25;

// One row, repetitions merged by their median.
struct Judged {
  std::string chip;
  std::string row;
  std::string fixture;
  std::string format;     // of the row
  std::string backend;    // of the row
  double time_s = 0;      // of one iteration
  double time_share = 0;  // of all judged rows of this file, by time_s
  std::optional<double> flop_per_byte;
  std::optional<double> flop_per_s;
  std::optional<double> byte_per_s;
  std::optional<RoofKey> roof;                  // that it is held against
  std::optional<double> attainable_flop_per_s;  // at its intensity, by the fitted law
  std::optional<double> share;                  // flop_per_s over attainable
  std::string bound;             // "compute", the level's name, or "mixed, DRAM"; or empty
  std::optional<double> joules;  // of one iteration
  std::optional<double> flop_per_joule;
  std::optional<double> attainable_flop_per_joule;
  std::optional<double> joule_share;  // the energy roofline's joules over the row's; 1 is best
  std::string remark;                 // why something is absent: "no roof of format f16", an error
};

// Rows with errors are there too, with a remark; rows of ceiling/levels and probe are not.
std::vector<Judged> Judge(const Results& results, const MachineFit& machine);

}  // namespace wattline::roofline
