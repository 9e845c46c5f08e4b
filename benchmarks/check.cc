#include "benchmarks/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "kernels/dequant/dequant.h"
#include "kernels/random.h"

namespace wattline::benchmarks {
namespace {

// 16 x 16 samples meet every register block and both edges of a GEMM's output; their reference
// costs 512 K multiply-adds, milliseconds at any K in use.
constexpr int64_t kSampledRows = 16;
constexpr int64_t kSampledCols = 16;
// More tokens than kGemvTokens, so that the tolerance is that of the kernel for many tokens.
constexpr int64_t kSampledTokens = 12;
static_assert(kSampledTokens > kernels::kGemvTokens);

// Keeps the first disagreement.
class Comparison {
 public:
  // `where` names the element; it is called for the first disagreement only.
  template <typename Where>
  void Add(double got, double want, double tolerance, const Where& where) {
    ++count_;
    const double error = std::abs(got - want);
    if (error <= tolerance || !error_.empty()) return;  // a NaN is no agreement
    error_ = fmt::format("{} is {:.6g}, reference {:.6g}: off by {:.2g}, tolerance {:.2g}", where(),
                         got, want, error, tolerance);
  }
  Checked Done() const { return {error_, count_, std::nullopt}; }

 private:
  int64_t count_ = 0;
  std::string error_;
};

// The rows of x[., cols] with these indices, one after the other.
std::vector<float> Gather(const float* x, int64_t cols, const std::vector<int64_t>& rows) {
  std::vector<float> gathered;
  for (int64_t row : rows) gathered.insert(gathered.end(), x + row * cols, x + (row + 1) * cols);
  return gathered;
}

size_t At(int64_t row, int64_t col, int64_t cols) { return static_cast<size_t>(row * cols + col); }

Checked WrongSize(size_t size) {
  return {fmt::format("the result has {} outputs, which is not its shape", size), 0, std::nullopt};
}

}  // namespace

std::map<std::string, double> CountersOf(const Checked& checked) {
  std::map<std::string, double> counters = {{"checked", static_cast<double>(checked.outputs)}};
  if (checked.rms_error) counters["check_rms_error"] = *checked.rms_error;
  return counters;
}

std::vector<int64_t> SampleIndices(int64_t size, int64_t count, uint64_t seed) {
  std::set<int64_t> indices;
  if (size <= count) {
    for (int64_t i = 0; i < size; ++i) indices.insert(i);
    return {indices.begin(), indices.end()};
  }
  indices = {0, size - 1};
  kernels::Random random(seed);
  while (static_cast<int64_t>(indices.size()) < count) {
    indices.insert(static_cast<int64_t>(random.Next() % static_cast<uint64_t>(size)));
  }
  return {indices.begin(), indices.end()};
}

Checked CheckGemm(const kernels::GemmCase& c, std::span<const float> result,
                  kernels::Rounding rounds) {
  const auto [m, n, k] = c.shape;
  if (result.size() != static_cast<size_t>(m * n)) return WrongSize(result.size());
  const std::vector<int64_t> rows = SampleIndices(m, kSampledRows, kSampleSeed);
  const std::vector<int64_t> cols = SampleIndices(n, kSampledCols, kSampleSeed + 1);
  const std::vector<float> a = Gather(c.a, k, rows);
  const std::vector<float> bt = Gather(c.bt, k, cols);
  const auto some_m = static_cast<int64_t>(rows.size());
  const auto some_n = static_cast<int64_t>(cols.size());
  const kernels::GemmCase some{{some_m, some_n, k}, c.type, a.data(), bt.data()};
  std::vector<double> want(rows.size() * cols.size());
  kernels::GemmReference(some, want.data());
  Comparison comparison;
  for (int64_t i = 0; i < some_m; ++i) {
    for (int64_t j = 0; j < some_n; ++j) {
      const int64_t row = rows[static_cast<size_t>(i)];
      const int64_t col = cols[static_cast<size_t>(j)];
      comparison.Add(
          result[At(row, col, n)], want[At(i, j, some_n)],
          kernels::GemmTolerance(some, i, j) + rounds.result * std::abs(want[At(i, j, some_n)]),
          [&] { return fmt::format("C[{}, {}]", row, col); });
    }
  }
  return comparison.Done();
}

Checked CheckLinear(const kernels::LinearCase& c, std::span<const float> result,
                    kernels::Rounding rounds) {
  const int64_t row_byte = kernels::RowByte(c.w.format, c.w.cols);
  if (result.size() != static_cast<size_t>(c.tokens * c.w.rows)) return WrongSize(result.size());
  const std::vector<int64_t> tokens = SampleIndices(c.tokens, kSampledTokens, kSampleSeed);
  const std::vector<int64_t> rows = SampleIndices(c.w.rows, kSampledRows, kSampleSeed + 1);
  const std::vector<float> x = Gather(c.x, c.w.cols, tokens);
  std::vector<std::byte> w(rows.size() * static_cast<size_t>(row_byte));
  for (size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(w.data() + i * static_cast<size_t>(row_byte), c.w.Row(rows[i]),
                static_cast<size_t>(row_byte));
  }
  const auto some_rows = static_cast<int64_t>(rows.size());
  const auto some_tokens = static_cast<int64_t>(tokens.size());
  const kernels::LinearCase some{
      {c.w.format, some_rows, c.w.cols, w.data()}, x.data(), some_tokens};
  std::vector<double> want(rows.size() * tokens.size());
  kernels::LinearReference(some, want.data());
  Comparison comparison;
  for (int64_t t = 0; t < some_tokens; ++t) {
    for (int64_t r = 0; r < some_rows; ++r) {
      const int64_t token = tokens[static_cast<size_t>(t)];
      const int64_t row = rows[static_cast<size_t>(r)];
      comparison.Add(result[At(token, row, c.w.rows)], want[At(t, r, some_rows)],
                     kernels::LinearTolerance(some, t, r, rounds.operands) +
                         rounds.result * std::abs(want[At(t, r, some_rows)]),
                     [&] { return fmt::format("Y[{}, {}]", token, row); });
    }
  }
  return comparison.Done();
}

Checked CheckAttention(const kernels::AttentionArgs& c, std::span<const float> result,
                       kernels::Rounding rounds) {
  const kernels::AttentionShape& shape = c.shape;
  const int64_t row = shape.heads * shape.head_dim;
  if (result.size() != static_cast<size_t>(shape.tokens * row)) return WrongSize(result.size());
  const double tolerance = kernels::AttentionTolerance(c, rounds.operands);
  std::vector<double> want(static_cast<size_t>(row));
  Comparison comparison;
  // One token after the other, each as a single query that sees what it sees in the call.
  for (const int64_t token : SampleIndices(shape.tokens, 4 * kSampledTokens, kSampleSeed)) {
    kernels::AttentionArgs one = c;
    one.shape.tokens = 1;
    one.shape.start = kernels::AttentionVisible(shape, token) - 1;
    one.q += token * row;
    kernels::AttentionReference(one, want.data());
    for (int64_t i = 0; i < row; ++i) {
      comparison.Add(result[At(token, i, row)], want[static_cast<size_t>(i)],
                     tolerance + rounds.result * std::abs(want[static_cast<size_t>(i)]),
                     [&] { return fmt::format("out[{}, {}]", token, i); });
    }
  }
  return comparison.Done();
}

Checked CheckDequant(const kernels::Matrix& w, kernels::Format to, std::span<const float> result,
                     kernels::Rounding rounds) {
  if (result.size() != static_cast<size_t>(w.rows * w.cols)) return WrongSize(result.size());
  std::vector<double> want(static_cast<size_t>(w.cols));
  Comparison comparison;
  for (int64_t row : SampleIndices(w.rows, 4 * kSampledRows, kSampleSeed)) {
    kernels::DequantReference(w.format, w.Row(row), w.cols, want.data());
    double largest = 0;
    for (double value : want) largest = std::max(largest, std::abs(value));
    for (int64_t col = 0; col < w.cols; ++col) {
      const double value = want[static_cast<size_t>(col)];
      // A value is at most the difference of two products of three factors, each product at most
      // twice the row's largest value: 4 roundings to f32 of 2^-24 each. bf16 adds half a step,
      // 2^-9 of the value.
      double tolerance = 8 * 0x1p-24 * largest;
      // A narrower type rounds scale, offset, their product and the sum: two factors and a product,
      // an offset.
      tolerance += 8 * rounds.operands * largest;
      if (to == kernels::Format::kBF16) tolerance += 0x1p-8 * std::abs(value);
      comparison.Add(result[At(row, col, w.cols)], value, tolerance,
                     [&] { return fmt::format("w[{}, {}]", row, col); });
    }
  }
  return comparison.Done();
}

Checked CheckRms(std::span<const double> want, std::span<const float> result, double bound) {
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < want.size() && i < result.size(); ++i) {
    const double difference = static_cast<double>(result[i]) - want[i];
    error += difference * difference;
    size += want[i] * want[i];
  }
  const double relative = std::sqrt(error / size);
  Checked checked{{}, static_cast<int64_t>(want.size()), relative};
  if (want.size() > result.size() || !(relative <= bound)) {
    checked.error =
        fmt::format("rms error {:.2g} of the reference's rms, tolerance {:.2g}", relative, bound);
  }
  return checked;
}

}  // namespace wattline::benchmarks
