// What a roofline plot shows, before it is drawn: roofs, points under them, and who is who. SVG and
// page are made from this alone.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "roofline/fit.h"
#include "roofline/judge.h"

namespace wattline::roofline {

struct PlotRoof {
  size_t chip = 0;  // index into PlotModel::chips
  Roof roof;
  std::optional<EnergyCoefficients> energy;   // of the same key; absent where unfitted or refused
  std::vector<IntensityPoint> energy_points;  // not_used: also what the energy fit dropped
};

struct PlotPoint {
  int number = 0;  // from 1, as drawn; 0: it has no place in the plot
  size_t chip = 0;
  Judged judged;
};

struct PlotModel {
  std::string title;  // as the user gave it; else empty
  std::vector<std::string> chips;
  std::vector<PlotRoof> roofs;
  std::vector<PlotPoint> points;     // numbered ones by chip, in the order of their file
  std::vector<PlotPoint> unplaced;   // without intensity or speed; Judged::remark says why
  std::vector<std::string> sources;  // file names without folders
  std::vector<std::string> remarks;  // of energy fits: why refused, what they only hold under
  // In the order of the roofs, then of the points.
  std::vector<std::string> formats;
  std::vector<std::string> levels;
  std::vector<std::string> fixtures;

  bool HasEnergy() const;  // anything to draw with FLOP per joule
};

struct PlotOptions {
  std::string title = {};
  // Empty: all. Else only roofs of these, and points of these or held against such a roof.
  std::vector<std::string> formats = {};
  std::vector<std::string> levels = {};
  std::string machine = {};  // a part of chip or chip_slug
};

struct PlotModelResult {
  std::optional<PlotModel> model;
  std::string error;  // one sentence: what was asked for and what there is
};

// Of roofs that differ in threads alone, those are drawn that points are held against, else the
// highest. Rows of fixture `ceiling` are no points: they are what roofs are made of.
PlotModelResult MakePlotModel(const Fit& fit, std::span<const Judged> rows,
                              std::span<const std::string> sources,
                              const PlotOptions& options = {});

// The user's, else made of the chips.
std::string PlotTitle(const PlotModel& model, bool energy);

// Speed and FLOP per joule under this roof.
double RoofSpeed(const PlotRoof& roof, double flop_per_byte);
std::optional<double> RoofEfficiency(const PlotRoof& roof, double flop_per_byte);

// One JSON object, what the page shows and sorts. Points are arrays in the order of "fields", null
// where a value is absent; elsewhere what is absent has no key.
std::string PlotModelJson(const PlotModel& model);

}  // namespace wattline::roofline
