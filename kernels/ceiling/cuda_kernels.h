// The kernels that an NVIDIA GPU's ceilings are measured with, as PTX text that the driver
// compiles, and what each of them computes, for its check.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/ceiling/ceiling.h"

namespace wattline::kernels {

enum class CudaFormat : uint8_t { kF32, kBF16, kF16, kInt8 };
const char* Name(CudaFormat format);  // "f32", "bf16", "f16", "int8", as in benchmark names

// Compute capability times ten: 80 is Ampere's A100, 90 Hopper.
using CudaCapability = int;

// What one launch is given. Every kernel has these parameters, in this order, and leaves what it
// does not need; addresses are those of the GPU. One line of an array is 16 bytes.
struct CudaArgs {
  uint64_t x = 0;        // [lines], read
  uint64_t y = 0;        // [lines], read by triad
  uint64_t out = 0;      // [lines], written
  uint64_t results = 0;  // [threads] words of 32 bits
  uint64_t clocks = 0;   // [2] of 64 bits: cycles and ns of thread 0's loop are added to them
  uint32_t lines = 1;    // of each array; under 2^31
  uint32_t turns = 1;    // of the loop, in each thread
  uint32_t inner = 0;    // CudaKernel::inner
  uint32_t period = 1;   // CudaKernel::period
  uint32_t operand = 0;  // CudaKernel::operand, or check_operand
};

inline constexpr int kWarp = 32;
using WarpWords = std::array<uint32_t, kWarp>;

// A launch has blocks_per_multiprocessor * multiprocessors blocks.
struct CudaLaunch {
  uint32_t blocks = 1;
  uint32_t block_threads = kWarp;
  bool joint = false;  // as CudaKernel::joint
  uint32_t threads() const { return blocks * block_threads; }
};

struct CudaKernel {
  std::string name;  // the instruction, how many at once, blocks and threads: for the row's label
  std::string ptx;   // a module with the entry `work`
  uint32_t block_threads = 256;
  uint32_t blocks_per_multiprocessor = 1;
  uint32_t shared_byte = 0;
  double thread_op = 0;    // operations of one thread in one turn; a multiply-add counts 2
  double thread_byte = 0;  // bytes that one thread loads and stores in one turn
  int arrays = 0;          // that the footprint is divided into
  bool joint = false;      // how the threads walk through them: see FirstLine
  bool unrolled = true;    // the compiler may repeat the loop's body, for more registers
  uint32_t inner = 0;
  uint32_t period = 1;  // turns are a multiple of it
  uint32_t operand = 0;
  // With it the result tells how many operations were done; with `operand` numbers stay bounded,
  // however long the loop runs.
  uint32_t check_operand = 0;
  // How the words of memory are filled: see FilledWord.
  uint32_t keep_bits = 0;
  uint32_t set_bits = 0;
  // What the warp's threads leave in `results`, bit for bit. Null where they leave 0.
  std::function<WarpWords(const CudaArgs& args, CudaLaunch launch, uint32_t warp)> results;
  // What is written to line `index` of `out`. Null where nothing is.
  std::function<std::array<uint32_t, 4>(const CudaArgs& args, uint32_t index)> written;
};

// Word `index` of an array: mixed bits of the index, those of keep_bits, with set_bits. Memory full
// of zeros would take less power than weights do.
uint32_t FilledWord(const CudaKernel& kernel, uint32_t index);
// fill(u64 at, u64 words, u32 keep_bits, u32 set_bits): entry `fill`, any launch.
std::string FillPtx();

// Where thread `thread` begins and how far it goes on, in lines, each time wrapped at args.lines.
// Jointly, all threads stand side by side and go on by as many lines as they are: memory likes it.
// Else each block walks through the whole array from a place of its own, so that a multiprocessor
// comes back to a line only after it has seen all others: its own cache helps with none of them
// that it cannot hold together.
uint32_t FirstLine(const CudaArgs& args, CudaLaunch launch, uint32_t thread);
uint32_t NextLine(const CudaArgs& args, CudaLaunch launch, uint32_t line);

// Multiply-adds on registers; several ways where several may be the fastest. Empty where this GPU
// has no such instruction.
std::vector<CudaKernel> CudaPeakKernels(CudaFormat format, CudaCapability capability);

// Loads pass by the first-level cache, which would serve a block's neighbours else.
std::vector<CudaKernel> CudaStreamKernels(StreamKind kind);

// A read through the first-level cache, one block per multiprocessor: the sweep of footprints
// begins with it. From what passes by that cache on, CudaStreamKernels have it.
CudaKernel CudaLevelKernel();

// Loads with exactly `flop_per_byte` operations on what they bring: 1/16 to 1024, a power of two or
// 1.5 times one from 1.5 (f32) or 6 (bf16) on. f32: multiply-adds of the vector units; bf16: of the
// tensor cores, through mma.sync.
CudaKernel CudaIntensityKernel(CudaFormat format, double flop_per_byte, bool joint = false);

}  // namespace wattline::kernels
