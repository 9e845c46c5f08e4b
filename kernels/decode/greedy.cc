#include "kernels/decode/greedy.h"

#include <algorithm>

namespace wattline::kernels {

int32_t Argmax(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

std::vector<float> Prefill(Decoder& decoder, std::span<const int32_t> prompt, int64_t chunk,
                           int64_t vocab) {
  std::vector<float> logits(static_cast<size_t>(vocab));
  while (!prompt.empty()) {
    const size_t count = std::min(prompt.size(), static_cast<size_t>(chunk));
    decoder.Forward(prompt.first(count), static_cast<int64_t>(count), Logits::kLast, logits);
    prompt = prompt.subspan(count);
  }
  return logits;
}

std::vector<int32_t> GreedyTokens(Decoder& decoder, std::vector<float> logits, int64_t count) {
  std::vector<int32_t> tokens;
  while (std::ssize(tokens) < count) {
    if (!tokens.empty()) decoder.Forward({&tokens.back(), 1}, 1, Logits::kLast, logits);
    tokens.push_back(Argmax(logits));
  }
  return tokens;
}

}  // namespace wattline::kernels
