// BERT encoders with seeded random weights.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/encode/encode.h"

namespace wattline::kernels {

// Of the weights that are measured, and of those that tools/coreml_package puts into its packages.
constexpr uint64_t kBertSeed = 43;
constexpr uint64_t kSentenceSeed = 44;

struct LoadedBert {
  std::shared_ptr<BertModel> model;
  std::string error;
};

// All matrices in `format`, a Format's name. Bytes depend on shape, format and seed only. Layer i
// is MakeRandomBertLayer's of its own seed; the embeddings of tokens, positions and segments have
// standard deviations of 0.05, 0.02 and 0.01, about those of a trained BERT.
LoadedBert MakeRandomBert(const ModelShape& shape, std::string_view format, uint64_t seed,
                          ThreadPool& pool);

// Seeded random tokens; the second half of them is the second segment.
struct Sentence {
  std::vector<int32_t> tokens;
  std::vector<int32_t> segments;
};
Sentence RandomSentence(const ModelShape& shape, int64_t tokens, uint64_t seed);

}  // namespace wattline::kernels
