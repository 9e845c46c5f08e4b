// What a model would do on a machine: time, joules and memory from plain numbers of work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "roofline/fit.h"

namespace wattline::roofline {

// Some passes over a model's layers.
struct Work {
  double flop = 0;
  double byte = 0;      // compulsory: weights once per pass, K and V
  double launches = 0;  // layers x passes
};

// Time of work: ((byte / byte_per_s)^p + (flop / flop_per_s)^p)^(1/p) + launches launch_s. This is
// Roof's law as a time, with the fixed cost of a layer's kernels beside it.
struct SpeedLaw {
  double flop_per_s = 0;
  double byte_per_s = 0;
  double launch_s = 0;
  double sharpness = 1;  // p; 1: the parts add up; infinity: the larger one counts
};
double Seconds(const SpeedLaw& law, const Work& work);
// "bandwidth", "compute" or "launch overhead": the largest of the three parts.
std::string BindingLimit(const SpeedLaw& law, const Work& work);

// A kind of work on a machine. Seconds are those of `expected` times slowdown.value, not less than
// `fastest` times slowdown.low and not more than `slowest` times slowdown.high; nothing is faster
// than `limit`, the machine's peaks.
struct PassModel {
  SpeedLaw expected, slowest, fastest, limit;
  Interval slowdown{1, 1, 1};
};
Interval PassSeconds(const PassModel& model, const Work& work);

// Energy of work: the energy roofline's, or watts x time where only those are known.
struct EnergyModel {
  std::optional<EnergyCoefficients> coefficients;
  Interval factor{1, 1, 1};  // measured joules over the coefficients' joules
  std::optional<Interval> watts;
};

struct MachineModel {
  std::string name;
  bool measured = false;  // from a fit; else from published tables
  PassModel prefill, decode;
  std::optional<double> usable_byte;  // memory that a model may take; absent: unknown
  std::optional<EnergyModel> energy;  // absent: joules were never measured
  std::string calibration;            // which rows the efficiencies stand on, one sentence
  std::vector<std::string> remarks;   // what is assumed, a sentence each
};

// A model and a request as work and bytes.
struct ModelWork {
  Work prefill;  // the prompts of all sequences
  Work decode;   // one step: a token of each sequence
  double prefill_tokens = 0;
  double decode_tokens = 0;  // of a step: the sequences
  double weight_byte = 0;
  double cache_byte = 0;         // K and V of `context` positions of all sequences
  double prompt_cache_byte = 0;  // of the prompts: what a split sends
  double scratch_byte = 0;       // activations
};

// Prefill on another machine, whose K and V come through a link.
struct Split {
  MachineModel prefill;
  double link_bit_per_s = 0;
};

struct Prediction {
  double memory_byte = 0;           // weights, cache and activations
  std::optional<bool> fits;         // absent: the memory is unknown
  std::optional<double> head_byte;  // usable - memory_byte; negative where it does not fit
  // Absent where the model does not fit.
  std::optional<Interval> ttft_s;  // prefill and, of a split, the sending of K and V
  std::optional<Interval> prefill_tok_per_s, decode_tok_per_s;  // of all sequences together
  std::optional<Interval> j_per_token;                          // of decode
  std::optional<double> transfer_s;                             // of a split
  std::string limit;          // of decode: BindingLimit, or "memory capacity"
  std::string prefill_limit;  // of prefill: the same, or "link"
};
Prediction Predict(const MachineModel& machine, const ModelWork& work,
                   const std::optional<Split>& split = std::nullopt);

}  // namespace wattline::roofline
