// The limits of a machine as they were found: levels of memory, roofs of speed, coefficients of
// energy. What `roofline fit` writes and report, predict and plot read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wattline::roofline {

// The level beyond all caches, in RoofKey and LevelFit.
inline constexpr const char* kMemoryLevel = "DRAM";

// An estimate and its 95 % bootstrap interval.
struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
};

// One point of an intensity sweep.
struct IntensityPoint {
  std::string row;  // its name in the results file
  double flop_per_byte = 0;
  double flop_per_s = 0;
  std::optional<double> watts;      // mean power, gross
  std::optional<double> watts_err;  // half-width of its bound
  std::optional<double> clock_hz;
  std::string not_used;  // why a fit leaves it out: the gate that failed; else empty
};

// What is measured together: one number format on one backend with so many threads.
struct RoofKey {
  std::string format;  // "f32", "bf16", "int8"
  std::string backend;
  int threads = 1;
  std::string level;  // where the bytes come from: "L1", "L2", "L3", "DRAM"
};

bool SameKey(const RoofKey& a, const RoofKey& b);

// Attainable FLOP/s at intensity I: (P^-p + (B I)^-p)^(-1/p); without p, min(P, B I).
struct Roof {
  RoofKey key;
  Interval peak_flop_per_s;      // P
  Interval byte_per_s;           // B
  Interval ridge_flop_per_byte;  // P / B
  // p: 1 is additive, infinity the straight corner. Absent where no sweep was measured and P and B
  // come from rows of their own ("ceiling/peak", "ceiling/read").
  std::optional<Interval> sharpness;
  std::optional<double> corner_share;        // attained at the ridge over P: 2^(-1/p)
  std::optional<double> rms_error;           // relative, of the points used
  std::optional<double> rms_error_straight;  // of min(P, B I) on the same points
  std::vector<IntensityPoint> points;        // used or not
};

// Energy roofline: E = W flop_j + Q byte_j + T constant_w (Choi, Bedard, Fowler, Vuduc: A Roofline
// Model of Energy, IPDPS 2013, doi 10.1109/IPDPS.2013.77).
struct EnergyCoefficients {
  Interval flop_j;                 // joules per FLOP
  Interval byte_j;                 // joules per byte
  Interval constant_w;             // watts that flow whatever is done
  Interval balance_flop_per_byte;  // byte_j / flop_j
  double max_error = 0;            // largest relative error of energy over the points used
  double condition = 0;            // of the design matrix with columns of unit length
};

struct EnergyFit {
  RoofKey key;
  std::optional<EnergyCoefficients> coefficients;
  std::string refused;               // why there are none: one sentence; else empty
  std::string caution;               // what the coefficients only hold under; else empty
  std::vector<std::string> dropped;  // points left out, each with its reason
  std::vector<IntensityPoint> points;
};

struct LevelFit {
  std::string backend;
  int threads = 1;
  std::string name;  // "L1" ... "DRAM"
  double from_byte = 0;
  double to_byte = 0;  // footprint per thread; the level holds at least this
  std::optional<double> byte_per_s;
  std::string unresolved;
};

// A whole model's row (fixture decode), as predictions are calibrated with.
struct ModelRow {
  std::string row;
  std::string model;
  std::string format;
  std::string backend;
  int threads = 1;
  bool prefill = false;
  int64_t tokens_each = 0;  // prefill: tokens of the prompt; decode: context at the first step
  int64_t batch = 1;
  double tok_per_s = 0;
  double flop_per_token = 0;
  double byte_per_token = 0;
  std::optional<double> weight_byte;
  std::optional<double> joules_per_token;
  bool unsteady = false;
};

// All of one chip, from any number of files.
struct MachineFit {
  std::string chip;
  std::string chip_slug;
  std::optional<double> memory_byte;
  std::optional<double> idle_watts;
  std::vector<std::string> meters;   // name and scope, "rapl (package)"
  std::vector<std::string> sources;  // file names without folders
  std::vector<LevelFit> levels;
  std::vector<Roof> roofs;
  std::vector<EnergyFit> energies;
  std::vector<ModelRow> model_rows;
  std::vector<std::string> remarks;  // what was not used and why, a sentence each
};

struct Fit {
  std::vector<MachineFit> machines;
};

// Of the roof's law; `flop_per_byte` > 0.
double Attainable(const Roof& roof, double flop_per_byte);
double StraightRoof(const Roof& roof, double flop_per_byte);
// Joules per FLOP of work at this intensity that runs at `flop_per_s`.
double JoulePerFlop(const EnergyCoefficients& c, double flop_per_byte, double flop_per_s);

// Null where there is none.
const Roof* FindRoof(const MachineFit& machine, const RoofKey& key);
const EnergyFit* FindEnergy(const MachineFit& machine, const RoofKey& key);

}  // namespace wattline::roofline
