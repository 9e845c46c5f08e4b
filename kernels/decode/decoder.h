// The whole model: tokens in, logits out, with a KV cache. One interface for every backend.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "kernels/block/step_part.h"
#include "kernels/model/model.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct DecoderOptions {
  int64_t context = 0;  // positions of cache for each sequence
  int64_t batch = 1;    // sequences decoded together, each with a cache of its own
  int64_t chunk = 512;  // most tokens of one Forward; longer prompts are cut by the caller
};

enum class Logits : uint8_t { kLast, kAll };

class Decoder {
 public:
  virtual ~Decoder() = default;

  // Appends `count` tokens to each sequence and runs the model over them. tokens: [batch, count].
  // Writes logits [batch, vocab] of the last token (kLast) or [batch, count, vocab] (kAll).
  // Length() + count must not pass options.context, nor batch * count options.chunk * batch.
  virtual void Forward(std::span<const int32_t> tokens, int64_t count, Logits which,
                       std::span<float> logits) = 0;
  // Greedy decode: `steps` steps, each of which feeds every sequence its token, tokens [batch], and
  // replaces it by the most likely next one. logits [batch, vocab]: those of the last step. A
  // backend whose device runs beside this thread may prepare a step while the one before it runs.
  virtual void Greedy(std::span<int32_t> tokens, int64_t steps, std::span<float> logits);
  // Positions in the cache of each sequence.
  virtual int64_t Length() const = 0;
  // Forgets all but the first `length` positions.
  virtual void Truncate(int64_t length) = 0;
  // Makes the cache hold `length` positions of seeded random K and V (of the size of normalised
  // activations), so that decode after a long context can be timed without its prefill: time and
  // bytes do not depend on the values.
  virtual void FillCache(int64_t length, uint64_t seed) = 0;
  // Runs parts of the step that Forward of one token (the first of the vocabulary) would make now,
  // through all layers, on the same weights, cache and buffers, so that they can be timed. Results
  // mean nothing unless all parts run; neither Length() nor what it covers of the cache changes.
  // False where the decoder has no such parts.
  virtual bool RunParts(StepParts /*parts*/) { return false; }
  // Of activations, where they are not kept in f32.
  virtual Rounding RoundsTo() const { return {}; }
};

struct MadeDecoder {
  std::unique_ptr<Decoder> decoder;
  std::string why_not;  // one sentence where there is none
};

// The double-precision decoder, on exactly dequantised weights and a double cache: the yardstick.
// It uses the pool's threads over rows; its sums do not depend on their number.
std::unique_ptr<Decoder> MakeReferenceDecoder(const Model& model, DecoderOptions options,
                                              ThreadPool& pool);

// Algorithmic operations of one forward pass of `count` tokens after `start` cached positions, for
// `batch` sequences; logits for the last token of each only.
double ForwardFlop(const Model& m, int64_t start, int64_t count, int64_t batch);
// Compulsory bytes of the same: every weight matrix once (the embedding table as the rows that are
// read, the output projection as a matrix, tied or not), K and V of the visible positions read
// once, those of new positions written once.
double ForwardByte(const Model& m, int64_t start, int64_t count, int64_t batch);

}  // namespace wattline::kernels
