// decode: the whole model. Prefill of a prompt, and greedy decode of 128 tokens after a context.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/decode_model.h"
#include "benchmarks/decode_parts.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/suite.h"
#include "kernels/decode/greedy.h"
#include "kernels/model/shapes.h"
#include "kernels/random.h"

namespace wattline::benchmarks {
namespace {

constexpr int64_t kDecodedTokens = 128;
// Longer prompts run in pieces of this many tokens.
constexpr int64_t kChunk = 512;

constexpr Choice<const char*> kDecodeModels[] = {{"llama-3.2-1b", true},
                                                 {"tinyllama-1.1b", false},
                                                 {"llama-2-7b", false},
                                                 {"mistral-7b", false},
                                                 {"llama-3-8b", false}};
constexpr Choice<const char*> kDecodeFormats[] = {
    {"bf16", true},  {"q8_0", true},  {"q4_0", true},   {"f16", false},  {"q4_k_m", false},
    {"q6_k", false}, {"mlx8", false}, {"mxfp4", false}, {"nvfp4", false}};

// One row's case: a prefill of `tokens`, or decode after `context` positions.
struct DecodeCase {
  int64_t prefill = 0;
  int64_t context = 0;
  int64_t batch = 1;
  bool in_default = false;
};

std::vector<DecodeCase> AllCases() {
  std::vector<DecodeCase> cases;
  for (int64_t tokens : {128, 512, 2048}) {
    cases.push_back({.prefill = tokens, .in_default = tokens == 512});
  }
  for (int64_t context : {0, 128, 512, 1024, 2048, 4096, 8192, 16384, 32768}) {
    const bool in_default = context == 0 || context == 512 || context == 4096;
    cases.push_back({.context = context, .in_default = in_default});
  }
  for (int64_t context : {512, 4096}) {
    for (int64_t batch : {2, 4, 8}) cases.push_back({.context = context, .batch = batch});
  }
  return cases;
}

std::string CaseName(const DecodeCase& c) {
  if (c.prefill > 0) return fmt::format("prefill:{}", c.prefill);
  return fmt::format("ctx:{}{}", c.context, c.batch > 1 ? fmt::format("/batch:{}", c.batch) : "");
}

// What sets the case apart from the default ones.
std::vector<std::string> WordsOf(const DecodeCase& c) {
  if (c.in_default) return {};
  if (c.batch > 1) return {fmt::format("batch:{}", c.batch)};
  return {CaseName(c)};
}

std::vector<int32_t> RandomTokens(int64_t count, int64_t vocab) {
  kernels::Random random(11);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(random.Next() % static_cast<uint64_t>(vocab)));
  }
  return tokens;
}

// The prompt, once, into an empty cache.
void Prefill(kernels::Decoder& decoder, std::span<const int32_t> tokens, std::span<float> logits) {
  decoder.Truncate(0);
  for (size_t begin = 0; begin < tokens.size(); begin += kChunk) {
    const size_t count = std::min<size_t>(kChunk, tokens.size() - begin);
    decoder.Forward(tokens.subspan(begin, count), static_cast<int64_t>(count),
                    kernels::Logits::kLast, logits);
  }
}

// Greedy decode after the first `context` positions: each sequence is fed its own tokens.
void Decode(kernels::Decoder& decoder, int64_t context, int64_t steps, std::span<int32_t> tokens,
            std::span<float> logits) {
  decoder.Truncate(context);
  decoder.Greedy(tokens, steps, logits);
}

double Now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// After the row's last call: where the time of a step goes, half-way through its tokens.
void SetParts(kernels::Decoder& decoder, const DecodeCase& c, const kernels::ThreadPool& pool,
              std::span<float> logits, benchmark::UserCounters& counters) {
  decoder.Truncate(c.context + kDecodedTokens / 2);
  const size_t vocab = logits.size() / static_cast<size_t>(c.batch);
  const auto run = [&](kernels::StepParts parts) {
    const bool has_parts = decoder.RunParts(parts);
    for (size_t i = 0; (parts & kernels::kRestPart) && i < logits.size(); i += vocab) {
      benchmark::DoNotOptimize(kernels::Argmax(logits.subspan(i, vocab)));
    }
    return has_parts;
  };
  const uint32_t before = pool.meetings();
  if (!run(kernels::kWholeStep)) return;
  counters["meetings"] = static_cast<double>(pool.meetings() - before);
  const std::optional<PartTimes> times = TimeParts(run, Now_s);
  if (!times) return;
  for (const auto& [name, value] : PartCounters(*times)) counters[name] = value;
}

Counts PrefillCounts(const kernels::Model& model, const DecodeCase& c,
                     const kernels::Backend& backend) {
  return {.flop = kernels::ForwardFlop(model, 0, c.prefill, 1),
          .byte = kernels::ForwardByte(model, 0, c.prefill, 1),
          .peak = PanelPeak(backend, model.layers.front().ffn_gate.format),
          .tokens = c.prefill,
          .first_token = true};
}

Counts DecodeCounts(const kernels::Model& model, const DecodeCase& c) {
  Counts counts{.streams = true, .tokens = kDecodedTokens * c.batch, .steps = kDecodedTokens};
  for (int64_t step = 0; step < kDecodedTokens; ++step) {
    counts.flop += kernels::ForwardFlop(model, c.context + step, 1, c.batch);
    counts.byte += kernels::ForwardByte(model, c.context + step, 1, c.batch);
  }
  return counts;
}

void Run(benchmark::State& state, Suite& suite, const std::string& name, const ModelSource& source,
         const ShownBackend& shown, const DecodeCase& c) {
  DecodeModel& loaded =
      suite.Keep<DecodeModel>(fmt::format("{} {}", source.shape.name, source.format),
                              [&] { return std::make_shared<DecodeModel>(source, suite); });
  if (!loaded.error().empty()) return Skip(state, loaded.error());
  const Checked& checked = loaded.Check(shown, c.batch);
  if (!checked.error.empty()) return Skip(state, checked.error);

  const kernels::Model& model = loaded.model();
  const int64_t positions = c.prefill > 0 ? c.prefill : c.context + kDecodedTokens;
  const bool is_new_row = state.max_iterations == 1;
  std::string why_not;
  kernels::Decoder* decoder =
      loaded.DecoderFor(name, shown,
                        {.context = positions,
                         .batch = c.batch,
                         .chunk = std::min(kChunk, std::max<int64_t>(c.prefill, 1))},
                        c.prefill > 0 ? suite.pool() : loaded.PoolFor(shown), why_not);
  if (decoder == nullptr) return Skip(state, why_not);

  const std::vector<int32_t> prompt = RandomTokens(c.prefill, model.shape.vocab);
  std::vector<int32_t> tokens = RandomTokens(c.batch, model.shape.vocab);
  std::vector<float> logits(static_cast<size_t>(c.batch * model.shape.vocab));
  // Pages of caches and activations are touched, and clocks are up, before the first timed call.
  if (is_new_row && c.prefill > 0) Prefill(*decoder, prompt, logits);
  if (c.prefill == 0 && decoder->Length() < c.context) decoder->FillCache(c.context, 12);
  if (is_new_row && c.prefill == 0) Decode(*decoder, c.context, 4, tokens, logits);

  Counts counts = c.prefill > 0 ? PrefillCounts(model, c, *shown.backend) : DecodeCounts(model, c);
  counts = RowCounts(*shown.backend, std::move(counts));
  counts.more = CountersOf(checked);
  counts.more["batch"] = static_cast<double>(c.batch);
  if (c.prefill == 0) counts.more["threads"] = loaded.PoolFor(shown).size();
  counts.more["weights_GB"] = kernels::WeightByte(model) * 1e-9;
  Measure(state, suite, counts, [&] {
    if (c.prefill > 0) return Prefill(*decoder, prompt, logits);
    Decode(*decoder, c.context, kDecodedTokens, tokens, logits);
  });
  const bool is_last = suite.row_state().final_iterations == state.max_iterations;
  if (c.prefill == 0 && is_last) {
    SetParts(*decoder, c, loaded.PoolFor(shown), logits, state.counters);
  }
}

void RegisterModel(Suite& suite, const ModelSource& source, const std::vector<std::string>& words) {
  for (const DecodeCase& c : AllCases()) {
    const int64_t positions = c.prefill > 0 ? c.prefill : c.context + kDecodedTokens;
    if (positions > source.shape.context) continue;
    std::vector<std::string> all_words = words;
    for (const std::string& word : WordsOf(c)) all_words.push_back(word);
    for (const ShownBackend& shown : suite.backends()) {
      if (shown.backend->decoder == nullptr) continue;
      // A file's row says why not; of the named models the others are enough.
      if (source.loaded == nullptr && !Holds(*shown.backend, source.format)) continue;
      const std::string name = fmt::format("decode/{}/{}/{}/{}", source.shape.name, source.format,
                                           CaseName(c), shown.name);
      Register(
          suite, name,
          [&suite, name, source, &shown, c](benchmark::State& state) {
            Run(state, suite, name, source, shown, c);
          },
          all_words);
    }
  }
}

}  // namespace

void RegisterDecode(Suite& suite) {
  if (suite.model() != nullptr) {
    RegisterModel(suite, {suite.model(), suite.model()->shape, suite.model()->format}, {});
    return;
  }
  for (const Choice<const char*>& model : kDecodeModels) {
    const kernels::NamedShape* named = kernels::FindShape(model.value);
    if (named == nullptr) continue;
    for (const Choice<const char*>& format : kDecodeFormats) {
      std::vector<std::string> words;
      if (!model.in_default) words.push_back(model.value);
      if (!format.in_default) words.push_back(format.value);
      RegisterModel(suite, {nullptr, named->shape, format.value}, words);
    }
  }
}

}  // namespace wattline::benchmarks
