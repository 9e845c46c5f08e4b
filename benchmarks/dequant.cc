// dequant: packed weights to f32 or bf16, a whole matrix at a time; cold, or again and again.
#include "kernels/dequant/dequant.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/check.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/operands.h"
#include "benchmarks/stream_memory.h"
#include "benchmarks/suite.h"

namespace wattline::benchmarks {
namespace {

using kernels::Format;

struct DequantCase {
  const char* data;  // of the row's name
  int64_t rows;
  int64_t cols;
  bool cold;  // matrices and outputs taken in turn, so that no cache holds them
};
// A matrix of llama-3-8b; and a part of it whose output, 1 MiB as f32, stays in the caches.
constexpr DequantCase kCases[] = {{"cold", 4096, 4096, true}, {"hot", 64, 4096, false}};

struct DequantRow {
  std::vector<OwnedMatrix> weights;
  std::vector<std::unique_ptr<kernels::Work>> works;
  size_t next = 0;
  Checked checked;
};

std::shared_ptr<DequantRow> Prepare(Suite& suite, const kernels::Backend& backend,
                                    const DequantCase& c, Format format, Format to) {
  auto row = std::make_shared<DequantRow>();
  row->weights.push_back(RandomMatrix(format, c.rows, c.cols, 6, suite.pool()));
  const auto turn_byte = static_cast<int64_t>(
      kernels::DequantByte(row->weights[0].matrix, kernels::Info(to).block_byte));
  const int64_t turns = c.cold ? BeyondCachesByte() / turn_byte + 1 : 1;
  while (std::ssize(row->weights) < turns) {
    row->weights.push_back(CopyOf(row->weights[0], suite.pool()));
  }
  for (const OwnedMatrix& weights : row->weights) {
    kernels::MadeWork made = backend.dequant(backend, weights.matrix, to, suite.pool());
    if (!made.work) {
      row->checked.error = made.why_not;
      return row;
    }
    row->works.push_back(std::move(made.work));
    row->works.back()->Run();  // the output's pages
  }
  row->checked =
      CheckDequant(row->weights[0].matrix, to, row->works[0]->Result(), row->works[0]->RoundsTo());
  return row;
}

void Run(benchmark::State& state, Suite& suite, const std::string& name,
         const kernels::Backend& backend, const DequantCase& c, Format format, Format to) {
  DequantRow& row =
      suite.Keep<DequantRow>(name, [&] { return Prepare(suite, backend, c, format, to); });
  if (!row.checked.error.empty()) return Skip(state, row.checked.error);
  // No MBU: that compares with reading, and most of these bytes are written.
  Measure(
      state, suite,
      RowCounts(backend,
                {.flop = kernels::DequantFlop(row.weights[0].matrix),
                 .byte = kernels::DequantByte(row.weights[0].matrix, kernels::Info(to).block_byte),
                 .more = CountersOf(row.checked)}),
      [&row] {
        row.works[row.next]->Run();
        row.next = row.next + 1 < row.works.size() ? row.next + 1 : 0;
      },
      row.works[0]->Kernel());
}

void RegisterRow(Suite& suite, const DequantCase& c, Format format, Format to) {
  for (const ShownBackend& shown : suite.backends()) {
    if (shown.backend->dequant == nullptr) continue;
    if (!Holds(*shown.backend, kernels::Info(format).name)) continue;
    const std::string name =
        fmt::format("dequant/{}x{}/{}/to:{}/data:{}/{}", c.rows, c.cols, kernels::Info(format).name,
                    kernels::Info(to).name, c.data, shown.name);
    Register(
        suite, name,
        [&suite, name, &backend = *shown.backend, &c, format, to](benchmark::State& state) {
          Run(state, suite, name, backend, c, format, to);
        },
        FormatWords(format));
  }
}

}  // namespace

void RegisterDequant(Suite& suite) {
  for (const DequantCase& c : kCases) {
    for (const kernels::FormatInfo& info : kernels::AllFormats()) {
      for (Format to : {Format::kF32, Format::kBF16}) {
        if (info.format == to || info.format == Format::kF32) continue;
        RegisterRow(suite, c, info.format, to);
      }
    }
  }
}

}  // namespace wattline::benchmarks
