// A fit and judged rows to draw. The roofs and decode rows of the first chip are those measured on
// a virtual machine with two cores of an Intel Xeon (Emerald Rapids); its sharpness, joules and
// sweep, and all of the second chip, are made for these tests.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "roofline/fit.h"
#include "roofline/judge.h"
#include "roofline/plot_model.h"

namespace wattline::roofline {

inline Interval Within(double value, double share) {
  return {value, value * (1 - share), value * (1 + share)};
}

struct ExampleLevel {
  std::string name;
  double byte_per_s;
};
struct ExamplePeak {
  std::string format;
  double flop_per_s;
};

inline MachineFit ExampleMachine(const std::string& chip, const std::vector<ExamplePeak>& peaks,
                                 const std::vector<ExampleLevel>& levels, double constant_w) {
  MachineFit machine;
  machine.chip = chip;
  machine.chip_slug = chip;
  int n = 0;
  for (const ExamplePeak& peak : peaks) {
    for (const ExampleLevel& level : levels) {
      Roof roof;
      roof.key = {peak.format, "cpu", 2, level.name};
      roof.peak_flop_per_s = Within(peak.flop_per_s, 0.01);
      roof.byte_per_s = Within(level.byte_per_s * (1 + 0.004 * (n % 3)), 0.02);
      roof.ridge_flop_per_byte = Within(peak.flop_per_s / roof.byte_per_s.value, 0.06);
      roof.sharpness = Within(2 + 0.3 * (n % 4), 0.1);
      EnergyFit energy;
      energy.key = roof.key;
      EnergyCoefficients c;
      c.flop_j = Within(constant_w / peak.flop_per_s, 0.05);
      c.byte_j = Within(0.7 * constant_w / level.byte_per_s, 0.08);
      c.constant_w = Within(constant_w, 0.04);
      c.balance_flop_per_byte = Within(c.byte_j.value / c.flop_j.value, 0.1);
      energy.coefficients = c;
      int k = 0;
      for (double intensity = 0.0625; intensity <= 1024; intensity *= 2, ++k) {
        const double wobble = 1 + 0.03 * std::sin(7.0 * k + n);
        const double rate = Attainable(roof, intensity) * wobble;
        const double watts = rate * JoulePerFlop(c, intensity, rate) / wobble;
        const bool failed = k == 9 && n % 4 == 3;
        roof.points.push_back(
            {fmt::format("ceiling/intensity/{}/flop_per_byte:{}/cpu", peak.format, intensity),
             intensity,
             rate * (failed ? 0.8 : 1),
             watts,
             watts * 0.02,
             {},
             failed ? "drift 7 % is above 5 %" : ""});
      }
      machine.roofs.push_back(roof);
      energy.points = roof.points;
      machine.energies.push_back(energy);
      ++n;
    }
  }
  return machine;
}

inline Fit ExampleFit(bool two_chips = false) {
  Fit fit;
  fit.machines.push_back(ExampleMachine(
      "Intel(R) Xeon(R) Processor", {{"f32", 439e9}, {"bf16", 455e9}, {"int8", 1791e9}},
      {{"L1", 870e9}, {"L2", 359e9}, {"L3", 66e9}, {"DRAM", 38e9}}, 18));
  fit.machines[0].chip_slug = "intel-xeon-processor-f6m207";
  if (two_chips) {
    fit.machines.push_back(ExampleMachine("made-up chip (test data)",
                                          {{"f32", 2900e9}, {"int8", 9400e9}},
                                          {{"L1", 3100e9}, {"DRAM", 240e9}}, 9));
  }
  return fit;
}

struct ExampleRow {
  std::string name;
  std::string format;
  std::string roof_format;
  double flop_per_byte;
  double flop_per_s;
};

inline std::vector<Judged> JudgeExample(const MachineFit& machine,
                                        const std::vector<ExampleRow>& rows) {
  std::vector<Judged> judged;
  for (const ExampleRow& row : rows) {
    Judged j;
    j.chip = machine.chip;
    j.row = row.name;
    j.fixture = row.name.substr(0, row.name.find('/'));
    j.format = row.format;
    j.backend = "cpu";
    j.time_s = 0.2 + 0.1 * static_cast<double>(judged.size());
    j.flop_per_byte = row.flop_per_byte;
    j.flop_per_s = row.flop_per_s;
    j.byte_per_s = row.flop_per_s / row.flop_per_byte;
    j.roof = RoofKey{row.roof_format, "cpu", 2, "DRAM"};
    if (const Roof* roof = FindRoof(machine, *j.roof)) {
      j.attainable_flop_per_s = Attainable(*roof, row.flop_per_byte);
      j.share = row.flop_per_s / *j.attainable_flop_per_s;
      j.bound = row.flop_per_byte < roof->ridge_flop_per_byte.value ? "DRAM" : "compute";
    }
    if (const EnergyFit* energy = FindEnergy(machine, *j.roof); energy && energy->coefficients) {
      const double best =
          JoulePerFlop(*energy->coefficients, row.flop_per_byte, *j.attainable_flop_per_s);
      j.joule_share = std::min(1.0, 0.6 + 0.4 * *j.share);
      j.attainable_flop_per_joule = 1 / best;
      j.flop_per_joule = *j.joule_share / best;
      j.joules = row.flop_per_s * j.time_s / *j.flop_per_joule;
    }
    judged.push_back(j);
  }
  double all_s = 0;
  for (const Judged& j : judged) all_s += j.time_s;
  for (Judged& j : judged) j.time_share = j.time_s / all_s;
  return judged;
}

// decode: tests/data/decode_emerald_rapids_vm.json; the rest made.
inline std::vector<ExampleRow> ExampleRows() {
  return {{"decode/llama-3.2-1b/bf16/prefill:512/cpu", "bf16", "bf16", 404.5, 354.5e9},
          {"decode/llama-3.2-1b/bf16/ctx:0/cpu", "bf16", "bf16", 1.0024, 31.93e9},
          {"decode/llama-3.2-1b/bf16/ctx:512/cpu", "bf16", "bf16", 1.0224, 32.64e9},
          {"decode/llama-3.2-1b/bf16/ctx:4096/cpu", "bf16", "bf16", 1.157, 35.99e9},
          {"decode/llama-3.2-1b/q8_0/prefill:512/cpu", "q8_0", "f32", 752.5, 340.5e9},
          {"decode/llama-3.2-1b/q8_0/ctx:0/cpu", "q8_0", "f32", 1.886, 55.00e9},
          {"decode/llama-3.2-1b/q8_0/ctx:512/cpu", "q8_0", "f32", 1.915, 57.69e9},
          {"decode/llama-3.2-1b/q8_0/ctx:4096/cpu", "q8_0", "f32", 2.082, 61.80e9},
          {"decode/llama-3.2-1b/q4_0/prefill:512/cpu", "q4_0", "f32", 1390.0, 346.5e9},
          {"decode/llama-3.2-1b/q4_0/ctx:0/cpu", "q4_0", "f32", 3.556, 94.79e9},
          {"decode/llama-3.2-1b/q4_0/ctx:512/cpu", "q4_0", "f32", 3.566, 96.32e9},
          {"decode/llama-3.2-1b/q4_0/ctx:4096/cpu", "q4_0", "f32", 3.628, 97.44e9},
          {"gemm/1024x1024x1024/f32/openblas", "f32", "f32", 170.7, 391e9},
          {"gemm/4096x4096x4096/f32/cpu", "f32", "f32", 682.7, 402e9},
          {"gemm/1x4096x4096/f32/cpu", "f32", "f32", 0.4998, 17.6e9},
          {"gemm/4096x4096x4096/int8/onednn", "int8", "int8", 1365, 1480e9},
          {"gemm/64x4096x4096/int8/onednn", "int8", "int8", 102.4, 990e9},
          {"attention/single_query/f16/heads:32/kv_heads:8/ctx:8192/cpu", "f16", "f32", 3.9, 88e9},
          {"attention/causal/f16/heads:32/kv_heads:8/ctx:2048/cpu", "f16", "f32", 819, 214e9},
          {"dequant/4096x4096/q4_0/cpu", "q4_0", "f32", 0.23, 7.9e9},
          {"block/llama-3.2-1b/bf16/ctx:512/cpu", "bf16", "bf16", 1.01, 33.6e9}};
}

inline std::vector<Judged> ExampleJudged(const Fit& fit) {
  std::vector<Judged> all = JudgeExample(fit.machines[0], ExampleRows());
  Judged failed;
  failed.chip = fit.machines[0].chip;
  failed.row = "gemm/4096x4096x4096/bf16/blis";
  failed.fixture = "gemm";
  failed.format = "bf16";
  failed.remark = "differs from its reference";
  all.push_back(failed);
  if (fit.machines.size() > 1) {
    std::vector<ExampleRow> rows = ExampleRows();
    for (ExampleRow& row : rows) {
      row.flop_per_s *= row.flop_per_byte < 20 ? 5.1 : 4.7;
      if (row.roof_format == "bf16") row.roof_format = "f32";
    }
    for (const Judged& j : JudgeExample(fit.machines[1], rows)) all.push_back(j);
  }
  return all;
}

// Random points under the roofs of f32, most of them near their roof.
inline std::vector<ExampleRow> ExampleManyRows(const MachineFit& machine, int count,
                                               unsigned seed = 1) {
  std::mt19937 engine(seed);
  // The standard's distributions differ between libraries; the engine does not.
  const auto between = [&](double low, double high) {
    return low + (high - low) * (static_cast<double>(engine()) / 4294967296.0);
  };
  std::vector<ExampleRow> rows;
  for (int i = 0; i < count; ++i) {
    const double x = std::exp2(between(-3, 10));
    rows.push_back({fmt::format("gemm/{}x4096x4096/f32/shape:{}/openblas", 1 + i % 64, i), "f32",
                    "f32", x, Attainable(machine.roofs[3], x) * std::exp2(between(-4, 0))});
  }
  return rows;
}

inline PlotModel ExampleModel(bool two_chips = false, const PlotOptions& options = {}) {
  const Fit fit = ExampleFit(two_chips);
  const std::vector<std::string> sources = {"fit.json", "decode_emerald_rapids_vm.json"};
  return MakePlotModel(fit, ExampleJudged(fit), sources, options).model.value();
}

}  // namespace wattline::roofline
