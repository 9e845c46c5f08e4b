// Greedy decoding: the token with the largest logit, one after the other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/decode/decoder.h"

namespace wattline::kernels {

// Index of the largest logit, the first one where several are equal.
int32_t Argmax(std::span<const float> logits);

// Runs the prompt (one sequence, batch 1, at most options.chunk tokens at a time) through the
// decoder. Returns the logits of its last token, [vocab].
std::vector<float> Prefill(Decoder& decoder, std::span<const int32_t> prompt, int64_t chunk,
                           int64_t vocab);

// The next `count` tokens, the first from `logits` (those of the last token that the decoder has
// seen), each of the others after the one before it. The last one is not fed back.
std::vector<int32_t> GreedyTokens(Decoder& decoder, std::vector<float> logits, int64_t count);

}  // namespace wattline::kernels
