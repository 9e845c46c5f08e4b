// norm: the small row operations of a transformer, and the rounding of activations to 8 bit.
#include "kernels/norm/norm.h"

#include <fmt/format.h>

#include <functional>
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

using kernels::CpuKernels;
using kernels::RopeLayout;

// Rows of all kinds are [rows, cols]; `weight` is [cols].
struct Operands {
  int64_t rows = 0;
  int64_t cols = 0;
  kernels::Buffer<float> x, up, weight, bias, out;
  kernels::Buffer<int8_t> q8;
  kernels::Buffer<float> scale, block_sum;  // [rows, cols / 32]

  float* X(int64_t row) const { return x.data() + row * cols; }
  float* Up(int64_t row) const { return up.data() + row * cols; }
  float* Out(int64_t row) const { return out.data() + row * cols; }
};

using Doubles = std::vector<double>;
Doubles Wide(const float* x, int64_t n) { return {x, x + n}; }

constexpr float kEps = 1e-5f;
// Rounding only: f32 sums over 8192 elements in 64 chains, and a few operations more.
constexpr double kRounding = 256 * 0x1p-24;
// Half a step of max / 127 at most, uniform: a sqrt(12)th in the mean. The largest of 32 normal
// values is below 5 deviations.
constexpr double kEightBit = 5.0 / 127 / 3.46;

struct Operation {
  const char* subject;
  const char* words;  // more of the name
  int64_t rows;
  int64_t cols;
  double byte_per_element;  // read and written once; weights and angles of one row are not counted
  double bound;             // of the error's root mean square
  void (*run)(const CpuKernels& cpu, const Operands& o, int64_t row);
  Doubles (*reference)(const Operands& o, int64_t row);
};

template <RopeLayout kLayout>
void RunRope(const CpuKernels& cpu, const Operands& o, int64_t row) {
  cpu.rope(o.X(row), o.cols, o.weight.data(), kLayout);
}
// The row's values before it was rotated are in `up`.
template <RopeLayout kLayout>
Doubles RopeWant(const Operands& o, int64_t row) {
  Doubles head = Wide(o.Up(row), o.cols);
  kernels::RopeReference(head.data(), o.cols, 100, 10000, nullptr, kLayout);
  return head;
}

// 512 KiB of input or less: what a thread has just written, in its second-level cache. Sizes of
// llama-3.2-1b (model_dim 2048, ffn_dim 8192, head_dim 64) and bert-base (768, 3072).
const Operation kOperations[] = {
    {"rms_norm", "", 64, 2048, 8, kRounding,
     [](const CpuKernels& cpu, const Operands& o, int64_t row) {
       cpu.rms_norm(o.X(row), o.weight.data(), o.cols, kEps, o.Out(row));
     },
     [](const Operands& o, int64_t row) {
       Doubles x = Wide(o.X(row), o.cols);
       kernels::RmsNormReference(x.data(), o.weight.data(), o.cols, kEps, x.data());
       return x;
     }},
    {"layer_norm", "", 128, 768, 8, kRounding,
     [](const CpuKernels& cpu, const Operands& o, int64_t row) {
       cpu.layer_norm(o.X(row), o.weight.data(), o.bias.data(), o.cols, kEps, o.Out(row));
     },
     [](const Operands& o, int64_t row) {
       Doubles x = Wide(o.X(row), o.cols);
       kernels::LayerNormReference(x.data(), o.weight.data(), o.bias.data(), o.cols, kEps,
                                   x.data());
       return x;
     }},
    {"rope", "layout:adjacent/", 2048, 64, 8, kRounding, RunRope<RopeLayout::kAdjacent>,
     RopeWant<RopeLayout::kAdjacent>},
    {"rope", "layout:halves/", 2048, 64, 8, kRounding, RunRope<RopeLayout::kHalves>,
     RopeWant<RopeLayout::kHalves>},
    {"swiglu", "", 16, 8192, 12, kRounding,
     [](const CpuKernels& cpu, const Operands& o, int64_t row) {
       cpu.swiglu(o.X(row), o.Up(row), o.cols, o.Out(row));
     },
     [](const Operands& o, int64_t row) {
       Doubles x = Wide(o.X(row), o.cols);
       kernels::SwiGluReference(x.data(), Wide(o.Up(row), o.cols).data(), o.cols, x.data());
       return x;
     }},
    {"gelu", "", 32, 3072, 8, kRounding,
     [](const CpuKernels& cpu, const Operands& o, int64_t row) {
       cpu.gelu(o.X(row), o.cols, o.Out(row));
     },
     [](const Operands& o, int64_t row) {
       Doubles x = Wide(o.X(row), o.cols);
       kernels::GeluReference(x.data(), o.cols, x.data());
       return x;
     }},
    // 4 bytes read, 1 written, and 8 for each 32: the scale and the block's sum.
    {"quantise_q8", "", 64, 2048, 5.25, kEightBit,
     [](const CpuKernels& cpu, const Operands& o, int64_t row) {
       const int64_t blocks = o.cols / 32;
       cpu.quantise_q8(o.X(row), blocks, o.q8.data() + row * o.cols, o.scale.data() + row * blocks,
                       o.block_sum.data() + row * blocks);
     },
     [](const Operands& o, int64_t row) { return Wide(o.X(row), o.cols); }},
};

struct NormRow {
  Operands operands;
  std::function<void(kernels::Worker&)> body;
  Checked checked;
};

std::vector<float> Result(const Operation& op, const Operands& o) {
  const std::string subject = op.subject;
  if (subject == "rope") return {o.x.data(), o.x.data() + o.x.size()};
  std::vector<float> result(o.out.data(), o.out.data() + o.out.size());
  if (subject != "quantise_q8") return result;
  for (int64_t i = 0; i < o.q8.size(); ++i) {
    result[static_cast<size_t>(i)] = o.scale[i / 32] * static_cast<float>(o.q8[i]);
  }
  return result;
}

std::shared_ptr<NormRow> Prepare(Suite& suite, const CpuKernels& cpu, const Operation& op) {
  auto row = std::make_shared<NormRow>();
  Operands& o = row->operands;
  o.rows = op.rows;
  o.cols = op.cols;
  const int64_t count = op.rows * op.cols;
  o.x = NormalValues(count, 1, 11, suite.pool());
  const bool rotates = std::string(op.subject) == "rope";
  o.up = NormalValues(count, 1, rotates ? 11 : 12, suite.pool());
  o.weight = NormalValues(op.cols, 1, 13, suite.pool());
  if (rotates) kernels::RopeAngles(op.cols, 100, 10000, nullptr, o.weight.data());
  o.bias = NormalValues(op.cols, 1, 14, suite.pool());
  o.out = kernels::Buffer<float>(count);
  o.q8 = kernels::Buffer<int8_t>(count);
  o.scale = kernels::Buffer<float>(count / 32);
  o.block_sum = kernels::Buffer<float>(count / 32);
  row->body = [&cpu, &op, &o](kernels::Worker& worker) {
    const kernels::Range rows = kernels::Share(o.rows, 1, worker.slice());
    for (int64_t r = rows.begin; r < rows.end; ++r) op.run(cpu, o, r);
  };
  Doubles want;
  for (int64_t r = 0; r < o.rows; ++r) {
    const Doubles of_row = op.reference(o, r);
    want.insert(want.end(), of_row.begin(), of_row.end());
  }
  suite.pool().Run(row->body);
  row->checked = CheckRms(want, Result(op, o), op.bound);
  return row;
}

void Run(benchmark::State& state, Suite& suite, const std::string& name, const CpuKernels& cpu,
         const Operation& op) {
  NormRow& row = suite.Keep<NormRow>(name, [&] { return Prepare(suite, cpu, op); });
  if (!row.checked.error.empty()) return Skip(state, row.checked.error);
  // No FLOP: there is no agreed count for an exponential or a square root.
  Measure(state, suite,
          {.byte = op.byte_per_element * static_cast<double>(op.rows * op.cols),
           .more = CountersOf(row.checked)},
          [&] { suite.pool().Run(row.body); });
}

}  // namespace

void RegisterNorm(Suite& suite) {
  for (const Operation& op : kOperations) {
    for (const ShownBackend& shown : suite.cpu_backends()) {
      const std::string name = fmt::format("norm/{}/f32/{}rows:{}/cols:{}/{}", op.subject, op.words,
                                           op.rows, op.cols, shown.name);
      Register(suite, name,
               [&suite, name, &cpu = *shown.backend->cpu, &op](benchmark::State& state) {
                 Run(state, suite, name, cpu, op);
               });
    }
  }
}

}  // namespace wattline::benchmarks
