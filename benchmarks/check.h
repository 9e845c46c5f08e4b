// Check, then time: the comparisons that every fixture makes with the double-precision reference
// before it prints a speed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/gemm/gemm.h"
#include "kernels/linear/linear.h"
#include "kernels/work.h"

namespace wattline::benchmarks {

// What a check found: the sentence of an error row, empty where all agree; and how much it
// compared.
struct Checked {
  std::string error;
  int64_t outputs = 0;              // compared
  std::optional<double> rms_error;  // relative to the reference's rms, where that was compared
};

// As counters of the row: "checked" outputs, and "check_rms_error" where that was compared.
std::map<std::string, double> CountersOf(const Checked& checked);

inline constexpr uint64_t kSampleSeed = 7;
// At most `count` different indices below `size`, in rising order: the first, the last, and seeded
// random ones between them.
std::vector<int64_t> SampleIndices(int64_t size, int64_t count, uint64_t seed);

// Compares sampled rows and columns of `result` [m, n], exactly computed for those elements.
Checked CheckGemm(const kernels::GemmCase& c, std::span<const float> result,
                  kernels::Rounding rounds = {});
// The same for Y[tokens, rows].
Checked CheckLinear(const kernels::LinearCase& c, std::span<const float> result,
                    kernels::Rounding rounds = {});
// All outputs of sampled tokens, [tokens, heads, head_dim].
Checked CheckAttention(const kernels::AttentionArgs& c, std::span<const float> result,
                       kernels::Rounding rounds = {});
// Sampled rows of the dequantised matrix, [rows, cols], as f32 or as bf16 widened to f32.
Checked CheckDequant(const kernels::Matrix& w, kernels::Format to, std::span<const float> result,
                     kernels::Rounding rounds = {});

// Root mean square of result - want, relative to that of `want`, must not pass `bound`: for chains
// of operations, where no bound for a single element is of use.
Checked CheckRms(std::span<const double> want, std::span<const float> result, double bound);

}  // namespace wattline::benchmarks
