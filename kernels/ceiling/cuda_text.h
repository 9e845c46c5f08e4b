// Pieces of PTX that the kernels of cuda_kernels.h are made of.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>

#include "kernels/ceiling/cuda_kernels.h"

namespace wattline::kernels {

// Instructions, one a line.
class PtxText {
 public:
  template <typename... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    text_ += "  " + fmt::format(format, std::forward<Args>(args)...) + ";\n";
  }
  void Label(const std::string& name) { text_ += "$" + name + ":\n"; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// to = mixed bits of from (both %r registers; `from` is kept). Uses %mix0.
void AddMix(PtxText& text, const std::string& to, const std::string& from);
uint32_t Mixed(uint32_t index);

struct PtxTarget {
  const char* version;
  const char* target;
};
inline constexpr PtxTarget kAnyGpu = {"7.4", "sm_70"};
inline constexpr PtxTarget kTensorGpu = {"7.4", "sm_80"};

// The entry `work`: parameters, the registers that every kernel has, `before` the loop, the loop
// over `turn`, and `after` it, which leaves the thread's result in %result. Ready to be used:
//   %x %y %out %results (u64), %lines %turns %inner %period %operand (u32), %thread (u32), %place
//   %line and %step (u32): see AddNextLine.
std::string WorkPtx(const CudaKernel& kernel, PtxTarget target, const std::string& registers,
                    const PtxText& before, const PtxText& turn, const PtxText& after);

// %line to the thread's next line.
void AddNextLine(PtxText& text);
// %at = base + 16 * %line
void AddLineAddress(PtxText& text, const char* base, const char* at);

// "2 blocks of 256 threads"
std::string LaunchName(const CudaKernel& kernel);
// "walked jointly", "walked by block"
const char* WalkName(const CudaKernel& kernel);

}  // namespace wattline::kernels
