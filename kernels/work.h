// One piece of work that a backend has prepared: its inputs packed, its output allocated, so that
// running it is only the operation itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace wattline::kernels {

// How coarsely a backend rounds where the others keep f32: relative units of half the last place,
// 0 where it does as they do. Checks allow for it.
struct Rounding {
  double operands = 0;  // of activations, unpacked weights and scores
  double result = 0;
};

class Work {
 public:
  virtual ~Work() = default;
  // Does the operation once, on all threads of the pool that it was made with; complete on return.
  // Allocates nothing.
  virtual void Run() = 0;
  // The output of the last Run, row-major, converted to f32.
  virtual std::vector<float> Result() const = 0;
  // The kernel that was really chosen, e.g. "brg:avx512_core_bf16"; empty where there is no choice.
  virtual std::string Kernel() const { return {}; }
  virtual Rounding RoundsTo() const { return {}; }
};

// Work, or one sentence why this backend cannot do it.
struct MadeWork {
  std::unique_ptr<Work> work;
  std::string why_not;
};

}  // namespace wattline::kernels
