#include "benchmarks/step_parts.h"

#include <algorithm>
#include <chrono>

#include "benchmarks/operands.h"

namespace wattline::benchmarks {
namespace {

// Of three runs after one that touches all memory.
template <typename F>
double Median_s(F run) {
  double runs_s[3];
  run();
  for (double& run_s : runs_s) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    run_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  std::sort(std::begin(runs_s), std::end(runs_s));
  return runs_s[1];
}

// Made and dropped one by one: the operands of all together would take more memory than the step.
std::optional<double> Gemm_s(const kernels::Backend& backend, kernels::GemmShape shape,
                             kernels::GemmType type, kernels::ThreadPool& pool) {
  const kernels::Buffer<float> a = GemmA(type, shape.m * shape.k, pool);
  const kernels::Buffer<float> bt = GemmB(type, shape.n * shape.k, pool);
  const kernels::MadeWork made = backend.gemm(backend, {shape, type, a.data(), bt.data()}, pool);
  if (!made.work) return std::nullopt;
  return Median_s([&made] { made.work->Run(); });
}

}  // namespace

std::optional<double> StepParts_s(const kernels::Backend& backend, const kernels::StepCase& c,
                                  kernels::StepPass pass, kernels::StepWork& step,
                                  kernels::ThreadPool& pool) {
  const std::optional<kernels::GemmType> type = kernels::StepType(c.block);
  if (backend.gemm == nullptr || !type) return std::nullopt;
  double parts_s = Median_s([&step] { step.RunAttention(); });
  for (const kernels::StepGemm& gemm : kernels::StepGemms(c, pass)) {
    const std::optional<double> gemm_s = Gemm_s(backend, gemm.shape, *type, pool);
    if (!gemm_s) return std::nullopt;
    parts_s += gemm.times * *gemm_s;
  }
  return parts_s;
}

double StepTime_s(kernels::StepWork& step) {
  return Median_s([&step] { step.Run(); });
}

}  // namespace wattline::benchmarks
