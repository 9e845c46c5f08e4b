#include "kernels/ceiling/ceiling_cuda.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace wattline::kernels {
namespace {

constexpr uint32_t kLine_byte = 16;
constexpr size_t kClocks_byte = 16;

CudaLaunch LaunchOf(const CudaKernel& kernel, const CudaFacts& facts) {
  return {kernel.blocks_per_multiprocessor * static_cast<uint32_t>(facts.multiprocessors),
          kernel.block_threads, kernel.joint};
}

// x, y and out are the arrays that the kernel has, in this order.
CudaArgs ArgsOf(const CudaKernel& kernel, uint64_t memory, int64_t footprint_byte) {
  CudaArgs args;
  args.inner = kernel.inner;
  args.period = kernel.period;
  args.operand = kernel.operand;
  if (kernel.arrays == 0) return args;
  const auto lines = static_cast<uint64_t>(footprint_byte) / kernel.arrays / kLine_byte;
  args.lines = static_cast<uint32_t>(std::clamp<uint64_t>(lines, 1, (1u << 31) - 1));
  const uint64_t array_byte = uint64_t{args.lines} * kLine_byte;
  args.x = memory;
  args.y = memory + array_byte;
  args.out = memory + array_byte * static_cast<uint64_t>(kernel.arrays - 1);
  return args;
}

}  // namespace

CudaWork::CudaWork(CudaGpu& gpu, CudaKernel kernel, uint64_t memory, int64_t footprint_byte)
    : gpu_(gpu),
      kernel_(std::move(kernel)),
      launch_(LaunchOf(kernel_, gpu.facts())),
      args_(ArgsOf(kernel_, memory, footprint_byte)),
      results_(gpu, size_t{launch_.threads()} * 4 + kClocks_byte),
      module_(gpu, kernel_.ptx, "work") {
  args_.results = results_.at() + kClocks_byte;
  args_.clocks = results_.at();
  StartClock();
}

double CudaWork::Op() const { return kernel_.thread_op * launch_.threads(); }
double CudaWork::Byte() const { return kernel_.thread_byte * launch_.threads(); }

bool CudaWork::Launch(const CudaArgs& args) {
  if (results_.at() == 0) return false;
  CudaArgs a = args;
  const std::array<void*, 10> parameters = {&a.x,     &a.y,     &a.out,   &a.results, &a.clocks,
                                            &a.lines, &a.turns, &a.inner, &a.period,  &a.operand};
  return module_.Launch(launch_.blocks, launch_.block_threads, kernel_.shared_byte, parameters) &&
         gpu_.Synchronize();
}

bool CudaWork::Run(int64_t turns) {
  CudaArgs args = args_;
  args.turns =
      static_cast<uint32_t>(std::clamp<int64_t>(turns, 1, std::numeric_limits<uint32_t>::max()));
  return Launch(args);
}

std::string CudaWork::Check() {
  if (results_.at() == 0) return "the GPU's memory has no room for the results";
  constexpr uint32_t kCheckedTurns = 3;
  CudaArgs args = args_;
  args.turns = std::max(kCheckedTurns, args.period);
  args.operand = kernel_.check_operand;
  if (!Launch(args)) return gpu_.fault();
  const uint32_t warps = launch_.threads() / kWarp;
  for (const uint32_t warp : {0u, warps / 3, warps - 1}) {
    std::string fault = CheckResults(args, warp);
    if (fault.empty()) fault = CheckWritten(args, warp);
    if (!fault.empty()) return fault;
  }
  StartClock();
  return gpu_.fault();
}

std::string CudaWork::CheckResults(const CudaArgs& args, uint32_t warp) {
  WarpWords found{};
  if (!gpu_.CopyToHost(found.data(), args.results + uint64_t{warp} * kWarp * 4, sizeof found)) {
    return gpu_.fault();
  }
  const WarpWords expected = kernel_.results ? kernel_.results(args, launch_, warp) : WarpWords{};
  for (uint32_t lane = 0; lane < kWarp; ++lane) {
    if (found[lane] == expected[lane]) continue;
    return fmt::format("thread {} gave {:08x}, not {:08x}", warp * kWarp + lane, found[lane],
                       expected[lane]);
  }
  return {};
}

std::string CudaWork::CheckWritten(const CudaArgs& args, uint32_t warp) {
  if (!kernel_.written) return {};
  const uint32_t line = FirstLine(args, launch_, warp * kWarp);
  std::array<uint32_t, 4> found{};
  if (!gpu_.CopyToHost(found.data(), args.out + uint64_t{line} * kLine_byte, sizeof found)) {
    return gpu_.fault();
  }
  const std::array<uint32_t, 4> expected = kernel_.written(args, line);
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] == expected[i]) continue;
    return fmt::format("word {} of the output is {:08x}, not {:08x}", uint64_t{line} * 4 + i,
                       found[i], expected[i]);
  }
  return {};
}

void CudaWork::StartClock() {
  if (results_.at() == 0) return;
  const std::array<uint64_t, 2> none{};
  gpu_.CopyToGpu(args_.clocks, none.data(), kClocks_byte);
}

std::optional<double> CudaWork::ClockHz() {
  std::array<uint64_t, 2> counted{};
  if (results_.at() == 0 || !gpu_.CopyToHost(counted.data(), args_.clocks, kClocks_byte) ||
      counted[0] == 0 || counted[1] == 0) {
    return std::nullopt;
  }
  return static_cast<double>(counted[0]) / static_cast<double>(counted[1]) * 1e9;
}

uint64_t CudaBuffer::Filled(const CudaKernel& kernel, int64_t byte) {
  if (!memory_ || byte_ < byte) {
    memory_.reset();
    memory_ = std::make_unique<CudaMemory>(gpu_, static_cast<size_t>(byte));
    byte_ = memory_->at() != 0 ? byte : 0;
  }
  uint64_t at = memory_->at();
  if (at == 0) return 0;
  auto words = static_cast<uint64_t>(byte) / 4;
  uint32_t keep_bits = kernel.keep_bits;
  uint32_t set_bits = kernel.set_bits;
  const std::array<void*, 4> parameters = {&at, &words, &keep_bits, &set_bits};
  constexpr uint32_t kThreads = 256;
  const auto blocks = static_cast<uint32_t>(8 * gpu_.facts().multiprocessors);
  if (!fill_.Launch(blocks, kThreads, 0, parameters) || !gpu_.Synchronize()) return 0;
  return at;
}

}  // namespace wattline::kernels
