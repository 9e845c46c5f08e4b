// dequant: packed weights to f32 or bf16, a whole matrix at a time.
#include "kernels/dequant/dequant.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/check.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/operands.h"
#include "benchmarks/suite.h"

namespace wattline::benchmarks {
namespace {

using kernels::Format;

// A matrix of llama-3-8b: 64 MiB as f32, so that the output streams to memory on most CPUs.
constexpr int64_t kRows = 4096;
constexpr int64_t kCols = 4096;

struct DequantRow {
  OwnedMatrix weights;
  std::unique_ptr<kernels::Work> work;
  Checked checked;
};

std::shared_ptr<DequantRow> Prepare(Suite& suite, const kernels::Backend& backend, Format format,
                                    Format to) {
  auto row = std::make_shared<DequantRow>();
  row->weights = RandomMatrix(format, kRows, kCols, 6, suite.pool());
  kernels::MadeWork made = backend.dequant(backend, row->weights.matrix, to, suite.pool());
  row->checked.error = made.why_not;
  if (!made.work) return row;
  row->work = std::move(made.work);
  row->work->Run();
  row->checked = CheckDequant(row->weights.matrix, to, row->work->Result());
  return row;
}

void Run(benchmark::State& state, Suite& suite, const std::string& name,
         const kernels::Backend& backend, Format format, Format to) {
  DequantRow& row =
      suite.Keep<DequantRow>(name, [&] { return Prepare(suite, backend, format, to); });
  if (!row.checked.error.empty()) return Skip(state, row.checked.error);
  // No MBU: part of the output may stay in a large cache.
  Measure(state, suite,
          {.flop = kernels::DequantFlop(row.weights.matrix),
           .byte = kernels::DequantByte(row.weights.matrix, to == Format::kF32 ? 4 : 2),
           .more = CountersOf(row.checked)},
          [&row] { row.work->Run(); });
}

}  // namespace

void RegisterDequant(Suite& suite) {
  for (const kernels::FormatInfo& info : kernels::AllFormats()) {
    for (Format to : {Format::kF32, Format::kBF16}) {
      if (info.format == to || info.format == Format::kF32) continue;
      for (const ShownBackend& shown : suite.backends()) {
        if (shown.backend->dequant == nullptr) continue;
        const std::string name = fmt::format("dequant/{}x{}/{}/to:{}/{}", kRows, kCols, info.name,
                                             kernels::Info(to).name, shown.name);
        Register(suite, name,
                 [&suite, name, &backend = *shown.backend, format = info.format,
                  to](benchmark::State& state) { Run(state, suite, name, backend, format, to); });
      }
    }
  }
}

}  // namespace wattline::benchmarks
