// gemm: C[M,N] = A[M,K] B[K,N], dense in f32, bf16, f16 or int8, or with B in a packed weight
// format.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/ceiling_run.h"
#include "benchmarks/check.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/operands.h"
#include "benchmarks/stream_memory.h"
#include "benchmarks/suite.h"
#include "kernels/gemm/gemm.h"
#include "kernels/linear/linear.h"
#include "kernels/seconds.h"
#include "roofline/gates.h"
#include "roofline/samples.h"

namespace wattline::benchmarks {
namespace {

using kernels::GemmShape;
using kernels::GemmType;

struct NamedGemm {
  GemmShape shape;
  bool in_default;
};

// Squares, and the linear layers of llama-3.2-1b (model_dim 2048, ffn_dim 8192) and llama-3-8b
// (4096, 14336) with 512 tokens: N outputs from K inputs.
constexpr NamedGemm kDense[] = {
    {{512, 512, 512}, true},     {{1024, 1024, 1024}, true},  {{2048, 2048, 2048}, true},
    {{512, 2048, 2048}, false},  {{512, 8192, 2048}, true},   {{512, 2048, 8192}, false},
    {{512, 4096, 4096}, true},   {{512, 1024, 4096}, false},  {{512, 14336, 4096}, false},
    {{512, 4096, 14336}, false}, {{4096, 4096, 4096}, false},
};
constexpr NamedGemm kPacked[] = {
    {{1, 4096, 4096}, true},   {{2, 4096, 4096}, false},    {{4, 4096, 4096}, false},
    {{8, 4096, 4096}, false},  {{512, 4096, 4096}, true},   {{1, 8192, 2048}, false},
    {{8, 8192, 2048}, false},  {{512, 8192, 2048}, false},  {{1, 14336, 4096}, false},
    {{8, 14336, 4096}, false}, {{512, 14336, 4096}, false},
};

// Where the weights of a layer with few tokens are when it runs: beyond every cache, or where the
// run before left them, one matrix time and again.
enum class Weights : uint8_t { kCold, kHot };

std::string ShapeName(GemmShape s) { return fmt::format("{}x{}x{}", s.m, s.n, s.k); }

// The shape is what sets a row outside the default list apart.
std::vector<std::string> WordsOf(const NamedGemm& named) {
  if (named.in_default) return {};
  return {ShapeName(named.shape)};
}

Peak PeakOf(GemmType type) {
  switch (type) {
    case GemmType::kF32:
      return Peak::kF32;
    case GemmType::kBF16:
      return Peak::kBF16;
    case GemmType::kInt8:
      return Peak::kInt8;
    case GemmType::kF16:  // measured on GPUs only
      return Peak::kF16;
  }
  return Peak::kNone;
}

// Whether the backend has such a GEMM at all (OpenBLAS has none in bf16), asked with a small one.
bool MakesType(const kernels::Backend& backend, GemmType type, kernels::ThreadPool& pool) {
  if (backend.gemm == nullptr) return false;
  constexpr int64_t kSide = 16;
  const std::vector<float> ones(kSide * kSide, 1.0f);
  const kernels::GemmCase c{{kSide, kSide, kSide}, type, ones.data(), ones.data()};
  return backend.gemm(backend, c, pool).work != nullptr;
}

struct DenseRow {
  kernels::Buffer<float> a;
  kernels::Buffer<float> bt;
  std::unique_ptr<kernels::Work> work;
  Checked checked;
  std::optional<double> doubling;
};

// The counter "doubling": how many times as long twice the rows of A take, so that a row shows that
// its work is timed, not folded away, left to later or hidden behind a fixed cost: see NotTimed.
// More than 2 is no fault: the larger GEMM may fit its caches worse. Absent where the backend can't
// make it. Takes a quarter of a second, or three works where they take longer; five times that
// where the first look finds a fault.
std::optional<double> DoublingOf(Suite& suite, const kernels::Backend& backend,
                                 const kernels::GemmCase& c, kernels::Work& once) {
  const GemmShape twice_shape{2 * c.shape.m, c.shape.n, c.shape.k};
  const kernels::Buffer<float> a = GemmA(c.type, twice_shape.m * twice_shape.k, suite.pool());
  const kernels::MadeWork twice =
      backend.gemm(backend, {twice_shape, c.type, a.data(), c.bt}, suite.pool());
  if (!twice.work) return std::nullopt;
  const Candidate work = {{}, 0, [&](int64_t units) { (units == 1 ? once : *twice.work).Run(); }};
  constexpr double kTarget_s = 0.25;
  const double pair_s = kernels::Seconds([&] { work.run(2), work.run(1); });
  const int rounds = std::clamp(static_cast<int>(kTarget_s / pair_s), 1, kGateRounds);
  std::vector<roofline::Doubling> pairs = DoubleWork(work, 1, rounds);
  std::optional<double> ratio = roofline::DoublingRatio(pairs);
  // In one pair or two, a neighbour's load on the smaller work looks like work that was not timed:
  // the median of five is not moved by two of those.
  constexpr int kUnmoved = 5;
  if (rounds < kUnmoved && ratio && !roofline::NotTimed(*ratio).empty()) {
    const std::vector<roofline::Doubling> more = DoubleWork(work, 1, kUnmoved - rounds);
    pairs.insert(pairs.end(), more.begin(), more.end());
    ratio = roofline::DoublingRatio(pairs);
  }
  return ratio;
}

std::shared_ptr<DenseRow> PrepareDense(Suite& suite, const kernels::Backend& backend,
                                       GemmShape shape, GemmType type) {
  auto row = std::make_shared<DenseRow>();
  row->a = GemmA(type, shape.m * shape.k, suite.pool());
  row->bt = GemmB(type, shape.n * shape.k, suite.pool());
  const kernels::GemmCase c{shape, type, row->a.data(), row->bt.data()};
  kernels::MadeWork made = backend.gemm(backend, c, suite.pool());
  row->work = std::move(made.work);
  row->checked.error = made.why_not;
  if (!row->work) return row;
  row->work->Run();
  row->checked = CheckGemm(c, row->work->Result(), row->work->RoundsTo());
  if (row->checked.error.empty()) row->doubling = DoublingOf(suite, backend, c, *row->work);
  return row;
}

void RunDense(benchmark::State& state, Suite& suite, const std::string& name,
              const kernels::Backend& backend, GemmShape shape, GemmType type) {
  DenseRow& row =
      suite.Keep<DenseRow>(name, [&] { return PrepareDense(suite, backend, shape, type); });
  if (!row.checked.error.empty()) return Skip(state, row.checked.error);
  std::map<std::string, double> counters = CountersOf(row.checked);
  std::string label = row.work->Kernel();
  if (row.doubling) {
    counters["doubling"] = *row.doubling;
    const std::string not_timed = roofline::NotTimed(*row.doubling);
    if (!not_timed.empty()) label = not_timed + (label.empty() ? "" : "; " + label);
  }
  Measure(
      state, suite,
      RowCounts(backend, {.flop = kernels::GemmFlop(shape),
                          .byte = kernels::GemmByte(shape, type),
                          .peak = PeakOf(type),
                          .more = std::move(counters)}),
      [&row] { row.work->Run(); }, label);
}

struct PackedRow {
  kernels::Buffer<float> x;
  std::vector<OwnedMatrix> weights;
  std::vector<std::unique_ptr<kernels::Work>> works;
  size_t next = 0;
  Checked checked;
};

std::shared_ptr<PackedRow> PreparePacked(Suite& suite, const kernels::Backend& backend,
                                         GemmShape shape, kernels::Format format, Weights weights) {
  auto row = std::make_shared<PackedRow>();
  row->x = NormalValues(shape.m * shape.k, 1, 3, suite.pool());
  row->weights.push_back(RandomMatrix(format, shape.n, shape.k, 4, suite.pool()));
  // Many tokens do enough with each weight that its coldness does not show.
  const bool cold = shape.m <= kernels::kGemvTokens && weights == Weights::kCold;
  const auto own_byte = static_cast<int64_t>(row->weights[0].bytes.byte());
  const int64_t copies = cold ? BeyondCachesByte() / own_byte + 1 : 1;
  while (std::ssize(row->weights) < copies) {
    row->weights.push_back(CopyOf(row->weights[0], suite.pool()));
  }
  for (const OwnedMatrix& owned : row->weights) {
    const kernels::LinearCase c{owned.matrix, row->x.data(), shape.m};
    kernels::MadeWork made = backend.linear(backend, c, suite.pool());
    if (!made.work) {
      row->checked.error = made.why_not;
      return row;
    }
    row->works.push_back(std::move(made.work));
  }
  const kernels::LinearCase c{row->weights[0].matrix, row->x.data(), shape.m};
  row->works[0]->Run();
  row->checked = CheckLinear(c, row->works[0]->Result(), row->works[0]->RoundsTo());
  return row;
}

void RunPacked(benchmark::State& state, Suite& suite, const std::string& name,
               const kernels::Backend& backend, GemmShape shape, kernels::Format format,
               Weights weights) {
  PackedRow& row = suite.Keep<PackedRow>(
      name, [&] { return PreparePacked(suite, backend, shape, format, weights); });
  if (!row.checked.error.empty()) return Skip(state, row.checked.error);
  const bool few = shape.m <= kernels::kGemvTokens;
  Measure(
      state, suite,
      RowCounts(backend, {.flop = kernels::GemmFlop(shape),
                          .byte = kernels::GemmByte(shape, format),
                          .peak = few ? Peak::kNone : PanelPeak(backend, format),
                          .streams = few && weights == Weights::kCold,
                          .more = CountersOf(row.checked)}),
      [&row] {
        row.works[row.next]->Run();
        row.next = row.next + 1 < row.works.size() ? row.next + 1 : 0;
      },
      row.works[0]->Kernel());
}

void RegisterDense(Suite& suite) {
  for (const NamedGemm& named : kDense) {
    for (GemmType type : {GemmType::kF32, GemmType::kBF16, GemmType::kF16, GemmType::kInt8}) {
      for (const ShownBackend& shown : suite.backends()) {
        if (!MakesType(*shown.backend, type, suite.pool())) continue;
        const std::string name =
            fmt::format("gemm/{}/{}/{}", ShapeName(named.shape), kernels::Name(type), shown.name);
        Register(
            suite, name,
            [&suite, name, &backend = *shown.backend, shape = named.shape,
             type](benchmark::State& state) { RunDense(state, suite, name, backend, shape, type); },
            WordsOf(named));
      }
    }
  }
}

// Above kGemvTokens, operands of these formats are the dense rows' subject: f16's where the backend
// multiplies two matrices of it.
bool IsDenseSubject(const kernels::Backend& backend, kernels::Format format,
                    kernels::ThreadPool& pool) {
  if (format == kernels::Format::kF32 || format == kernels::Format::kBF16) return true;
  return format == kernels::Format::kF16 && MakesType(backend, GemmType::kF16, pool);
}

void RegisterPacked(Suite& suite) {
  for (const NamedGemm& named : kPacked) {
    for (const kernels::FormatInfo& info : kernels::AllFormats()) {
      const bool few = named.shape.m <= kernels::kGemvTokens;
      for (const ShownBackend& shown : suite.backends()) {
        if (shown.backend->linear == nullptr) continue;
        if (!Holds(*shown.backend, info.name)) continue;
        if (!few && IsDenseSubject(*shown.backend, info.format, suite.pool())) continue;
        for (Weights weights : {Weights::kCold, Weights::kHot}) {
          const bool hot = weights == Weights::kHot;
          if (hot && !few) continue;
          const std::string name = fmt::format("gemm/{}/{}/{}{}", ShapeName(named.shape), info.name,
                                               hot   ? "weights:hot/"
                                               : few ? "weights:cold/"
                                                     : "",
                                               shown.name);
          std::vector<std::string> words = WordsOf(named);
          if (hot) words.emplace_back("weights:hot");
          for (std::string& word : FormatWords(info.format)) words.push_back(std::move(word));
          Register(
              suite, name,
              [&suite, name, &backend = *shown.backend, shape = named.shape, format = info.format,
               weights](benchmark::State& state) {
                RunPacked(state, suite, name, backend, shape, format, weights);
              },
              words);
        }
      }
    }
  }
}

}  // namespace

void RegisterGemm(Suite& suite) {
  RegisterDense(suite);
  RegisterPacked(suite);
}

}  // namespace wattline::benchmarks
