// logits: the forward pass of a GGUF model on given tokens, to hold it against another engine.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kernels/backend.h"
#include "kernels/decode/greedy.h"
#include "kernels/model/load.h"
#include "kernels/thread_pool.h"

namespace {

using wattline::kernels::AllBackends;
using wattline::kernels::Backend;
using wattline::kernels::Decoder;
using wattline::kernels::Logits;
using wattline::kernels::MadeDecoder;
using wattline::kernels::Model;
using wattline::kernels::ThreadPool;

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int64_t kChunk = 512;

constexpr const char* kAbout =
    "Prints the largest logits after each token of a prompt, and the tokens that follow greedily,\n"
    "as JSON: {\"positions\":[{\"token\":1,\"top\":[[id,logit],...]},...],\"greedy\":[id,...]}";
constexpr const char* kExample =
    "Example: build/bin/logits --model=models/SmolLM2-135M-Instruct.Q4_1.gguf \\\n"
    "           --tokens=504,3575,282,4649,314 --generate=4 --top=3\n";

struct Options {
  std::string model;
  std::string tokens;
  std::string backend = "cpu";
  int64_t generate = 0;
  int64_t top = 10;
  int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  bool one_by_one = false;
};

int Fail(int code, const std::string& sentence) {
  fmt::print(stderr, "logits: {}\n", sentence);
  return code;
}

// The numbers between commas; nullopt with the part that is none in `bad`.
std::optional<std::vector<int32_t>> ParseTokens(const std::string& text, std::string& bad) {
  std::vector<int32_t> tokens;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    int32_t token = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, token);
    if (error != std::errc() || stop != text.data() + end || token < 0) {
      bad = text.substr(begin, end - begin);
      return std::nullopt;
    }
    tokens.push_back(token);
    begin = end + 1;
  }
  return tokens;
}

std::string BackendNames() {
  std::string names = "cpu";
  for (const Backend& backend : AllBackends()) {
    if (backend.decoder != nullptr) names += fmt::format(", {}", backend.name);
  }
  return names;
}

// A backend with a decoder, or the exit code and the reason why there is none.
struct Chosen {
  const Backend* backend = nullptr;
  int code = 0;
  std::string error;
};

// "cpu" is the best CPU backend that this machine runs.
Chosen ChooseBackend(const std::string& name) {
  Chosen unusable = {nullptr, kUsage,
                     fmt::format("--backend: '{}' is unknown; there are {}", name, BackendNames())};
  for (const Backend& backend : AllBackends()) {
    const bool meant = backend.name == name || (name == "cpu" && backend.cpu != nullptr);
    if (backend.decoder == nullptr || !meant) continue;
    const std::string why_not = backend.why_not();
    if (why_not.empty()) return {&backend, 0, {}};
    unusable = {nullptr, kFailure, fmt::format("{}: {}", backend.name, why_not)};
  }
  return unusable;
}

nlohmann::json Top(const float* logits, int64_t vocab, int64_t count) {
  std::vector<int32_t> ids(static_cast<size_t>(vocab));
  std::iota(ids.begin(), ids.end(), 0);
  const auto middle = ids.begin() + std::min(count, vocab);
  std::partial_sort(ids.begin(), middle, ids.end(), [logits](int32_t a, int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  auto top = nlohmann::json::array();
  for (auto id = ids.begin(); id != middle; ++id) top.push_back({*id, logits[*id]});
  return top;
}

// Runs the prompt, `chunk` tokens at a time.
nlohmann::json Run(Decoder& decoder, const std::vector<int32_t>& tokens, const Options& options,
                   int64_t chunk, int64_t vocab) {
  auto positions = nlohmann::json::array();
  std::vector<float> logits;
  const std::span<const int32_t> prompt = tokens;
  for (size_t first = 0; first < tokens.size();) {
    const size_t count = std::min(static_cast<size_t>(chunk), tokens.size() - first);
    logits.resize(count * static_cast<size_t>(vocab));
    decoder.Forward(prompt.subspan(first, count), static_cast<int64_t>(count), Logits::kAll,
                    logits);
    for (size_t i = 0; i < count; ++i) {
      const float* row = logits.data() + i * static_cast<size_t>(vocab);
      positions.push_back({{"token", tokens[first + i]}, {"top", Top(row, vocab, options.top)}});
    }
    first += count;
  }
  std::vector<float> last(logits.end() - vocab, logits.end());
  const std::vector<int32_t> greedy =
      wattline::kernels::GreedyTokens(decoder, std::move(last), options.generate);
  return {{"positions", positions}, {"greedy", greedy}};
}

int PrintLogits(const Options& options) {
  std::string bad;
  const auto tokens = ParseTokens(options.tokens, bad);
  if (!tokens) return Fail(kUsage, fmt::format("--tokens: '{}' is not a token number", bad));
  const Chosen chosen = ChooseBackend(options.backend);
  if (chosen.code != 0) return Fail(chosen.code, chosen.error);
  const wattline::kernels::LoadedModel loaded = wattline::kernels::LoadModel(options.model);
  if (!loaded.model) return Fail(kFailure, loaded.error);
  if (!loaded.note.empty()) fmt::print(stderr, "logits: {}\n", loaded.note);
  const Model& model = *loaded.model;
  const int64_t vocab = model.shape.vocab;
  for (const int32_t token : *tokens) {
    if (token >= vocab) {
      return Fail(kUsage,
                  fmt::format("--tokens: {} is not below the vocabulary's {}", token, vocab));
    }
  }

  ThreadPool pool(options.threads);
  const int64_t chunk =
      options.one_by_one ? 1 : std::min(kChunk, static_cast<int64_t>(tokens->size()));
  const int64_t context = static_cast<int64_t>(tokens->size()) + options.generate;
  const Backend& backend = *chosen.backend;
  const MadeDecoder made = backend.decoder(backend, model, {context, 1, chunk}, pool);
  if (!made.decoder) return Fail(kFailure, fmt::format("{}: {}", options.model, made.why_not));
  fmt::print("{}\n", Run(*made.decoder, *tokens, options, chunk, vocab).dump());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(kAbout, "logits");
  app.footer(kExample);
  app.add_option("--model", options.model, "GGUF file of a Llama-architecture model")
      ->required()
      ->option_text("FILE");
  app.add_option("--tokens", options.tokens, "Token numbers of the prompt")
      ->required()
      ->option_text("1,2,3");
  app.add_option("--generate", options.generate, "Tokens to add greedily, 0 at first")
      ->check(CLI::Range(0, 1 << 20))
      ->option_text("N");
  app.add_option("--top", options.top, "Logits to print of each position, 10 at first")
      ->check(CLI::Range(1, 1 << 20))
      ->option_text("N");
  app.add_option("--backend", options.backend, "cpu (the best one here), or: " + BackendNames())
      ->option_text("NAME");
  app.add_option("--threads", options.threads, "Threads, all of the machine's at first")
      ->check(CLI::Range(1, 4096))
      ->option_text("N");
  app.add_flag("--one_by_one", options.one_by_one, "Feed the prompt token by token");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return Fail(kUsage, error.what());
  }
  return PrintLogits(options);
}
