#include "benchmarks/decode_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "benchmarks/fixture.h"
#include "benchmarks/memory.h"
#include "kernels/decode/greedy.h"
#include "kernels/model/copy_model.h"
#include "kernels/model/random_model.h"
#include "kernels/seconds.h"
#include "roofline/samples.h"

namespace wattline::benchmarks {
namespace {

// More tokens than kGemvTokens, so that the prompt takes the path of prefill and the step after it
// that of decode.
constexpr int64_t kPromptTokens = kernels::kGemvTokens + 1;
constexpr uint64_t kWeightSeed = 42;

// Bounds of the logits' rms error relative to their rms. Quantised weights meet activations of 8
// bits in blocks of 32: a step of max|x| / 127, about 0.018 of a normal x's deviation, is an error
// of 0.5 % in each linear layer, and seven of them in each block add in quadrature over the layers:
// measured 3 to 4 % for models of 16 to 32 layers with random weights, 0.9 % for a trained one.
// bf16 rounds both operands to 0.11 % each: measured 0.1 %. RoPE in the wrong layout, for
// comparison: 48 % in the trained model, 100 % with random weights.
constexpr double kQuantisedBound = 0.10;
constexpr double kFloatBound = 0.02;
// Where every result is rounded to a narrow type, the residual stream too, those of 16 layers made
// errors of 9 (bf16) and 11 (f16) units in MLX's decode of llama-3.2-1b on an H200.
constexpr double kRoundedUnits = 24;

// On fewer threads the choice is no choice: two cores read more than one everywhere.
constexpr int kFewestToChoose = 4;
// Steps scatter by a percent or two; of equals, fewer threads draw less power.
constexpr double kAsFast = 1.02;

std::vector<int32_t> Prompt(int64_t vocab) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < kPromptTokens; ++i) {
    tokens.push_back(static_cast<int32_t>((1 + 7919 * i) % vocab));
  }
  return tokens;
}

std::vector<int32_t> Repeated(const std::vector<int32_t>& tokens, int64_t batch) {
  std::vector<int32_t> all;
  for (int64_t i = 0; i < batch; ++i) all.insert(all.end(), tokens.begin(), tokens.end());
  return all;
}

// The greedy token must be the reference's where that one leads by more than the largest error.
std::string GreedyFault(std::span<const double> want, std::span<const float> got) {
  const auto best = std::max_element(want.begin(), want.end());
  double worst = 0;
  double second = -INFINITY;
  for (size_t i = 0; i < want.size(); ++i) {
    worst = std::max(worst, std::abs(want[i] - static_cast<double>(got[i])));
    if (want.begin() + static_cast<std::ptrdiff_t>(i) != best) second = std::max(second, want[i]);
  }
  const auto token = static_cast<int32_t>(best - want.begin());
  if (*best - second <= 2 * worst || kernels::Argmax(got) == token) return {};
  return fmt::format("greedy token {} where the reference has {}", kernels::Argmax(got), token);
}

}  // namespace

std::string WhyTooLarge(double needed_byte) {
  const std::optional<double> available = AvailableByte();
  if (!available || needed_byte <= *available) return {};
  return fmt::format("{}needs {:.1f} GB, but {:.1f} GB of memory are available", kSkipped,
                     needed_byte * 1e-9, *available * 1e-9);
}

DecodeModel::DecodeModel(const ModelSource& source, Suite& suite)
    : suite_(suite), model_(source.loaded) {
  if (model_) {
    // Once: every row of this file has the same model. Small pages of a mapped file cost 3 to 8 %
    // of decode (tinyllama q4_0 after 512, 2 threads, Emerald Rapids: 36.1 and 36.7 tok/s
    // mapped, 37.8 and 39.3 from huge pages, in turn, 2026-11-21).
    if (!model_->is_mapped) return;
    error_ = WhyTooLarge(kernels::WeightByte(*model_));
    if (!error_.empty()) return;
    if (const auto copy = kernels::CopyModel(*model_, suite.pool())) *model_ = *copy;
    return;
  }
  const std::optional<double> needed = kernels::RequiredByte(source.shape, source.format);
  if (!needed) {
    error_ =
        fmt::format("{} has rows that {} blocks do not divide", source.shape.name, source.format);
    return;
  }
  error_ = WhyTooLarge(*needed);
  if (!error_.empty()) return;
  kernels::LoadedModel made =
      kernels::MakeRandomModel(source.shape, source.format, kWeightSeed, suite.pool());
  model_ = made.model;
  error_ = made.error;
}

void DecodeModel::MakeReference() {
  const int64_t vocab = model_->shape.vocab;
  const std::vector<int32_t> prompt = Prompt(vocab);
  const auto decoder = kernels::MakeReferenceDecoder(
      *model_, {.context = kPromptTokens + 1, .batch = 1, .chunk = kPromptTokens}, suite_.pool());
  std::vector<float> logits(static_cast<size_t>(vocab));
  decoder->Forward(prompt, kPromptTokens, kernels::Logits::kLast, logits);
  reference_.assign(logits.begin(), logits.end());
  next_token_ = kernels::Argmax(logits);
  decoder->Forward({&next_token_, 1}, 1, kernels::Logits::kLast, logits);
  reference_.insert(reference_.end(), logits.begin(), logits.end());
}

const Checked& DecodeModel::Check(const ShownBackend& shown, int64_t batch) {
  Checked& checked = checks_[{shown.name, batch}];
  if (checked.outputs > 0 || !checked.error.empty()) return checked;
  if (reference_.empty()) MakeReference();
  decoder_.reset();
  decoder_row_.clear();
  kernels::MadeDecoder made = shown.backend->decoder(
      *shown.backend, *model_,
      {.context = kPromptTokens + 1, .batch = batch, .chunk = kPromptTokens}, suite_.pool());
  checked = made.decoder ? Compare(*made.decoder, batch) : Checked{made.why_not, 0, std::nullopt};
  return checked;
}

Checked DecodeModel::Compare(kernels::Decoder& decoder, int64_t batch) const {
  const auto vocab = static_cast<size_t>(model_->shape.vocab);
  const auto sequences = static_cast<size_t>(batch);
  const bool floats =
      model_->format == "f32" || model_->format == "f16" || model_->format == "bf16";
  const double bound =
      floats ? std::max(kFloatBound, kRoundedUnits * decoder.RoundsTo().result) : kQuantisedBound;
  Checked all;
  std::vector<float> logits(sequences * vocab);
  for (const int step : {0, 1}) {
    const std::vector<int32_t> tokens =
        step == 0 ? Repeated(Prompt(model_->shape.vocab), batch) : Repeated({next_token_}, batch);
    decoder.Forward(tokens, step == 0 ? kPromptTokens : 1, kernels::Logits::kLast, logits);
    const std::span want(reference_.data() + static_cast<size_t>(step) * vocab, vocab);
    for (size_t i = 0; i < sequences; ++i) {
      const std::span got(logits.data() + i * vocab, vocab);
      Checked one = CheckRms(want, got, bound);
      if (one.error.empty()) one.error = GreedyFault(want, got);
      all.outputs += one.outputs;
      all.rms_error = std::max(all.rms_error.value_or(0), one.rms_error.value_or(0));
      if (!one.error.empty() && all.error.empty()) {
        all.error =
            fmt::format("logits after the {}: {}", step == 0 ? "prompt" : "decode step", one.error);
      }
    }
  }
  return all;
}

// The median of a few steps after the first one.
std::optional<double> DecodeModel::StepS(const ShownBackend& shown, kernels::ThreadPool& pool) {
  constexpr int kSteps = 7;
  kernels::MadeDecoder made =
      shown.backend->decoder(*shown.backend, *model_, {.context = 1, .batch = 1, .chunk = 1}, pool);
  if (!made.decoder || !made.decoder->RunParts(kernels::kWholeStep)) return std::nullopt;
  std::vector<double> steps_s;
  for (int i = 0; i < kSteps; ++i) {
    steps_s.push_back(kernels::Seconds([&made] { made.decoder->RunParts(kernels::kWholeStep); }));
  }
  return roofline::Median(steps_s);
}

kernels::ThreadPool& DecodeModel::PoolFor(const ShownBackend& shown) {
  const auto found = pools_.find(shown.name);
  if (found != pools_.end()) return found->second ? *found->second : suite_.pool();
  std::shared_ptr<kernels::ThreadPool>& chosen = pools_[shown.name];
  const int all = suite_.pool().size();
  if (suite_.options().threads_given || all < kFewestToChoose) return suite_.pool();
  std::optional<double> best_s = StepS(shown, suite_.pool());
  const std::vector<int> cpus = suite_.pool().pinned() ? suite_.options().cpus : std::vector<int>{};
  for (const int threads : {3 * all / 4, all / 2}) {
    const auto fewer = std::make_shared<kernels::ThreadPool>(threads, cpus);
    const std::optional<double> step_s = StepS(shown, *fewer);
    if (!best_s || !step_s || *step_s > kAsFast * *best_s) continue;
    best_s = std::min(*best_s, *step_s);
    chosen = fewer;
  }
  return chosen ? *chosen : suite_.pool();
}

kernels::Decoder* DecodeModel::DecoderFor(const std::string& row, const ShownBackend& shown,
                                          kernels::DecoderOptions options,
                                          kernels::ThreadPool& pool, std::string& why_not) {
  if (decoder_ && decoder_row_ == row) return decoder_.get();
  decoder_.reset();
  const double cache_byte = kernels::KvByte(model_->shape) * static_cast<double>(options.context) *
                            static_cast<double>(options.batch);
  why_not = WhyTooLarge(cache_byte);
  if (!why_not.empty()) return nullptr;
  kernels::MadeDecoder made = shown.backend->decoder(*shown.backend, *model_, options, pool);
  why_not = made.why_not;
  decoder_ = std::move(made.decoder);
  decoder_row_ = row;
  return decoder_.get();
}

}  // namespace wattline::benchmarks
