// Small things that several fixtures need.
#pragma once

#include <benchmark/benchmark.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/counters.h"
#include "kernels/backend.h"
#include "kernels/format.h"

namespace wattline::benchmarks {

// Begins the sentence of a row that this machine is too small for: no failure.
inline constexpr std::string_view kSkipped = "skipped: ";

// A model, a format or a length of a fixture's rows, and whether rows of the default list have it.
template <typename T>
struct Choice {
  T value;
  bool in_default;
};

inline bool OnGpu(const kernels::Backend& backend) {
  return backend.on_gpu != nullptr && backend.on_gpu();
}

// What sets rows of this format apart from the default list's: its name, where it differs from mlx4
// or mlx8 in the size of its groups alone.
inline std::vector<std::string> FormatWords(kernels::Format format) {
  switch (format) {
    case kernels::Format::kMlx4G128:
    case kernels::Format::kMlx8G32:
    case kernels::Format::kMlx8G128:
      return {std::string(kernels::Info(format).name)};
    default:
      return {};
  }
}

// Ends the row as an error row with this sentence and no speed.
inline void Skip(benchmark::State& state, const std::string& why) {
  state.SkipWithError(why.c_str());
}

// The ceiling of a GPU's products: operands have the weights' type, where they are packed f16, or
// bf16 beside scales of one byte.
inline Peak GpuPeak(kernels::Format format) {
  switch (format) {
    case kernels::Format::kF32:
      return Peak::kF32;
    case kernels::Format::kBF16:
    case kernels::Format::kMxfp4:
    case kernels::Format::kNvfp4:
      return Peak::kBF16;
    default:
      return Peak::kF16;
  }
}

// The ceiling of linear layers with many tokens and weights of this format, or of a mix of
// quantised ones (absent). On a CPU quantised weights meet 8-bit activations, dense ones are packed
// as bf16 on AVX-512 and as f32 on the other instruction sets; AMX takes all in bf16.
inline Peak PanelPeak(const kernels::Backend& backend, std::optional<kernels::Format> format) {
  if (OnGpu(backend)) return GpuPeak(format.value_or(kernels::Format::kQ4_K));
  const bool quantised = !format || kernels::IsQuantised(*format);
  const std::string_view isa = backend.cpu == nullptr ? "" : backend.cpu->isa;
  if (isa == "amx") return Peak::kBF16;
  if (quantised) return Peak::kInt8;
  return isa == "avx512" ? Peak::kBF16 : Peak::kF32;
}

}  // namespace wattline::benchmarks
