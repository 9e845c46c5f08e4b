// block: one transformer block of a named model: the Llama block for one token after a context
// (decode) and for a prompt (prefill), BERT's encoder block for a sentence.
#include "kernels/block/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/check.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/operands.h"
#include "benchmarks/stream_memory.h"
#include "benchmarks/suite.h"
#include "kernels/coreml/coreml_work.h"
#include "kernels/model/random_model.h"
#include "kernels/model/shapes.h"

namespace wattline::benchmarks {
namespace {

struct TokenCase {
  int64_t tokens;
  int64_t context;  // cached positions before them
};
constexpr TokenCase kLlamaCases[] = {{1, 512}, {512, 0}};
constexpr TokenCase kBertCase{128, 0};

constexpr Choice<const char*> kBlockModels[] = {{"llama-3.2-1b", true},    {"llama-3-8b", true},
                                                {"bert-base", true},       {"llama-2-7b", false},
                                                {"tinyllama-1.1b", false}, {"mistral-7b", false}};
constexpr Choice<const char*> kBlockFormats[] = {
    {"bf16", true},  {"q8_0", true},  {"q4_0", true},   {"f16", false},  {"q4_k", false},
    {"q6_k", false}, {"mlx8", false}, {"mxfp4", false}, {"nvfp4", false}};
// Besides, of BERT: what Core ML's package holds.
constexpr std::string_view kBertFormat = "f16";

// Tokens of the output that are compared. In a causal block they do not depend on later ones, so
// the reference computes no more than these.
constexpr int64_t kCheckedTokens = kernels::kGemvTokens + 1;
// As in decode_model.cc, for one block; relative to what the block adds to its input.
constexpr double kBound = 0.05;

struct BlockRow {
  kernels::Buffer<float> x;
  std::vector<kernels::LoadedLayer> llama;
  kernels::LoadedBertLayer bert;
  kernels::BlockCase first;
  std::vector<std::unique_ptr<kernels::Work>> works;
  size_t next = 0;
  Checked checked;
};

// Compares the first tokens of the first block's output with the reference. A Llama block is held
// to what it adds to x, which a wrong block changes most; BERT's output is normalised.
Checked CheckBlock(const BlockRow& row) {
  kernels::BlockCase some = row.first;
  if (some.llama != nullptr) some.tokens = std::min(some.tokens, kCheckedTokens);
  const auto count = static_cast<size_t>(some.tokens * some.shape.model_dim);
  std::vector<double> want(count);
  kernels::BlockReference(some, want.data());
  std::vector<float> got = row.works[0]->Result();
  if (got.size() < count) return {"the result is shorter than its shape", 0, std::nullopt};
  got.resize(count);
  for (size_t i = 0; i < count && some.llama != nullptr; ++i) {
    const float x = row.x[static_cast<int64_t>(i)];
    want[i] -= static_cast<double>(x);
    got[i] -= x;
  }
  return CheckRms(want, got, kBound);
}

// Makes one more block and its work. False where that fails, with the reason in `checked`.
bool AddBlock(BlockRow& row, Suite& suite, const kernels::Backend& backend,
              const kernels::NamedShape& named, const std::string& format, const TokenCase& c) {
  kernels::BlockCase block;
  block.shape = named.shape;
  block.tokens = c.tokens;
  block.start = c.context;
  block.x = row.x.data();
  if (named.architecture == kernels::Architecture::kBert) {
    row.bert =
        kernels::MakeRandomBertLayer(named.shape, format, kernels::kBertBlockSeed, suite.pool());
    row.checked.error = row.bert.error;
    block.bert = &row.bert.layer;
  } else {
    row.llama.push_back(
        kernels::MakeRandomLayer(named.shape, format, 21 + row.llama.size(), suite.pool()));
    row.checked.error = row.llama.back().error;
    block.llama = &row.llama.back().layer;
    block.rope_factors = row.llama.back().rope_factors;
  }
  if (!row.checked.error.empty()) return false;
  kernels::MadeWork made = backend.block(backend, block, suite.pool());
  row.checked.error = made.why_not;
  if (!made.work) return false;
  if (row.works.empty()) row.first = block;
  row.works.push_back(std::move(made.work));
  return true;
}

std::shared_ptr<BlockRow> Prepare(Suite& suite, const kernels::Backend& backend,
                                  const kernels::NamedShape& named, const std::string& format,
                                  const TokenCase& c) {
  auto row = std::make_shared<BlockRow>();
  row->x = NormalValues(c.tokens * named.shape.model_dim, 1, 20, suite.pool());
  // Works keep pointers to their layers, which must not move.
  row->llama.reserve(64);
  if (!AddBlock(*row, suite, backend, named, format, c)) return row;
  row->works[0]->Run();
  row->checked = CheckBlock(*row);
  if (!row->checked.error.empty() || c.tokens > kernels::kGemvTokens) return row;
  const double block_byte = kernels::BlockByte(row->first);
  // Taken in turn, as the layers of a model are, so that their weights are cold.
  const auto cold_byte = static_cast<double>(BeyondCachesByte());
  while (static_cast<double>(row->works.size()) * block_byte < cold_byte &&
         row->llama.size() < row->llama.capacity()) {
    if (!AddBlock(*row, suite, backend, named, format, c)) return row;
  }
  return row;
}

void Run(benchmark::State& state, Suite& suite, const std::string& name,
         const kernels::Backend& backend, const kernels::NamedShape& named,
         const std::string& format, const TokenCase& c) {
  BlockRow& row =
      suite.Keep<BlockRow>(name, [&] { return Prepare(suite, backend, named, format, c); });
  if (!row.checked.error.empty()) return Skip(state, row.checked.error);
  const bool streams = c.tokens <= kernels::kGemvTokens;
  Measure(
      state, suite,
      RowCounts(backend, {.flop = kernels::BlockFlop(row.first),
                          .byte = kernels::BlockByte(row.first),
                          // A name that is no format is that of a mix of quantised ones.
                          .peak = streams ? Peak::kNone
                                          : PanelPeak(backend, kernels::FormatFromName(format)),
                          .streams = streams,
                          .tokens = c.tokens,
                          .more = CountersOf(row.checked)}),
      [&row] {
        row.works[row.next]->Run();
        row.next = row.next + 1 < row.works.size() ? row.next + 1 : 0;
      },
      row.works[0]->Kernel());
}

void RegisterCase(Suite& suite, const kernels::NamedShape& named, const std::string& format,
                  const TokenCase& c, const std::vector<std::string>& words) {
  const bool bert = named.architecture == kernels::Architecture::kBert;
  const std::string context = c.context > 0 ? fmt::format("ctx:{}/", c.context) : "";
  for (const ShownBackend& shown : suite.backends()) {
    if (shown.backend->block == nullptr || !Holds(*shown.backend, format)) continue;
    if (kernels::IsCoreMl(*shown.backend) && !bert) continue;  // its packages hold no other block
    const std::string name = fmt::format("block/{}/{}/tokens:{}/{}{}", named.shape.name, format,
                                         c.tokens, context, shown.name);
    Register(
        suite, name,
        [&suite, name, &backend = *shown.backend, &named, format, c](benchmark::State& state) {
          Run(state, suite, name, backend, named, format, c);
        },
        words);
  }
}

}  // namespace

void RegisterBlock(Suite& suite) {
  for (const Choice<const char*>& model : kBlockModels) {
    const kernels::NamedShape* named = kernels::FindShape(model.value);
    if (named == nullptr) continue;
    for (const Choice<const char*>& format : kBlockFormats) {
      const bool bert = named->architecture == kernels::Architecture::kBert;
      const bool in_default = format.in_default || (bert && format.value == kBertFormat);
      std::vector<std::string> words;
      if (!model.in_default) words.push_back(model.value);
      if (!in_default) words.push_back(format.value);
      if (bert) {
        RegisterCase(suite, *named, format.value, kBertCase, words);
        continue;
      }
      for (const TokenCase& c : kLlamaCases) RegisterCase(suite, *named, format.value, c, words);
    }
  }
}

}  // namespace wattline::benchmarks
