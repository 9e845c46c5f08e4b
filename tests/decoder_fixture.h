// Small models, passes over them and the bound of their logits' error, for the decoder tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/backend.h"
#include "kernels/decode/decode_cpu.h"
#include "kernels/decode/decoder.h"
#include "kernels/model/random_model.h"
#include "kernels/random.h"
#include "tests/cpu_tables.h"

namespace wattline::kernels {

// 3 layers, model_dim 256, 8 heads of 32 in groups of 4.
inline ModelShape SmallShape() {
  ModelShape s;
  s.name = "small";
  s.layers = 3;
  s.model_dim = 256;
  s.ffn_dim = 768;
  s.heads = 8;
  s.kv_heads = 2;
  s.head_dim = 32;
  s.vocab = 1000;
  s.context = 64;
  s.rope_dim = 32;
  return s;
}

// As SmolLM2-135M: a model_dim that is no multiple of 256, groups of 3.
inline ModelShape OddShape() {
  ModelShape s = SmallShape();
  s.model_dim = 576;
  s.ffn_dim = 1536;
  s.heads = 9;
  s.kv_heads = 3;
  s.head_dim = 64;
  s.rope_dim = 64;
  s.tied_output = true;
  return s;
}

inline std::shared_ptr<Model> SmallModel(const ModelShape& shape, std::string_view format) {
  ThreadPool pool(2);
  return MakeRandomModel(shape, format, 7, pool).model;
}

inline std::vector<int32_t> RandomTokens(int64_t count, int64_t vocab, uint64_t seed = 3) {
  Random random(seed);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(random.Next() % static_cast<uint64_t>(vocab)));
  }
  return tokens;
}

// Logits of every token, [batch, tokens per sequence, vocab], the prompt in pieces of `chunk`.
inline std::vector<float> AllLogits(Decoder& decoder, const std::vector<int32_t>& tokens,
                                    int64_t batch, int64_t chunk, int64_t vocab) {
  const auto length = static_cast<int64_t>(tokens.size()) / batch;
  std::vector<float> all(static_cast<size_t>(batch * length * vocab));
  for (int64_t first = 0; first < length; first += chunk) {
    const int64_t count = std::min(chunk, length - first);
    std::vector<int32_t> piece;
    for (int64_t s = 0; s < batch; ++s) {
      const auto at = tokens.begin() + s * length + first;
      piece.insert(piece.end(), at, at + count);
    }
    std::vector<float> logits(static_cast<size_t>(batch * count * vocab));
    decoder.Forward(piece, count, Logits::kAll, logits);
    for (int64_t s = 0; s < batch; ++s) {
      std::copy_n(logits.begin() + s * count * vocab, count * vocab,
                  all.begin() + (s * length + first) * vocab);
    }
  }
  return all;
}

inline std::vector<float> ReferenceLogits(const Model& model, const std::vector<int32_t>& tokens,
                                          int64_t batch = 1) {
  ThreadPool pool(2);
  const auto length = static_cast<int64_t>(tokens.size()) / batch;
  const auto decoder = MakeReferenceDecoder(model, {length, batch, length}, pool);
  return AllLogits(*decoder, tokens, batch, length, model.shape.vocab);
}

// The CPU backends with a decoder that this machine runs, those apart that decode and train with
// the same functions as another; says once which ones are left out.
inline const std::vector<const Backend*>& UsableCpuBackends() {
  static const std::vector<const Backend*> usable = [] {
    std::vector<const Backend*> list;
    for (const Backend& backend : AllBackends()) {
      if (backend.decoder == nullptr || backend.cpu == nullptr) continue;
      if (!backend.why_not().empty()) {
        std::cout << "skipped: no " << backend.cpu->isa << "\n";
      } else if (const CpuKernels* same = SameButGemm(*backend.cpu)) {
        std::cout << backend.cpu->isa << ": as " << same->isa << "\n";
      } else {
        list.push_back(&backend);
      }
    }
    return list;
  }();
  return usable;
}

// How the error of a forward pass is bounded: statistically, since the worst case of hundreds of
// thousands of roundings says nothing.
// - One linear layer turns an input whose elements carry independent errors of relative rms e into
//   an output with relative rms error e. With 8-bit activations an element is off by a uniform
//   +-s/2, s = max|x| / 127 of its block of 32: rms s / sqrt 12. A block's largest element is about
//   2.2 rms for normal inputs, 3.5 for products (SwiGLU): e = 3.5 / (127 sqrt 12) = 0.8 %.
//   bf16 operands (panels) are off by up to 2^-9 each, rms 2^-9 sqrt(2 / 3) 0.72 = 0.12 %. K and V
//   in f16: rms of about 2^-12; f32 activations and sums stay far below that.
// - Each of the 2 layers sublayers passes two such stages in a row, and its products (SwiGLU,
//   weights times V) double an inherited error; errors of stages are independent, so their squares
//   add up: 2 stages x 4 = 8 e^2 per layer and sublayer pair, and e^2 for the output projection.
// - A factor of 2 for what the model leaves out: the gain of the softmax, uneven shares.
struct LogitBound {
  double relative_rms;  // of the error over all logits, relative to the logits' rms
  double worst;         // relative too: 6 standard deviations, once in 10^9 normal draws
};

inline LogitBound BoundOf(const Model& model, int64_t rows_in_pass) {
  double e = 0x1p-12;
  if (IsQuantised(model.output.format)) {
    e = 3.5 / (127.0 * std::sqrt(12.0));
  } else if (rows_in_pass > kGemvTokens) {
    e = 0x1p-9;
  }
  const double rms = 2.0 * e * std::sqrt(1.0 + 8.0 * static_cast<double>(model.shape.layers));
  return {rms, 6.0 * rms};
}

struct LogitError {
  double relative_rms = 0;
  double worst = 0;
};

inline double RootMeanSquare(const std::vector<float>& x) {
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum / static_cast<double>(x.size()));
}

inline LogitError ErrorOf(const std::vector<float>& got, const std::vector<float>& expected) {
  double error = 0, worst = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference = static_cast<double>(got[i]) - static_cast<double>(expected[i]);
    error += difference * difference;
    worst = std::max(worst, std::isnan(difference) ? INFINITY : std::abs(difference));
  }
  const double size = RootMeanSquare(expected);
  return {std::sqrt(error / static_cast<double>(expected.size())) / size, worst / size};
}

}  // namespace wattline::kernels
