// Small things that several fixtures need.
#pragma once

#include <benchmark/benchmark.h>

#include <optional>
#include <string>
#include <string_view>

#include "benchmarks/counters.h"
#include "kernels/backend.h"

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

// Ends the row as an error row with this sentence and no speed.
inline void Skip(benchmark::State& state, const std::string& why) {
  state.SkipWithError(why.c_str());
}

// The ceiling of a GPU's products: operands have the weights' type, f16 where they are packed.
inline Peak GpuPeak(kernels::Format format) {
  if (format == kernels::Format::kF32) return Peak::kF32;
  return format == kernels::Format::kBF16 ? Peak::kBF16 : Peak::kF16;
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
