// The parts of a pass, so that each can be run, and timed, by itself.
#pragma once

#include <cstdint>

namespace wattline::kernels {

// Sums of these. Products with weights; attention over the cache; and the rest: embedding, norms,
// packing activations, RoPE, storing K and V, SwiGLU, sums with the residual stream. Each part
// holds the meetings that follow it.
using StepParts = uint8_t;
inline constexpr StepParts kLinearPart = 1;
inline constexpr StepParts kAttentionPart = 2;
inline constexpr StepParts kRestPart = 4;
inline constexpr StepParts kWholeStep = kLinearPart | kAttentionPart | kRestPart;

}  // namespace wattline::kernels
