#include "benchmarks/check_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "kernels/float16.h"

namespace wattline::benchmarks {
namespace {

// 16 x 16 meet every register block and both edges of a gradient.
constexpr int64_t kSampled = 16;

double Rms(auto values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(std::size(values)));
}

struct Error {
  double rms = 0;
  double worst = 0;
};

template <typename T>
Error ErrorOf(std::span<const T> want, std::span<const float> got) {
  double squares = 0, worst = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double difference = static_cast<double>(got[i]) - want[i];
    squares += difference * difference;
    worst = std::max(worst, std::isnan(difference) ? INFINITY : std::abs(difference));
  }
  return {std::sqrt(squares / static_cast<double>(want.size())), worst};
}

// What the errors of a tensor are relative to: its own size. Gradients of Q and K are made of
// differences whose terms are of the size of those of V, and that of K's bias is nothing but the
// error of a sum that is 0.
double SizeOf(std::string_view name, double rms, std::span<const kernels::StepTensor<float>> all) {
  for (const std::string end : {"", "_bias"}) {
    if (name != "attn_q" + end && name != "attn_k" + end) continue;
    for (const kernels::StepTensor<float>& t : all) {
      if (t.name == "attn_v" + end) rms = std::max(rms, Rms(t.values));
    }
  }
  return rms;
}

// Column `col` of x[tokens, cols].
std::vector<float> OneColumn(const std::byte* x, kernels::GemmType type, int64_t tokens,
                             int64_t cols, int64_t col) {
  std::vector<float> out;
  for (int64_t t = 0; t < tokens; ++t) {
    if (type == kernels::GemmType::kF32) {
      float value = 0;
      std::memcpy(&value, x + (t * cols + col) * 4, 4);
      out.push_back(value);
    } else {
      uint16_t bits = 0;
      std::memcpy(&bits, x + (t * cols + col) * 2, 2);
      out.push_back(kernels::FloatFromBf16(bits));
    }
  }
  return out;
}

std::vector<float> SomeColumns(const std::byte* x, kernels::GemmType type, int64_t tokens,
                               int64_t cols, const std::vector<int64_t>& some) {
  std::vector<float> all;
  for (const int64_t col : some) {
    const std::vector<float> column = OneColumn(x, type, tokens, cols, col);
    all.insert(all.end(), column.begin(), column.end());
  }
  return all;
}

// Why the Run's gradient is not that of the second evaluation; empty where it is, or there is none.
std::string ErrorOfAgain(const kernels::StepWeightGradient& g,
                         std::span<const kernels::StepTensor<float>> all, double bound) {
  if (g.again == nullptr) return {};
  const auto count = static_cast<size_t>(g.rows * g.cols);
  const std::span<const float> run(g.dw, count), again(g.again, count);
  const double error = ErrorOf(again, run).rms / SizeOf(g.name, Rms(again), all);
  if (error <= bound) return {};
  return fmt::format("the Run's is off by {:.2g} of its rms, tolerance {:.2g}", error, bound);
}

}  // namespace

int64_t CheckedStepTokens(const kernels::BlockCase& c) {
  constexpr int64_t kCausal = 9;
  return c.llama != nullptr ? std::min(c.tokens, kCausal) : c.tokens;
}

Checked CheckFirstTokens(const kernels::StepCase& c, const kernels::StepWork& step,
                         kernels::ThreadPool& pool) {
  kernels::StepCase some = c;
  some.block.tokens = CheckedStepTokens(c.block);
  const std::vector<kernels::StepTensor<float>> got = step.Tensors();
  const double bound = kernels::StepTolerance(c, step.RoundsTo());
  Checked checked;
  double worst_rms = 0;
  size_t next = 0;
  kernels::StepReference(some, pool, [&](kernels::StepTensor<double> want) {
    if (next == got.size() || !checked.error.empty()) return;
    const kernels::StepTensor<float>& mine = got[next++];
    if (mine.name != want.name || mine.values.size() < want.values.size()) {
      checked.error = fmt::format("{} stands where {} is to be", mine.name, want.name);
      return;
    }
    const double size = SizeOf(want.name, Rms(want.values), got);
    Error error = ErrorOf(want.values, mine.values);
    error = {error.rms / size, error.worst / size};
    checked.outputs += std::ssize(want.values);
    worst_rms = std::max(worst_rms, error.rms);
    if (error.rms <= bound && error.worst <= kernels::kStepWorst * bound) return;
    checked.error = fmt::format(
        "{}: rms error {:.2g}, worst {:.2g} of the reference's rms, "
        "tolerances {:.2g} and {:.2g}",
        want.name, error.rms, error.worst, bound, kernels::kStepWorst * bound);
  });
  checked.rms_error = worst_rms;
  return checked;
}

Checked CheckWeightGradients(const kernels::StepCase& c, const kernels::StepWork& step) {
  Checked checked;
  const kernels::GemmType type = kernels::StepType(c.block).value_or(kernels::GemmType::kF32);
  // Of two evaluations, each of which is off by as much.
  const double bound = std::sqrt(2.0) * kernels::StepTolerance(c, step.RoundsTo());
  const int64_t tokens = c.block.tokens;
  const std::vector<kernels::StepTensor<float>> all = step.Tensors();
  for (const kernels::StepWeightGradient& g : step.WeightGradients()) {
    const std::vector<int64_t> rows = SampleIndices(g.rows, kSampled, kSampleSeed);
    const std::vector<int64_t> cols = SampleIndices(g.cols, kSampled, kSampleSeed + 1);
    const std::vector<float> dy = SomeColumns(g.dy, type, tokens, g.rows, rows);
    const std::vector<float> x = SomeColumns(g.x, type, tokens, g.cols, cols);
    const float* summed = g.again != nullptr ? g.again : g.dw;
    std::vector<float> dw;
    for (const int64_t row : rows) {
      for (const int64_t col : cols) dw.push_back(summed[row * g.cols + col]);
    }
    const auto m = std::ssize(rows);
    const auto n = std::ssize(cols);
    Checked one =
        CheckGemm({{m, n, tokens}, type, dy.data(), x.data()}, dw, {0, step.RoundsTo().result});
    if (one.error.empty()) one.error = ErrorOfAgain(g, all, bound);
    checked.outputs += one.outputs;
    if (!one.error.empty()) {
      checked.error = fmt::format("gradient of {}: {}", g.name, std::move(one.error));
      return checked;
    }
  }
  return checked;
}

}  // namespace wattline::benchmarks
