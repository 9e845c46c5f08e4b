// The micro-kernels that a machine's ceilings are measured with: loops that do nothing but
// multiply-adds on registers, and loops that do nothing but move memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wattline::kernels {

enum class PeakFormat : uint8_t { kF32, kBF16, kInt8 };
const char* Name(PeakFormat format);  // "f32", "bf16", "int8", as in benchmark names

// Independent chains of multiply-adds, enough of them to cover latency x throughput.
// run(steps) multiplies ones by ones only and returns the sum of all accumulators, so that
// run(steps) = op_per_step / 2 * steps: the count of operations is part of the result. Ones switch
// fewer transistors than real data: where a chip lowers its clock for power, this is the upper end.
struct PeakKernel {
  PeakFormat format;
  const char* name;    // the instruction and the number of chains: "vfmadd231ps zmm x24"
  double op_per_step;  // a multiply-add counts 2
  double (*run)(int64_t steps);
};

enum class StreamKind : uint8_t { kRead, kWrite, kCopy, kTriad };
const char* Name(StreamKind kind);  // "read", "write", "copy", "triad"

// All arrays are 64-byte aligned and do not overlap.
struct StreamArgs {
  float* out = nullptr;      // [count], written by write, copy and triad
  const float* x = nullptr;  // [count], read by read, copy and triad
  const float* y = nullptr;  // [count], read by triad
  int64_t count = 0;
  int64_t passes = 1;  // times that the arrays are walked
  float scale = 1.0f;
};

// read: x's 32-bit words are loaded, and where `sums`, their sum modulo 2^32 over all passes is
// returned; else 0.  write: out = scale.  copy: out = x.  triad: out = x + scale * y.
struct StreamKernel {
  StreamKind kind;
  const char* name;  // vector, streams, what is special: "zmm 4 streams, prefetch 1 KiB"
  uint32_t (*run)(const StreamArgs& args);
  bool sums = true;
};

// Bytes that the kernel itself loads and stores: read 1, write 1, copy 2, triad 3 arrays. A line
// that a cache fetches only because it is written (write-allocate) is not counted.
double StreamByte(StreamKind kind, int64_t count);
int StreamArrays(StreamKind kind);

// A walk along `x` that loads every byte and does a chosen number of multiply-adds for each.
struct IntensityArgs {
  const void* x = nullptr;   // [byte], 64-byte aligned, elements of the kernel's format
  const void* y = nullptr;   // [64 byte], 64-byte aligned; int8: 0 to 127
  int64_t byte = 0;          // a multiple of the kernel's BlockByte()
  int64_t passes = 1;        // times that x is walked
  double flop_per_byte = 1;  // a power of two, kLeastIntensity to kMostIntensity
};
inline constexpr double kLeastIntensity = 1.0 / 16;
inline constexpr double kMostIntensity = 1024;

// With a = flop_per_byte / IntensityOfOne(format) multiply-adds per vector of x: where a < 1, only
// the vectors 0, 1/a, 2/a ... are multiplied, once, and the others loaded; else each is multiplied
// a times. Vector v times y, element by element, is added to accumulators, whose sum run() returns:
//   passes * max(a, 1) * (sum over the multiplied vectors v, elements i, of v[i] * y[i]).
// So the count of operations is part of the result. Accumulators of int8 wrap modulo 2^32.
struct IntensityKernel {
  PeakFormat format;
  const char* name;     // instruction, chains, what is special: "vfmadd231ps zmm x24"
  int64_t vector_byte;  // 16, 32 or 64
  double (*run)(const IntensityArgs& args);

  int64_t BlockByte() const;
};
// Holds any group of vectors that a loop writes out; 6 KiB of 512 bits.
inline constexpr int kIntensityBlockVectors = 96;
// FLOP per byte of one multiply-add for each element: 2 over the bytes of an element.
constexpr double IntensityOfOne(PeakFormat format) {
  return format == PeakFormat::kF32 ? 2.0 / 4 : format == PeakFormat::kBF16 ? 2.0 / 2 : 2.0 / 1;
}

// What an instruction set has of its own. One that extends another has that one's kernels too.
struct CeilingKernels {
  std::string_view isa;      // "avx2", "avx512", "amx", "neon" ...
  std::string_view extends;  // "avx512" of "amx"; else empty
  std::string (*why_not)();  // empty where this CPU can run it, else one sentence
  std::span<const PeakKernel> peaks;
  std::span<const StreamKernel> streams;
  std::span<const IntensityKernel> intensities;
};

// Every instruction set compiled into this program, best first.
std::span<const CeilingKernels> AllCeilingKernels();
// Whether these are among the kernels of instruction set `isa`; of an empty name all are.
bool IsPartOf(const CeilingKernels& part, std::string_view isa);

// `count` additions of registers that wait for each other: one clock cycle each.
void DependentAdds(int64_t count);

}  // namespace wattline::kernels
