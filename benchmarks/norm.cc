// norm: the small row operations of a transformer, and the rounding of activations to 8 bit.
#include "kernels/norm/norm_case.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/check.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/operands.h"
#include "benchmarks/suite.h"

namespace wattline::benchmarks {
namespace {

using kernels::NormCase;
using kernels::NormOperation;
using kernels::RopeLayout;

// Rounding only: f32 sums over 8192 elements in 64 chains, and a few operations more.
constexpr double kRounding = 256 * 0x1p-24;
// Half a step of max / 127 at most, uniform: a sqrt(12)th in the mean. The largest of 32 normal
// values is below 5 deviations.
constexpr double kEightBit = 5.0 / 127 / 3.46;

struct NamedOperation {
  const char* subject;
  const char* words;  // more of the name
  NormOperation operation;
  RopeLayout layout;
  int64_t rows;
  int64_t cols;
};

// 512 KiB of input or less: what a thread has just written, in its second-level cache. Sizes of
// llama-3.2-1b (model_dim 2048, ffn_dim 8192, head_dim 64) and bert-base (768, 3072).
constexpr NamedOperation kOperations[] = {
    {"rms_norm", "", NormOperation::kRmsNorm, {}, 64, 2048},
    {"layer_norm", "", NormOperation::kLayerNorm, {}, 128, 768},
    {"rope", "layout:adjacent/", NormOperation::kRope, RopeLayout::kAdjacent, 2048, 64},
    {"rope", "layout:halves/", NormOperation::kRope, RopeLayout::kHalves, 2048, 64},
    {"swiglu", "", NormOperation::kSwiGlu, {}, 16, 8192},
    {"gelu", "", NormOperation::kGelu, {}, 32, 3072},
    {"quantise_q8", "", NormOperation::kQuantiseQ8, {}, 64, 2048},
};

struct NormRow {
  kernels::Buffer<float> x, up, weight, bias;
  std::unique_ptr<kernels::Work> work;
  Checked checked;
};

NormCase CaseOf(const NamedOperation& named, int64_t rows, const NormRow& row) {
  NormCase c;
  c.operation = named.operation;
  c.rows = rows;
  c.cols = named.cols;
  c.x = row.x.data();
  c.up = row.up.data();
  c.weight = row.weight.data();
  c.bias = row.bias.data();
  c.layout = named.layout;
  c.position = 100;
  return c;
}

// What the first run gives.
Checked CheckNorm(const NormCase& c, kernels::Work& work) {
  std::vector<double> want(static_cast<size_t>(c.rows * c.cols));
  kernels::NormReference(c, want.data());
  work.Run();
  const double rounding = c.operation == NormOperation::kQuantiseQ8 ? kEightBit : kRounding;
  // An error of both sine and cosine turns into sqrt 2 of it.
  return CheckRms(want, work.Result(), rounding + std::sqrt(2.0) * work.RoundsTo().operands);
}

void FillOperands(const NamedOperation& named, int64_t rows, kernels::ThreadPool& pool,
                  NormRow& row) {
  row.x = NormalValues(rows * named.cols, 1, 11, pool);
  row.up = NormalValues(rows * named.cols, 1, 12, pool);
  row.weight = NormalValues(named.cols, 1, 13, pool);
  row.bias = NormalValues(named.cols, 1, 14, pool);
}

std::shared_ptr<NormRow> Prepare(Suite& suite, const kernels::Backend& backend,
                                 const NamedOperation& named) {
  auto row = std::make_shared<NormRow>();
  FillOperands(named, named.rows, suite.pool(), *row);
  const NormCase c = CaseOf(named, named.rows, *row);
  kernels::MadeWork made = backend.norm(backend, c, suite.pool());
  row->checked.error = made.why_not;
  if (!made.work) return row;
  row->work = std::move(made.work);
  row->checked = CheckNorm(c, *row->work);
  return row;
}

void Run(benchmark::State& state, Suite& suite, const std::string& name,
         const kernels::Backend& backend, const NamedOperation& named) {
  NormRow& row = suite.Keep<NormRow>(name, [&] { return Prepare(suite, backend, named); });
  if (!row.checked.error.empty()) return Skip(state, row.checked.error);
  // No FLOP: there is no agreed count for an exponential or a square root.
  Measure(
      state, suite,
      RowCounts(backend, {.byte = kernels::NormByte(CaseOf(named, named.rows, row)),
                          .more = CountersOf(row.checked)}),
      [&row] { row.work->Run(); }, row.work->Kernel());
}

// Whether the backend has the operation, asked with one row.
bool Makes(const kernels::Backend& backend, const NamedOperation& named,
           kernels::ThreadPool& pool) {
  if (backend.norm == nullptr) return false;
  NormRow row;
  FillOperands(named, 1, pool, row);
  return backend.norm(backend, CaseOf(named, 1, row), pool).work != nullptr;
}

}  // namespace

void RegisterNorm(Suite& suite) {
  for (const NamedOperation& named : kOperations) {
    for (const ShownBackend& shown : suite.backends()) {
      if (!Makes(*shown.backend, named, suite.pool())) continue;
      const std::string name = fmt::format("norm/{}/f32/{}rows:{}/cols:{}/{}", named.subject,
                                           named.words, named.rows, named.cols, shown.name);
      Register(suite, name,
               [&suite, name, &backend = *shown.backend, &named](benchmark::State& state) {
                 Run(state, suite, name, backend, named);
               });
    }
  }
}

}  // namespace wattline::benchmarks
