// block, as it is trained: the forward pass with what a backward pass needs saved, and a step,
// which is that and the gradients of all weights and of the input.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/check_step.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/operands.h"
#include "benchmarks/step_parts.h"
#include "benchmarks/suite.h"
#include "kernels/block/step.h"
#include "kernels/model/random_model.h"
#include "kernels/model/shapes.h"

namespace wattline::benchmarks {
namespace {

using kernels::StepPass;

constexpr const char* kStepModels[] = {"llama-3.2-1b", "tinyllama-1.1b", "llama-2-7b", "bert-base"};
constexpr std::string_view kDefaultModel = "llama-3.2-1b";
constexpr const char* kStepFormats[] = {"f32", "bf16"};
constexpr int64_t kTokens[] = {256, 512, 1024};
constexpr int64_t kDefaultTokens = 512;

const char* Name(StepPass pass) {
  return pass == StepPass::kForward ? "forward" : "forward_backward";
}

struct StepRow {
  kernels::Buffer<float> x, dy;
  kernels::LoadedLayer llama;
  kernels::LoadedBertLayer bert;
  kernels::StepCase step;
  std::unique_ptr<kernels::StepWork> work;
  Checked checked;
  std::optional<double> parts_share;
};

// First with a gradient that ends behind the tokens that the reference computes, then with the one
// that is timed.
void CheckStep(StepRow& row, kernels::ThreadPool& pool) {
  const int64_t first = CheckedStepTokens(row.step.block) * row.step.block.shape.model_dim;
  const std::vector<float> all(row.dy.data(), row.dy.data() + row.dy.size());
  for (int64_t i = first; i < row.dy.size(); ++i) row.dy[i] = 0;
  row.work->TakeInputs();
  row.work->Run();
  row.checked = CheckFirstTokens(row.step, *row.work, pool);
  if (!row.checked.error.empty()) return;
  std::copy(all.begin(), all.end(), row.dy.data());
  row.work->TakeInputs();
  row.work->Run();
  const Checked sampled = CheckWeightGradients(row.step, *row.work);
  row.checked.error = sampled.error;
  row.checked.outputs += sampled.outputs;
}

std::shared_ptr<StepRow> Prepare(Suite& suite, const kernels::Backend& backend,
                                 const kernels::NamedShape& named, const char* format,
                                 int64_t tokens, StepPass pass) {
  auto row = std::make_shared<StepRow>();
  const kernels::ModelShape& shape = named.shape;
  row->x = NormalValues(tokens * shape.model_dim, 1, 20, suite.pool());
  row->dy = NormalValues(tokens * shape.model_dim, 1, 21, suite.pool());
  kernels::BlockCase& block = row->step.block;
  if (named.architecture == kernels::Architecture::kBert) {
    row->bert = kernels::MakeRandomBertLayer(shape, format, 21, suite.pool());
    row->checked.error = row->bert.error;
    block.bert = &row->bert.layer;
  } else {
    row->llama = kernels::MakeRandomLayer(shape, format, 21, suite.pool());
    row->checked.error = row->llama.error;
    block.llama = &row->llama.layer;
    block.rope_factors = row->llama.rope_factors;
  }
  if (!row->checked.error.empty()) return row;
  block.shape = shape;
  block.tokens = tokens;
  block.x = row->x.data();
  row->step.dy = row->dy.data();
  kernels::MadeStep made = backend.step(backend, row->step, pass, suite.pool());
  row->checked.error = made.why_not;
  row->work = std::move(made.work);
  if (row->work) CheckStep(*row, suite.pool());
  return row;
}

// The time of the step over that of its parts: the step's own before and after theirs, so that a
// machine that changes meanwhile shows in both.
std::optional<double> PartsShare(Suite& suite, const kernels::Backend& backend, StepRow& row,
                                 StepPass pass) {
  const double before_s = StepTime_s(*row.work);
  const std::optional<double> parts_s =
      StepParts_s(backend, row.step, pass, *row.work, suite.pool());
  if (!parts_s) return std::nullopt;
  return (before_s + StepTime_s(*row.work)) / 2 / *parts_s;
}

void Run(benchmark::State& state, Suite& suite, const std::string& name,
         const kernels::Backend& backend, const kernels::NamedShape& named, const char* format,
         int64_t tokens, StepPass pass) {
  StepRow& row = suite.Keep<StepRow>(
      name, [&] { return Prepare(suite, backend, named, format, tokens, pass); });
  if (!row.checked.error.empty()) return Skip(state, row.checked.error);
  const bool f32 = kernels::StepType(row.step.block) == kernels::GemmType::kF32;
  Measure(
      state, suite,
      RowCounts(backend, {.flop = kernels::StepFlop(row.step, pass),
                          .byte = kernels::StepByte(row.step, pass),
                          .peak = f32 ? Peak::kF32 : Peak::kBF16,
                          .tokens = tokens,
                          .more = CountersOf(row.checked)}),
      [&row] { row.work->Run(); }, row.work->Kernel());
  // Of the call that is reported: the parts take as long as several steps.
  if (suite.row_state().final_iterations != state.max_iterations) return;
  if (!row.parts_share) row.parts_share = PartsShare(suite, backend, row, pass);
  if (row.parts_share) state.counters["parts_share"] = *row.parts_share;
}

void RegisterCase(Suite& suite, const kernels::NamedShape& named, const char* format,
                  int64_t tokens, StepPass pass, const std::vector<std::string>& words) {
  for (const ShownBackend& shown : suite.backends()) {
    if (shown.backend->step == nullptr) continue;
    const std::string name = fmt::format("block/{}/{}/tokens:{}/pass:{}/{}", named.shape.name,
                                         format, tokens, Name(pass), shown.name);
    Register(
        suite, name,
        [&suite, name, &backend = *shown.backend, &named, format, tokens,
         pass](benchmark::State& state) {
          Run(state, suite, name, backend, named, format, tokens, pass);
        },
        words);
  }
}

}  // namespace

void RegisterBlockStep(Suite& suite) {
  for (const std::string_view model : kStepModels) {
    const kernels::NamedShape* named = kernels::FindShape(model);
    if (named == nullptr) continue;
    for (const char* format : kStepFormats) {
      for (const int64_t tokens : kTokens) {
        std::vector<std::string> words;
        if (model != kDefaultModel) words.emplace_back(model);
        if (tokens != kDefaultTokens) words.push_back(fmt::format("tokens:{}", tokens));
        for (const StepPass pass : {StepPass::kForward, StepPass::kForwardBackward}) {
          RegisterCase(suite, *named, format, tokens, pass, words);
        }
      }
    }
  }
}

}  // namespace wattline::benchmarks
